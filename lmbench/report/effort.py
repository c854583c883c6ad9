"""Equal effort: what was tried for each row, and rows that are alike in one cost beside each other."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from lmbench.report import markdown, numbers
from lmbench.report.compare import Comparison, finite
from lmbench.report.facts import REFERENCE, Facts, Row
from lmbench.report.markdown import bold, bullets, code, escape, listed, table
from lmbench.report.tables import frame
from lmbench.wording import agreeing, counted

Cost = Callable[[Row], "float | None"]

COSTS: dict[str, tuple[str, str, Cost]] = {
    "parameters": ("As many parameters", "parameters", lambda row: float(row.first.n_params)),
    "seconds": ("As much time", "seconds of the processor", lambda row: row.cost("fit_cpu_seconds")),
}
"""Cost that rows may be alike in -> the title of their table, what is compared, how much of it a row took."""


def section(facts: Facts, comparison: Comparison) -> str:
    """Rows as given, the search, rows of equal cost; nothing where a benchmark has no search and no equal costs."""
    searched = _searched(facts)
    equal = facts.benchmark.get("equal") or {}
    if not searched and not equal:
        return ""
    given = [row for row in facts.scored if row.name not in searched and row.group != REFERENCE and finite(row)]
    parts = [
        markdown.section("As given", _rows(given, comparison), level=3) if searched else "",
        _search(facts, searched, comparison),
        *(_equal(cost, spec, facts, comparison) for cost, spec in equal.items()),
    ]
    says = [
        f"{bold('processor, s')}: of one fit, without waiting for others, the mean over seeds; not of what was tried.",
        f"{bold('bits above best')}: bits per token above the best row of the same table, of the means over "
        "seeds, with the paired 95 % interval over sentences; ≈ marks a tie. Seeds may lie further apart than that, "
        "see their range.",
    ]
    return markdown.section("At equal effort", *parts, bullets(says))


def _rows(rows: Sequence[Row], comparison: Comparison) -> str:
    """Costs and perplexities of some rows, the best first."""
    rows = sorted(rows, key=lambda row: row.mean("ppl") or math.inf)
    lines = []
    for row in rows:
        above = comparison.difference(row, rows[0]) if row is not rows[0] else None
        shown = "best"
        if above is not None:
            mark = "≈ " if above.tie else ""
            shown = f"{mark}{numbers.gain(above.bits)} {numbers.span(above.low, above.high, 'gain')}"
        values = row.values("ppl")
        lines.append(
            [
                escape(row.name),
                numbers.count(row.first.n_params),
                str(row.first.config.get("epochs", numbers.DASH)),
                numbers.seconds(row.cost("fit_cpu_seconds")),
                numbers.perplexity(row.mean("valid_ppl")),
                numbers.perplexity(row.mean("ppl")),
                f"{numbers.perplexity(min(values))} to {numbers.perplexity(max(values))}"
                if values[1:]
                else numbers.DASH,
                shown,
            ]
        )
    header = [
        "row",
        "parameters",
        "epochs",
        "processor, s",
        "valid",
        "test",
        "range over seeds",
        "bits above best",
    ]
    return table(header, lines)


def _searched(facts: Facts) -> dict[str, list[Row]]:
    """Row -> its trials, in the order in which they were tried."""
    trials: dict[str, list[Row]] = {}
    for trial in facts.trials:
        trials.setdefault(str(trial.of), []).append(trial)
    return trials


def _chosen(trials: Sequence[Row]) -> Row | None:
    """The trial that is best on valid, the first among equals, as the run chose it."""
    known = [trial for trial in trials if trial.mean("valid_ppl") is not None]
    return min(known, key=lambda trial: trial.mean("valid_ppl") or math.inf, default=None)


def _search(facts: Facts, searched: Mapping[str, Sequence[Row]], comparison: Comparison) -> str:
    """How many settings were tried for each row, which was chosen, how far they lie apart."""
    if not searched:
        return ""
    counts = sorted({len(trials) for trials in searched.values()})
    lines = []
    for name, trials in searched.items():
        values = [value for trial in trials if (value := trial.mean("valid_ppl")) is not None]
        best = _chosen(trials)
        lines.append(
            [
                escape(name),
                escape(_spelled(best.trial or {})) if best is not None else numbers.DASH,
                numbers.perplexity(min(values, default=math.nan)),
                numbers.perplexity(max(values, default=math.nan)),
                str(len(trials) - len(values)),
                numbers.seconds(sum(trial.cost("fit_cpu_seconds") or 0.0 for trial in trials)),
            ]
        )
    many = listed([*map(str, counts[:-1]), counted(counts[-1], "setting")])
    text = (
        f"For each of these rows {many} {agreeing(counts[-1], 'was', 'were')} fitted on train, with one seed, and "
        "measured on valid alone; the best of them is the row, and it alone has read test. All that was tried is in "
        "`search.csv`."
    )
    header = ["row", "chosen", "valid, best", "valid, worst", "failed", "processor, s, all"]
    rows = [row for row in facts.scored if row.name in searched and finite(row)]
    return markdown.section(
        "As many settings tried", text, table(header, lines, left=2), _rows(rows, comparison), level=3
    )


def _equal(cost: str, spec: Mapping[str, Any], facts: Facts, comparison: Comparison) -> str:
    """Rows that are to be alike in one cost, and whether they are."""
    title, what, of = COSTS[cost]
    rows = [row for row in facts.scored if row.name in spec["rows"] and finite(row)]
    values = [value for row in rows if (value := of(row)) is not None]
    if len(values) < 2:
        return ""
    apart, asked = max(values) / min(values) - 1, float(spec["within"])
    text = f"The dearest of these rows has {numbers.percent(apart)} more {what} than the cheapest"
    if apart <= asked:
        text += f"; {numbers.percent(asked)} were allowed."
    else:
        text += f", though only {numbers.percent(asked)} were allowed: {bold('they are not equal')}."
    missing = [code(name) for name in spec["rows"] if name not in {row.name for row in rows}]
    text += f" Without a result: {listed(missing)}." if missing else ""
    return markdown.section(title, text, _rows(rows, comparison), level=3)


def _spelled(fields: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in fields.items())


def tables(facts: Facts) -> dict[str, pd.DataFrame]:
    """search.csv: a line for each setting that was tried."""
    return {
        "search.csv": frame(
            {
                "row": name,
                "trial": trial.name,
                "fields": json.dumps(trial.trial, ensure_ascii=False),
                "valid_ppl": trial.mean("valid_ppl"),
                "n_params": trial.first.n_params if trial.results else None,
                "chosen": trial is _chosen(trials),
                "error": trial.failed[0].error if trial.failed else None,
            }
            for name, trials in _searched(facts).items()
            for trial in trials
        )
    }
