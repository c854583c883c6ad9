"""Figures of others beside ours."""

import math

import made
import pytest

from lmbench.measures.published import Published
from lmbench.report import numbers, published
from lmbench.report.facts import read


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0234, "+2.34 %"), (-0.0234, "−2.34 %"), (-1e-6, "0.00 %"), (1e-6, "0.00 %"), (math.nan, numbers.DASH)],
)
def test_a_difference_has_a_sign_unless_it_is_nothing(value, shown):
    assert numbers.difference(value) == shown


def test_a_line_a_figure_and_nothing_without(tmp_path):
    facts = read(made.build(tmp_path))
    assert published.section(facts) == ""
    ours = next(row for row in facts.scored if row.name == "lstm").mean("ppl")
    figures = {
        "lstm": vars(Published(ppl=ours / 1.01, within_share=0.02, source="a|paper")),
        "rnn": vars(Published(at_most=1.0)),
        "kn-3": vars(Published(ppl=2.0)),
        "absent": vars(Published(ppl=2.0)),
    }
    shown = published.section(type(facts)({**facts.benchmark, "published": figures}, facts.rows))
    lines = [[cell.strip() for cell in line.replace(r"\|", "¦").split("|")[1:-1]] for line in shown.splitlines()[4:]]
    assert [line[0] for line in lines] == ["lstm", "rnn", "kn-3"]
    assert lines[0][3:] == ["+1.00 %", lines[0][4], "yes", "a¦paper"]
    assert lines[0][4].endswith("within 2 %")
    assert lines[1][4:6] == ["at most 1", "**no**"]
    assert lines[2][4:6] == ["shown only", numbers.DASH]
