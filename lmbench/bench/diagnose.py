"""Why gates matter: what is measured of a benchmark's fitted recurrent rows and of a task made for it, as facts.

Three parts, each a pair of files in facts/diagnosis: `memory` (the task, which no benchmark's text is part of, and
which is not done again while nothing it depends on has changed), `rows`, and `pace`, which alone varies run by run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lmbench import sources
from lmbench.bench import keys, store
from lmbench.bench.benchmark import Benchmark
from lmbench.bench.found import command_in
from lmbench.bench.pace import Grid, paces
from lmbench.bench.prepare import corpus_of
from lmbench.bench.results import DIAGNOSIS, SCHEMA, Result, benchmark_facts, file_stem, load_one, load_pair, save_pair
from lmbench.bench.runner import FACTS, MODELS, environment_of
from lmbench.bench.workers import in_order, warm_up
from lmbench.errors import BadConfig, BadModel
from lmbench.models.ngram import NGram
from lmbench.neural.diagnostics import fitted, long_lag
from lmbench.neural.diagnostics.cells import one_thread
from lmbench.neural.diagnostics.gradients import Reach, rate, spectral_radius
from lmbench.neural.diagnostics.long_lag import Task
from lmbench.neural.training import Neural
from lmbench.storage import kept, sha256
from lmbench.text.corpus import Corpus
from lmbench.text.files import normalise
from lmbench.text.sentences import Sentences

Line = dict[str, Any]

NETS: dict[str, tuple[str, bool]] = {
    "rnn": ("rnn", False),
    "lstm": ("lstm", False),
    "gru": ("gru", False),
    "lstm-lag": ("lstm", True),
    "gru-lag": ("gru", True),
}
"""Of the task: cell, and whether its gates are set for the lag."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How much is measured.

    lags:      of the task              shown: the lag whose networks' gradients are shown
    factors:   of the recurrent kernel, in the exploding case
    tokens:    of test that gates and histories are looked at
    histories: tokens kept, where test has more
    """

    task: Task = field(default_factory=Task)
    lags: tuple[int, ...] = (10, 25, 50, 100, 200, 500)
    shown: int = 100
    factors: tuple[float, ...] = (1.0, 1.5, 2.0, 4.0)
    strides: tuple[int, ...] = (5, 10, 20, 50, 100)
    tokens: int = 4000
    histories: tuple[int, ...] = (1, 2, 3, 5, 10, 20, 50, 100)
    grid: Grid = field(default_factory=Grid)


QUICK = Settings(
    task=Task(parameters=1500, updates=20, rows=16, asked=100),
    lags=(3, 8),
    shown=8,
    strides=(3, 8),
    tokens=400,
    grid=Grid(lengths=(3, 6), rows=(1, 4), least=1, seconds=0.0, counted=200),
)
"""Enough to see that everything works."""


@dataclass(frozen=True)
class Chosen:
    """Fitted rows that are diagnosed: the first recurrent one of each cell, the best n-gram if there is one.

    keys: of each, as its model was saved with
    """

    recurrent: dict[str, Neural]
    ngram: dict[str, NGram]
    keys: dict[str, str]


def diagnose(
    benchmark: Benchmark,
    folder: Path,
    *,
    sentences: Sequence[str],
    data: Path | None,
    settings: Settings,
    side_by_side: int,
) -> Iterator[str]:
    """Measure and store; says what it has found as it goes on."""
    chosen = choose_rows(benchmark, folder)
    facts = benchmark_facts(folder / FACTS)
    corpus = corpus_of(benchmark, data, folder.parent / ".cache", tuple(facts["corpus"]["extra_words"]))
    if facts["corpus"]["fingerprint"] != corpus.fingerprint:
        raise BadModel(
            f"the rows of {folder} were fitted on a text that {benchmark.name} no longer has, as its file or what it "
            f"names has changed; run them again with {command_in(benchmark, chosen.recurrent, folder)}"
        )
    place = folder / FACTS / DIAGNOSIS
    environment = environment_of(1)
    about = {"schema": SCHEMA, "fingerprint": corpus.fingerprint, "environment": environment, "keys": chosen.keys}
    with one_thread():
        told = list(facts["story"]["sentences"][-1:])
        told += [
            words for words in corpus.cutter.tokenize([normalise(line) for line in sentences]) if words not in told
        ]
        yield f"{', '.join(chosen.recurrent)}: gradients, history and gates"
        found, arrays = _rows(chosen, corpus, told, settings)
        save_pair(place / "rows", {**about, **found}, arrays)
        yield from _memory(place / "memory", settings, side_by_side, environment)
        lines = []
        for name, model in {**chosen.recurrent, **chosen.ngram}.items():
            yield f"{name}: tokens a second against length"
            lines += [asdict(pace) for pace in paces(name, model, corpus.train, settings.grid)]
        save_pair(place / "pace", {**about, "lines": lines}, {})


def choose_rows(benchmark: Benchmark, folder: Path) -> Chosen:
    """The rows to look at; an error that says what to run where no recurrent one is fitted."""
    recurrent: dict[str, dict[str, Neural]] = {}
    ngrams: list[tuple[float, str]] = []
    planned = benchmark_facts(folder / FACTS)["deciding"] if (folder / FACTS).is_dir() else {"text": {}, "rows": {}}
    known = {row.name: keys.planned_key(planned, row.name) for row in benchmark.rows}
    for row in benchmark.rows:
        stems = (file_stem(row.name, 0), file_stem(row.name, None))
        stem = next((stem for stem in stems if _is_there(folder, stem, known[row.name])), None)
        if stem is None:
            continue
        if row.kind == "recurrent":
            cell = str(row.settings.get("cell", "lstm"))
            if cell not in recurrent:
                model = store.load(folder / MODELS / stem)
                assert isinstance(model, Neural)
                recurrent[cell] = {row.name: model}
        elif row.kind == "ngram":
            result = load_one(folder / FACTS / f"{stem}.json")
            ngrams.append((_valid(result), row.name))
    if not recurrent:
        name = benchmark.name
        able = [row.name for row in benchmark.rows if row.kind == "recurrent"]
        if not able:
            raise BadConfig(f"benchmark {name} has no row of kind 'recurrent', so there are no gates to diagnose")
        raise BadConfig(
            f"no recurrent row of {name} has been fitted in {folder}; "
            f"run `{command_in(benchmark, able[:3], folder)}` first"
        )
    best: dict[str, NGram] = {}
    for nats, name in sorted(ngrams)[:1]:
        model = store.load(folder / MODELS / file_stem(name, None))
        if isinstance(model, NGram) and np.isfinite(nats):
            best[name] = model
    order = {"rnn": 0, "lstm": 1, "gru": 2}
    rows = {name: model for cell in sorted(recurrent, key=order.__getitem__) for name, model in recurrent[cell].items()}
    return Chosen(rows, best, {name: key for name in (*rows, *best) if (key := known[name])})


def _is_there(folder: Path, stem: str, key: str | None) -> bool:
    """Whether the row was fitted under this key, and what it found is there."""
    if key is None or not (folder / FACTS / f"{stem}.json").is_file():
        return False
    return load_one(folder / FACTS / f"{stem}.json").key == key and store.intact(folder / MODELS / stem, key)


def _valid(result: Result) -> float:
    return result.metrics.get("valid_ppl", np.inf)


def _memory(stem: Path, settings: Settings, side_by_side: int, environment: dict[str, str]) -> Iterator[str]:
    """The task, unless its facts hold already."""
    wanted = {name: getattr(settings, name) for name in ("lags", "shown", "factors", "strides")}
    wanted |= {"task": asdict(settings.task), "nets": NETS, "code": sources.code(long_lag.__name__)}
    wanted |= {"libraries": sources.libraries(long_lag.__name__)}
    key = sha256(json.dumps(wanted, sort_keys=True).encode())
    known = kept(stem.with_suffix(".json"), load_pair)
    if known is not None and known[0].get("key") == key:
        yield "long-lag task: done already"
        return
    task = settings.task
    facts: dict[str, Any] = {
        "schema": SCHEMA,
        "key": key,
        "task": {**asdict(task), "chance": task.chance, "shown": settings.shown},
        "nets": [],
        "curve": [],
        "gradients": [],
        "exploding": [],
        "strides": [],
        "environment": environment,
    }
    for name, (cell, by_lag) in NETS.items():
        net = long_lag.memory(cell, task)
        facts["nets"].append(
            {
                "net": name,
                "cell": cell,
                "by_lag": by_lag,
                "units": net.units,
                "parameters": net.size,
                "radius": spectral_radius(net.layer),
            }
        )
    for line, curves in _practised(settings, side_by_side):
        facts["curve"].append(line)
        facts["gradients"] += curves
        yield "long-lag task: {net:8} lag {lag:3}  accuracy {accuracy:.3f} after {updates} updates".format(**line)
    for cell in ("rnn", "lstm", "gru"):
        net = long_lag.memory(cell, task)
        for factor in settings.factors:
            found = long_lag.gradients(net, task, settings.shown, factor)
            facts["exploding"] += _curves({"cell": cell, "factor": factor}, found)
            for lag in settings.strides:
                facts["strides"].append(
                    {"cell": cell, "factor": factor, **vars(long_lag.stride(cell, task, lag, factor))}
                )
    save_pair(stem, facts, {})


def _practised(settings: Settings, side_by_side: int) -> Iterator[tuple[Line, list[Line]]]:
    """Every network on every lag, in that order: its accuracy, and its gradients if this is the lag that is shown."""
    work = [(settings.task, name, lag, settings.shown) for name in NETS for lag in settings.lags]
    if side_by_side == 1:
        yield from map(_practise, work)
        return
    warm_up([__name__])
    yield from in_order(_practise, work, side_by_side)


def _practise(work: tuple[Task, str, int, int]) -> tuple[Line, list[Line]]:
    """One network on one lag. One thread, so that the bits do not hang on how many are at it side by side."""
    task, name, lag, shown = work
    cell, by_lag = NETS[name]
    curves: list[Line] = []
    with one_thread():
        net = long_lag.memory(cell, task, lag if by_lag else None)
        if lag == shown:
            curves += _curves({"net": name, "when": "start"}, long_lag.gradients(net, task, lag))
        updates = long_lag.train(net, task, lag)
        if lag == shown:
            curves += _curves({"net": name, "when": "trained"}, long_lag.gradients(net, task, lag))
        accuracy = long_lag.accuracy(net, task, lag)
    return {"net": name, "lag": lag, "accuracy": accuracy, "updates": updates}, curves


def _curves(about: Line, found: Reach) -> list[Line]:
    """A line for h and one for c, where there is a c."""
    lines = []
    for state, norms in (("h", found.hidden), ("c", found.cell)):
        if len(norms):
            slope = rate(norms)
            lines.append({**about, "state": state, "rate": None if np.isnan(slope) else slope, "norms": norms.tolist()})
    return lines


def _rows(
    chosen: Chosen, corpus: Corpus, told: Sequence[Sequence[str]], settings: Settings
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the fitted rows show on test and on the sentences told."""
    test = corpus.test
    facts: dict[str, Any] = {
        "rows": [],
        "sentences": [list(words) for words in told],
        "unknown": sorted({word for words in told for word in words if word not in corpus.vocab.ids}),
        "gradients": [],
        "saturation": [],
        "history": _histories(chosen, test, settings),
    }
    arrays = {}
    sentences = [Sentences.encode([words], corpus.vocab) for words in told]
    for at, (name, model) in enumerate(chosen.recurrent.items()):
        trained = fitted.at_hand(model)
        layers = fitted.stack_of(trained)
        facts["rows"].append(
            {
                "row": name,
                "cell": layers[0].cell,
                "units": layers[0].units,
                "layers": len(layers),
                "n_params": model.n_params(),
            }
        )
        for when, net in (("start", fitted.first_weights(model)), ("trained", trained)):
            reach, stretches = fitted.reach_on_text(net, test)
            facts["gradients"] += _curves({"row": name, "when": when, "stretches": stretches}, reach)
        facts["saturation"] += [
            {"row": name, **vars(line)} for line in fitted.saturation(trained, test, settings.tokens)
        ]
        for number, sentence in enumerate(sentences):
            for gate, values in fitted.trace(trained, sentence).items():
                arrays[f"gates_{at}_{number}_{gate}"] = values
    return facts, arrays


