"""The tables of a report, as data frames of raw numbers; COLUMNS says how each number is shown and read."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lmbench.measures.perplexity import BITS
from lmbench.report import numbers
from lmbench.report.compare import Comparison
from lmbench.report.facts import Facts, Row
from lmbench.report.markdown import escape

Record = dict[str, Any]
Show = Callable[[float | None], str]


@dataclass(frozen=True)
class Column:
    """How a metric is titled and explained in one sentence (both in Markdown), shown, and which value of it is best."""

    title: str
    says: str
    show: Show
    best: Callable[[Iterable[float]], float] | None = None


HEADLINE = "headline@100"
"""C4 of one pair alone, where "coverage@100" is the mean of C4 over the probes."""

COLUMNS: dict[str, Column] = {
    "ppl": Column(
        "perplexity",
        "how many equally likely words the model hesitates between, on average, at each token of test, `</s>` counted; "
        "lower is better, and one token of probability 0 makes it ∞",
        numbers.perplexity,
        min,
    ),
    "bits_per_token": Column(
        "bits/token",
        "log2 of the perplexity (mean over seeds of it), the scale on which differences add up",
        numbers.bits,
        min,
    ),
    "bits_per_char": Column(
        "bits/char",
        "all bits of test, the spelling of unknown words priced in, per character of the text; "
        "the only column to compare with models of other units",
        numbers.bits,
        min,
    ),
    "ppl_no_unk": Column(
        "without `<unk>`",
        "perplexity over the positions whose word is known, as `<unk>` is often the easiest word to predict",
        numbers.perplexity,
        min,
    ),
    "ppl_no_literal_unk": Column(
        "without any unk",
        "the same with the literal word `<unk>`, which this text contains as an ordinary word, left out too",
        numbers.perplexity,
        min,
    ),
    "ppl_no_eos": Column(
        "without `</s>`",
        "perplexity over the words alone, ends of sentences left out",
        numbers.perplexity,
        min,
    ),
    "impossible": Column(
        "impossible tokens",
        "tokens of test to which the model gives probability 0; they are counted, never skipped",
        numbers.count,
        min,
    ),
    "c0": Column("C0 support", "share of unseen phrases with a probability above 0", numbers.share, max),
    "c1_share": Column(
        "C1 lift > 0", "share of unseen words that the context makes likelier than their frequency", numbers.share, max
    ),
    "c1_bits": Column("C1 bits", "mean of that lift, log2 p(word | context) − log2 p(word)", numbers.gain, max),
    **{
        f"c2_at_{k}": Column(
            f"C2 top {k}",
            f"share of unseen words among the {k} likeliest continuations"
            if k > 1
            else "share of unseen words that are the likeliest continuation",
            numbers.share,
            max,
        )
        for k in (1, 5, 10, 50)
    },
    "c2_mrr": Column("C2 MRR", "mean of 1 / rank of the unseen word", numbers.share, max),
    "c3_matched": Column(
        "C3 matched",
        "share of unseen words preferred to a matched distractor that does not belong there; chance is 0.5",
        numbers.share,
        max,
    ),
    "c3_crossed": Column(
        "C3 crossed",
        "share of crossed pairs of unseen combinations put the right way round, so that word frequency cancels; "
        "chance, and any model that backs off to shorter contexts, is 0.5",
        numbers.share,
        max,
    ),
    "c4": Column(
        "C4 coverage@100",
        "mean probability that the unseen word is said at least once in 100 draws, 1 − (1 − p)^100",
        numbers.share,
        max,
    ),
    "c4_headline": Column(
        HEADLINE,
        "the probability of saying the pair of the headline at least once in 100 draws, though it never occurs in "
        "train; to be read with perplexity and C3, since a flat model also says anything",
        numbers.share,
        max,
    ),
    "c5_held": Column(
        "C5 unseen",
        "mean of log2 p(model) / p(true) at unseen pairs, in bits; 0 is the truth",
        numbers.gain,
        lambda values: min(values, key=abs),
    ),
    "c5_seen": Column(
        "C5 seen", "the same at matched pairs that do occur in train", numbers.gain, lambda values: min(values, key=abs)
    ),
    "c5_gap": Column(
        "C5 gap",
        "C5 unseen − C5 seen: what having never been seen costs, in bits",
        numbers.gain,
        lambda values: min(values, key=abs),
    ),
    **{
        f"ppl_unseen_{n}": Column(
            f"unseen {n}-grams",
            f"perplexity over test tokens that end a {n}-gram never seen in train",
            numbers.perplexity,
            min,
        )
        for n in (2, 3, 4, 5)
    },
}

MAIN = (
    "bits_per_token", "bits_per_char", "ppl_no_unk", "ppl_no_literal_unk", "ppl_no_eos", "impossible",
    "c4_headline", "c3_crossed",
)  # fmt: skip
LEVELS = (
    "c0", "c1_share", "c1_bits", "c2_at_1", "c2_at_5", "c2_at_10", "c2_at_50", "c2_mrr", "c3_matched", "c3_crossed",
    "c4", "c5_held", "c5_seen", "c5_gap",
)  # fmt: skip
UNSEEN = ("ppl_unseen_2", "ppl_unseen_3", "ppl_unseen_4", "ppl_unseen_5")
TIMINGS = (
    "fit_seconds",
    "fit_cpu_seconds",
    "score_seconds",
    "score_tokens_per_second",
    "latency_ms",
    "latency_95_ms",
    "peak_mb",
)


def column(name: str, facts: Facts) -> Column:
    """The column of a metric; further test sets and strata are named by the facts."""
    if name == "c4_headline" and facts.headline:
        a, b = facts.headline
        return Column(f"can say {escape(a)} {escape(b)} ({HEADLINE})", *_rest(COLUMNS[name]))
    if name in COLUMNS:
        return COLUMNS[name]
    base, _, stratum = name.rpartition("_")
    if base in ("c3_crossed", "c4"):
        items = facts.crossed if base == "c3_crossed" else facts.probes
        count = facts.strata(items).get(stratum, 0)
        return Column(f"{COLUMNS[base].title} {escape(stratum)} (n = {count})", *_rest(COLUMNS[base]))
    text = escape(name.removeprefix("ppl_"))
    return Column(f"perplexity on {text}", f"perplexity on the further test set {text}", numbers.perplexity, min)


def _rest(known: Column) -> tuple[str, Show, Callable[[Iterable[float]], float] | None]:
    return known.says, known.show, known.best


def present(facts: Facts, names: Iterable[str]) -> list[str]:
    """The metrics of these that at least one row has."""
    return [name for name in names if any(row.mean(name) is not None for row in facts.scored)]


def strata_metrics(facts: Facts) -> list[str]:
    """C3 and C4 by stratum, in the order near, far, hard."""
    return present(
        facts,
        [f"c3_crossed_{s}" for s in facts.strata(facts.crossed)] + [f"c4_{s}" for s in facts.strata(facts.probes)],
    )


def main(facts: Facts, comparison: Comparison) -> pd.DataFrame:
    """A row a line, lowest perplexity first; what failed or is missing last."""
    absent = [row for row in facts.rows if not row.results]
    metrics = [name for name in _metrics(facts.scored) if name != "ppl"]
    return frame(_main_record(row, metrics, comparison) for row in [*facts.scored, *absent])


def _metrics(rows: Sequence[Row]) -> list[str]:
    """The metrics that rows have; those of strata have a table of their own."""
    strata = {name for row in rows for names in row.strata.values() for name in names}
    own = {f"{what}_{name}" for name in strata for what in ("share", "ppl", "agreement")}
    return sorted({name for row in rows for result in row.results for name in result.metrics} - own)


def _main_record(row: Row, metrics: list[str], comparison: Comparison) -> Record:
    low, high = comparison.perplexity(row) if row.results else (math.nan, math.nan)
    values, to_best = row.values("ppl"), comparison.to_best(row) if row.results else None
    return {
        "row": row.name, "kind": row.kind, "family": row.family, "group": row.group, "status": row.status,
        "track": row.first.track if row.results else None,
        "normalised": row.first.normalised if row.results else None,
        "n_seeds": len(row.results),
        "ppl": row.mean("ppl"), "ppl_low": low, "ppl_high": high,
        "ppl_seed_min": min(values, default=None), "ppl_seed_max": max(values, default=None),
        "above_best_bits": to_best.bits if to_best else None,
        "above_best_low": to_best.low if to_best else None,
        "above_best_high": to_best.high if to_best else None,
        "tie_with_best": to_best.tie if to_best else None,
        **{name: row.mean(name) for name in metrics},
    }  # fmt: skip


def seeds(facts: Facts) -> pd.DataFrame:
    """A row and seed a line, with every metric."""
    metrics = _metrics(facts.rows)
    return frame(
        {
            "row": row.name,
            "seed": result.seed,
            "error": result.error,
            **{name: result.metrics.get(name) for name in metrics},
        }
        for row in facts.rows
        for result in [*row.results, *row.failed]
    )


def coverage(facts: Facts, comparison: Comparison) -> pd.DataFrame:
    """C0 to C5 a row, with strata and intervals."""
    names = present(facts, LEVELS) + strata_metrics(facts)
    records = []
    for row in facts.scored:
        if row.mean("c4") is None and row.mean("c3_crossed") is None:
            continue
        c4, c3 = comparison.coverage(row), comparison.crossed(row)
        records.append(
            {"row": row.name, "ppl": row.mean("ppl")}
            | {name: row.mean(name) for name in names}
            | {"c4_low": c4[0], "c4_high": c4[1], "c3_crossed_low": c3[0], "c3_crossed_high": c3[1]}
        )
    return frame(records)


def story(facts: Facts) -> pd.DataFrame:
    """A row, seed and word of the story a line: log-probability in nats, probability, rank."""
    words = [(s, i, word) for s, sentence in enumerate(facts.story) for i, word in enumerate([*sentence, "</s>"])]
    records = []
    for row in facts.scored:
        for result in row.results:
            log_probs, ranks = result.arrays.get("story_log_probs"), result.arrays.get("story_ranks")
            if log_probs is None or ranks is None or len(log_probs) != len(words):
                continue
            for (sentence, position, word), value, place in zip(words, log_probs, ranks, strict=True):
                records.append(
                    {
                        "row": row.name,
                        "seed": result.seed,
                        "sentence": sentence,
                        "position": position,
                        "word": word,
                        "in_vocabulary": word not in facts.unknown_words,
                        "log_prob": float(value),
                        "probability": math.exp(value),  # numpy's exp differs in its last digit from version to version
                        "rank": float(place),
                        "surprise_bits": float(-value * BITS) + 0.0,
                    }
                )
    return frame(records)


def statistics(facts: Facts) -> pd.DataFrame:
    """The benchmark's table of splits."""
    return frame(facts.benchmark.get("statistics") or [])


