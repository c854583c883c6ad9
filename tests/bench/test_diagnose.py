"""The diagnosis of a benchmark's rows, from the command line to the report."""

import json
from dataclasses import replace

import numpy as np
import pytest
from toy import TEXT, toy

from lmbench.bench import diagnose
from lmbench.bench.pace import Grid, paces
from lmbench.bench.results import load, load_diagnosis
from lmbench.cli import main
from lmbench.models.ngram import NGram
from lmbench.models.recurrent import Recurrent
from lmbench.storage import read_json, write_json

ROWS = """
story = ["나는 매우 춥다", "나는 무지 배가 고프다"]
[corpus]
train = "train.txt"
[quick]
train_lines = 60
[rows.gru]
kind = "recurrent"
cell = "gru"
dim = 4
hidden = 4
[rows.rnn]
kind = "recurrent"
cell = "rnn"
dim = 4
hidden = 6
[rows.gru-again]
kind = "recurrent"
cell = "gru"
dim = 4
hidden = 5
[rows.mle]
kind = "ngram"
order = 3
smoothing = "mle"
[rows.wb]
kind = "ngram"
order = 3
smoothing = "witten_bell"
"""
DIAGNOSE = ["diagnose", "--benchmark", "tiny.toml", "--quick", "--jobs", "1", "--out", "out"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder in which a quick run and its diagnosis were made."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "tiny.toml").write_text(ROWS, "utf-8")
    (folder / "train.txt").write_text("\n".join(map(" ".join, [row for row in TEXT * 3 if row])) + "\n", "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr("lmbench.report.figures.draw", lambda *_: {})
        assert main(["run", "all", "--benchmark", "tiny.toml", "--quick", "--out", "out"]) == 0
        assert main([*DIAGNOSE, "--sentence", "너는  엄청 춥다", "--sentence", "나는 무지 배가 고프다"]) == 0
    return folder


@pytest.fixture
def here(home, monkeypatch):
    monkeypatch.chdir(home)
    monkeypatch.setattr("lmbench.report.figures.draw", lambda *_: {})
    return home


def parts(home):
    return load_diagnosis(home / "out" / "tiny-quick" / "facts")


def test_the_report_has_the_section(home):
    assert "## Why gates" in (home / "out" / "tiny-quick" / "report.md").read_text("utf-8")
    assert set(parts(home)) == {"memory", "rows", "pace"}
    assert {result.row for result in load(home / "out" / "tiny-quick" / "facts")} == {
        "gru", "rnn", "gru-again", "mle", "wb",
    }  # fmt: skip


def test_the_first_row_of_each_cell_and_the_best_ngram_are_looked_at(home):
    facts, arrays = parts(home)["rows"]
    assert [(row["row"], row["cell"], row["units"]) for row in facts["rows"]] == [("rnn", "rnn", 6), ("gru", "gru", 4)]
    assert {line["row"] for line in facts["history"]["lines"]} == {"rnn", "gru", "wb"}
    assert {line["row"] for line in parts(home)["pace"][0]["lines"]} == {"rnn", "gru", "wb"}
    # the last sentence of the story, then those asked for, each once; a trace reads <s> and the words
    assert facts["sentences"] == [["나는", "무지", "배가", "고프다"], ["너는", "엄청", "춥다"]]
    assert {name: values.shape for name, values in arrays.items()} == {
        "gates_1_0_reset": (5, 4), "gates_1_0_update": (5, 4), "gates_1_1_reset": (4, 4), "gates_1_1_update": (4, 4),
    }  # fmt: skip


def test_all_of_the_history_is_the_rows_own_loss(home):
    found = parts(home)["rows"][0]["history"]
    results = {result.row: result for result in load(home / "out" / "tiny-quick" / "facts")}
    assert found["tokens"] == sum(results["rnn"].arrays["row_tokens"])  # all of test is less than is looked at
    for row in ("rnn", "gru", "wb"):
        (all_of_it,) = [line for line in found["lines"] if line["row"] == row and line["history"] is None]
        assert np.exp(all_of_it["nats"]) == pytest.approx(results[row].metrics["ppl"], rel=1e-6)
    steps = [line["history"] for line in found["lines"] if line["row"] == "wb"]
    assert steps[:2] == [1, 2]
    wb = {line["history"]: line["nats"] for line in found["lines"] if line["row"] == "wb"}
    assert wb[2] == wb[None] != wb[1]  # a trigram uses two words


def test_again_is_the_same_and_the_task_is_not_done_again(here, capsys):
    before = {
        name: (here / "out/tiny-quick/facts/diagnosis" / f"{name}.json").read_bytes() for name in ("memory", "rows")
    }
    tables = {path.name: path.read_bytes() for path in (here / "out" / "tiny-quick").glob("*.csv")}
    assert main([*DIAGNOSE, "--sentence", "너는 엄청 춥다"]) == 0
    assert "long-lag task: done already" in capsys.readouterr().err
    for name, content in before.items():
        assert (here / "out/tiny-quick/facts/diagnosis" / f"{name}.json").read_bytes() == content
    after = {path.name: path.read_bytes() for path in (here / "out" / "tiny-quick").glob("*.csv")}
    assert {name for name in tables if tables[name] != after[name]} <= {"timings_length.csv"}


def test_the_task_comes_out_the_same_in_processes_of_its_own():
    task = replace(diagnose.QUICK.task, updates=2, asked=10)
    few = replace(diagnose.QUICK, task=task, lags=(3,), shown=3)
    assert list(diagnose._practised(few, 1)) == list(diagnose._practised(few, 2))


def refused(capsys, *words):
    try:
        code = main(words)
    except SystemExit as error:  # of an option that is refused as it is read
        code = error.code
    assert code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


def test_what_is_not_fitted_is_said_in_one_line(here, capsys):
    said = refused(capsys, "diagnose", "--benchmark", "tiny.toml", "--out", "elsewhere")
    assert "no recurrent row of tiny has been fitted in elsewhere/tiny" in said
    assert "python -m lmbench run gru rnn gru-again --benchmark tiny" in said
    assert not (here / "elsewhere").exists()


def test_without_a_recurrent_row_there_are_no_gates(here, capsys):
    (here / "counts.toml").write_text('[corpus]\ntrain = "train.txt"\n[rows.one]\nkind = "ngram"\n', "utf-8")
    said = refused(capsys, "diagnose", "--benchmark", "counts.toml", "--out", "out")
    assert "no row of kind 'recurrent'" in said


def test_rows_of_another_text_are_not_diagnosed(here, capsys):
    facts = here / "out" / "tiny-quick" / "facts" / "benchmark.json"
    before = facts.read_text("utf-8")
    told = read_json(facts)
    told["corpus"]["fingerprint"] = "another"
    write_json(facts, json.dumps(told))
    try:
        assert "run them again with python -m lmbench run rnn gru" in refused(capsys, *DIAGNOSE)
    finally:
        facts.write_text(before, "utf-8")
    with pytest.raises(SystemExit):
        main([*DIAGNOSE[:-2], "--jobs", "0", "--out", "out"])
    assert "--jobs 0 is not a whole number from 1" in capsys.readouterr().err


def test_paces_are_of_every_length_and_number_of_rows():
    train, valid, _ = toy()
    grid = Grid(lengths=(2, 5), rows=(1, 3), least=1, seconds=0.0, counted=20)
    net = Recurrent(cell="gru", dim=3, hidden=3, epochs=1).fit(train, valid)
    weights = {name: values.copy() for name, values in net.state().items()}
    found = list(paces("net", net, train, grid))
    assert {(pace.what, pace.length, pace.rows) for pace in found} == {
        (what, length, rows) for what in ("score", "train") for length in (2, 5) for rows in (1, 3)
    }
    assert all(pace.tokens_per_second > 0 for pace in found)
    for name, values in net.state().items():
        np.testing.assert_array_equal(values, weights[name])  # another model was trained
    counted = list(paces("two", NGram(order=2).fit(train, valid), train, grid))
    assert [(pace.length, pace.rows) for pace in counted if pace.what == "train"] == [(2, 0), (5, 0)]
