"""What a row cost: seconds and memory."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, cycle
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


STABLE = 0.05
"""The share by which the medians of the two quickest turns may differ."""


def latencies(
    act: Callable[[Item], object], items: Sequence[Item], least: float = 0.3, most: float = 1.5
) -> list[float]:
    """Milliseconds of each act on one item, one value at least: of the two quickest turns through all items.

    Whatever else the machine does can only slow a turn down. They come to an end when `least` seconds are over and the
    medians of the two quickest agree, or after `most` seconds, whatever turn it is. What comes first warms up.
    """
    warm = time.perf_counter() + least / 10
    for item in cycle(items):
        act(item)
        if time.perf_counter() > warm:
            break
    begin = time.perf_counter()
    turns: list[list[float]] = []
    while True:
        turn = list(_turn(act, items, least / 6, begin + most))
        late = time.perf_counter() - begin
        if late <= most or not turns:
            turns = sorted([*turns, turn], key=median)[:2]
        if late > most or (late > least and len(turns) > 1 and median(turns[1]) <= (1 + STABLE) * median(turns[0])):
            return list(chain(*turns))


def _turn(act: Callable[[Item], object], items: Sequence[Item], least: float, end: float) -> Iterator[float]:
    """Milliseconds of each act, on all items as often as takes `least` seconds; cut off at the time `end`."""
    begin = now = time.perf_counter()
    while now - begin < least:
        for item in items:
            start = time.perf_counter()
            act(item)
            now = time.perf_counter()
            yield 1000 * (now - start)
            if now > end:
                return


def peak_memory() -> float:
    """MB this process has held at most so far; NaN where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows has no such module
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1024
