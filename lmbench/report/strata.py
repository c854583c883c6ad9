"""How rows do on parts of test: by what train has of a token, where it stands, what a row knows of its context."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from lmbench.report import markdown, numbers
from lmbench.report.facts import Facts, Row, average
from lmbench.report.markdown import bold, bullets, escape, number, table
from lmbench.report.tables import frame

WAYS = {
    "frequency": "how often train has the token itself; 0 is `<unk>` where train has no unknown word, and words that "
    "train lacks",
    "count": "how often train has the two words before the token, at the start of a row how many rows it has; `<s>` "
    "counts as one word",
    "bigram": "0: train never has the token after the word before it; 1+: it has",
    "trigram": "the same for the two words before it",
    "position": "words before the token in its sentence",
    "length": "words of its sentence",
}
"""Ways to sort the tokens of test that are the same for every row, in the order shown, and what each counts."""
CAPTION = "Perplexity by how often train has the token, the best row of each family"


def section(facts: Facts, drawn: Sequence[str]) -> str:
    """A table for each way to sort tokens; nothing where no row has strata."""
    own: dict[tuple[str, ...], list[Row]] = {}
    for row in facts.scored:
        for way, names in row.strata.items():
            if way not in WAYS and len(names) > 1:
                own.setdefault(tuple(names), []).append(row)
    shared = [part for way in WAYS if (part := _shared(way, facts))]
    if not shared and not own:
        return ""
    says = [
        "**share of tokens**: of test's tokens, those in the stratum. A cell is the perplexity on them and, in "
        "brackets, their part of the row's bits per token, share × log2 perplexity: the parts of a line add up to its "
        "last column. The best row of each family is shown; all are in `strata.csv`.",
        *(f"{bold(way)}: {says}." for way, says in WAYS.items() if any(way in row.strata for row in facts.scored)),
    ]
    if facts.smaller:
        says.append("Train is all of it, whatever a row was trained on: the strata are the same tokens for every row.")
    context = [_own(names, rows) for names, rows in own.items()]
    if context:
        context += [
            bullets(
                [
                    "**suffix**: words of the longest suffix of the context that train goes on from. **context**: how "
                    "many of the words before the token, no more than the model looks at, train has together. In "
                    "brackets is the **agreement**: the share of the tokens that the row gives more than 1/2, and so "
                    "foretells (Liu et al. 2024).",
                ]
            )
        ]
        context = [markdown.section("By what a row knows of the context", *context, level=3)]
    image = markdown.figure("strata", CAPTION, drawn)
    return markdown.section("Where the bits go", image, *shared, bullets(says) if shared else "", *context)


def _shared(way: str, facts: Facts) -> str:
    rows = [row for row in facts.leaders if way in row.strata]
    if not rows:
        return ""
    names = rows[0].strata[way]
    lines = [["share of tokens", *(numbers.percent(rows[0].mean(f"share_{name}")) for name in names), numbers.DASH]]
    for row in rows:
        parts = [_bits(row, name) for name in names]
        cells = [
            f"{numbers.perplexity(row.mean(f'ppl_{name}'))} ({numbers.bits(part)})"
            for name, part in zip(names, parts, strict=True)
        ]
        lines.append([escape(row.name), *cells, numbers.bits(row.mean("bits_per_token"))])
    return table([bold(way), *(_range(name, way) for name in names), "bits/token"], lines)


def _own(names: tuple[str, ...], rows: list[Row]) -> str:
    """Rows that sort contexts alike: the best of each family."""
    best: dict[str, Row] = {}
    for row in rows:  # lowest perplexity first
        best.setdefault(row.family, row)
    lines = [["share of tokens", *(numbers.percent(rows[0].mean(f"share_{name}")) for name in names)]]
    for row in best.values():
        cells = [
            f"{numbers.perplexity(row.mean(f'ppl_{name}'))} ({number(numbers.share(row.mean(f'agreement_{name}')))})"
            for name in names
        ]
        lines.append([escape(row.name), *cells])
    return table(["row", *(name.replace("_", " ") for name in names)], lines)


def tables(facts: Facts) -> dict[str, pd.DataFrame]:
    """strata.csv: a line for each row, seed and stratum; share times bits add up to bits per token in every way."""
    return {
        "strata.csv": frame(
            {
                "row": row.name,
                "seed": result.seed,
                "way": way,
                "stratum": _range(name, way),
                "share": result.metrics[f"share_{name}"],
                "ppl": result.metrics[f"ppl_{name}"],
                "bits": math.log2(result.metrics[f"ppl_{name}"]),
                "agreement": result.metrics[f"agreement_{name}"],
            }
            for row in facts.scored
            for result in row.results
            for way, names in row.strata.items()
            for name in names
            if f"ppl_{name}" in result.metrics
        )
    }


def _bits(row: Row, name: str) -> float | None:
    """The stratum's part of the bits per token, the mean over seeds."""
    parts = zip(row.values(f"share_{name}"), row.values(f"ppl_{name}"), strict=True)
    return average([share * math.log2(ppl) for share, ppl in parts])


def _range(name: str, way: str) -> str:
    return name.removeprefix(f"{way}_")
