"""The figures of a report: those that show rows are made here, named beside their marks and coloured by family."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from lmbench.report import (
    across_figures,
    curve,
    gates_figures,
    learning_figures,
    numbers,
    sparsity_figures,
    strata_figures,
    unseen_word_figures,
)
from lmbench.report.canvas import (
    COLOURS,
    DASHED,
    FAINT,
    IMPOSSIBLE,
    INK,
    PATCH,
    REFERENCE,
    ROW_HEIGHT,
    SMALL,
    TINY,
    TITLE_PAD,
    WIDTH,
    above,
    dark,
    style,
    ticks,
)
from lmbench.report.compare import Comparison, finite
from lmbench.report.facts import ADAPTIVE, RANKED, Facts, Row
from lmbench.report.facts import REFERENCE as GROUP_REFERENCE
from lmbench.report.layout import UNKNOWN, brief, round_numbers, short
from lmbench.report.tables import HEADLINE

SUFFIXES = ("png", "svg")


def draw(facts: Facts, comparison: Comparison) -> dict[str, bytes]:
    """File name -> content, PNG and SVG, of every figure whose facts are there; the same bytes for the same facts."""
    files: dict[str, bytes] = {}
    for name, make in (across_figures.FIGURES if facts.units else FIGURES).items():
        with style():
            figure = make(facts, comparison)
            if figure is None:
                continue
            if facts.quick:
                foot = 0.24 / figure.get_figheight()
                figure.set_layout_engine("constrained", rect=(0, foot, 1, 1 - foot))
                figure.text(0.995, 0.005, "quick run: not a result", ha="right", va="bottom", color="#B00000")
            _settle(figure)
            files |= {f"{name}.png": _png(figure), f"{name}.svg": _svg(figure)}
    return files


def _png(figure: Figure) -> bytes:
    """Straight from the canvas: savefig would draw every mark once more before, to no effect on a settled figure.

    Dates and versions are kept out of both formats: they change without the facts.
    """
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_png(buffer, metadata={"Software": None})  # type: ignore[no-untyped-call]
    return buffer.getvalue()


def _svg(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None, "Creator": None})  # type: ignore[no-untyped-call]
    return buffer.getvalue()


def _settle(figure: Figure) -> None:
    """Lay the panels out once and round where they stand: the solver's last digits change from run to run."""
    FigureCanvasAgg(figure)  # whose renderer measures the words
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
    figure.set_layout_engine("none")
    for axes in figure.axes:
        left, bottom, width, height = (round(float(edge), 6) for edge in axes.get_position().bounds)
        axes.set_position((left, bottom, width, height))


def overview(facts: Facts, comparison: Comparison) -> Figure | None:
    """Predicting the text, saying what it never said, and not merely by being flat: three answers, a row a line."""
    metric = "c4_headline" if facts.headline else "c4"
    rows = [row for row in _competing(facts) if row.mean("ppl") is not None]
    if not any(row.mean(metric) is not None for row in rows):
        return None
    crossed = any(row.mean("c3_crossed") is not None for row in rows)
    figure, axes = _rows_figure(facts, rows, 3 if crossed else 2, ratios=(1.45, 1, 1) if crossed else (1.2, 1))
    _perplexities(axes[0], facts, comparison, rows)
    axes[0].set_title("Does it predict the text?", loc="left", pad=TITLE_PAD)
    axes[0].set_xlabel("perplexity (log scale, left is better)")
    asked = f"Can it say “{short(' '.join(facts.headline), 14)}”?" if facts.headline else "Can it say the unseen?"
    axes[1].set_title(asked, loc="left", pad=TITLE_PAD)
    axes[1].set_xlabel(f"{HEADLINE if facts.headline else 'coverage@100'}: at least once in 100 draws")
    _shares(axes[1], facts, rows, metric)
    _truth(axes[1], facts, metric)
    if crossed:
        axes[2].set_title("Does it prefer what fits?", loc="left", pad=TITLE_PAD)
        axes[2].set_xlabel("crossed pairs put right (C3)")
        _shares(axes[2], facts, rows, "c3_crossed", [comparison.crossed(row) for row in rows])
        _chance(axes[2])
    return figure


