"""Workers may end at any moment and in any way: whoever waits is told why, and the others go on."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import mortal
import numpy as np
import pytest

from lmbench.bench import workers
from lmbench.bench.workers import Ended, Workers, in_order
from lmbench.errors import LMBenchError

ROOT = Path(__file__).parent.parent.parent


def is_alive(pid):
    """Whether the process runs; one that nobody has asked about yet, a zombie, does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        if Path("/proc/self").exists():
            return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def until(holds, seconds=60):
    """Whether it holds before the time is over."""
    deadline = time.monotonic() + seconds
    while not (held := holds()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return held


def told(*tasks, seconds=None):
    """What each of the tasks sent, its end last."""
    messages = {number: [] for number in range(len(tasks))}
    with Workers() as crew:
        for number, (function, *arguments) in enumerate(tasks):
            crew.start(number, function, *arguments, seconds=seconds)
        while len(crew):
            number, message = crew.next()
            messages[number].append(message)
    return list(messages.values())


@pytest.mark.parametrize(
    ("task", "sent", "why"),
    [
        ((mortal.answer, mortal.Lethal()), [], "its process was ended by SIGKILL; the system may have run out of mem"),
        ((mortal.answer, [mortal.Lethal(), np.zeros(10**6)]), [], "its process was ended by SIGKILL"),
        ((mortal.answer, lambda: None), [], "its process failed: "),
        ((mortal.kill_itself, signal.SIGKILL), [], "its process was ended by SIGKILL"),
        ((mortal.kill_itself, signal.SIGTERM), [], "its process was ended by SIGTERM"),
        ((mortal.kill_itself, signal.SIGSEGV), [], "its process was ended by SIGSEGV"),
        ((mortal.leave, 3), [], "its process ended with exit code 3 without a result"),
        ((mortal.leave, None), [], "its process ended with exit code 0 without a result"),
        ((mortal.vanish, 0), [], "its process ended with exit code 0 without a result"),
        ((mortal.fail, "it was so"), [], "its process failed: ValueError: it was so"),
        ((mortal.exhaust, 0), [], "out of memory; use less text"),
        ((mortal.send_half, 7), [7], "its process was ended by SIGKILL"),
        ((mortal.send_rubbish, 0), [], "its process failed: ValueError: unsupported pickle"),
        ((mortal.send_what_cannot_be_sent, 0), [], "its process failed: "),
    ],
)
def test_a_worker_that_ends_in_whatever_way_says_why_and_the_others_go_on(task, sent, why, capfd):
    ends, goes_on = told(task, (mortal.answer, [1, 2]))
    assert ends[:-1] == sent
    assert isinstance(ends[-1], Ended)
    assert ends[-1].why.startswith(why)
    assert goes_on[0] == [1, 2]
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("stuck", [mortal.sleep, mortal.hold_the_interpreter, mortal.stop_itself])
def test_a_worker_that_is_stuck_is_ended_after_its_limit(stuck):
    (ends,) = told((stuck, 5), seconds=0.5)
    assert ends == [5, Ended("ended after 0.5 s, its limit (--row-limit)")]


def test_a_worker_that_cannot_be_started_says_so(monkeypatch):
    monkeypatch.setattr(workers, "_server", workers._Server())
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    (ends,) = told((mortal.answer, 1))
    assert ends == [Ended("its process could not be started: No such file or directory")]
    monkeypatch.setattr(sys, "executable", "/bin/false")  # a server that ends before it can fork
    (ends,) = told((mortal.answer, 1))
    assert ends[0].why.startswith("its process could not be started")


def test_a_server_that_was_killed_is_replaced_and_its_workers_go_on(monkeypatch, tmp_path):
    monkeypatch.setattr(workers, "_server", workers._Server())
    pid = tmp_path / "pid"
    with Workers() as crew:
        crew.start("first", mortal.say_and_keep_on, str(pid))
        assert crew.next() == ("first", 0)
        workers._server._process.kill()
        workers._server._process.wait()
        crew.start("second", mortal.answer, 1)
        while (message := crew.next()) == ("first", 0):
            pass
        assert message == ("second", 1)
        while (message := crew.next()) != ("first", 0):
            assert message[0] == "second"
    assert until(lambda: not is_alive(int(pid.read_text())))


def test_workers_end_with_their_block(tmp_path):
    pids = [tmp_path / name for name in "abc"]

    def interrupted():
        with Workers() as crew:
            for path in pids:
                crew.start(path, mortal.say_and_keep_on, str(path))
            assert until(lambda: all(path.exists() for path in pids))
            raise KeyError

    with pytest.raises(KeyError):
        interrupted()
    assert not any(is_alive(int(path.read_text())) for path in pids)


PARENT = """
import mortal
from lmbench.bench.workers import Workers
with Workers() as crew:
    crew.start(0, mortal.{task}, {path!r})
    while True:
        crew.next()
"""


@pytest.mark.parametrize("with_server", [False, True])
def test_workers_end_with_a_process_that_is_killed_and_without_a_word(with_server, tmp_path):
    path = str(tmp_path / "pid")
    script = PARENT.format(task="say_and_keep_on", path=path)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    process = subprocess.Popen([sys.executable, "-c", script], env=environment, stderr=subprocess.PIPE)
    assert until(lambda: Path(path).exists() or process.poll() is not None)
    worker = int(Path(path).read_text())
    if with_server:
        subprocess.run(["pkill", "-KILL", "-P", str(process.pid)], check=True)
    process.kill()
    assert process.communicate(timeout=60) == (None, b"")  # as soon as nobody holds it any more
    assert until(lambda: not is_alive(worker))


def test_a_thread_may_have_workers():
    found = []
    thread = threading.Thread(target=lambda: found.extend(told((mortal.answer, 1))))
    thread.start()
    thread.join()
    assert found[0][0] == 1


@pytest.mark.parametrize("side_by_side", [1, 3])
def test_results_come_in_the_order_of_the_items(side_by_side):
    assert list(in_order(mortal.square, range(6), side_by_side)) == [0, 1, 4, 9, 16, 25]


def test_an_item_that_is_not_done_is_an_error():
    with pytest.raises(LMBenchError, match="was not done: its process was ended by SIGKILL"):
        list(in_order(mortal.square_but_not_of_three, range(6), 2))
