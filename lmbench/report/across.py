"""The same text in several units: what each took per character and per word, over sentences that are the same in all.

Rows named NAME-ORDER are one line NAME, at the order that valid prefers in that unit.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lmbench.errors import BadModel
from lmbench.measures import uncertainty
from lmbench.measures.perplexity import BITS, Floats
from lmbench.report.facts import RANKED, Facts, Row

DENOMINATORS = ("characters", "words")
_ORDER = re.compile(r"-\d+$")


@dataclass(frozen=True, eq=False)
class Cell:
    """One line in one unit.

    row:      the row it is, and how many there were to choose from
    bits:     float64 (S,), all bits of each sentence of test, the spelling of unknown words among them
    spelling: share of all bits that spells unknown words
    """

    unit: str
    line: str
    row: Row
    candidates: int
    bits: Floats
    spelling: float


@dataclass(frozen=True)
class Ratio:
    """Bits per character or word, with a 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def tie(self) -> bool:
        """Of a difference: whether the interval contains 0."""
        return self.low <= 0 <= self.high


class Joined:
    """The units of a benchmark side by side; every interval is from the same draws of sentences."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.lengths = _lengths(facts)
        found = [cell for unit in facts.units for cell in _cells(facts, unit)]
        self.cells = {(cell.unit, cell.line): cell for cell in found}
        self.units = list(facts.units)
        self.lines = list(dict.fromkeys(cell.line for cell in found))

    def per(self, cell: Cell, what: str) -> Ratio:
        """Its bits per character or per word of test."""
        return self._ratio(cell.bits, self._sums[:, self._column[cell.unit, cell.line]], what)

    def difference(self, left: Cell, right: Cell, what: str = "characters") -> Ratio:
        """How many bits more the left one takes, on the same sentences."""
        one, other = (self._sums[:, self._column[cell.unit, cell.line]] for cell in (left, right))
        return self._ratio(left.bits - right.bits, one - other, what)

    @cached_property
    def best(self) -> Cell | None:
        """The cell with the fewest bits."""
        return min(self.cells.values(), key=lambda cell: float(cell.bits.sum()), default=None)

    def cheapest_first(self, *, unit: str | None = None, line: str | None = None) -> list[Cell]:
        """The cells of a unit, or of a line, by their bits."""
        wanted = [c for c in self.cells.values() if unit in (None, c.unit) and line in (None, c.line)]
        return sorted(wanted, key=lambda cell: float(cell.bits.sum()))

    def _ratio(self, bits: Floats, sums: Floats, what: str) -> Ratio:
        below = self._sums[:, DENOMINATORS.index(what)]
        n = uncertainty.count(self.lengths[what], self._clusters)
        low, high = uncertainty.interval(sums / below, n) if n > 1 else (math.nan, math.nan)
        return Ratio(float(bits.sum() / self.lengths[what].sum()), low, high)

    @cached_property
    def _column(self) -> dict[tuple[str, str], int]:
        return {key: column for column, key in enumerate(self.cells, start=len(DENOMINATORS))}

    @cached_property
    def _sums(self) -> Floats:
        """float64 (resamples, 2 + cells): characters, words, and the bits of each cell."""
        columns = [*(self.lengths[what] for what in DENOMINATORS), *(cell.bits for cell in self.cells.values())]
        stacked = np.stack(columns, axis=1).astype(np.float64)
        return uncertainty.resample_sums(stacked, self._clusters, rng=np.random.default_rng(0))[0]

    @cached_property
    def _clusters(self) -> uncertainty.Ints | None:
        first = next(facts for facts, _ in self.facts.units.values())
        return first.clusters(len(self.lengths[DENOMINATORS[0]]))


def _lengths(facts: Facts) -> dict[str, Any]:
    """int64 (S,): characters and words of each sentence of test, which every unit must have found the same."""
    name, (first, lengths) = next(iter(facts.units.items()))
    for other, (theirs, own) in facts.units.items():
        same = all(np.array_equal(lengths[what], own[what]) for what in DENOMINATORS)
        if not same or any(
            first.corpus.get(text) != theirs.corpus.get(text) for text in ("train_sha256", "test_sha256")
        ):
            raise BadModel(
                f"units {name!r} and {other!r} were trained or scored on different sentences: one is of an earlier "
                "text; run the benchmark again"
            )
    return {what: lengths[what] for what in DENOMINATORS}


def _cells(facts: Facts, unit: str) -> list[Cell]:
    """The lines of a unit, in file order; none where a row has no finite bits per character, or is not ranked."""
    own, sentences = facts.units[unit]
    if "spelling_bits" not in sentences:
        return []
    spelling = np.asarray(sentences["spelling_bits"], np.float64)
    lines: dict[str, list[Row]] = {}
    for row in own.rows:
        bits = row.mean("bits_per_char") if row.group == RANKED else None
        if bits is not None and math.isfinite(bits) and row.array("row_log_probs") is not None:
            lines.setdefault(_ORDER.sub("", row.name), []).append(row)
    found = []
    for line, rows in lines.items():
        row = min(rows, key=lambda row: math.inf if (ppl := row.mean("valid_ppl")) is None else ppl)
        log_probs = row.array("row_log_probs")
        assert log_probs is not None  # rows without were left out
        if log_probs.shape != spelling.shape:
            raise BadModel(f"row {row.name!r} of unit {unit!r} was scored on another text; run the benchmark again")
        total = spelling - log_probs * BITS
        found.append(Cell(unit, line, row, len(rows), total, float(spelling.sum() / total.sum())))
    return found
