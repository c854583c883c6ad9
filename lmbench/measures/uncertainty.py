"""How sure a number is: percentile bootstraps over sentences, over words, and of paired differences.

Tokens of one sentence stand or fall together, so sentences are resampled, never tokens; a perplexity is
then a ratio of two resampled sums. Probes that share a word stand or fall together too, so words are
resampled, never probes. None of this covers the variance between training seeds, which is shown beside it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lmbench.measures.perplexity import BITS, Floats

RESAMPLES = 2000
LEVEL = 95
STREAM_BLOCK = 20
"""Segments of a stream that are resampled together, because what follows depends on what went before."""
FEW = 20
"""Below so many clusters a percentile interval is too narrow and is called approximate."""
CHUNK = 4_000_000
"""Cells of the weights matrix held at once: 32 MB."""


@dataclass(frozen=True)
class Difference:
    """How many bits per token the left model needs above the right one, with a 95 % interval.

    clusters: sentences (or blocks of a stream) resampled
    """

    bits: float
    low: float
    high: float
    clusters: int

    @property
    def tie(self) -> bool:
        """Whether the interval contains 0."""
        return self.low <= 0 <= self.high

    @property
    def approximate(self) -> bool:
        return self.clusters < FEW


def resample_sums(
    values: Floats, *, resamples: int = RESAMPLES, rng: np.random.Generator, block: int = 1
) -> tuple[Floats, int]:
    """Sums of the columns of float64 (S, K) over rows drawn with replacement: float64 (resamples, K), and the clusters.

    Every column sees the same draws, so columns may be compared pair by pair. block consecutive rows are
    drawn together.
    """
    blocked = np.add.reduceat(values, np.arange(0, len(values), block), axis=0) if len(values) else values
    chunks = [weights @ blocked for weights in _weights(len(blocked), resamples, rng)]
    return np.concatenate(chunks) if chunks else np.full((resamples, values.shape[1]), np.nan), len(blocked)


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


def interval(samples: Floats) -> tuple[float, float]:
    """The middle 95 % of resampled values, NaN left out (a resample may draw no item at all)."""
    samples = samples[~np.isnan(samples)]
    if not len(samples):
        return float("nan"), float("nan")
    low, high = np.percentile(samples, [(100 - LEVEL) / 2, (100 + LEVEL) / 2])
    return float(low), float(high)


def bootstrap_perplexity(
    row_log_probs: Floats,
    row_tokens: npt.NDArray[np.int64],
    *,
    resamples: int = RESAMPLES,
    rng: np.random.Generator,
    block: int = 1,
) -> tuple[float, float]:
    """The 95 % interval of exp(-sum of log-probabilities / sum of tokens) over resampled sentences.

    row_log_probs: float64 (S,) nats; row_tokens: int64 (S,). NaN where a sentence is impossible: the perplexity
    is infinite in almost every resample and an interval would say nothing.
    """
    if not np.isfinite(row_log_probs).all():
        return float("nan"), float("nan")
    sums, _ = resample_sums(np.stack([row_log_probs, row_tokens], axis=1), resamples=resamples, rng=rng, block=block)
    return interval(np.exp(-sums[:, 0] / sums[:, 1]))


def paired_difference(
    left: Floats,
    right: Floats,
    row_tokens: npt.NDArray[np.int64],
    *,
    resamples: int = RESAMPLES,
    rng: np.random.Generator,
    block: int = 1,
) -> Difference:
    """Bits per token of left minus right on the same sentences; above 0, right predicts better.

    left, right: float64 (S,) nats of each sentence. Where one side is impossible the difference is infinite and
    certain; where both are, there is nothing to compare and it is NaN.
    """
    finite = bool(np.isfinite(left).all()), bool(np.isfinite(right).all())
    clusters = -(-len(row_tokens) // block)
    if not all(finite):
        bits = float("nan") if not any(finite) else float("inf") if finite[1] else float("-inf")
        return Difference(bits, bits, bits, clusters)
    gain = right - left
    sums, clusters = resample_sums(np.stack([gain, row_tokens], axis=1), resamples=resamples, rng=rng, block=block)
    low, high = interval(sums[:, 0] / sums[:, 1] * BITS)
    return Difference(float(gain.sum() / row_tokens.sum() * BITS), low, high, clusters)


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
    return interval(sums[:, 0] / sums[:, 1])


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
    return interval(np.concatenate(means))


def _numbered(clusters: Sequence[Hashable]) -> tuple[int, npt.NDArray[np.int64]]:
    """How many distinct clusters there are, and the number of each item's: int64, by first appearance."""
    numbers = {name: number for number, name in enumerate(dict.fromkeys(clusters))}
    return len(numbers), np.array([numbers[name] for name in clusters], np.int64)
