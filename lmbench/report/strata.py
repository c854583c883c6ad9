"""How rows do by what they know of a token's context: a table for each way of sorting contexts that rows share."""

from __future__ import annotations

import re

from lmbench.report import markdown, numbers
from lmbench.report.facts import Facts, Row
from lmbench.report.markdown import bullets, escape, number, table

_NAME = re.compile(r"share_(\w+)_(\d+)(\S*)")


def section(facts: Facts) -> str:
    """Perplexity and agreement by stratum; nothing where no row has strata."""
    sets: dict[tuple[str, ...], list[Row]] = {}
    for row in facts.scored:
        for names in _strata(row):
            sets.setdefault(names, []).append(row)
    if not sets:
        return ""
    says = [
        "**share of tokens**: of test's tokens, those whose context is in the stratum.",
        "Below it, the perplexity on them and, in brackets, the **agreement**: the share of them that the row gives "
        "more than 1/2, and so foretells (Liu et al. 2024).",
        "**suffix**: words of the longest suffix of the context that train goes on from. **context**: how many of the "
        "words before the token, no more than the model looks at, train has together. **count**: how often train has "
        "the two words before the token, at the start of a row how many rows it has. `<s>` counts as one word.",
    ]
    return markdown.section(
        "By what is known of the context", *(_table(names, rows) for names, rows in sets.items()), bullets(says)
    )


def _strata(row: Row) -> list[tuple[str, ...]]:
    """Each set of strata of a row, as its metrics name them, by rising bound."""
    found: dict[str, list[re.Match[str]]] = {}
    for name in row.first.metrics:
        if match := _NAME.fullmatch(name):
            found.setdefault(match[1], []).append(match)
    return [
        tuple(match[0].removeprefix("share_") for match in sorted(matches, key=lambda match: int(match[2])))
        for matches in found.values()
    ]


def _table(names: tuple[str, ...], rows: list[Row]) -> str:
    shares = [numbers.percent(rows[0].mean(f"share_{name}")) for name in names]
    lines = [["share of tokens", *shares]]
    for row in rows:
        cells = [
            f"{numbers.perplexity(row.mean(f'ppl_{name}'))} ({number(numbers.share(row.mean(f'agreement_{name}')))})"
            for name in names
        ]
        lines.append([escape(row.name), *cells])
    return table(["row", *(name.replace("_", " ") for name in names)], lines)
