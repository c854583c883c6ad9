"""The figure of strata: who predicts rare words."""

from __future__ import annotations

import math
from collections.abc import Callable

from matplotlib.figure import Figure

from lmbench.report import numbers
from lmbench.report.canvas import COLOURS, DASHED, FAINT, REFERENCE, SMALL, WIDTH, line_names_log, ticks
from lmbench.report.compare import Comparison
from lmbench.report.facts import REFERENCE as GROUP_REFERENCE
from lmbench.report.facts import Facts
from lmbench.report.layout import round_numbers, short

WAY = "frequency"


def frequency(facts: Facts, _: Comparison) -> Figure | None:
    """Perplexity by how often train has the token, a line for the best row of each family."""
    rows = [row for row in facts.leaders if len(row.strata.get(WAY, ())) > 1]
    values = {row.name: [row.mean(f"ppl_{name}") or math.inf for name in row.strata[WAY]] for row in rows}
    known = [value for line in values.values() for value in line if math.isfinite(value)]
    if not known:
        return None
    names = rows[0].strata[WAY]
    figure = Figure(figsize=(WIDTH, 4.2), layout="constrained")
    axes = figure.subplots()
    ends = []
    for colour, row in zip(COLOURS, rows, strict=False):
        reference = row.group == GROUP_REFERENCE
        shown = REFERENCE if reference else colour
        style = {"ls": DASHED, "lw": 1.2} if reference else {"marker": "o", "ms": 5.0, "lw": 1.8}
        axes.plot(range(len(names)), values[row.name], color=shown, **style)  # type: ignore[arg-type]
        ends.append((values[row.name][-1], f"{short(row.name)}, {numbers.perplexity(values[row.name][-1])}", shown))
    axes.set_yscale("log")
    axes.set_ylim(min(known) * 0.85, max(known) * 1.15)
    axes.set_xlim(-0.1, len(names) - 0.95)
    shares = [numbers.percent(rows[0].mean(f"share_{name}")) for name in names]
    marks = [name.removeprefix(f"{WAY}_") for name in names]
    axes.set_xticks(
        range(len(names)),
        [f"{mark}\n{share}" for mark, share in zip(marks, shares, strict=True)],
        fontsize=SMALL,
    )
    ticks(axes.yaxis, round_numbers(*axes.get_ylim()))
    axes.grid(axis="y", color=FAINT, lw=0.7)
    axes.set_xlabel("how often train has the token, and the share of test's tokens of which that is so")
    axes.set_title("Perplexity by how often train has the token (log scale), the best row of each family", loc="left")
    line_names_log(axes, len(names) - 0.95, ends)
    return figure


FIGURES: dict[str, Callable[[Facts, Comparison], Figure | None]] = {"strata": frequency}
