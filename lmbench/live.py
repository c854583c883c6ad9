"""A table of rows as they run: bars on a terminal, one line a finished row elsewhere."""

from __future__ import annotations

import math
import time
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from lmbench.bench.execute import Job
from lmbench.bench.execute import Progress as Epoch
from lmbench.bench.results import Result, file_stem
from lmbench.text.printable import printable
from lmbench.wording import counted

if TYPE_CHECKING:
    from lmbench.bench.runner import Plan

SILENCE = 30.0
"""Seconds after which an epoch is worth a line where there are no bars, as in a log."""


class Live:
    """Shows a plan's events. Everything goes to standard error, so standard output stays for data."""

    def __init__(self, plan: Plan) -> None:
        self._console = Console(stderr=True, soft_wrap=True)
        self._columns = (
            TextColumn("{task.description:24}"),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[says]}"),
            TimeElapsedColumn(),
        )
        self._progress = Progress(*self._columns, console=self._console, disable=not self._console.is_terminal)
        self._tasks: dict[str, TaskID] = {}
        self._plan = plan
        self._start = time.monotonic()
        self._spoke = self._start
        self._left = len(plan.todo)

    def __enter__(self) -> Live:
        self._console.print(
            f"{self._plan.benchmark.name}: {counted(len(self._plan.todo), 'row')} to run, "
            f"{len(self._plan.done)} already done, {self._plan.side_by_side} side by side",
            highlight=False,
        )
        for result in self._plan.done:
            self._line(result, "done before")
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._progress.stop()

    def show(self, event: Job | Epoch | Result) -> bool:
        """Show one event; whether it is a row that failed."""
        if isinstance(event, Job):
            self._tasks[event.stem] = self._progress.add_task(
                _name(event.row.name, event.seed, event.without), total=None, says=""
            )
        elif isinstance(event, Epoch):
            says = f"epoch {event.epoch}/{event.epochs}, valid perplexity {math.exp(min(event.valid_nats, 700)):.2f}"
            task = self._tasks[event.job.stem]
            self._progress.update(task, total=event.epochs, completed=event.epoch, says=says)
            if not self._console.is_terminal and time.monotonic() - self._spoke > SILENCE:
                self._say(f"  {_name(event.job.row.name, event.job.seed, event.job.without):24} {says}")
        else:
            self._left -= 1
            if (stem := file_stem(event.row, event.seed, event.without)) in self._tasks:
                self._progress.update(self._tasks[stem], visible=False)
            self._line(event, f"{time.monotonic() - self._start:5.0f} s, {self._left} left")
            return event.error is not None
        return False

    def _say(self, line: str, style: str | None = None) -> None:
        """One line, as it is."""
        self._console.print(printable(line), style=style, highlight=False, markup=False)
        self._spoke = time.monotonic()

    def _line(self, result: Result, when: str) -> None:
        """One finished row."""
        name = _name(result.row, result.seed, result.without)
        if result.error is not None:
            self._say(f"  {name:24} FAILED: {result.error}", "red")
            return
        ppl = result.metrics.get("ppl")
        said = result.metrics.get("c4_headline")
        parts = [f"perplexity {ppl:10.2f}" if ppl is not None else " " * 21]
        parts.append(f"headline@100 {said:.3f}" if said is not None else " " * 18)
        if "fit_seconds" in result.costs:
            parts.append(f"fit {result.costs['fit_seconds']:6.1f} s")
        self._say(f"  {name:24} {'  '.join(parts)}  ({when})")


def _name(row: str, seed: int | None, without: int) -> str:
    said = [f"without group {without}"] if without else []
    said += [f"seed {seed}"] if seed else []
    return f"{row} ({', '.join(said)})" if said else row