def costs(facts: Facts) -> pd.DataFrame:
    """What a row takes in store: the same on every machine and every day."""
    return frame(
        {"row": row.name, "seed": r.seed, "n_params": r.n_params, "model_bytes": r.costs.get("model_bytes")}
        for row in facts.scored
        for r in row.results
    )


def timings(facts: Facts) -> pd.DataFrame:
    """What a row took to run: the only table that differs between two runs of the same thing."""
    return frame(
        {"row": row.name, "seed": result.seed, **{name: result.costs.get(name) for name in TIMINGS}}
        for row in facts.scored
        for result in row.results
    )


def frame(records: Iterable[Record]) -> pd.DataFrame:
    """Python's own numbers, untouched: no column of whole numbers turns into floats because a cell is empty."""
    made: pd.DataFrame = pd.DataFrame(list(records), dtype=object)
    return made


def csv(frame: pd.DataFrame) -> str:
    """The frame as CSV, floats by repr; text that a spreadsheet would run as a formula gets an apostrophe in front."""
    safe = pd.DataFrame({_cell(name): [_cell(value) for value in frame[name]] for name in frame.columns}, dtype=object)
    text: str = safe.to_csv(index=False, lineterminator="\n")
    return text


def _cell(value: object) -> object:
    if isinstance(value, str):
        return "'" + value if value.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else value
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value)).lower()
    return repr(float(value)) if isinstance(value, (float, np.floating)) else value
