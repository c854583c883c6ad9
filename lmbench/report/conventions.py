"""The same rows in other tools' conventions: why a number somewhere else differs from the one here."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from lmbench.bench.results import Result
from lmbench.measures import conventions
from lmbench.measures.conventions import Totals
from lmbench.report import markdown, numbers, tables
from lmbench.report.facts import Facts, Row, average
from lmbench.report.markdown import bold, bullets, escape

NEEDS = ("ppl", "ppl_no_unk", "ppl_no_eos")
COUNTS = ("sentences", "tokens", "oov_tokens", "characters")


@dataclass(frozen=True)
class Column:
    """name: in the CSV; title, says: in Markdown; of: the number of one result, NaN where it cannot be known."""

    name: str
    title: str
    says: str
    of: Callable[[Totals, Result], float]
    show: Callable[[float | None], str] = numbers.perplexity


def _nltk(totals: Totals, result: Result) -> float:
    order = result.config.get("order")
    return conventions.nltk_idiom(totals, order) if isinstance(order, int) else math.nan


COLUMNS = (
    Column(
        "srilm_ppl",
        "SRILM ppl",
        "`ngram -ppl` of a closed vocabulary: unknown words and impossible tokens are left out, `</s>` is not; a row "
        "whose perplexity is ∞ may look like the best here, for its worst tokens are those left out",
        lambda totals, _: conventions.srilm_ppl(totals),
    ),
    Column(
        "srilm_ppl1",
        "SRILM ppl1",
        "the same sum, `</s>` still in it, over the number of words",
        lambda totals, _: conventions.srilm_ppl1(totals),
    ),
    Column(
        "kenlm_including",
        "KenLM incl. OOV",
        "`query`, Perplexity including OOVs: every word, `<unk>` too, and `</s>`; it is the perplexity of this report",
        lambda totals, _: conventions.kenlm_including(totals),
    ),
    Column(
        "kenlm_excluding",
        "KenLM excl. OOV",
        "`query`, Perplexity excluding OOVs: without `<unk>`; one impossible token still makes it ∞",
        lambda totals, _: conventions.kenlm_excluding(totals),
    ),
    Column(
        "nltk_idiom",
        "nltk, padded",
        "`perplexity(ngrams(pad_both_ends(sentence, n), n))` for rows that have an order n: n − 1 times `</s>` a "
        "sentence, of which all but the first are taken as certain, so it is the lowest that nltk can print; of "
        "other rows there is no n",
        _nltk,
    ),
    Column(
        "lm_eval_word_perplexity",
        "lm-eval word_perplexity",
        "lm-evaluation-harness: all bits of test, the spelling of unknown words priced in, per word between white "
        "space of the text before it was cut into tokens",
        lambda totals, _: conventions.lm_eval_word_perplexity(totals),
    ),
    Column(
        "lm_eval_byte_perplexity",
        "lm-eval byte_perplexity",
        "the same bits per UTF-8 byte, one a line end",
        lambda totals, _: conventions.lm_eval_byte_perplexity(totals),
    ),
    Column(
        "lm_eval_bits_per_byte",
        "lm-eval bits_per_byte",
        "its logarithm to base 2",
        lambda totals, _: conventions.lm_eval_bits_per_byte(totals),
        numbers.bits,
    ),
)


def section(facts: Facts) -> str:
    """A row a line; nothing where no row has a perplexity."""
    found = _values(facts)
    if not found:
        return ""
    lines = [
        [escape(row.name), numbers.perplexity(row.mean("ppl")), *(c.show(values[c.name]) for c in COLUMNS)]
        for row, values in found
    ]
    text = (
        "Perplexities of two programs differ, the model being the same, because they sum other tokens or divide by "
        "another number. The same scores as others would print them, on this vocabulary and this test:"
    )
    says = [f"{bold(column.title)}: {column.says}." for column in COLUMNS]
    if facts.corpus.get("literal_unk"):
        says.append(
            "This text has the literal word `<unk>`, which is an ordinary word here. A tool that reads it as its own "
            "`<unk>` counts it among the unknown words: see “without any unk” above."
        )
    header = ["row", "perplexity", *(column.title for column in COLUMNS)]
    return markdown.section(
        "The same rows in other tools' conventions", text, markdown.table(header, lines), bullets(says)
    )


def table(facts: Facts) -> pd.DataFrame:
    """A row a line, means over seeds."""
    return tables.frame({"row": row.name, "ppl": row.mean("ppl"), **values} for row, values in _values(facts))


def _values(facts: Facts) -> list[tuple[Row, dict[str, float | None]]]:
    """Every row that has perplexities, and each column's mean over its seeds."""
    lines: list[Mapping[str, Any]] = list(facts.benchmark.get("statistics") or [])
    test = next((line for line in lines if line.get("split") == "test" and all(name in line for name in COUNTS)), None)
    if test is None:
        return []
    found = []
    for row in facts.scored:
        if all(row.values(name) for name in NEEDS):
            totals = [(Totals.of(result.metrics, test), result) for result in row.results]
            found.append((row, {column.name: _mean([column.of(*pair) for pair in totals]) for column in COLUMNS}))
    return found


def _mean(values: list[float]) -> float | None:
    return None if any(map(math.isnan, values)) else average(values)
