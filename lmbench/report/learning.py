"""Learning curves: the rows of a benchmark at several sizes of train, and from which size on one is ahead."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from lmbench.measures.crossover import crossover, interval
from lmbench.measures.perplexity import Floats
from lmbench.measures.uncertainty import RESAMPLES, Ints, count, resample_sums
from lmbench.measures.uncertainty import interval as middle
from lmbench.report import markdown, numbers
from lmbench.report.compare import NONE, finite
from lmbench.report.facts import RANKED, Facts, Row
from lmbench.report.markdown import bold, bullets, code, escape, number, table
from lmbench.report.tables import COLUMNS, frame
from lmbench.wording import counted

COUNTING = "ngram"
"""The family whose rows the others are to overtake."""
CAPTION = "Perplexity on test by sentences of train"


@dataclass(frozen=True)
class Crossing:
    """Where one line overtakes another: sentences of train, 0 for 'at every size', inf for 'at none'.

    sizes:     at which both were trained
    low, high: 95 % interval over sentences of test and over seeds
    seeds:     of each seed alone, one where there is one
    """

    line: str
    over: str
    sizes: tuple[int, ...]
    size: float
    low: float
    high: float
    seeds: tuple[float, ...]


class Curves:
    """The ranked rows of a benchmark by what they are rows of, at every size at which they have a finite perplexity.

    lines: name -> sentences of train, rising -> its row
    sizes: of all of them
    """

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        found: dict[str, dict[int, Row]] = {}
        for row in (*facts.smaller, *facts.rows):
            if row.of is not None and row.train_lines is not None and row.group == RANKED and finite(row):
                found.setdefault(row.of, {})[row.train_lines] = row
        self.lines = {name: dict(sorted(rows.items())) for name, rows in found.items()}
        self.sizes = sorted({size for rows in found.values() for size in rows})

    def family(self, name: str) -> str:
        return next(iter(self.lines[name].values())).family

    @cached_property
    def crossings(self) -> list[Crossing]:
        """Of every line that is not counting over every one that is, where they have two sizes in common."""
        counting = [name for name in self.lines if self.family(name) == COUNTING]
        others = [name for name in self.lines if name not in counting]
        found = [self.crossing(line, over) for line in others for over in counting]
        return [one for one in found if one is not None]

    def crossing(self, line: str, over: str) -> Crossing | None:
        """From which size on `line` is ahead of `over`, among the sizes that both have."""
        mine, theirs = self.lines[line], self.lines[over]
        sizes = tuple(size for size in mine if size in theirs)
        if len(sizes) < 2:
            return None

        def lead(seed: int | None) -> list[float]:
            return [_bits(theirs[size], seed) - _bits(mine[size], seed) for size in sizes]

        samples = np.stack([self._nats(over, size) - self._nats(line, size) for size in sizes], axis=1)
        seeds = range(min(len(mine[size].results) for size in sizes))
        low, high = interval(crossover(sizes, samples))
        size, *alone = map(float, crossover(sizes, np.array([lead(None), *map(lead, seeds)])))
        return Crossing(line, over, sizes, size, low, high, tuple(alone))

    def span(self, name: str, size: int) -> tuple[float, float]:
        """The 95 % interval of a line's perplexity at a size, over sentences of test and over seeds."""
        n = count(self._tokens, self._clusters)
        return middle(np.exp(self._nats(name, size) / self._sums[:, 0]), n) if n > 1 else NONE

    @cached_property
    def _tokens(self) -> npt.NDArray[np.int64]:
        rows = next(iter(self.lines.values()))
        return np.asarray(next(iter(rows.values())).first.arrays["row_tokens"], np.int64)

    @cached_property
    def _clusters(self) -> Ints | None:
        return self.facts.clusters(len(self._tokens))

    @cached_property
    def _columns(self) -> dict[tuple[str, int], list[int]]:
        """Where the seeds of a line at a size stand in the resampled sums; column 0 is tokens."""
        columns: dict[tuple[str, int], list[int]] = {}
        free = 1
        for name, rows in self.lines.items():
            for size, row in rows.items():
                columns[name, size] = list(range(free, free + len(row.results)))
                free += len(row.results)
        return columns

    @cached_property
    def _sums(self) -> Floats:
        """float64 (resamples, 1 + columns): all rows are resampled with the same draws of sentences."""
        arrays = [
            r.arrays["row_log_probs"] for rows in self.lines.values() for row in rows.values() for r in row.results
        ]
        stacked = np.stack([self._tokens, *(-np.asarray(array, np.float64) for array in arrays)], axis=1)
        return resample_sums(stacked, self._clusters, rng=np.random.default_rng(0))[0]

    def _nats(self, name: str, size: int) -> Floats:
        """float64 (resamples,): nats of test under a line at a size, the mean over as many seeds drawn as it has."""
        columns = np.array(self._columns[name, size])
        drawn = np.random.default_rng([1, *columns]).integers(len(columns), size=(RESAMPLES, len(columns)))
        return np.asarray(self._sums[np.arange(RESAMPLES)[:, None], columns[drawn]].mean(axis=1), np.float64)


def _bits(row: Row, seed: int | None) -> float:
    """Bits per token, the mean over seeds; of one seed where the row has several."""
    values = row.values("bits_per_token")
    return float(np.mean(values)) if seed is None else values[min(seed, len(values) - 1)]


