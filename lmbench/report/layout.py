"""Where the marks and words of a figure go, and in how few letters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from lmbench.report.numbers import power
from lmbench.text.printable import printable

UNKNOWN = "†"
"""Behind a word that is not in the vocabulary."""


def round_numbers(low: float, high: float) -> list[float]:
    """Two to six round numbers within the range of a log scale, as coarse as leaves three of them where it can."""
    powers = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
    best: list[float] = []
    for steps in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7), (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)):
        found = [step * 10.0**power for power in powers for step in steps if low <= step * 10.0**power <= high]
        if len(found) > 6:
            break
        best = found
        if len(best) >= 3:
            return best
    if low == high:
        return [low]
    unit = 10.0 ** math.floor(math.log10(high - low))  # a narrow range is nearly linear
    for step in (unit / 5, unit / 2, unit, 2 * unit, 5 * unit):
        multiples = range(math.ceil(low / step), math.floor(high / step) + 1)
        if len(best) < 3 and len(multiples) <= 6:
            return [round(multiple * step, 9) for multiple in multiples]
    return best


def spread(values: Sequence[float], gap: float) -> list[float]:
    """The values moved apart so that no two are nearer than gap, order kept, none below 0."""
    order = np.argsort(values, kind="stable")
    placed = np.array(values, float)
    for _ in range(200):
        for low, high in pairwise(order):
            if (short := gap - (placed[high] - placed[low])) > 1e-9:
                placed[low], placed[high] = placed[low] - short / 2, placed[high] + short / 2
    return [float(value) for value in placed - min(0.0, placed.min())]


def brief(p: float) -> str:
    """A probability in five letters."""
    return "0" if p == 0 else f"{p:.2f}" if p >= 0.0995 else f"{p:.3f}" if p >= 0.001 else power(p, 1)


def short(text: str, most: int = 26) -> str:
    """One line of so many letters; the middle goes, since names that begin alike differ at their ends."""
    text = printable(" ".join(text.split()))
    tail = most // 3
    return text if len(text) <= most else text[: most - tail - 1] + "…" + text[-tail:]
