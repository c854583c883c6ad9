"""Which differences are real: every row of a ranked table against the best of it, tested as one family."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd

from lmbench.measures.permutation import FLIPS
from lmbench.measures.uncertainty import FEW, STREAM_BLOCK, Difference
from lmbench.report import markdown, numbers, tables
from lmbench.report.compare import Comparison
from lmbench.report.facts import ADAPTIVE, RANKED, Facts, Row
from lmbench.report.markdown import bold, bullets, code, escape, listed, number

SEEDS = 3
"""Seeds that a row with randomness has at least where its numbers are to be cited."""


def pairs(facts: Facts, comparison: Comparison) -> Iterator[tuple[Row, Row, Difference]]:
    """Each row, the best of its table, and bits per token above it; rows with a perplexity, lowest first."""
    for group in (RANKED, ADAPTIVE):
        for row in facts.grouped(group):
            best, difference = comparison.best(row), comparison.to_best(row)
            if best is not None and difference is not None:
                yield row, best, difference


def table(facts: Facts, comparison: Comparison) -> pd.DataFrame:
    """A comparison a line; over_seeds_*: each seed of the row against the mean of the best row's."""
    records = []
    for row, best, difference in pairs(facts, comparison):
        low, high = _over_seeds(row, best)
        records.append(
            {
                "row": row.name, "against": best.name, "bits": difference.bits,
                "low": difference.low, "high": difference.high,
                "p": difference.p, "p_adjusted": difference.adjusted, "tie": difference.tie,
                "clusters": difference.clusters, "n_seeds": len(row.results),
                "over_seeds_low": low, "over_seeds_high": high,
            }
        )  # fmt: skip
    return tables.frame(records)


def section(facts: Facts, comparison: Comparison) -> str:
    """The comparisons in one table, how to read it, and which rows have too few seeds."""
    found = list(pairs(facts, comparison))
    if not found:
        return ""
    seeded = any(len(row.results) > 1 for row, _, _ in found)
    header = ["row", "against", "verdict", "bits per token [95 %]", "over seeds", "p", "adjusted p"]
    header = [title for title in header if seeded or title != "over seeds"]
    lines = [
        [
            escape(row.name),
            escape(best.name),
            verdict(difference),
            _bits(difference),
            *([numbers.span(*_over_seeds(row, best), "gain") or numbers.DASH] if seeded else []),
            number(numbers.share(difference.p)),
            number(numbers.share(difference.adjusted)),
        ]
        for row, best, difference in found
    ]
    few = few_seeds(facts)
    warning = f"Fewer than {SEEDS} seeds, so nothing is known of what another seed would change: {few}." if few else ""
    return markdown.section(
        "Which differences are real",
        _opening(facts, comparison),
        markdown.table(header, lines, left=3),
        warning,
        bullets(_says(facts, comparison, seeded)),
    )


def verdict(difference: Difference) -> str:
    """'real', 'tie', or a dash where nothing could be tested."""
    if difference.tie:
        return "≈ tie"
    return "real" if not math.isfinite(difference.bits) or not math.isnan(difference.p) else numbers.DASH


def drawn(facts: Facts) -> str:
    """What is drawn with replacement, and whose signs are flipped."""
    if facts.documents is not None:
        return "documents of test"
    return f"blocks of {STREAM_BLOCK} segments of test" if facts.stream else "sentences of test"


def few_seeds(facts: Facts) -> str:
    """The rows whose numbers hang on a seed and that have few, with how many they have; '' for none."""
    random = [row for row in facts.scored if any(result.seed is not None for result in row.results)]
    return listed([f"{code(row.name)} ({len(row.results)})" for row in random if len(row.results) < SEEDS])


def _over_seeds(row: Row, best: Row) -> tuple[float, float]:
    """Bits per token of the row's seeds, lowest and highest, above the best row's mean; NaN for one seed."""
    values, base = row.values("bits_per_token"), best.mean("bits_per_token")
    if len(values) < 2 or base is None or not all(map(math.isfinite, values)):
        return math.nan, math.nan
    return min(values) - base, max(values) - base


def _bits(difference: Difference) -> str:
    span = numbers.span(difference.low, difference.high, "gain") if math.isfinite(difference.bits) else ""
    return f"{numbers.gain(difference.bits)} {span}".strip()


def _opening(facts: Facts, comparison: Comparison) -> str:
    if comparison.clusters < 2:
        return "Test is one sentence or one document: whether a difference is more than chance cannot be tested."
    few = f" They are few: below {FEW} an interval is approximate." if comparison.clusters < FEW else ""
    return (
        f"Each row against the best row of its table, on the same {comparison.clusters:,} {drawn(facts)}.{few} "
        "A difference is real if its 95 % interval leaves out 0 and its adjusted p is below .05; all else is a tie."
    )


def _says(facts: Facts, comparison: Comparison, seeded: bool) -> Iterator[str]:
    unit = drawn(facts)
    every = comparison.clusters >= 2 and 2 ** (comparison.clusters - 1) <= FLIPS + 1
    patterns = "under all patterns of signs" if every else f"under {FLIPS:,} random patterns of signs (seed 0)"
    yield (
        f"{bold('bits per token')}: how many more the row needs, with the paired 95 % interval: a bootstrap over "
        f"{unit} in which both rows see the same draws."
    )
    if seeded:
        yield (
            f"{bold('over seeds')}: the same for the row's seeds, lowest and highest, against the mean of the best "
            "row. Intervals and p are of means over seeds and know nothing of seeds that were not run."
        )
    yield (
        f"{bold('p')}: how often the rows would lie so far apart, either way, if it were chance which of the two did "
        f"better on each of the {unit}: the signs of their differences are flipped, {patterns}."
    )
    yield (
        f"{bold('adjusted p')}: made up for all comparisons of a ranked table by Holm's steps, smallest p first. The "
        "best row was picked on this very test, so each step counts the pairs of all rows still in question, and not "
        "only those with the best. A row with an infinite perplexity is certainly worse; it needs no test and counts "
        "in none. Comparisons elsewhere in this report, of two rows neither of which is the best, stand alone: their "
        "ties are by interval and p, not adjusted."
    )
