"""Whether a text repeats another more often than the other repeats itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

CHANCE = 0.001
"""A finding that chance alone has with a smaller probability is none of chance."""
EXCESS = 0.01
"""Of the lines: fewer than that above what is usual are bursts, such as a table that a newspaper prints each day."""


@dataclass(frozen=True)
class Share:
    """found of so many."""

    found: int
    of: int

    @property
    def share(self) -> float:
        """found / of, 0 of nothing."""
        return self.found / self.of if self.of else 0.0


def beyond(here: Share, usual: Share) -> bool:
    """Whether `here` is EXCESS above what is usual, and chance would have it so seldom as CHANCE.

    Under one unknown rate for both, `here` given `usual` is beta-binomial (Jeffreys' prior).
    """
    from scipy.stats import betabinom  # type: ignore[import-untyped]

    if not here.found or here.share - usual.share < EXCESS:
        return False
    tail = betabinom.sf(here.found - 1, here.of, usual.found + 0.5, usual.of - usual.found + 0.5)
    return bool(tail < CHANCE)


def expected(found: npt.NDArray[np.bool_], classes: npt.NDArray[np.int64], wanted: npt.NDArray[np.int64]) -> Share:
    """The share of lines that are found, were the lines of the classes that are wanted.

    found, classes: (S,), of lines    wanted: (T,), the classes of others, whose share is expected
    A class that no line is of has the share of all.
    """
    if not len(found) or not len(wanted):
        return Share(0, len(found))
    size = int(max(classes.max(), wanted.max())) + 1
    n = np.bincount(classes, minlength=size)
    rate = np.where(n > 0, np.bincount(classes, found, size) / np.maximum(n, 1), found.mean())
    return Share(round(float(rate[wanted].mean()) * len(found)), len(found))


def repeats(lines: Sequence[str], draws: int | None = None) -> Share:
    """How many lines are found again among the others, or among `draws` of the others taken at random.

    Of the n lines one that occurs c times is among m of the other n - 1 with probability 1 - (1 - m / (n - 1))^(c - 1),
    about. Under independent draws from one language that is the share of new lines that m lines already have.
    """
    n = len(lines)
    chosen = 1.0 if draws is None or n < 2 else min(1.0, draws / (n - 1))
    counts = np.array(list(Counter(lines).values()), np.int64)
    return Share(round(float((counts * (1 - (1 - chosen) ** (counts - 1))).sum())), n)
