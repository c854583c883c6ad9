"""One writer in a folder: a second one is told who is at work, and none is ever locked out by a dead one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lmbench.bench import lock
from lmbench.errors import BadConfig, LMBenchError

HOLD = """
import sys, pathlib
from lmbench.bench.lock import writing
with writing(pathlib.Path(sys.argv[1]), "lmbench run x"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the folder."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_writer_is_told_who_is_at_work(tmp_path, holder):
    with (
        pytest.raises(BadConfig, match=rf"being written .*process {holder.pid} on .*: lmbench run x"),
        lock.writing(tmp_path, "second"),
    ):
        pass


def test_the_lock_of_a_killed_writer_is_taken_over(tmp_path, holder):
    holder.kill()
    holder.wait()
    assert json.loads((tmp_path / lock.NAME).read_text("utf-8"))["pid"] == holder.pid  # it could not say goodbye
    with lock.writing(tmp_path, "second"):
        assert json.loads((tmp_path / lock.NAME).read_text("utf-8"))["pid"] == os.getpid()


def test_a_writer_may_take_its_own_lock_again(tmp_path):
    with lock.writing(tmp_path, "outer"), lock.writing(tmp_path, "inner"):
        pass
    with lock.writing(tmp_path, "later"):
        pass


def test_a_folder_in_which_nothing_was_written_is_gone_again(tmp_path):
    folder = tmp_path / "out" / "name"
    with pytest.raises(BadConfig), lock.writing(folder, "run"):
        raise BadConfig("no text")
    assert not (tmp_path / "out").exists()
    with lock.writing(folder, "run"):
        (folder / "facts").mkdir()
    assert {path.name for path in folder.iterdir()} == {"facts", lock.NAME}


def test_a_folder_that_cannot_be_made_is_a_line(tmp_path):
    Path(tmp_path / "file").write_text("", "utf-8")
    with (
        pytest.raises(LMBenchError, match=r"cannot write to .*Not a directory"),
        lock.writing(tmp_path / "file" / "x", "run"),
    ):
        pass
