"""From how much text on one model is ahead of another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lmbench.measures.perplexity import Floats
from lmbench.measures.uncertainty import LEVEL


def crossover(sizes: Sequence[int], lead: Floats) -> Floats:
    """float64 (R,): the size from which on a model stays ahead, on each of R curves of K sizes.

    sizes: (K,), rising    lead: float64 (R, K), by how much it is ahead at each size, below 0 where it is behind

    Between two sizes the lead is taken to change evenly with the logarithm of the size. 0 where it is ahead at every
    size, inf where it is behind, or level, at the largest.
    """
    places = np.log(np.asarray(sizes, np.float64))
    behind = lead <= 0
    found = np.zeros(len(lead))
    found[behind[:, -1]] = np.inf
    last = len(sizes) - 1 - np.argmax(behind[:, ::-1], axis=1)  # the last size at which it is behind
    rows = np.flatnonzero(behind.any(axis=1) & ~behind[:, -1])
    before, after = lead[rows, last[rows]], lead[rows, last[rows] + 1]
    start, step = places[last[rows]], np.diff(places)[last[rows]]
    found[rows] = np.exp(start + step * before / (before - after))
    return found


def interval(samples: Floats) -> tuple[float, float]:
    """The middle 95 % of crossovers, ends that are samples: between a size and 'never' there is nothing."""
    low, high = np.percentile(samples, [(100 - LEVEL) / 2, (100 + LEVEL) / 2], method="nearest")
    return float(low), float(high)