def _histories(chosen: Chosen, test: Sentences, settings: Settings) -> dict[str, Any]:
    """Mean nats of the first tokens of test by how much history is kept; history None is all of it."""
    parts = fitted.stretches(test, settings.tokens)
    sample = Sentences.of_rows(
        [test.tokens[a : a + n] for a, n in zip(parts.starts, parts.lengths, strict=True)], test.vocab
    )
    before = sample.positions + 1
    steps = [step for step in settings.histories if step < before.max()]
    lines = []
    for name, model in chosen.recurrent.items():
        full, trained = model.log_probs(sample), fitted.at_hand(model)
        for step in steps:
            at = np.flatnonzero(before > step)
            kept = full.copy()
            kept[at] = fitted.log_probs_after(trained, sample, at, step)
            lines.append({"row": name, "history": step, "nats": float(-kept.mean())})
        lines.append({"row": name, "history": None, "nats": float(-full.mean())})
    for name, ngram in chosen.ngram.items():
        for step in steps:
            kept = ngram.backoff_.up_to(step + 1).log_probs(sample)
            lines.append({"row": name, "history": step, "nats": float(-kept.mean())})
        lines.append({"row": name, "history": None, "nats": float(-ngram.log_probs(sample).mean())})
    cut = [{"history": step, "tokens": int((before > step).sum())} for step in steps]
    return {"tokens": sample.n_tokens, "longest": int(before.max()), "cut": cut, "lines": lines}
