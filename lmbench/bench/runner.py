"""Run a benchmark: what is to be done, what is done already, facts as they come."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import lmbench
from lmbench.bench import jobs, store
from lmbench.bench.audit import warnings
from lmbench.bench.benchmark import Benchmark, cut_down
from lmbench.bench.execute import Bench, Job, Progress
from lmbench.bench.prepare import Prepared, prepare
from lmbench.bench.probes import content
from lmbench.bench.results import SCHEMA, SENTENCES, Result, dumps, file_stem, load_one, pack
from lmbench.bench.specs import Row
from lmbench.bench.units import sentences
from lmbench.errors import BadConfig, BadModel
from lmbench.model import LanguageModel
from lmbench.models import construct, family, model_class, source
from lmbench.storage import atomic_write, sha256
from lmbench.text.probes import Probes, nameless
from lmbench.text.tokenizers import TOKENIZERS, Tokenizer
from lmbench.threads import cores

FACTS, MODELS = "facts", "models"
REFERENCE = "reference"
"""The family of rows that are exact and learn nothing."""
LEARNT = "tokenizer.model"
"""Among the models: what the tokenizer has learnt from train, if it learns."""
_DECIDING = ("text", "ngrams", "neural", "models", "measures", "model.py", "bench/evaluate.py", "bench/execute.py")
_LOOKING_ON = "neural/diagnostics"
"""In a room that decides numbers, but only looks at rows that are fitted."""


@dataclass(frozen=True)
class Plan:
    """A benchmark made ready: what every row shares, and the jobs of the rows asked for.

    done:     results of earlier runs that still hold
    warnings: what a reader of any number on this text must know
    """

    benchmark: Benchmark
    folder: Path
    bench: Bench
    todo: tuple[Job, ...]
    done: tuple[Result, ...]
    side_by_side: int
    warnings: tuple[str, ...] = ()


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
    """Check every row, prepare the corpus, find what is done, write facts/benchmark.json.

    Every row's fields are checked before any text is read, so a misspelt key costs no waiting.
    """
    if seeds < 1:
        raise BadConfig(f"--seeds {seeds}: at least one seed is needed")
    if quick:
        benchmark = cut_down(benchmark)
    wanted = benchmark.select(names)
    _check(wanted, f"{benchmark.file}: " if benchmark.file else "")
    rows = [_quick(row, benchmark.quick.epochs) if quick else row for row in wanted]
    folder = out / benchmark.name
    jobs.warm_up(rows)
    texts = [row.settings["embedding_text"] for row in rows if row.settings.get("embedding_text") is not None]
    prepared = prepare(benchmark, data, out / ".cache", texts)
    side_by_side = side_by_side or max(1, cores() // threads)
    environment = environment_of(side_by_side, threads)
    _check_sizes(rows, prepared)
    everything = [
        job for group in range(len(prepared.parts) + 1) for job in _jobs(rows, seeds, threads, prepared, group)
    ]
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
    )
    done = [result for job in everything if (result := _finished(job, folder)) is not None]
    finished = {file_stem(result.row, result.seed, result.without) for result in done}
    facts = _facts(benchmark, seeds, quick, prepared, environment, command)
    atomic_write(folder / FACTS / SENTENCES, pack(sentences(prepared)))
    if prepared.corpus.cutter.state:
        atomic_write(folder / MODELS / LEARNT, prepared.corpus.cutter.state)
    atomic_write(folder / FACTS / "benchmark.json", dumps(facts))
    todo = tuple(job for job in everything if job.stem not in finished)
    warned = (*prepared.corpus.warnings, *warnings(prepared.facts["audit"]))
    return Plan(benchmark, folder, bench, todo, tuple(done), side_by_side, warned)


def run(planned: Plan) -> Iterator[Job | Progress | Result]:
    """Do what is to be done. A Result is on disk before it is yielded: what ends later costs only itself."""
    for event in jobs.run(planned.todo, planned.bench, planned.side_by_side):
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
    if "epochs" not in known:
        return row
    asked = row.settings.get("epochs", known["epochs"])
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


def _jobs(rows: Sequence[Row], seeds: int, threads: int, prepared: Prepared, without: int) -> list[Job]:
    """A job a row and seed; a row without randomness has one, and a mixture has as many as its parts.

    without: the group of words that train lacks, or 0. A reference row learns from no train, so it lacks no words.
    """
    stems: dict[tuple[str, int], Job] = {}
    planned: list[Job] = []
    text = prepared.parts[without - 1].fingerprint if without else None
    for row in rows:
        if without and family(row.kind) == REFERENCE:
            continue
        named = {name: row.settings.get(name) for name in model_class(row.kind).files}
        files = {name: content(prepared.find(file)) for name, file in named.items() if file is not None}
        random = "seed" in {field.name for field in fields(model_class(row.kind))}  # type: ignore[arg-type]
        random = random or any(stems[part, 0].seed is not None for part in row.components)
        for seed in range(seeds if random and row.trial is None else 1):
            parts = {part: stems.get((part, seed), stems[part, 0]) for part in row.components}
            tries = {name: stems[name, 0] for name in row.tries}
            keys = {name: part.key for name, part in (parts | tries).items()}
            job = Job(
                row,
                seed if random else None,
                _key(row, seed if random else None, threads, prepared, keys, files, text),
                {name: part.stem for name, part in parts.items()},
                without,
                tuple(part.stem for part in tries.values()),
            )
            stems[row.name, seed] = job
            planned.append(job)
    return planned


def _key(
    row: Row,
    seed: int | None,
    threads: int,
    prepared: Prepared,
    parts: dict[str, str],
    files: dict[str, str],
    part: str | None,
) -> str:
    """sha256 of everything that determines a row's numbers: fields, seed, text, probes, files, code, libraries.

    threads: sums of as many parts are rounded otherwise
    part: the fingerprint of what it is trained on, where that is not all of the corpus
    """
    places = prepared.yardstick.places
    bits = prepared.yardstick.spelling_bits  # words that are <unk> are not in the fingerprint, but they cost bits
    deciding = {
        "kind": row.kind,
        "settings": row.settings,
        "train_lines": row.train_lines,
        "trial": row.trial is not None,
        "seed": seed,
        "threads": threads,
        "parts": parts,
        "files": files,
        "corpus": prepared.corpus.fingerprint,
        "part": part,
        "places": None if places is None else {name: values.tolist() for name, values in vars(places).items()},
        "characters": prepared.corpus.characters,
        "spelling": None if bits is None else hashlib.sha256(bits.tobytes()).hexdigest(),
        "probes": repr(prepared.yardstick.probes),
        "code": code(_DECIDING, without=_LOOKING_ON),
        "plug-in": _plug_in(row.kind),
        "libraries": versions(),
    }
    return hashlib.sha256(json.dumps(deciding, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


@cache
def code(parts: tuple[str, ...], without: str | None = None) -> str:
    """sha256 of source files below lmbench/, such as those whose change may change a number."""
    root = Path(lmbench.__file__).parent
    digest = hashlib.sha256()
    for part in parts:
        path = root / part
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            if without is None or root / without not in file.parents:
                digest.update(file.relative_to(root).as_posix().encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()


def _plug_in(kind: str) -> str | None:
    """sha256 of the source file of a kind that another package brings; None for ours, which are in _code()."""
    file = source(kind)
    return None if file is None or Path(lmbench.__file__).parent in file.parents else sha256(file)


@cache
def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that take part in numbers."""
    found = {"python": platform.python_version()}
    for name in ("numpy", "scipy", "torch", "gensim", "kiwipiepy", "sentencepiece"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def environment_of(side_by_side: int, threads: int = 1) -> dict[str, str]:
    """What a reader must know to repeat the run, and to read its timings."""
    return {
        "lmbench": lmbench.__version__,
        **versions(),
        "machine": f"{platform.system()} {platform.machine()}",
        "cores": str(cores()),
        "jobs": str(side_by_side),
        "threads": str(threads),
    }


def _finished(job: Job, folder: Path) -> Result | None:
    """The stored result of this very job, if its model is there too; a damaged or older one is made again."""
    path = folder / FACTS / f"{job.stem}.json"
    if not path.is_file() or not store.intact(folder / MODELS / job.stem, job.key):
        return None
    try:
        result = load_one(path)
    except BadModel:
        return None
    return result if result.key == job.key and result.error is None else None


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
            "test_sha256": sha256("\n".join(corpus.lines["test"]).encode()),
            "warnings": corpus.warnings,
            "literal_unk": r"\<unk>" in corpus.vocab.events,
            "test_documents": "" if corpus.documents is None else " ".join(map(str, corpus.documents)),
            "extra": list(corpus.extra),
            "extra_words": corpus.extra_words,
        },
        "statistics": corpus.statistics,
        **prepared.facts,
        "story": {"sentences": probes.story.sentences},
        "probes": _probes(probes, shown=benchmark.probes is None or benchmark.probes.show > 0),
        "command": command,
        "environment": environment,
    }


