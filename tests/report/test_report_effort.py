"""Equal effort: what was tried, whether rows that are to be alike in cost are."""

from __future__ import annotations

from dataclasses import replace

import made
import pytest

from lmbench.bench.results import Result
from lmbench.report import effort
from lmbench.report.compare import Comparison
from lmbench.report.facts import read

ROWS = [
    {"row": name, "kind": made.MODELS[name][0], "family": made.MODELS[name][1]}
    for name in ("kn-3", "rnn", "lstm", "floor")
]
TRIALS = [
    {"row": f"lstm#{number}", "kind": "recurrent", "family": "recurrent", "of": "lstm", "trial": {"lr": lr}}
    for number, lr in ((1, 0.1), (2, 0.2), (3, 0.3))
]
SIZES = {"rnn": 1010, "lstm": 1000}


def build(tmp_path, within=0.02, **changes):
    def edit(result):
        costs = {**result.costs, "fit_cpu_seconds": 20.0 if result.row == "rnn" else 10.0}
        return replace(
            result, n_params=SIZES.get(result.row, 5), costs=costs, metrics={**result.metrics, "valid_ppl": 7.0}
        )

    equal = {cost: {"rows": ["rnn", "lstm"], "within": within} for cost in ("parameters", "seconds")}
    models = {name: made.MODELS[name] for name in ("kn-3", "rnn", "lstm", "floor")}
    folder = made.build(tmp_path, models, edit, **{"rows": [*TRIALS, *ROWS], "equal": equal, **changes})
    for number, valid in ((1, 9.5), (2, 8.25)):
        Result(
            benchmark="toy", row=f"lstm#{number}", kind="recurrent", family="recurrent", config={}, seed=0,
            metrics={"valid_ppl": valid}, costs={"fit_cpu_seconds": 3.0},
            **made.belonging(f"lstm#{number}"),
        ).save(folder / "facts")  # fmt: skip
    Result(
        benchmark="toy",
        row="lstm#3",
        kind="recurrent",
        family="recurrent",
        config={},
        seed=0,
        error="diverged",
        **made.belonging("lstm#3"),
    ).save(folder / "facts")
    return read(folder)


def section(facts):
    return effort.section(facts, Comparison(facts))


def test_what_was_tried_is_summed_up_and_listed(tmp_path):
    facts = build(tmp_path)
    assert "| lstm | lr = 0.2 | 8.250 | 9.500 | 1 | 6.0 |" in section(facts)
    lines = effort.tables(facts)["search.csv"]
    assert lines["trial"].tolist() == ["lstm#1", "lstm#2", "lstm#3"]
    assert lines["chosen"].tolist() == [False, True, False]
    assert lines["valid_ppl"].tolist()[:2] == [9.5, 8.25]
    assert lines["error"].tolist()[2] == "diverged"


def test_rows_that_are_not_searched_stand_apart_without_references(tmp_path):
    given = section(build(tmp_path)).split("### As given")[1].split("###")[0]
    assert [line.split(" | ")[0] for line in given.splitlines() if line.startswith("| ")][2:] == ["| rnn", "| kn-3"]


def test_it_says_whether_costs_are_equal(tmp_path):
    text = section(build(tmp_path))
    assert "The dearest of these rows has 1.0 % more parameters than the cheapest; 2.0 % were allowed." in text
    assert "has 100.0 % more seconds of the processor than the cheapest, though only 2.0 % were allowed" in text
    assert text.count("**they are not equal**") == 1


def test_a_row_without_a_result_is_named(tmp_path):
    equal = {"parameters": {"rows": ["rnn", "lstm", "absent"], "within": 0.5}}
    assert "Without a result: `absent`." in section(build(tmp_path, equal=equal))


@pytest.mark.parametrize("equal", [{}, None])
def test_without_search_and_equal_costs_there_is_nothing(tmp_path, equal):
    facts = read(made.build(tmp_path, equal=equal))
    assert section(facts) == ""
    assert not len(effort.tables(facts)["search.csv"])
