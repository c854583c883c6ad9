"""Commands called from where there is no program lmbench: scripts, standard input, notebooks, threads."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from toy import TEXT

from lmbench import signals

ROOT = Path(__file__).parent.parent
RUN = "main(['run', 'unigram', 'mkn-3', '--train', 'my.txt', '--name', {name!r}, '--out', 'out', '--jobs', '2'])"
BARE = f"from lmbench.cli import main\nprint(main({RUN[5:-1]}))\n"
IN_A_THREAD = f"""
from threading import Thread
from lmbench.cli import main
thread = Thread(target=lambda: print({RUN}))
thread.start()
thread.join()
"""
IN_A_NOTEBOOK = f"""
import io, sys, types
sys.modules["__main__"] = types.ModuleType("__main__")  # a kernel's has no file
sys.stdout = io.StringIO()  # nor have its streams a descriptor
from lmbench.cli import main
code = {RUN}
print(code, file=sys.__stdout__)
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    (folder / "my.txt").write_text("\n".join(" ".join(words) for words in TEXT * 3 if words) + "\n", "utf-8")
    return folder


def called(how, script, home):
    """The script as a file, from standard input, or as an argument."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    words, given = ["-c", script], None
    if how == "file":
        (home / "noguard.py").write_text(script, "utf-8")
        words = ["noguard.py"]
    if how == "heredoc":
        words, given = ["-"], script
    return subprocess.run(
        [sys.executable, *words], cwd=home, env=environment, input=given, capture_output=True, text=True, timeout=300
    )


@pytest.mark.parametrize(
    ("how", "script"),
    [
        ("file", BARE),
        ("heredoc", BARE),
        ("argument", BARE),
        ("file", IN_A_THREAD),
        ("argument", IN_A_NOTEBOOK),
    ],
    ids=["no main guard", "heredoc", "argument", "thread", "notebook"],
)
def test_a_run_needs_no_main_guard_no_file_and_no_main_thread(how, script, home, request):
    name = request.node.callspec.id.replace(" ", "-")
    done = called(how, script.format(name=name), home)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "0", done.stderr
    assert "Traceback" not in done.stderr
    assert (home / "out" / name / "report.md").is_file()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("where", ["-c", "-m"])
def test_a_signal_ends_a_call_and_a_command_with_one_line(where, number, code, home):
    """A program that calls main() gets the code and goes on; a command is over."""
    name = f"cut{where}{code}"
    script = "import sys; from lmbench.cli import main; print('begun', flush=True); sys.exit(" + RUN + ")"
    words = ["run", "unigram", "mkn-3", "--train", "my.txt", "--name", name, "--out", "out"]
    command = [sys.executable, "-c", script.format(name=name)] if where == "-c" else [sys.executable, "-m", "lmbench"]
    heeding = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a shell's background jobs are started deaf to it
    process = subprocess.Popen(
        command if where == "-c" else [*command, *words],
        cwd=home,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=heeding,
    )
    deadline = time.monotonic() + 120
    while not (home / "out" / name / "facts").is_dir() and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, number)
    said = process.communicate(timeout=120)[1]
    assert process.returncode == code
    assert "Traceback" not in said
    lines = [line for line in said.splitlines() if line.startswith("lmbench: ")]
    assert len(lines) == 1
    assert lines[0].endswith("finished rows are kept, the same command goes on from there")


def test_only_what_keeps_rows_says_so():
    assert signals.line(signal.SIGINT, ["score", "m"]) == "lmbench: interrupted\n"
    assert signals.line(signal.SIGTERM, []) == "lmbench: ended by SIGTERM\n"
    assert "finished rows are kept" in signals.line(signal.SIGINT, ["verify", "ptb"])


LATE = """
import atexit, os, sys
from lmbench.__main__ import main
sys.argv = ["lmbench", "list"]
atexit.register(os.kill, os.getpid(), {number})
sys.exit(main())
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_after_the_last_line_comes_too_late(number, home):
    done = called("argument", LATE.format(number=int(number)), home)
    assert (done.returncode, done.stderr) == (0, "")
