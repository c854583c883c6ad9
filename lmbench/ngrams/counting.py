"""The n-grams of one order from those of the order below, a part of the text at a time.

Tokens are never sorted as a whole: each part gives a run of its distinct n-grams, and the runs are merged. What
follows a context that occurs once in the text is one n-gram, and is not sorted at all; in natural text most long
contexts do.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lmbench.compiled import loops
from lmbench.ngrams.runs import Room, Run, merge
from lmbench.ngrams.sorting import Distinct, distinct
from lmbench.text.sentences import Sentences
from lmbench.threads import ahead

Ids = npt.NDArray[np.int32]
Ints = npt.NDArray[np.int64]
Whole = npt.NDArray[np.signedinteger]


class Part(NamedTuple):
    """The tokens of a part of the text at which n-grams of an order end, M of them.

    at:      int64 (M,), where they stand in the text
    context: (M,), the (n-1)-gram before each
    """

    at: Ints
    context: Whole


class Alone(NamedTuple):
    """What follows the contexts that occur once, (G,) for all contexts. word is -1 where nothing does, or more.

    word:   the word after it
    suffix: the (n-1)-gram that ends in that word
    """

    word: Whole
    suffix: Whole


def count_order(batch: Sentences, n: int, gram: Whole, times: Whole, room: Room, *, last: bool) -> Run:
    """The n-grams of order n, as keys, labelled with their suffixes; gram becomes what ends at each token.

    gram:  (N,), the (n-1)-gram that ends at each token, any number where it would reach over the row's <s>;
           afterwards the same of n-grams
    times: (G,), how often each (n-1)-gram occurs; not 1 for <s>, which is never counted and stands before every row
    last:  nobody asks for gram afterwards, and it is not made
    """
    if not room.on_disk and (compiled := loops(batch.n_tokens)):
        return _hashed(compiled, batch, n, gram, times, last=last)
    base, whole = len(batch.vocab) + 1, times.dtype.type
    alone = Alone(room.array(len(times), whole), room.array(len(times), whole))
    alone.word[:] = -1
    runs: list[Run] = []
    parts = (_sorted(part, times, batch.tokens, base) for part in _parts(batch, n, gram, room))
    for at, found, once, only in ahead(parts) if not room.on_disk else parts:  # a second part is memory
        runs.append(Run(*map(room.stored, (found.values, found.counts.astype(whole), gram[at][found.first]))))
        alone.word[only], alone.suffix[only] = batch.tokens[once], gram[once]
        if not last:
            gram[at], gram[once] = found.place, ~only  # for now: the place in the run, or below 0 the context
    shared, places = merge(runs, room, whole)
    del runs
    whole_run, among, first = _interleaved(shared, alone, base)
    if not last:
        for part, place in zip(_parts(batch, n, None, room), places, strict=True):
            found_at = gram[part.at]
            sorted_at = found_at >= 0
            gram[part.at[sorted_at]] = among[place[found_at[sorted_at]]]
            gram[part.at[~sorted_at]] = first[~found_at[~sorted_at]]
    return whole_run


def _sorted(part: Part, times: Whole, tokens: Ids, base: int) -> tuple[Ints, Distinct, Ints, Whole]:
    """Where what follows contexts that occur again stands and which n-grams; the same of the rest, by contexts."""
    again = times[part.context] != 1
    context, at = part.context[again], part.at[again]
    found = distinct(context.astype(np.int64) * base + tokens[at])
    return at, found, part.at[~again], part.context[~again]


def _hashed(compiled: ModuleType, batch: Sentences, n: int, gram: Whole, times: Whole, *, last: bool) -> Run:
    """count_order() token by token, with a hash table in place of sorted parts."""
    keys, counts, suffix = compiled.count_order(batch.tokens, batch.offsets, n, gram, times, len(batch.vocab) + 1)
    order = np.argsort(keys)
    if not last:
        rank = np.empty(max(len(order), 1), times.dtype)
        rank[order] = np.arange(len(order), dtype=times.dtype)
        compiled.renumber(gram, rank)
    return Run(keys[order], counts[order], suffix[order])


def _parts(batch: Sentences, n: int, gram: Whole | None, room: Room) -> Iterator[Part]:
    """The text in parts. gram as in count_order may be changed where a part has been; without it no context is told."""
    begins = batch.offsets[:-1][batch.lengths > 0]
    carried = batch.vocab.bos
    for start in range(0, batch.n_tokens, room.part):
        stop = min(start + room.part, batch.n_tokens)
        fits = np.ones(stop - start, bool)
        for short in range(n - 2):  # the first n-2 tokens of a row have fewer than n-1 words and <s> before them
            lo, hi = np.searchsorted(begins, (start - short, stop - short))
            fits[begins[lo:hi] + short - start] = False
        at = np.flatnonzero(fits)
        if gram is None:
            yield Part(at + start, at)
            continue
        before = np.empty(stop - start, gram.dtype)
        before[0], before[1:] = carried, gram[start : stop - 1]
        carried = gram[stop - 1]
        if n == 2:
            lo, hi = np.searchsorted(begins, (start, stop))
            before[begins[lo:hi] - start] = batch.vocab.bos
        yield Part(at + start, before[at])


def _interleaved(shared: Run, alone: Alone, base: int) -> tuple[Run, Whole, Whole]:
    """All n-grams; where those of shared are among them; and (G,) where the one after each context of alone is."""
    whole = shared.counts.dtype.type
    single = alone.word >= 0
    contexts = np.flatnonzero(single)
    if not len(contexts):
        own = np.arange(len(shared.values), dtype=whole)
        return Run(*map(np.array, shared)), own, own[:0]
    context = shared.values // base
    among = np.arange(len(context)) + np.cumsum(single)[context]
    many = np.bincount(context, minlength=len(single))
    at = np.arange(len(contexts)) + np.cumsum(many)[contexts]
    n = len(among) + len(at)
    merged = Run(np.empty(n, np.int64), np.ones(n, whole), np.empty(n, whole))
    merged.values[at], merged.values[among] = contexts * base + alone.word[contexts], shared.values
    merged.counts[among] = shared.counts
    merged.label[at], merged.label[among] = alone.suffix[contexts], shared.label
    first = np.empty(len(single), whole)
    first[contexts] = at
    return merged, among.astype(whole), first
