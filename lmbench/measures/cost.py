"""What a row cost: seconds and memory."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")


@contextmanager
def stopwatch() -> Iterator[list[float]]:
    """Appends the seconds its block took to the list it gives."""
    seconds: list[float] = []
    start = time.perf_counter()
    yield seconds
    seconds.append(time.perf_counter() - start)


def latencies(act: Callable[[Item], object], items: Iterable[Item], most: float = 0.08) -> list[float]:
    """Milliseconds of each act on one item, until `most` seconds are over; the first, which warms up, is left out."""
    found: list[float] = []
    begin = time.perf_counter()
    for item in items:
        start = time.perf_counter()
        act(item)
        now = time.perf_counter()
        found.append(1000 * (now - start))
        if now - begin > most:
            break
    return found[1:]


def peak_memory() -> float:
    """MB this process has held at most so far; NaN where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows has no such module
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1024
