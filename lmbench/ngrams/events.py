"""The same back-off model over other events: one event split into several, many joined in <unk>.

Both keep every sum: what the events of a context had together before, they have after. An n-gram is listed after if
back-off would not find its probability.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lmbench.ngrams.backoff import BackOff, log
from lmbench.ngrams.index import NGramIndex
from lmbench.text.vocabulary import UNK

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

JOINED = -1
"""The new id of an event that is joined in <unk> and that no history has."""


def split(backoff: BackOff, event: int, shares: Sequence[float]) -> BackOff:
    """One event as len(shares) of them: each has its share of p(event | h), and as history is what the event was.

    The first keeps its id, the others come after all events. shares sum to 1.
    """
    index, images = backoff.index, len(shares)
    base, bos = index.n_events + images, index.n_events
    ids = np.append(event, bos + np.arange(images - 1))
    built = _Builder(bos + images - 1)
    copies, begin = np.ones(1, np.int64), np.zeros(1, np.int64)  # of each context: how many, and where they begin
    order = np.zeros(1, np.int64)  # their places in the order of keys
    for n in range(1, index.order + 1):
        context, word = index.context(n), index.word(n)
        hit = word == event
        each = np.where(hit, images, 1)
        many = copies[context] * each
        first = np.cumsum(many) - many
        gram = np.repeat(np.arange(len(many)), many)
        before, image = np.divmod(np.arange(len(gram)) - first[gram], each[gram])
        word = np.where(word == bos, base - 1, word)[gram]
        word[hit[gram]] = ids[image[hit[gram]]]
        log_p = backoff.log_p[n - 1][gram]
        log_p[hit[gram]] += log(shares)[image[hit[gram]]]
        place = built.add(order[begin[context][gram] + before], word, log_p, _weights(backoff, n)[gram])
        copies, begin, order = many, first, place
    return built.model(backoff.notes)


def renumber(backoff: BackOff, ids: Ints) -> BackOff:
    """Every event under another id, or joined in <unk>.

    ids: int64 (V,), the new id of each event: 0 .. V'-1, each given once; JOINED where it is to be part of <unk>

    The probability of <unk> (id 0, before and after) is then the sum of its own and of those joined, after every
    context: of a context after which one of them is listed it is listed too. N-grams with a joined event in their
    context are left out, for a history has <unk> in its place.
    """
    index = backoff.index
    joined = ids == JOINED
    new = np.append(np.where(joined, UNK, ids), ids.max() + 1)
    pooled = np.append(joined, False)
    pooled[UNK] = joined.any()
    masses = _masses(backoff, pooled) if joined.any() else []
    built = _Builder(int(new[-1]))
    place, kept = np.zeros(1, np.int64), np.ones(1, bool)  # of the contexts: where they went, and whether they did
    for n in range(1, index.order + 1):
        context, word = index.context(n), index.word(n)
        log_p, log_gamma = backoff.log_p[n - 1], _weights(backoff, n)
        stays = kept[context]
        if joined.any():
            # The n-grams of each context that end in a pooled event become one; it stands where the first of them did,
            # with the weight of that which ended in <unk>, the first if there is one.
            pool = np.flatnonzero(stays & pooled[word])
            heads = pool[np.unique(context[pool], return_index=True)[1]]
            stays[pool], stays[heads] = False, True
            log_p, log_gamma = log_p.copy(), log_gamma.copy()
            log_p[heads] = log(masses[n - 1][context[heads]])
            log_gamma[heads[word[heads] != UNK]] = 0.0
        rows = np.flatnonzero(stays)
        at = built.add(place[context[rows]], new[word[rows]], log_p[rows], log_gamma[rows])
        place = np.full(len(word), -1)
        place[rows] = at
        kept = stays & ~np.append(joined, False)[word]
    return built.model(backoff.notes)


def _weights(backoff: BackOff, n: int) -> Floats:
    """ln of the weight of each n-gram; of the longest, which back off for none, 0."""
    return backoff.log_gamma[n - 1] if n < backoff.index.order else np.zeros(len(backoff.log_p[n - 1]))


def _masses(backoff: BackOff, pooled: Bools) -> list[Floats]:
    """Per order n, (n_contexts,): the sum of p over the pooled words after each context of n-1 words.

    From the bottom: those listed, and what the weight passes on of the sum after the suffix, less those listed.
    """
    index, log_p = backoff.index, backoff.log_p
    masses = [np.exp(log_p[0][pooled]).sum(keepdims=True)]
    suffixes = index.suffixes()
    of_context = _Longest.of(backoff, next(suffixes))
    for n, pairs in enumerate(suffixes, start=2):
        longest = _Longest.of(backoff, pairs)
        rows = np.flatnonzero(pooled[index.word(n)])
        lengths, grams, below = (part[rows] for part in longest)
        for length in range(1, n):
            at = lengths == length
            below[at] += log_p[length - 1][grams[at]]
        context, many = index.context(n)[rows], index.n_contexts(n)
        passed = np.empty(many)
        for length in range(n - 1):
            at = of_context.length == length
            passed[at] = masses[length][of_context.gram[at]]
        left = np.maximum(passed - np.bincount(context, np.exp(below), many), 0)
        listed = np.bincount(context, np.exp(log_p[n - 1][rows]), many)
        masses.append(listed + np.exp(backoff.log_gamma[n - 2]) * left)
        of_context = longest
    return masses


class _Longest(NamedTuple):
    """The longest suffix of each n-gram that is listed itself, the n-gram left out; int64, int64, float64 (G,).

    length:     its words; 0, and the gram 0, for the empty one of a unigram
    gram:       its place among the n-grams of that length
    log_weight: what back-off adds on the way to it from the context without its first word
    """

    length: Ints
    gram: Ints
    log_weight: Floats

    @classmethod
    def of(cls, backoff: BackOff, pairs: Sequence[tuple[Ints, Ints]]) -> _Longest:
        """From what NGramIndex.suffixes() says of one order."""
        length, gram = np.zeros((2, len(pairs[-1][0])), np.int64)
        log_weight = np.zeros(len(gram))
        for m, (at, context) in enumerate(pairs[:-1], start=1):
            listed, known = at >= 0, context >= 0
            length[listed], gram[listed], log_weight[listed] = m, at[listed], 0.0
            if m > 1:
                passed = known & ~listed
                log_weight[passed] += backoff.log_gamma[m - 2][context[passed]]
        return cls(length, gram, log_weight)


class _Builder:
    """A back-off model put together order by order, from n-grams in any order."""

    def __init__(self, n_events: int) -> None:
        self.n_events = n_events
        self.keys: list[Ints] = []
        self.log_p: list[Floats] = []
        self.log_gamma: list[Floats] = []

    def add(self, context: Ints, word: Ints, log_p: Floats, log_gamma: Floats) -> Ints:
        """The n-grams of the next order; int64 (G,), the place that each gets."""
        keys = context * (self.n_events + 1) + word
        order = np.argsort(keys)
        self.keys.append(keys[order])
        self.log_p.append(log_p[order])
        self.log_gamma.append(log_gamma[order])
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        return place

    def model(self, notes: tuple[str, ...]) -> BackOff:
        """What was added."""
        index = NGramIndex(self.n_events, tuple(self.keys))
        return BackOff(index, tuple(self.log_p), tuple(self.log_gamma[:-1]), notes)
