"""The figure of learning curves."""

from __future__ import annotations

import math
from collections.abc import Callable

from matplotlib.figure import Figure

from lmbench.report.canvas import COLOURS, DASHED, FAINT, REFERENCE, SMALL, WIDTH, line_names_log, ticks
from lmbench.report.compare import Comparison
from lmbench.report.facts import Facts
from lmbench.report.layout import round_numbers, short
from lmbench.report.learning import COUNTING, Curves


def learning(facts: Facts, _: Comparison) -> Figure | None:
    """Perplexity by size of train, a line a row, counting rows dashed; where a line overtakes the first of these."""
    curves = Curves(facts)
    sizes = curves.sizes
    if len(sizes) < 2:
        return None
    figure = Figure(figsize=(WIDTH, 4.8), layout="constrained")
    axes = figure.subplots()
    ends, every = [], []
    floor = facts.floor.mean("ppl") if facts.floor else None
    for colour, (name, rows) in zip(COLOURS, curves.lines.items(), strict=False):
        values = [float(row.mean("ppl") or math.nan) for row in rows.values()]
        spans = [curves.span(name, size) for size in rows]
        style = "--" if curves.family(name) == COUNTING else "-"
        axes.plot(list(rows), values, style, marker="o", ms=4, lw=1.6, color=colour)
        for size, (low, high) in zip(rows, spans, strict=True):
            axes.plot([size, size], [low, high], color=colour, lw=3, alpha=0.35, solid_capstyle="butt")
        ends.append((values[-1], short(name), colour))
        every += [*values, *(end for span in spans for end in span if not math.isnan(end))]
    if floor is not None:
        axes.axhline(floor, color=REFERENCE, lw=1, ls=DASHED)
        axes.annotate("floor", (sizes[0], floor), xytext=(0, 3), textcoords="offset points", fontsize=SMALL)
        every.append(floor)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(sizes[0] / 1.05, sizes[-1] * 1.03)
    axes.set_ylim(min(every) / 1.08, max(every) * 1.08)
    ticks(axes.xaxis, [float(size) for size in sizes])
    ticks(axes.yaxis, round_numbers(*axes.get_ylim()))
    axes.grid(color=FAINT, lw=0.7)
    axes.set_xlabel("sentences of train (log scale); rows that count are dashed")
    axes.set_title("Perplexity on test (log scale) with 95 % intervals, one vocabulary at every size", loc="left")
    line_names_log(axes, sizes[-1] * 1.03, ends)
    return figure


FIGURES: dict[str, Callable[[Facts, Comparison], Figure | None]] = {"learning": learning}
