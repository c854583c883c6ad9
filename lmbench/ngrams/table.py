"""Counts of every n-gram up to an order, as sorted integer keys.

An n-gram is one int64, whatever its order: (index of its first n-1 words among the (n-1)-grams) * (V+1) + its
last word. The keys of an order are sorted, so the n-grams that share a context are one contiguous range, in
order of their last word. Unigrams are all V+1 ids, <s> (id V) among them with count 0: it is context only.

A row has one <s>: the n-grams that end at position i of a row have at most i+2 words. Inside a row </s> is a
word like any other, as a stream needs it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class NGramIndex:
    """Which n-grams there are; an n-gram is known by its order and by its place among that order's keys.

    n_events: V
    keys:     per order, int64 (G,) sorted; those of order 1 are 0 .. V
    """

    n_events: int
    keys: tuple[Ints, ...]

    @property
    def order(self) -> int:
        """The length of the longest n-grams."""
        return len(self.keys)

    def n_contexts(self, n: int) -> int:
        """How many contexts n-grams have: the empty one at order 1, else the (n-1)-grams."""
        return 1 if n == 1 else len(self.keys[n - 2])

    def find(self, n: int, context: Ints, word: npt.NDArray[np.integer]) -> Ints:
        """int64 (M,): the n-gram context + word; -1 where there is none or context is -1."""
        keys = self.keys[n - 1]
        if not len(keys):
            return np.full(len(context), -1)
        wanted = context * (self.n_events + 1) + word
        at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.where((context >= 0) & (keys[at] == wanted), at, -1)

    def lookup(self, batch: Sentences) -> list[tuple[Ints, Ints]]:
        """Per order n, two int64 (N,): the n-gram that ends at each token and its context, the (n-1)-gram before it.

        -1 where it was never counted, or where the row is too short for it.
        """
        gram, context = batch.tokens.astype(np.int64), np.zeros(batch.n_tokens, np.int64)
        found = [(gram, context)]
        for n in range(2, self.order + 1):
            context = _context(batch, gram, n)
            gram = self.find(n, context, batch.tokens)
            found.append((gram, context))
        return found

    def contexts(self, prefixes: Sentences) -> list[Ints]:
        """Per order n, int64 (S,): the context of an n-gram that would continue each row; -1 as in lookup.

        Only the last order-1 words of a row are read, however long it is.
        """
        recent = _recent(prefixes, self.order - 1)
        found = [np.zeros(len(prefixes), np.int64)]
        for n in range(2, self.order + 1):
            words = recent[:, self.order - n :]
            gram = words[:, 0]
            for length in range(2, n):
                gram = self.find(length, gram, words[:, length - 1])
            found.append(gram)
        return found

    def children(self, n: int, context: Ints) -> tuple[Ints, Ints]:
        """The n-grams that continue each context (-1: none): (place in context, n-gram), int64 (M,) each."""
        keys, base = self.keys[n - 1], self.n_events + 1
        begin, end = np.searchsorted(keys, context * base), np.searchsorted(keys, (context + 1) * base)
        many = end - begin
        first = np.cumsum(many) - many
        return np.repeat(np.arange(len(context)), many), np.arange(many.sum()) + np.repeat(begin - first, many)


@dataclass(frozen=True, eq=False)
class Order:
    """The G n-grams of one order. All arrays are (G,), in the order of keys.

    counts:   int64, how often each occurs; 0 for <s>
    adjusted: int64, how many different words it was seen after; its count where it begins with <s> or is of the
              highest order, for then nothing can stand before it
    suffix:   int64, the (n-1)-gram that is left without its first word; 0 at order 1
    at_bos:   bool, whether it begins with <s>
    """

    n_events: int
    keys: Ints
    counts: Ints
    adjusted: Ints
    suffix: Ints
    at_bos: Bools

    @cached_property
    def context(self) -> Ints:
        """int64 (G,): the (n-1)-gram that each begins with; 0 at order 1."""
        return self.keys // (self.n_events + 1)

    @cached_property
    def word(self) -> Ints:
        """int64 (G,): the last word of each."""
        return self.keys % (self.n_events + 1)


@dataclass(frozen=True, eq=False)
class NGramTable:
    """Everything counted in one text.

    orders: Order 1, 2, ..., the highest
    last:   the n-gram of each order but the highest that ends where the words read backwards are greatest, words
            being numbered as they first occur; -1 where there is none. Only modified Kneser-Ney asks, see there.
    """

    index: NGramIndex
    orders: tuple[Order, ...]
    last: tuple[int, ...]

    @classmethod
    def count(cls, batch: Sentences, order: int) -> NGramTable:
        """Count the n-grams of 1 to order words in batch."""
        n_events = len(batch.vocab)
        base = n_events + 1
        unigrams = np.arange(base)
        counts = np.bincount(batch.tokens, minlength=base)
        # per order: keys, counts, suffix, at_bos
        counted = [(unigrams, counts, np.zeros(base, np.int64), unigrams == batch.vocab.bos)]
        gram = batch.tokens.astype(np.int64)
        end = _last_in_suffix_order(batch, order)
        last = []
        for n in range(2, order + 1):
            last.append(int(gram[end]) if end >= 0 else -1)
            context = _context(batch, gram, n)
            there = np.flatnonzero(context >= 0)
            keys, place, counts = np.unique(
                context[there] * base + batch.tokens[there], return_inverse=True, return_counts=True
            )
            suffix, at_bos = np.empty(len(keys), np.int64), np.zeros(len(keys), bool)
            suffix[place] = gram[there]
            at_bos[place] = batch.positions[there] == n - 2
            counted.append((keys, counts, suffix, at_bos))
            gram = np.full(batch.n_tokens, -1)
            gram[there] = place
        orders = []
        for n, (keys, counts, suffix, at_bos) in enumerate(counted, start=1):
            adjusted = counts
            if n < order:
                continued = np.bincount(counted[n][2], minlength=len(keys))
                adjusted = np.where(at_bos, counts, continued)
            orders.append(Order(n_events, keys, counts, adjusted, suffix, at_bos))
        return cls(NGramIndex(n_events, tuple(o.keys for o in orders)), tuple(orders), tuple(last))

    @property
    def order(self) -> int:
        """The length of the longest n-grams."""
        return len(self.orders)

    def lookup(self, batch: Sentences) -> list[tuple[Ints, Ints]]:
        """Per order, (n-gram, context) of each token of batch: NGramIndex.lookup."""
        return self.index.lookup(batch)


def unseen(batch: Sentences, train: NGramTable, n: int) -> Bools:
    """bool (N,): whether the n words that end at each token never stood together in train.

    Where fewer than n words lie between <s> and the token, <s> included, it is about all of them.
    """
    if not 1 <= n <= train.order:
        raise ValueError(f"n-grams of {n} words asked of a table that has 1 to {train.order}")
    mask: Bools = train.orders[0].counts[batch.tokens] == 0
    for length, (gram, _) in enumerate(train.lookup(batch)[1:n], start=2):
        mask = np.where(batch.positions + 2 >= length, gram < 0, mask)
    return mask


def _context(batch: Sentences, gram: Ints, n: int) -> Ints:
    """int64 (N,): the (n-1)-gram before each token, gram being those that end at it; -1 where there is none."""
    if n == 2:
        return batch.previous.astype(np.int64)
    before = np.full(batch.n_tokens, -1)
    before[1:] = gram[:-1]
    before[batch.offsets[:-1][batch.lengths > 0]] = -1
    return before


def _recent(prefixes: Sentences, width: int) -> Ints:
    """int64 (S, width): the last ids of each row, <s> (id V) before its first token, -1 before that."""
    back = np.arange(width, 0, -1)
    position = prefixes.lengths[:, None] - back
    padded = np.append(prefixes.tokens, 0).astype(np.int64)
    ids = padded[np.where(position >= 0, prefixes.offsets[1:, None] - back, 0)]
    return np.where(position >= 0, ids, np.where(position == -1, prefixes.vocab.bos, -1))


def _last_in_suffix_order(batch: Sentences, order: int) -> int:
    """The token at which the last of the n-grams ends, sorted by their last word, then the one before it, ...

    Words are numbered as they first occur, after <unk>, <s> and </s>, which is how lmplz numbers them. -1 in an
    empty batch.
    """
    if not batch.n_tokens:
        return -1
    bos = batch.vocab.bos
    rank = np.zeros(bos + 1, np.int64)
    words, first = np.unique(batch.tokens, return_index=True)
    rank[words] = first + 3
    rank[EOS], rank[bos] = 2, 1
    at = np.arange(batch.n_tokens)
    for back in range(order):
        word = np.where(batch.positions[at] >= back, batch.tokens[np.maximum(at - back, 0)], bos)
        at = at[rank[word] == rank[word].max()]
    return int(at[0])
