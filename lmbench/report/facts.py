"""What a report is made from: the benchmark's description and, for each of its rows, the stored results."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from lmbench.bench.keys import listed, sorted_out
from lmbench.bench.results import Result, benchmark_facts, load, load_diagnosis, load_generated, load_sentences
from lmbench.errors import BadConfig, BadModel, LMBenchError
from lmbench.measures.perplexity import Floats
from lmbench.measures.uncertainty import STREAM_BLOCK, Ints, blocks
from lmbench.wording import counted

SHARE = re.compile(r"share_(\w+)_(\d+)(\S*)")
"""The metric that says how much of test is in a stratum: share_<way>_<from>-<to>."""
RANKED, ADAPTIVE, SCORE, REFERENCE, ABSENT = "ranked", "adaptive", "score", "reference", "absent"


@dataclass(frozen=True)
class Row:
    """One row of a benchmark and its results, one a seed.

    results: those that have metrics, by seed; the first is the one intervals over sentences are made from
    failed:  those that have an error instead
    parts:   results under which it was trained without a group of words
    absent:  seeds that the last run asked for or other rows have, and this one lacks
    stale:   results of another key, which are compared with nothing, each with what differs
    of, train_lines: the row of the benchmark's file that it is, trained on so many sentences from train's beginning
    trial:   the fields that it tries for that row, by valid alone
    """

    name: str
    kind: str
    family: str
    results: tuple[Result, ...] = ()
    failed: tuple[Result, ...] = ()
    absent: tuple[int, ...] = ()
    stale: tuple[tuple[Result, tuple[str, ...]], ...] = ()
    parts: tuple[Result, ...] = ()
    of: str | None = None
    train_lines: int | None = None
    trial: Mapping[str, Any] | None = None

    @property
    def group(self) -> str:
        """What the row is ranked with: nothing, the references, its own track, or the other rows."""
        if not self.results:
            return ABSENT
        if self.family == REFERENCE:
            return REFERENCE
        if not self.first.normalised:
            return SCORE
        return ADAPTIVE if self.first.track == "adaptive" else RANKED

    @property
    def sources(self) -> tuple[str, ...]:
        """What it has learnt from beside train."""
        return self.first.sources if self.results else ()

    @property
    def strata(self) -> dict[str, list[str]]:
        """Way to sort tokens -> the strata that the row was measured on, as its metrics name them, by rising bound."""
        found: dict[str, list[re.Match[str]]] = {}
        for name in self.first.metrics if self.results else ():
            if match := SHARE.fullmatch(name):
                found.setdefault(match[1], []).append(match)
        return {
            way: [match[0].removeprefix("share_") for match in sorted(matches, key=lambda match: int(match[2]))]
            for way, matches in found.items()
        }

    @property
    def first(self) -> Result:
        return self.results[0]

    @property
    def status(self) -> str:
        """'ok', 'missing' or 'failed: reason', with what is known to be wrong with a part of the seeds."""
        if self.results:
            return "ok"
        if self.failed:
            return f"failed: {self.failed[0].error}"
        if self.stale:
            return f"stale ({listed(self.stale[0][1], 2)}); run it again"
        return "missing"

    def values(self, metric: str) -> list[float]:
        """One number a seed; empty where the metric does not apply."""
        numbers = [result.metrics.get(metric, math.nan) for result in self.results]
        return [] if any(math.isnan(number) for number in numbers) else numbers

    def mean(self, metric: str) -> float | None:
        """The mean over seeds; None where the metric does not apply."""
        return average(self.values(metric))

    def cost(self, name: str) -> float | None:
        """The mean over seeds of a cost; None where it was not measured."""
        numbers = [result.costs[name] for result in self.results if name in result.costs]
        return average([number for number in numbers if not math.isnan(number)])

    def array(self, name: str) -> Floats | None:
        """An array of the results averaged over seeds; None where a seed lacks it or the shapes differ."""
        arrays = [np.asarray(result.arrays[name], np.float64) for result in self.results if name in result.arrays]
        if not arrays or len(arrays) < len(self.results) or len({a.shape for a in arrays}) > 1:
            return None
        return arrays[0] if len(arrays) == 1 else np.mean(arrays, axis=0)


@dataclass(frozen=True)
class Facts:
    """A folder's facts.

    benchmark: facts/benchmark.json as it is
    rows:      in the benchmark's order; where they were trained on several sizes of train, those of the largest
    smaller:   those of the smaller sizes, which only learning curves are about
    trials:    settings that were tried, which only the search is about
    diagnosis: part (memory, rows, pace) -> what `diagnose` found, facts and arrays; a part may be missing,
               or left out because it is of another text
    generated: row (or '%test') -> what was found of the text it said
    siblings:  facts of the benchmarks it is to be compared with, by name; where they cannot be read, the reason
    seeds:     that the last run asked for or a row has results of
    units:     of a benchmark in several units, the facts of each and what they say of test's sentences
    """

    benchmark: Mapping[str, Any]
    rows: tuple[Row, ...]
    diagnosis: Mapping[str, tuple[dict[str, Any], dict[str, Any]]] = field(default_factory=dict)
    generated: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    siblings: Mapping[str, Facts | str] = field(default_factory=dict)
    smaller: tuple[Row, ...] = ()
    trials: tuple[Row, ...] = ()
    seeds: tuple[int, ...] = ()
    units: Mapping[str, tuple[Facts, dict[str, Any]]] = field(default_factory=dict)

    def grouped(self, *groups: str) -> list[Row]:
        """Rows of these groups, lowest perplexity first (file order among equals, rows without one last)."""
        rows = [row for row in self.rows if row.group in groups]
        return sorted(rows, key=lambda row: value if (value := row.mean("ppl")) is not None else math.inf)

    @cached_property
    def scored(self) -> list[Row]:
        """Rows that have results: the ranked ones, adaptive ones, scores, references."""
        return [row for group in (RANKED, ADAPTIVE, SCORE, REFERENCE) for row in self.grouped(group)]

    @cached_property
    def leaders(self) -> list[Row]:
        """The ranked row of the lowest finite perplexity of each family, then the floor if there is one."""
        best: dict[str, Row] = {}
        for row in self.grouped(RANKED):
            if math.isfinite(row.mean("ppl") or math.inf):
                best.setdefault(row.family, row)
        return [*best.values(), *([self.floor] if self.floor else [])]

    @cached_property
    def floor(self) -> Row | None:
        """The reference row that has a perplexity."""
        return next((row for row in self.grouped(REFERENCE) if row.mean("ppl") is not None), None)

    @cached_property
    def truth(self) -> Row | None:
        """The reference row that has coverage."""
        return next((row for row in self.grouped(REFERENCE) if row.mean("c4") is not None), None)

    @property
    def corpus(self) -> Mapping[str, Any]:
        return self._mapping("corpus")

    @property
    def stream(self) -> bool:
        return bool(self.corpus.get("unit") == "stream")

    @cached_property
    def documents(self) -> Ints | None:
        """int64 (S,): the number of each test sentence's document; None where documents are not known."""
        numbers = str(self.corpus.get("test_documents") or "")
        return np.array(numbers.split(), np.int64) if numbers else None

    def clusters(self, sentences: int) -> Ints | None:
        """int64 (S,): what each of so many test sentences is drawn with; None where it is drawn alone."""
        documents = self.documents
        if documents is None:
            return blocks(sentences, STREAM_BLOCK) if self.stream else None
        if sentences and len(documents) != sentences:
            raise BadModel(
                f"the facts name the documents of {len(documents)} sentences of test and rows were scored on "
                f"{sentences}: one is of an earlier text; run the benchmark again"
            )
        return documents[:sentences]

    @property
    def quick(self) -> bool:
        return bool(self.benchmark.get("quick", False))

    @property
    def title(self) -> str:
        """The benchmark's title, with what makes its vocabulary unlike others' said in it."""
        title = str(self.benchmark.get("title") or self.benchmark.get("benchmark", "benchmark"))
        n = len(self.extra_words)
        return f"{title} (with {counted(n, 'extra word')} in the vocabulary)" if n else title

    @property
    def extra_words(self) -> list[str]:
        """Events that train lacks."""
        return [str(word) for word in self.corpus.get("extra_words") or []]

    @property
    def blanks(self) -> Mapping[str, Any]:
        """What was found of blanks, nothing where none were asked for."""
        return self._mapping("blanks")

    @property
    def audit(self) -> Mapping[str, Any]:
        """What the audit found; nothing where the facts are older than it."""
        return self._mapping("audit")

    @property
    def unseen(self) -> Mapping[str, Any]:
        """Which words rows were trained without, nothing where there are none."""
        return self._mapping("unseen")

    @property
    def extra_sets(self) -> list[str]:
        return [str(name) for name in self.corpus.get("extra") or []]

    @cached_property
    def probes(self) -> list[dict[str, Any]]:
        return list(self._mapping("probes").get("probes") or [])

    @cached_property
    def crossed(self) -> list[dict[str, Any]]:
        return list(self._mapping("probes").get("crossed") or [])

    @property
    def story(self) -> list[list[str]]:
        """The sentences shown word by word, without their </s>."""
        return [[str(word) for word in sentence] for sentence in self._mapping("story").get("sentences") or []]

    @property
    def unknown_words(self) -> frozenset[str]:
        """Words of the story that are not in the vocabulary: their p is that of <unk>."""
        return frozenset(map(str, self._mapping("story").get("unknown") or []))

    @property
    def headline(self) -> tuple[str, str] | None:
        """The pair the main table asks about, as it reads in a sentence: ('무지', '배가')."""
        pair = self.benchmark.get("headline")
        if not pair:
            return None
        targets = {str(probe["target"]) for probe in self.probes if list(probe["cell"]) == list(pair)}
        return str(pair[0]), targets.pop() if len(targets) == 1 else str(pair[1])

    def sparsity(self, table: str) -> list[dict[str, Any]]:
        """A table of the laboratory (unseen, growth, counts, longest or units), empty where it was not measured."""
        found = self.benchmark.get("sparsity") if table == "unseen" else self._mapping("laboratory").get(table)
        return list(found or [])

    def diagnosed(self, part: str) -> dict[str, Any]:
        """The facts of a part of the diagnosis, empty where it was not made."""
        return self.diagnosis[part][0] if part in self.diagnosis else {}

    def strata(self, items: Sequence[Mapping[str, Any]]) -> dict[str, int]:
        """Stratum -> how many of the probes are in it, in the order near, far, hard, then by name."""
        usual = {"near": 0, "far": 1, "hard": 2}
        names = [str(item["stratum"]) for item in items if item.get("held", True)]
        return {name: names.count(name) for name in sorted(set(names), key=lambda name: (usual.get(name, 3), name))}

    def _mapping(self, key: str) -> Mapping[str, Any]:
        value = self.benchmark.get(key)
        return value if isinstance(value, Mapping) else {}