def section(curves: Curves, drawn: Sequence[str]) -> str:
    """Perplexity by size, distance to the floor, who overtakes whom; nothing where there is one size."""
    facts = curves.facts
    if len(curves.sizes) < 2:
        return ""
    text = (
        f"Every row was trained on the first {markdown.listed([f'{size:,}' for size in curves.sizes])} sentences of "
        f"train. The vocabulary is that of all {counted(int(_sentences(facts) or 0), 'sentence')} at every size, so "
        "each column predicts the same events: a word that a part lacks is an event that it never saw."
    )
    header = ["row", *(f"{size:,}" for size in curves.sizes)]

    def by_size(show: Callable[[Row], str]) -> str:
        lines = [
            [escape(name), *(show(rows[size]) if size in rows else numbers.DASH for size in curves.sizes)]
            for name, rows in curves.lines.items()
        ]
        return table(header, lines)

    def metric(name: str) -> str:
        return by_size(lambda row: number(COLUMNS[name].show(row.mean(name))))

    parts = [text, markdown.figure("learning", CAPTION, drawn), "Perplexity on test:", metric("ppl")]
    floor = facts.floor.mean("bits_per_token") if facts.floor else None
    if floor is not None:
        above = by_size(lambda row: numbers.gain(_bits(row, None) - floor))
        parts += ["Bits per token above the distribution that the text was drawn from:", above]
    if curves.crossings:
        parts += [_crossings(curves)]
    for name in ("c3_crossed", "c4"):
        if any(row.mean(name) is not None for rows in curves.lines.values() for row in rows.values()):
            parts += [f"{bold(COLUMNS[name].title)}, {COLUMNS[name].says}:", metric(name)]
    return markdown.section("With less text to learn from", *parts, bullets(_says(curves)))


def _crossings(curves: Curves) -> str:
    by = {(one.line, one.over): _cell(one) for one in curves.crossings}
    over = list(dict.fromkeys(one.over for one in curves.crossings))
    lines = [
        [escape(name), *(by.get((name, other), numbers.DASH) for other in over)]
        for name in dict.fromkeys(one.line for one in curves.crossings)
    ]
    says = "From how many sentences on a row is ahead of one that counts:"
    return f"{says}\n\n{table(['ahead of', *map(escape, over)], lines)}"


def _cell(one: Crossing) -> str:
    span = f" [{_place(one.low, one.sizes)}, {_place(one.high, one.sizes)}]" if one.low != one.high else ""
    return f"{_place(one.size, one.sizes)}{span}"


def _place(size: float, sizes: Sequence[int]) -> str:
    """A size in two digits: more would be the interpolation's, not the data's."""
    if size == 0:
        return f"below {sizes[0]:,}"
    if math.isinf(size):
        return f"above {sizes[-1]:,}"
    return f"{float(f'{size:.2g}'):,.0f}"


def _says(curves: Curves) -> list[str]:
    """What the table shows, and how it was made."""
    says = []
    for one in curves.crossings:
        name, other = code(one.line), code(one.over)
        if one.size == 0:
            says.append(f"{name} is ahead of {other} at every size.")
        elif math.isinf(one.size):
            says.append(f"{name} is not ahead of {other} with {one.sizes[-1]:,} sentences.")
        else:
            alone = ", ".join(_place(size, one.sizes) for size in one.seeds)
            seeds = f"; its seeds one by one: {alone}" if one.seeds[1:] else ""
            says.append(f"{name} is ahead of {other} from {_cell(one)} sentences on{seeds}.")
    seeded = any(len(row.results) > 1 for rows in curves.lines.values() for row in rows.values())
    over = "sentences of test and, of a row with seeds, its seeds at each size"
    if not seeded:
        over = "sentences of test alone: each network has one seed, and another would shift its points"
    return [
        *says,
        f"{bold('[95 %]')}: a paired bootstrap over {over}. Between two sizes the lead is taken to change evenly with "
        "the logarithm of the size; the size meant is the one from which on the row stays ahead.",
        "Perplexities with their intervals, and crossings, are in `learning.csv` and `learning_crossings.csv`.",
    ]


def tables(curves: Curves) -> dict[str, pd.DataFrame]:
    """learning.csv: a line for each row and size; learning_crossings.csv: one for each pair."""
    points, crossings = [], []
    if len(curves.sizes) > 1:
        for name, rows in curves.lines.items():
            for size, row in rows.items():
                low, high = curves.span(name, size)
                values = row.values("ppl")
                points.append(
                    {
                        "row": name, "train_sentences": size, "n_seeds": len(values), "ppl": row.mean("ppl"),
                        "ppl_low": float(f"{low:.10g}"), "ppl_high": float(f"{high:.10g}"),
                        "ppl_seed_min": min(values), "ppl_seed_max": max(values),
                        "bits_per_token": row.mean("bits_per_token"), "epochs": row.first.config.get("epochs"),
                    }
                )  # fmt: skip
        crossings = [
            {
                "row": one.line, "over": one.over, "train_sentences": float(f"{one.size:.6g}"),
                "low": float(f"{one.low:.6g}"), "high": float(f"{one.high:.6g}"),
                "seeds": " ".join(f"{seed:.6g}" for seed in one.seeds),
            }
            for one in curves.crossings
        ]  # fmt: skip
    return {"learning.csv": frame(points), "learning_crossings.csv": frame(crossings)}


def _sentences(facts: Facts) -> float | None:
    splits = facts.benchmark.get("statistics") or []
    return next((float(line["sentences"]) for line in splits if line["split"] == "train"), None)
