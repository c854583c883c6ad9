"""Counts of every n-gram up to an order: an index of the n-grams, and what smoothing asks about each.

A row has one <s>: the n-grams that end at position i of a row have at most i+2 words. Inside a row </s> is a
word like any other, as a stream needs it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lmbench.ngrams.index import NGramIndex
from lmbench.ngrams.runs import distinct_on_disk, file_array
from lmbench.ngrams.sorting import Distinct, distinct, narrow
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS

Ints = npt.NDArray[np.int64]
Whole = npt.NDArray[np.signedinteger]
Bools = npt.NDArray[np.bool_]

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
    def count(cls, batch: Sentences, order: int, memory: int | None = None) -> NGramTable:
        """Count the n-grams of 1 to order words in batch.

        memory: bytes for what counting needs beside the text and the table itself; the n-grams of an order are then
        sorted in runs of that size in temporary files, and merged. The table is the same to the last bit.
        """
        base, whole = len(batch.vocab) + 1, narrow(batch.n_tokens)
        keys = [np.arange(base)]
        counts: list[Whole] = [np.bincount(batch.tokens, minlength=base).astype(whole)]
        suffixes: list[Whole] = [np.zeros(base, whole)]
        bos = [batch.vocab.bos]
        last: list[int] = []
        end = _last_in_suffix_order(batch, order)
        # The n-gram that ends at each token. Where n-1 words and <s> do not fit before it there is none, and a
        # number that nobody reads.
        gram, fits = batch.tokens, np.ones(batch.n_tokens, bool)
        with TemporaryDirectory(prefix="lmbench-") if memory is not None else nullcontext() as folder:
            for n in range(2, order + 1):
                last.append(int(gram[end]) if end >= 0 and fits[end] else -1)
                if n > 2:
                    fits[1:] &= fits[:-1].copy()
                    fits[batch.offsets[:-1][batch.lengths > 0]] = False
                one = (
                    _in_memory(batch, gram, fits, counts[-1])
                    if memory is None
                    else _on_disk(batch, gram, fits, max(memory // SORTING, 1), Path(folder or "") / str(n))
                )
                keys.append(one.values)
                counts.append(one.counts)
                suffixes.append(one.suffix)
                bos.append(int(np.searchsorted(one.values, bos[-1] * base)))
                gram = one.gram
        orders = tuple(map(Order, counts, suffixes, bos))
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


class _Counted(NamedTuple):
    """The n-grams of one order: keys, counts and suffix as in NGramTable, and the one that ends at each token (N,)."""

    values: Ints
    counts: Whole
    suffix: Whole
    gram: Whole


def _in_memory(batch: Sentences, gram: Whole, fits: Bools, times: Whole) -> _Counted:
    """Count the n-grams that end at the tokens that fit, in one go.

    gram:  (N,), the (n-1)-gram that ends at each token
    times: how often each (n-1)-gram occurs
    """
    before = np.empty_like(gram)
    before[1:] = gram[:-1]
    before[batch.offsets[:-1][batch.lengths > 0]] = batch.vocab.bos  # where n > 2 nothing fits there
    found = _continuations(before[fits], batch.tokens[fits], times, len(batch.vocab) + 1)
    suffix, longer = np.empty(len(found.values), times.dtype), np.empty(batch.n_tokens, times.dtype)
    suffix[found.place] = gram[fits]
    longer[fits] = found.place
    return _Counted(found.values, found.counts, suffix, longer)


def _on_disk(batch: Sentences, gram: Whole, fits: Bools, at_once: int, folder: Path) -> _Counted:
    """The same for at_once tokens at a time, what is as long as the text being in files."""
    folder.mkdir()
    blocks = [slice(start, start + at_once) for start in range(0, batch.n_tokens, at_once)]

    def ends() -> Iterator[Ints]:
        return (block.start + np.flatnonzero(fits[block]) for block in blocks)

    base = len(batch.vocab) + 1
    keys = (_before(batch, gram, at).astype(np.int64) * base + batch.tokens[at] for at in ends())
    found = distinct_on_disk(keys, folder, at_once)
    suffix = np.empty(len(found.values), found.place.dtype)
    longer = file_array(folder / "gram.npy", batch.n_tokens, found.place.dtype.type)
    start = 0
    for at in ends():
        place = found.place[start : start + len(at)]
        suffix[place], longer[at] = gram[at], place
        start += len(at)
    return _Counted(np.array(found.values), np.array(found.counts), suffix, longer)


def _before(batch: Sentences, gram: Whole, at: Ints) -> Whole:
    """The (n-1)-gram before each token of at; of words alone (n = 2) the row's <s> is one."""
    return batch.previous[at] if gram is batch.tokens else gram[at - 1]


def _continuations(context: Whole, word: Whole, times: Whole, base: int) -> Distinct:
    """The distinct n-grams context + word of (M,) tokens, as keys. times: (G,), how often each context occurs.

    What follows a context that occurs once is one n-gram, and needs no sorting; in natural text most long contexts
    do. The others are renumbered among themselves, so that their keys are short enough to be sorted with their places.
    """
    often = times != 1  # <s> is never counted, and stands before every row
    if often.all() or not len(context):
        return distinct(context.astype(np.int64) * base + word)
    again = often[context]
    once = ~again
    renumbered = np.cumsum(often, dtype=times.dtype) - 1
    shared = distinct(renumbered[context[again]].astype(np.int64) * base + word[again])
    dense = shared.values // base
    contexts, alone = np.flatnonzero(often)[dense], context[once]

    children = np.bincount(contexts, minlength=len(times))
    children[alone] = 1
    first = (np.cumsum(children) - children).astype(times.dtype)
    starts = np.flatnonzero(np.diff(dense, prepend=-1))
    within = np.arange(len(dense)) - np.repeat(starts, np.diff(starts, append=len(dense)))
    at_alone, among = first[alone], (first[contexts] + within).astype(times.dtype)

    keys = np.empty(len(alone) + len(contexts), np.int64)
    keys[at_alone] = alone.astype(np.int64) * base + word[once]
    keys[among] = contexts * base + shared.values % base
    counts = np.ones(len(keys), times.dtype)
    counts[among] = shared.counts
    place = np.empty(len(context), times.dtype)
    place[once] = at_alone
    place[again] = among[shared.place]
    return Distinct(keys, counts, place)


def _last_in_suffix_order(batch: Sentences, order: int) -> int:
    """The token at which the last of the n-grams ends, sorted by their last word, then the one before it, ...

    Words are numbered as they first occur, after <unk>, <s> and </s>, which is how lmplz numbers them. -1 in an
    empty batch.
    """
    if not batch.n_tokens:
        return -1
    bos = batch.vocab.bos
    rank = np.zeros(bos + 1, np.int64)
    # of equal words the one written last stays, here the first in the text
    rank[batch.tokens[::-1]] = np.arange(batch.n_tokens + 2, 2, -1)
    rank[EOS], rank[bos] = 2, 1
    at = np.flatnonzero(batch.tokens == rank.argmax())
    for back in range(1, order):
        start = batch.offsets[np.searchsorted(batch.offsets, at, side="right") - 1]
        word = np.where(at - start >= back, batch.tokens[np.maximum(at - back, 0)], bos)
        at = at[rank[word] == rank[word].max()]
    return int(at[0])