def average(numbers: Sequence[float]) -> float | None:
    """The mean, None of nothing and of infinities that cancel; equal numbers keep their last digit."""
    if not numbers:
        return None
    mean = (
        numbers[0] if len(set(numbers)) == 1 else math.fsum(numbers) / len(numbers) if _addable(numbers) else math.nan
    )
    return None if math.isnan(mean) else mean


def _addable(numbers: Sequence[float]) -> bool:
    """Whether fsum can add them: it refuses infinities of both signs."""
    return not (math.inf in numbers and -math.inf in numbers)


def read(folder: Path) -> Facts:
    """The facts of folder/facts and of the folders beside it that it is to be compared with, where they have some."""
    facts = _own(folder)
    siblings: dict[str, Facts | str] = {}
    for name in map(str, facts.benchmark.get("compare") or []):
        beside = folder.resolve().parent / Path(name).name
        if (beside / "facts" / "benchmark.json").is_file():
            try:
                siblings[name] = _own(beside)
            except LMBenchError as error:  # what is wrong with another report does not cost this one
                siblings[name] = str(error)
    within = [Path(str(name)).name for name in facts.benchmark.get("units") or []]
    units = {name: (_own(folder / name), load_sentences(folder / name / "facts")) for name in within}
    return replace(facts, siblings=siblings, units=units)


