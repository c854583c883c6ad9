"""Rows at several sizes of train, and rows whose settings valid chooses."""

from pathlib import Path

import numpy as np
import pytest
from settings import RECURRENT
from toy import TEXT

from lmbench.bench import runner
from lmbench.bench.benchmark import cut_down, load, parse
from lmbench.bench.results import Result, load_one
from lmbench.bench.specs import Row
from lmbench.bench.variants import best
from lmbench.errors import BadConfig, BadModel
from lmbench.models import construct
from lmbench.ngrams.smoothing import METHODS
from lmbench.report.facts import read as read_facts
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import Vocabulary

ROWS = {
    "two": {"kind": "ngram", "order": 2},
    "net": {"kind": "recurrent", "epochs": 9},
    "mix": {"kind": "mixture", "components": ["two", "net"]},
    "floor": {"kind": "grammar"},
}
GRID = {"two": {"order": [2, 3], "smoothing": ["mle", "katz"]}, "net": {"lr": [0.1, 0.2, 0.3, 0.4]}}


def read(**tables):
    return parse({"corpus": {"train": "a.txt"}, "rows": ROWS, **tables}, "mine", Path(), "mine.toml")


def names(rows):
    return [row.name for row in rows]


def test_every_row_that_learns_has_every_size():
    found = read(curve={"sizes": [100, 1000], "epochs": [7, 3]})
    assert names(found.rows) == ["floor", "two@100", "net@100", "mix@100", "two@1000", "net@1000", "mix@1000"]
    at = {row.name: row for row in found.rows}
    assert at["mix@100"].components == ("two@100", "net@100")
    assert (at["net@100"].train_lines, at["net@100"].of, at["net@100"].settings) == (100, "net", {"epochs": 7})
    assert at["two@1000"].settings == {"order": 2}  # says nothing of epochs, so it gets none
    assert at["floor"].train_lines is None


def test_a_row_s_name_stands_for_all_its_sizes():
    found = read(curve={"sizes": [100, 1000]})
    assert names(found.select(["two"])) == ["two@100", "two@1000"]
    assert names(found.select(["mix@100"])) == ["two@100", "net@100", "mix@100"]


def test_quick_leaves_the_sizes_that_are_left():
    small = cut_down(read(curve={"sizes": [100, 1000]}, quick={"train_lines": 500}))
    assert names(small.rows) == ["floor", "two@100", "net@100", "mix@100"]


def test_trials_stand_before_the_row_they_are_for():
    found = read(search={"trials": 4, "grid": GRID})
    assert names(found.rows)[:5] == ["two#1", "two#2", "two#3", "two#4", "two"]
    at = {row.name: row for row in found.rows}
    assert at["two#2"].settings == {"order": 2, "smoothing": "katz"}
    assert at["two#2"].trial == {"order": 2, "smoothing": "katz"}
    assert list(at["two"].tries) == ["two#1", "two#2", "two#3", "two#4"]
    assert names(found.select(["two"])) == ["two#1", "two#2", "two#3", "two#4", "two"]
    assert not at["mix"].tries


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({"curve": {"sizes": []}}, "do not rise"),
        ({"curve": {"sizes": [10, 10]}}, "do not rise"),
        ({"curve": {"sizes": [0, 10]}}, "sizes = [0, 10] is not a list, each item a whole number from 1"),
        ({"curve": {"sizes": [10, 20], "epochs": [3]}}, "1 for 2 sizes"),
        ({"curve": {"size": [10]}}, "no key 'size'; did you mean 'sizes'"),
        ({"curve": {"epochs": [3]}}, "has no sizes, which it needs"),
        ({"search": {"trials": 2, "grid": {"tow": {"order": [2, 3]}}}}, "did you mean 'two'"),
        ({"search": {"trials": 3, "grid": {"two": {"order": [2, 3]}}}}, "2 combinations where trials = 3"),
        ({"search": {"trials": 2, "grid": {"two": {"order": 2}}}}, "not a table of fields and lists"),
        ({"search": {"grid": {}}}, "has no trials, which it needs"),
        ({"curve": {"sizes": [10]}, "search": {"trials": 1, "grid": {}}}, "both [curve] and [search]"),
        ({"equal": {"watts": {"rows": ["two"], "within": 0.1}}}, "no cost for mine.toml: [equal.watts] 'watts'"),
        ({"equal": {"seconds": {"rows": ["tow"], "within": 0.1}}}, "did you mean 'two'"),
        ({"equal": {"seconds": {"rows": ["two"]}}}, "has no within"),
    ],
)
def test_errors_say_what_to_write(tables, said):
    with pytest.raises(BadConfig) as error:
        read(**tables)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def tried(name, **metrics):
    return Result(benchmark="b", row=name, kind="ngram", family="ngram", config={}, key="k", metrics=metrics)


