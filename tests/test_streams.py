"""Standard streams that are closed, full, gone or of an encoding too small: one line, exit code 2, at every command."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from toy import TEXT

from lmbench.cli import main

ROOT = Path(__file__).parent.parent
ROWS = """
title = "아주 작은 것"
[corpus]
train = "train.txt"
[rows.two]
kind = "ngram"
order = 2
smoothing = "witten_bell"
"""
PLACE = ["--benchmark", "tiny.toml", "--out", "out"]
COMMANDS = {
    "run": ["run", "two", *PLACE],
    "fit": ["fit", "ngram", "train.txt", "--model", "again", "--set", "order=1", "smoothing=mle"],
    "audit": ["audit", "tiny.toml", "--out", "out"],
    "report": ["report", "tiny", "--out", "out"],
    "list": ["list"],
    "score": ["score", "two", "train.txt", *PLACE],
    "explain": ["explain", "two", "나는 매우 춥다", *PLACE],
    "generate": ["generate", "two", *PLACE],
    "export": ["export", "two", "two.arpa", *PLACE],
    "--help": ["--help"],
    "--version": ["--version"],
}
ELSEWHERE = {"verify", "diagnose", "probes", "corpus"}
"""Need minutes or data; they print as the others do, since it is main() that guards the streams."""
HANGUL = {"score", "explain", "generate"}
"""Print words of the text."""


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    (folder / "train.txt").write_text("\n".join(" ".join(words) for words in TEXT * 3 if words) + "\n", "utf-8")
    (folder / "tiny.toml").write_text(ROWS, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr("lmbench.report.figures.draw", lambda *_: {})
        assert main(COMMANDS["run"]) == 0
        yield folder


def code_of(words):
    try:
        return main(words)
    except SystemExit as error:  # of --help and --version
        return error.code


def one_line(text):
    return text.startswith("lmbench: ") and text.count("\n") == 1


class Ended(io.RawIOBase):
    """A pipe that nobody reads any more."""

    def writable(self):
        return True

    def write(self, _):
        raise BrokenPipeError(32, "Broken pipe")


class Full(Ended):
    """A file on a disk that is full."""

    def write(self, _):
        raise OSError(28, "No space left on device")


def text_on(raw, encoding="utf-8"):
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding=encoding)


def test_every_command_is_here(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    commands = set(re.findall(r"^    ([a-z]+) ", capsys.readouterr().out, re.MULTILINE))
    assert commands == {name for name in COMMANDS if not name.startswith("-")} | ELSEWHERE


@pytest.mark.parametrize("name", COMMANDS)
def test_output_that_cannot_be_written_is_one_line_and_exit_code_2(name, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", text_on(Full()))
    assert code_of(COMMANDS[name]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "lmbench: cannot write to standard output: No space left on device; free some space or send it elsewhere"
    )
    monkeypatch.setattr(sys, "stdout", None)  # what Python makes of a closed one
    assert code_of(COMMANDS[name]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("lmbench: standard output is closed; ")


@pytest.mark.parametrize("name", COMMANDS)
def test_output_that_nobody_reads_any_more_is_no_error(name, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", text_on(Ended()))
    assert code_of(COMMANDS[name]) in (0, None)
    assert "lmbench: " not in capsys.readouterr().err


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("stream", [lambda: None, lambda: text_on(Full()), lambda: text_on(Ended())])
def test_messages_that_cannot_be_written_change_nothing(name, stream, monkeypatch, capsys):
    usual = code_of(COMMANDS[name]), capsys.readouterr().out
    monkeypatch.setattr(sys, "stderr", stream())
    assert (code_of(COMMANDS[name]), capsys.readouterr().out) == usual


@pytest.mark.parametrize("name", COMMANDS)
def test_text_that_the_encoding_lacks_is_one_line_and_exit_code_2(name, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", text_on(io.BytesIO(), "ascii"))
    code, said = code_of(COMMANDS[name]), capsys.readouterr().err
    assert "Traceback" not in said
    assert name not in HANGUL or code == 2
    assert (code == 2) == ("lmbench: standard output is in ascii, which has no '\\u" in said)


def test_standard_input_that_is_closed(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["score", "two", *PLACE]) == 2
    said = capsys.readouterr().err
    assert one_line(said)
    assert said.startswith("lmbench: standard input is closed; ")


@pytest.mark.parametrize(
    ("shell", "code", "said"),
    [
        ("{list} > /dev/full", 2, "lmbench: cannot write to standard output: No space left on device"),
        ("{list} >&-", 2, "lmbench: standard output is closed"),
        ("{list} >&- <&-", 2, "lmbench: standard output is closed"),
        ("{list} 2>&- > /dev/null", 0, ""),
        ("{wrong} 2> /dev/full", 2, ""),
        ("{list} <&- > /dev/null", 0, ""),
        ("{score} <&- > /dev/null", 2, "lmbench: standard input is closed"),
        ("PYTHONIOENCODING=ascii {list} > /dev/null", 2, "lmbench: standard output is in ascii, which has no"),
        ("PYTHONIOENCODING=euc-kr {score} <<< 😀 > /dev/null", 2, "lmbench: standard output is in euc_kr"),
        ("set -o pipefail; {many} | head -n 1 > /dev/null", 0, ""),
    ],
)
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_streams_as_a_shell_gives_them(home, shell, code, said):
    python = f"{sys.executable} -m lmbench"
    words = {"list": "list", "wrong": "lst", "score": f"score two {' '.join(PLACE)}"}
    words["many"] = f"generate two -n 100000 {' '.join(PLACE)}"
    command = shell.format(**{name: f"{python} {rest}" for name, rest in words.items()})
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("PYTHONIOENCODING", None)
    done = subprocess.run(["bash", "-c", command], cwd=home, env=environment, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    lines = done.stderr.splitlines(keepends=True)
    assert one_line(lines[-1]) if said else not lines
    assert "".join(lines[-1:]).startswith(said)
    assert all(line.startswith("warning: ") for line in lines[:-1])  # such as that words are unknown
    assert done.stdout == ""
