"""Scores in few bytes: how near, how small, and that nothing else moves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmbench.models.ngram import NGram
from lmbench.ngrams.backoff import BackOff
from lmbench.ngrams.quantise import VALUES, _codes, normalised
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import Vocabulary

VOCAB = Vocabulary.of_words([f"w{i}" for i in range(400)])


def zipf(seed, n_rows):
    rng = np.random.default_rng(seed)
    draw = lambda: np.minimum(rng.zipf(1.3, rng.integers(1, 12)) + 1, len(VOCAB) - 1)  # noqa: E731
    return Sentences.of_rows([[*draw(), 1] for _ in range(n_rows)], VOCAB)


TRAIN, TEST = zipf(0, 3000), zipf(1, 200)


def test_a_few_values_are_kept_as_they_are():
    scores = np.array([-np.inf, -1.0, -0.5, -1.0, -np.inf])
    codes, values = _codes(scores)
    assert values.tolist() == [-np.inf, -1.0, -0.5]
    np.testing.assert_array_equal(values[codes], scores)


@pytest.mark.parametrize("impossible", [0, 5])
def test_many_values_become_256_near_ones(impossible):
    scores = -np.random.default_rng(0).gamma(4.0, 2.0, 20_000)
    scores[:impossible] = -np.inf
    codes, values = _codes(scores)
    assert codes.dtype == np.uint8
    assert len(values) <= VALUES
    assert np.all(np.diff(values) > 0)
    np.testing.assert_array_equal(np.isneginf(values[codes]), np.isneginf(scores))
    finite, possible = scores[impossible:], values[np.isfinite(values)]
    rounded = values[codes[impossible:]]
    np.testing.assert_array_equal(np.abs(rounded - finite), np.abs(finite[:, None] - possible).min(axis=1))
    # equal populations, the values their means: what Lloyd's algorithm must beat
    parts = np.array_split(np.sort(finite), 256)
    equal = np.sqrt(sum(((part - part.mean()) ** 2).sum() for part in parts) / len(finite))
    assert np.sqrt(np.mean((rounded - finite) ** 2)) < 0.6 * equal


def test_a_model_of_8_bits_is_near_and_a_distribution():
    exact, rounded = (NGram(order=3, bits=bits).fit(TRAIN, TEST) for bits in (64, 8))
    np.testing.assert_allclose(rounded.log_probs(TEST), exact.log_probs(TEST), rtol=0, atol=0.2)
    assert rounded.log_probs(TEST).mean() == pytest.approx(exact.log_probs(TEST).mean(), abs=2e-3)
    assert not np.array_equal(rounded.log_probs(TEST), exact.log_probs(TEST))
    prefixes = Sentences.of_rows([row[:i] for row in TEST for i in range(len(row))], VOCAB)
    np.testing.assert_allclose(np.exp(rounded.next_log_probs(prefixes)).sum(axis=1), 1, atol=1e-12)


def test_a_model_of_32_bits_is_its_numbers_rounded():
    exact, rounded = (NGram(order=3, bits=bits).fit(TRAIN, TEST).backoff_ for bits in (64, 32))
    for found, values in zip(rounded.log_p + rounded.log_gamma, exact.log_p + exact.log_gamma, strict=True):
        np.testing.assert_array_equal(found, values.astype(np.float32).astype(np.float64))


def test_fewer_bits_are_fewer_bytes():
    sizes = [
        sum(array.nbytes for array in NGram(order=3, bits=bits, counts=counts).fit(TRAIN, TEST).state().values())
        for bits, counts in [(64, True), (32, True), (8, True), (8, False)]
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[2] < sizes[0] / 2


def test_a_distribution_is_normalised_already():
    model = NGram(order=3, smoothing="witten_bell").fit(TRAIN, TEST).backoff_
    again = normalised(model)
    for found, values in zip(again.log_p + again.log_gamma, model.log_p + model.log_gamma, strict=True):
        np.testing.assert_allclose(found, values, atol=1e-9)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_any_scores_become_a_distribution(seed):
    model = NGram(order=3).fit(TRAIN.take(np.arange(30)), TEST).backoff_
    rng = np.random.default_rng(seed)
    shaken = [[values + rng.normal(size=len(values)) for values in part] for part in (model.log_p, model.log_gamma)]
    found = normalised(BackOff(model.index, *map(tuple, shaken)))
    p = np.exp(found.next_log_probs(Sentences.of_rows([[], *TRAIN.take([0, 1, 2])], VOCAB)))
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-9)
