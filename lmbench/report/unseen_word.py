"""The unseen word in a report: what rows that were trained without a word say of it, and of what follows it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pandas as pd

from lmbench.measures.perplexity import BITS
from lmbench.measures.uncertainty import FEW
from lmbench.measures.unseen_word import per_word, placement
from lmbench.report import markdown, numbers
from lmbench.report.facts import Facts
from lmbench.report.markdown import bullets, code, escape, figure, listed, number, table
from lmbench.report.unseen_word_numbers import Measured, Told, Words
from lmbench.wording import counted

CAPTION = "Bits of words that rows were trained without, and how well they are placed"


def section(facts: Facts, figures: Sequence[str]) -> str:
    """The tables, how to read them, what they say."""
    words = Words(facts)
    if not words.told:
        return ""
    return markdown.section(
        "The unseen word",
        _about(words),
        figure("unseen_word", CAPTION, figures),
        _of_the_word(words),
        _of_what_follows(words),
        bullets(_reading(words)),
        bullets(_sentences(words)),
    )


def _about(words: Words) -> str:
    about, places = words.about, len(words.word)
    groups = [int(n) for n in about["groups"]]
    lost = f"{min(groups):,} to {max(groups):,}" if len(groups) > 1 else f"{groups[0]:,}"
    named = listed(_names(words, range(len(words.items))), 60)
    shown = (
        named if words.items[0]["word"] else f"at ranks {listed([str(i['rank']) for i in words.items], 60)} in train"
    )
    many = f"{len(words.items)} words, {counted(len(groups), 'group')}: " if len(words.items) > 1 else ""
    return (
        f"Each row was trained without the sentences of train, and of valid, that have a word of a group ({lost} of "
        f"{int(about['sentences']):,} of train), once a group. The same row trained without "
        f"{counted(int(about['control']), 'sentence')} drawn at random is the control, and is the row of every other "
        "table of this report. The vocabulary is that of the whole train, so the word is an event to all. Asked is "
        f"at {counted(places, 'place')} where test has the words; no row without them and no text of vectors has read "
        f"these sentences. {many}{shown}."
        + (
            f" Groups that were not run for every row: {listed(list(map(str, words.lacking)))}."
            if words.lacking
            else ""
        )
    )


def _names(words: Words, order: Iterable[int]) -> list[str]:
    """The words, or their ranks where the words are not to be shown."""
    items = [words.items[i] for i in order]
    return [escape(str(item["word"])) if item["word"] else f"that of rank {item['rank']}" for item in items]


def _of_the_word(words: Words) -> str:
    header = ["row", "data used", "perplexity of the control", "bits of the word [95 %]", "control: bits"]
    header += ["above frequency [95 %]"]
    header += ["choice [95 %]", "control: choice"] if words.paired else []
    header += ["placement [95 %]", "control: placement", "elsewhere", "control: elsewhere"]
    header += ["median rank", "control: rank"]
    lines = []
    for told in words.told:
        u, s = told.unseen, told.seen
        cells = [
            (words.mean(words.bits(u)).shown("bits"), numbers.bits(words.mean(words.bits(s)).value)),
            (words.compared(words.unigram[words.word], words.bits(u)).shown("gain"), None),
            (words.chosen(u).shown("share"), number(numbers.share(words.chosen(s).value))) if words.paired else (),
            (words.placed(u).shown("gain"), numbers.gain(words.placed(s).value)),
            (numbers.gain(words.everywhere(u)), numbers.gain(words.everywhere(s))),
            tuple(numbers.rank(float(np.nanmedian(answers.ranks))) for answers in (u, s)),
        ]
        # a reference row has no control: it is exact, and learns nothing
        own = [(pair[0], numbers.DASH if pair[1] else None) if told.reference and pair else pair for pair in cells]
        shown = [cell for pair in own for cell in pair if cell is not None]
        lines.append([escape(told.row.name), _data(told), numbers.perplexity(told.row.mean("ppl")), *shown])
    return table(header, lines, left=2)


def _of_what_follows(words: Words) -> str:
    lines = []
    for told in words.told:
        if told.reference:
            continue
        unseen, seen = (-answers.after * BITS for answers in (told.unseen, told.seen))
        lines.append(
            [
                escape(told.row.name),
                numbers.bits(words.mean(unseen).value),
                numbers.bits(words.mean(seen).value),
                words.compared(unseen, seen).shown("gain"),
            ]
        )
    header = ["row", "bits of the token after the word", "control: bits after", "bits above control [95 %]"]
    return table(header, lines)


def _data(told: Told) -> str:
    return numbers.DASH if told.reference else escape(" + ".join(("train without it", *told.row.sources)))


def _reading(words: Words) -> list[str]:
    clusters = len(words.items)
    over = f"the {clusters} words" if clusters > 1 else f"the {counted(len(words.word), 'place')}, as there is one word"
    few = "; they are few, so it is approximate" if 1 < clusters < FEW else ""
    seeds = max(len(told.row.results) for told in words.told)
    v = int(words.facts.corpus.get("n_events") or 1)
    return [
        "**perplexity of the control**: on all of test: what the row is worth as a language model.",
        f"**bits of the word**: −log2 p(word), mean over words of the mean over their places. The word's frequency in "
        f"train, told whatever the context, is {numbers.bits(float(words.unigram.mean()))} bits; 1 / V is "
        f"{numbers.bits(math.log2(v))}. **[95 %]**: a bootstrap over {over}{few}."
        + (f" Every number is a mean over {seeds} seeds." if seeds > 1 else ""),
        "**control: ...**: the same of the row that has read the word.",
        "**above frequency**: bits that the row saves against the word's frequency. Not enough to judge by: a row that "
        "gives the word too much everywhere saves bits here and pays for them elsewhere.",
        "**placement**: how many bits likelier the row finds the word where it stands than, on average, at "
        f"{int(words.about['elsewhere'])} places of other words. 0 for whatever ignores the context, below 0 for what "
        "varies with it to no purpose, ∞ for what finds a word impossible at all of these.",
        "**elsewhere**: that average against the word's frequency: above 0 it is said too often, below too seldom.",
        *(
            [
                "**choice**: of a word and another of its group, neither of them read, how often the row finds that "
                "the likelier which stands there. Chance is 0.500, and exactly that has any row that tells the two "
                "apart by no more than a liking for one of them, as rows of counts do. The control has read both."
            ]
            if words.paired
            else []
        ),
        "**median rank**: of the word among all V events, at its places.",
    ]


def _sentences(words: Words) -> list[str]:
    """What the tables say, for whoever reads no tables."""
    chance = math.log2(int(words.facts.corpus.get("n_events") or 1))
    rows = [told for told in words.told if not told.reference]
    placed = {told.row.name: words.placed(told.unseen) for told in rows}
    bits = {told.row.name: words.mean(words.bits(told.unseen)) for told in rows}
    after = {told.row.name: words.compared(-told.unseen.after * BITS, -told.seen.after * BITS) for told in rows}
    said = []
    counts = max((placed[told.row.name].value for told in rows if told.row.family == "ngram"), default=math.nan)

    def those(fits: Callable[[str], bool], values: dict[str, Measured], show: Callable[[float], str]) -> str:
        return listed([f"{code(name)} {number(show(values[name].value))}" for name in values if fits(name)], 20)

    if words.paired:
        chosen = {told.row.name: words.chosen(told.unseen) for told in rows}
        knows = {name: found.low > 0.5 for name, found in chosen.items()}
        if found := those(lambda name: knows[name], chosen, numbers.share):
            said.append(f"They tell which of two words they never read stands where (choice): {found}.")
        if found := those(lambda name: not knows[name], chosen, numbers.share):
            said.append(f"They do not, chance being 0.500: {found}.")
    else:
        knows = {name: found.low > max(counts, 0) for name, found in placed.items()}
        if math.isfinite(counts):
            said.append(
                f"Where anything new may stand, any word never read is likelier: {numbers.gain(counts)} bits of "
                "placement are had by counts, to which all such words are one. What is above that is of the word."
            )
        if found := those(lambda name: knows[name], placed, numbers.gain):
            said.append(f"They know where the word belongs (placement, the whole interval above that): {found}.")
        if found := those(lambda name: not knows[name], placed, numbers.gain):
            said.append(f"That cannot be said of {found}.")
    if found := those(lambda name: bits[name].value > chance, bits, numbers.bits):
        said.append(f"Less than 1 / V they give it, as they learnt never to say it: {found}.")
    if found := those(lambda name: after[name].low > 0, after, numbers.gain):
        said.append(f"What follows it costs them more bits than if they had read it: {found}.")
    best = rows[0]
    of_words = per_word(placement(best.unseen, words.word), words.word) if len(words.items) > 1 else np.empty(0)
    if np.isfinite(of_words).sum() >= 10:
        order = np.argsort(np.where(np.isnan(of_words), -np.inf, of_words))[::-1]
        order = order[: int(np.isfinite(of_words).sum())]
        said.append(
            f"{code(best.row.name)} places best {listed(_names(words, order[:5]))}, and worst "
            f"{listed(_names(words, order[-5:]))}: {numbers.gain(float(of_words[order[0]]))} to "
            f"{numbers.gain(float(of_words[order[-1]]))} bits."
        )
    return said


def tables(facts: Facts) -> dict[str, pd.DataFrame]:
    """unseen_words.csv: a row and word a line."""
    words = Words(facts)
    lines = []
    for told in words.told:
        both = {"unseen": told.unseen, "control": told.seen}
        values = {
            **{f"bits_{name}": per_word(words.bits(answers), words.word) for name, answers in both.items()},
            **{f"placement_{n}": per_word(placement(answers, words.word), words.word) for n, answers in both.items()},
            **{f"choice_{n}": per_word(answers.choice, words.word) for n, answers in both.items()},
            **{f"bits_after_{n}": per_word(-answers.after * BITS, words.word) for n, answers in both.items()},
            **{f"rank_{name}": per_word(answers.ranks, words.word) for name, answers in both.items()},
        }
        for i, item in enumerate(words.items):
            known = {key: item[key] for key in ("word", "rank", "group", "places", "unigram_bits")}
            lines.append({"row": told.row.name, **known, **{name: float(column[i]) for name, column in values.items()}})
    return {"unseen_words.csv": pd.DataFrame(lines, dtype=object)}
