"""Names come from somebody's files: none may break a table, run in a spreadsheet, or be read as HTML or a formula."""

from __future__ import annotations

import csv
import io
import re
from itertools import pairwise

import made
import pandas as pd
import pytest

from lmbench.report import markdown, numbers, tables
from lmbench.report.compare import Comparison
from lmbench.report.document import render
from lmbench.report.facts import read
from lmbench.report.figures import story
from lmbench.report.layout import round_numbers, spread
from lmbench.report.write import write


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A report in which every name is one that breaks something somewhere."""
    models = dict.fromkeys(made.HOSTILE, made.MODELS["kn-3"])
    models["`tick`|"] = ("n|gram", "n|gram", *made.MODELS["lstm"][2:])
    folder = tmp_path_factory.mktemp("hostile")
    words = {"sentences": [["|", "<b>", "$x$", "=1+1"], ["a", "b", "c", "d"], ["@x", "-y", "`", "\\frac"]]}
    made.build(folder, models, story=words, title="a\n# b | <script>", headline=["<i>", "$x$ y"])
    write(folder)
    return folder


def test_tables_keep_their_columns(hostile):
    """Every line of a table has as many unescaped bars as its header."""
    lines = (hostile / "report.md").read_text("utf-8").split("\n")
    bars = [len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0 for line in lines]
    assert sum(map(bool, bars)) > 30
    for (before, after), line in zip(pairwise(bars), lines[1:], strict=True):
        assert not before or not after or before == after, line


def test_no_name_becomes_html(hostile):
    text = (hostile / "report.md").read_text("utf-8")
    prose = re.sub(r"`[^`\n]*`", "", text)
    assert not re.findall(r"<[a-zA-Z/]", prose)
    assert "&lt;img onerror=x>" in text
    assert text.startswith("# a # b \\| &lt;script>\n")
    assert not re.findall(r"(?<!\\)\$", prose)


def test_no_cell_is_a_formula(hostile):
    for path in hostile.glob("*.csv"):
        for record in csv.reader(io.StringIO(path.read_text("utf-8"))):
            for cell in record:
                try:
                    float(cell)
                except ValueError:
                    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")), (path.name, cell)


def test_names_survive_in_csv(hostile):
    names = {row["row"] for row in csv.DictReader(io.StringIO((hostile / "main.csv").read_text("utf-8")))}
    assert {"'=cmd|x", "a|b", "<img onerror=x>", "$\\frac$", "two\nlines"} <= names


def test_svg_is_well_formed(hostile):
    from xml.etree import ElementTree

    for path in (hostile / "figures").glob("*.svg"):
        ElementTree.fromstring(path.read_bytes())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a|b", "a\\|b"),
        ("<b>&amp;", "&lt;b>&amp;amp;"),
        ("a_b", "a_b"),
        ("_a_", "\\_a\\_"),
        ("[x](y)", "\\[x\\](y)"),
        ("$\\frac$", "\\$\\\\frac\\$"),
        ("two\nlines", "two lines"),
        ("무지 배가", "무지 배가"),
    ],
)
def test_escape(text, shown):
    assert markdown.escape(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"), [("# x", "\\# x"), ("- x", "\\- x"), ("12. x", "12\\. x"), ("x - y", "x - y")]
)
def test_paragraphs_start_nothing_else(text, shown):
    assert markdown.paragraph(text) == shown


@pytest.mark.parametrize(("text", "shown"), [("a", "`a`"), ("a`b", "``a`b``"), ("`", "`` ` ``")])
def test_code(text, shown):
    assert markdown.code(text) == shown


@pytest.mark.parametrize(
    ("show", "value", "text"),
    [
        (numbers.perplexity, 8.9144, "8.914"),
        (numbers.perplexity, 12345.6, "12,346"),
        (numbers.perplexity, float("inf"), "∞"),
        (numbers.perplexity, None, "–"),
        (numbers.share, 0.0, "0"),
        (numbers.share, 1e-5, "<0.001"),
        (numbers.share, 0.5, "0.500"),
        (numbers.share, 0.99999, ">0.999"),
        (numbers.share, 1.0, "1"),
        (numbers.gain, -0.5, "−0.500"),
        (numbers.gain, -1e-9, "0.000"),
        (numbers.gain, float("-inf"), "−∞"),
        (numbers.probability, 2.34e-7, "2.3e-7"),
        (numbers.probability, 0.0, "0"),
        (numbers.size, 2.5e6, "2.5 MB"),
        (numbers.rank, 2.5, "2.5"),
    ],
)
def test_numbers(show, value, text):
    assert show(value) == text


def test_csv_cells():
    frame = pd.DataFrame({"=a": ["+1", "x,y", None], "n": [0.1 + 0.2, 3, -float("inf")]}, dtype=object)
    assert tables.csv(frame) == "'=a,n\n'+1,0.30000000000000004\n\"x,y\",3\n,-inf\n"


def test_labels_are_moved_apart():
    assert spread([10, 10, 50], 6) == pytest.approx([7, 13, 50])
    assert min(spread([0, 0, 1], 5)) == 0


def test_a_log_axis_always_has_round_numbers():
    for low, high in ((9.5, 9.9), (9.5, 12), (80, 190), (4, 50000), (101, 103), (7, 7)):
        assert len(round_numbers(low, high)) >= 1


def test_explanations_are_of_columns_that_are_shown(tmp_path):
    facts = read(made.build(tmp_path, made.MODELS | {}))
    text = render(facts, Comparison(facts), [])
    for name in ("perplexity", "bits/token", "can say 무지 배가 (headline@100)", "C3 crossed", "perplexity on held"):
        assert f"**{name}**: " in text
    assert "literal" not in text


CONTROL = ("\x1b[31mred", "a\u202eb", "\x9b2J", "bell\x07")


def test_control_characters_of_a_text_are_shown_and_steer_nothing(tmp_path):
    """In the report; tables are data, and say what the text has, each record on its line."""
    words = {"sentences": [list(CONTROL), ["a", "b", "c", "d"], ["x", "y", "z", "w"]]}
    made.build(tmp_path, {"kn-3": made.MODELS["kn-3"]}, story=words, title=CONTROL[0])
    write(tmp_path)
    text = (tmp_path / "report.md").read_text("utf-8")
    assert not re.findall("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
    assert r"\\x1b\[31mred" in text
    assert set(CONTROL) <= set(pd.read_csv(tmp_path / "story.csv")["word"])


def test_words_that_are_not_in_the_vocabulary_are_marked_where_they_are_shown(tmp_path):
    words = {"sentences": [["a", "b", "c", "d"], ["a", "b", "c", "d"], ["a", "b", "c", "new"]], "unknown": ["new"]}
    made.build(tmp_path, {"kn-3": made.MODELS["kn-3"]}, story=words)
    write(tmp_path)
    text = (tmp_path / "report.md").read_text("utf-8")
    assert "| new † |" in text
    assert "† new is not in the vocabulary: its probability and rank are those of `<unk>`" in text
    assert "In a b c new, new is not in the vocabulary" in text
    table = pd.read_csv(tmp_path / "story.csv")
    assert set(table["word"][~table["in_vocabulary"]]) == {"new"}
    drawn = story(read(tmp_path), Comparison(read(tmp_path)))
    assert [label.get_text() for label in drawn.axes[2].get_xticklabels()] == ["a", "b", "c", "new†", "</s>"]
    assert any("† not in the vocabulary" in text.get_text() for text in drawn.texts)
