"""Lines that texts share: the same line, nearly the same line, a line inside a longer one. Time is linear in the text.

Near means alike in letters: of the runs of three letters that two lines have between them, case, space and
punctuation left aside, at least NEAR occur in both (Jaccard). Lines that may be near are found by MinHash in bands
(Broder 1997; Leskovec, Rajaraman & Ullman, Mining of Massive Datasets, section 3.4) and then compared themselves.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]

NEAR = 0.8
LETTERS = 3
BANDS, ROWS = 6, 3
"""Two lines that share 0.8 of their runs fall together in a band with probability 1 - (1 - 0.8^3)^6 = 0.986."""
CANDIDATES = 8
"""Lines of a band that are compared with a line, at most: what bounds the time."""
WORDS = 5
"""A line of fewer words is found inside others by chance: a name, a phrase."""

_NO_LETTER = re.compile(r"[\W_]+")


def folded(line: str) -> str:
    """The letters and digits of a line: what is left without case, space and punctuation."""
    return _NO_LETTER.sub("", line.casefold())


def same(lines: Sequence[str], text: Sequence[str]) -> Bools:
    """bool (S,): whether each line is a line of text."""
    own = set(text)
    return np.fromiter((line in own for line in lines), bool, len(lines))


def alike(a: str, b: str) -> float:
    """The share of the runs of three letters of a and b both have; 1 where no letter differs, 0 without letters."""
    one, other = _runs(folded(a)), _runs(folded(b))
    return len(one & other) / max(1, len(one | other))


def _runs(letters: str) -> set[str]:
    return {letters[i : i + LETTERS] for i in range(max(1, len(letters) - LETTERS + 1))} - {""}


@dataclass(frozen=True, eq=False)
class Signatures:
    """Lines and the bands of their MinHash signatures.

    lines: S of them
    bands: uint64 (BANDS, S); lines that are near are likely to have one in common
    """

    lines: Sequence[str]
    bands: Hashes

    @classmethod
    def of(cls, lines: Sequence[str]) -> Signatures:
        """Hash the runs of three letters of every line."""
        letters = [folded(line) for line in lines]
        padded = [text.ljust(LETTERS, "\0") for text in letters]
        codes = np.frombuffer("".join(padded).encode("utf-32-le"), np.uint32).astype(np.uint64)
        lengths = np.fromiter(map(len, padded), np.int64, len(padded))
        starts = np.cumsum(lengths) - lengths
        if not len(lines):
            return cls(lines, np.empty((BANDS, 0), np.uint64))
        # a code point has 21 bits, so three of them are one number
        runs = codes[:-2] | codes[1:-1] << np.uint64(21) | codes[2:] << np.uint64(42)
        runs = _mixed(runs)
        runs = np.append(runs, np.full(LETTERS - 1, np.iinfo(np.uint64).max, np.uint64))
        ends = starts + lengths
        across = np.concatenate([ends - 1, ends - 2])  # runs that would begin in one line and end in the next
        rng = np.random.Generator(np.random.PCG64(0))
        seeds = rng.integers(1 << 63, size=(BANDS, ROWS), dtype=np.uint64)
        bands = np.zeros((BANDS, len(lines)), np.uint64)
        for band, row in zip(bands, seeds, strict=True):
            for seed in row:
                hashed = _mixed(runs ^ seed)
                hashed[across] = np.iinfo(np.uint64).max
                band[:] = _mixed(band ^ np.minimum.reduceat(hashed, starts))
        return cls(lines, bands)

    @cached_property
    def _order(self) -> list[tuple[Ints, Hashes]]:
        """For each band the lines sorted by it, and their hashes."""
        orders = [np.argsort(band, kind="stable") for band in self.bands]
        return [(order, band[order]) for order, band in zip(orders, self.bands, strict=True)]

    def take(self, rows: Ints) -> Signatures:
        """These lines."""
        return Signatures([self.lines[row] for row in rows.tolist()], self.bands[:, rows])

    def near(self, others: Signatures) -> Ints:
        """int64 (S,): for each line the place of one of the others that is near but not the same; -1 where none is."""
        found = np.full(len(self.lines), -1, np.int64)
        pairs: list[Ints] = []
        for band, (order, sorted_band) in zip(self.bands, others._order, strict=True):
            first = np.searchsorted(sorted_band, band, side="left")
            last = np.minimum(np.searchsorted(sorted_band, band, side="right"), first + CANDIDATES)
            row = np.repeat(np.arange(len(band)), last - first)
            place = np.arange(len(row)) - np.repeat(np.cumsum(last - first) - (last - first), last - first)
            pairs.append(row * len(others.lines) + order[first[row] + place])
        for pair in np.unique(np.concatenate(pairs)).tolist():
            row, other = divmod(pair, len(others.lines))
            a, b = self.lines[row], others.lines[other]
            if found[row] < 0 and a != b and alike(a, b) >= NEAR:
                found[row] = other
        return found


@dataclass(frozen=True, eq=False)
class Runs:
    """Lines as words, which are what spaces part, for finding shorter lines in them.

    lines:  S of them
    ids:    word -> number
    rows:   int64 (N,), the line of each word; lengths: int64 (S,), words of each line
    sums:   uint64 (N + 1,), from which the hash of any run of words is one subtraction
    """

    lines: Sequence[str]
    ids: dict[str, int]
    rows: Ints
    lengths: Ints
    sums: Hashes

    @classmethod
    def of(cls, lines: Sequence[str]) -> Runs:
        """Number the words, and hash what stands before each."""
        ids: dict[str, int] = {}
        whole = [[ids.setdefault(word, len(ids)) for word in line.split()] for line in lines]
        lengths = np.fromiter(map(len, whole), np.int64, len(whole))
        words = np.fromiter(chain.from_iterable(whole), np.int64, int(lengths.sum()))
        return cls(lines, ids, np.repeat(np.arange(len(whole)), lengths), lengths, _sums(words))

    def holding(self, lines: Sequence[str]) -> Ints:
        """int64: for each line of WORDS words or more one of these that holds it and more; -1 where none does.

        A length at a time, every run of as many words is looked for among the lines, and what was found is compared.
        """
        asked: dict[int, dict[int, list[int]]] = {}  # words of a line -> hash -> the lines
        for i, line in enumerate(lines):
            own = [self.ids.get(word, -1) for word in line.split()]
            if len(own) >= WORDS and min(own) >= 0:
                asked.setdefault(len(own), {}).setdefault(int(_sums(np.array(own))[-1]), []).append(i)
        found = np.full(len(lines), -1, np.int64)
        shift = _powers(_INVERSE, len(self.sums))
        for length, by_hash in asked.items():
            starts = np.arange(max(0, len(self.rows) - length + 1))
            row = self.rows[starts]
            starts = starts[(row == self.rows[starts + length - 1]) & (self.lengths[row] > length)]
            runs = (self.sums[starts + length] - self.sums[starts]) * shift[starts]
            wanted = np.sort(np.array(list(by_hash), np.uint64))
            place = np.minimum(np.searchsorted(wanted, runs), len(wanted) - 1)
            (hits,) = np.nonzero(wanted[place] == runs)
            for hit in hits[np.unique(runs[hits], return_index=True)[1]].tolist():
                holder = int(self.rows[starts[hit]])
                for i in by_hash[int(runs[hit])]:
                    if f" {lines[i]} " in f" {self.lines[holder]} ":
                        found[i] = holder
        return found


_BASE = 0x9E3779B97F4A7C15
_INVERSE = pow(_BASE, -1, 1 << 64)


def _sums(words: Ints) -> Hashes:
    """uint64 (N + 1,): sums of the words' hashes, that of place i times _BASE^i, before each place; modulo 2^64."""
    terms = _mixed(words.astype(np.uint64)) * _powers(_BASE, len(words))
    return np.concatenate([np.zeros(1, np.uint64), np.cumsum(terms, dtype=np.uint64)])


def _powers(base: int, n: int) -> Hashes:
    """uint64 (N,): base^0, base^1, ... modulo 2^64."""
    factors = np.full(n, base, np.uint64)
    factors[:1] = 1
    return np.cumprod(factors, dtype=np.uint64)


def _mixed(values: Hashes) -> Hashes:
    """uint64: values scattered, different ones differently (the finaliser of SplitMix64, Steele et al. 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    values ^= values >> np.uint64(31)
    return values
