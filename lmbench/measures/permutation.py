"""Whether a difference could be nothing: sign-flip tests, and what is left of them after many comparisons.

If neither of two models were the better one, the difference of their scores on a sentence (on a document, where
those are known) would be as likely to have the other sign, whatever its size (Fisher 1935; Noreen 1989). So the
sum of all differences is compared with the sums under other signs. No distribution is assumed; scipy has such a
test for one sample, and here many columns share the flips, as they share the draws of the bootstrap.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lmbench.measures.perplexity import Floats
from lmbench.measures.uncertainty import CHUNK, Ints, cluster_sums

FLIPS = 19_999
"""Patterns of signs that are drawn beside the observed one: p is 1 / 20,000 at least."""
SLACK = 1e-9
"""Sums so near, relatively, are equal: sums of the same numbers in another order."""


def flipped_sums(values: Floats, clusters: Ints | None = None, *, flips: int = FLIPS, seed: int = 0) -> Floats:
    """Sums of the columns of float64 (S, K) under patterns of signs, one a cluster: float64 (patterns, K).

    The first pattern is the observed one. Up to flips + 1 patterns are taken, all of them where there are no
    more (a pattern and its opposite are one, so C clusters have 2 ** (C - 1)); otherwise they are drawn.
    Every column sees the same signs, so the difference of two columns is the flipped difference.
    """
    summed = cluster_sums(values, clusters)
    n = len(summed)
    if not n:
        return np.zeros((1, values.shape[1]))
    exact = n <= 64 and 2 ** (n - 1) <= flips + 1
    patterns = _all(n) if exact else _drawn(n, flips, np.random.default_rng(seed))
    return np.concatenate([signs @ summed for signs in patterns])


def _all(n: int) -> Iterator[Floats]:
    """Every pattern of n signs, the first of which is +."""
    minus = np.arange(2 ** (n - 1))[:, None] >> np.arange(n - 1) & 1
    yield np.insert(1.0 - 2.0 * minus, 0, 1.0, axis=1)


def _drawn(n: int, flips: int, rng: np.random.Generator) -> Iterator[Floats]:
    """No sign turned, then `flips` patterns at random, some at a time."""
    yield np.ones((1, n))
    height = max(1, CHUNK // n)
    for start in range(0, flips, height):
        minus = rng.integers(0, 2, size=(min(height, flips - start), n), dtype=np.int8)
        yield 1.0 - 2.0 * minus.astype(np.float64)


def sign_flip_p(sums: Floats) -> Floats:
    """float64 (K,): two-sided p of each column of flipped_sums, the share of patterns whose sum is as far from 0.

    The observed pattern is one of them, so p is never 0 and the test holds its level where patterns are drawn too
    (Phipson & Smyth 2010).
    """
    size = np.abs(sums)
    share: Floats = (size >= size[0] * (1 - SLACK)).mean(axis=0)
    return share


def against_the_best(p_values: Floats) -> Floats:
    """float64 (K,): p-values of K rows against the best of K + 1, adjusted for being many and for how it was picked.

    Holm (1979) steps through the rows, smallest p first, and multiplies by the comparisons that are left. Against a
    row fixed beforehand those would be as many as rows; but the best is known from the test set itself, and of ten
    equal rows one would then be called worse than the best on 15 % of test sets. So each step counts the pairs of
    the rows that are left, m (m + 1) / 2 for m of them and the best: whichever turned out best, its comparison was
    counted. Then it is 4 %.
    """
    order = np.argsort(p_values, kind="stable")
    left = np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.maximum.accumulate(np.minimum(1, p_values[order] * left * (left + 1) / 2))
    return adjusted