def perplexity(facts: Facts, comparison: Comparison) -> Figure | None:
    """Bars of log-perplexity from 1, which is certainty, so that equal lengths are equal bits."""
    rows = [row for row in _competing(facts) if row.mean("ppl") is not None]
    known = [float(row.mean("ppl") or 0) for row in rows if finite(row)]
    if not known:
        return None
    figure, (axes,) = _rows_figure(facts, rows, 1)
    end = max(known) ** 1.22
    for y, row in enumerate(rows):
        value, colour = float(row.mean("ppl") or 0), _colour(facts, row)
        if math.isinf(value):
            axes.barh(y, end - 1, left=1, height=0.66, color=IMPOSSIBLE, hatch="///", edgecolor="white", lw=0)
            text = f"∞: {numbers.count(row.mean('impossible'))} tokens of test are impossible to it"
            axes.text(1.03, y, text, va="center", fontsize=SMALL)
            continue
        axes.barh(y, value - 1, left=1, height=0.66, color=colour, alpha=0.85)
        low, high = comparison.perplexity(row)
        edge = value if math.isnan(high) else max(value, high)
        if not math.isnan(low):
            axes.plot([low, high], [y, y], color=INK, lw=1.4, solid_capstyle="butt")
        text = f" {numbers.perplexity(value)} {numbers.span(low, high)}"
        axes.text(edge, y, text, va="center", fontsize=SMALL)
    axes.set_xscale("log", base=2)
    axes.set_xlim(1, end)
    powers = [2.0**k for k in range(math.ceil(math.log2(end)))]
    ticks(axes.xaxis, powers if len(powers) <= 10 else powers[::2])
    axes.set_xlabel("perplexity on test (log scale from 1, certainty: equal lengths are equal bits), 95 % interval")
    _floor(axes, facts, zorder=3)
    return figure


def coverage(facts: Facts, comparison: Comparison) -> Figure | None:
    """C3 by stratum and C4, a row a line."""
    rows = [row for row in _competing(facts) if row.mean("c4") is not None]
    strata = facts.strata(facts.crossed)
    shown = [s for s in strata if any(row.mean(f"c3_crossed_{s}") is not None for row in rows)]
    if not rows:
        return None
    figure, axes = _rows_figure(facts, rows, len(shown) + 1)
    for panel, stratum in zip(axes, shown, strict=False):
        spans = [comparison.crossed(row, stratum) for row in rows]
        _shares(panel, facts, rows, f"c3_crossed_{stratum}", spans)
        _chance(panel)
        panel.set_title(f"C3 {short(stratum, 8)} (n = {strata[stratum]})", loc="left", pad=TITLE_PAD)
        panel.set_xlabel("put right")
    _shares(axes[-1], facts, rows, "c4", [comparison.coverage(row) for row in rows])
    _truth(axes[-1], facts, "c4")
    held = sum(facts.strata(facts.probes).values())
    axes[-1].set_title(f"C4 coverage@100 (n = {held})", loc="left", pad=TITLE_PAD)
    axes[-1].set_xlabel("said in 100 draws")
    return figure


