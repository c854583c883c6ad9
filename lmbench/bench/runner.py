"""Run a benchmark: what is to be done, what is done already, facts as they come."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import lmbench
from lmbench import sources
from lmbench.bench import jobs, keys, lock, store
from lmbench.bench.audit import warnings
from lmbench.bench.benchmark import Benchmark, cut_down
from lmbench.bench.execute import Bench, Job, Progress
from lmbench.bench.found import command_in, source
from lmbench.bench.prepare import Prepared, prepare
from lmbench.bench.probes import content
from lmbench.bench.results import SCHEMA, SENTENCES, Result, benchmark_facts, dumps, file_stem, load_one, pack
from lmbench.bench.specs import Row
from lmbench.bench.units import sentences
from lmbench.errors import BadConfig, BadModel
from lmbench.model import LanguageModel
from lmbench.models import construct, family, kinds, model_class
from lmbench.storage import kept, read_json, read_sealed, sha256, write_json, write_sealed
from lmbench.text.probes import Probes, nameless
from lmbench.text.tokenizers import TOKENIZERS, Tokenizer
from lmbench.text.vocabulary import Vocabulary
from lmbench.threads import cores

FACTS, MODELS = "facts", "models"
REFERENCE = "reference"
"""The family of rows that are exact and learn nothing."""
LEARNT = "tokenizer.model"
"""Among the models: what the tokenizer has learnt from train, if it learns."""


@dataclass(frozen=True)
class Plan:
    """A benchmark made ready: what every row shares, and the jobs of the rows asked for. Nothing is written yet.

    done:     results of earlier runs that still hold
    warnings: what a reader of any number on this text must know
    facts:    facts/benchmark.json as it will be
    files:    what else is written before the first row: path -> content
    """

    benchmark: Benchmark
    folder: Path
    bench: Bench
    todo: tuple[Job, ...]
    done: tuple[Result, ...]
    side_by_side: int
    facts: Mapping[str, Any]
    files: Mapping[Path, bytes]
    warnings: tuple[str, ...] = ()

    def key(self, row: str, without: int = 0) -> str | None:
        """The key that a result of this row has, if the plan knows it."""
        return keys.planned_key(self.facts["deciding"], row, without)


def plan(
    benchmark: Benchmark,
    names: Sequence[str],
    *,
    out: Path,
    seeds: int = 1,
    quick: bool = False,
    data: Path | None = None,
    side_by_side: int | None = None,
    threads: int = 1,
    device: str = "auto",
    command: str = "",
) -> Plan:
    """Check every row, prepare the corpus, find what is done.

    Every row's fields are checked before any text is read, so a misspelt key costs no waiting.
    """
    if seeds < 1:
        raise BadConfig(f"--seeds {seeds}: at least one seed is needed")
    if quick:
        benchmark = cut_down(benchmark)
    _check(benchmark.select(names), f"{benchmark.file}: " if benchmark.file else "")
    if quick:
        benchmark = replace(benchmark, rows=tuple(_quick(row, benchmark.quick.epochs) for row in benchmark.rows))
    rows = benchmark.select(names)
    folder = out / benchmark.name
    jobs.warm_up(rows)
    texts = [row.settings["embedding_text"] for row in rows if row.settings.get("embedding_text") is not None]
    prepared = prepare(benchmark, data, out / ".cache", texts)
    side_by_side = side_by_side or max(1, cores() // threads)
    environment = environment_of(side_by_side, threads, [row.kind for row in rows])
    _check_sizes(rows, prepared)
    text = keys.of_text(prepared.corpus, prepared.yardstick)
    planned = keys.of_rows(
        benchmark.rows,
        {row.name: _files(row, prepared) for row in rows},
        text=text,
        groups=[part.fingerprint for part in prepared.parts],
        threads=threads,
        earlier=_earlier(folder),
    )
    everything = [job for group in range(len(prepared.parts) + 1) for job in _jobs(rows, seeds, text, planned, group)]
    bench = Bench(
        name=benchmark.name,
        train=prepared.corpus.train,
        valid=prepared.corpus.valid,
        yardstick=prepared.yardstick,
        models=folder / MODELS,
        facts=folder / FACTS,
        environment=environment,
        find=prepared.find,
        device=device,
        threads=threads,
        cache=out / ".cache",
        parts=prepared.parts,
        text=text,
        command=command,
    )
    done = [result for job in everything if (result := _finished(job, folder)) is not None]
    finished = {file_stem(result.row, result.seed, result.without) for result in done}
    packed = pack(sentences(prepared))
    files = {folder / FACTS / SENTENCES: packed}
    if prepared.corpus.cutter.state:
        files[folder / MODELS / LEARNT] = prepared.corpus.cutter.state
    facts = _facts(benchmark, seeds, quick, prepared, environment, command)
    facts |= {"deciding": {"text": text, "rows": planned}, "sentences_sha256": sha256(packed)}
    todo = tuple(job for job in everything if job.stem not in finished)
    warned = (*prepared.corpus.warnings, *warnings(prepared.facts["audit"]))
    return Plan(benchmark, folder, bench, todo, tuple(done), side_by_side, facts, files, warned)


def run(planned: Plan, row_limit: float | None = None) -> Iterator[Job | Progress | Result]:
    """Do what is to be done. A Result is on disk before it is yielded: what ends later costs only itself.

    row_limit: seconds after which a row is ended and has failed; None: none is
    """
    with lock.writing(planned.folder, planned.bench.command):
        for path, written in planned.files.items():
            write_sealed(path, written)
        write_json(planned.folder / FACTS / "benchmark.json", dumps(planned.facts))
        for event in jobs.run(planned.todo, planned.bench, planned.side_by_side, row_limit):
            if isinstance(event, Result):
                event.save(planned.folder / FACTS)
            yield event


def _check(rows: Sequence[Row], where: str = "") -> None:
    """Construct every row; components stand before the mixtures that name them.

    A row whose kind cannot be used, or that rests on one, is left to fail by itself.
    """
    models: dict[str, LanguageModel] = {}
    for row in rows:
        if not models.keys() >= set(row.components):
            continue
        settings = dict(row.settings)
        if row.components or "components" in {field.name for field in fields(model_class(row.kind))}:  # type: ignore[arg-type]
            settings["components"] = {part: models[part] for part in row.components}
        with suppress(BadModel):
            models[row.name] = construct(row.kind, settings, f"{where}row {row.name!r}")


def _quick(row: Row, epochs: int) -> Row:
    """The row with as many epochs as --quick allows, if it has epochs."""
    known = {field.name: field.default for field in fields(model_class(row.kind))}  # type: ignore[arg-type]
    asked = row.settings.get("epochs", known.get("epochs"))
    if not isinstance(asked, int):
        return row
    return replace(row, settings={**row.settings, "epochs": min(asked, epochs)})


def _check_sizes(rows: Sequence[Row], prepared: Prepared) -> None:
    """No row is to be trained on more sentences than there are."""
    there = int(prepared.corpus.statistics[0]["sentences"])
    for row in rows:
        if row.train_lines is not None and row.train_lines > there:
            raise BadConfig(
                f"row {row.name!r} asks for {row.train_lines} sentences of train, which has {there}; "
                "take that size out of [curve], or give a larger text"
            )


def _earlier(folder: Path) -> dict[str, keys.Deciding]:
    """What the last plan said of each row; where it cannot be read, what the results that are there say themselves."""
    place = folder / FACTS / "benchmark.json"
    if (planned := kept(place, read_json)) is not None:
        rows: dict[str, keys.Deciding] = planned.get("deciding", {}).get("rows", {})
        return rows
    found = [kept(path, load_one) for path in sorted(place.parent.glob("*.json")) if path != place]
    return {keys.stem(one.row, one.without): one.deciding.get("row", {}) for one in found if one is not None}


def _files(row: Row, prepared: Prepared) -> dict[str, str]:
    """Field -> SHA-256 of the file that it names."""
    named = {name: row.settings.get(name) for name in model_class(row.kind).files}
    return {name: content(prepared.find(file)) for name, file in named.items() if file is not None}


def _jobs(
    rows: Sequence[Row], seeds: int, text: keys.Deciding, planned: Mapping[str, keys.Deciding], without: int
) -> list[Job]:
    """A job a row and seed; a row without randomness has one, and a mixture has as many as its parts.

    without: the group of words that train lacks, or 0. A reference row learns from no train, so it lacks no words.
    """
    stems: dict[tuple[str, int], Job] = {}
    made: list[Job] = []
    for row in rows:
        if without and family(row.kind) == REFERENCE:
            continue
        random = "seed" in {field.name for field in fields(model_class(row.kind))}  # type: ignore[arg-type]
        random = random or any(stems[part, 0].seed is not None for part in row.components)
        own = planned[keys.stem(row.name, without)]
        for seed in range(seeds if random and row.trial is None else 1):
            parts = {part: stems.get((part, seed), stems[part, 0]) for part in row.components}
            tries = {name: stems[name, 0] for name in row.tries}
            job = Job(
                row,
                seed if random else None,
                keys.key_of(text, own),
                own,
                {name: part.stem for name, part in parts.items()},
                {name: part.key for name, part in (parts | tries).items()},
                without,
                tuple(part.stem for part in tries.values()),
            )
            stems[row.name, seed] = job
            made.append(job)
    return made


def environment_of(side_by_side: int, threads: int = 1, computing: Sequence[str] = ()) -> dict[str, str]:
    """What a reader must know to repeat the run, and to read its timings. computing: the kinds of its rows."""
    return {
        "lmbench": lmbench.__version__,
        **sources.libraries(keys.COMPUTING, *(kinds()[kind].module for kind in computing)),
        "machine": f"{platform.system()} {platform.machine()}",
        "cores": str(cores()),
        "jobs": str(side_by_side),
        "threads": str(threads),
    }


def _finished(job: Job, folder: Path) -> Result | None:
    """The stored result of this very job, if its model is there too; an older one is made again, a damaged one too."""
    path = folder / FACTS / f"{job.stem}.json"
    if not path.is_file() or not store.intact(folder / MODELS / job.stem, job.key):
        return None
    result = kept(path, load_one)
    return result if result is not None and result.key == job.key and result.error is None else None


def _facts(
    benchmark: Benchmark, seeds: int, quick: bool, prepared: Prepared, environment: dict[str, str], command: str
) -> dict[str, Any]:
    """facts/benchmark.json: what was compared, on what text."""
    corpus, probes = prepared.corpus, prepared.yardstick.probes
    return {
        "schema": SCHEMA,
        "benchmark": benchmark.name,
        "title": benchmark.title,
        "description": benchmark.description,
        "compare": list(benchmark.compare),
        "published": {row: asdict(figure) for row, figure in benchmark.published.items()},
        "quick": quick,
        "rows": [_listed(row) for row in benchmark.rows],
        "equal": {cost: asdict(spec) for cost, spec in benchmark.equal.items()},
        "seeds": list(range(seeds)),
        "headline": probes.headline,
        "corpus": {
            "tokenizer": corpus.tokenizer,
            "lossless": corpus.lossless,
            "unit": corpus.unit,
            "n_events": len(corpus.vocab),
            "fingerprint": corpus.fingerprint,
            "n_test_tokens": corpus.test.n_tokens,
            **{f"{split}_sha256": sha256("\n".join(corpus.lines[split]).encode()) for split in ("train", "test")},
            "warnings": corpus.warnings,
            "literal_unk": r"\<unk>" in corpus.vocab.events,
            "test_documents": "" if corpus.documents is None else " ".join(map(str, corpus.documents)),
            "extra": list(corpus.extra),
            "extra_words": corpus.extra_words,
        },
        "statistics": corpus.statistics,
        **prepared.facts,
        "story": {"sentences": probes.story.sentences, "unknown": _unknown(probes, corpus.vocab)},
        "probes": _probes(probes, shown=benchmark.probes is None or benchmark.probes.show > 0),
        "command": command,
        "source": source(benchmark),
        "environment": environment,
    }


def _unknown(probes: Probes, vocab: Vocabulary) -> list[str]:
    """Words of the story that are no events."""
    return sorted({word for sentence in probes.story.sentences for word in sentence if word not in vocab.ids})


def _listed(row: Row) -> dict[str, Any]:
    """What facts say of a row before it is run."""
    listed: dict[str, Any] = {"row": row.name, "kind": row.kind, "family": family(row.kind)}
    made = {"of": row.of, "train_lines": row.train_lines, "trial": row.trial}
    return listed | {name: value for name, value in made.items() if value is not None}


def tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer of the benchmark that was run in this folder, with what it has learnt."""
    facts = benchmark_facts(folder / FACTS)
    found = TOKENIZERS[facts["corpus"]["tokenizer"]]
    if found.learn is None:
        return found
    place, remedy = folder / MODELS / LEARNT, "run the benchmark again"
    try:
        return found.restored(read_sealed(place, remedy))
    except OSError as error:
        raise BadModel(f"what the tokenizer has learnt cannot be read ({error}); {remedy}") from error


