"""Files whole or absent, sealed, written where they were asked for, and nothing left lying about."""

import json
import os
import stat
import subprocess
import sys
import threading
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmbench import storage
from lmbench.bench import results
from lmbench.errors import BadConfig, Damaged, LMBenchError
from lmbench.storage import (
    UNSEALED,
    atomic,
    atomic_write,
    check_output,
    kept,
    read_json,
    read_sealed,
    sha256,
    write_json,
    write_sealed,
)

POSIX = pytest.mark.skipif(os.name != "posix", reason="pipes and processes are asked about as POSIX has them")
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


# Seals.


@given(st.dictionaries(st.text().filter(lambda key: key != "sha256"), values), st.none() | st.integers(0, 4))
def test_sealed_json_is_what_was_written_and_json_for_everybody(tmp_path_factory, facts, indent):
    path = tmp_path_factory.mktemp("json") / "facts.json"
    write_json(path, json.dumps(facts, indent=indent))
    assert read_json(path) == facts
    everything = json.loads(path.read_text("utf-8"))
    assert everything == {**facts, "sha256": everything["sha256"]}


@given(st.binary(max_size=200), st.integers(0, 10**9))
def test_sealed_bytes_are_what_was_written_and_a_flipped_bit_is_seen(tmp_path_factory, content, bit):
    path = tmp_path_factory.mktemp("bytes") / "content"
    write_sealed(path, content)
    assert read_sealed(path) == content
    damaged = bytearray(path.read_bytes())
    damaged[bit // 8 % len(damaged)] ^= 1 << bit % 8
    path.write_bytes(damaged)
    with pytest.raises(Damaged, match="the file is damaged"):
        read_sealed(path)


def test_every_bit_of_sealed_json(tmp_path):
    """A bit of white space after the facts may be redundant; no other one is, and nothing false is ever read."""
    path, facts = tmp_path / "facts.json", {"schema": 1, "ppl": 8.125, "row": "무지"}
    write_json(path, json.dumps(facts, ensure_ascii=False, indent=1))
    whole, unseen = path.read_bytes(), 0
    for bit in range(8 * len(whole)):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        with suppress(Damaged):
            assert read_json(path) == facts
            unseen += 1
    assert unseen < 20


def test_without_a_seal_nothing_is_read(tmp_path):
    for read, content in ((read_json, b'{"a": 1}\n'), (read_sealed, b"content")):
        (tmp_path / "x").write_bytes(content)
        with pytest.raises(Damaged, match=r"ends without a checksum, as files .* do: the file is damaged; mend it"):
            read(tmp_path / "x", "mend it")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"a": 1, "sha256": "0"}', b"\xff"])
def test_what_is_no_json_object_is_damage(tmp_path, content):
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(Damaged):
        read_json(tmp_path / "x.json")


def test_a_reader_between_the_two_files_of_a_pair_waits(tmp_path, monkeypatch):
    """The writer has renamed the arrays, and the description a moment later."""
    facts = {"schema": results.SCHEMA}
    results.save_pair(tmp_path / "new" / "row", {**facts, "of": "new"}, {"x": [2]})
    results.save_pair(tmp_path / "row", {**facts, "of": "old"}, {"x": [1]})
    os.replace(tmp_path / "new" / "row.npz", tmp_path / "row.npz")
    read_once = threading.Event()
    monkeypatch.setattr(storage.time, "sleep", lambda _: read_once.set() or written.wait(60))
    written = threading.Event()

    def write():
        read_once.wait(60)
        os.replace(tmp_path / "new" / "row.json", tmp_path / "row.json")
        written.set()

    writer = threading.Thread(target=write)
    writer.start()
    found, arrays = results.load_pair(tmp_path / "row.json")
    writer.join()
    assert found["of"] == "new"
    assert arrays["x"] == [2]


def test_what_can_be_made_again_is_nothing_where_it_is_damaged_and_that_is_said(tmp_path, caplog):
    path = tmp_path / "x.json"
    assert kept(path, read_json) is None
    assert not caplog.records
    path.write_text("{}")
    assert kept(path, read_json) is None
    (record,) = caplog.records
    said = f"warning: {path} {UNSEALED}: the file is damaged; it is made again"
    assert record.getMessage() == said


