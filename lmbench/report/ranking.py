"""The main table: rows in order of perplexity, those that do not compete apart, and what each column is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from lmbench.measures.uncertainty import FEW
from lmbench.report import (
    markdown,
    numbers,
    significance,
    tables,
)
from lmbench.report.compare import Comparison
from lmbench.report.facts import ABSENT, ADAPTIVE, RANKED, REFERENCE, SCORE, Facts, Row
from lmbench.report.markdown import (
    bold,
    bullets,
    escape,
    number,
    table,
)


def section(facts: Facts, comparison: Comparison) -> str:
    """The main table, lowest perplexity first; references and other tracks apart; what each column is."""
    extra = [f"ppl_{name}" for name in facts.extra_sets]
    names = [*tables.MAIN[:-2], *extra, *tables.MAIN[-2:]]
    names = [name for name in tables.present(facts, names) if name != "c4_headline" or facts.headline]
    first = [*facts.grouped(RANKED), *facts.grouped(ABSENT)]
    parts = [_ranking(facts, comparison, names, first)] if first else []
    for group, title in (
        (ADAPTIVE, "Adaptive rows, which learn from test as they read it, ranked among themselves:"),
        (SCORE, "Rows whose scores do not sum to one: not distributions, so they have no perplexity:"),
        (REFERENCE, "Reference rows: the distribution the text was drawn from, not competitors:"),
    ):
        if rows := facts.grouped(group):
            own = [name for name in names if any(row.mean(name) is not None for row in rows)]
            parts += [title, _ranking(facts, comparison, own, rows)]
    columns = [tables.column(name, facts) for name in ["ppl", *names]]
    says = [f"{bold(column.title)}: {column.says}." for column in columns]
    return markdown.section(
        "Results", *parts, "What the columns say:", bullets([*_intervals(facts, comparison), *says])
    )


def _ranking(facts: Facts, comparison: Comparison, names: list[str], rows: list[Row]) -> str:
    """One ranked table; rows without results say why."""
    seeded = any(len(row.results) > 1 for row in facts.rows)
    apart = rows[0].group in (REFERENCE, SCORE)
    columns = [tables.column(name, facts) for name in names]
    sourced = any(row.sources for row in facts.rows)
    words = ["row", "family", *(["data used"] if sourced else [])]
    header = [*words, "perplexity [95 %]"]
    header += ["range over seeds"] if seeded else []
    header += [] if apart else ["bits above best"]
    shown = [bests(rows, name, column) if not apart else None for name, column in zip(names, columns, strict=True)]
    best = bests(rows, "ppl", tables.COLUMNS["ppl"]) if not apart else None
    lines = []
    for row in rows:
        line = [escape(row.name), escape(row.family)]
        line += [escape(" + ".join(("train", *row.sources)))] if sourced else []
        if not row.results:
            blank = len(header) + len(names) - len(words) - 1
            lines.append([*line, escape(row.status), *[numbers.DASH] * blank])
            continue
        ppl = emphasis(row.mean("ppl"), numbers.perplexity, best)
        line.append(f"{ppl} {numbers.span(*comparison.perplexity(row))}".strip())
        if seeded:
            line.append(_over_seeds(row))
        if not apart:
            line.append(_above(row, comparison))
        line += [emphasis(row.mean(n), c.show, b) for n, c, b in zip(names, columns, shown, strict=True)]
        lines.append(line)
    return table([*header, *(column.title for column in columns)], lines, left=len(words))


def bests(rows: Iterable[Row], name: str, column: tables.Column) -> float | None:
    """The best finite value of a column among rows that compete; None where fewer than two do, or all are equal."""
    values = [value for row in rows if (value := row.mean(name)) is not None and math.isfinite(value)]
    return column.best(values) if column.best and len(values) > 1 and len(set(values)) > 1 else None


def emphasis(value: float | None, show: Callable[[float | None], str], best: float | None) -> str:
    text = number(show(value))
    return bold(text) if value is not None and value == best else text


def _over_seeds(row: Row) -> str:
    values = row.values("ppl")
    if len(row.results) == 1 or not values:
        return numbers.DASH
    return f"{numbers.perplexity(min(values))} to {numbers.perplexity(max(values))} ({len(values)})"


def _above(row: Row, comparison: Comparison) -> str:
    if row.mean("ppl") is None:
        return numbers.DASH
    difference = comparison.to_best(row)
    if difference is None:
        return "best" if comparison.best(row) is row else numbers.DASH
    if not math.isfinite(difference.bits):
        return numbers.gain(difference.bits)
    mark = "≈ " if difference.tie else ""
    return f"{mark}{numbers.gain(difference.bits)} {numbers.span(difference.low, difference.high, 'gain')}"


def _intervals(facts: Facts, comparison: Comparison) -> list[str]:
    """How to read the intervals, the ties and the seeds."""
    if not comparison.clusters:
        return []
    unit = significance.drawn(facts)
    few = f"; {comparison.clusters} are few, so it is approximate" if comparison.clusters < FEW else ""
    few = ": there is one, and so no interval" if comparison.clusters == 1 else few
    says = [
        f"{bold('[95 %]')}: a bootstrap over {unit} ({comparison.clusters:,} of them{few}); it does not cover "
        "the variance between seeds.",
        f"{bold('bits above best')}: bits per token above the first row of the table, with the paired 95 % interval; "
        "≈ marks a tie, see “Which differences are real”.",
    ]
    if any(row.sources for row in facts.rows):
        says.append(
            f"{bold('data used')}: what a row has learnt from; one that has read more than train is not better for it "
            "alone. A text was refused if it has a sentence of test; what is behind a file of vectors nobody checked."
        )
    if any(len(row.results) > 1 for row in facts.rows):
        says.append(
            f"{bold('range over seeds')}: lowest to highest perplexity (number of seeds). Every number of a row with "
            "seeds is the mean over them, a perplexity the mean of the perplexities; only the interval of the "
            "perplexity is of the first seed alone."
        )
    return says
