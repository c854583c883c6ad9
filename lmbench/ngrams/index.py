"""Which n-grams there are, as sorted integer keys, and how they are found in bulk.

An n-gram is one int64, whatever its order: (index of its first n-1 words among the (n-1)-grams) * (V+1) + its
last word. The keys of an order are sorted, so the n-grams that share a context are one contiguous range, in
order of their last word. Unigrams are all V+1 ids, <s> (id V) among them: it is context only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from types import ModuleType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lmbench.compiled import loops
from lmbench.ngrams.packing import pack_orders, unpack_orders
from lmbench.ngrams.sorting import distinct, narrow
from lmbench.text.sentences import Sentences

Ints = npt.NDArray[np.int64]


class Step(NamedTuple):
    """The tokens of a batch that have a known context of n-1 words, M of them.

    at:      int64 (M,), where they stand in the batch, rising
    context: int64 (M,), the (n-1)-gram before each
    gram:    int64 (M,), the n-gram that ends at each; -1 where there is none
    """

    at: Ints
    context: Ints
    gram: Ints


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

    def context(self, n: int) -> Ints:
        """int64 (G,): the (n-1)-gram that each n-gram begins with; 0 at order 1."""
        return self.keys[n - 1] // (self.n_events + 1)

    def word(self, n: int) -> Ints:
        """int64 (G,): the last word of each n-gram."""
        return self.keys[n - 1] % (self.n_events + 1)

    def n_children(self, n: int) -> Ints:
        """int64 (n_contexts,): how many n-grams begin with each (n-1)-gram."""
        return np.bincount(self.context(n), minlength=self.n_contexts(n))

    def state(self, *, deflated: bool = False) -> dict[str, npt.NDArray[np.generic]]:
        """The n-grams as a trie, from which the keys follow: last words, and numbers of children, by order."""
        orders = range(2, self.order + 1)
        words, children = [self.word(n) for n in orders], [self.n_children(n) for n in orders]
        return {
            **pack_orders("words", words, first=2, deflated=deflated),
            **pack_orders("children", children, first=2, deflated=deflated),
        }

    @classmethod
    def restore(cls, n_events: int, state: Mapping[str, npt.NDArray[np.generic]]) -> NGramIndex:
        """The inverse of state()."""
        keys = [np.arange(n_events + 1)]
        for words, children in zip(
            unpack_orders("words", state, first=2), unpack_orders("children", state, first=2), strict=True
        ):
            context = np.repeat(np.arange(len(children)), children.astype(np.int64))
            keys.append(context * (n_events + 1) + words.astype(np.int64))
        return cls(n_events, tuple(keys))

    def keeping(self, kept: Sequence[npt.NDArray[np.bool_]]) -> NGramIndex:
        """The n-grams that kept, bool (G,) an order, marks: all words, and none without its context."""
        keys = [self.keys[0]]
        for n, (before, keep) in enumerate(pairwise(kept), start=2):
            if before.all():
                keys.append(self.keys[n - 1] if keep.all() else self.keys[n - 1][keep])
            else:
                renumbered = np.cumsum(before) - 1
                keys.append(renumbered[self.context(n)[keep]] * (self.n_events + 1) + self.word(n)[keep])
        return NGramIndex(self.n_events, tuple(keys))

    def find(self, n: int, context: Ints, word: npt.NDArray[np.integer]) -> Ints:
        """int64 (M,): the n-gram context + word; -1 where there is none or context is -1.

        Each one is searched for once, in rising order: neighbours in the table are neighbours in memory.
        """
        keys, asked_for = self.keys[n - 1], context.astype(np.int64) * (self.n_events + 1) + word
        known = context >= 0
        if compiled := loops(len(context)):
            found: Ints = compiled.find_ngrams(self.slots(n, compiled), keys, np.where(known, asked_for, -1))
            return found
        place, asked = np.full(len(context), -1), distinct(asked_for[known])
        if len(keys):
            at = np.minimum(np.searchsorted(keys, asked.values), len(keys) - 1)
            place[known] = np.where(keys[at] == asked.values, at, -1)[asked.place]
        return place

    def slots(self, n: int, compiled: ModuleType) -> npt.NDArray[np.signedinteger]:
        """(2^b,): a hash table of the n-grams for compiled loops; made when it is first asked for."""
        if n not in self._hashed:
            slots = np.full(1 << (2 * len(self.keys[n - 1])).bit_length(), -1, narrow(len(self.keys[n - 1])))
            compiled.hashed(self.keys[n - 1], slots)
            self._hashed[n] = slots
        return self._hashed[n]

    @cached_property
    def _hashed(self) -> dict[int, npt.NDArray[np.signedinteger]]:
        return {}

    def steps(self, batch: Sentences) -> Iterator[Step]:
        """For n = 2, 3, ...: where the n-1 words before a token are known, and whether it continues them."""
        starts, tokens = batch.is_start, batch.tokens
        at, context = np.arange(batch.n_tokens), batch.previous.astype(np.int64)
        for n in range(2, self.order + 1):
            gram = self.find(n, context, tokens[at])
            yield Step(at, context, gram)
            found = gram >= 0
            following = at[found] + 1
            inside = ~starts[following]
            at, context = following[inside], gram[found][inside]

    def lookup(self, batch: Sentences) -> list[tuple[Ints, Ints]]:
        """Per order n, two int64 (N,): the n-gram that ends at each token and its context, the (n-1)-gram before it.

        -1 where it was never counted, or where the row is too short for it.
        """
        found = [(batch.tokens.astype(np.int64), np.zeros(batch.n_tokens, np.int64))]
        for step in self.steps(batch):
            gram, context = np.full((2, batch.n_tokens), -1)
            gram[step.at], context[step.at] = step.gram, step.context
            found.append((gram, context))
        return found

    def context_counts(self, batch: Sentences, pairs: npt.NDArray[np.integer], rows: int) -> Ints:
        """int64 (N,): how often the two words before each token were counted together, <s> being one.

        pairs: (G,), counts of the bigrams      rows: how many rows were counted, said where <s> is all there is
        """
        ends = self.find(2, batch.previous.astype(np.int64), batch.tokens)
        before = np.empty(batch.n_tokens, np.int64)
        before[1:] = np.append(pairs, 0)[ends[:-1]]
        before[batch.is_start[:-1]] = rows
        return before

    def suffixes(self) -> Iterator[list[tuple[Ints, Ints]]]:
        """For n = 1, 2, ...: per order m <= n, two int64 (G,): the m-gram that ends each n-gram, and its context.

        -1 where it is not listed, as in lookup; the last pair is the n-grams themselves.
        """
        found = [(self.keys[0], np.zeros(len(self.keys[0]), np.int64))]
        yield found
        for n in range(2, self.order + 1):
            context, word = self.context(n), self.word(n)
            longer = [(word, np.zeros(len(word), np.int64))]
            for m, (gram, _) in enumerate(found[:-1], start=2):
                longer.append((self.find(m, gram[context], word), gram[context]))
            found = [*longer, (np.arange(len(word)), context)]
            yield found

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


def _recent(prefixes: Sentences, width: int) -> Ints:
    """int64 (S, width): the last ids of each row, <s> (id V) before its first token, -1 before that."""
    back = np.arange(width, 0, -1)
    position = prefixes.lengths[:, None] - back
    padded = np.append(prefixes.tokens, 0).astype(np.int64)
    ids = padded[np.where(position >= 0, prefixes.offsets[1:, None] - back, 0)]
    return np.where(position >= 0, ids, np.where(position == -1, prefixes.vocab.bos, -1))
