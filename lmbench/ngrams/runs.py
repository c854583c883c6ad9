"""Distinct values of what is sorted a part at a time: those of a part are a run, and runs are merged.

A part that fits the processor's cache is sorted in a third of the time that it takes as part of a whole text, and what
is as long as the text is touched from front to back only. So the same serves texts that do not fit into memory.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lmbench.errors import LMBenchError
from lmbench.ngrams.sorting import heads, narrow

Ints = npt.NDArray[np.int64]
Whole = npt.NDArray[np.signedinteger]

PART = 1 << 18
"""Values whose sort stays in the processor's cache."""


@dataclass(frozen=True)
class Room:
    """Where there is room for arrays.

    part:   values that are sorted at once
    window: values of all runs together that are merged at once
    on_disk: whether arrays that are as long as the text or a run are in temporary files
    """

    part: int = PART
    window: int = 1 << 22
    on_disk: bool = False

    def array(self, n: int, dtype: type[np.signedinteger]) -> Whole:
        """A new array of n numbers; LMBenchError where the disk has no room for it."""
        if not self.on_disk or not n:
            return np.empty(n, dtype)
        try:
            with TemporaryFile() as file:  # it has no name, so nobody need delete it, whatever ends this process
                _reserve(file.fileno(), n * np.dtype(dtype).itemsize)
                return np.memmap(file, dtype, "r+", shape=(n,))
        except OSError as error:
            raise LMBenchError(
                f"no room for temporary files: {error.strerror or error}; free some space, set TMPDIR to a folder on "
                "another disk, or count with more memory"
            ) from error

    def stored(self, array: Whole) -> Whole:
        """The array, where there is room for it."""
        if not self.on_disk:
            return array
        kept = self.array(len(array), array.dtype.type)
        kept[:] = array
        return kept


def _reserve(file: int, size: int) -> None:
    """Take the disk's room for that many bytes: without it, writing to the array would end in a bus error."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, size)
        return
    zeros = bytes(1 << 20)
    while size > 0:
        size -= os.write(file, zeros[:size])


class Run(NamedTuple):
    """The R distinct values of a part of the input. Arrays are (R,).

    values: int64, rising
    counts: how often each occurs
    label:  a number that goes with each value, the same wherever it occurs
    """

    values: Ints
    counts: Whole
    label: Whole


def merge(runs: Sequence[Run], room: Room, whole: type[np.signedinteger]) -> tuple[Run, list[Whole]]:
    """One run of all, counts and labels as whole; and for each of the runs where its values have gone in it.

    Each step takes from every run what is not above the least of the last values in sight: the run which that value
    is from is read to the end of its window, so every step gets on.
    """
    most = sum(len(run.values) for run in runs)
    merged = Run(room.array(most, np.int64), room.array(most, whole), room.array(most, whole))
    places = [room.array(len(run.values), narrow(most)) for run in runs]
    window = max(room.window // max(len(runs), 1), 1)
    begins, n_values = [0] * len(runs), 0
    while any(begin < len(run.values) for begin, run in zip(begins, runs, strict=True)):
        in_sight = [run.values[begin : begin + window] for begin, run in zip(begins, runs, strict=True)]
        unread = [begin + window < len(run.values) for begin, run in zip(begins, runs, strict=True)]
        bound = min((part[-1] for part, more in zip(in_sight, unread, strict=True) if more), default=None)
        ends = [len(part) if bound is None else int(np.searchsorted(part, bound, "right")) for part in in_sight]
        values = np.concatenate([part[:end] for part, end in zip(in_sight, ends, strict=True)])
        values.sort()
        values = values[heads(values)]
        into = slice(n_values, n_values + len(values))
        merged.values[into], merged.counts[into] = values, 0
        counts, labels = merged.counts[into], merged.label[into]
        for i, (run, part, end) in enumerate(zip(runs, in_sight, ends, strict=True)):
            of = slice(begins[i], begins[i] + end)
            at = np.searchsorted(values, part[:end])
            counts[at] += run.counts[of]
            labels[at] = run.label[of]
            places[i][of] = n_values + at
            begins[i] += end
        n_values += len(values)
    return Run(*(array[:n_values] for array in merged)), places
