"""What a row cost."""

import time

import numpy as np
import pytest

from lmbench.measures.cost import latencies, peak_memory, stopwatch


def test_a_stopwatch_tells_the_seconds_of_its_block():
    with stopwatch() as seconds:
        assert seconds == []
        time.sleep(0.01)
    assert len(seconds) == 1
    assert seconds[0] >= 0.01


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on only as it is told: clock(s) lets s seconds pass."""
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])

    def passes(seconds):
        now[0] += seconds

    return passes


def test_latencies_are_in_milliseconds_of_every_item(clock):
    found = latencies(lambda item: clock(0.01 * (1 + item)), [0, 1, 2])
    assert found == pytest.approx([10.0, 20.0, 30.0] * (len(found) // 3))
    assert len(found) == 6  # two turns


def test_what_warms_up_is_left_out(clock):
    calls = []

    def act(_):
        calls.append(0)
        clock(2.0 if len(calls) == 1 else 0.01)

    assert max(latencies(act, [0] * 5)) == pytest.approx(10)


def test_a_busy_machine_costs_turns_and_not_the_measurement(clock):
    """Two of three turns are disturbed, each otherwise: what is measured is the others."""
    calls = []

    def act(_):
        turn = len(calls) // 5
        calls.append(0)
        clock(0.01 if turn % 3 == 2 else 0.02 * 1.1**turn)

    assert np.median(latencies(act, [0] * 5)) == pytest.approx(10)


def test_latencies_go_on_until_the_quickest_turns_agree(clock):
    calls = []

    def act(_):
        calls.append(0)
        clock(0.001 * 1.02 ** (400 - len(calls)) if len(calls) < 400 else 0.001)

    found = latencies(act, [0] * 5, least=0.3, most=1000.0)
    half = len(found) // 2
    assert np.median(found[half:]) <= 1.05 * np.median(found[:half])


def test_latencies_end_when_they_never_agree(clock):
    calls, passed = [], []

    def act(_):
        calls.append(0)
        passed.append(0.001 * 1.2 ** len(calls))
        clock(passed[-1])

    assert len(latencies(act, [0] * 5)) >= 1
    assert sum(passed[:-1]) < 1.6


def test_latencies_of_what_takes_longer_than_there_is_time_have_one_value(clock):
    assert latencies(lambda _: clock(7.0), [0] * 5) == [7000.0]


def test_memory_is_what_was_held_at_most():
    before = peak_memory()
    held = bytearray(300_000_000)
    held[::4096] = b"x" * len(held[::4096])
    assert peak_memory() >= max(before, 280)
