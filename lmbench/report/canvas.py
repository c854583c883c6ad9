"""What all figures share: one style, and marks that are placed the same way everywhere.

Colours are those of Okabe and Ito, told apart by every kind of colour vision; words come from data, so nothing in
them is read as a formula. No setting of matplotlib is left changed but one more known font.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import to_rgb
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from lmbench.report.layout import spread

FONT = Path(__file__).parent / "fonts" / "NanumGothic-Regular.ttf"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F")
REFERENCE, IMPOSSIBLE, INK, FAINT = "#000000", "#F3D9C9", "#222222", "#D9D9D9"
WIDTH, ROW_HEIGHT = 9.0, 0.31
STYLE: dict[Any, Any] = {
    "font.family": ["DejaVu Sans", "NanumGothic"],  # NanumGothic alone would draw a backslash as a won sign
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.labelsize": 9,
    "axes.edgecolor": "#888888",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "text.color": INK,
    "text.parse_math": False,
    "text.usetex": False,
    "axes.labelcolor": INK,
    "figure.dpi": 160,
    "svg.hashsalt": "lmbench",
    "svg.fonttype": "path",
    "path.simplify": True,
}
SMALL, TINY, TITLE_PAD = 7.8, 7, 19
DASHED = (0, (4, 2))
PATCH = {"facecolor": "white", "edgecolor": "none", "pad": 0.4, "alpha": 0.95}
"""Behind a number, so that no grid line crosses it."""


@contextmanager
def style() -> Iterator[None]:
    """Our settings, whatever a reader's are, and afterwards the reader's again."""
    _add_font()
    with mpl.rc_context():
        mpl.rcdefaults()  # a reader's matplotlibrc must not change the bytes
        mpl.rcParams.update(STYLE)
        yield


@lru_cache(maxsize=1)
def _add_font() -> None:
    """Make our Korean font known to matplotlib, so that Hangul is right where no Korean font is installed."""
    font_manager.fontManager.addfont(str(FONT))


def above(axes: Axes, x: float, text: str, ha: str) -> None:
    """A word above the frame at x."""
    axes.annotate(
        text, (x, 1), xycoords=("data", "axes fraction"), xytext=(0, 3), textcoords="offset points",
        ha=ha, va="bottom", fontsize=SMALL, color=INK,
    )  # fmt: skip


def ticks(axis: Axis, places: Sequence[float]) -> None:
    """Plain numbers at these places of a log scale, nothing between."""
    axis.set_major_locator(FixedLocator(list(places)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _place: f"{value:,.10g}"))


def percent_axis(axes: Axes) -> None:
    """Shares from 0 to 100 % upwards."""
    axes.set_ylim(0, 100)
    axes.set_yticks(range(0, 101, 25), [f"{value} %" for value in range(0, 101, 25)])
    axes.grid(axis="y", color=FAINT, lw=0.7)


def line_names(axes: Axes, x: float, ends: Sequence[tuple[float, str, str]]) -> None:
    """The name of each line (where it ends, name, colour) to the right of x, moved apart where lines are close."""
    for (_value, text, colour), y in zip(ends, spread([end[0] for end in ends], 6.0), strict=True):
        axes.annotate(
            text, (x, y), xytext=(10, 0), textcoords="offset points", va="center", color=dark(colour),
            fontsize=8.5, annotation_clip=False,
        )  # fmt: skip


def line_names_log(axes: Axes, x: float, ends: Sequence[tuple[float, str, str]]) -> None:
    """line_names() where the scale is logarithmic and its limits are set."""
    low, high = (math.log(edge) for edge in axes.get_ylim())
    places = spread([100 * (math.log(value) - low) / (high - low) for value, _, _ in ends], 6.0)
    for (_value, text, colour), y in zip(ends, places, strict=True):
        axes.annotate(
            text, (x, math.exp(low + y / 100 * (high - low))), xytext=(10, 0), textcoords="offset points", va="center",
            color=dark(colour), fontsize=8.5, annotation_clip=False,
        )  # fmt: skip


def dark(colour: str) -> tuple[float, ...]:
    """The same hue, dark enough to read as text on white."""
    return tuple(0.72 * part for part in to_rgb(colour))
