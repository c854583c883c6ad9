"""A run that is killed, whole or in part, ends as it should, and one run more gives what an undisturbed one gives."""

import random

import pytest
from kills import SIGNALS, TARGETS, Benchmark


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lmbench.report.figures.draw", lambda *_: {})  # of the pages that are compared
        yield Benchmark(tmp_path_factory.mktemp("kills"))


PAIRS = [*zip(TARGETS, SIGNALS, strict=True), *zip(TARGETS, SIGNALS[1:] + SIGNALS[:1], strict=True)]


@pytest.mark.parametrize(("target", "number"), PAIRS)
def test_a_killed_run(benchmark, target, number):
    name = f"{target}-{number.name}"
    kill = benchmark.kill(name, target, number, random.Random(name))
    benchmark.check(name, kill, limit=60)  # seconds, of which the endurance test allows five
