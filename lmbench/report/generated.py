"""What rows said by themselves: its part of a report, beside the text of test as the yardstick."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from lmbench.report import markdown, numbers
from lmbench.report.facts import Facts
from lmbench.report.markdown import bullets, code, escape, listed, number, table
from lmbench.report.sparsity import Column, explained
from lmbench.report.tables import frame
from lmbench.wording import agreeing, counted

FILE = "generated.csv"
TEST = "%test"
FAR = 4.0
"""Standard errors beyond which drawing and computing do not agree."""


NEW = "tokens that end an n-gram which train does not have, from `<s>` on near the start of a sentence"
ALLOWED = (
    "of what was said, what the grammar that made the built-in text can say at all, with whatever probability: all "
    "sentences, those that train does not have, and pairs of words that train does not have (precision)"
)
COPIED = "words of the longest run of a sentence that train has word for word: on average, and the longest of all"
DISTINCT = "different n-grams over all n-grams, of equally many sentences of each text (Li et al. 2016)"
AGAIN = "n-grams that the same sentence has said before, over all (Welleck et al. 2020)"

WHAT = (
    Column("words", "words a sentence", "`</s>` not counted", lambda value: f"{value:.2f}"),
    Column("novel_2", "new 2-grams", NEW, numbers.percent),
    Column("novel_3", "new 3-grams", NEW, numbers.percent),
    Column("novel_4", "new 4-grams", NEW, numbers.percent),
    Column("licensed", "allowed sentences", ALLOWED, numbers.percent),
    Column("licensed_new", "allowed, of the new ones", ALLOWED, numbers.percent),
    Column("licensed_bigrams", "allowed, of the new 2-grams", ALLOWED, numbers.percent),
)
OWN = (
    Column("whole", "copied sentences", "sentences that are a sentence of train", numbers.percent),
    Column("copy_mean", "longest copy, mean", COPIED, lambda value: f"{value:.2f}"),
    Column("copy_most", "longest copy, most", COPIED, numbers.count),
    Column(
        "different",
        "different sentences",
        "different sentences over all, of equally many of each text",
        numbers.percent,
    ),
    Column("distinct_1", "distinct 1-grams", DISTINCT, numbers.share),
    Column("distinct_2", "distinct 2-grams", DISTINCT, numbers.share),
    Column("distinct_3", "distinct 3-grams", DISTINCT, numbers.share),
    Column("again_1", "said again 1-grams", AGAIN, numbers.share),
    Column("again_2", "said again 2-grams", AGAIN, numbers.share),
    Column("cut_off", "cut off", "sentences that had no end when they were cut off", numbers.percent),
)
UNSEEN = (
    Column("pairs_said", "pairs said", "of the probes' unseen pairs, how many were said at least once", numbers.count),
    Column("times_said", "times said", "how often any of them was said", numbers.count),
    Column("headline_said", "times the headline", "how often the pair of the headline was said", numbers.count),
    Column(
        "drawn",
        "coverage, drawn",
        "the share of rounds of 100 continuations, drawn after the context of each probe, in which it was said",
        numbers.share,
    ),
    Column("computed", "coverage, computed", "coverage@100 (C4) of the same probes, as computed from p", numbers.share),
    Column(
        "apart",
        "apart, in errors",
        "the difference of the two in standard errors of the draws: beyond 4 one of them would be wrong",
        numbers.gain,
    ),
)


def tables(facts: Facts) -> dict[str, pd.DataFrame]:
    """File name -> every number of every text, test first."""
    texts = _texts(facts)
    return {FILE: frame([{k: v for k, v in text.items() if k not in ("schema", "key", "fitted")} for text in texts])}


def section(facts: Facts) -> str:
    """Nothing where no row was asked to speak."""
    texts = _texts(facts)
    if len(texts) < 2:
        return ""
    test, *rows = texts
    sizes = sorted({int(row["sentences"]) for row in rows})
    drawn = listed([*map(numbers.count, sizes[:-1]), counted(sizes[-1], "sentence")])
    known = f"{counted(test['sentences'], 'sentence')} of test {agreeing(test['sentences'], 'is', 'are')}"
    says = (
        f"Each of these rows drew {drawn}, a token at a time as it predicts them. The {known} measured in the same "
        "way: what is said as people say it has their numbers. A row with seeds spoke under the first."
    )
    shown = [_table(facts, texts, columns) for columns in (WHAT, OWN)]
    told = [row for row in rows if "pairs" in row]
    if told:
        shown.append(
            f"Of the {counted(told[0]['pairs'], 'pair')} of words that probes hold train never to have:"
            + f"\n\n{_table(facts, texts if 'pairs' in test else rows, UNSEEN)}"
        )
    return markdown.section("Generated text", says, *shown, bullets(_agreement(told)))


def _texts(facts: Facts) -> list[Mapping[str, Any]]:
    """Test, then rows by perplexity."""
    names = [TEST, *(row.name for row in facts.scored)]
    return [facts.generated[name] for name in names if name in facts.generated]


def _table(facts: Facts, texts: Sequence[Mapping[str, Any]], columns: Sequence[Column]) -> str:
    """A line a text, of the columns that one of them has; what the columns say."""
    kept = [column for column in columns if any(column.key in text for text in texts)]
    perplexities = {row.name: row.mean("ppl") for row in facts.scored}
    lines = [
        [
            "test" if text["row"] == TEST else escape(str(text["row"])),
            numbers.perplexity(perplexities.get(str(text["row"]))),
            *(number(column.show(text[column.key])) if column.key in text else numbers.DASH for column in kept),
        ]
        for text in texts
    ]
    shown = table(["text", "perplexity", *(column.title for column in kept)], lines)
    return f"{shown}\n\n{explained(kept)}"


def _agreement(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Whether what was drawn is what is computed."""
    far = [row for row in rows if abs(row.get("apart", 0.0)) > FAR]
    drew = [row for row in rows if "apart" in row]
    if not drew:
        return []
    if far:
        return [
            f"Coverage as drawn is not coverage as computed for {listed([code(str(row['row'])) for row in far])}: "
            "a fault of the sampler or of the row's probabilities."
        ]
    return [
        f"Coverage as drawn, in {counted(drew[0]['rounds'], 'round')} a probe, agrees with coverage as computed in "
        f"{agreeing(len(drew), 'the one row', f'all {len(drew)} rows')} that drew: to say a phrase among 100 is what "
        "C4 says it is."
    ]
