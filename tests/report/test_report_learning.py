"""Learning curves: who overtakes whom, with how much text, how sure that is."""

from __future__ import annotations

import made
import numpy as np
import pytest

from lmbench.report import learning, learning_figures
from lmbench.report.canvas import style
from lmbench.report.compare import Comparison
from lmbench.report.facts import read
from lmbench.report.learning import Curves
from lmbench.report.write import write

ABOVE = {"kn": {100: 1.0, 10000: 0.6}, "lstm": {100: 2.0, 10000: 0.2}, "slow": {100: 3.0, 10000: 0.9}}
"""Bits above the floor of each line by sentences of train."""


def build(tmp_path, above=ABOVE):
    models = {
        f"{name}@{size}": ("ngram" if name == "kn" else "recurrent",) * 2 + (bits, 0.1, 0.0, {})
        for name, sizes in above.items()
        for size, bits in sizes.items()
    }
    rows = [
        {
            "row": name,
            "kind": model[0],
            "family": model[1],
            "of": name.split("@")[0],
            "train_lines": int(name.split("@")[1]),
        }
        for name, model in models.items()
    ]
    floor = {"floor": made.MODELS["floor"]}
    rows.append({"row": "floor", "kind": "grammar", "family": "reference"})
    return made.build(tmp_path, models={**models, **floor}, rows=rows)


def test_the_report_is_about_the_largest_size_and_the_section_about_all(tmp_path):
    facts = read(build(tmp_path))
    assert [row.name for row in facts.rows] == ["kn@10000", "lstm@10000", "slow@10000", "floor"]
    assert [row.name for row in facts.smaller] == ["kn@100", "lstm@100", "slow@100"]
    assert list(Curves(facts).lines) == ["kn", "lstm", "slow"]


def test_a_crossing_is_where_arithmetic_has_it(tmp_path):
    """lstm is 1.0 bit behind kn at 100 sentences and 0.4 ahead at 10,000: 1 / 1.4 of the way on a log scale."""
    crossings = {(one.line, one.over): one for one in Curves(read(build(tmp_path))).crossings}
    one = crossings["lstm", "kn"]
    assert one.size == pytest.approx(100 * 100 ** (1 / 1.4), rel=1e-6)
    assert one.low < one.size < one.high
    assert one.seeds == (pytest.approx(one.size),)
    assert crossings["slow", "kn"].size == np.inf


def test_words_follow_the_numbers(tmp_path):
    text = learning.section(Curves(read(build(tmp_path))), ["learning"])
    assert "`lstm` is ahead of `kn` from 2,700 [" in text
    assert "`slow` is not ahead of `kn` with 10,000 sentences." in text
    assert "| kn | +1.000 | +0.600 |" in text
    assert "one vocabulary" not in text
    assert "each network has one seed" in text
    ahead = {**ABOVE, "lstm": {100: 0.5, 10000: 0.1}}
    assert "`lstm` is ahead of `kn` at every size." in learning.section(Curves(read(build(tmp_path / "b", ahead))), [])


def test_a_line_without_some_sizes_has_dashes_and_is_compared_where_it_can_be(tmp_path):
    above = {"kn": {10: 2.0, **ABOVE["kn"]}, "lstm": ABOVE["lstm"], "one": {100: 0.1}}
    curves = Curves(read(build(tmp_path, above)))
    assert [(one.line, one.sizes) for one in curves.crossings] == [("lstm", (100, 10000))]
    assert "| one | – | " in learning.section(curves, [])


def test_seeds_widen_the_interval(tmp_path):
    """Two seeds of a line that differ by half a bit at each size: the interval covers drawing one of them twice."""
    folder = build(tmp_path)
    seeds = [
        made.result("lstm@100", 0, {"lstm@100": ("recurrent", "recurrent", bits, 0.1, 0.0, {})})
        for bits in (1.75, 2.25)
    ]
    narrow = Curves(read(folder)).crossing("lstm", "kn")
    (folder / "facts" / "lstm%40100.json").unlink()
    for seed, result in enumerate(seeds):
        object.__setattr__(result, "seed", seed)
        result.save(folder / "facts")
    wide = Curves(read(folder)).crossing("lstm", "kn")
    assert wide.size == pytest.approx(narrow.size, rel=0.02)
    assert wide.low < narrow.low < narrow.high < wide.high
    assert len(wide.seeds) == 1  # at the other size there is one


def test_tables_and_figure(tmp_path):
    folder = build(tmp_path)
    write(folder)
    facts = read(folder)
    points = learning.tables(Curves(facts))["learning.csv"]
    assert points["train_sentences"].tolist() == [100, 10000] * 3
    assert (points["ppl_low"] < points["ppl"]).all()
    assert (points["ppl"] < points["ppl_high"]).all()
    assert (folder / "figures" / "learning.png").is_file()
    assert (folder / "learning_crossings.csv").is_file()
    with style():
        (axes,) = learning_figures.learning(facts, Comparison(facts)).axes
    assert {text.get_text() for text in axes.texts} == {"floor", "kn", "lstm", "slow"}


def test_without_sizes_there_is_nothing(tmp_path):
    facts = read(made.build(tmp_path))
    curves = Curves(facts)
    assert learning.section(curves, ["learning"]) == ""
    assert not any(len(table) for table in learning.tables(curves).values())
    assert learning_figures.learning(facts, Comparison(facts)) is None
