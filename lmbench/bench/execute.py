"""One row under one seed, from its job to its result: built, fitted, saved, measured, in whatever process this is."""

from __future__ import annotations

import math
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from lmbench.bench import store
from lmbench.bench.contract import Held, described
from lmbench.bench.evaluate import Yardstick, evaluate, on_valid
from lmbench.bench.results import Result, file_stem, load_one
from lmbench.bench.specs import Row
from lmbench.bench.unseen import Part
from lmbench.bench.variants import best
from lmbench.errors import OUT_OF_MEMORY, BadModel, Diverged, LMBenchError, is_out_of_memory
from lmbench.measures.cost import peak_memory, stopwatch
from lmbench.model import LanguageModel
from lmbench.models import construct
from lmbench.text.probes import Probes
from lmbench.text.sentences import Sentences


@dataclass(frozen=True)
class Job:
    """One row under one seed.

    deciding: its own part of what its key is the SHA-256 of: see lmbench.bench.keys
    after: component -> the stem of the job that fits it
    keys: the keys of its components and trials, by name
    without: the group of words that it is trained without, or 0
    tries: stems of the jobs that try settings for it
    """

    row: Row
    seed: int | None
    key: str
    deciding: dict[str, Any] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    without: int = 0
    tries: tuple[str, ...] = ()

    @property
    def stem(self) -> str:
        """The name of its files."""
        return file_stem(self.row.name, self.seed, self.without)


@dataclass(frozen=True)
class Bench:
    """What every job of a benchmark shares.

    find: where the files are that rows name; device: where networks are trained, by a name of neural.device.DEVICES
    threads: of a row's arithmetic
    cache: a folder for what rows may share; None: nothing is
    parts: what is left of train and valid without each group of words
    facts: where results are once they are there, of settings that were tried
    text: what all rows share of what decides their numbers: see lmbench.bench.keys
    command: as it was typed
    """

    name: str
    train: Sentences
    valid: Sentences
    yardstick: Yardstick
    models: Path
    environment: dict[str, str]
    find: Callable[[str], Path] = Path
    device: str = "auto"
    threads: int = 1
    cache: Path | None = None
    parts: tuple[Part, ...] = ()
    facts: Path = Path("facts")
    text: dict[str, Any] = field(default_factory=dict)
    command: str = ""

    def read_by(self, job: Job) -> Part:
        """What a job is fitted on."""
        part = self.parts[job.without - 1] if job.without else Part(self.train, self.valid)
        size = job.row.train_lines
        return part if size is None else part._replace(train=part.train.beginning(size))

    def measured_with(self, job: Job) -> Yardstick:
        """A row that lacks words is asked about the whole test and about them: the rest is of what train is for all."""
        if not job.without:
            return self.yardstick
        return replace(self.yardstick, probes=Probes(), extra={}, unseen={}, strata={})


@dataclass(frozen=True)
class Progress:
    """An epoch of a job is over: its number, the most there will be, nats per token of valid."""

    job: Job
    epoch: int
    epochs: int
    valid_nats: float


def build(job: Job, models: Path) -> LanguageModel:
    """The unfitted model of a job, its components fitted."""
    settings = dict(job.row.settings)
    if job.seed is not None and not job.row.components:
        settings["seed"] = job.seed
    if job.row.components:
        settings["components"] = {name: store.load(models / stem, job.keys[name]) for name, stem in job.after.items()}
    return construct(job.row.kind, settings, f"row {job.row.name!r}")


