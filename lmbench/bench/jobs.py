"""Rows as jobs: one process each, with one thread unless more are asked for, as many side by side as there are cores.

A process of its own gives every row honest memory figures, and isolates crashes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from lmbench.bench.execute import Bench, Job, Progress, execute, without_model
from lmbench.bench.results import Result
from lmbench.bench.specs import Row
from lmbench.bench.workers import Ended, Workers
from lmbench.bench.workers import warm_up as import_early
from lmbench.models import model_class
from lmbench.threads import keep_to


def warm_up(rows: Sequence[Row]) -> None:
    """Let the libraries that these rows need be imported in the background, while their text is made ready."""
    modules = {model_class(row.kind).__module__ for row in rows}
    late = {name for row in rows for name in getattr(model_class(row.kind), "late_imports", ())}
    import_early([__name__, *sorted(modules), *sorted(late)])


def run(
    jobs: Sequence[Job], bench: Bench, side_by_side: int, row_limit: float | None = None
) -> Iterator[Job | Progress | Result]:
    """Yields each Job when it starts, its Progress, and its Result when it ends.

    row_limit: seconds after which a row is ended and has failed; None: none is
    """
    waiting = list(jobs)
    open_stems = {job.stem for job in jobs}
    failed: set[str] = set()
    started: dict[str, Job] = {}
    with Workers[str]() as workers:
        while waiting or len(workers):
            for job in list(waiting):
                lost = [stem for stem in job.after.values() if stem in failed]
                if lost:
                    waiting.remove(job)
                    open_stems.discard(job.stem)
                    failed.add(job.stem)
                    yield without_model(job, bench, f"its component {lost[0]} failed; mend that row first")
                elif len(workers) < side_by_side and not open_stems & {*job.after.values(), *job.tries}:
                    waiting.remove(job)
                    started[job.stem] = job
                    workers.start(job.stem, _work, job, bench, seconds=row_limit)
                    yield job
            if not len(workers):  # waiting for nothing would never end
                continue
            stem, message = workers.next()
            if isinstance(message, Ended):
                if stem not in open_stems:
                    continue
                message = without_model(started[stem], bench, message.why)
            yield message
            if isinstance(message, Result):
                if message.error is not None:
                    failed.add(stem)
                open_stems.discard(stem)


def _work(job: Job, bench: Bench, send: Callable[[Progress | Result], None]) -> None:
    """What the process of a job does."""
    keep_to(bench.threads)
    send(execute(job, bench, lambda epoch, epochs, nats: send(Progress(job, epoch, epochs, nats))))
