"""What a row cost: seconds and memory."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from statistics import median
from typing import TypeVar

Item = TypeVar("Item")


@contextmanager
def stopwatch() -> Iterator[list[float]]:
    """Appends the seconds its block took to the list it gives."""
    seconds: list[float] = []
    start = time.perf_counter()
    yield seconds
    seconds.append(time.perf_counter() - start)


def latencies(
    act: Callable[[Item], object], items: Sequence[Item], least: float = 0.3, most: float = 1.5
) -> list[float]:
    """Milliseconds of each act on one item, one item at least, again from the first after the last one.

    It ends when `least` seconds are over, every item had its turn and the median is stable, or after `most` seconds.
    What comes before, a first tenth of `least` and the first item at least, warms up and is left out.
    """
    found: list[float] = []
    begin = checked = math.inf
    warm = time.perf_counter() + least / 10
    for item in cycle(items):
        start = time.perf_counter()
        act(item)
        now = time.perf_counter()
        if begin == math.inf:
            begin = checked = now if now > warm else math.inf
            continue
        found.append(1000 * (now - start))
        if now - begin > most:
            break
        if now - checked > least / 3:  # medians are not to be what takes the time
            checked = now
            if now - begin > least and len(found) >= len(items) and _settled(found):
                break
    return found


STABLE = 0.05
"""The share by which the medians of both halves may differ."""


def _settled(values: Sequence[float]) -> bool:
    """Whether the second half of a measurement says what the first half says."""
    half = len(values) // 2
    first, second = median(values[:half]), median(values[half:])
    return abs(first - second) <= STABLE * min(first, second)


def peak_memory() -> float:
    """MB this process has held at most so far; NaN where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows has no such module
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1024