def execute(job: Job, bench: Bench, watch: Callable[[int, int, float], None]) -> Result:
    """Fit, save, measure. An error that is about this row becomes a Result that says so."""
    start_mb = peak_memory()
    blank = without_model(job, bench)
    checkpoint = bench.models / f"{job.stem}.checkpoint"
    try:
        choices: tuple[str, ...] = ()
        if job.tries:
            tried = [load_one(bench.facts / f"{stem}.json") for stem in job.tries]
            require_keys(tried, job.keys)
            row, said = best(job.row, tried)
            job, choices = replace(job, row=row), (said,)
        model = build(job, bench.models)
        curve, start = [], time.perf_counter()

        def note(epoch: int, epochs: int, valid_nats: float) -> None:
            seconds = time.perf_counter() - start + _spared(model) + _earlier(model)[0]
            curve.append((seconds, math.exp(min(valid_nats, 700.0))))
            watch(epoch, epochs, valid_nats)

        told: dict[str, Any] = {"on_epoch": note, "checkpoint": (checkpoint, job.key), "device": bench.device}
        told["vectors_folder"] = bench.cache
        for name, value in told.items():
            if hasattr(model, name):  # a network has them, and a plug-in may
                setattr(model, name, value)
        if model.files:
            model.find = bench.find
        processor = time.process_time()
        with stopwatch() as fit:
            Held(model).fit(*bench.read_by(job))
        processor = time.process_time() - processor
        model_bytes = store.save(model, bench.models / job.stem, job.key)
        checkpoint.unlink(missing_ok=True)
        found = (evaluate if job.row.trial is None else on_valid)(model, bench.measured_with(job))
        facts = described(model)
    except Diverged as error:
        kept = f"; the last good epoch is in {checkpoint}" if checkpoint.is_file() else ""
        return replace(blank, error=f"{error}{kept}")
    except LMBenchError as error:
        return replace(blank, error=" ".join(str(error).split()))
    except Exception as error:  # a bug in one row must not cost the others
        if is_out_of_memory(error):
            return replace(blank, error=OUT_OF_MEMORY)
        traceback.print_exc()
        said = " ".join(str(error).split())
        return replace(blank, error=f"{type(error).__name__}: {said} (a bug; the traceback is above)")
    before = [(seconds + _spared(model), ppl) for seconds, _, ppl in getattr(model, "earlier_", ())]
    costs = {
        "fit_seconds": fit[0] + _spared(model) + _earlier(model)[0],
        "fit_cpu_seconds": processor + _earlier(model)[1],
        "model_bytes": float(model_bytes),
        "peak_mb": max(peak_memory() - start_mb, 0.0),
    }
    if found.score_seconds > 0:
        costs["score_seconds"] = found.score_seconds
        costs["score_tokens_per_second"] = bench.yardstick.test.n_tokens / found.score_seconds
    return replace(
        blank,
        environment=blank.environment | ({"device": device} if (device := getattr(model, "device_name_", "")) else {}),
        **{**facts, "notes": (*choices, *facts["notes"])},
        normalised=found.normalised,
        metrics=found.metrics,
        costs=costs,
        neighbours=found.neighbours,
        arrays=found.arrays | ({"curve": np.array([*before, *curve])} if curve else {}),
    )


def require_keys(results: Sequence[Result], keys: Mapping[str, str]) -> None:
    """BadModel for the first result that is not of the job that was planned under its row's name."""
    for result in results:
        if result.key != keys[result.row]:
            raise BadModel(f"the result of {result.row!r} is of another run; run the same command again")


def _earlier(model: LanguageModel) -> tuple[float, float]:
    """Seconds and seconds of the processor that an earlier process, whose checkpoint was taken up, spent on the fit."""
    epochs = getattr(model, "earlier_", ())
    return epochs[-1][:2] if epochs else (0.0, 0.0)


def _spared(model: LanguageModel) -> float:
    """Seconds of work that another row did for this one: they are part of what the row costs."""
    return float(getattr(model, "spared_seconds_", 0.0))


def without_model(job: Job, bench: Bench, error: str | None = None) -> Result:
    """What is known of a job without its model."""
    return Result(
        benchmark=bench.name,
        row=job.row.name,
        kind=job.row.kind,
        family="",
        config=job.row.settings,
        key=job.key,
        seed=job.seed,
        without=job.without,
        error=error,
        environment=bench.environment,
        deciding={"text": bench.text, "row": job.deciding},
        command=bench.command,
    )
