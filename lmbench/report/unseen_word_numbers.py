"""What rows say of words that they were trained without, as a report shows it: means over seeds, words and places."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lmbench.bench.results import Result
from lmbench.measures.perplexity import BITS, Floats
from lmbench.measures.uncertainty import cluster_bootstrap
from lmbench.measures.unseen_word import Answers, per_word, placement
from lmbench.report import numbers
from lmbench.report.facts import REFERENCE, Facts, Row
from lmbench.report.markdown import number


@dataclass(frozen=True)
class Measured:
    """A number and its 95 % interval, NaN where there is none."""

    value: float
    low: float = math.nan
    high: float = math.nan

    def shown(self, style: str) -> str:
        """style: a function of numbers that span() knows too."""
        one, span = getattr(numbers, style)(self.value), numbers.span(self.low, self.high, style)
        return f"{number(one)} {number(span)}".strip()


@dataclass(frozen=True, eq=False)
class Told:
    """What a row says of the words.

    unseen: trained without their group, NaN where that was not run    seen: under the control, of the same words
    """

    row: Row
    unseen: Answers
    seen: Answers

    @property
    def reference(self) -> bool:
        """Whether it is exact and lacks no words."""
        return self.row.group == REFERENCE


class Words:
    """The K words of a report's [unseen] and what its rows say of them at P places.

    items: of each word, what facts/benchmark.json holds    told: by falling placement, references last
    group, unigram: of each word, int64 and float64 (K,), the second in bits    word: int64 (P,), the word of each place
    """

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.about = facts.unseen
        self.items: list[dict[str, Any]] = list(self.about.get("words") or [])
        self.group = np.array([int(item["group"]) for item in self.items], np.int64)
        self.unigram = np.array([float(item["unigram_bits"]) for item in self.items])
        self.word = np.repeat(np.arange(len(self.items)), [int(item["places"]) for item in self.items])
        told = [told for row in facts.scored if (told := self._told(row)) is not None]
        self.told = sorted(told, key=lambda one: (one.reference, -_sortable(self.placed(one.unseen).value)))

    @property
    def paired(self) -> bool:
        """Whether groups have words to choose between."""
        return bool((np.bincount(self.group) > 1).any())

    @property
    def lacking(self) -> list[int]:
        """Groups that were not run for some row."""
        gone = [self.group[self.word][np.isnan(told.unseen.log_probs)] for told in self.told]
        return sorted({int(group) for groups in gone for group in groups})

    def bits(self, answers: Answers) -> Floats:
        """float64 (P,)"""
        return -answers.log_probs * BITS

    def mean(self, values: Floats) -> Measured:
        """The mean over words of their means over places, with an interval over words; of one word, over places."""
        values = per_word(values, self.word) if len(self.items) > 1 else values
        values = values[~np.isnan(values)]
        if not len(values) or not np.isfinite(values).all():
            return Measured(float(values.mean()) if len(values) else math.nan)
        rng = np.random.default_rng(0)
        return Measured(float(values.mean()), *cluster_bootstrap(values, range(len(values)), rng=rng))

    def placed(self, answers: Answers) -> Measured:
        """Bits by which the row finds the words likelier where they stand."""
        return self.mean(placement(answers, self.word))

    def chosen(self, answers: Answers) -> Measured:
        """The share of choices between two words of a group that are put right; NaN where groups are of one word."""
        return self.mean(answers.choice)

    def everywhere(self, answers: Answers) -> float:
        """Bits by which the row finds the words likelier elsewhere than they are frequent."""
        there = answers.elsewhere * BITS + self.unigram
        return float(there[~np.isnan(there)].mean())

    def compared(self, left: Floats, right: Floats) -> Measured:
        """Bits of left minus bits of right, place by place."""
        with np.errstate(invalid="ignore"):
            return self.mean(left - right)

    def _told(self, row: Row) -> Told | None:
        seen = _means(row.results)
        if seen is None:
            return None
        if row.group == REFERENCE:
            return Told(row, Answers(**seen), Answers(**seen))
        unseen = {name: np.full(len(values), np.nan) for name, values in seen.items()}
        for group in set(self.group):
            part = _means([result for result in row.parts if result.without == group]) or {}
            for name, values in part.items():
                mine = self._groups(values) == group
                unseen[name][mine] = values[mine]
        gone = np.unique(self.group[self.word][np.isnan(unseen["log_probs"])])
        if len(gone) == len(set(self.group)):
            return None
        for values in seen.values():
            values[np.isin(self._groups(values), gone)] = np.nan
        return Told(row, Answers(**unseen), Answers(**seen))

    def _groups(self, values: Floats) -> npt.NDArray[np.int64]:
        """The group of each number, which is of a word or of a place."""
        return self.group if len(values) == len(self.group) else self.group[self.word]


def _means(results: Sequence[Result]) -> dict[str, Floats] | None:
    """The answers of a row, averaged over seeds; None where there are none."""
    names = [f"word_{name}" for name in Answers.__dataclass_fields__]
    asked = [result for result in results if names[0] in result.arrays]
    if not asked:
        return None
    return {name.removeprefix("word_"): np.mean([result.arrays[name] for result in asked], axis=0) for name in names}


def _sortable(value: float) -> float:
    return value if math.isfinite(value) else -math.inf