def test_the_best_on_valid_is_taken_the_first_of_equals():
    row = Row(
        "r", "ngram", {"order": 9, "k": 1.0}, tries={"r#1": {"order": 2}, "r#2": {"order": 3}, "r#3": {"order": 4}}
    )
    found, said = best(row, [tried("r#1", valid_ppl=5.0), tried("r#2", valid_ppl=4.0), tried("r#3", valid_ppl=4.0)])
    assert found.settings == {"order": 3, "k": 1.0}
    assert said == "best on valid of 3 settings: order = 3"
    assert best(row, [tried("r#1"), tried("r#3", valid_ppl=9.0)])[0].settings["order"] == 4
    with pytest.raises(BadModel, match="none of the 2 settings tried for 'r'"):
        best(row, [tried("r#1"), tried("r#2")])


RUN = """
[corpus]
train = "train.txt"
min_count = 2
"""
SEARCH = """
[search]
trials = 2
[search.grid.net]
lr = [1e-6, 0.05]
[search.grid.two]
order = [12, 2]
[rows.two]
kind = "ngram"
fallback = false
[rows.net]
kind = "recurrent"
cell = "rnn"
dim = 4
hidden = 4
epochs = 2
[rows.mix]
kind = "mixture"
components = ["two", "net"]
"""
CURVE = """
[curve]
sizes = [2, 9]
[rows.two]
kind = "ngram"
order = 2
smoothing = "witten_bell"
"""


def ran(folder, text, seeds=1):
    (folder / "tiny.toml").write_text(RUN + text, "utf-8")
    (folder / "train.txt").write_text("\n".join(map(" ".join, TEXT)) + "\n", "utf-8")
    planned = runner.plan(load(str(folder / "tiny.toml")), ["all"], out=folder, side_by_side=1, seeds=seeds)
    results = [event for event in runner.run(planned) if isinstance(event, Result)]
    return planned, {(result.row, result.seed): result for result in results}


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    return ran(tmp_path_factory.mktemp("searched"), SEARCH, seeds=2)


def test_settings_are_tried_with_one_seed_and_the_row_has_all(searched):
    _, found = searched
    assert [key for key in found if "#" in key[0]] == [("two#1", None), ("two#2", None), ("net#1", 0), ("net#2", 0)]
    assert {("net", 0), ("net", 1), ("mix", 0), ("mix", 1)} < set(found)


def test_the_row_is_the_best_trial_and_says_so(searched):
    _, found = searched
    assert found["net#2", 0].metrics["valid_ppl"] < found["net#1", 0].metrics["valid_ppl"]
    assert found["net", 0].config["lr"] == found["net", 1].config["lr"] == 0.05
    assert found["net", 0].metrics["valid_ppl"] == found["net#2", 0].metrics["valid_ppl"]
    assert "best on valid of 2 settings: lr = 0.05" in found["net", 0].notes


def test_a_setting_that_fails_is_not_chosen(searched):
    _, found = searched
    assert "order" in str(found["two#1", None].error)
    assert found["two", None].error is None
    assert found["two", None].config["order"] == 2


