"""Probes from any text: pairs of words that train lacks and a reserve, which no model sees, has several times.

Both words are frequent in train; the pair never occurs there, in no inflection, spelling or spacing of either word. It
occurs in the reserve in several documents, which is what makes it a pair of the language and no slip (Keller & Lapata
2003 let the web say so). What does not belong together is as data says, too: a pair that never occurs in train or
reserve, though by chance it would have several times. Absence that was to be expected proves nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import numpy.typing as npt

from lmbench.errors import BadText
from lmbench.fields import Between, Checked, Count, NotNegative, Seed, Whole
from lmbench.text.marks import SPACE
from lmbench.text.pairs import NONE, Met, Table, Text, met
from lmbench.text.probes import Crossed, Probe
from lmbench.text.vocabulary import ranked
from lmbench.text.word_forms import Bools, Forms, Ints, forms

Tokens = Sequence[Sequence[str]]
Floats = npt.NDArray[np.float32]
STRATA = ("near", "far", "hard")
LONGEST_CONTEXT = 12


@dataclass(frozen=True, kw_only=True)
class Mining(Checked):
    """What counts as a probe.

    min_count: pairs of train that a, and that b, is part of
    attested:  times in the reserve, at least
    documents: of the reserve in which the pair occurs, at least
    expected:  times that an off-cell would occur in train and reserve by chance, at least
    match:     how far a distractor may be from the target in log2 of frequency and of continuation count
    closed:    without a tagger, so many of the commonest words of train are taken for function words
    reuse:     crossed probes that a pair may be part of
    most:      probes kept, and crossed probes kept, drawn with the seed where there are more
    """

    min_count: Count = 40
    attested: Count = 5
    documents: Count = 3
    expected: NotNegative = 5.0
    match: Annotated[float, Between(0, 100)] = 0.25
    closed: Whole = 30
    reuse: Count = 10
    most: Count = 600
    seed: Seed = 0


@dataclass(frozen=True)
class Mined:
    """probes, crossed probes, and what the search came to (see Search.summary), as facts."""

    probes: tuple[Probe, ...]
    crossed: tuple[Crossed, ...]
    found: dict[str, float]


def mine(
    train: Tokens,
    reserve: Tokens,
    documents: Sequence[int],
    settings: Mining,
    *,
    known: Collection[str],
    tokenizer: str = "whitespace",
    lines: Sequence[str] = (),
) -> Mined:
    """The probes of a training text.

    documents: of each row of the reserve    known: words that are events    lines: of train, for a tagger
    """
    return Search(train, reserve, documents, settings, known=known, tokenizer=tokenizer, lines=lines).mined()


class Search:
    """Tables of all a by all b over train and reserve, and what is chosen from them.

    seen, attested: int64 (A, B) counts in train and in the reserve
    unseen:         bool (A, B) the pair, and its kin, is not in train
    off:            bool (A, B) nor in the reserve, though expected
    """

    def __init__(
        self,
        train: Tokens,
        reserve: Tokens,
        documents: Sequence[int],
        settings: Mining,
        *,
        known: Collection[str],
        tokenizer: str,
        lines: Sequence[str],
    ) -> None:
        if len(documents) != len(reserve):
            raise BadText(
                f"the reserve has {len(reserve):,} lines and its documents are {len(documents):,} numbers: they are "
                "not of one text, or `skip` does not suit; give one number a line"
            )
        self.settings, self.train, self.reserve = settings, train, reserve
        self.words = ranked([*train, *reserve])
        numbers = {word: number for number, word in enumerate(self.words)}
        text, beyond = Text.of(train, numbers), Text.of(reserve, numbers)
        end = len(self.words)
        self.counts = np.bincount(text.ids, minlength=end + 1)[:end]
        before, ids = text.before(1), text.ids
        self.continuations = np.bincount(np.unique(before * (end + 1) + ids) % (end + 1), minlength=end + 1)[:end]
        self.forms: Forms = forms(self.words, self.counts, tokenizer, lines, settings.closed)
        self.known: Bools = np.array([word in known for word in self.words], bool) & (self.counts > 0)
        self.text, self.beyond_text, self.pairs = text, beyond, met(text, self.forms)
        self.table = Table.frequent(self.pairs, self.known, settings.min_count)
        self._tables(text, beyond, np.asarray(documents, np.int64))

    def _tables(self, text: Text, beyond: Text, documents: Ints) -> None:
        table, settings, family = self.table, self.settings, self.forms.family
        pairs = met(beyond, self.forms)
        self.attestations, self.attested_cells = table.cells(pairs)
        self.seen = table.counts(table.cells(self.pairs)[1])
        self.attested = table.counts(self.attested_cells)
        self.documents = table.documents(self.attested_cells, documents[beyond.rows[self.attestations.at]])
        both = Met(*(np.concatenate([getattr(self.pairs, n), getattr(pairs, n)]) for n in ("x", "frame", "b", "at")))
        self.expected = table.expected(both)
        self.unseen = (self.seen == 0) & ~table.kin(met(text, self.forms, anywhere=True), family)
        never = self.unseen & (self.attested == 0) & ~table.kin(met(beyond, self.forms, anywhere=True), family)
        self.off = never & (self.expected >= settings.expected)
        good = self.unseen & (self.attested >= settings.attested) & (self.documents >= settings.documents)
        self.good = self._never_glued(good)
        self.support = _support(self.seen)

    def _never_glued(self, good: Bools) -> Bools:
        """Those of the pairs that train does not have without a space either, as in 재밌게봤는데."""
        glued = "\n".join(map(without_spaces, self.train))
        kept: Bools = good.copy()
        for row, column in np.argwhere(good):
            kept[row, column] = self.spelled(row, column) not in glued
        self.n_glued = int(good.sum() - kept.sum())
        return kept

    def spelled(self, row: int, column: int) -> str:
        """The pair of a cell, its frame between, without a space."""
        return without_spaces((*self._a(row), self._b(column)))

    def mined(self) -> Mined:
        rng = np.random.Generator(np.random.PCG64(self.settings.seed))
        cells = np.argwhere(self.good)
        cells = cells[np.argsort(rng.random(len(cells)), kind="stable")]  # uniform numbers: one stream in every numpy
        bounds = _thirds(self.support[cells[:, 0], cells[:, 1]])
        crossed = self._crossed(cells)
        contexts = self._contexts()
        probes = [self._probe(row, column, contexts, bounds) for row, column in cells[: self.settings.most]]
        return Mined(tuple(probes), crossed, self.summary(len(cells)))

    def summary(self, pairs: int) -> dict[str, float]:
        """What the search came to.

        a, b, pairs:  that are frequent; unseen pairs attested    glued: pairs left out as train has them without space
        unseen_share: of the reserve's pairs in the table, those that train lacks
        off_cells:    pairs that never occur though expected
        false_zeros:  the share of them that chance alone would leave, at most: sum of exp(-expected) over all pairs
                      expected so often, by the number of zeros. Words come in bursts, so it is too small
        """
        enough = self.expected >= self.settings.expected
        zeros = int(self.off.sum())
        times = self.attested.sum()
        return {
            "a": len(self.table.x),
            "b": len(self.table.b),
            "pairs": pairs,
            "glued": self.n_glued,
            "unseen_share": float(self.attested[self.seen == 0].sum() / times) if times else 0.0,
            "off_cells": zeros,
            "false_zeros": float(np.exp(-self.expected[enough].astype(np.float64)).sum() / zeros) if zeros else 0.0,
        }

    def _a(self, row: int) -> tuple[str, ...]:
        frame = self.table.frame[row]
        return (self.words[self.table.x[row]], *(() if frame == NONE else (self.words[frame],)))

    def _b(self, column: int) -> str:
        return self.words[int(self.table.b[column])]

    def _contexts(self) -> dict[int, tuple[int, ...]]:
        """Cell -> what stands before a in the reserve: the shortest beginning of a line, not empty, of known words."""
        good = np.flatnonzero(self.good.ravel()[self.attested_cells])
        known = np.append(self.known, False)
        starts = np.flatnonzero(np.diff(self.beyond_text.rows, prepend=-1))
        found: dict[int, tuple[int, ...]] = {}
        for place in good:
            at, frame = self.attestations.at[place], self.attestations.frame[place]
            left = self.beyond_text.ids[starts[self.beyond_text.rows[at]] : at - 1 - (frame != NONE)]
            cell = int(self.attested_cells[place])
            if 0 < len(left) <= LONGEST_CONTEXT and known[left].all():
                words = tuple(left.tolist())
                found[cell] = min(found.get(cell, words), words, key=lambda words: (len(words), words))
        return found

    def _probe(self, row: int, column: int, contexts: dict[int, tuple[int, ...]], bounds: tuple[float, float]) -> Probe:
        left = contexts.get(int(row * len(self.table.b) + column), ())
        a, b = self._a(row), self._b(column)
        other = self._distractor(row, column)
        return Probe(
            context=(*(self.words[number] for number in left), *a),
            target=b,
            phrase=(b,),
            cell=(a[0], b),
            held=True,
            stratum=_stratum(float(self.support[row, column]), bounds),
            distractor=None if other is None else self._b(other),
            span=len(a),
            attested=int(self.attested[row, column]),
            documents=int(self.documents[row, column]),
            distractor_expected=None if other is None else round(float(self.expected[row, other]), 1),
        )

    def _distractor(self, row: int, column: int) -> int | None:
        """The column of an off-cell of a whose word ends as b does and is as frequent, after as many words."""
        b, ending = self.table.b, self.forms.ending
        frequency = np.abs(np.log2(self.counts[b] / self.counts[b[column]]))
        continuation = np.abs(np.log2(self.continuations[b] / self.continuations[b[column]]))
        good = self.off[row] & (ending[b] == ending[b[column]])
        good &= (frequency <= self.settings.match) & (continuation <= self.settings.match)
        found = np.flatnonzero(good)
        return int(found[np.argmin((frequency + continuation)[found])]) if len(found) else None

    def _crossed(self, cells: Ints) -> tuple[Crossed, ...]:
        """Two unseen pairs with one particle and one ending whose off-diagonals are off-cells; see Crossed."""
        pairs = [(cells[one], cells[two]) for one, two in self.crossing(cells)]
        supports = [float(min(self.support[tuple(one)], self.support[tuple(two)])) for one, two in pairs]
        bounds = _thirds(np.array(supports))
        return tuple(self._cross(*pair, _stratum(s, bounds)) for pair, s in zip(pairs, supports, strict=True))

    def crossing(self, cells: Ints) -> Iterator[tuple[int, int]]:
        """Which two of the cells (int64 (N, 2), rows and columns) cross, as their numbers; each used a few times."""
        rows, columns = cells[:, 0], cells[:, 1]
        frame, ending = self.table.frame[rows], self.forms.ending[self.table.b[columns]]
        uses, made = np.zeros(len(cells), np.int64), 0
        for one in range(len(cells)):
            fits = self.off[rows[one], columns] & self.off[rows, columns[one]]
            fits &= (frame == frame[one]) & (ending == ending[one])
            for two in (np.flatnonzero(fits[one + 1 :]) + one + 1).tolist():
                if made < self.settings.most and max(uses[one], uses[two]) < self.settings.reuse:
                    uses[[one, two]] += 1
                    made += 1
                    yield one, two

    def _cross(self, one: Ints, two: Ints, stratum: str) -> Crossed:
        (row, column), (other_row, other_column) = one, two
        a1, a2 = self._a(row), self._a(other_row)
        expected = min(self.expected[row, other_column], self.expected[other_row, column])
        return Crossed(
            left=(),
            a1=a1[0],
            b1=self._b(column),
            a2=a2[0],
            b2=self._b(other_column),
            stratum=stratum,
            between=a1[1:],
            expected=round(float(expected), 1),
        )


def without_spaces(row: Sequence[str]) -> str:
    return "".join(row).replace(SPACE, "")


def _thirds(supports: npt.NDArray[np.floating]) -> tuple[float, float]:
    """The two values that part these into three equal strata, the higher first."""
    high, low = np.quantile(supports, [2 / 3, 1 / 3]) if len(supports) else (0.0, 0.0)
    return float(high), float(low)


def _stratum(support: float, bounds: tuple[float, float]) -> str:
    return STRATA[int(support < bounds[0]) + int(support < bounds[1])]


def _support(seen: Ints) -> Floats:
    """float32 (A, B): how like a are the words that train has before b: the mean of their cosine, by their counts.

    Two a are alike as far as the roots of the counts of what follows them are.
    """
    roots = np.sqrt(seen.astype(np.float32))
    roots /= np.maximum(np.linalg.norm(roots, axis=1, keepdims=True), 1e-9)
    counts = seen.astype(np.float32)
    found: Floats = (roots @ roots.T) @ counts / np.maximum(counts.sum(axis=0), 1)
    return found
