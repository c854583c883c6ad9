"""The figures of the sparsity laboratory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from lmbench.report import numbers
from lmbench.report.canvas import COLOURS, INK, SMALL, WIDTH, line_names, percent_axis, ticks
from lmbench.report.compare import Comparison
from lmbench.report.facts import Facts
from lmbench.report.layout import round_numbers, short

HEIGHT = 4.2
Line = Mapping[str, Any]


def unseen(facts: Facts, _: Comparison) -> Figure | None:
    """How much of a text is n-grams that never occur in train, by order."""
    lines = facts.sparsity("unseen")
    if not lines:
        return None
    figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
    axes = figure.add_subplot()
    ends: list[tuple[float, str, str]] = []
    for (name, mine), colour in zip(_by(lines, "set", "order").items(), _colours(), strict=False):
        orders = [int(line["order"]) for line in mine]
        for key, what, style, mark in (
            ("zero_sentences", "sentences with at least one", "--", "s"),
            ("share", "tokens", "-", "o"),
        ):
            values = [100 * float(line[key]) for line in mine]
            axes.plot(orders, values, style, marker=mark, color=colour, ms=5, lw=1.8, clip_on=False)
            ends.append((values[-1], f"{short(name)}: {what}, {values[-1]:.0f} %", colour))
    orders = sorted({int(line["order"]) for line in lines})
    axes.set_xlim(orders[0] - 0.1, orders[-1] + 0.05)
    axes.set_xticks(orders, [_gram(order) for order in orders])
    percent_axis(axes)
    axes.set_title("Share of the text that never occurs in train", loc="left")
    line_names(axes, orders[-1], ends)
    return figure


def growth(facts: Facts, _: Comparison) -> Figure | None:
    """How much of test stays unseen as train grows, a line an order."""
    lines = facts.sparsity("growth")
    sizes = sorted({int(line["train_tokens"]) for line in lines})
    if len(sizes) < 2:
        return None
    figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
    axes = figure.add_subplot()
    ends: list[tuple[float, str, str]] = []
    for (order, mine), colour in zip(_by(lines, "order", "train_tokens").items(), _colours(), strict=False):
        values = [100 * float(line["share"]) for line in mine]
        axes.plot(sizes, values, "-o", color=colour, ms=5, lw=1.8, clip_on=False)
        ends.append((values[-1], f"{_gram(int(order))}, {numbers.percent(values[-1] / 100)}", colour))
    axes.set_xscale("log")
    axes.set_xlim(sizes[0] * 0.93, sizes[-1] * 1.03)
    ticks(axes.xaxis, round_numbers(sizes[0], sizes[-1]))
    axes.set_xlabel("tokens of train, from its beginning (log scale)")
    percent_axis(axes)
    axes.set_title("Share of the tokens of test that end an n-gram that train does not have", loc="left")
    line_names(axes, sizes[-1] * 1.03, ends)
    return figure


def longest(facts: Facts, _: Comparison) -> Figure | None:
    """How many words of history train has, token by token of test; the part that ends at <s> is paler."""
    texts = _by(facts.sparsity("longest"), "set", "length")
    if not texts:
        return None
    figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
    axes = figure.add_subplot()
    width = 0.8 / len(texts)
    steps = [int(line["length"]) for line in next(iter(texts.values()))]
    tallest = 0.0
    for place, ((_name, mine), colour) in enumerate(zip(texts.items(), _colours(), strict=False)):
        x = np.array(steps) + width * (place - (len(texts) - 1) / 2)
        total = max(1, sum(int(line["tokens"]) for line in mine))
        share = np.array([100 * int(line["tokens"]) / total for line in mine])
        start = np.array([100 * int(line["from_start"]) / total for line in mine])
        axes.bar(x, share - start, width=0.94 * width, color=colour)
        axes.bar(x, start, bottom=share - start, width=0.94 * width, color=colour, alpha=0.4)
        for at, value in zip(x, share, strict=True):
            axes.annotate(
                numbers.percent(value / 100), (at, value), xytext=(0, 3), textcoords="offset points", ha="center",
                fontsize=SMALL,
            )  # fmt: skip
        tallest = max(tallest, *share)
    names = ["0: a new word", *(str(step) for step in steps[1:-1]), f"{steps[-1]} or more"]
    axes.set_xticks(steps, names)
    axes.set_ylim(0, tallest * 1.12)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("words in the longest n-gram of train that ends at the token, itself counted")
    axes.set_title("How much of the history of a token train has: share of tokens", loc="left")
    marks = [Patch(color=colour, label=short(name)) for name, colour in zip(texts, _colours(), strict=False)]
    marks.append(Patch(color=INK, alpha=0.4, label="no more history: it begins the sentence"))
    figure.legend(handles=marks, loc="outside upper right", ncols=len(marks), frameon=False, fontsize=8.5)
    return figure


def units(facts: Facts, _: Comparison) -> Figure | None:
    """Unseen n-grams of the same text in several units, side by side by the characters that an n-gram spans."""
    cut = _by(facts.sparsity("units"), "tokenizer", "order")
    if not cut:
        return None
    figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
    axes = figure.add_subplot()
    marks = []
    for (name, mine), colour in zip(cut.items(), _colours(), strict=False):
        spans = [int(line["order"]) * float(line["characters"]) / int(line["tokens"]) for line in mine]
        values = [100 * float(line["share"]) for line in mine]
        marks += axes.plot(spans, values, "-o", color=colour, ms=5, lw=1.8, label=short(name), clip_on=False)
        for span, value, line in zip(spans, values, mine, strict=True):
            axes.annotate(
                str(line["order"]), (span, value), xytext=(0, 6), textcoords="offset points", ha="center",
                fontsize=SMALL,
            )  # fmt: skip
    axes.set_xlim(left=0)
    axes.set_xlabel("characters that an n-gram spans on average; the numbers at the marks are n")
    percent_axis(axes)
    axes.grid(axis="x", alpha=0.3)
    axes.set_title("Share of the tokens of test that end an unseen n-gram, by the unit that is counted", loc="left")
    figure.legend(handles=marks, loc="outside upper right", ncols=len(marks), frameon=False, fontsize=8.5)
    return figure


FIGURES: dict[str, Callable[[Facts, Comparison], Figure | None]] = {
    "sparsity": unseen,
    "sparsity_growth": growth,
    "sparsity_longest": longest,
    "sparsity_units": units,
}


def _by(lines: list[dict[str, Any]], key: str, then: str) -> dict[str, list[Line]]:
    """The lines of each value of one key, in the order in which values appear; each list by the other key."""
    groups: dict[str, list[Line]] = {}
    for line in lines:
        groups.setdefault(str(line[key]), []).append(line)
    return {name: sorted(mine, key=lambda line: int(line[then])) for name, mine in groups.items()}


def _colours() -> list[str]:
    """More than enough, in the order in which things appear."""
    return list(COLOURS) * 3


def _gram(order: int) -> str:
    return f"{order}-gram" if order > 1 else "word"
