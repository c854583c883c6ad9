"""Whether 95 % means 95 % and .05 means .05: the machinery on texts of which the truth is known.

Two thousand texts at once, a column each: they share the draws and flips, as the rows of a report do. Differences
are heavy-tailed (Student's t with 3 degrees); tokens of a sentence share an effect, and in the second kind of text
sentences of a document do. What must hold is asserted of the machinery, and that it does not hold of a wrong one,
which draws tokens instead of sentences, or sentences instead of documents. Seeds are fixed; with six others
coverage was .936 to .954, and equal models were called different in .037 to .054 of the texts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from lmbench.measures.permutation import against_the_best, flipped_sums, sign_flip_p
from lmbench.measures.uncertainty import ALPHA, intervals, resample_sums

TEXTS = 2000
TRUTH = 0.02
"""Nats a token by which one model is the better one."""


@dataclass(frozen=True)
class Texts:
    """gains: float64 (U, texts), the difference of two models on each unit; its mean a token is TRUTH

    tokens: float64 (U,) of each unit; clusters: int64 (U,), what stands or falls together
    """

    gains: np.ndarray
    tokens: np.ndarray
    clusters: np.ndarray


def tokens_in_sentences(texts: int = TEXTS, seed: int = 0) -> Texts:
    """300 sentences of 3 to 25 tokens, units are tokens: most of the difference is the sentence's."""
    rng = np.random.default_rng(seed)
    of = np.repeat(np.arange(300), rng.integers(3, 26, 300))
    effect = 0.2 * rng.standard_t(3, (300, texts))
    noise = 0.3 * rng.standard_t(3, (len(of), texts))
    return Texts(TRUTH + effect[of] + noise, np.ones(len(of)), of)


def sentences_in_documents(texts: int = TEXTS, seed: int = 0) -> Texts:
    """300 documents of 1 to 60 sentences, most of them short and none in one piece, as reviews are of films."""
    rng = np.random.default_rng(seed)
    of = rng.permutation(np.repeat(np.arange(300), np.minimum(rng.geometric(1 / 8, 300), 60)))
    tokens = rng.integers(3, 26, len(of)).astype(float)
    effect = 0.1 * rng.standard_t(3, (300, texts))
    noise = rng.standard_t(3, (len(of), texts))
    return Texts(tokens[:, None] * (TRUTH + effect[of]) + np.sqrt(tokens)[:, None] * noise, tokens, of)


KINDS = (tokens_in_sentences, sentences_in_documents)


def coverage(texts: Texts, clusters: np.ndarray | None) -> float:
    """In how many of the texts the interval of the difference holds the truth."""
    columns = np.column_stack([texts.gains, texts.tokens])
    sums, n = resample_sums(columns, clusters, resamples=1000, rng=np.random.default_rng(2))
    ends = intervals(sums[:, :-1] / sums[:, -1:], n)
    return float(((ends[:, 0] <= TRUTH) & (ends[:, 1] >= TRUTH)).mean())


def rejections(texts: Texts, clusters: np.ndarray | None) -> float:
    """In how many of the texts two models that are equally good are called different."""
    equal = texts.gains - TRUTH * texts.tokens[:, None]
    return float((sign_flip_p(flipped_sums(equal, clusters, flips=999)) < ALPHA).mean())


@pytest.mark.parametrize("made", KINDS)
def test_intervals_hold_the_truth_95_times_in_100(made):
    texts = made()
    assert 0.93 <= coverage(texts, texts.clusters) <= 0.97


@pytest.mark.parametrize("made", KINDS)
def test_equal_models_are_called_different_5_times_in_100(made):
    texts = made()
    assert 0.035 <= rejections(texts, texts.clusters) <= 0.065


@pytest.mark.parametrize("made", KINDS)
def test_what_draws_units_that_are_not_independent_does_not_pass(made):
    texts = made(texts=400)
    assert coverage(texts, None) < 0.93
    assert rejections(texts, None) > 0.065


@pytest.mark.parametrize("n", [2, 6, 12])
def test_of_equal_rows_none_is_called_worse_than_the_best_95_times_in_100(n):
    """Which is the best is seen on the very text that tests it; tables of few rows, two of them, and of many."""
    rng = np.random.default_rng(3)
    hits, holm, tables = 0, 0, 400
    scores = rng.standard_t(3, (200, n, tables))
    sums = flipped_sums(scores.reshape(200, -1), flips=1999).reshape(-1, n, tables)
    for table in range(tables):
        best = sums[0, :, table].argmax()
        others = np.delete(sums[:, :, table], best, axis=1)
        p_values = sign_flip_p(others - sums[:, [best], table])
        hits += bool((against_the_best(p_values) < ALPHA).any())
        holm += bool(p_values.min() * (n - 1) < ALPHA)
    assert hits / tables <= 0.065
    # Holm's own first step, which takes the best for a row fixed beforehand, does not hold its level
    assert n == 2 or holm / tables > 0.08
