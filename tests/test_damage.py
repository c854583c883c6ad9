"""Damage does not go unseen: what is read back is what was written, made again, or refused by its name."""

import pytest
from flips import SAID, flips, heard, kinds, run

from lmbench import storage
from lmbench.bench.results import load
from lmbench.cli import main

FLIPS = 112


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a run in it, and its files by kind."""
    folder = tmp_path_factory.mktemp("damage")
    return folder, kinds(folder)


@pytest.fixture
def folder(made):
    return made[0]


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Nobody writes meanwhile, so there is nothing to wait for."""
    monkeypatch.setattr(storage, "PATIENCE", ())


def turned(path):
    """Turn one bit in the middle of a file; its bytes before."""
    whole = path.read_bytes()
    middle = len(whole) // 2
    path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    return whole


def test_a_flipped_bit_is_never_silent(made):
    files = made[1]
    assert all(kind.files for kind in files)
    found, bad = flips(files, FLIPS, seed=0)
    assert not bad
    assert all(outcomes[SAID] for outcomes in found.values())


def test_a_run_makes_good_what_is_damaged_and_says_so(folder):
    facts = folder / "out" / "tiny" / "facts"
    metrics = {result.row: result.metrics for result in load(facts)}
    cache = folder / "out" / ".cache"
    damaged = [
        facts / "two.json", facts / "net.seed0.npz", folder / "out/tiny/models/mix.seed0.safetensors",
        facts / "generated" / "two.npz", *cache.glob("*.json"), *cache.glob("*.text.txt"),
    ]  # fmt: skip
    rewritten = [facts / "benchmark.json", facts / "sentences.npz"]
    for path in damaged + rewritten:
        turned(path)
    with heard() as lines:
        assert run(folder) == run(folder, "pieces") == 0
    for path in damaged:
        assert [line for line in lines if path.name in line and line.endswith("; it is made again")]
    assert {result.row: result.metrics for result in load(facts)} == metrics
    with heard() as lines:
        assert run(folder) == 0
    assert not lines


@pytest.mark.parametrize("name", ["two.json", "two.npz", "benchmark.json", "generated/two.json"])
def test_a_report_of_damaged_facts_is_refused_by_their_name(folder, capsys, name):
    path = folder / "out" / "tiny" / "facts" / name
    whole = turned(path)
    try:
        assert main(["report", "tiny", "--out", str(folder / "out")]) == 2
    finally:
        path.write_bytes(whole)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"lmbench: {path} ")
    assert "again" in line
