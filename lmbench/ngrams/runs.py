"""Distinct values of what does not fit into memory: sorted runs on disk, merged a range of values at a time."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lmbench.ngrams.sorting import Distinct, distinct, narrow

Ints = npt.NDArray[np.int64]


class Run(NamedTuple):
    """The distinct values of one part of the input, in files: values (R,), counts (R,), place (M,) of each input."""

    values: Ints
    counts: npt.NDArray[np.signedinteger]
    place: npt.NDArray[np.signedinteger]


def distinct_on_disk(parts: Iterable[Ints], folder: Path, at_once: int) -> Distinct:
    """distinct() of the parts one after the other, its arrays in files of folder, with about at_once values in memory.

    Every part must be small enough to be sorted in memory; of the runs so many values are merged at a time that all
    runs together have at_once of them.
    """
    runs = []
    for number, part in enumerate(parts):
        found = distinct(part)
        runs.append(Run(*(_stored(folder / f"run{number}.{i}.npy", array) for i, array in enumerate(found))))
        del found
    n = sum(len(run.place) for run in runs)
    whole = narrow(n)
    renumbered = [file_array(folder / f"new{i}.npy", len(run.values), whole) for i, run in enumerate(runs)]
    most = sum(len(run.values) for run in runs)
    values, counts = file_array(folder / "values.npy", most, np.int64), file_array(folder / "counts.npy", most, whole)
    n_values = _merge(runs, renumbered, values, counts, at_once)
    place = file_array(folder / "place.npy", n, whole)
    start = 0
    for run, new in zip(runs, renumbered, strict=True):
        for first in range(0, len(run.place), at_once):
            part = new[run.place[first : first + at_once]]
            place[start : start + len(part)] = part
            start += len(part)
    return Distinct(values[:n_values], counts[:n_values], place)


def _merge(
    runs: list[Run],
    renumbered: list[npt.NDArray[np.signedinteger]],
    values: Ints,
    counts: npt.NDArray[np.signedinteger],
    at_once: int,
) -> int:
    """Fill values and counts, and for each run where its values have gone; how many there are.

    Each step takes from every run what is not above the least of the last values in sight: the run which that value
    is from is read to the end of its block, so every step gets on.
    """
    block = max(at_once // max(len(runs), 1), 1)
    begins, n_values = [0] * len(runs), 0
    while any(begin < len(run.values) for begin, run in zip(begins, runs, strict=True)):
        in_sight = [run.values[begin : begin + block] for begin, run in zip(begins, runs, strict=True)]
        unread = [begin + block < len(run.values) for begin, run in zip(begins, runs, strict=True)]
        bound = min((part[-1] for part, more in zip(in_sight, unread, strict=True) if more), default=None)
        ends = [len(part) if bound is None else int(np.searchsorted(part, bound, "right")) for part in in_sight]
        merged = np.unique(np.concatenate([part[:end] for part, end in zip(in_sight, ends, strict=True)]))
        summed = np.zeros(len(merged), counts.dtype)
        for i, (run, part, end) in enumerate(zip(runs, in_sight, ends, strict=True)):
            at = np.searchsorted(merged, part[:end])
            summed[at] += run.counts[begins[i] : begins[i] + end]
            renumbered[i][begins[i] : begins[i] + end] = n_values + at
            begins[i] += end
        values[n_values : n_values + len(merged)] = merged
        counts[n_values : n_values + len(merged)] = summed
        n_values += len(merged)
    return n_values


def _stored(path: Path, array: npt.NDArray[np.signedinteger]) -> npt.NDArray[np.signedinteger]:
    """The array, in a file."""
    np.save(path, array)
    return np.load(path, mmap_mode="r") if len(array) else array


def file_array(path: Path, n: int, dtype: type[np.signedinteger]) -> npt.NDArray[np.signedinteger]:
    """A new array of n numbers, in a file."""
    return np.lib.format.open_memmap(path, "w+", dtype, (n,)) if n else np.empty(0, dtype)
