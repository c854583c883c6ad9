"""The figures of gradients through time, and what figures of cells share: a colour a cell.

Vanishing and exploding gradients are never in one figure.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from lmbench.report.canvas import COLOURS, DASHED, FAINT, INK, SMALL, WIDTH, dark, ticks
from lmbench.report.compare import Comparison
from lmbench.report.facts import Facts

CELLS = {"rnn": COLOURS[0], "lstm": COLOURS[1], "gru": COLOURS[2]}
FLOOR = 1e-12
"""Gradients below are below the axis too: float32 would lose them in a sum with 1e-5."""
DOTTED = (0, (1, 1.3))

Line = Mapping[str, Any]


def vanishing(facts: Facts, _: Comparison) -> Figure | None:
    """Norms of the gradient against k: of the task at the start and when trained, of the fitted rows on test."""
    memory, rows = facts.diagnosed("memory"), facts.diagnosed("rows")
    if not memory or not rows:
        return None
    figure = Figure(figsize=(WIDTH, 4.3), layout="constrained")
    panels = figure.subplots(1, 3)
    lag = memory["task"]["shown"]
    deep = _floor(memory["gradients"])
    for axes, when, title in (
        (panels[0], "start", f"First weights, lag {lag}"),
        (panels[1], "trained", f"Trained, lag {lag}"),
    ):
        for line in memory["gradients"]:
            cell, __, by_lag = str(line["net"]).partition("-")
            if line["when"] == when and (line["state"] == "h" or not by_lag):
                style = DOTTED if by_lag else DASHED if line["state"] == "c" else "-"
                _falling(axes, line["norms"], CELLS[cell], style)
        _downwards(axes, title, deep)
        axes.set_xlim(0, lag)
    cells = {row["row"]: row["cell"] for row in rows["rows"]}
    for line in rows["gradients"]:
        pale = line["when"] == "start"
        style = DASHED if line["state"] == "c" else "-"
        _falling(panels[2], line["norms"], CELLS[cells[line["row"]]], style, 0.35 if pale else 1)
    longest = max(len(line["norms"]) for line in rows["gradients"]) - 1
    panels[2].set_xlim(0, longest)
    panels[2].set_xticks(range(0, longest + 1, max(1, longest // 6)))
    _downwards(panels[2], "Fitted rows on test", _floor(rows["gradients"]))
    panels[2].set_xlabel("k, steps back (pale: first weights)")
    panels[0].set_ylabel("norm of dL(t) / dh(t−k)")
    _legend(
        figure,
        _cells(memory["nets"]),
        Line2D([], [], color=INK, lw=1.8, ls=DASHED, label="LSTM through c"),
        Line2D([], [], color=INK, lw=1.8, ls=DOTTED, label="gates set for the lag"),
    )
    return figure


def exploding(facts: Facts, _: Comparison) -> Figure | None:
    """The recurrent kernel scaled up: gradients that grow, steps of plain descent, what clipping makes of them."""
    memory = facts.diagnosed("memory")
    if not memory:
        return None
    figure = Figure(figsize=(WIDTH, 4.3), layout="constrained")
    panels = figure.subplots(1, 3)
    curves = [line for line in memory["exploding"] if line["state"] == "h"]
    most = max(line["factor"] for line in curves)
    factors = sorted({line["factor"] for line in curves})
    ends = []
    for line in curves:
        if line["cell"] == "rnn":
            depth = 0.35 + 0.65 * factors.index(line["factor"]) / max(len(factors) - 1, 1)
            panels[0].plot(line["norms"], color=CELLS["rnn"], lw=1.8, alpha=depth)
            ends.append((line["norms"], f"× {line['factor']:g}"))
        if line["factor"] == most:
            panels[1].plot(line["norms"], color=CELLS[line["cell"]], lw=1.8)
    for axes, title in (
        (panels[0], f"RNN, kernel × {factors[0]:g} to {most:g}"),
        (panels[1], f"All cells, kernel × {most:g}"),
    ):
        axes.set_yscale("log")
        axes.set_xlim(0, memory["task"]["shown"])
        axes.set_title(title, loc="left")
        axes.set_xlabel("k, steps back")
        axes.grid(axis="y", color=FAINT, lw=0.7)
        _powers(axes)
    edges = [edge for axes in panels[:2] for edge in axes.get_ylim()]
    for axes in panels[:2]:
        axes.set_ylim(max(min(edges), FLOOR), max(edges))
    for norms, name in ends:
        at = int(0.8 * (len(norms) - 1))
        panels[0].annotate(
            name, (at, norms[at]), xytext=(-3, 4), textcoords="offset points", ha="right", fontsize=SMALL,
            color=dark(CELLS["rnn"]),
        )  # fmt: skip
    panels[0].set_ylabel("norm of dL(t) / dh(t−k)")
    axes = panels[2]
    for cell, colour in CELLS.items():
        mine = [line for line in memory["strides"] if line["cell"] == cell and line["factor"] == most]
        lags = [line["lag"] for line in mine]
        axes.plot(lags, [line["free"] for line in mine], "-o", color=colour, ms=4, lw=1.8)
        axes.plot(lags, [line["clipped"] for line in mine], ls=DOTTED, color=colour, lw=1.8)
    clip = memory["task"]["clip"]
    axes.axhline(clip, color="#888888", lw=1, ls=DASHED, zorder=0)
    axes.set_yscale("log")
    axes.set_xscale("log")
    _powers(axes)
    ticks(axes.xaxis, lags)
    axes.set_title(f"One step of descent, kernel × {most:g}", loc="left")
    axes.set_xlabel("lag (log scale)")
    axes.set_ylabel("length of the step / lr")
    axes.grid(axis="y", color=FAINT, lw=0.7)
    _legend(
        figure,
        _cells([net for net in memory["nets"] if not net["by_lag"]]),
        Line2D([], [], color=INK, lw=1.8, ls=DOTTED, label=f"step clipped at {clip:g}"),
    )
    return figure


def name_of(net: Line) -> str:
    """RNN, LSTM with gates set for the lag."""
    return str(net["cell"]).upper() + (", gates set for the lag" if net["by_lag"] else "")


def _falling(axes: Axes, norms: Sequence[float], colour: str, style: Any, alpha: float = 1.0) -> None:
    axes.plot(np.maximum(norms, FLOOR / 100), ls=style, color=colour, lw=1.8, alpha=alpha)


def _floor(lines: Iterable[Line]) -> float:
    """The power of ten below the smallest norm, FLOOR at least."""
    least = min(min(line["norms"]) for line in lines)
    return max(FLOOR, 10.0 ** math.floor(math.log10(max(least, FLOOR))))


def _downwards(axes: Axes, title: str, floor: float) -> None:
    axes.set_yscale("log")
    axes.set_ylim(floor, max(3.0, axes.get_ylim()[1]))
    _powers(axes)
    axes.set_title(title, loc="left")
    axes.set_xlabel("k, steps back")
    axes.grid(axis="y", color=FAINT, lw=0.7)


def _powers(axes: Axes) -> None:
    """A few powers of ten, spelled without formulas."""
    axes.yaxis.set_major_locator(LogLocator(numticks=7))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(
        FuncFormatter(lambda value, _place: f"{value:g}" if 0.01 <= value <= 100 else f"1e{math.log10(value):.0f}")
    )


def _cells(nets: Iterable[Line]) -> list[Line2D]:
    """A mark a cell, with its size."""
    return [
        Line2D([], [], color=CELLS[net["cell"]], lw=1.8, label=f"{name_of(net)} ({net['parameters']:,} parameters)")
        for net in nets
        if not net["by_lag"]
    ]


def _legend(figure: Figure, marks: Sequence[Line2D], *more: Line2D) -> None:
    handles = [*marks, *more]
    figure.legend(handles=handles, loc="outside upper right", ncols=len(handles), frameon=False, fontsize=8)
