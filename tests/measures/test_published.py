"""Figures that others have published: what holds and what does not."""

import math
from pathlib import Path

import pytest

from lmbench.bench import benchmark
from lmbench.bench.benchmark import parse
from lmbench.errors import BadConfig
from lmbench.measures.published import Published, difference, verdicts

TABLE = {
    "corpus": {"builtin": "hungry"},
    "rows": {"one": {"kind": "ngram", "order": 1}, "two": {"kind": "ngram", "order": 2}},
}


@pytest.mark.parametrize(
    ("figure", "found", "holds", "wanted"),
    [
        (Published(ppl=141.19, within=0.01), 141.195, True, "141.19 within 0.01"),
        (Published(ppl=141.19, within=0.01), 141.201, False, "141.19 within 0.01"),
        (Published(ppl=100.0, within_share=0.03), 102.9, True, "100 within 3 %"),
        (Published(ppl=100.0, within_share=0.03), 96.9, False, "100 within 3 %"),
        (Published(at_most=103.0), 103.0, True, "at most 103"),
        (Published(at_most=103.0), math.inf, False, "at most 103"),
        (Published(below="other"), 49.9, True, "below other (50.00)"),
        (Published(below="other"), 50.0, False, "below other (50.00)"),
        (Published(at_most=60.0, below="other"), 55.0, False, "at most 60 and below other (50.00)"),
        (Published(ppl=124.7), 300.0, True, ""),  # shown, not enforced
        (Published(ppl=124.7, within=5.0), None, False, "124.7 within 5"),  # the row failed
    ],
)
def test_a_verdict(figure, found, holds, wanted):
    perplexities = {"other": 50.0} | ({} if found is None else {"row": found})
    (verdict,) = verdicts({"row": figure}, perplexities)
    assert (verdict.found, verdict.holds, verdict.wanted) == (found, holds, wanted)


def test_a_row_that_must_stay_below_one_without_a_result_does_not_hold():
    (verdict,) = verdicts({"row": Published(below="other")}, {"row": 1.0})
    assert (verdict.holds, verdict.wanted) == (False, "below other")


def test_the_difference_is_a_share_of_the_published_figure():
    verdict, other = verdicts({"a": Published(ppl=100.0), "b": Published(at_most=3.0)}, {"a": 97.0, "b": 2.0})
    assert difference(verdict) == pytest.approx(-0.03)
    assert math.isnan(difference(other))


def test_rows_to_run_are_those_with_figures_and_those_they_are_held_against():
    table = {**TABLE, "published": {"two": {"ppl": 3, "below": "one"}}}
    assert parse(table, "x", Path(), "x.toml").with_figures() == ["two", "one"]
    shown = {**TABLE, "published": {"two": {"ppl": 3, "source": "seen somewhere"}}}
    assert parse(shown, "x", Path(), "x.toml").with_figures() == []


@pytest.mark.parametrize(
    ("published", "says"),
    [
        ({"tow": {"ppl": 3.0}}, "no row for .* 'tow'; did you mean 'two'"),
        ({"two": {"pl": 3.0}}, "has no key 'pl'; did you mean 'ppl'"),
        ({"two": {"ppl": "3"}}, "ppl = '3' is not"),
        ({"two": {"below": "on"}}, "did you mean 'one'"),
        (3, "no row for"),
    ],
)
def test_what_is_not_a_published_figure_is_refused(published, says):
    with pytest.raises(BadConfig, match=says):
        parse({**TABLE, "published": published}, "x", Path(), "x.toml")


def test_the_penn_treebank_is_held_to_kenlm():
    figures = benchmark.load("ptb").published
    assert figures["mkn-5"] == Published(ppl=141.1862, within=0.01, source=figures["mkn-5"].source)
    assert all(figure.source for figure in figures.values())
