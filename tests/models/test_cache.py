"""A row's own words, counted one at a time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmbench.errors import BadConfig
from lmbench.models.cache import LEAST, MOST, Cache
from lmbench.ngrams.unigram import unigram
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import UNK, Vocabulary

VOCAB = Vocabulary.of_words(["a", "b", "c"])
V = len(VOCAB)
rows = st.lists(st.lists(st.integers(0, V - 1), max_size=9), max_size=6)
TRAIN = Sentences.encode([["a", "a", "b", "c"], ["a", "b"]], VOCAB)


def batch_of(some_rows):
    return Sentences.of_rows(some_rows, VOCAB)


def test_probabilities_by_hand():
    # Train is a a b c </s> a b </s>: N = 8, T = 4, V = 5; P = (count + 4/5) / (8 + 4), so
    # P(a) = 3.8 / 12, P(b) = 2.8 / 12, P(</s>) = 2.8 / 12, P(<unk>) = 0.8 / 12
    model = Cache(window=2, mu=4.0).fit(TRAIN, TRAIN)
    found = np.exp(model.log_probs(batch_of([[2, 2, 3, 2, 0]])))
    expected = [
        3.8 / 12,  # nothing said yet
        (1 + 4 * 3.8 / 12) / (1 + 4),  # a, after a
        (0 + 4 * 2.8 / 12) / (2 + 4),  # b, after a a
        (1 + 4 * 3.8 / 12) / (2 + 4),  # a, after a b: the first a is forgotten
        (0 + 4 * 0.8 / 12) / (2 + 4),  # <unk>, which train has not
    ]
    assert found == pytest.approx(expected)


@given(rows, st.integers(1, 4) | st.none())
def test_counts_are_those_of_each_window(some_rows, window):
    model = Cache(window=window, mu=1.5).fit(TRAIN, TRAIN)
    p = unigram(TRAIN)
    expected = []
    for row in some_rows:
        for i, token in enumerate(row):
            past = row[:i] if window is None else row[max(i - window, 0) : i]
            expected.append((past.count(token) + 1.5 * p[token]) / (len(past) + 1.5))
    assert np.exp(model.log_probs(batch_of(some_rows))) == pytest.approx(expected)


def test_the_chosen_mu_is_told():
    rng = np.random.default_rng(0)
    valid = batch_of([rng.integers(0, V, 40)])
    model = Cache(window=3).fit(TRAIN, valid)
    assert LEAST < model.mu_ < MOST
    assert model.notes() == (f"mu = {model.mu_:.3g}, chosen on valid",)
    assert Cache(mu=3.0).fit(TRAIN, valid).notes() == ()


def test_a_text_that_never_repeats_leaves_the_unigram():
    model = Cache().fit(TRAIN, batch_of([[2, 3, 4, 1]]))
    assert model.mu_ == pytest.approx(MOST)
    assert model.log_probs(TRAIN) == pytest.approx(np.log(unigram(TRAIN))[TRAIN.tokens], abs=1e-4)


def test_it_learns_from_what_it_scores():
    model = Cache(mu=1.0).fit(TRAIN, TRAIN)
    assert model.track == "adaptive"
    once, again = model.log_probs(batch_of([[UNK, UNK]]))
    assert again > once + 1


@pytest.mark.parametrize(("fields", "told"), [({"window": 0}, "window = 0 is not"), ({"mu": 0.0}, "mu = 0.0 is not")])
def test_what_means_nothing_is_refused(fields, told):
    with pytest.raises(BadConfig, match=told):
        Cache(**fields)
