"""Facts that belong together: whatever changes between two runs, a report ranks rows of one text alone."""

import os
import random
import re
from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from lmbench.bench import benchmark, lock
from lmbench.bench.keys import digest, key_of, of_text
from lmbench.bench.results import load
from lmbench.bench.runner import plan
from lmbench.cli import main
from lmbench.report.facts import RANKED, read
from lmbench.text.tokenizers import TOKENIZERS

TOML = """
[corpus]
train = "train.txt"
valid = "valid.txt"
test = "test.txt"
min_count = {min_count}
[rows.one]
kind = "ngram"
order = 1
[rows.two]
kind = "ngram"
order = {order}
[rows.net]
kind = "recurrent"
cell = "rnn"
dim = 4
hidden = 4
epochs = 1
[rows.mix]
kind = "mixture"
components = ["one", "two"]
"""
WORDS = [f"w{i}" for i in range(40)]


def lines(seed, n):
    draw = random.Random(seed)
    return "".join(" ".join(draw.choices(WORDS, range(40, 0, -1), k=5)) + "\n" for _ in range(n))


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for split, n in (("train", 200), ("valid", 30), ("test", 40)):
        Path(f"{split}.txt").write_text(lines(n, n), "utf-8")
    describe()
    return tmp_path


def describe(min_count=1, order=2):
    Path("mine.toml").write_text(TOML.format(min_count=min_count, order=order), "utf-8")


def run(*names, code=0, more=()):
    assert main(["run", *names, "--benchmark", "mine.toml", "--out", "out", "--jobs", "1", *more]) == code
    return read(Path("out/mine"))


def stale(facts):
    return {row.name for row in facts.rows if row.stale}


def ranked(facts):
    """The names of the ranked rows, once the law is checked: they have the text and the keys of the plan."""
    plan = facts.benchmark["deciding"]
    rows = facts.grouped(RANKED)
    for row in rows:
        for result in (*row.results, *row.parts):
            assert result.deciding["text"] == plan["text"], f"{row.name} was scored on another text"
            assert (
                result.key
                == key_of(result.deciding["text"], result.deciding["row"])
                == key_of(plan["text"], plan["rows"][row.name])
            )
            assert result.metrics["n_tokens"] == plan["text"]["test"]["tokens"]
    return {row.name for row in rows}