def _listed(row: Row) -> dict[str, Any]:
    """What facts say of a row before it is run."""
    listed: dict[str, Any] = {"row": row.name, "kind": row.kind, "family": family(row.kind)}
    made = {"of": row.of, "train_lines": row.train_lines, "trial": row.trial}
    return listed | {name: value for name, value in made.items() if value is not None}


def tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer of the benchmark that was run in this folder, with what it has learnt."""
    facts = json.loads((folder / FACTS / "benchmark.json").read_text("utf-8"))
    found = TOKENIZERS[facts["corpus"]["tokenizer"]]
    return found if found.learn is None else found.restored((folder / MODELS / LEARNT).read_bytes())


def _probes(probes: Probes, shown: bool) -> dict[str, Any]:
    """The probes as facts; not shown, words are numbers and what was counted is left out."""
    probes = probes if shown else nameless(probes)
    return {
        "probes": [asdict(probe) for probe in probes.probes],
        "crossed": [asdict(item) for item in probes.crossed],
        "substitutions": [asdict(probe) for probe in probes.substitutions],
    }


def fitted(benchmark: Benchmark, row: str, folder: Path, seed: int = 0) -> Any:
    """The saved model of a row; the seed does not matter to one without randomness."""
    benchmark.row(row)
    for stem in (file_stem(row, seed), file_stem(row, None)):
        if store.exists(folder / MODELS / stem):
            return store.load(folder / MODELS / stem)
    raise BadModel(
        f"row {row!r} of {benchmark.name} has not been fitted here (no {folder / MODELS / file_stem(row, seed)}); "
        f"run `python -m lmbench run {row} --benchmark {benchmark.name}` first"
    )
