"""Perplexity of valid against the time a network has been trained for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.figure import Figure

from lmbench.report.canvas import COLOURS, FAINT, WIDTH, line_names_log, ticks
from lmbench.report.compare import Comparison
from lmbench.report.facts import Facts, Row
from lmbench.report.layout import round_numbers, short
from lmbench.report.tables import frame

MOST = len(COLOURS)
"""Lines that can be told apart."""


def curves(facts: Facts) -> dict[str, npt.NDArray[np.float64]]:
    """Row -> (epochs, 2) of its first seed: seconds, and perplexity of valid after each epoch. The best rows only."""
    found = [(row, curve) for row in facts.scored if (curve := _of(row)) is not None and len(curve) > 1]
    found.sort(key=lambda pair: float(pair[1][:, 1].min()))
    return {row.name: curve for row, curve in found[:MOST]}


def _of(row: Row) -> npt.NDArray[np.float64] | None:
    curve = row.first.arrays.get("curve")
    return None if curve is None else np.asarray(curve, np.float64).reshape(-1, 2)


def table(facts: Facts) -> pd.DataFrame:
    """A line for each epoch of each network."""
    return frame(
        {"row": row.name, "seed": result.seed, "epoch": epoch, "seconds": seconds, "valid_ppl": perplexity}
        for row in facts.scored
        for result in row.results
        for epoch, (seconds, perplexity) in enumerate(np.asarray(result.arrays.get("curve", ())).reshape(-1, 2), 1)
    )


def draw(facts: Facts, _: Comparison) -> Figure | None:
    """A line a row, a mark an epoch."""
    lines = curves(facts)
    if not lines:
        return None
    figure = Figure(figsize=(WIDTH, 4.2), layout="constrained")
    axes = figure.subplots()
    last = max(curve[-1, 0] for curve in lines.values()) / 60
    shown = np.concatenate([curve[1:, 1] for curve in lines.values()])  # the first epoch would press the rest together
    low, high = float(shown.min()) * 0.98, float(shown.max()) * 1.1
    ends = []
    for colour, (name, curve) in zip(COLOURS, lines.items(), strict=False):
        axes.plot(curve[:, 0] / 60, curve[:, 1], marker="o", ms=3.5, lw=1.6, color=colour)
        ends.append((float(curve[:, 1].min()), short(name), colour))
    axes.set_yscale("log")
    axes.set_ylim(low, high)
    axes.set_xlim(0, last)
    axes.yaxis.grid(True, color=FAINT, lw=0.7)
    line_names_log(axes, last, ends)
    axes.set_xlabel("minutes of training")
    of = f", the {MOST} best networks" if len(lines) == MOST else ""
    axes.set_title(f"Perplexity of valid after each epoch (log scale), first seed{of}", loc="left")
    ticks(axes.yaxis, round_numbers(low, high))
    return figure


FIGURES: dict[str, Callable[[Facts, Comparison], Figure | None]] = {"timings_curve": draw}