def unit(folder: Path) -> str:
    """The unit of the benchmark that was run in this folder, by a name of corpus.UNITS."""
    facts = benchmark_facts(folder / FACTS)
    return str(facts["corpus"]["unit"])


def _probes(probes: Probes, shown: bool) -> dict[str, Any]:
    """The probes as facts; not shown, words are numbers and what was counted is left out."""
    probes = probes if shown else nameless(probes)
    return {
        "probes": [asdict(probe) for probe in probes.probes],
        "crossed": [asdict(item) for item in probes.crossed],
        "substitutions": [asdict(probe) for probe in probes.substitutions],
    }


def fitted(benchmark: Benchmark, row: str, folder: Path, seed: int = 0) -> Any:
    """The saved model of a row, if it is of the text and fields of the folder's last run.

    The seed does not matter to a row without randomness.
    """
    benchmark.row(row)
    planned = benchmark_facts(folder / FACTS)["deciding"] if folder.is_dir() else {}
    for stem in (file_stem(row, seed), file_stem(row, None)):
        if store.exists(folder / MODELS / stem):
            return store.load(folder / MODELS / stem, keys.planned_key(planned, row) or "")
    raise BadModel(
        f"row {row!r} of {benchmark.name} has not been fitted here (no {folder / MODELS / file_stem(row, seed)}); "
        f"run `{command_in(benchmark, [row], folder, *(['--seeds', str(seed + 1)] if seed else []))}` first"
    )
