"""One text in several units: what the joined table says, by hand and over simulated runs."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import made
import numpy as np
import pytest

from lmbench.bench.results import SCHEMA, SENTENCES, pack
from lmbench.errors import BadModel
from lmbench.measures.perplexity import BITS
from lmbench.report.across import Joined
from lmbench.report.across_page import page, records
from lmbench.report.compare import Comparison
from lmbench.report.facts import read
from lmbench.report.figures import draw
from lmbench.report.write import write
from lmbench.storage import sha256, write_json, write_sealed

CHARACTERS, WORDS = 20, 5
"""Of each of made.SENTENCES sentences."""
MODELS = dict.fromkeys(("kn-2", "kn-3"), made.MODELS["kn-3"]) | {"lstm": made.MODELS["lstm"]}


def unit(folder, nats, spelled=1.0, valid=None, models=MODELS, sentences=None, **changes):
    """A run whose rows take so many nats of each sentence, beside so many bits that spell its unknown words."""

    def edit(result):
        if result.row not in nats:
            return result
        log_probs = np.full(made.SENTENCES, -1.0) * nats[result.row]
        metrics = {
            **result.metrics,
            "bits_per_char": 1.0 if np.isfinite(log_probs).all() else math.inf,
            "valid_ppl": (valid or {}).get(result.row, 9.0),
        }
        return replace(result, metrics=metrics, arrays={**result.arrays, "row_log_probs": log_probs})

    arrays = {
        "characters": np.full(made.SENTENCES, CHARACTERS),
        "words": np.full(made.SENTENCES, WORDS),
        "spelling_bits": np.full(made.SENTENCES, spelled),
    }
    kept = {name: array for name, array in {**arrays, **(sentences or {})}.items() if array is not None}
    packed = pack(kept)
    made.build(folder, models, edit, **{"sentences_sha256": sha256(packed), **changes})
    write_sealed(folder / "facts" / SENTENCES, packed)


def joined(folder, **changes):
    units = sorted(path.name for path in folder.iterdir() if path.name != "facts")
    table = {
        "schema": SCHEMA,
        "benchmark": "toy",
        "title": "Toy",
        "rows": [],
        "units": units,
        "command": "run",
        **changes,
    }
    (folder / "facts").mkdir(exist_ok=True)
    write_json(folder / "facts" / "benchmark.json", json.dumps(table))
    return Joined(read(folder))


NATS = {"kn-2": 30.0, "kn-3": 20.0, "lstm": 25.0}


def test_bits_are_all_bits_over_the_same_characters_and_words(tmp_path):
    unit(tmp_path / "letters", NATS)
    unit(tmp_path / "words", {**NATS, "lstm": 15.0}, spelled=4.0)
    found = joined(tmp_path)
    # 25 nats and 1 bit a sentence, 20 characters and 5 words: (25 / ln 2 + 1) / 20 and / 5
    lstm = found.cells["letters", "lstm"]
    assert found.per(lstm, "characters").value == pytest.approx((25 / math.log(2) + 1) / 20)
    assert found.per(lstm, "words").value == pytest.approx((25 / math.log(2) + 1) / 5)
    assert lstm.spelling == pytest.approx(1 / (25 / math.log(2) + 1))
    best = found.cells["words", "lstm"]
    assert found.best is best
    assert found.per(best, "characters").value == pytest.approx((15 / math.log(2) + 4) / 20)
    assert found.difference(lstm, best).value == pytest.approx((10 / math.log(2) - 3) / 20)


def test_of_several_orders_the_line_is_the_one_valid_prefers(tmp_path):
    unit(tmp_path / "letters", NATS, valid={"kn-2": 7.0, "kn-3": 8.0})  # though kn-3 is better on test
    unit(tmp_path / "words", NATS, valid={"kn-2": 8.0, "kn-3": 7.0})
    found = joined(tmp_path)
    assert found.lines == ["kn", "lstm"]
    assert {unit: found.cells[unit, "kn"].row.name for unit in found.units} == {"letters": "kn-2", "words": "kn-3"}
    assert "`kn-2` in letters and `kn-3` in words" in page(found, [])


def test_intervals_are_of_the_same_sentences_in_every_unit(tmp_path):
    rng = np.random.default_rng(3)
    hard = rng.normal(20, 8, made.SENTENCES).clip(2)
    unit(tmp_path / "letters", {**NATS, "lstm": hard})
    unit(tmp_path / "words", {**NATS, "lstm": hard + 1 / BITS * CHARACTERS / 10})
    found = joined(tmp_path)
    one, other = found.cells["letters", "lstm"], found.cells["words", "lstm"]
    wide, narrow = found.per(one, "characters"), found.difference(other, one)
    # a tenth of a bit a character in every sentence: paired, there is no doubt about it
    assert (narrow.low, narrow.value, narrow.high) == pytest.approx((0.1, 0.1, 0.1))
    assert not narrow.tie
    assert wide.high - wide.low > 0.2
    # a bootstrap of a mean of independent sentences is about as wide as 2 * 1.96 standard errors
    error = hard.std() * BITS / CHARACTERS / math.sqrt(made.SENTENCES)
    assert wide.high - wide.low == pytest.approx(2 * 1.96 * error, rel=0.1)


def test_the_best_is_bold_and_what_cannot_be_told_from_it_is_marked(tmp_path):
    noise = np.random.default_rng(4).normal(0, 5, made.SENTENCES)
    unit(tmp_path / "letters", {**NATS, "lstm": 20.0})
    unit(tmp_path / "words", {**NATS, "kn-3": 40.0, "kn-2": 40.0, "lstm": 20.01 + noise - noise.mean()})
    text = page(joined(tmp_path), [])
    rows = {line.split("|")[1].strip(): line for line in text.split("## Bits per word")[0].splitlines() if "[" in line}
    assert "**" in rows["letters"]
    assert "**" not in rows["words"]
    assert rows["words"].count("≈") == 1
    assert "a tie" in text


def test_rows_that_have_no_bits_are_left_out(tmp_path):
    unit(tmp_path / "letters", NATS)
    unit(tmp_path / "words", {**NATS, "kn-2": math.inf, "kn-3": math.inf})
    unit(tmp_path / "lossy", NATS, sentences={"spelling_bits": None})
    found = joined(tmp_path)
    assert set(found.cells) == {("letters", "kn"), ("letters", "lstm"), ("words", "lstm")}
    assert "| lossy | – | – |" in page(found, [])


@pytest.mark.parametrize(
    ("sentences", "changes"),
    [
        ({"characters": np.full(made.SENTENCES, 19)}, {}),
        ({"words": np.arange(made.SENTENCES)}, {}),
        ({}, {"corpus": made.benchmark([])["corpus"] | {"test_sha256": "other"}}),
        ({}, {"corpus": made.benchmark([])["corpus"] | {"train_sha256": "other"}}),
    ],
    ids=["characters", "words", "test", "train"],
)
def test_units_of_different_sentences_are_not_joined(tmp_path, sentences, changes):
    unit(tmp_path / "letters", NATS)
    unit(tmp_path / "words", NATS, sentences=sentences, **changes)
    with pytest.raises(BadModel, match="units 'letters' and 'words' were trained or scored on different sentences"):
        joined(tmp_path)


def test_the_table_of_cells_has_context_in_characters(tmp_path):
    unit(tmp_path / "letters", NATS, valid={"kn-3": 8.0})
    (kn, lstm) = records(joined(tmp_path))
    # made: 5 tokens and 20 characters a sentence of test; an order of 3 has 2 words before the last: 8 characters
    assert kn["context_characters"] == pytest.approx(8)
    assert lstm["context_characters"] is None
    assert kn["above_best"] is None
    assert lstm["above_best"] == pytest.approx(5 * BITS / CHARACTERS)
    assert lstm["seeds"] == 3


def test_it_is_written_with_its_figure_and_the_same_each_time(tmp_path):
    for name in ("letters", "words"):
        unit(tmp_path / name, NATS)
    joined(tmp_path, quick=True)
    first = {path: path.read_bytes() for path in write(tmp_path)}
    assert {path.relative_to(tmp_path).as_posix() for path in first} == {
        "report.md",
        "units.csv",
        "figures/units.png",
        "figures/units.svg",
    }
    assert {path: path.read_bytes() for path in write(tmp_path)} == first
    text = (tmp_path / "report.md").read_text("utf-8")
    assert "These numbers are not results" in text
    assert "figures/units.png" in text
    assert "[letters](letters/report.md) and [words](words/report.md)" in text


def test_without_a_cell_there_is_a_page_and_no_figure(tmp_path):
    unit(tmp_path / "lossy", NATS, sentences={"spelling_bits": None})
    joined(tmp_path)
    facts = read(tmp_path)
    assert draw(facts, Comparison(facts)) == {}
    write(tmp_path)
    assert "| lossy |" in (tmp_path / "report.md").read_text("utf-8")


def test_names_of_units_lead_to_folders_within_and_nowhere_else(tmp_path):
    unit(tmp_path / "deep" / "letters", NATS)
    found = joined(tmp_path / "deep", units=["../deep/letters"])
    assert found.units == ["letters"]
