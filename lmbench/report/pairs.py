"""Unseen pairs mined from a text: levels C0 to C4 by stratum with intervals, examples for the eye, probes by hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lmbench.measures.coverage import preference, would_say
from lmbench.measures.perplexity import Floats
from lmbench.report import markdown, numbers, tables
from lmbench.report.compare import Comparison
from lmbench.report.facts import Facts, Row
from lmbench.report.markdown import bold, escape, number, table
from lmbench.wording import agreeing, counted

ALL, SEEN = "all", "in train"
N_PROBES = 2 / 3
"""The share of the examples that are probes; the others are crossed probes."""
Arrays = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Level:
    """What is measured of each probe of a row under one seed, and how it is shown.

    name: of the column in tables.COLUMNS     probability: whether it needs the row to be a distribution
    """

    name: str
    of: Callable[[Arrays], Floats]
    show: Callable[[float | None], str]
    probability: bool = True


LEVELS = (
    Level("c0", lambda arrays: np.isfinite(arrays["probe_phrase_log_probs"]).astype(np.float64), numbers.share),
    Level("c1_share", lambda arrays: (arrays["probe_lift"] > 0).astype(np.float64), numbers.share),
    Level("c1_bits", lambda arrays: arrays["probe_lift"], numbers.gain),
    Level("c2_at_10", lambda arrays: (arrays["probe_ranks"] <= 10).astype(np.float64), numbers.share, False),
    Level("c2_mrr", lambda arrays: 1 / arrays["probe_ranks"], numbers.share, False),
    Level("c3_matched", lambda arrays: _matched(arrays), numbers.share, False),
    Level("c4", lambda arrays: would_say(arrays["probe_log_probs"]), numbers.share),
)


def _matched(arrays: Arrays) -> Floats:
    """C3 (i) where a probe has a distractor, NaN where it has none."""
    other = arrays["probe_distractor_log_probs"]
    return np.where(np.isnan(other), np.nan, preference(arrays["probe_log_probs"], other))


def section(facts: Facts, comparison: Comparison) -> str:
    """Nothing for a benchmark whose probes were not mined and that has none by hand."""
    mining = facts.benchmark.get("mining") or {}
    records = list(_records(facts, comparison)) if mining.get("found") else []
    parts = [_how(mining), *_strata(records), *_examples(facts, int(mining.get("show", 0))), _by_hand(facts)]
    return markdown.section("Pairs of words that train lacks", *parts) if any(parts[1:]) else ""


def frame(facts: Facts, comparison: Comparison) -> pd.DataFrame:
    """coverage_strata.csv: a row, stratum and level a line."""
    mining = facts.benchmark.get("mining") or {}
    return tables.frame(_records(facts, comparison) if mining.get("found") else [])


def _records(facts: Facts, comparison: Comparison) -> Iterator[dict[str, Any]]:
    strata = [ALL, *facts.strata(facts.probes), SEEN]
    held = np.array([bool(probe["held"]) for probe in facts.probes], bool)
    of = np.array([str(probe["stratum"]) for probe in facts.probes], str)
    words = [str(probe["cell"][0]) for probe in facts.probes]
    for row in facts.scored:
        levels = {level.name: values for level in LEVELS if (values := _mean(row, level, len(held))) is not None}
        for stratum in strata:
            mask = ~held if stratum == SEEN else held & ((of == stratum) | (stratum == ALL))
            for name, values in levels.items():
                chosen = np.flatnonzero(mask & ~np.isnan(values))
                if len(chosen):
                    ends = comparison.mean_of(values[chosen], [words[i] for i in chosen])
                    yield _record(row, stratum, name, len(chosen), float(values[chosen].mean()), ends)
            wins = comparison.crossed_wins(row)
            items = [i for i, item in enumerate(facts.crossed) if stratum in (ALL, item["stratum"])]
            if wins is not None and items:
                ends = comparison.crossed(row, None if stratum == ALL else stratum)
                yield _record(row, stratum, "c3_crossed", len(items), float(wins[items].mean()), ends)


def _mean(row: Row, level: Level, n: int) -> Floats | None:
    """float64 (P,): the mean over seeds of what is measured of each probe; None where the row has no such numbers."""
    usable = [r.arrays for r in row.results if len(r.arrays.get("probe_distractor_log_probs", ())) == n]
    if not n or not usable or len(usable) < len(row.results) or (level.probability and not row.first.normalised):
        return None
    found: Floats = np.mean([level.of(arrays) for arrays in usable], axis=0)
    return found


def _record(row: Row, stratum: str, level: str, n: int, value: float, ends: tuple[float, float]) -> dict[str, Any]:
    return {
        "row": row.name, "seeds": len(row.results), "stratum": stratum, "level": level, "n": n, "value": value,
        "low": ends[0], "high": ends[1],
    }  # fmt: skip


def _how(mining: Mapping[str, Any]) -> str:
    """How the probes were found."""
    found, settings, reserve = (mining.get(name) or {} for name in ("found", "settings", "reserve"))
    if not found:
        return ""
    lines, documents = counted(reserve["lines"], "line"), counted(reserve["documents"], "document")
    source, control = f"a reserve no row reads ({lines}, {documents}) has", ""
    if "control" in settings:
        went = int(found["sentences_removed"])
        source = f"the {counted(went, 'sentence')} taken out of train ({counted(settings['pairs'], 'pair')} of words) "
        source += agreeing(went, "has", "have")
        if settings["control"]:
            others = counted(reserve["lines"], "other")
            control = f" This is the control: train has these and lacks {others}, so the pairs are {bold(SEEN)}."
    frequent = f"{numbers.count(found['a'])} a and {numbers.count(found['b'])} b"
    often = f"{counted(settings['attested'], 'time')} in at least {counted(settings['documents'], 'document')}"
    text = (
        f"Pairs (a, b) of words that have a meaning of their own, each in "
        f"{counted(settings['min_count'], 'pair')} of train or more: {frequent}. A probe is a pair that train never "
        f"has, in no inflection, spelling or spacing that could be told, and that {source} at least {often}: "
        f"{counted(found['pairs'], 'pair')}.{control} Of the pairs of such words there, "
        f"{numbers.percent(found['unseen_share'])} never occur in train. What does not belong together is a pair that "
        f"never occurs in either though by chance it would have {settings['expected']:g} "
        f"{agreeing(settings['expected'], 'time', 'times')} or more: {counted(found['off_cells'], 'off-cell')}, of "
        f"which chance alone would leave {numbers.percent(found['false_zeros'])} empty. (Words come in bursts, so "
        "that is a little low; and what people never say is not therefore wrong.)"
    )
    strata = (
        "Strata: support is how much the words that train has before b are like a, by what else follows them. The "
        "third of the pairs that has most of it is **near**, the next **far**, the last **hard**: there analogy finds "
        "least to hold on to. A crossed probe is in the stratum of its less supported pair."
    )
    part = (
        "Train is a part of the text these probes were made for; those with a word it lacks are left out, and what is "
        "said of train here is of that text. "
        if mining.get("part")
        else ""
    )
    return f"{part}{text}\n\n{strata}"


def _strata(records: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A table a stratum."""
    if not records:
        return
    order = [*(level.name for level in LEVELS[:-1]), "c3_crossed", "c4"]
    shows = {level.name: level.show for level in LEVELS} | {"c3_crossed": numbers.share}
    for stratum in dict.fromkeys(str(record["stratum"]) for record in records):
        own = [record for record in records if record["stratum"] == stratum]
        n = {record["level"]: record["n"] for record in own}
        names = [name for name in order if name in n]
        lines = []
        for row in dict.fromkeys(record["row"] for record in own):
            cells = {record["level"]: record for record in own if record["row"] == row}
            lines.append([escape(row), *(_cell(cells.get(name), shows[name]) for name in names)])
        counted = ", ".join(
            f"{n[name]} {what}"
            for name, what in (("c4", "probes"), ("c3_matched", "of them with a distractor"), ("c3_crossed", "crossed"))
            if name in n
        )
        yield f"{bold(escape(stratum))}: n = {counted}."
        yield table(["row", *(tables.COLUMNS[name].title for name in names)], lines)
    yield (
        "Means over seeds; in brackets 95 % intervals, a bootstrap over the first words of the pairs (of crossed "
        "probes, over both). None is shown where every value is the same."
    )


