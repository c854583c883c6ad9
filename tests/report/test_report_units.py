"""The line that compares a benchmark with another of the same text in other units."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import made
import pytest

from lmbench.report.compare import Comparison
from lmbench.report.document import render
from lmbench.report.facts import read
from lmbench.report.units import sentences

BITS = {"kn-3": 2.5, "lstm": 2.0, "mix": 1.9, "mle-3": math.inf}


def build(folder, bits, tokenizer="whitespace", models=tuple(BITS), **changes):
    """A run in which these rows take so many bits per character; others have none."""

    def edit(result):
        metrics = {name: value for name, value in result.metrics.items() if name != "bits_per_char"}
        return replace(result, metrics=metrics | ({"bits_per_char": bits[result.row]} if result.row in bits else {}))

    corpus = (
        made.benchmark([])["corpus"]
        | {"tokenizer": tokenizer, "test_sha256": "same", "train_sha256": "a"}
        | changes.pop("corpus", {})
    )
    return made.build(folder, {n: made.MODELS[n] for n in models}, edit, corpus=corpus, **changes)


def said(tmp_path, bits, **changes):
    """What the report of `words` says, which is beside `letters`, whose rows take these bits."""
    build(tmp_path / "letters", bits, "syllables", **changes)
    facts = read(build(tmp_path / "words", BITS, compare=["letters"]))
    (line,) = sentences(facts, Comparison(facts))
    return line


def test_bests_shared_rows_and_the_cheaper_unit(tmp_path):
    # best here 1.9, there 1.6: 0.3 bits, 0.3 / 1.9 = 15.8 %
    assert said(tmp_path, {"kn-3": 1.7, "lstm": 1.6, "mix": 1.65}) == (
        "Units: over the same 2,400 characters of the same 120 test sentences, the best row here (`mix`, whitespace) "
        "takes 1.900 bits per character and the best row of `letters` (`lstm`, syllables) 1.600, the bits that spell "
        "the word behind each `<unk>` included; `mix` 1.900 here and 1.650 there, `lstm` 2.000 here and 1.600 there "
        "and `kn-3` 2.500 here and 1.700 there. The cheaper unit is that of `letters`, syllables, by 0.300 bits per "
        "character (15.8 %)."
    )


def test_the_one_here_may_be_cheaper_and_neither_may(tmp_path):
    assert "The cheaper unit is the one here, whitespace, by 0.100 bits" in said(tmp_path, {"mix": 2.0})
    assert "Neither unit is the cheaper one." in said(tmp_path / "equal", {"mix": 1.9002})


def test_a_row_that_only_one_has_is_not_shared(tmp_path):
    line = said(tmp_path, {"kn-3": 1.7, "mix": 1.6}, models=("kn-3", "mix"))
    assert "`lstm`" not in line
    assert "; `kn-3` 2.500 here and 1.700 there." in line  # mix is the best of both and has been said


def statistics(**changes):
    return [line | (changes if line["split"] == "test" else {}) for line in made.benchmark([])["statistics"]]


@pytest.mark.parametrize(
    ("bits", "changes", "reason"),
    [
        (BITS, {"statistics": statistics(characters=2401)}, "another one (characters: 2,400 here, 2,401 there)"),
        (BITS, {"statistics": statistics(sentences=119)}, "another one (sentences: 120 here, 119 there)"),
        (BITS, {"statistics": []}, "another one (characters: 2,400 here, – there)"),
        (BITS, {"corpus": {"test_sha256": "other"}}, "its test text is another one, though as long"),
        (BITS, {"corpus": {"train_sha256": "other"}}, "its rows learnt from another text"),
        (BITS, {"corpus": {"unit": "stream"}}, "one of the two reads its text as one stream"),
        ({}, {}, "no ranked row of the other has bits per character"),
        ({"mle-3": math.inf}, {}, "no ranked row of the other has bits per character"),
    ],
)
def test_what_is_not_comparable_is_refused_with_the_reason(tmp_path, bits, changes, reason):
    line = said(tmp_path, bits, **changes)
    assert line.startswith("Not compared with `letters`: ")
    assert reason in line


def test_the_line_is_in_the_report_and_needs_the_other_folder(tmp_path):
    folder = build(tmp_path / "words", BITS, compare=["letters"])

    def report():
        facts = read(folder)
        return render(facts, Comparison(facts), [])

    assert "`letters`" not in report()
    build(tmp_path / "letters", BITS, "syllables", compare=["words"])
    assert "- Units: over the same 2,400 characters" in report()


def test_facts_without_a_checksum_are_compared_by_their_size(tmp_path):
    assert said(tmp_path, BITS, corpus={"test_sha256": None}).startswith("Units: ")


def test_a_damaged_folder_beside_does_not_cost_the_report(tmp_path):
    folder = build(tmp_path / "words", BITS, compare=["letters"])
    other = build(tmp_path / "letters", BITS)
    (other / "facts" / "benchmark.json").write_text("{", "utf-8")
    facts = read(folder)
    (line,) = sentences(facts, Comparison(facts))
    assert line.startswith("Not compared with `letters`: ")
    assert "cannot be read" in line


def test_names_lead_to_folders_beside_and_nowhere_else(tmp_path):
    build(tmp_path / "letters", BITS)
    facts = read(build(tmp_path / "deep" / "words", BITS, compare=["../letters"]))
    assert facts.siblings == {}
    assert json.loads((tmp_path / "deep/words/facts/benchmark.json").read_text("utf-8"))["compare"] == ["../letters"]
