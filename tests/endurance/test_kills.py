"""Two hundred runs, each killed at a random moment, by `tox -e endurance`; the short form is bench/test_killed_runs.py.

LMBENCH_KILLS, such as 50:100, names a part of them. What came of each is a line on standard error.
"""

import os
import random
import shutil
import sys
from collections import Counter
from itertools import product

from kills import SIGNALS, TARGETS, Benchmark

KILLS = range(*map(int, os.environ.get("LMBENCH_KILLS", "0:200").split(":")))
SECONDS = 5.0
"""From a kill to the end of all processes."""


def test_a_run_may_be_killed_at_any_moment(tmp_path, monkeypatch):
    monkeypatch.setattr("lmbench.report.figures.draw", lambda *_: {})  # of the pages that are compared
    benchmark = Benchmark(tmp_path)
    pairs = [*product(TARGETS, SIGNALS)]
    kills, failures = [], []
    for number in KILLS:
        name = f"run{number}"
        kill = benchmark.kill(name, *pairs[number % len(pairs)], random.Random(number))
        kills.append(kill)
        try:
            benchmark.check(name, kill, SECONDS)
        except AssertionError as error:
            failures.append((kill, str(error)))
            sys.stderr.write(f"{error}\n")
        sys.stderr.write(f"{number} {kill} {'FAILED' if failures and failures[-1][0] is kill else 'ok'}\n")
        shutil.rmtree(tmp_path / name)
    ends = Counter((kill.target, kill.number.name, kill.code) for kill in kills)
    slowest = max((kill.seconds for kill in kills if kill.target != "worker" and kill.code), default=0.0)
    sys.stderr.write(f"{len(kills)} kills, {sum(kill.struck for kill in kills)} struck, slowest end {slowest:.2f} s\n")
    sys.stderr.writelines(f"{target} {number} exit {code}: {n}\n" for (target, number, code), n in sorted(ends.items()))
    assert not failures, failures