def _cell(record: Mapping[str, Any] | None, show: Callable[[float | None], str]) -> str:
    if record is None:
        return numbers.DASH
    kind = "gain" if show is numbers.gain else "share"
    known = not math.isnan(record["low"])
    span = numbers.span(record["low"], record["high"], kind) if known else ""
    return f"{number(show(record['value']))} {number(span)}".strip()


def _examples(facts: Facts, show: int) -> Iterator[str]:
    """The first probes, whose order is random, and crossed probes from all through their list."""
    probes = facts.probes[: round(show * N_PROBES)]
    if not probes:
        return
    yield "Probes for the eye, as they come (E: how often the pair that never occurs would have by chance):"
    yield table(
        ["context", "unseen word", "times in the reserve", "in documents", "stratum", "distractor", "E"],
        [
            [
                escape(" ".join(probe["context"])),
                escape(probe["target"]),
                numbers.count(probe.get("attested")),
                numbers.count(probe.get("documents")),
                escape(probe["stratum"]),
                escape(probe["distractor"] or numbers.DASH),
                _tenths(probe.get("distractor_expected")),
            ]
            for probe in probes
        ],
        left=2,
    )
    most = max(show - len(probes), 1)
    crossed = facts.crossed[:: max(1, len(facts.crossed) // most)][:most]
    if crossed:
        yield "Crossed probes, of which the first two belong together and neither of the others does:"
        lines = [[_pair(item, a, b) for a, b in _CORNERS] for item in crossed]
        lines = [
            [*line, escape(item["stratum"]), _tenths(item.get("expected"))]
            for line, item in zip(lines, crossed, strict=True)
        ]
        yield table(["a1 b1", "a2 b2", "a1 b2", "a2 b1", "stratum", "E"], lines, left=4)


_CORNERS = (("a1", "b1"), ("a2", "b2"), ("a1", "b2"), ("a2", "b1"))


def _pair(item: Mapping[str, Any], a: str, b: str) -> str:
    return escape(" ".join((item[a], *item.get("between", ()), item[b])))


def _tenths(value: float | None) -> str:
    return numbers.DASH if value is None else f"{value:.1f}"


def _by_hand(facts: Facts) -> str:
    """Probability and rank of the first token of each substitution, row by row; no average."""
    probes = (facts.benchmark.get("probes") or {}).get("substitutions") or []
    rows = [row for row in facts.scored if len(row.first.arrays.get("substitution_log_probs", ())) == len(probes)]
    rows = [row for row in rows if row.first.normalised]
    if not probes or not rows:
        return ""
    lines = []
    for i, probe in enumerate(probes):
        cells = [
            f"{numbers.probability(float(np.exp(row.first.arrays['substitution_log_probs'][i])))} "
            f"({numbers.rank(float(row.first.arrays['substitution_ranks'][i]))})"
            for row in rows
        ]
        seen = "no" if probe["held"] else "yes"
        lines.append([escape(probe["cell"][0]), escape(probe["cell"][1]), seen, *map(number, cells)])
    says = (
        "Written by hand: nothing in the text vouches for these, so they are shown one by one and enter no average. "
        "Probability and, in brackets, rank of the first token of the phrase (first seed)."
    )
    header = ["context", "phrase", "pair in train", *(escape(row.name) for row in rows)]
    return f"{says}\n\n{table(header, lines, left=2)}"
