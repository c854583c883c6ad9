"""Tables by stratum: rows that sort contexts alike share one, and rows that do not sort them are in none."""

from __future__ import annotations

from dataclasses import replace

import made

from lmbench.report import strata
from lmbench.report.facts import read

LONG = {
    **{f"share_suffix_{n}": share for n, share in (("9+", 0.25), ("5-8", 0.25), ("0", 0.5))},
    **{f"ppl_suffix_{n}": ppl for n, ppl in (("9+", 2.0), ("5-8", 20.0), ("0", 200.0))},
    **{f"agreement_suffix_{n}": share for n, share in (("9+", 0.9), ("5-8", 0.4), ("0", 0.0))},
}
SHORT = {"share_context_1+": 1.0, "ppl_context_1+": 50.0, "agreement_context_1+": 0.1}


def report(tmp_path, strata_of):
    def edit(result):
        return replace(result, metrics={**result.metrics, **strata_of.get(result.row, {})})

    return strata.section(read(made.build(tmp_path, edit=edit)))


def test_rows_with_the_same_strata_share_a_table_in_rising_order(tmp_path):
    text = report(tmp_path, {"kn-2": LONG, "kn-3": LONG, "lstm": SHORT})
    assert "| row | suffix 0 | suffix 5-8 | suffix 9+ |" in text
    assert "| share of tokens | 50.0 % | 25.0 % | 25.0 % |" in text
    for row in "kn-2", "kn-3":
        assert f"| {row} | 200.00 (0) | 20.00 (0.400) | 2.000 (0.900) |" in text
    assert "| row | context 1+ |" in text
    assert "| lstm | 50.00 (0.100) |" in text


def test_without_strata_there_is_no_section(tmp_path):
    assert report(tmp_path, {}) == ""
