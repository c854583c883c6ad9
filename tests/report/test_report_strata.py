"""Tables by stratum: parts add up, the best row of each family is shown, all are in the CSV."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import made
import numpy as np
import pytest

from lmbench.report import strata, strata_figures, tables
from lmbench.report.canvas import style
from lmbench.report.compare import Comparison
from lmbench.report.facts import read

REPORTS = Path(__file__).parent.parent.parent / "reports" / "published"
LONG = {
    **{f"share_suffix_{n}": share for n, share in (("9+", 0.25), ("5-8", 0.25), ("0", 0.5))},
    **{f"ppl_suffix_{n}": ppl for n, ppl in (("9+", 2.0), ("5-8", 20.0), ("0", 200.0))},
    **{f"agreement_suffix_{n}": share for n, share in (("9+", 0.9), ("5-8", 0.4), ("0", 0.0))},
}
SHORT = {
    **{"share_context_0": 0.5, "ppl_context_0": 70.0, "agreement_context_0": 0.0},
    **{"share_context_1+": 0.5, "ppl_context_1+": 50.0, "agreement_context_1+": 0.1},
}


def frequency(rare, common):
    """A quarter of the tokens rare: bits are log2(rare) / 4 + 3 log2(common) / 4."""
    return {
        "share_frequency_1-9": 0.25, "ppl_frequency_1-9": rare, "agreement_frequency_1-9": 0.0,
        "share_frequency_10+": 0.75, "ppl_frequency_10+": common, "agreement_frequency_10+": 0.5,
        "bits_per_token": np.log2(rare) / 4 + 3 * np.log2(common) / 4,
    }  # fmt: skip


def facts(tmp_path, strata_of):
    def edit(result):
        return replace(result, metrics={**result.metrics, **strata_of.get(result.row, {})})

    return read(made.build(tmp_path, edit=edit))


def report(tmp_path, strata_of):
    return strata.section(facts(tmp_path, strata_of), ["strata"])


def test_rows_that_sort_contexts_alike_share_a_table_of_the_best_of_each_family(tmp_path):
    text = report(tmp_path, {"kn-2": LONG, "kn-3": LONG, "lstm": SHORT})
    assert "| row | suffix 0 | suffix 5-8 | suffix 9+ |" in text
    assert "| share of tokens | 50.0 % | 25.0 % | 25.0 % |" in text
    assert "| kn-3 | 200.00 (0) | 20.00 (0.400) | 2.000 (0.900) |" in text
    assert "kn-2" not in text
    assert "| row | context 0 | context 1+ |" in text
    assert "| lstm | 70.00 (0) | 50.00 (0.100) |" in text


def test_one_stratum_is_no_table(tmp_path):
    assert report(tmp_path, {"lstm": {name: value for name, value in SHORT.items() if "0" not in name}}) == ""


def test_parts_of_a_line_add_up_to_its_bits(tmp_path):
    text = report(tmp_path, {name: frequency(256.0, 16.0) for name in made.MODELS})
    assert "| **frequency** | 1-9 | 10+ | bits/token |" in text
    assert "| share of tokens | 25.0 % | 75.0 % | – |" in text
    # 8 bits at a quarter of the tokens, 4 at the others: 2 + 3 = 5
    assert "| mix | 256.00 (2.000) | 16.00 (3.000) | 5.000 |" in text
    assert "| lstm |" not in text  # lstm-w2v is better and of the same family
    assert "![" in text


def test_all_rows_are_in_the_csv_and_not_in_the_main_one(tmp_path):
    found = facts(tmp_path, {"kn-2": LONG, "kn-3": LONG, "lstm": SHORT})
    lines = strata.tables(found)["strata.csv"]
    assert set(lines["row"]) == {"kn-2", "kn-3", "lstm"}
    assert lines[lines["row"] == "kn-3"]["stratum"].tolist() == ["0", "5-8", "9+"]
    assert lines[lines["row"] == "kn-3"]["bits"].tolist() == pytest.approx(np.log2([200, 20, 2]).tolist())
    assert set(lines[lines["row"] == "lstm"]["seed"]) == {0, 1, 2}
    for table in tables.main(found, Comparison(found)), tables.seeds(found):
        assert not [name for name in table.columns if "suffix" in name or "context" in name]
        assert "ppl_no_unk" in table.columns


def test_without_strata_there_is_nothing(tmp_path):
    found = facts(tmp_path, {})
    assert strata.section(found, ["strata"]) == ""
    assert not len(strata.tables(found)["strata.csv"])
    assert strata_figures.frequency(found, Comparison(found)) is None


def test_the_figure_has_a_line_for_the_best_of_each_family(tmp_path):
    found = facts(tmp_path, {name: frequency(500.0, 9.0) for name in made.MODELS})
    with style():
        (axes,) = strata_figures.frequency(found, Comparison(found)).axes
    assert [text.get_text().split(",")[0] for text in axes.texts] == [row.name for row in found.leaders]
    assert len(axes.lines) == len(found.leaders) > 3


@pytest.mark.parametrize("path", sorted(REPORTS.glob("*/strata.csv")), ids=lambda path: path.parent.name)
def test_in_reports_strata_add_up_for_every_row_in_every_way(path):
    with path.open(encoding="utf-8") as lines:
        found: dict[tuple[str, ...], float] = {}
        for line in csv.DictReader(lines):
            key = (line["row"], line["seed"], line["way"])
            found[key] = found.get(key, 0.0) + float(line["share"]) * float(line["bits"])
    with (path.parent / "seeds.csv").open(encoding="utf-8") as lines:
        bits = {(line["row"], line["seed"]): line["bits_per_token"] for line in csv.DictReader(lines)}
    assert found
    for (row, seed, way), total in found.items():
        assert total == pytest.approx(float(bits[row, seed])), (row, seed, way)
