"""Perplexity and bits on values worked by hand, and what ties them together."""

from math import exp, inf, isclose, isnan, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmbench.measures.perplexity import BITS, bits_per_character, bits_per_token, impossible, perplexity

fixed = settings(deadline=None, max_examples=60)
nats = st.lists(st.floats(-50, 0), min_size=1, max_size=20).map(np.array)


def test_by_hand():
    # p = 1/2, 1/4, 1/8: bits 1 + 2 + 3 = 6, 2 a token, perplexity 2^2 = 4.
    log_probs = np.log([1 / 2, 1 / 4, 1 / 8])
    assert bits_per_token(log_probs) == pytest.approx(2)
    assert perplexity(log_probs) == pytest.approx(4)
    # 6 bits of events, <unk> among them spelled with 4 more, over 5 characters: 10 / 5 = 2.
    assert bits_per_character(log_probs, np.array([0.0, 4.0, 0.0]), 5) == pytest.approx(2)


def test_a_bit_is_ln_2_nats():
    assert isclose(BITS, 1 / log(2))


@given(st.integers(1, 10_000))
@fixed
def test_a_uniform_model_has_the_perplexity_of_its_size(size):
    assert perplexity(np.full(7, -np.log(size))) == pytest.approx(size)


@given(nats)
@fixed
def test_perplexity_is_two_to_the_bits(log_probs):
    assert perplexity(log_probs) == pytest.approx(exp(-sum(log_probs) / len(log_probs)))
    assert perplexity(log_probs) == pytest.approx(2 ** bits_per_token(log_probs))


@given(nats, st.data())
@fixed
def test_a_mask_and_its_complement_make_the_whole(log_probs, data):
    """Bits of the parts, weighed by how many tokens they have, are the bits of the whole."""
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(log_probs), max_size=len(log_probs))))
    parts = [(part := log_probs[side], len(part)) for side in (mask, ~mask)]
    whole = sum(bits_per_token(part) * n for part, n in parts if n) / len(log_probs)
    assert whole == pytest.approx(bits_per_token(log_probs), abs=1e-9)


@given(nats, st.integers(1, 100))
@fixed
def test_bits_per_character_without_spelling_are_bits_per_token_spread(log_probs, characters):
    spread = bits_per_token(log_probs) * len(log_probs) / characters
    assert bits_per_character(log_probs, np.zeros(len(log_probs)), characters) == pytest.approx(spread, abs=1e-9)


def test_one_impossible_prediction_makes_it_infinite():
    log_probs = np.array([-1.0, -np.inf, -2.0, -np.inf])
    assert impossible(log_probs) == 2
    assert perplexity(log_probs) == bits_per_token(log_probs) == inf
    assert bits_per_character(log_probs, np.zeros(4), 3) == inf
    assert impossible(np.array([-1.0, 0.0])) == 0


def test_no_predictions_have_no_perplexity():
    nothing = np.empty(0)
    assert isnan(perplexity(nothing))
    assert isnan(bits_per_token(nothing))
    assert impossible(nothing) == 0


def test_certainty_costs_nothing():
    assert perplexity(np.zeros(3)) == 1
    assert bits_per_token(np.zeros(3)) == 0
