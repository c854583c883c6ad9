"""What rows said, in a report: beside test, of rows as they are fitted now, with what there is to say of each."""

from __future__ import annotations

import made

from lmbench.bench.results import GENERATED, SCHEMA, file_stem, save_pair
from lmbench.report import generated
from lmbench.report.facts import read

TEXT = {
    "sentences": 1000, "words": 4.5, "cut_off": 0.0, "different": 0.9, "whole": 0.25, "copy_mean": 3.2,
    "copy_most": 8.0, **{f"novel_{n}": n / 10 for n in (1, 2, 3, 4, 5)}, **{f"distinct_{n}": n / 4 for n in (1, 2, 3)},
    **{f"again_{n}": 0.0 for n in (1, 2, 3)},
}  # fmt: skip
PROBED = {"pairs": 24, "pairs_said": 20, "times_said": 99, "headline_said": 7}
ROUNDS = {"rounds": 1000, "drawn": 0.31, "computed": 0.3, "apart": 1.5}


def section(folder, **said):
    """said: row -> the numbers of its text."""
    made.build(folder)
    speak(folder, **said)
    return generated.section(read(folder))


def speak(folder, **said):
    """Write what rows said beside their facts."""
    for row, numbers in said.items():
        name = "%test" if row == "test" else row.replace("_", "-")
        fitted = "" if row == "test" else made.belonging(name)["key"]
        about = {"schema": SCHEMA, "key": "", "fitted": fitted, "row": name}
        stem = name if row == "test" else file_stem(name, None)
        save_pair(folder / "facts" / GENERATED / stem, {**about, **numbers}, {})


def test_rows_stand_below_test_by_perplexity(tmp_path):
    said = section(tmp_path, test=TEXT, kn_3={**TEXT, "licensed": 0.5}, lstm=TEXT)
    assert "drew 1,000 sentences" in said
    lines = [line.split(" | ")[0] for line in said.splitlines() if line.startswith("| ")]
    assert lines == ["| text", "| ---", "| test", "| lstm", "| kn-3"] * 2
    assert "| 20.0 % | 30.0 % | 40.0 % | – |" in said  # only kn-3 is held against a grammar
    assert "| 20.0 % | 30.0 % | 40.0 % | 50.0 % |" in said
    assert "pairs of words that probes hold" not in said


def test_what_was_never_seen_is_counted_and_drawing_agrees_with_computing(tmp_path):
    said = section(tmp_path, test={**TEXT, **PROBED}, lstm={**TEXT, **PROBED, **ROUNDS})
    assert "Of the 24 pairs of words that probes hold" in said
    assert "| 20 | 99 | 7 | 0.310 | 0.300 | +1.500 |" in said
    assert "in 1,000 rounds a probe, agrees with coverage as computed in the one row" in said


def test_draws_that_do_not_agree_are_told_of(tmp_path):
    said = section(
        tmp_path, test=TEXT, lstm={**TEXT, **PROBED, **ROUNDS, "apart": -9.0}, kn_3={**TEXT, **PROBED, **ROUNDS}
    )
    assert "Coverage as drawn is not coverage as computed for `lstm`" in said


def test_a_row_that_was_fitted_anew_has_said_nothing_yet(tmp_path):
    assert section(tmp_path, test=TEXT) == ""
    made.build(tmp_path)
    about = {"schema": SCHEMA, "key": "", "fitted": "another", "row": "lstm"}
    save_pair(tmp_path / "facts" / GENERATED / "lstm", {**about, **TEXT}, {})
    assert generated.section(read(tmp_path)) == ""
