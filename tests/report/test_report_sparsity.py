"""The sparsity laboratory's part of a report: sentences that follow the numbers, tables that may be missing."""

from __future__ import annotations

import made
import pytest

from lmbench.report import sparsity
from lmbench.report.facts import read


def section(folder, **changes):
    """The section where these tables of the laboratory are changed; None removes one."""
    tables = {name: lines for name, lines in (made.laboratory() | changes).items() if lines is not None}
    facts = read(made.build(folder, models={}, laboratory=tables))
    return sparsity.section(facts, sparsity.CAPTIONS)


def changed(table, key, value, **where):
    """The table with one number changed on the lines that match."""
    lines = made.laboratory()[table]
    return [line | ({key: value} if where.items() <= line.items() else {}) for line in lines]


PARTS = {
    "growth": ("### If train were smaller", "sparsity_growth.png"),
    "counts": ("### How often n-grams occur", "Good and Turing"),
    "longest": ("### How much history train has", "sparsity_longest.png"),
    "units": ("### In other units", "sparsity_units.png"),
}


@pytest.mark.parametrize("gone", PARTS)
def test_a_table_that_was_not_measured_is_left_out_whole(tmp_path, gone):
    text = section(tmp_path, **{gone: None})
    for part, marks in PARTS.items():
        assert [mark in text for mark in marks] == [part != gone] * 2


def test_facts_from_before_the_laboratory_have_the_table_they_had(tmp_path):
    facts = read(made.build(tmp_path, models={}, laboratory={}))
    text = sparsity.section(facts, sparsity.CAPTIONS)
    assert text.startswith("## What train never says")
    assert "43.3 % of the tokens of test end a 5-gram that never occurs in train, and 77.6 % of its sentences" in text
    assert "###" not in text
    frames = sparsity.tables(facts)
    assert {name for name, frame in frames.items() if len(frame)} == {"sparsity.csv"}
    assert sparsity.section(read(made.build(tmp_path, models={}, laboratory={}, sparsity=[])), []) == ""


def test_every_column_is_explained_once(tmp_path):
    for part in section(tmp_path).split("\n### "):
        header = next(line for line in part.splitlines() if line.startswith("| "))
        titles = [cell.strip() for cell in header.strip("|").split(" | ")]
        explained = [line for line in part.splitlines() if line.startswith("- **")]
        said = [title for line in explained for title in line.split("**")[1].split(", ")]
        assert said == titles
        assert all(line.endswith(".") and line.count(". ") == 0 for line in explained)


def test_growth_speaks_of_the_last_doubling(tmp_path):
    text = section(tmp_path)
    assert "With all 100,000 tokens of train instead of its first 50,000" in text
    assert "is: 2-grams 3.1 % instead of 10.0 % and 3-grams 17.7 % instead of 25.0 %." in text
    assert "| 5,000 | 25,000 | 2.0 % | 20.0 % | 40.0 % |" in text
    assert "### If train" not in section(tmp_path / "one", growth=made.laboratory()["growth"][:3])


def test_the_estimate_is_set_beside_what_test_shows(tmp_path):
    text = section(tmp_path)
    # 18,000 / 30,000 once; 18,000 / 90,000 = 20 % expected, 35 % found; 2,700 / 90,000 = 3 %, 3.1 % found
    assert "60.0 % of the 30,000 different 3-grams of train occur once." in text
    assert "3.0 % of 2-grams (3.1 % of those in test) and 20.0 % of 3-grams (more of those in test, 35.0 %)." in text
    fewer = section(tmp_path / "fewer", counts=changed("counts", "unseen", 0.1, order=3))
    assert "20.0 % of 3-grams (fewer of those in test, 10.0 %)" in fewer


def test_history_by_hand(tmp_path):
    # 60 tokens of 1 word, 240 of 2, 180 of 3, 90 of 4, 30 of 5: 1590 / 600 = 2.65
    text = section(tmp_path)
    assert "has 2.65 words on average" in text
    assert "5.0 % of the tokens have 5, and 10.0 % never stood after the word before them" in text
    assert "| held | 3 | 180 | 30.0 % | 60 |" in text
    more = section(tmp_path / "more", longest=changed("longest", "tokens", 660, set="test", length=1))
    assert "55.0 % never stood" in more


def test_units_are_compared_at_equal_span(tmp_path):
    # 2,400 characters are 600 words of 4 or 1,200 a|b of 2: a trigram of a|b spans 6, which is 1.5 words.
    # Between the word (4 %) and the 2-gram (20 %), half way: 12 %.
    text = section(tmp_path)
    assert "The share of test's tokens that train does not have is 5.0 % in `whitespace` and 0.0 % in `a|b`." in text
    assert "A 3-gram of `a|b` spans 6.0 characters on average and is unseen at 10.0 % of its tokens" in text
    assert "orders of `whitespace`, it would be 12.0 % there." in text
    assert "| a\\|b | 300 | 2.00 | 0.0 % | 0.0 % | 1.0 % | 10.0 % |" in text
    apart = section(tmp_path / "apart", units=changed("units", "tokens", 200, tokenizer="whitespace"))
    assert "it would be" not in apart  # one word spans more than any n-gram of the other unit


def test_a_stream_is_not_spoken_of_by_sentence(tmp_path):
    corpus = made.benchmark([])["corpus"] | {"unit": "stream"}
    text = sparsity.section(read(made.build(tmp_path, models={}, corpus=corpus)), [])
    assert "of its sentences" not in text
    assert "gives probability 0 to each of these" in text
