"""What a row cost."""

import time

from lmbench.measures.cost import latencies, peak_memory, stopwatch


def test_a_stopwatch_tells_the_seconds_of_its_block():
    with stopwatch() as seconds:
        assert seconds == []
        time.sleep(0.01)
    assert len(seconds) == 1
    assert seconds[0] >= 0.01


def test_latencies_are_in_milliseconds_and_leave_out_the_first():
    asked = []
    found = latencies(lambda item: (asked.append(item), time.sleep(0.002)), range(4))
    assert asked == [0, 1, 2, 3]
    assert len(found) == 3
    assert all(ms >= 2 for ms in found)


def test_latencies_end_when_time_is_over():
    asked = []
    latencies(lambda item: (asked.append(item), time.sleep(0.01)), range(1000), most=0.02)
    assert 2 <= len(asked) <= 3


def test_memory_is_what_was_held_at_most():
    before = peak_memory()
    held = bytearray(300_000_000)
    held[::4096] = b"x" * len(held[::4096])
    assert peak_memory() >= max(before, 280)