def story(facts: Facts, _: Comparison) -> Figure | None:
    """The probability of each word of the story under each row's first seed."""
    sentences = [[*sentence, "</s>"] for sentence in facts.story]
    size = sum(map(len, sentences))
    found = [(row, row.first.arrays.get("story_log_probs")) for row in facts.scored if row.first.normalised]
    rows = [(row, np.asarray(array, np.float64)) for row, array in found if array is not None and len(array) == size]
    if not sentences or not rows or size > 40:
        return None
    height = ROW_HEIGHT * len(rows) + 1.5
    figure = Figure(figsize=(max(WIDTH, 1.5 + 0.55 * size), height), layout="constrained")
    marked = f"; {UNKNOWN} not in the vocabulary, p of <unk>" if facts.unknown_words else ""
    says = f"Probability of each word, given the words before it (the darker the likelier{marked})"
    figure.suptitle(says, x=0.01, ha="left", fontsize=11)
    panels = figure.subplots(
        1, len(sentences), sharey=True, squeeze=False, gridspec_kw={"width_ratios": list(map(len, sentences))}
    )[0]
    colours = mpl.colormaps["Blues"]
    start = 0
    for axes, sentence in zip(panels, sentences, strict=True):
        cells, fills = [], []
        for x in range(len(sentence)):
            for y, (_row, log_probs) in enumerate(rows):
                p = float(np.exp(log_probs[start + x]))
                depth = 0.0 if p == 0 else max(0.0, 1 + math.log10(p) / 5)  # 1e-5 and below are white
                cells.append(Rectangle((x - 0.5, y - 0.5), 1, 1))
                fills.append(IMPOSSIBLE if p == 0 else colours(0.85 * depth))
                ink = "white" if depth > 0.6 else INK
                axes.text(x, y, brief(p), ha="center", va="center", fontsize=7.3, color=ink)
        axes.add_collection(PatchCollection(cells, facecolors=fills, edgecolors="white", linewidths=1))
        start += len(sentence)
        axes.set_xlim(-0.5, len(sentence) - 0.5)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.xaxis.tick_top()
        names = [short(word, 8) + UNKNOWN * (word in facts.unknown_words) for word in sentence]
        axes.set_xticks(range(len(sentence)), names)
        axes.set_yticks(range(len(rows)), [_label(row) for row, _a in rows])
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
    for label, (row, _array) in zip(panels[0].get_yticklabels(), rows, strict=True):
        label.set_color(dark(_colour(facts, row)))
    return figure


FIGURES: dict[str, Callable[[Facts, Comparison], Figure | None]] = {
    "overview": overview,
    "perplexity": perplexity,
    **sparsity_figures.FIGURES,
    **unseen_word_figures.FIGURES,
    **learning_figures.FIGURES,
    "coverage": coverage,
    **strata_figures.FIGURES,
    "story": story,
    **gates_figures.FIGURES,
    **curve.FIGURES,
}


def _rows_figure(
    facts: Facts, rows: Sequence[Row], panels: int, ratios: Sequence[float] | None = None
) -> tuple[Figure, list[Axes]]:
    """Panels side by side that share their rows, the first row at the top, named and coloured by family."""
    figure = Figure(figsize=(WIDTH, ROW_HEIGHT * len(rows) + 1.7), layout="constrained")
    options = {"width_ratios": ratios} if ratios else None
    axes = list(figure.subplots(1, panels, sharey=True, squeeze=False, gridspec_kw=options)[0])
    axes[0].set_yticks(range(len(rows)), [_label(row) for row in rows])
    axes[0].set_ylim(len(rows) - 0.4, -0.6)
    for label, row in zip(axes[0].get_yticklabels(), rows, strict=True):
        label.set_color(dark(_colour(facts, row)))
    for panel in axes:
        panel.tick_params(axis="y", length=0)
        panel.spines["left"].set_visible(False)
        panel.grid(axis="x", color=FAINT, lw=0.7)
        panel.margins(x=0.02)
    shown = {row.family: _colour(facts, row) for row in facts.rows if row in rows}
    marks = [Line2D([], [], color=colour, marker="o", ls="", label=short(name)) for name, colour in shown.items()]
    figure.legend(
        handles=marks, loc="outside upper right", ncols=min(len(marks), 6), frameon=False, fontsize=8.5, handletextpad=0
    )
    return figure, axes


