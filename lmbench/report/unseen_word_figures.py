"""The figure of the unseen word: a row a line, unseen beside its control."""

from __future__ import annotations

import math
from collections.abc import Callable

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lmbench.report import numbers
from lmbench.report.canvas import COLOURS, DASHED, FAINT, REFERENCE, ROW_HEIGHT, SMALL, TITLE_PAD, WIDTH, above
from lmbench.report.compare import Comparison
from lmbench.report.facts import Facts
from lmbench.report.layout import short
from lmbench.report.unseen_word_numbers import Measured, Told, Words

UNSEEN, SEEN = COLOURS[1], COLOURS[0]


def unseen_word(facts: Facts, _: Comparison) -> Figure | None:
    """Bits of the word, how much likelier it is found where it stands, choices between two; with intervals."""
    words = Words(facts)
    if not words.told:
        return None
    figure = Figure(figsize=(WIDTH, ROW_HEIGHT * len(words.told) + 1.9), layout="constrained")
    bits, placed, *further = figure.subplots(1, 3 if words.paired else 2, sharey=True)
    _marks(bits, words, lambda told, seen: words.mean(words.bits(told.seen if seen else told.unseen)))
    _marks(placed, words, lambda told, seen: words.placed(told.seen if seen else told.unseen))
    bits.set_yticks(range(len(words.told)), [short(told.row.name, 30) for told in words.told])
    bits.set_ylim(len(words.told) - 0.4, -0.6)
    frequency, chance = float(words.unigram.mean()), math.log2(int(facts.corpus.get("n_events") or 1))
    lines = sorted([(frequency, "frequency"), (chance, "1 / V")])
    for (x, name), side in zip(lines, ("right", "left"), strict=True):  # away from each other: they may be close
        bits.axvline(x, color=REFERENCE, lw=0.9, ls=DASHED)
        above(bits, x, f"{name} {numbers.bits(x)}", side)
    placed.axvline(0, color=REFERENCE, lw=0.9, ls=DASHED)
    above(placed, 0, "context ignored", "center")
    bits.set_title("What does the word cost?", loc="left", pad=TITLE_PAD)
    bits.set_xlabel("bits where test has it (left is better)")
    placed.set_title("Is it likelier where it stands?", loc="left", pad=TITLE_PAD)
    placed.set_xlabel("placement, bits (right is better)")
    for chosen in further:
        _marks(chosen, words, lambda told, seen: words.chosen(told.seen if seen else told.unseen))
        chosen.axvline(0.5, color=REFERENCE, lw=0.9, ls=DASHED)
        above(chosen, 0.5, "chance", "center")
        chosen.set_title("Which of two such words?", loc="left", pad=TITLE_PAD)
        chosen.set_xlabel("choices put right (right is better)")
    marks = [
        Line2D([], [], color=UNSEEN, marker="o", ls="-", label="never read the word"),
        Line2D([], [], color=SEEN, marker="D", ls="", mfc="none", label="has read it (control)"),
    ]
    figure.legend(handles=marks, loc="outside upper right", ncols=2, frameon=False, fontsize=SMALL)
    return figure


def _marks(axes: Axes, words: Words, measure: Callable[[Told, bool], Measured]) -> None:
    for y, told in enumerate(words.told):
        for seen in (True, False):
            found = measure(told, seen)
            if math.isfinite(found.value) and (seen or not told.reference):
                colour, mark = (REFERENCE if told.reference else SEEN, "D") if seen else (UNSEEN, "o")
                axes.plot([found.value], [y], mark, color=colour, ms=5, mfc="none" if seen else colour)
                if not seen and not math.isnan(found.low):
                    axes.plot([found.low, found.high], [y, y], color=colour, lw=1.6)
    axes.grid(axis="x", color=FAINT, lw=0.7)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.margins(x=0.06)


FIGURES: dict[str, Callable[[Facts, Comparison], Figure | None]] = {"unseen_word": unseen_word}
