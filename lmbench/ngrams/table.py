"""Counts of every n-gram up to an order: an index of the n-grams, and what smoothing asks about each.

A row has one <s>: the n-grams that end at position i of a row have at most i+2 words. Inside a row </s> is a
word like any other, as a stream needs it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lmbench.ngrams.counting import count_order
from lmbench.ngrams.index import NGramIndex
from lmbench.ngrams.runs import PART, Room
from lmbench.ngrams.sorting import narrow
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS

Ints = npt.NDArray[np.int64]
Whole = npt.NDArray[np.signedinteger]

SORTING = 64
"""Bytes that sorting takes for each token: its key, the key packed with its place, and what these are made from."""


@dataclass(frozen=True, eq=False)
class Order:
    """The G n-grams of one order. Arrays are (G,), in the order of the index' keys.

    counts: how often each occurs; 0 for <s>
    suffix: the (n-1)-gram that is left without its first word; 0 at order 1
    bos:    the first n-gram that begins with <s>; so do all after it, for <s> is the greatest id

    Counts and suffixes are int32 wherever that is enough: these arrays are most of what training holds in memory.
    """

    counts: Whole
    suffix: Whole
    bos: int

    def spent(self) -> Order:
        """What is left of an order that has been weighed: where <s> begins."""
        return Order(self.counts[:0].copy(), self.suffix[:0].copy(), self.bos)


@dataclass(frozen=True, eq=False)
class NGramTable:
    """Everything counted in one text.

    orders: Order 1, 2, ..., the highest; weigh() may take out what it is done with
    last:   the n-gram of each order but the highest that ends where the words read backwards are greatest, words
            being numbered as they first occur; -1 where there is none. Only modified Kneser-Ney asks, see there.
    """

    index: NGramIndex
    orders: list[Order]
    last: tuple[int, ...]

    @classmethod
    def count(cls, batch: Sentences, order: int, memory: int | None = None) -> NGramTable:
        """Count the n-grams of 1 to order words in batch.

        memory: bytes for what counting needs beside the text and the table itself; the n-grams of an order are then
        sorted in runs of that size in temporary files, and merged. The table is the same to the last bit.
        """
        base, whole = len(batch.vocab) + 1, narrow(batch.n_tokens)
        keys = [np.arange(base)]
        counts: list[Whole] = [_occurrences(batch, whole)]
        suffixes: list[Whole] = [np.zeros(base, whole)]
        bos = [batch.vocab.bos]
        last: list[int] = []
        end, words = _last_in_suffix_order(batch, order)
        room = Room()
        if memory is not None:
            at_once = max(memory // SORTING, 1)
            room = Room(at_once, at_once, on_disk=True)
        gram = room.array(batch.n_tokens, whole)  # the n-gram that ends at each token
        gram[:] = batch.tokens
        for n in range(2, order + 1):
            last.append(int(gram[end]) if words >= n - 1 else -1)
            one = count_order(batch, n, gram, counts[-1], room, last=n == order)
            keys.append(one.values)
            counts.append(one.counts)
            suffixes.append(one.label)
            bos.append(int(np.searchsorted(one.values, bos[-1] * base)))
        orders = list(map(Order, counts, suffixes, bos))
        return cls(NGramIndex(len(batch.vocab), tuple(keys)), orders, tuple(last))

    @property
    def order(self) -> int:
        """The length of the longest n-grams."""
        return len(self.orders)

    def adjusted(self, n: int) -> Whole:
        """(G,): how many different words each n-gram was seen after.

        Its count where it begins with <s> or is of the highest order, for then nothing can stand before it.
        """
        one = self.orders[n - 1]
        if n == self.order:
            return one.counts
        continued = np.bincount(self.orders[n].suffix, minlength=len(one.counts)).astype(one.counts.dtype)
        continued[one.bos :] = one.counts[one.bos :]
        return continued

    def lookup(self, batch: Sentences) -> list[tuple[Ints, Ints]]:
        """Per order, (n-gram, context) of each token of batch: NGramIndex.lookup."""
        return self.index.lookup(batch)


def _occurrences(batch: Sentences, whole: type[np.signedinteger]) -> Whole:
    """(V+1,): how often each event occurs, <s> never."""
    counts = np.zeros(len(batch.vocab) + 1, whole)
    for start in range(0, batch.n_tokens, PART):  # np.bincount makes 64 bits of what it is given
        counts += np.bincount(batch.tokens[start : start + PART], minlength=len(counts)).astype(whole)
    return counts


def _last_in_suffix_order(batch: Sentences, order: int) -> tuple[int, int]:
    """The token at which the last of the n-grams ends, sorted by their last word, then the one before it, ...

    And how many words its row has up to there, itself and <s> among them. Words are numbered as they first occur, after
    <unk>, <s> and </s>, which is how lmplz numbers them. -1 and 0 in an empty batch.
    """
    if not batch.n_tokens:
        return -1, 0
    bos = batch.vocab.bos
    rank = np.zeros(bos + 1, np.int64)
    for start in reversed(range(0, batch.n_tokens, PART)):
        part = batch.tokens[start : start + PART]
        # of equal words the one written last stays, here the first in the text
        rank[part[::-1]] = np.arange(start + len(part) + 2, start + 2, -1)
    rank[EOS], rank[bos] = 2, 1
    at = np.flatnonzero(batch.tokens == rank.argmax())
    for back in range(1, order):
        begin = batch.offsets[np.searchsorted(batch.offsets, at, side="right") - 1]
        word = np.where(at - begin >= back, batch.tokens[np.maximum(at - back, 0)], bos)
        at = at[rank[word] == rank[word].max()]
    return int(at[0]), int(at[0] - batch.offsets[np.searchsorted(batch.offsets, at[0], side="right") - 1]) + 2
