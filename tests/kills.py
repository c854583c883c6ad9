"""Runs that are killed at random moments, and what must be true of them afterwards."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np

from lmbench.bench.results import load_one
from lmbench.report.write import write

ROOT = Path(__file__).parent.parent
SENTENCES = [
    f"{a} {b} {c} {d}".strip()
    for a, b, c, d in product(
        ("we", "you", "they", "all"), ("are", "seem", "look"), ("very", "so", ""), ("cold", "sad", "old")
    )
]
TEXT = "\n".join(random.Random(0).choices(SENTENCES, k=1500)) + "\n"
ROWS = """
[corpus]
train = "train.txt"
[rows.one]
kind = "ngram"
order = 1
smoothing = "mle"
[rows.three]
kind = "ngram"
order = 3
smoothing = "witten_bell"
[rows.net]
kind = "recurrent"
cell = "rnn"
dim = 8
hidden = 8
epochs = 3
[rows.mix]
kind = "mixture"
components = ["three", "net"]
"""
STEMS = ("one", "three", "net.seed0", "mix.seed0")
TARGETS = ("parent", "worker", "group")
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
ENDS = {signal.SIGKILL: -9, signal.SIGTERM: 143, signal.SIGINT: 130}
SAYS = {signal.SIGTERM: "lmbench: ended by SIGTERM; ", signal.SIGINT: "lmbench: interrupted; "}


@dataclass(frozen=True)
class Kill:
    """One kill and what came of it.

    moment:  seconds after the command could be killed; of a worker, after it was seen
    seconds: from the kill until the command and all its processes were gone
    struck:  False where there was nothing left to kill
    """

    target: str
    number: signal.Signals
    moment: float
    code: int
    seconds: float
    struck: bool


class Benchmark:
    """A small benchmark in a folder, run once undisturbed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "train.txt").write_text(TEXT, "utf-8")
        (folder / "small.toml").write_text(ROWS, "utf-8")
        process = self.start("undisturbed")
        began = time.monotonic()
        self.seconds_of(process, 600)
        self.duration = time.monotonic() - began
        assert process.returncode == 0, self.said("undisturbed")
        self.expected = self.pages("undisturbed")

    def start(self, name: str) -> subprocess.Popen[bytes]:
        """Start a run in the folder of this name; it has come so far that signals are handled."""
        (self.folder / name).mkdir(exist_ok=True)
        command = [sys.executable, "-m", "lmbench", "run", "all", "--benchmark", "../small.toml", "--jobs", "2"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", "MPLBACKEND": "agg"}
        heeding = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a shell's background jobs are started deaf
        with (self.folder / f"{name}.err").open("ab") as errors:
            process = subprocess.Popen(
                [*command, "--out", "out"],
                cwd=self.folder / name,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
                preexec_fn=heeding,
            )
        while process.poll() is None and not _handles(process.pid, signal.SIGTERM):
            time.sleep(0.002)
        return process

    def kill(self, name: str, target: str, number: signal.Signals, rng: random.Random) -> Kill:
        """Start a run, kill it or a part of it once, wait until all of it is gone."""
        process = self.start(name)
        struck = False
        if target == "worker":
            moment, skipped = 10 ** rng.uniform(-3, -0.3), rng.randrange(len(STEMS))
            seen: list[int] = []
            while process.poll() is None and len(seen) <= skipped:
                seen += [pid for pid in _workers(process.pid) if pid not in seen]
                time.sleep(0.02)
            time.sleep(moment)
            for pid in [pid for pid in _workers(process.pid) if pid in seen[-1:]] or _workers(process.pid):
                struck = _sent(os.kill, pid, number)
                break
        else:
            moment = rng.uniform(0, self.duration)
            with_time = time.monotonic() + moment
            while process.poll() is None and (left := with_time - time.monotonic()) > 0:
                time.sleep(min(left, 0.02))
            if process.poll() is None:
                struck = _sent(os.kill if target == "parent" else os.killpg, process.pid, number)
        seconds = self.seconds_of(process, 600)
        return Kill(target, number, moment, process.returncode, seconds, struck)

    def seconds_of(self, process: subprocess.Popen[bytes], limit: float) -> float:
        """Until the command and every process it started are gone."""
        began = time.monotonic()
        process.wait(limit)
        while _sent(os.killpg, process.pid, 0):
            assert time.monotonic() - began < limit, "processes are left"
            time.sleep(0.01)
        return time.monotonic() - began

    def said(self, name: str) -> str:
        """All that the runs of this name wrote to standard error."""
        return (self.folder / f"{name}.err").read_text("utf-8")

    def check(self, name: str, kill: Kill, limit: float) -> None:
        """What must be true after a kill, and after one run more."""
        said = self.said(name)
        assert "Traceback" not in said, said
        finished = "report.md" in {path.name for path in self.reports(name).glob("*")}
        if kill.target == "worker":  # which ignores SIGINT, or has sent its result by then
            assert kill.code == ("FAILED" in said or "was not measured" in said), (kill, said)
            assert kill.number != signal.SIGINT or kill.code == 0, (kill, said)
        elif kill.code != ENDS[kill.number]:
            assert kill.code == 0, (kill, said)
            assert finished, (kill, said)
        else:
            assert kill.seconds < limit, kill
            lines = [line for line in said.splitlines() if line.startswith("lmbench: ")]
            assert len(lines) == (kill.number in SAYS), (kill, said)
            assert all(line.startswith(SAYS[kill.number]) for line in lines), (kill, said)
        again = self.start(name)
        self.seconds_of(again, 600)
        assert again.returncode == 0, self.said(name)
        assert "Traceback" not in self.said(name)
        assert self.pages(name) == self.expected, kill

    def pages(self, name: str) -> dict[str, bytes]:
        """Every table and the report, made again with what is measured anew each time as in the undisturbed run.

        That is seconds, megabytes and tokens a second, and the seconds at which epochs ended. Figures are left out, as
        they are drawn from the same tables.
        """
        folder, usually = self.reports(name), self.reports("undisturbed")
        for stem in STEMS:
            there, usual = (load_one(place / "facts" / f"{stem}.json") for place in (folder, usually))
            costs = usual.costs | {"model_bytes": there.costs["model_bytes"]}
            arrays = dict(there.arrays)
            if "curve" in arrays:
                assert np.array_equal(arrays["curve"][:, 1], usual.arrays["curve"][:, 1])
                arrays["curve"] = usual.arrays["curve"]
            replace(there, costs=costs, arrays=arrays).save(folder / "facts")
        write(folder)
        return {path.name: path.read_bytes() for path in (*folder.glob("*.csv"), folder / "report.md")}

    def reports(self, name: str) -> Path:
        """The folder of the report of the run of this name."""
        return self.folder / name / "out" / "small"


def _sent(send, pid: int, number: int) -> bool:
    try:
        send(pid, number)
    except ProcessLookupError:
        return False
    return True


def _handles(pid: int, number: int) -> bool:
    """Whether a process has a handler of its own for a signal."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:  # where there is no /proc, it has by then
        time.sleep(1)
        return True
    caught = next(int(line.split()[1], 16) for line in lines if line.startswith("SigCgt"))
    return bool(caught >> number - 1 & 1)


def _workers(pid: int) -> list[int]:
    """The processes that were started by the one that the command started: what its fork server has forked."""
    done = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)
    parents = {int(child): int(parent) for child, parent in map(str.split, done.stdout.splitlines())}
    return sorted(child for child, parent in parents.items() if parents.get(parent) == pid)
