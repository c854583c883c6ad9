"""The words of a block of bytes found and told apart by arithmetic on arrays, without a Python object for each.

A word is known by 64 bits: the polynomial sum of (byte + 1) * P^i over its bytes, i from 0, modulo 2^64, which is a
difference of two running sums of the whole block. So many bits are what KenLM knows words by too: two of a million
words share theirs in one of 37 million texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from lmbench.compiled import loops

if TYPE_CHECKING:
    from lmbench.text.hashed_words import HashedWords

Ints = npt.NDArray[np.int64]
Ids = npt.NDArray[np.int32]
Keys = npt.NDArray[np.uint64]

P = 0x9E3779B97F4A7C15
_INVERSE = pow(P, -1, 1 << 64)
BYTES = 8
"""Of a word and its space, about, to guess how many words there will be."""
_IS_SPACE = np.array([chr(byte).isspace() and byte < 128 for byte in range(256)])
WIDE_SPACES = tuple(chr(c) for c in range(128, 0x10000) if chr(c).isspace())
"""What else str.split() splits at."""
_leads = {space.encode()[0] for space in WIDE_SPACES}
_FIRST, _LAST = min(_leads), max(_leads)  # no Hangul begins with a byte between them


def narrow_spaces(data: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """UTF-8 that ends in a line end, with ASCII spaces for every byte of a wide one: it separates the same words."""
    at = np.flatnonzero(data - np.uint8(_FIRST) <= _LAST - _FIRST)
    for width in 2, 3:
        wide = [int.from_bytes(space.encode(), "big") for space in WIDE_SPACES if len(space.encode()) == width]
        places = [np.minimum(at + k, len(data) - 1) for k in range(width)]
        codes = sum(data[place].astype(np.int64) << 8 * (width - 1 - k) for k, place in enumerate(places))
        found = np.isin(codes, wide)
        if found.any():
            data = data.copy()
            for place in places:
                data[place[found]] = ord(" ")
    return data


class Words(NamedTuple):
    """The W words of a block, in its order.

    keys:       uint64 (W,)
    begin, end: int64 (W,), their bytes are data[begin:end]
    """

    keys: Keys
    begin: Ints
    end: Ints


def words_of(data: npt.NDArray[np.uint8]) -> Words:
    """The words that ASCII white space separates."""
    if compiled := loops(len(data) // BYTES):
        return Words(*compiled.words_of(data, _IS_SPACE, np.uint64(P)))
    space = _IS_SPACE[data]
    edge = np.flatnonzero(np.diff(space, prepend=True, append=True))
    begin, end = edge[::2], edge[1::2]
    size = 1 << max(len(data), 1).bit_length()
    sums = np.zeros(len(data) + 1, np.uint64)
    np.cumsum((data + np.uint64(1)) * _powers(P, size)[: len(data)], out=sums[1:])
    return Words((sums[end] - sums[begin]) * _powers(_INVERSE, size)[begin], begin, end)


@cache
def _powers(base: int, size: int) -> Keys:
    """base^0, base^1, ..., modulo 2^64."""
    factors = np.full(size, base, np.uint64)
    factors[0] = 1
    return np.multiply.accumulate(factors)


@dataclass(frozen=True, eq=False)
class WordTable:
    """Which id each word has. keys: uint64 (V,) rising; ids: int32 (V,)."""

    keys: Keys
    ids: Ids

    @classmethod
    def of(cls, words: list[str]) -> WordTable:
        """Words of a text, whose ids are their places in the list; one with white space in it is never found."""
        if not words:
            return cls(np.empty(0, np.uint64), np.empty(0, np.int32))
        data = np.frombuffer("\n".join(words).encode(), np.uint8)
        found = words_of(data)
        # one separator between two words, none before or after, and as many words as there should be
        begin, end = np.append(found.begin, len(data) + 1), np.append(-1, found.end)
        if len(found.keys) != len(words) or (begin != end + 1).any():
            whole = [i for i, word in enumerate(words) if word.split() == [word]]
            table = cls.of([words[i] for i in whole])
            return cls(table.keys, np.array(whole, np.int32)[table.ids])
        order = np.argsort(found.keys)
        return cls(found.keys[order], order.astype(np.int32))

    @cached_property
    def hashed(self) -> tuple[HashedWords, Ids]:
        """The same words for compiled loops, numbered in the order of ids; and which id each number has, -1 for -1."""
        from lmbench.text.hashed_words import HashedWords

        order = np.argsort(self.ids)
        return HashedWords.empty().learn(self.keys[order])[0], np.append(self.ids[order], np.int32(-1))

    def find(self, keys: Keys) -> Ids:
        """int32 (W,): the ids of words, -1 where they are not in the table."""
        if loops(len(keys)):
            table, of_numbers = self.hashed
            return of_numbers[table.find(keys)]
        ids = np.full(len(keys), -1, np.int32)
        if len(self.keys):
            order = np.argsort(keys)  # neighbours in the table are neighbours in memory
            rising = keys[order]
            at = np.minimum(np.searchsorted(self.keys, rising), len(self.keys) - 1)
            ids[order] = np.where(self.keys[at] == rising, self.ids[at], np.int32(-1))
        return ids

    def learn(self, keys: Keys) -> tuple[WordTable, Ids, Ints]:
        """A table that has these words too, numbered on as they first occur; their ids; where new ones are in keys."""
        ids = self.find(keys)
        unknown = np.flatnonzero(ids < 0)
        new, first, place = np.unique(keys[unknown], return_index=True, return_inverse=True)
        order = np.argsort(first)
        rank = np.empty(len(new), np.int32)
        rank[order] = np.arange(len(self.ids), len(self.ids) + len(new))
        ids[unknown] = rank[place]
        at = np.searchsorted(self.keys, new)
        return WordTable(np.insert(self.keys, at, new), np.insert(self.ids, at, rank)), ids, unknown[first[order]]


def learner(tokens: int) -> WordTable | HashedWords:
    """An empty table that is to learn the words of so many tokens."""
    if loops(tokens):
        from lmbench.text.hashed_words import HashedWords

        return HashedWords.empty()
    return WordTable.of([])


def spelled(data: npt.NDArray[np.uint8], begin: Ints, end: Ints) -> npt.NDArray[np.uint8]:
    """The words data[begin:end], each ended by a NUL, which is in no text."""
    lengths = end - begin + 1
    starts = np.cumsum(lengths) - lengths
    joined: npt.NDArray[np.uint8] = data[
        np.minimum(np.arange(lengths.sum()) + np.repeat(begin - starts, lengths), len(data) - 1)
    ]
    joined[starts + lengths - 1] = 0
    return joined


def listed(spellings: npt.NDArray[np.uint8], order: Ints) -> list[str]:
    """Words of spelled() by their places there, at least one."""
    end = np.flatnonzero(spellings == 0)
    chosen = spelled(spellings, np.append(0, end[:-1] + 1)[order], end[order])
    words: list[str] = chosen[:-1].tobytes().decode().split("\0")
    return words


def ranking(spellings: npt.NDArray[np.uint8], counts: Ints) -> Ints:
    """int64 (W,): the places of W different words of spelled() by falling count and then by code point.

    UTF-8 sorts as code points do, and is read eight bytes at a time. What stands after a word's end is the next word:
    no matter, for two words that differ do so before that. Only those that are still equal are looked at again.
    """
    text = np.append(spellings, np.zeros(8, np.uint8))
    begin = np.append(0, np.flatnonzero(spellings == 0) + 1)
    eight_from = np.lib.stride_tricks.sliding_window_view(text, 8)
    order = np.argsort(-counts, kind="stable")
    tied, group, read = np.arange(len(order)), -counts[order], 0
    while len(tied):
        eight = np.ascontiguousarray(eight_from[begin[order[tied]] + read]).view(">u8").ravel().astype(np.uint64)
        by = np.lexsort((eight, group))
        order[tied], eight = order[tied[by]], eight[by]
        differs = np.ones(len(tied) + 1, bool)  # from the word before
        differs[1:-1] = (group[1:] != group[:-1]) | (eight[1:] != eight[:-1])
        group = np.cumsum(differs[:-1])
        still = ~(differs[:-1] & differs[1:])
        tied, group, read = tied[still], group[still], read + 8
    return order
