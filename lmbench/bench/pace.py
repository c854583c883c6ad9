"""Tokens a second against the length of sentences and how many stand side by side: the cost of being sequential.

Through the contract alone, so a model of any kind can be timed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from functools import partial

import numpy as np

from lmbench.model import LanguageModel
from lmbench.text.sentences import Sentences


@dataclass(frozen=True, kw_only=True)
class Grid:
    """What is timed.

    lengths: tokens of a sentence            rows: sentences side by side, in a batch
    least:   tokens that are trained on in one go at least       seconds: that a measurement goes on for, at least
    counted: tokens that a model without batches is trained on
    """

    lengths: tuple[int, ...] = (5, 20, 80, 320)
    rows: tuple[int, ...] = (1, 8, 64)
    least: int = 800
    seconds: float = 0.15
    counted: int = 20_000


@dataclass(frozen=True)
class Pace:
    """Tokens a second of one row of a benchmark; rows 0: all there are, at once."""

    row: str
    what: str
    length: int
    rows: int
    tokens_per_second: float


def paces(row: str, model: LanguageModel, text: Sentences, grid: Grid) -> Iterator[Pace]:
    """Scoring, then training of a fresh model with the same fields (one epoch, random embeddings), on parts of text.

    The best of what was timed counts: whatever else the machine does can only slow a run down.
    """
    batched = "batch_tokens" in {field.name for field in fields(model)}  # type: ignore[arg-type]
    for length in grid.lengths:
        for rows in grid.rows:
            batch = _rows(text, length, rows)
            yield Pace(row, "score", length, rows, batch.n_tokens / _best(partial(model.log_probs, batch), grid))
        for rows in grid.rows if batched else (0,):
            size = max(length * rows, grid.least) if batched else grid.counted
            batch = _rows(text, length, -(-size // length))
            yield Pace(row, "train", length, rows, batch.n_tokens / _best(_fit(model, batch, length, rows), grid))


def _fit(model: LanguageModel, batch: Sentences, length: int, rows: int) -> Callable[[], object]:
    """One epoch over batch, or one count of it."""
    valid = batch.take([0])
    if not rows:
        return lambda: replace(model).fit(batch, valid)  # type: ignore[type-var]
    one = {"epochs": 1, "embeddings": "random", "batch_tokens": length * rows, "bptt": length}
    return lambda: replace(model, **one).fit(batch, valid)  # type: ignore[type-var]


def _rows(text: Sentences, length: int, rows: int) -> Sentences:
    """So many rows of so many tokens of text, which is begun again where it ends."""
    return Sentences.of_rows(np.resize(text.tokens, (rows, length)), text.vocab)


def _best(work: Callable[[], object], grid: Grid) -> float:
    """Seconds of the quickest run after a first one that does not count."""
    work()
    taken: list[float] = []
    while sum(taken) < grid.seconds or len(taken) < 2:
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken)
