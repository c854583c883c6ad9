"""What train never says: the sparsity laboratory's part of a report, its tables, sentences and columns.

Sentences are conditions on the numbers. A table that the facts do not have is left out with all that goes with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lmbench.report import markdown, numbers
from lmbench.report.facts import Facts
from lmbench.report.markdown import bold, bullets, code, escape, listed
from lmbench.report.tables import frame
from lmbench.wording import counted

FILES = {
    "unseen": "sparsity.csv",
    "growth": "sparsity_growth.csv",
    "counts": "sparsity_counts.csv",
    "longest": "sparsity_longest.csv",
    "units": "sparsity_units.csv",
}
RENAMED = {"tokens": "ngrams", "types": "different", "unseen": "share_new_not_cut_short"}
"""Names in the file of counts of counts, where the other files count tokens, and unseen ones among them."""
CAPTIONS = {
    "sparsity": "Share of the text whose n-grams never occur in train",
    "sparsity_growth": "Share of test whose n-grams never occur in train, as train grows",
    "sparsity_longest": "Share of tokens by the length of the longest n-gram of train that ends there",
    "sparsity_units": "Share of test whose n-grams never occur in train, by the unit that is counted",
}
NEW = "share of test's tokens, `</s>` counted, that end a token or n-gram which the train of the line does not have"
CLOSE = 0.02
"""Shares that differ by no more agree."""

Line = Mapping[str, Any]


@dataclass(frozen=True)
class Column:
    """A column: the key of its numbers, its title, what it says in one sentence (in Markdown), how it is shown.

    Columns that say the same are explained together.
    """

    key: str
    title: str
    says: str
    show: Callable[[Any], str] = numbers.count


ORDER = Column("order", "n", "words of the n-gram, the token itself counted", str)
TEXT = Column("set", "text", "the set of sentences", lambda name: escape(str(name)))


def tables(facts: Facts) -> dict[str, pd.DataFrame]:
    """File name -> every number of a table as it is stored."""
    stored = {table: facts.sparsity(table) for table in FILES}
    stored["counts"] = [{RENAMED.get(key, key): value for key, value in line.items()} for line in stored["counts"]]
    return {name: frame(stored[table]) for table, name in FILES.items()}


def section(facts: Facts, drawn: Sequence[str]) -> str:
    """How much of the text was never seen, the problem n-grams have, and what that depends on."""
    parts = (unseen, growth, counts, longest, units)
    return markdown.section("What train never says", *(part(facts, drawn) for part in parts))


def unseen(facts: Facts, drawn: Sequence[str]) -> str:
    """Unseen n-grams by text and order."""
    lines = facts.sparsity("unseen")
    if not lines:
        return ""
    test = max((line for line in lines if line["set"] == "test"), key=lambda line: int(line["order"]), default=lines[0])
    says = f"{numbers.percent(test['share'])} of the tokens of {escape(str(test['set']))} end a {_gram(test['order'])} "
    says += "that never occurs in train"
    if facts.stream:
        says += ": a maximum-likelihood model of that order gives probability 0 to each of these."
    else:
        says += f", and {numbers.percent(test['zero_sentences'])} of its sentences hold at least one: to each of these "
        says += "a maximum-likelihood model of that order gives probability 0."
    columns = [
        TEXT,
        ORDER,
        Column("tokens", "tokens", "tokens of the text, `</s>` counted"),
        Column(
            "unseen",
            "end an unseen n-gram",
            "tokens whose n-gram never occurs in train; near the start of a sentence it is all there is from `<s>` on",
        ),
        Column("share", "share unseen", "the same as a share of the tokens", numbers.percent),
        Column(
            "zero_sentences", "sentences with at least one", "share of the sentences with such a token", numbers.percent
        ),
    ]
    return "\n\n".join(_parts(says, "sparsity", drawn, lines, columns))


def growth(facts: Facts, drawn: Sequence[str]) -> str:
    """Unseen n-grams of test by how much of train was read."""
    lines = _wide(facts.sparsity("growth"), "train_sentences")
    if len(lines) < 2:
        return ""
    before, last = lines[-2:]
    orders = _orders(last)
    changes = [
        f"{_gram(n)}s {numbers.percent(last[f'share_{n}'])} instead of {numbers.percent(before[f'share_{n}'])}"
        for n in orders
        if n > 1
    ]
    says = (
        f"With all {counted(last['train_tokens'], 'token')} of train instead of its first "
        f"{numbers.count(before['train_tokens'])}, the share of test's tokens that end an n-gram train does not have "
        f"is: {listed(changes)}."
    )
    columns = [
        Column(
            "train_sentences", "sentences of train", "how many, from its beginning; each part holds the smaller ones"
        ),
        Column("train_tokens", "tokens of train", "tokens of these sentences"),
        *(Column(f"share_{n}", _gram(n), NEW, numbers.percent) for n in orders),
    ]
    return _subsection("If train were smaller", *_parts(says, "sparsity_growth", drawn, lines, columns))


def counts(facts: Facts, drawn: Sequence[str]) -> str:
    """Counts of counts, and what they foretell of new text."""
    lines = facts.sparsity("counts")
    if not lines:
        return ""
    longest = lines[-1]
    says = (
        f"{numbers.percent(longest['once'])} of the {numbers.count(longest['types'])} different "
        f"{_gram(longest['order'])}s of train occur once."
    )
    estimates = [_estimate(line) for line in lines if line["order"] > 1]
    if estimates:
        says += (
            " Good and Turing estimate from those that occur once how much of further text is new, n-grams cut short "
            f"by `<s>` left out: {listed(estimates)}."
        )
    columns = [
        ORDER,
        Column("tokens", "n-grams", "n-grams of train, every occurrence counted"),
        Column("types", "different", "G, how many different ones there are"),
        *(
            Column(
                key,
                title,
                "how many of these occur so often in train: the counts of counts, of which discounts are made",
            )
            for key, title in (
                ("n1", "once"),
                ("n2", "twice"),
                ("n3", "3 times"),
                ("n4", "4 times"),
                ("n5_plus", "more"),
            )
        ),
        Column("once", "share once", "n-grams that occur once, of the different ones", numbers.percent),
        Column(
            "good_turing",
            "expected new",
            "n-grams that occur once, of all occurrences: the share expected to be new in further text (Good 1953)",
            numbers.percent,
        ),
        Column(
            "unseen",
            "new whole n-grams",
            "that share of test's n-grams, those cut short by `<s>` left out",
            numbers.percent,
        ),
    ]
    return _subsection("How often n-grams occur", *_parts(says, "", drawn, lines, columns))


def _estimate(line: Line) -> str:
    """One order's estimate beside what test shows."""
    expected, found = float(line["good_turing"]), float(line["unseen"])
    shown = f"{numbers.percent(expected)} of {_gram(line['order'])}s"
    if abs(found - expected) <= CLOSE:
        return f"{shown} ({numbers.percent(found)} of those in test)"
    return f"{shown} ({'more' if found > expected else 'fewer'} of those in test, {numbers.percent(found)})"


