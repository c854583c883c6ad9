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


def test_latencies_are_in_milliseconds_of_items_in_turn_without_the_warming_up(clock):
    asked = []

    def act(item):
        asked.append(item)
        clock(1.0 if len(asked) == 1 else 0.01 * (1 + item))

    found = latencies(act, [0, 1, 2])
    assert asked == ([0, 1, 2] * len(asked))[: len(asked)]
    assert found == pytest.approx([10.0 * (1 + item) for item in asked[1:]])
    assert 300 <= sum(found) < 500  # stable as soon as it is asked


def test_latencies_go_on_until_both_halves_agree(clock):
    calls = []

    def act(_):
        calls.append(0)
        clock(0.03 if len(calls) < 9 else 0.01)

    found = latencies(act, [0] * 5)
    half = len(found) // 2
    assert np.median(found[:half]) == pytest.approx(np.median(found[half:]), rel=0.05)
    assert 350 < sum(found) < 1500


def test_latencies_end_when_they_never_agree(clock):
    calls = []

    def act(_):
        calls.append(0)
        clock(0.001 * 1.02 ** len(calls))

    assert 1500 < sum(latencies(act, [0] * 5)) < 1700


def test_latencies_of_what_takes_longer_than_there_is_time_have_one_value(clock):
    assert latencies(lambda _: clock(7.0), [0] * 5) == [7000.0]


def test_every_item_has_its_turn(clock):
    asked = set()

    def act(item):
        asked.add(item)
        clock(0.02)

    latencies(act, range(50))
    assert asked == set(range(50))


def test_memory_is_what_was_held_at_most():
    before = peak_memory()
    held = bytearray(300_000_000)
    held[::4096] = b"x" * len(held[::4096])
    assert peak_memory() >= max(before, 280)
