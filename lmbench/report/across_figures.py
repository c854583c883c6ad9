"""The figure of a benchmark in several units."""

from __future__ import annotations

from collections.abc import Callable

from matplotlib.figure import Figure

from lmbench.report import numbers
from lmbench.report.across import Joined
from lmbench.report.canvas import COLOURS, FAINT, INK, SMALL, WIDTH
from lmbench.report.compare import Comparison
from lmbench.report.facts import Facts

GAP = 0.22
"""Between the lines of one unit, where units are 1 apart."""


def draw(facts: Facts, _: Comparison) -> Figure | None:
    """A mark a cell, units down, lines by colour."""
    joined = Joined(facts)
    if not joined.cells:
        return None
    drawn = Figure(figsize=(WIDTH, 0.62 * len(joined.units) + 1.3), layout="constrained")
    axes = drawn.add_subplot()
    for number, line in enumerate(joined.lines):
        colour = COLOURS[number % len(COLOURS)]
        shift = GAP * (number - (len(joined.lines) - 1) / 2)
        for place, unit in enumerate(joined.units):
            cell = joined.cells.get((unit, line))
            if cell is None:
                continue
            ratio = joined.per(cell, "characters")
            ends = [[ratio.value - ratio.low], [ratio.high - ratio.value]]
            axes.errorbar(ratio.value, place + shift, xerr=ends, fmt="o", ms=4.5, lw=1.4, capsize=2.5, color=colour)
            axes.annotate(
                numbers.bits(ratio.value), (ratio.high, place + shift), xytext=(5, 0), textcoords="offset points",
                va="center", fontsize=SMALL, color=INK,
            )  # fmt: skip
        axes.plot([], [], "o", ms=4.5, color=colour, label=line)
    axes.set_yticks(range(len(joined.units)), joined.units)
    axes.set_ylim(len(joined.units) - 0.5, -0.5)
    axes.margins(x=0.08)
    axes.xaxis.grid(True, color=FAINT, lw=0.7)
    axes.set_xlabel("bits per character, spelling of unknown words included; lower is better")
    axes.set_title("The same sentences in several units, with 95 % intervals", loc="left")
    axes.legend(loc="best", frameon=False, fontsize=SMALL)
    return drawn


FIGURES: dict[str, Callable[[Facts, Comparison], Figure | None]] = {"units": draw}
