"""Distinct values of a large array, many times quicker than np.unique's inverse, by one sort of packed integers.

A value and its place are one int64, value * 2^b + place, so that a plain sort, which numpy does with vector
instructions, carries the places along; an argsort would fetch every value from anywhere in memory. Where value
and place do not fit into 63 bits the array is sorted in runs short enough that they do, and the runs are merged.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
BITS = 63


class Distinct(NamedTuple):
    """The G distinct values of M, sorted.

    values: int64 (G,), rising
    counts: int32 or int64 (G,), how often each occurs
    first:  int64 (G,), where each occurs first among the M
    place:  int32 or int64 (M,), where in values each of the M is
    """

    values: Ints
    counts: npt.NDArray[np.signedinteger]
    first: Ints
    place: npt.NDArray[np.signedinteger]


def distinct(values: Ints, bits: int = BITS) -> Distinct:
    """The distinct ones of int64 (M,) values, none negative. bits: room for a value and its place together."""
    whole = narrow(len(values))
    if not len(values):
        return Distinct(values, np.empty(0, whole), np.empty(0, np.int64), np.empty(0, whole))
    for_place = bits - int(values.max()).bit_length()
    run = 1 << max(for_place, 1)
    if len(values) <= run:
        return _by_one_sort(values, whole)
    starts = range(0, len(values), run)
    runs = [distinct(values[start : start + run], bits) for start in starts]
    merged = np.sort(np.concatenate([part.values for part in runs]))
    merged = merged[heads(merged)]
    counts, place = np.zeros(len(merged), whole), np.empty(len(values), whole)
    first = np.empty(len(merged), np.int64)
    for start, part in zip(reversed(starts), reversed(runs), strict=True):  # what comes first is written last
        at = np.searchsorted(merged, part.values)
        counts[at] += part.counts
        first[at] = start + part.first
        place[start : start + len(part.place)] = at[part.place]
    return Distinct(merged, counts, first, place)


def narrow(n: int) -> type[np.signedinteger]:
    """The integers that hold 0 .. n: half the memory where 32 bits do."""
    return np.int32 if n < 2**31 else np.int64


def heads(rising: Ints) -> Ints:
    """Where each value of a sorted array first stands."""
    differs = np.ones(len(rising), bool)
    np.not_equal(rising[1:], rising[:-1], out=differs[1:])
    return np.flatnonzero(differs)


def _by_one_sort(values: Ints, whole: type[np.signedinteger]) -> Distinct:
    shift = (len(values) - 1).bit_length()
    packed = values << shift
    packed |= np.arange(len(values))
    packed.sort()
    origin = packed & ((1 << shift) - 1)
    packed >>= shift
    at = heads(packed)
    counts = np.diff(at, append=len(values)).astype(whole)
    place = np.empty(len(values), whole)
    place[origin] = np.repeat(np.arange(len(at), dtype=whole), counts)
    return Distinct(packed[at], counts, origin[at], place)