def _perplexities(axes: Axes, facts: Facts, comparison: Comparison, rows: Sequence[Row]) -> None:
    """Dots with intervals and numbers on a log scale; infinite rows in a marked band at the right."""
    known = [float(row.mean("ppl") or 0) for row in rows if finite(row)] or [1.0]
    floor = facts.floor.mean("ppl") if facts.floor else None
    spans = {row.name: comparison.perplexity(row) for row in rows}
    ends = [end for span in spans.values() for end in span if not math.isnan(end)]
    first, last = min([*known, *ends, *([floor] if floor else [])]), max([*known, *ends])
    room = max(last / first, 1.2)
    band = last * room**0.08
    edge = band * room**0.18 if len(known) < len(rows) else band
    for y, row in enumerate(rows):
        value, colour = float(row.mean("ppl") or 0), _colour(facts, row)
        if math.isinf(value):
            axes.text(math.sqrt(band * edge), y, "∞", ha="center", va="center", color=dark(colour), fontsize=13)
            continue
        if not math.isnan(spans[row.name][0]):
            axes.plot(spans[row.name], [y, y], color=colour, lw=2.2, alpha=0.55, solid_capstyle="butt")
        axes.plot([value], [y], "o", color=colour, ms=6)
        _number(axes, value, y, numbers.perplexity(value))
    if edge > band:
        axes.axvspan(band, edge, color=IMPOSSIBLE, lw=0, zorder=0)
        above(axes, math.sqrt(band * edge), "impossible\ntokens", "center")
    axes.set_xscale("log")
    axes.set_xlim(first / room**0.08, edge)
    ticks(axes.xaxis, round_numbers(first, last))
    _floor(axes, facts)


def _shares(
    axes: Axes, facts: Facts, rows: Sequence[Row], metric: str, spans: Sequence[tuple[float, float]] | None = None
) -> None:
    """Dots between 0 and 1, with an interval or a stem from 0; the number stands above its dot, clear of both."""
    for y, row in enumerate(rows):
        value, colour = row.mean(metric), _colour(facts, row)
        if value is None:
            axes.text(0.5, y, numbers.DASH, ha="center", va="center", fontsize=SMALL)
            continue
        low, high = spans[y] if spans else (0.0, value)
        if not math.isnan(low):
            axes.plot([low, high], [y, y], color=colour, lw=2.2, alpha=0.55, clip_on=False)
        axes.plot([value], [y], "o", color=colour, ms=6, clip_on=False)
        _number(axes, value, y, numbers.share(value))
    axes.set_xlim(-0.02, 1.02)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "", "0.5", "", "1"])


def _number(axes: Axes, x: float, y: float, text: str) -> None:
    """A number above its dot."""
    axes.annotate(
        text, (x, y), xytext=(0, 3.8), textcoords="offset points", ha="center", va="bottom", fontsize=TINY, bbox=PATCH
    )


def _truth(axes: Axes, facts: Facts, metric: str) -> None:
    """A line at what the distribution of the language itself says."""
    value = facts.truth.mean(metric) if facts.truth else None
    if value is not None:
        axes.axvline(value, color=REFERENCE, lw=1, ls=DASHED, zorder=0)
        above(axes, value, f"the language {numbers.share(value)}", "right" if value > 0.6 else "center")


def _chance(axes: Axes) -> None:
    axes.axvline(0.5, color="#888888", lw=1, ls=DASHED, zorder=0)
    above(axes, 0.5, "chance", "center")


def _competing(facts: Facts) -> list[Row]:
    """Ranked rows, then adaptive ones: two rankings, one after the other."""
    return [*facts.grouped(RANKED), *facts.grouped(ADAPTIVE)]


def _label(row: Row) -> str:
    return short(row.name) + (" (adaptive)" if row.group == ADAPTIVE else "")


def _floor(axes: Axes, facts: Facts, zorder: int = 0) -> None:
    """A line at the perplexity nothing can beat but by luck."""
    value = facts.floor.mean("ppl") if facts.floor else None
    if value is not None and math.isfinite(value):
        axes.axvline(value, color=REFERENCE, lw=1, ls=DASHED, zorder=zorder)
        above(axes, value, f"floor {numbers.perplexity(value)}", "center")


def _colour(facts: Facts, row: Row) -> str:
    """The family's colour, by its first appearance in the benchmark; black for the references."""
    families = list(dict.fromkeys(other.family for other in facts.rows if other.group != GROUP_REFERENCE))
    return COLOURS[families.index(row.family) % len(COLOURS)] if row.group != GROUP_REFERENCE else REFERENCE