# Where it is written.


def test_a_link_is_followed(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real/file")
    for content in ("new", "newer"):
        atomic_write(tmp_path / "link", content)
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "real" / "file").read_text() == content
    assert os.listdir(tmp_path / "real") == ["file"]


@POSIX
def test_a_pipe_is_written_into(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    found = []
    reader = threading.Thread(target=lambda: found.append(pipe.read_bytes()))
    reader.start()
    atomic_write(pipe, b"through")
    reader.join()
    assert found == [b"through"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert os.listdir(tmp_path) == ["pipe"]


@POSIX
def test_a_device_is_written_into(tmp_path):
    """A link to the null device stands for the device: nothing but root can make one."""
    (tmp_path / "null").symlink_to(os.devnull)
    atomic_write(tmp_path / "null", "gone")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)
    assert os.listdir(tmp_path) == ["null"]


SAY = "import sys; from lmbench.storage import atomic_write; print('before'); atomic_write({path!r}, 'content\\n'); "
SAY += "print('after')"


@POSIX
@pytest.mark.parametrize("path", ["-", "/dev/stdout"])
@pytest.mark.parametrize("to_file", [True, False])
def test_standard_output_in_its_order(tmp_path, path, to_file):
    """Redirected to a file too, which must not be replaced under the shell's hands."""
    command = [sys.executable, "-c", SAY.replace("{path!r}", f"__import__('pathlib').Path({path!r})")]
    with (tmp_path / "out").open("wb") as file:
        done = subprocess.run(command, stdout=file if to_file else subprocess.PIPE, cwd=tmp_path, check=True)
    said = (tmp_path / "out").read_bytes() if to_file else done.stdout
    assert said == b"before\ncontent\nafter\n"
    assert os.listdir(tmp_path) == ["out"]


def test_what_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    places = [tmp_path, tmp_path / "file" / "in it", tmp_path / ("x" * 300)]
    if os.path.exists("/dev/full"):
        places.append("/dev/full")
    for path in places:
        with pytest.raises(LMBenchError, match="cannot write ") as error:
            atomic_write(path, "x")
        assert "\n" not in str(error.value)
    assert os.listdir(tmp_path) == ["file"]


def test_a_name_of_many_bytes(tmp_path):
    atomic_write(tmp_path / ("무" * 80), "x")
    assert os.listdir(tmp_path) == ["무" * 80]


@pytest.mark.parametrize("name", ["x.bz2", "x.arpa.ZST", "x.zip", "x.7z", "x.gz"])
def test_packings_that_are_not_made_are_refused(tmp_path, name):
    with pytest.raises(BadConfig, match="are not packed as"):
        check_output(tmp_path / name, (".xz",))
    check_output(tmp_path / name, (tmp_path.joinpath(name).suffix.lower(),))


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(BadConfig, match="is a folder"):
        check_output(tmp_path)


# What is left.


@POSIX
def test_half_written_files_of_the_dead_are_swept_and_no_others(tmp_path):
    died = subprocess.Popen([sys.executable, "-c", ""])
    died.wait()
    left = tmp_path / f".facts.json.{died.pid}.0123abcd.tmp"
    others = [
        f".facts.json.{os.getpid()}.0123abcd.tmp",
        f".facts.json.{os.getppid()}.0123abcd.tmp",
        f".facts.json.{died.pid}.tmp",
        f"facts.json.{died.pid}.0123abcd.tmp",
    ]
    for name in (left.name, *others):
        (tmp_path / name).write_text("half")
    atomic_write(tmp_path / "new", "x")
    assert sorted(os.listdir(tmp_path)) == sorted([*others, "new"])


def test_an_exception_leaves_the_old_file_and_nothing_else(tmp_path):
    atomic_write(tmp_path / "x", "old")
    with suppress(KeyError), atomic(tmp_path / "x") as file:
        file.write(b"new")
        raise KeyError
    assert (tmp_path / "x").read_text() == "old"
    assert os.listdir(tmp_path) == ["x"]


def test_the_checksum_of_parts_is_that_of_the_whole(tmp_path):
    assert atomic_write(tmp_path / "x", [b"ab", b"c"]) == sha256(b"abc") == sha256(tmp_path / "x")