def longest(facts: Facts, drawn: Sequence[str]) -> str:
    """How much of the history of each token a model that counts can use."""
    lines = facts.sparsity("longest")
    test = [line for line in lines if line["set"] == "test"]
    total = sum(int(line["tokens"]) for line in test)
    if not total:
        return ""
    top = max(int(line["length"]) for line in test)
    mean = sum(int(line["length"]) * int(line["tokens"]) for line in test) / total
    share = {int(line["length"]): int(line["tokens"]) / total for line in test}
    alone = share.get(0, 0) + share.get(1, 0)
    says = (
        f"The longest n-gram of train that ends at a token of test has {mean:.2f} words on average, the token itself "
        f"counted and none above {top} looked for; {numbers.percent(share[top])} of the tokens have {top}, and "
        f"{numbers.percent(alone)} never stood after the word before them. What lies further back is lost on a model "
        "that backs off to what it has seen."
    )
    columns = [
        TEXT,
        Column(
            "length",
            "longest n-gram",
            "words in the longest n-gram of train that ends at the token, itself counted",
            str,
        ),
        Column("tokens", "tokens with it", "tokens of which that is so"),
        Column("share", "share with it", "the same as a share of the tokens", numbers.percent),
        Column(
            "from_start", "from the start", "of these tokens, how many have no longer history: it begins with `<s>`"
        ),
    ]
    return _subsection("How much history train has", *_parts(says, "sparsity_longest", drawn, lines, columns))


