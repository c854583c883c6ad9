"""Why gates: sentences that follow the numbers, tables, figures, and what stays out where facts are missing."""

from __future__ import annotations

import csv
import io

import made
import made_diagnosis
import pytest

from lmbench.errors import BadModel
from lmbench.report import gates, gates_figures, gradients
from lmbench.report.compare import Comparison
from lmbench.report.facts import read
from lmbench.report.write import write

TABLES = {"gradients", "gradient_steps", "long_lag", "history", "gates", "saturation", "timings_length"}
ALL = {**gates.CAPTIONS, **gradients.CAPTIONS}


def text(folder, **parts):
    return gates.section(read(made_diagnosis.build(made.build(folder, models={}), **parts)), list(ALL))


def memory(**changes):
    return (made_diagnosis.memory() | changes, {})


@pytest.fixture(autouse=True, scope="module")
def _no_other_figures():
    """The others have tests of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lmbench.report.figures.FIGURES", gates_figures.FIGURES)
        yield


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = made_diagnosis.build(made.build(tmp_path_factory.mktemp("gates"), models={}))
    write(folder)
    return folder


def records(report, name):
    return list(csv.DictReader(io.StringIO((report / name).read_text("utf-8"))))


def contents(folder):
    files = (path for path in folder.rglob("*") if path.is_file() and "facts" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_without_a_diagnosis_there_is_nothing(tmp_path):
    facts = read(made.build(tmp_path, models={}))
    assert gates.section(facts, list(ALL)) == ""
    assert not [name for name, frame in gates.tables(facts).items() if len(frame)]
    assert not [name for name, draw in gates_figures.FIGURES.items() if draw(facts, Comparison(facts))]


def test_every_table_and_figure_is_there(report):
    assert {name for name in TABLES if (report / f"{name}.csv").is_file()} == TABLES
    assert set(ALL) == set(gates_figures.FIGURES)
    page = (report / "report.md").read_text("utf-8")
    for name in ALL:
        assert (report / "figures" / f"{name}.png").read_bytes()[:4] == b"\x89PNG"
        assert f"(figures/{name}.png)" in page


def test_the_same_facts_give_the_same_bytes_and_only_timings_tell_of_another_machine(report, tmp_path):
    slower = {"lines": [line | {"tokens_per_second": 7.0} for line in made_diagnosis.pace()["lines"]]}
    folder = made_diagnosis.build(made.build(tmp_path, models={}), pace=(slower, {}))
    write(folder)
    before, after = contents(report), contents(folder)
    assert set(before) == set(after)
    assert {name for name in before if before[name] != after[name]} == {
        "report.md", "timings_length.csv", "figures/timings_length.png", "figures/timings_length.svg",
    }  # fmt: skip


def test_what_is_no_longer_diagnosed_goes(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "lmbench.report.figures.draw", lambda facts, _: {"vanishing.png": b"x"} if facts.diagnosis else {}
    )
    write(made_diagnosis.build(made.build(tmp_path, models={})))
    assert (tmp_path / "figures" / "vanishing.png").exists()
    assert (tmp_path / "history.csv").exists()
    for path in (tmp_path / "facts" / "diagnosis").iterdir():
        path.unlink()
    write(tmp_path)
    assert not [name for name in TABLES if (tmp_path / f"{name}.csv").exists()]
    assert "Why gates" not in (tmp_path / "report.md").read_text("utf-8")
    assert not (tmp_path / "figures").exists()


def test_half_lives_and_what_is_left(tmp_path):
    found = text(tmp_path)
    # at k = 100: 2^(-100 / 6) = 9.6e-6 of the RNN's norm, 2^(-100 / 1.5) = 8.5e-21 of the GRU's, before training
    assert "halves in 6.0 steps (RNN), halves in 4.0 steps (LSTM) and halves in 1.5 steps (GRU)" in found
    assert "RNN 9.6e-6, LSTM 3.0e-8 and GRU 8.5e-21 is left at k = 100" in found
    assert "the one cell without gates reaches farthest: its recurrent kernel is orthogonal" in found
    # after it, half-lives are twice as long: 2^(-100 / 100) = 0.5 of the GRU's whose gates are set for the lag
    assert "0.500 (GRU, gates set for the lag) in what learnt it;" in found
    assert "0.0031 (RNN) and 0.420 (LSTM, gates set for the lag through c) in what learnt it in part;" in found
    assert "1.7e-4 (LSTM through c) and 9.2e-11 (GRU) in what did no better than guess." in found
    assert "| GRU | 30 | 5,902 | 1.5 steps | 8.5e-21 | 3.0 steps | 9.2e-11 | 0.120 |" in found


def test_who_reaches_farthest_is_read_off(tmp_path):
    changed = [
        made_diagnosis.curve(80.0, 100, net="gru", when="start", state="h")
        if (line["net"], line["when"]) == ("gru", "start")
        else line
        for line in made_diagnosis.memory()["gradients"]
    ]
    found = text(tmp_path, memory=memory(gradients=changed))
    assert "GRU reaches farthest." in found
    assert "orthogonal" not in found


def test_exploding_stands_apart_and_clipping_is_told(tmp_path):
    vanish, explode = text(tmp_path).split("### Gradients that explode")
    assert "clip" not in vanish
    assert (
        "doubles in 2.0 steps (RNN, spectral radius 4.00), doubles in 4.0 steps (LSTM, spectral radius 4.00)" in explode
    )
    assert "is then 1.0e9 lr long for RNN; clipped at 1 it is 1.00 lr, and never more than clip × lr." in explode
    assert "no step on that lag is longer than 0.40 lr, so clipping changes nothing there" in explode
    wild = [line | {"free": 5.0} for line in made_diagnosis.memory()["strides"]]
    assert "clipping changes nothing" not in text(tmp_path / "wild", memory=memory(strides=wild))


def test_lags_that_are_learnt(tmp_path):
    found = text(tmp_path)
    assert "answered right by: RNN up to lag 10; LSTM up to lag 10; GRU up to lag 10;" in found
    assert "GRU, gates set for the lag up to lag 100. Chance is 12.5 %." in found
    assert "Gates of the GRU that are set for the lag at the start lengthen its reach from 10 to 100." in found
    assert "Gates of the LSTM" not in found
    assert "| RNN | 1 (50) | 0.500 |" in found
    nothing = [line | {"accuracy": 0.2} for line in made_diagnosis.memory()["curve"]]
    assert "RNN at no lag;" in text(tmp_path / "none", memory=memory(curve=nothing))


def test_history_that_counts(tmp_path):
    found = text(tmp_path)
    # e^2.301 is 0.1 % above e^2.3; kn-3 has e^2.8 from two tokens on
    assert "`rnn` needs 5 tokens, `lstm` needs 5 tokens, `=gru|x` needs 5 tokens and `kn-3` needs 2 tokens" in found
    assert "| kn-3 | 22.20 | 16.44 | 16.44 | 16.44 |" in found
    facts, arrays = made_diagnosis.rows()
    lines = [line | {"nats": line["nats"] + (line["history"] is not None)} for line in facts["history"]["lines"]]
    far = facts | {"history": facts["history"] | {"lines": lines}}
    assert "`kn-3` needs all of it" in text(tmp_path / "far", rows=(far, arrays))


def test_gates_and_the_convention_of_the_gru(tmp_path):
    found = text(tmp_path)
    assert "below 0.1 at 6.0 % of its values on test, is the output gate of `lstm`" in found
    assert "above 0.9 at 30.0 %, the update gate of `=gru|x`" in found
    assert "The update gate of `=gru|x` keeps 0.750 of the past at a token on average." in found
    for part in ("Cho et al. 2014", "Chung et al. 2014", "torch r, z, n; Keras z, r, h", "reset_after=False"):
        assert part in found
    assert "&lt;img onerror=x>" in found
    assert "| =gru\\|x | update |" in found


def test_gates_by_word(report):
    lines = records(report, "gates.csv")
    mine = [line for line in lines if (line["row"], line["gate"], line["sentence"]) == ("lstm", "forget", "0")]
    assert [line["word"] for line in mine] == ["<s>", "나는", "무지", "배가", "고프다"]
    # 30 values from 0 to 1, six a word: the first word's are 0, 1/29, ..., 5/29
    assert float(mine[0]["mean"]) == pytest.approx(2.5 / 29, abs=1e-6)
    assert float(mine[0]["below_0.1"]) == pytest.approx(3 / 6)
    assert float(mine[-1]["above_0.9"]) == pytest.approx(3 / 6)
    assert {line["row"] for line in lines} == {"lstm", "'=gru|x"}


def test_speed_against_length(tmp_path):
    found = text(tmp_path)
    assert "Trained on sentences of 80 tokens, 1 and 64 side by side: `rnn` 1,000 and 64,000," in found
    assert "are scored as" not in found  # no two of its measurements are of as many tokens
    lines = [line | {"rows": 16 if line["rows"] == 64 else line["rows"]} for line in made_diagnosis.pace()["lines"]]
    equal = text(tmp_path / "equal", pace=({"lines": lines}, {}))
    assert "Tokens/s where 80 tokens are scored as 1 sentence of 80 and as 16 sentences of 5 side by side:" in equal
    assert "`rnn` 1,000 and 64,000 (64.0 ×)" in equal
    assert "`kn-3` 2,000,000 and 2,000,000 (1.0 ×)" in equal
    assert "`kn-3`, which counts them all at once, 1,500,000." in found
    assert "| kn-3 | trained on | all | 1,500,000 | 1,500,000 |" in found


@pytest.mark.parametrize("gone", ["memory", "rows", "pace"])
def test_a_part_that_is_missing_costs_only_itself(tmp_path, gone):
    found = text(tmp_path, **{gone: None})
    marks = {"memory": "### Remembering one symbol", "rows": "### How much history", "pace": "### Speed against"}
    assert {part: mark in found for part, mark in marks.items()} == {part: part != gone for part in marks}
    facts = read(tmp_path)
    needs = {"exploding": "memory", "long_lag": "memory", "history": "rows", "timings_length": "pace"}
    for name, part in needs.items():
        assert (gates_figures.FIGURES[name](facts, Comparison(facts)) is None) == (part == gone)


def test_what_was_diagnosed_on_another_text_is_left_out(tmp_path):
    facts, arrays = made_diagnosis.rows()
    own = made.benchmark([])["corpus"]["fingerprint"]
    assert "### Gates at work" in text(tmp_path / "own", rows=(facts | {"fingerprint": own}, arrays))
    found = text(tmp_path / "other", rows=(facts | {"fingerprint": "another"}, arrays))
    assert "### Gates at work" not in found
    assert "### Remembering one symbol" in found


def test_a_row_without_gates_is_enough(tmp_path):
    found = text(tmp_path, rows=made_diagnosis.rows(("rnn",)))
    assert "### Gates at work" not in found
    facts = read(tmp_path)
    assert gates_figures.gates(facts, Comparison(facts)) is gates_figures.saturation(facts, Comparison(facts)) is None
    assert gates_figures.history(facts, Comparison(facts)) is not None


def test_a_damaged_part_is_named(tmp_path):
    folder = made_diagnosis.build(made.build(tmp_path, models={}))
    (folder / "facts" / "diagnosis" / "rows.npz").write_bytes(b"x")
    with pytest.raises(BadModel, match=r"rows\.npz does not match its checksum"):
        read(folder)
    (folder / "facts" / "diagnosis" / "rows.json").write_text("{")
    with pytest.raises(BadModel, match=r"rows\.json ends without a checksum.* diagnose again"):
        read(folder)
