"""Whole reports: the same facts give the same bytes, stale files go, every row has its line."""

from __future__ import annotations

import csv
import io
import json
import logging
import math
import warnings
from dataclasses import replace
from pathlib import Path

import made
import matplotlib as mpl
import pytest
from matplotlib import font_manager

from lmbench.bench.keys import key_of
from lmbench.errors import BadConfig, BadModel
from lmbench.report import canvas, figures
from lmbench.report.compare import Comparison
from lmbench.report.document import render
from lmbench.report.facts import read
from lmbench.report.write import write

SPARSITY = ("sparsity", "sparsity_growth", "sparsity_longest", "sparsity_units")
FIGURES = ("overview", "perplexity", *SPARSITY, "coverage", "story", "timings_curve")


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and "facts" not in path.parts]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def records(folder: Path, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((folder / name).read_text("utf-8"))))


def document(folder: Path) -> str:
    facts = read(folder)
    return render(facts, Comparison(facts), [])


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The full report, written once; do not change it."""
    folder = made.build(tmp_path_factory.mktemp("report"))
    write(folder)
    return folder


def test_every_file_is_there(report):
    tables = (
        "main",
        "significance",
        "conventions",
        "seeds",
        "statistics",
        *SPARSITY,
        "sparsity_counts",
        "coverage",
        "story",
        "costs",
        "timings",
        "timings_curve",
    )
    expected = {f"{name}.csv" for name in tables} | {"report.md"}
    expected |= {f"figures/{name}.{suffix}" for name in FIGURES for suffix in ("png", "svg")}
    assert set(contents(report)) == expected


def test_other_timings_change_timings_csv_and_report_md_alone(report, tmp_path):
    """And the same facts give the same bytes, figures too: nothing else may differ."""
    write(made.build(tmp_path, edit=made.slower))
    before, after = contents(report), contents(tmp_path)
    assert set(before) == set(after)
    changed = {name for name in before if before[name] != after[name]}
    timings = {"timings.csv", "timings_curve.csv", "figures/timings_curve.png", "figures/timings_curve.svg"}
    assert changed == {"report.md", *timings}


def test_images_hold_no_date_and_no_version(report):
    for name, content in contents(report).items():
        if name.endswith(".png"):
            assert b"Software" not in content
            assert b"tEXt" not in content
        if name.endswith(".svg"):
            assert b"<dc:date>" not in content
            assert mpl.__version__.encode() not in content


def test_what_the_facts_no_longer_hold_is_deleted(tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "draw", lambda facts, _: {"story.png": b"x"} if facts.story else {})
    write(made.build(tmp_path))
    (tmp_path / "my notes.txt").write_text("mine")
    assert (tmp_path / "figures" / "story.png").exists()
    assert "The story" in (tmp_path / "report.md").read_text("utf-8")
    models = {name: model for name, model in made.MODELS.items() if name != "kn-2"}
    made.build(tmp_path, models, story={"sentences": []}, sparsity=[], headline=None)
    write(tmp_path)
    left = contents(tmp_path)
    assert "my notes.txt" in left
    assert not {"figures/story.png", "story.csv", "sparsity.csv"} & set(left)
    assert not (tmp_path / "figures").exists()
    assert (tmp_path / "facts" / "kn-2.json").exists()  # its facts stay, its row does not
    assert b"kn-2" not in left["main.csv"] + left["seeds.csv"] + left["coverage.csv"] + left["costs.csv"]
    text = left["report.md"].decode()
    assert "kn-2" not in text
    assert "The story" not in text
    assert "can say" not in text


def test_rows_come_from_the_benchmark(report):
    listed = [row["row"] for row in json.loads((report / "facts" / "benchmark.json").read_text("utf-8"))["rows"]]
    rows = {row["row"]: row for row in records(report, "main.csv")}
    assert {name.removeprefix("'") for name in rows} == set(listed)
    assert rows["absent"]["status"] == "missing"
    assert rows["broken"]["status"] == "failed: no | discounts <b>"
    assert rows["cache"]["group"] == "adaptive"
    assert rows["stupid"]["group"] == "score"
    text = document(report)
    assert "| absent | recurrent | missing |" in text
    assert "| broken | ngram | failed: no \\| discounts &lt;b> |" in text


def test_ranked_rows_stand_by_perplexity(report):
    ranked = [float(row["ppl"]) for row in records(report, "main.csv") if row["group"] == "ranked" and row["ppl"]]
    assert ranked == sorted(ranked)
    assert math.isinf(ranked[-1])


def test_csv_holds_numbers_in_full(report):
    stored = next(result for result in read(report).rows if result.name == "lstm").results
    rows = {row["seed"]: row for row in records(report, "seeds.csv") if row["row"] == "lstm"}
    for result in stored:
        assert float(rows[str(result.seed)]["ppl"]) == result.metrics["ppl"]
    main = {row["row"]: row for row in records(report, "main.csv")}
    mean = math.fsum(result.metrics["ppl"] for result in stored) / 3
    assert float(main["lstm"]["ppl"]) == mean
    assert float(main["lstm"]["ppl_seed_min"]) == min(result.metrics["ppl"] for result in stored)


def test_an_infinite_row_has_no_interval(report):
    row = next(row for row in records(report, "main.csv") if row["row"] == "mle-3")
    assert (row["ppl"], row["ppl_low"], row["above_best_bits"], row["tie_with_best"]) == ("inf", "", "inf", "false")
    assert "| mle-3 | ngram | ∞ | – |" in document(report)


def other_text(result):
    """The result as it would be over a smaller vocabulary."""
    text = {**made.TEXT, "vocabulary": {"events": 1922, "sha256": "w"}}
    own = {"text": text, "row": made.deciding(result.row)}
    return replace(result, deciding=own, key=key_of(own["text"], own["row"]))


def test_a_result_of_another_key_is_shown_apart_with_what_differs_and_compared_with_nothing(tmp_path):
    made.build(tmp_path, edit=lambda result: other_text(result) if result.row in ("mix", "lstm") else result)
    rows = {row.name: row for row in read(tmp_path).rows}
    assert rows["mix"].results == rows["lstm"].results == ()
    assert [result.seed for result, _ in rows["lstm"].stale] == [0, 1, 2]
    text = document(tmp_path)
    assert "| mix | mixture | stale (vocabulary 1,922 against 926); run it again |" in text
    assert "| lstm | 1 |" in text.split("## Stale results")[1].split("##")[0]
    write(tmp_path)
    ranked = {row["row"]: row for row in records(tmp_path, "main.csv")}
    assert ranked["mix"]["ppl"] == ""
    assert "mix" not in {row["row"] for row in records(tmp_path, "significance.csv")}


def test_seeds_of_the_key_that_holds_are_kept_apart_from_those_of_another(tmp_path):
    made.build(tmp_path, edit=lambda result: other_text(result) if result.seed == 1 else result)
    lstm = next(row for row in read(tmp_path).rows if row.name == "lstm")
    assert [result.seed for result in lstm.results] == [0, 2]
    assert [result.seed for result, _ in lstm.stale] == [1]
    assert lstm.absent == (1,)


def test_rows_scored_on_other_sentences_are_refused(tmp_path):
    def other(result):
        if result.row != "kn-2":
            return result
        return replace(result, arrays={**result.arrays, "row_tokens": result.arrays["row_tokens"][::-1]})

    with pytest.raises(BadModel, match=r"'kn-2'|run the benchmark again"):
        document(made.build(tmp_path, edit=other))


def test_seeds_that_failed_or_are_missing_are_said(tmp_path):
    failing = lambda result: (  # noqa: E731
        replace(result, error="diverged", metrics={}, arrays={}) if (result.row, result.seed) == ("rnn", 1) else result
    )
    made.build(tmp_path, edit=failing)
    (tmp_path / "facts" / "rnn.seed2.json").unlink()
    text = document(tmp_path)
    assert "- `rnn`: failed (seed 1): diverged" in text
    assert "- `rnn`: seeds not run: 2" in text


def test_a_seed_that_the_last_run_did_not_ask_for_is_reported_all_the_same(tmp_path):
    facts = read(made.build(tmp_path, seeds=[0]))
    assert facts.seeds == (0, 1, 2)
    lstm = next(row for row in facts.rows if row.name == "lstm")
    assert [result.seed for result in lstm.results] == [0, 1, 2]
    assert lstm.absent == ()


def test_a_quick_run_says_so(tmp_path, report):
    assert "> **Quick run" in document(made.build(tmp_path, quick=True))
    assert "Quick run" not in document(report)


def test_a_folder_without_facts_is_an_error_with_a_remedy(tmp_path):
    with pytest.raises(BadConfig, match="run the benchmark first"):
        write(tmp_path)


def test_a_run_with_nothing_scored_yet_is_a_report(tmp_path):
    write(made.build(tmp_path, models={}))
    assert "missing" in (tmp_path / "report.md").read_text("utf-8")


def test_streams_without_probes(tmp_path):
    """As the Penn Treebank is: no headline, no probes, no story, blocks instead of sentences."""

    def plain(result):
        arrays = {name: result.arrays[name] for name in ("row_log_probs", "row_tokens") if name in result.arrays}
        keep = {name: value for name, value in result.metrics.items() if name[:2] not in ("c0", "c1", "c2", "c3", "c4")}
        return replace(result, arrays=arrays, metrics={k: v for k, v in keep.items() if not k.startswith("c5")})

    models = {name: made.MODELS[name] for name in ("kn-3", "lstm")}
    corpus = made.benchmark([])["corpus"] | {"unit": "stream", "extra": [], "literal_unk": True}
    changes = {"headline": None, "probes": {"probes": [], "crossed": []}, "story": {"sentences": []}}
    folder = made.build(tmp_path, models, plain, corpus=corpus, **changes)
    written = {path.name for path in write(folder)}
    assert {"perplexity.png", "sparsity.png"} <= written
    assert not {"overview.png", "coverage.png", "story.png", "coverage.csv", "story.csv"} & written
    text = (folder / "report.md").read_text("utf-8")
    assert "one long stream" in text
    assert "blocks of 20 segments of test (6 of them; 6 are few, so it is approximate)" in text
    assert "Saying what was never seen" not in text


def test_hangul_is_drawn_with_our_font_alone(report, monkeypatch, caplog):
    manager = font_manager.fontManager
    with canvas.style():
        ours = [font for font in manager.ttflist if "DejaVu" in font.name or Path(font.fname) == canvas.FONT]
    monkeypatch.setattr(manager, "ttflist", ours)
    font_manager._findfont_cached.cache_clear() if hasattr(font_manager, "_findfont_cached") else None
    monkeypatch.setattr(figures, "_svg", lambda _figure: b"")
    facts = read(report)
    with warnings.catch_warnings(), caplog.at_level(logging.WARNING, "matplotlib"):
        warnings.simplefilter("error")
        drawn = figures.draw(facts, Comparison(facts))
    assert not caplog.records
    for name in FIGURES:
        assert drawn[f"{name}.png"] == (report / "figures" / f"{name}.png").read_bytes()


def test_no_setting_of_matplotlib_is_left_changed_or_listened_to(report):
    facts = read(report)
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "red"}):
        before = dict(mpl.rcParams)
        only = {"sparsity": figures.FIGURES["sparsity"]}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(figures, "FIGURES", only)
            drawn = figures.draw(facts, Comparison(facts))
        assert dict(mpl.rcParams) == before
    assert drawn["sparsity.png"] == (report / "figures" / "sparsity.png").read_bytes()


def test_the_font_is_the_one_its_license_is_of():
    folder = canvas.FONT.parent
    from lmbench.storage import sha256

    assert sha256(canvas.FONT) in (folder / "README.md").read_text("utf-8")
    assert "SIL OPEN FONT LICENSE" in (folder / "LICENSE.txt").read_text("utf-8")
