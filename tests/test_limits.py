"""Where memory or a disk ends, or a path is not what it was taken for: one line, exit code 2, no traceback."""

import os
import subprocess
import sys

import pytest
from toy import TEXT

from lmbench.cli import main
from lmbench.errors import is_out_of_memory

LIMITED = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of memory are kept on Linux alone")
SHORT = """
import resource, sys
import numpy, lmbench.bench.fit, lmbench.bench.store, lmbench.models.ngram
from lmbench.cli import main
from lmbench.storage import atomic_write
{limit}
sys.exit(main(sys.argv[1:]))
"""
OF_MEMORY = """
size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + (24 << 20),) * 2)
"""
OF_FILES = "resource.setrlimit(resource.RLIMIT_FSIZE, ({size},) * 2)"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.txt").write_text("".join(" ".join(row) + "\n" for row in TEXT), "utf-8")
    return tmp_path


def limited(limit, *words):
    """What the command line says within a limit."""
    command = [sys.executable, "-c", SHORT.format(limit=limit), *words]
    return subprocess.run(command, capture_output=True, check=False, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"})


def one_line(done):
    """The line that a command which was refused ends in."""
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.decode().splitlines()
    return line


@LIMITED
@pytest.mark.usefixtures("here")
def test_out_of_memory_is_one_line():
    with open("large.txt", "w", encoding="utf-8") as file:
        file.writelines(f"w{i % 977} w{i * i % 1013} w{i % 89} w{i % 7}\n" for i in range(150_000))
    line = one_line(limited(OF_MEMORY, "fit", "ngram", "large.txt", "--model", "m", "--set", "order=5"))
    assert line.startswith("lmbench: out of memory; use less text")
    assert sorted(os.listdir()) == ["large.txt", "t.txt"]


@LIMITED
@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(("size", "model"), [(100, "m"), (100, "folder/m")])
def test_a_disk_that_ends_is_one_line(size, model):
    words = ["fit", "ngram", "t.txt", "--model", model, "--set", "order=2", "smoothing=witten_bell"]
    line = one_line(limited(OF_FILES.format(size=size), *words))
    assert line.startswith(f"lmbench: cannot write {model}.safetensors: File too large; free some space")
    assert not [name for _, _, names in os.walk(".") for name in names if name != "t.txt"]


@LIMITED
@pytest.mark.usefixtures("here")
def test_a_temporary_disk_that_ends_is_one_line():
    words = ["fit", "ngram", "t.txt", "--model", "m", "--set", "order=3", "memory=1"]
    line = one_line(limited(OF_FILES.format(size=100), *words))
    assert line.startswith("lmbench: no room for temporary files: File too large; free some space, set TMPDIR")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (OSError(12, "Cannot allocate memory"), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:114] DefaultCPUAllocator: can't allocate memory: ..."), True),
        (RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (OSError(28, "No space left on device"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_what_out_of_memory_is(error, expected):
    assert is_out_of_memory(error) == expected


# Paths that are given to write to.


@pytest.mark.usefixtures("here")
def test_a_model_goes_to_standard_output_alone(capsysbinary):
    assert main(["fit", "ngram", "t.txt", "--model", "m", "--set", "order=2", "smoothing=witten_bell"]) == 0
    assert main(["export", "m", "m.arpa"]) == 0
    capsysbinary.readouterr()
    assert main(["export", "m", "-"]) == 0
    said = capsysbinary.readouterr()
    with open("m.arpa", "rb") as file:
        assert said.out == file.read()
    assert b"n-grams" in said.err
    assert not os.path.exists("-")


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["export", "nothing", "m.arpa.bz2"], "not packed as .bz2 here; choose a name in .gz or .xz, or a plain one"),
        (["export", "nothing", "."], ". is a folder; name a file in it"),
        (["probes", "nothing", "--out", "p.jsonl.gz"], "not packed as .gz here; choose a plain name"),
        (["probes", "nothing", "--out", "."], ". is a folder; name a file in it"),
    ],
)
def test_what_cannot_be_written_as_it_is_named_is_refused_before_anything_is_read(capsys, words, says):
    assert main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line
    assert os.listdir() == ["t.txt"]
