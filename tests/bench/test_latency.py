"""How long one sentence takes: found after all rows, kept in their facts, not found twice."""

import numpy as np
import pytest
from toy import TEXT, toy

from lmbench.bench import latency, runner
from lmbench.bench.benchmark import load
from lmbench.bench.latency import measure
from lmbench.bench.results import load_one
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS

ROWS = """
[corpus]
train = "train.txt"
min_count = 2
[rows.one]
kind = "ngram"
order = 1
[rows.net]
kind = "recurrent"
dim = 4
hidden = 4
epochs = 1
[rows.scores]
kind = "ngram"
order = 3
smoothing = "stupid_backoff"
"""
TIMED = ["one", "net.seed0"]
"""Rows that are scored on test, under their first seed."""


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    """Every row run under two seeds; none is timed. Tests that write must leave all rows timed."""
    folder = tmp_path_factory.mktemp("latency")
    (folder / "tiny.toml").write_text(ROWS, "utf-8")
    (folder / "train.txt").write_text("\n".join(map(" ".join, TEXT)) + "\n", "utf-8")
    made = runner.plan(load(str(folder / "tiny.toml")), ["all"], out=folder, seeds=2, side_by_side=1)
    list(runner.run(made))
    return made


def facts(planned):
    return {path.stem: path for path in planned.folder.glob("facts/*.json") if path.stem != "benchmark"}


def timed(planned):
    return [stem for stem, path in facts(planned).items() if "latency_ms" in load_one(path).costs]


def test_rows_are_timed_after_the_run_once_under_the_first_seed(planned):
    assert timed(planned) == []
    before = {stem: load_one(path) for stem, path in facts(planned).items()}
    said = []
    assert measure(planned, said.append) == 0
    assert said == ["latency: one sentence at a time, 2 rows"]
    assert sorted(timed(planned)) == sorted(TIMED)
    for stem, path in facts(planned).items():
        row = load_one(path)
        median, most = row.costs.pop("latency_ms", None), row.costs.pop("latency_95_ms", None)
        assert (median is None and most is None) if stem not in TIMED else 0 < median <= most
        # nothing else has changed
        assert (row.metrics, row.costs, row.notes, row.key) == (
            before[stem].metrics,
            before[stem].costs,
            before[stem].notes,
            before[stem].key,
        )
        assert {name: values.tolist() for name, values in row.arrays.items()} == {
            name: values.tolist() for name, values in before[stem].arrays.items()
        }
    stored = {stem: path.read_bytes() for stem, path in facts(planned).items()}
    assert measure(planned, said.append) == 0
    assert len(said) == 1
    assert {stem: path.read_bytes() for stem, path in facts(planned).items()} == stored


def without_latency(path):
    """Facts as a run leaves them that is killed before the row is timed."""
    row = load_one(path)
    del row.costs["latency_ms"], row.costs["latency_95_ms"]
    row.save(path.parent)


def test_rows_done_before_are_timed_where_they_lack_it(planned):
    measure(planned, str)
    without_latency(facts(planned)["net.seed0"])
    stored = {stem: path.read_bytes() for stem, path in facts(planned).items() if stem != "net.seed0"}
    again = runner.plan(planned.benchmark, ["all"], out=planned.folder.parent, seeds=2, side_by_side=1)
    assert not again.todo
    said = []
    assert measure(again, said.append) == 0
    assert said == ["latency: one sentence at a time, 1 row"]
    assert sorted(timed(planned)) == sorted(TIMED)
    assert {stem: facts(planned)[stem].read_bytes() for stem in stored} == stored


def test_a_row_that_cannot_be_timed_is_told_and_costs_no_other(planned):
    measure(planned, str)
    for stem in TIMED:
        without_latency(facts(planned)[stem])
    arrays = planned.bench.models / "net.seed0.safetensors"
    whole = arrays.read_bytes()
    arrays.write_bytes(whole[:-1])
    said = []
    assert measure(planned, said.append) == 1
    assert any("net.seed0" in line and "damaged" in line for line in said)
    assert sorted(timed(planned)) == ["one"]
    assert all("\n" not in line for line in said)
    arrays.write_bytes(whole)
    assert measure(planned, said.append) == 0
    assert sorted(timed(planned)) == sorted(TIMED)


@pytest.mark.parametrize("stream", [False, True])
def test_sentences_are_asked_one_by_one(stream, monkeypatch):
    test = toy()[2]
    text = Sentences(test.vocab, test.tokens, np.array([0, test.n_tokens])) if stream else test
    monkeypatch.setattr(latency, "SENTENCES", 3)
    found = latency.first_sentences(text)
    starts = np.flatnonzero(np.append(True, test.tokens[:-1] == EOS))
    assert len(found) == 3
    for one, start in zip(found, starts, strict=False):
        assert len(one) == 1
        assert one.tokens.tolist() == test.tokens[start : start + one.n_tokens].tolist()
        assert one.tokens[-1] == EOS
        assert EOS not in one.tokens[:-1]
