"""How long one sentence takes: measured after all rows, one row at a time, with nothing else running.

Beside rows that are being trained, identical networks were found to differ by a factor of four.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lmbench.bench import store
from lmbench.bench.results import file_stem, load_one
from lmbench.bench.workers import Ended, Workers
from lmbench.measures.cost import latencies
from lmbench.model import LanguageModel
from lmbench.text.sentences import Sentences
from lmbench.threads import keep_to
from lmbench.wording import counted

if TYPE_CHECKING:
    from lmbench.bench.runner import Plan

SENTENCES = 50
"""Of test, the first ones, each scored alone."""
Found = tuple[str, float, float]
"""The stem of a row's files; milliseconds, the median and the 95th percentile."""


def measure(planned: Plan, say: Callable[[str], None]) -> int:
    """Time every row of the plan that was scored on test and is not timed yet; how many could not be timed.

    Seeds are one network with other numbers, so a row is timed under its first. What is found becomes part of the
    row's facts as soon as it is there. say: is given a line for each thing a reader should know.
    """
    stems = _untimed(planned)
    if stems:
        say(f"latency: one sentence at a time, {counted(len(stems), 'row')}")
    asked, left, failed = first_sentences(planned.bench.yardstick.test), stems, 0
    while left:
        with Workers[str]() as workers:
            workers.start(
                "latency", _time, left, planned.bench.models, asked, planned.bench.device, planned.bench.threads
            )
            while not isinstance(message := workers.next()[1], Ended):
                stem, *milliseconds = message
                _keep(planned.bench.facts / f"{stem}.json", *milliseconds)
                left = left[1:]
        if left:
            say(f"latency of {left[0]} was not measured: {message.why}")
            left, failed = left[1:], failed + 1
    return failed


def _untimed(planned: Plan) -> list[str]:
    """Stems of the results that are to be timed, as they are on disk."""
    stems = [job.stem for job in planned.todo if job.seed in (None, 0) and not job.without]
    stems += [file_stem(row.row, row.seed, row.without) for row in planned.done if not (row.seed or row.without)]
    results = [(stem, load_one(path)) for stem in stems if (path := planned.bench.facts / f"{stem}.json").is_file()]
    return [stem for stem, result in results if {"score_seconds", "latency_ms"} & {*result.costs} == {"score_seconds"}]


def _time(
    stems: Iterable[str],
    models: Path,
    asked: Sequence[Sentences],
    device: str,
    threads: int,
    send: Callable[[Found], None],
) -> None:
    """What the process does: each row is loaded, timed, told, forgotten."""
    keep_to(threads)
    for stem in stems:
        model = _on(device, store.load(models / stem))
        median, most = np.percentile(latencies(model.log_probs, asked), [50, 95])
        send((stem, float(median), float(most)))


def _on(device: str, model: LanguageModel) -> LanguageModel:
    """The model where networks of the run are; loaded, it is where they are unless something else is asked for."""
    if getattr(model, "device", device) != device:
        model.device = device  # type: ignore[attr-defined]
        model.restore(model.vocab_, model.state())
    return model


def _keep(path: Path, median: float, most: float) -> None:
    """Add what was found to the facts of a row, which are whole at every moment."""
    result = load_one(path)
    costs = {**result.costs, "latency_ms": median, "latency_95_ms": most}
    replace(result, costs=costs).save(path.parent)


def first_sentences(text: Sentences) -> list[Sentences]:
    """The first sentences, each alone: what a program that scores one at a time asks."""
    bounds = np.append(np.flatnonzero(np.diff(text.segments, prepend=-1)), text.n_tokens)[: SENTENCES + 1]
    return [Sentences.of_rows([text.tokens[start:end]], text.vocab) for start, end in pairwise(bounds.tolist())]