CHANGES = {
    "another vocabulary": (lambda: describe(min_count=20), r"vocabulary \d+ against \d+"),
    "train grew": (
        lambda: Path("train.txt").write_text(lines(200, 260), "utf-8"),
        "tokens of train 1,200 against 1,560",
    ),
    "test changed at equal length": (
        lambda: Path("test.txt").write_text(lines(9, 40), "utf-8"),
        "other tokens of test",
    ),
    "valid changed": (lambda: Path("valid.txt").write_text(lines(9, 30), "utf-8"), "other tokens of valid"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_rows_of_an_earlier_text_are_shown_apart_until_they_are_run_again(here, capsys, change):
    assert ranked(run("one", "two")) == {"one", "two"}
    edit, differs = CHANGES[change]
    edit()
    facts = run("two")
    assert ranked(facts) == {"two"}
    assert stale(facts) == {"one"}
    told = Path("out/mine/report.md").read_text("utf-8").split("## Stale results")[1]
    assert re.search(differs, told)
    assert not Path("out/mine/significance.csv").exists()  # one row is compared with nothing
    capsys.readouterr()
    assert main(["score", "one", "test.txt", "--benchmark", "mine.toml", "--out", "out"]) == 2
    assert "fitted on another text" in capsys.readouterr().err
    assert ranked(run("all")) == {"one", "two", "net", "mix"}
    assert not stale(read(here / "out" / "mine"))


@pytest.mark.usefixtures("here")
def test_a_row_whose_field_has_changed_is_stale_and_the_others_are_not():
    run("one", "two", "mix")
    describe(order=3)
    facts = run("one")
    assert ranked(facts) == {"one"}
    assert stale(facts) == {"two", "mix"}  # what is made of a row changes with it
    told = Path("out/mine/report.md").read_text("utf-8")
    assert "order 2 against 3" in told
    assert ranked(run("all")) == {"one", "two", "net", "mix"}


@pytest.mark.usefixtures("here")
def test_seeds_stay_in_the_report_whatever_is_run_later():
    run("net", more=("--seeds", "3"))
    facts = run("one")
    net = next(row for row in facts.rows if row.name == "net")
    assert [result.seed for result in net.results] == [0, 1, 2]
    assert facts.seeds == (0, 1, 2)
    typed = Path("out/mine/report.md").read_text("utf-8").split("## How to reproduce")[1]
    assert "--seeds 3" in typed
    assert "run one" in typed


@pytest.mark.usefixtures("here")
def test_a_mixture_takes_its_parts_by_key():
    """Whatever lies under a component's name: the model of another run is refused, not mixed."""
    facts = run("mix")
    before = next(row for row in facts.rows if row.name == "mix").first.metrics["ppl"]
    for suffix in (".json", ".safetensors"):
        os.replace(f"out/mine/models/two{suffix}", f"kept{suffix}")
    describe(order=4)
    run("two")
    other = {suffix: Path(f"out/mine/models/two{suffix}").read_bytes() for suffix in (".json", ".safetensors")}
    describe()
    facts = run("mix")
    again = next(row for row in facts.rows if row.name == "mix").first
    assert again.metrics["ppl"] == before
    for suffix, content in other.items():
        Path(f"out/mine/models/two{suffix}").write_bytes(content)
    Path("out/mine/models/mix.json").unlink()
    facts = run("mix")  # two is not what it should be: it is fitted again, then mixed
    assert next(row for row in facts.rows if row.name == "mix").first.metrics["ppl"] == before


@pytest.mark.usefixtures("here")
def test_a_second_run_in_the_folder_is_told_who_is_at_work(capsys):
    reading = os.getpid()
    with lock.writing(Path("out/mine"), "lmbench run something"):
        lock._held.clear()  # as another process sees it
        assert main(["run", "one", "--benchmark", "mine.toml", "--out", "out"]) == 2
    said = capsys.readouterr().err
    assert f"process {reading}" in said
    assert "lmbench run something" in said


@pytest.mark.usefixtures("here")
def test_whatever_rows_are_measured_with_is_in_the_key():
    """Every field of the yardstick, not those that somebody thought of."""
    planned = plan(benchmark.load("mine.toml"), ["one"], out=Path("out"))
    corpus = SimpleNamespace(**{"train": planned.bench.train, "vocab": planned.bench.train.vocab, "unit": "sentence"})
    corpus.tokenizer, corpus.cutter = "whitespace", TOKENIZERS["whitespace"]
    yardstick = planned.bench.yardstick
    base = of_text(corpus, yardstick)
    assert base == planned.facts["deciding"]["text"]
    for field in fields(yardstick):
        other = planned.bench.train if field.name in ("valid", "test") else "something else"
        assert of_text(corpus, replace(yardstick, **{field.name: other})) != base, field.name


@pytest.mark.usefixtures("here")
def test_a_plan_writes_nothing():
    plan(benchmark.load("mine.toml"), ["all"], out=Path("out"))
    assert not Path("out/mine").exists()


def test_digests_tell_values_apart():
    values = [
        None,
        1,
        1.0,
        "1",
        (1,),
        ((1,),),
        {"a": 1},
        np.array([1]),
        np.array([1.0]),
        np.array([[1]]),
        {"a": {"b": 1}},
    ]
    assert len({digest(value) for value in values}) == len(values)
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})


def test_every_result_says_what_its_key_is_made_of(here):
    run("all")
    results = load(here / "out" / "mine" / "facts")
    assert len(results) == 4
    for result in results:
        assert result.key == key_of(result.deciding["text"], result.deciding["row"])
