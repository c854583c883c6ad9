"""Work on arrays in more than one thread: numpy and compiled loops let go of the interpreter while they work."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, cast

T = TypeVar("T")


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def keep_to(threads: int) -> None:
    """Let arithmetic in this process use so many threads: of torch, and of what reads OMP_NUM_THREADS when imported."""
    os.environ["OMP_NUM_THREADS"] = str(threads)
    if "torch" in sys.modules:  # already imported by the server that workers are forked from
        sys.modules["torch"].set_num_threads(threads)


def ahead(items: Iterable[T]) -> Iterator[T]:
    """The same items in the same order, each made in a second thread while the one before it is used.

    One item more is in memory. What making an item raises is raised in its place.
    """
    end, source = object(), iter(items)
    with ThreadPoolExecutor(1) as thread:
        making = thread.submit(next, source, end)
        while (item := making.result()) is not end:
            making = thread.submit(next, source, end)
            yield cast(T, item)