def units(facts: Facts, drawn: Sequence[str]) -> str:
    """The same text cut into other units."""
    lines = _wide(facts.sparsity("units"), "tokenizer")
    if len(lines) < 2:
        return ""
    for line in lines:
        line["span"] = int(line["characters"]) / int(line["tokens"])
    orders = _orders(lines[0])
    new = listed([f"{numbers.percent(line['oov_rate'])} in {code(str(line['tokenizer']))}" for line in lines])
    sizes = [counted(lines[0][key], "character") for key in ("train_characters", "characters")]
    says = (
        f"The same text, {sizes[0]} of train and {sizes[1]} of test, is cut in {counted(len(lines), 'way')}, and each "
        f"sentence read on its own. The share of test's tokens that train does not have is {new}."
        f"{_at_equal_span(lines, orders)}"
    )
    columns = [
        Column("tokenizer", "unit", "the tokenizer", lambda name: escape(str(name))),
        Column("types", "types of train", "different tokens of train"),
        Column("span", "characters a token", "characters of test over its tokens", lambda value: f"{value:.2f}"),
        Column("oov_rate", "new tokens", "share of test's tokens that train does not have", numbers.percent),
        *(Column(f"share_{n}", _gram(n), NEW, numbers.percent) for n in orders),
    ]
    return _subsection("In other units", *_parts(says, "sparsity_units", drawn, lines, columns))


def _at_equal_span(lines: Sequence[Line], orders: Sequence[int]) -> str:
    """The longest n-grams of the smallest unit beside those of the largest that span as much text."""
    small, large = min(lines, key=lambda line: line["span"]), max(lines, key=lambda line: line["span"])
    top, characters = orders[-1], orders[-1] * small["span"]
    if not large["span"] <= characters <= top * large["span"]:
        return ""
    share = np.interp(characters, [n * large["span"] for n in orders], [large[f"share_{n}"] for n in orders])
    one, other = code(str(small["tokenizer"])), code(str(large["tokenizer"]))
    return (
        f" A {_gram(top)} of {one} spans {characters:.1f} characters on average and is unseen at "
        f"{numbers.percent(small[f'share_{top}'])} of its tokens; over as many characters, which lies between two "
        f"orders of {other}, it would be {numbers.percent(float(share))} there."
    )


def _parts(says: str, figure: str, drawn: Sequence[str], lines: Sequence[Line], columns: Sequence[Column]) -> list[str]:
    """Sentence, figure, table, what the columns say."""
    image = markdown.figure(figure, CAPTIONS[figure], drawn) if figure else ""
    rows = [[column.show(line[column.key]) for column in columns] for line in lines]
    return [
        part for part in (says, image, markdown.table([c.title for c in columns], rows), explained(columns)) if part
    ]


def explained(columns: Sequence[Column]) -> str:
    """What the columns say, those that say the same together."""
    said: dict[str, list[str]] = {}
    for column in columns:
        said.setdefault(column.says, []).append(column.title)
    return bullets(f"{bold(', '.join(titles))}: {says}." for says, titles in said.items())


def _subsection(title: str, *parts: str) -> str:
    return markdown.section(title, *parts, level=3)


def _wide(lines: Iterable[Line], key: str) -> list[dict[str, Any]]:
    """One line for each value of the key, in file order, with the share of order n as share_<n>."""
    wide: dict[Any, dict[str, Any]] = {}
    for line in lines:
        wide.setdefault(line[key], dict(line))[f"share_{line['order']}"] = line["share"]
    return list(wide.values())


def _orders(line: Line) -> list[int]:
    return sorted(int(name.removeprefix("share_")) for name in line if name.startswith("share_"))


def _gram(order: int) -> str:
    return "word" if order == 1 else f"{order}-gram"
