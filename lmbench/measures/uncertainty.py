"""How sure a number is: percentile bootstraps over sentences, documents or words, and of paired differences.

Tokens of one sentence stand or fall together, so sentences are resampled, never tokens; a perplexity is
then a ratio of two resampled sums. Sentences of one document do too, so where documents are known those are
resampled, and probes that share a word, so words are. None of this covers the variance between training
seeds, which is shown beside it. tests/measures/test_calibration.py holds all of it to what it claims.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, stdtrit  # type: ignore[import-untyped]

from lmbench.measures.perplexity import BITS, Floats

Ints = npt.NDArray[np.int64]

RESAMPLES = 2000
LEVEL = 95
STREAM_BLOCK = 20
"""Segments of a stream that are resampled together, because what follows depends on what went before."""
FEW = 20
"""Below so many clusters an interval is called approximate."""
ALPHA = (100 - LEVEL) / 100
CHUNK = 4_000_000
"""Cells of the weights matrix held at once: 32 MB."""


@dataclass(frozen=True)
class Difference:
    """How many bits per token the left model needs above the right one, with a 95 % interval.

    clusters: sentences, documents or blocks of a stream that were resampled
    p:        of a test that neither is better (measures.permutation); NaN where none was made
    adjusted: p, made up for the other comparisons it stands among; p itself where it stands alone
    """

    bits: float
    low: float
    high: float
    clusters: int
    p: float = float("nan")
    adjusted: float = float("nan")

    @property
    def tie(self) -> bool:
        """The one rule: the interval contains 0, or the adjusted p is .05 or more."""
        return self.low <= 0 <= self.high or self.adjusted >= ALPHA

    @property
    def approximate(self) -> bool:
        return self.clusters < FEW


def blocks(n: int, size: int) -> Ints:
    """int64 (n,): the number of each item's block of `size` consecutive items."""
    return np.arange(n) // size


def cluster_sums(values: Floats, clusters: Ints | None) -> Floats:
    """float64 (C, K): the sums of float64 (S, K) over the rows of each cluster.

    clusters: int64 (S,), the number of each row's cluster, in any order; None: each row is one
    """
    if clusters is None or not len(values):
        return values
    order = np.argsort(clusters, kind="stable")
    starts = np.flatnonzero(np.diff(clusters[order], prepend=clusters[order[0]] - 1))
    return np.add.reduceat(values[order], starts, axis=0)


def resample_sums(
    values: Floats, clusters: Ints | None = None, *, resamples: int = RESAMPLES, rng: np.random.Generator
) -> tuple[Floats, int]:
    """Sums of the columns of float64 (S, K) over clusters drawn with replacement: float64 (resamples, K), and C.

    Every column sees the same draws, so columns may be compared pair by pair.
    """
    summed = cluster_sums(values, clusters)
    chunks = [weights @ summed for weights in _weights(len(summed), resamples, rng)]
    return np.concatenate(chunks) if chunks else np.full((resamples, values.shape[1]), np.nan), len(summed)


