"""Counts of every n-gram up to an order: an index of the n-grams, and what smoothing asks about each.

A row has one <s>: the n-grams that end at position i of a row have at most i+2 words. Inside a row </s> is a
word like any other, as a stream needs it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lmbench.ngrams.index import NGramIndex
from lmbench.ngrams.sorting import distinct, narrow
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS

Ints = npt.NDArray[np.int64]
Whole = npt.NDArray[np.signedinteger]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Order:
    """The G n-grams of one order. All arrays are (G,), in the order of the index' keys.

    counts:   how often each occurs; 0 for <s>
    adjusted: how many different words it was seen after; its count where it begins with <s> or is of the
              highest order, for then nothing can stand before it
    suffix:   the (n-1)-gram that is left without its first word; 0 at order 1
    at_bos:   bool, whether it begins with <s>

    Counts and suffixes are int32 wherever that is enough: these arrays are most of what training holds in memory.
    """

    counts: Whole
    adjusted: Whole
    suffix: Whole
    at_bos: Bools


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
        base, whole = len(batch.vocab) + 1, narrow(batch.n_tokens)
        keys = [np.arange(base)]
        counts: list[Whole] = [np.bincount(batch.tokens, minlength=base).astype(whole)]
        suffixes: list[Whole] = [np.zeros(base, whole)]
        at_bos: list[Bools] = [keys[0] == batch.vocab.bos]
        last: list[int] = []
        end = _last_in_suffix_order(batch, order)
        # The n-gram that ends at each token. Where n-1 words and <s> do not fit before it there is none, and a
        # number that nobody reads.
        gram, fits = batch.tokens, np.ones(batch.n_tokens, bool)
        for n in range(2, order + 1):
            last.append(int(gram[end]) if end >= 0 and fits[end] else -1)
            if n == 2:
                at, context = np.arange(batch.n_tokens), batch.previous
            else:
                fits[1:] &= fits[:-1].copy()
                fits[batch.offsets[:-1][batch.lengths > 0]] = False
                at = np.flatnonzero(fits)
                context = gram[at - 1]
            found = distinct(context.astype(np.int64) * base + batch.tokens[at])
            keys.append(found.values)
            counts.append(found.counts)
            suffixes.append(np.empty(len(found.values), whole))
            suffixes[-1][found.place] = gram[at]
            at_bos.append(at_bos[-1][found.values // base])
            gram = np.empty(batch.n_tokens, whole)
            gram[at] = found.place
        orders = []
        for n, (many, suffix, begins) in enumerate(zip(counts, suffixes, at_bos, strict=True), start=1):
            adjusted = many
            if n < order:
                continued = np.bincount(suffixes[n], minlength=len(many)).astype(whole)
                adjusted = np.where(begins, many, continued)
            orders.append(Order(many, adjusted, suffix, begins))
        return cls(NGramIndex(len(batch.vocab), tuple(keys)), tuple(orders), tuple(last))

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


def _last_in_suffix_order(batch: Sentences, order: int) -> int:
    """The token at which the last of the n-grams ends, sorted by their last word, then the one before it, ...

    Words are numbered as they first occur, after <unk>, <s> and </s>, which is how lmplz numbers them. -1 in an
    empty batch.
    """
    if not batch.n_tokens:
        return -1
    bos = batch.vocab.bos
    rank = np.zeros(bos + 1, np.int64)
    rank[batch.tokens[::-1]] = np.arange(
        batch.n_tokens + 2, 2, -1
    )  # of equal words the one written last stays: the first
    rank[EOS], rank[bos] = 2, 1
    at = np.flatnonzero(batch.tokens == rank.argmax())
    for back in range(1, order):
        start = batch.offsets[np.searchsorted(batch.offsets, at, side="right") - 1]
        word = np.where(at - start >= back, batch.tokens[np.maximum(at - back, 0)], bos)
        at = at[rank[word] == rank[word].max()]
    return int(at[0])