def _own(folder: Path) -> Facts:
    """The facts of folder/facts, rows from the benchmark's own list: results of rows that left it are ignored."""
    path = folder / "facts" / "benchmark.json"
    try:
        benchmark = benchmark_facts(path.parent)
        rows_of_file = [
            Row(
                str(row["row"]), str(row["kind"]), str(row["family"]),
                of=row.get("of"), train_lines=row.get("train_lines"), trial=row.get("trial"),
            )
            for row in benchmark["rows"]
        ]  # fmt: skip
        planned = benchmark["deciding"] if rows_of_file else {"text": {}, "rows": {}}
    except (BadModel, KeyError, TypeError) as error:
        raise BadConfig(
            f"{path} cannot be read as a benchmark's facts ({error}): {folder} holds no run, or a damaged one; "
            "run the benchmark first"
        ) from error
    current, stale = sorted_out(planned, load(path.parent))
    asked = {int(seed) for seed in benchmark.get("seeds") or []}
    seeds = sorted(asked | {result.seed for result in current if result.seed is not None})
    found = [_row(row, current, stale, seeds) for row in rows_of_file]
    largest = max((row.train_lines for row in found if row.train_lines is not None), default=None)
    trials = tuple(row for row in found if row.trial is not None)
    smaller = tuple(row for row in found if row.train_lines not in (None, largest))
    rows = tuple(row for row in found if row not in trials and row not in smaller)
    text = (benchmark.get("corpus") or {}).get("fingerprint")
    keys = {row.name: row.first.key for row in found if row.results}
    diagnosis = {
        part: found
        for part, found in load_diagnosis(path.parent).items()
        if found[0].get("fingerprint", text) == text and found[0].get("keys", {}).items() <= keys.items()
    }
    generated = {
        name: said for name, said in load_generated(path.parent).items() if said["fitted"] in ("", keys.get(name))
    }
    return Facts(benchmark, rows, diagnosis, generated, smaller=smaller, trials=trials, seeds=tuple(seeds))


def _row(
    row: Row, current: Sequence[Result], stale: Sequence[tuple[Result, tuple[str, ...]]], seeds: Sequence[int]
) -> Row:
    """The row with those of its results that belong to this benchmark as it is now, and those that do not."""
    own = sorted((result for result in current if result.row == row.name), key=_by_seed)
    failed = tuple(result for result in own if result.error is not None)
    parts = tuple(result for result in own if result.error is None and result.without)
    whole = [result for result in own if not result.without]
    good = tuple(result for result in whole if result.error is None)
    asked = seeds[:1] if row.trial is not None else seeds
    seeded = any(result.seed is not None for result in whole)
    absent = tuple(seed for seed in asked if seed not in {result.seed for result in whole}) if seeded else ()
    others = tuple(sorted((other for other in stale if other[0].row == row.name), key=lambda other: _by_seed(other[0])))
    return replace(row, results=good, failed=failed, absent=absent, stale=others, parts=parts)


def _by_seed(result: Result) -> tuple[int, int]:
    return result.without, -1 if result.seed is None else result.seed