def _weights(clusters: int, resamples: int, rng: np.random.Generator) -> Iterator[Floats]:
    """How often each cluster is drawn, float64 (some of the resamples, clusters); the draws do not depend on CHUNK."""
    if clusters == 0:
        return
    height = max(1, CHUNK // clusters)
    for start in range(0, resamples, height):
        rows = min(height, resamples - start)
        drawn = rng.integers(0, clusters, size=(rows, clusters))
        drawn += np.arange(rows)[:, None] * clusters
        yield np.bincount(drawn.ravel(), minlength=rows * clusters).reshape(rows, clusters).astype(np.float64)


def interval(samples: Floats, clusters: int) -> tuple[float, float]:
    """The 95 % interval of a number from its resampled values, NaN left out (a resample may draw no item at all)."""
    samples = samples[~np.isnan(samples)]
    if not len(samples):
        return float("nan"), float("nan")
    low, high = intervals(samples[:, None], clusters)[0]
    return float(low), float(high)


def intervals(samples: Floats, clusters: int) -> Floats:
    """float64 (K, 2): the 95 % interval of each column of float64 (resamples, K).

    The expanded percentile interval (Hesterberg 2015, "What teachers should know about the bootstrap", section
    4.4): resamples of C clusters vary as a variance over C and not C - 1 does, and know nothing of Student's t,
    so the ends are the percentiles that make up for both. 2.5 and 97.5 for many clusters, 1.4 and 98.6 for 20.
    """
    tail = ALPHA / 2
    if clusters > 1:
        tail = float(ndtr(np.sqrt(clusters / (clusters - 1)) * stdtrit(clusters - 1, tail)))
    ends: Floats = np.percentile(samples, [100 * tail, 100 * (1 - tail)], axis=0).T
    return ends


def bootstrap_perplexity(
    row_log_probs: Floats,
    row_tokens: Ints,
    clusters: Ints | None = None,
    *,
    resamples: int = RESAMPLES,
    rng: np.random.Generator,
) -> tuple[float, float]:
    """The 95 % interval of exp(-sum of log-probabilities / sum of tokens) over resampled sentences or clusters.

    row_log_probs: float64 (S,) nats; row_tokens, clusters: int64 (S,). NaN where a sentence is impossible: the
    perplexity is infinite in almost every resample and an interval would say nothing.
    """
    if not np.isfinite(row_log_probs).all():
        return float("nan"), float("nan")
    sums, n = resample_sums(np.stack([row_log_probs, row_tokens], axis=1), clusters, resamples=resamples, rng=rng)
    return interval(np.exp(-sums[:, 0] / sums[:, 1]), n)


def paired_difference(
    left: Floats,
    right: Floats,
    row_tokens: Ints,
    clusters: Ints | None = None,
    *,
    resamples: int = RESAMPLES,
    rng: np.random.Generator,
) -> Difference:
    """Bits per token of left minus right on the same sentences; above 0, right predicts better.

    left, right: float64 (S,) nats of each sentence. Where one side is impossible the difference is infinite and
    certain; where both are, there is nothing to compare and it is NaN.
    """
    finite = bool(np.isfinite(left).all()), bool(np.isfinite(right).all())
    if not all(finite):
        bits = float("nan") if not any(finite) else float("inf") if finite[1] else float("-inf")
        return Difference(bits, bits, bits, count(row_tokens, clusters))
    gain = right - left
    sums, n = resample_sums(np.stack([gain, row_tokens], axis=1), clusters, resamples=resamples, rng=rng)
    low, high = interval(sums[:, 0] / sums[:, 1] * BITS, n)
    return Difference(float(gain.sum() / row_tokens.sum() * BITS), low, high, n)


def count(rows: Ints, clusters: Ints | None) -> int:
    """How many clusters the rows are in."""
    return len(rows) if clusters is None else len(np.unique(clusters))


def cluster_bootstrap(
    values: Floats, clusters: Sequence[Hashable], *, resamples: int = RESAMPLES, rng: np.random.Generator
) -> tuple[float, float]:
    """The 95 % interval of the mean of values, float64 (P,), when whole clusters are drawn.

    NaN for fewer than 2 clusters, and where all values are equal: resampling them would claim certainty.
    """
    names, ids = _numbered(clusters)
    if names < 2 or np.ptp(values) == 0:
        return float("nan"), float("nan")
    table = np.stack([np.bincount(ids, values, names), np.bincount(ids, minlength=names)], axis=1)
    sums, _ = resample_sums(table.astype(np.float64), resamples=resamples, rng=rng)
    return interval(sums[:, 0] / sums[:, 1], names)


def crossed_bootstrap(
    values: Floats,
    first: Sequence[Hashable],
    second: Sequence[Hashable],
    *,
    resamples: int = RESAMPLES,
    rng: np.random.Generator,
) -> tuple[float, float]:
    """The 95 % interval of the mean of values, float64 (C,), of items made of two words each.

    Words are drawn; an item's weight is the product of how often its two words were. A word is the same word
    whether it stands first or second. NaN where cluster_bootstrap gives NaN.
    """
    names, ids = _numbered([*first, *second])
    if names < 2 or np.ptp(values) == 0:
        return float("nan"), float("nan")
    one, other = ids[: len(values)], ids[len(values) :]
    means = []
    for weights in _weights(names, resamples, rng):
        for start in range(0, len(weights), height := max(1, CHUNK // len(values))):
            items = weights[start : start + height, one] * weights[start : start + height, other]
            total = items.sum(axis=1)
            means.append(np.where(total > 0, items @ values / np.maximum(total, 1), np.nan))
    return interval(np.concatenate(means), names)


def _numbered(clusters: Sequence[Hashable]) -> tuple[int, Ints]:
    """How many distinct clusters there are, and the number of each item's: int64, by first appearance."""
    numbers = {name: number for number, name in enumerate(dict.fromkeys(clusters))}
    return len(numbers), np.array([numbers[name] for name in clusters], np.int64)
