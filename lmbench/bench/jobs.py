"""Rows as jobs: one process each, with one thread unless more are asked for, as many side by side as there are cores.

A process of its own gives every row honest memory figures and keeps its end, however violent, to itself.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from typing import Any

from lmbench.bench.execute import Bench, Job, Progress, execute, without_model
from lmbench.bench.results import Result
from lmbench.bench.specs import Row
from lmbench.models import model_class


def warm_up(rows: Sequence[Row]) -> None:
    """Let the libraries that these rows need be imported in the background, while their text is made ready."""
    if _context(rows).get_start_method() == "forkserver":
        from multiprocessing.forkserver import ensure_running

        ensure_running()


def run(jobs: Sequence[Job], bench: Bench, side_by_side: int) -> Iterator[Job | Progress | Result]:
    """Yields each Job when it starts, its Progress, and its Result when it ends."""
    context = _context([job.row for job in jobs])
    waiting = list(jobs)
    open_stems = {job.stem for job in jobs}
    failed: set[str] = set()
    running: dict[Connection, tuple[Job, BaseProcess]] = {}
    try:
        while waiting or running:
            for job in list(waiting):
                lost = [stem for stem in job.after.values() if stem in failed]
                if lost:
                    waiting.remove(job)
                    open_stems.discard(job.stem)
                    failed.add(job.stem)
                    yield without_model(job, bench, f"its component {lost[0]} failed; mend that row first")
                elif len(running) < side_by_side and not open_stems & {*job.after.values(), *job.tries}:
                    waiting.remove(job)
                    receiver, process = _start(context, job, bench)
                    running[receiver] = (job, process)
                    yield job
            ready = wait(list(running)) if running else []  # waiting for nothing would never end
            for receiver in [receiver for receiver in running if receiver in ready]:
                job, process = running[receiver]
                try:
                    message = receiver.recv()
                except EOFError:
                    process.join()
                    message = without_model(job, bench, _death(process.exitcode))
                yield message
                if isinstance(message, Result):
                    if message.error is not None:
                        failed.add(job.stem)
                    open_stems.discard(job.stem)
                    del running[receiver]
                    process.join()
    finally:
        for _, process in running.values():
            process.terminate()
        for _, process in running.values():
            process.join()


def _context(rows: Sequence[Row]) -> BaseContext:
    """A fork server where there is one: it imports what the rows need once, and forks in milliseconds."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    modules = {model_class(row.kind).__module__ for row in rows}
    late = {name for row in rows for name in getattr(model_class(row.kind), "late_imports", ())}
    context.set_forkserver_preload([__name__, *sorted(modules), *sorted(late)])
    return context


def _start(context: Any, job: Job, bench: Bench) -> tuple[Connection, BaseProcess]:
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(job, bench, sender), daemon=True)
    process.start()
    sender.close()
    return receiver, process


def _work(job: Job, bench: Bench, sender: Connection) -> None:
    """What the process of a job does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interruption means
    os.environ["OMP_NUM_THREADS"] = str(bench.threads)
    if "torch" in sys.modules:  # already imported by the fork server
        sys.modules["torch"].set_num_threads(bench.threads)
    result = execute(job, bench, lambda epoch, epochs, nats: sender.send(Progress(job, epoch, epochs, nats)))
    sender.send(result)
    sender.close()


def _death(code: int | None) -> str:
    """Why a process left without a word."""
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        cause = "; the system may have run out of memory: use less text or a smaller model" if code == -9 else ""
        return f"its process was ended by {name}{cause}"
    return f"its process ended with exit code {code} without a result; run the row alone to see why"