def test_no_trial_has_a_number_of_test(searched):
    planned, found = searched
    for (row, _), result in found.items():
        if "#" in row:
            assert set(result.metrics) <= {"valid_ppl"}
            assert not [name for name in result.arrays if name != "curve"]
    stored = load_one(planned.folder / "facts" / "net%232.seed0.json")
    assert set(stored.metrics) == {"valid_ppl"}


def test_facts_list_what_was_tried_and_reports_keep_it_apart(searched):
    planned, _ = searched
    listed = planned.facts["rows"]
    assert [row["trial"] for row in listed if row.get("of") == "net"] == [{"lr": 1e-6}, {"lr": 0.05}]
    facts = read_facts(planned.folder)
    assert names(facts.rows) == ["two", "net", "mix"]
    assert names(facts.trials) == ["two#1", "two#2", "net#1", "net#2"]
    assert not any(row.absent for row in facts.trials)


def test_nothing_is_tried_twice(searched):
    planned, _ = searched
    again = runner.plan(planned.benchmark, ["all"], out=planned.folder.parent, side_by_side=1, seeds=2)
    assert [job.stem for job in again.todo] == ["two#1".replace("#", "%23")]  # what failed is tried again


def test_rows_are_trained_on_the_beginning_of_train(tmp_path):
    planned, found = ran(tmp_path, CURVE)
    train, test = planned.bench.train, planned.bench.yardstick.test
    for size in (2, 9):
        model = construct("ngram", {"order": 2, "smoothing": "witten_bell"}, "x")
        model.fit(train.take(range(size)), planned.bench.valid)
        expected = test.row_sums(model.log_probs(test))
        np.testing.assert_array_equal(found[f"two@{size}", None].arrays["row_log_probs"], expected)
    facts = read_facts(planned.folder)
    assert names(facts.rows) == ["two@9"]
    assert names(facts.smaller) == ["two@2"]


def test_no_size_is_larger_than_train(tmp_path):
    with pytest.raises(BadConfig, match="asks for 4000 sentences of train, which has"):
        ran(tmp_path, CURVE.replace("9", "4000"))


KINDS = [
    *(("ngram", {"order": order, "smoothing": method}) for method in METHODS for order in (2, 5)),
    ("similarity", {}),
    ("class_bigram", {"classes": 3}),
    ("infinity", {}),
    ("cache", {}),
    ("cbow", {"dim": 4, "epochs": 1}),
    *(("recurrent", {**RECURRENT, "epochs": 1, **more}) for more in ({}, {"mapped": True}, {"tied": False})),
]


@pytest.mark.parametrize(("kind", "fields"), KINDS, ids=str)
@pytest.mark.parametrize("size", [1, 3])
def test_every_kind_copes_with_events_that_a_small_train_never_saw(kind, fields, size):
    """Two hundred events of which a part of train has a handful: still a distribution, and nothing breaks."""
    words = [f"w{number}" for number in range(200)]
    vocab = Vocabulary.of_words(words)
    rows = [[words[(7 * i + j) % 5 if i < 3 else (13 * i + 3 * j) % 200] for j in range(4)] for i in range(60)]
    whole, valid = Sentences.encode(rows, vocab), Sentences.encode(rows[30:], vocab)
    model = construct(kind, fields, "x").fit(whole.beginning(size), valid)
    log_probs = model.log_probs(valid)
    assert log_probs.shape == (valid.n_tokens,)
    assert not np.isnan(log_probs).any()
    unsmoothed = kind == "infinity" or fields.get("smoothing") == "mle" or not model.normalised
    assert unsmoothed or np.isfinite(log_probs).all()
    if model.normalised:
        prefixes = Sentences.encode_prefixes([[], ["w0"], ["w150", "w0"], ["w1", "w150"]], vocab)
        np.testing.assert_allclose(np.exp(model.next_log_probs(prefixes)).sum(axis=1), 1, atol=1e-4)
