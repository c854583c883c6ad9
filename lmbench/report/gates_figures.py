"""The figures of a diagnosis but those of gradients: what is remembered, how far history counts, gates, speed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, NullFormatter

from lmbench.report import numbers
from lmbench.report.canvas import (
    COLOURS,
    DASHED,
    FAINT,
    INK,
    SMALL,
    WIDTH,
    above,
    dark,
    line_names,
    line_names_log,
    percent_axis,
    ticks,
)
from lmbench.report.compare import Comparison
from lmbench.report.facts import Facts
from lmbench.report.gradients_figures import CELLS, DOTTED, exploding, name_of, vanishing
from lmbench.report.layout import UNKNOWN, round_numbers, short

COUNTS = COLOURS[6]
"""Of a row that counts."""
SENTENCES = 3
KEEPS = {
    "forget": "1 keeps the cell",
    "input": "1 lets the new in",
    "output": "1 shows the cell",
    "update": "z: 1 keeps the past",
    "reset": "r: 1 sees the past",
}
CONVENTION = (
    "GRU as in torch, Keras and Cho et al. 2014: h′ = z h + (1 − z) n, so z keeps the past. "
    "Chung et al. 2014 and many drawings keep it with 1 − z.\n"
    "Order of the kernels: torch r, z, n; Keras z, r, h. "
    "Reset after the product, as here: Keras' reset_after=False has no fused kernel in torch."
)


def long_lag(facts: Facts, _: Comparison) -> Figure | None:
    """Accuracy against lag."""
    memory = facts.diagnosed("memory")
    if not memory:
        return None
    figure = Figure(figsize=(WIDTH, 4.0), layout="constrained")
    axes = figure.subplots()
    ends = []
    for net in memory["nets"]:
        mine = [line for line in memory["curve"] if line["net"] == net["net"]]
        lags, right = [line["lag"] for line in mine], [100 * line["accuracy"] for line in mine]
        style = DOTTED if net["by_lag"] else "-"
        axes.plot(lags, right, ls=style, marker="o", color=CELLS[net["cell"]], ms=5, lw=1.8, clip_on=False)
        ends.append((right[-1], f"{name_of(net)}, {right[-1]:.0f} %", CELLS[net["cell"]]))
    chance = 100 * memory["task"]["chance"]
    axes.axhline(chance, color="#888888", lw=1, ls=DASHED, zorder=0)
    axes.annotate(
        f"chance {chance:g} %", (lags[0], chance), xytext=(0, -11), textcoords="offset points", fontsize=SMALL
    )
    axes.set_xscale("log")
    ticks(axes.xaxis, lags)
    axes.set_xlim(lags[0] * 0.93, lags[-1] * 1.02)
    percent_axis(axes)
    axes.set_ylim(0, 101)
    axes.set_xlabel("lag: steps between the symbol and the answer (log scale)")
    task = memory["task"]
    axes.set_title(
        f"Which of {task['symbols']} symbols was it? Right answers, at most {task['parameters']:,} parameters and "
        f"{task['updates']:,} updates a network",
        loc="left",
    )
    line_names(axes, lags[-1] * 1.02, ends)
    return figure


def history(facts: Facts, _: Comparison) -> Figure | None:
    """Perplexity against how much history is kept."""
    found = facts.diagnosed("rows").get("history")
    if not found or not found["cut"]:
        return None
    figure = Figure(figsize=(WIDTH, 4.0), layout="constrained")
    axes = figure.subplots()
    steps = [cut["history"] for cut in found["cut"]]
    names = list(dict.fromkeys(line["row"] for line in found["lines"]))
    colours = {row["row"]: CELLS[row["cell"]] for row in facts.diagnosed("rows")["rows"]}
    ends = []
    for name in names:
        values = [math.exp(line["nats"]) for line in found["lines"] if line["row"] == name]
        colour = colours.get(name, COUNTS)
        axes.plot(range(len(values)), values, "-o", color=colour, ms=5, lw=1.8, clip_on=False)
        ends.append((values[-1], f"{short(name)}, {numbers.perplexity(values[-1])}", colour))
    axes.set_yscale("log")
    shown = [math.exp(line["nats"]) for line in found["lines"]]
    ticks(axes.yaxis, round_numbers(min(shown), max(shown)))
    axes.set_ylim(min(shown) * 0.94, max(shown) * 1.06)
    shares = [numbers.percent(cut["tokens"] / found["tokens"]) for cut in found["cut"]]
    labels = [f"{step}\n{share}" for step, share in zip(steps, shares, strict=True)]
    axes.set_xticks(range(len(steps) + 1), [*labels, "all\n0 %"])
    axes.set_xlim(-0.1, len(steps) + 0.05)
    axes.grid(axis="y", color=FAINT, lw=0.7)
    axes.set_xlabel("tokens of history that are kept, <s> counted; below, how many tokens of test lose some by it")
    axes.set_title(f"Perplexity on {found['tokens']:,} tokens of test (log scale)", loc="left")
    line_names_log(axes, len(steps) + 0.05, ends)
    return figure


def gates(facts: Facts, _: Comparison) -> Figure | None:
    """Every gate of every unit, as a sentence is read: a heat map a gate, a line of them a sentence."""
    rows = facts.diagnosed("rows")
    if not rows or not rows["sentences"]:
        return None
    arrays = facts.diagnosis["rows"][1]
    shown = [(at, row) for at, row in enumerate(rows["rows"]) if row["cell"] != "rnn"]
    sentences = list(enumerate(rows["sentences"]))[:SENTENCES]
    kinds = [(at, row, gate) for at, row in shown for gate in _gates(row["cell"])]
    unknown = rows.get("unknown", ())
    if not kinds:
        return None
    figure = Figure(figsize=(max(WIDTH, 1.9 * len(kinds)), 3.6 * len(sentences) + 1.3), layout="constrained")
    panels = figure.subplots(len(sentences), len(kinds), squeeze=False)
    for line, (number, words) in zip(panels, sentences, strict=True):
        for axes, (at, row, gate) in zip(line, kinds, strict=True):
            values = np.asarray(arrays[f"gates_{at}_{number}_{gate}"])
            values = values[:, np.argsort(values.mean(axis=0), kind="stable")]
            shown_last = axes.imshow(
                values.T, aspect="auto", origin="lower", vmin=0, vmax=1, cmap="cividis", interpolation="nearest"
            )
            names = ["<s>", *(short(word, 8) + UNKNOWN * (word in unknown) for word in words)]
            axes.set_xticks(range(len(words) + 1), names, rotation=40, ha="right")
            for x, mean in enumerate(values.mean(axis=1)):
                above(axes, x, f"{mean:.2f}"[1:] if mean < 0.995 else "1", "center")
            axes.set_yticks([])
            axes.tick_params(length=2)
            for spine in axes.spines.values():
                spine.set_visible(False)
            if axes in panels[0]:
                title = f"{short(row['row'], 12)}: {gate}\n{KEEPS[gate]}"
                axes.set_title(title, loc="left", color=dark(CELLS[row["cell"]]), pad=16)
        units = sorted({row["units"] for _, row in shown})
        line[0].set_ylabel(f"units ({', '.join(map(str, units))}), by their mean")
    bar = figure.colorbar(shown_last, ax=panels, location="right", shrink=0.6, aspect=30, pad=0.01)
    bar.set_ticks([0, 0.1, 0.5, 0.9, 1], labels=["0", "0.1", "0.5", "0.9", "1"])
    bar.outline.set_visible(False)
    marked = f"; {UNKNOWN} not in the vocabulary, read as <unk>" if unknown else ""
    says = f"Gates while the sentence is read; above each word, the mean over units{marked}"
    figure.suptitle(says, x=0.01, ha="left", fontsize=11)
    if any(row["cell"] == "gru" for _, row in shown):
        figure.supxlabel(CONVENTION, x=0.01, ha="left", fontsize=SMALL)
    return figure


def saturation(facts: Facts, _: Comparison) -> Figure | None:
    """How much of the time gates are shut, open, or between."""
    rows = facts.diagnosed("rows")
    if not rows or not rows["saturation"]:
        return None
    lines = rows["saturation"]
    cells = {row["row"]: (row["cell"], row["layers"]) for row in rows["rows"]}
    figure = Figure(figsize=(WIDTH, 0.36 * len(lines) + 1.3), layout="constrained")
    axes = figure.subplots()
    for y, line in enumerate(lines):
        shut, wide = 100 * line["low"], 100 * line["high"]
        colour = CELLS[cells[line["row"]][0]]
        axes.barh(y, shut, height=0.66, color=INK, alpha=0.75)
        axes.barh(y, 100 - shut - wide, left=shut, height=0.66, color=FAINT)
        axes.barh(y, wide, left=100 - wide, height=0.66, color=colour)
        axes.plot([100 * line["mean"]], [y], marker="|", ms=12, mew=2, color=INK)
        if shut >= 5:
            axes.text(1, y, f"{shut:.0f} %", ha="left", va="center", fontsize=SMALL, color="white")
        if wide >= 5:
            axes.text(99, y, f"{wide:.0f} %", ha="right", va="center", fontsize=SMALL, color="white")
    names = []
    for line in lines:
        layer = f" layer {line['layer']}" if cells[line["row"]][1] > 1 else ""
        names.append(f"{short(line['row'], 16)}{layer}: {line['gate']}")
    axes.set_yticks(range(len(lines)), names)
    for label, line in zip(axes.get_yticklabels(), lines, strict=True):
        label.set_color(CELLS[cells[line["row"]][0]])
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.set_xlim(0, 100)
    axes.set_xticks(range(0, 101, 25), [f"{value} %" for value in range(0, 101, 25)])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("share of the gates' values on test")
    marks = [
        Patch(color=INK, alpha=0.75, label="shut: below 0.1"),
        Patch(color=FAINT, label="between"),
        *(Patch(color=colour, label=f"open: above 0.9 ({cell.upper()})") for cell, colour in _seen(cells.values())),
        Line2D([], [], color=INK, marker="|", ms=9, mew=2, ls="", label="mean"),
    ]
    figure.legend(handles=marks, loc="outside upper right", ncols=len(marks), frameon=False, fontsize=8.5)
    return figure


def pace(facts: Facts, _: Comparison) -> Figure | None:
    """Tokens a second against the length of sentences: scoring above, training below, a row a panel."""
    lines = facts.diagnosed("pace").get("lines")
    if not lines:
        return None
    names = list(dict.fromkeys(line["row"] for line in lines))
    cells = {row["row"]: row["cell"] for row in facts.diagnosed("rows").get("rows", [])}
    figure = Figure(figsize=(WIDTH, 5.2), layout="constrained")
    panels = figure.subplots(2, len(names), squeeze=False, sharex=True, sharey="row")
    sizes = sorted({line["rows"] for line in lines if line["rows"]})
    marks = "osD^v"
    for row, what in zip(panels, ("score", "train"), strict=True):
        for axes, name in zip(row, names, strict=True):
            colour = CELLS.get(cells.get(name, ""), COUNTS)
            mine = [line for line in lines if line["row"] == name and line["what"] == what]
            for size in [0, *sizes]:
                part = [line for line in mine if line["rows"] == size]
                depth = 0.3 + 0.7 * sizes.index(size) / max(len(sizes) - 1, 1) if size else 1
                mark = marks[sizes.index(size) % len(marks)] if size else "*"
                axes.plot(
                    [line["length"] for line in part], [line["tokens_per_second"] for line in part],
                    ls="-", marker=mark, color=colour, alpha=depth, ms=5, lw=1.8,
                )  # fmt: skip
            axes.set_yscale("log")
            axes.set_xscale("log")
            axes.grid(axis="y", color=FAINT, lw=0.7)
            ticks(axes.xaxis, sorted({line["length"] for line in lines}))
            axes.yaxis.set_minor_formatter(NullFormatter())
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _place: f"{value:,.0f}"))
            if what == "score":
                axes.set_title(short(name, 18), loc="left", color=dark(colour))
            else:
                axes.set_xlabel("tokens of a sentence")
        row[0].set_ylabel(f"tokens/s {'scored' if what == 'score' else 'trained on'} (log scale)")
    shown = [
        Line2D([], [], color=INK, marker=marks[at % len(marks)], ms=5, lw=1.8,
               alpha=0.3 + 0.7 * at / max(len(sizes) - 1, 1), label=f"{size} side by side")
        for at, size in enumerate(sizes)
    ]  # fmt: skip
    if any(not line["rows"] for line in lines):
        shown.append(Line2D([], [], color=COUNTS, marker="*", ms=6, lw=1.8, label="counted, all at once"))
    figure.legend(handles=shown, loc="outside upper right", ncols=len(shown), frameon=False, fontsize=8.5)
    return figure


FIGURES: dict[str, Callable[[Facts, Comparison], Figure | None]] = {
    "vanishing": vanishing,
    "exploding": exploding,
    "long_lag": long_lag,
    "history": history,
    "gates": gates,
    "saturation": saturation,
    "timings_length": pace,
}


def _gates(cell: str) -> tuple[str, ...]:
    return {"lstm": ("forget", "input", "output"), "gru": ("update", "reset")}.get(cell, ())


def _seen(cells: Iterable[tuple[str, int]]) -> list[tuple[str, str]]:
    return [(cell, CELLS[cell]) for cell in dict.fromkeys(cell for cell, _ in cells) if _gates(cell)]
