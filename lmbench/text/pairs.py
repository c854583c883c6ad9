"""Which words meet which in a text: pairs (a, b), a word and the next one that has a meaning of its own.

a is a word by itself (엄청, "very"), or with its frame, one particle, ending or function word, after it (꿈 을, "buy
the"). b begins the next word. Counts are tables of all a by all b; what is expected of a pair is reckoned within its
frame, that is among all pairs with the same particle between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from lmbench.text.word_forms import Bools, Forms, Ints

NONE = -1
"""The frame of an a after which nothing stands."""


@dataclass(frozen=True, eq=False)
class Text:
    """Rows of word ids laid end to end, after each row the number of words, which is no word.

    ids: int64 (N,)    rows: int64 (N,) the row of each
    """

    ids: Ints
    rows: Ints

    @classmethod
    def of(cls, tokens: Sequence[Sequence[str]], numbers: dict[str, int]) -> Text:
        lengths = np.array([len(row) + 1 for row in tokens], np.int64)
        ids = np.full(int(lengths.sum()), len(numbers), np.int64)
        is_word = np.ones(len(ids), bool)
        is_word[np.cumsum(lengths) - 1] = False
        ids[is_word] = np.fromiter(map(numbers.__getitem__, chain.from_iterable(tokens)), np.int64, is_word.sum())
        return cls(ids, np.repeat(np.arange(len(tokens)), lengths))

    def before(self, steps: int) -> Ints:
        """int64 (N,): the id so many places before each; the end of a row where there is none."""
        end = self.ids.max(initial=0)
        return np.concatenate([np.full(steps, end), self.ids])[: len(self.ids)]


@dataclass(frozen=True, eq=False)
class Met:
    """Where pairs stand in a text, M of them.

    x:     int64 (M,) the word of a         frame: int64 (M,) the particle after it, or NONE
    b:     int64 (M,)                       at:    int64 (M,) the place of b in the text
    """

    x: Ints
    frame: Ints
    b: Ints
    at: Ints

    def where(self, chosen: Bools) -> Met:
        return Met(self.x[chosen], self.frame[chosen], self.b[chosen], self.at[chosen])

    def families(self, family: Ints) -> Ints:
        """int64 (M,): the same number for pairs whose words are of the same two families."""
        return family[self.x] * (int(family.max(initial=0)) + 1) + family[self.b]


def met(text: Text, forms: Forms, *, anywhere: bool = False) -> Met:
    """All pairs of words with a meaning of their own.

    anywhere: also those with two particles between, and with b inside the word that a begins: how a pair is met that
    is spaced or built otherwise.
    """
    content, between, begins = (np.append(mask, False) for mask in (forms.content, forms.between, forms.begins))
    is_b = content[text.ids] & (begins[text.ids] | anywhere)
    gaps = [text.before(steps) for steps in range(1, 4 if anywhere else 3)]
    found, open_yet = [], is_b
    for steps, x in enumerate(gaps):
        chosen = np.flatnonzero(open_yet & content[x])
        frame = gaps[0][chosen] if steps else np.full(len(chosen), NONE)
        found.append(Met(x[chosen], frame, text.ids[chosen], chosen))
        open_yet = open_yet & between[x]
    return Met(*(np.concatenate([getattr(part, name) for part in found]) for name in ("x", "frame", "b", "at")))


@dataclass(frozen=True, eq=False)
class Table:
    """All a by all b of a text that is frequent enough.

    x, frame: int64 (A,)    b: int64 (B,)    of_a: (x, frame) -> row, of_b: word -> column, by _places()
    """

    x: Ints
    frame: Ints
    b: Ints
    n_words: int

    @classmethod
    def frequent(cls, pairs: Met, eligible: Bools, least: int) -> Table:
        """a and b that are in so many pairs; eligible: bool (W,) words that may be part of one."""
        allowed = np.append(eligible, True)  # NONE, the last place, is allowed as a frame
        pairs = pairs.where(allowed[pairs.x] & allowed[pairs.frame] & allowed[pairs.b])
        width = len(eligible) + 1
        keys, many = np.unique(pairs.x * width + pairs.frame + 1, return_counts=True)
        b, often = np.unique(pairs.b, return_counts=True)
        keys = keys[many >= least]
        return cls(keys // width, keys % width - 1, b[often >= least], len(eligible))

    def cells(self, pairs: Met) -> tuple[Met, Ints]:
        """The pairs that are in the table, and the cell of each: row * B + column."""
        width = self.n_words + 1
        keys, asked = self.x * width + self.frame + 1, pairs.x * width + pairs.frame + 1
        row, column = _places(keys, asked), _places(self.b, pairs.b)
        inside = (row >= 0) & (column >= 0)
        return pairs.where(inside), (row * len(self.b) + column)[inside]

    def counts(self, cells: Ints) -> Ints:
        """int64 (A, B): how often each cell is named."""
        return np.bincount(cells, minlength=len(self.x) * len(self.b)).reshape(len(self.x), len(self.b))

    def expected(self, pairs: Met) -> npt.NDArray[np.float32]:
        """float32 (A, B): n(a) n(b in the frame of a) / n(frame), the count of a pair that meets by chance."""
        width = self.n_words + 1
        frames, frame_of = np.unique(self.frame, return_inverse=True)
        where, column = _places(frames, pairs.frame), _places(self.b, pairs.b)
        sizes = np.bincount(where[where >= 0], minlength=len(frames))
        both = (where >= 0) & (column >= 0)
        of_b = np.bincount(where[both] * len(self.b) + column[both], minlength=len(frames) * len(self.b))
        share = of_b.reshape(len(frames), -1) / np.maximum(sizes, 1)[:, None]
        row = _places(self.x * width + self.frame + 1, pairs.x * width + pairs.frame + 1)
        of_a = np.bincount(row[row >= 0], minlength=len(self.x))
        return (of_a[:, None] * share[frame_of]).astype(np.float32)

    def documents(self, cells: Ints, documents: Ints) -> Ints:
        """int64 (A, B): in how many documents each cell is named; documents: int64, the document of each naming."""
        width = int(documents.max(initial=0)) + 1
        return self.counts(np.unique(cells * width + documents) // width)

    def kin(self, pairs: Met, family: Ints) -> Bools:
        """bool (A, B): whether any word of a's family meets any of b's in these pairs, whatever stands between."""
        size = int(family.max(initial=0)) + 1
        asked = np.unique(pairs.families(family))
        rows, columns = family[self.x], family[self.b]
        found = np.zeros((len(rows), len(columns)), bool)
        for row in np.unique(rows):
            start, end = np.searchsorted(asked, [row * size, (row + 1) * size])
            found[rows == row] = np.isin(columns, asked[start:end] - row * size)
        return found


def _places(known: Ints, asked: Ints) -> Ints:
    """int64: where each value asked stands among the sorted known ones, -1 where it does not."""
    if not len(known):
        return np.full(len(asked), -1)
    at = np.minimum(np.searchsorted(known, asked), len(known) - 1)
    return np.where(known[at] == asked, at, -1)
