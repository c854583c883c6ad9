"""Which differences are real: the family that is tested, the one rule for ties, documents, seeds."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import replace

import made
import numpy as np
import pytest

from lmbench.errors import BadModel
from lmbench.measures.permutation import against_the_best, flipped_sums, sign_flip_p
from lmbench.report import significance
from lmbench.report.compare import Comparison
from lmbench.report.document import render
from lmbench.report.facts import read
from lmbench.report.tables import csv as to_csv


def compared(folder):
    facts = read(folder)
    return facts, Comparison(facts)


def lines(facts, comparison):
    """The table as it is stored."""
    return list(csv.DictReader(io.StringIO(to_csv(significance.table(facts, comparison)))))


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    return compared(made.build(tmp_path_factory.mktemp("significance")))


def documents(numbers):
    """A corpus whose test is of these documents."""
    return {"corpus": made.benchmark([])["corpus"] | {"test_documents": " ".join(map(str, numbers))}}


def test_every_ranked_row_but_the_best_is_compared_with_it(report):
    facts, comparison = report
    found = lines(facts, comparison)
    ranked = [row.name for row in facts.grouped("ranked")]
    assert {line["against"] for line in found} == {ranked[0]} == {"mix"}
    assert [line["row"].removeprefix("'") for line in found] == ranked[1:]  # the only adaptive row is its own best


def test_p_values_are_those_of_the_test_sentences_and_adjusted_as_one_family(report):
    facts, comparison = report
    rows = [row for row in facts.grouped("ranked") if math.isfinite(row.mean("ppl"))]
    best = rows[0].array("row_log_probs")
    gains = np.stack([best - row.array("row_log_probs") for row in rows[1:]], axis=1)
    expected = sign_flip_p(flipped_sums(gains))
    found = [comparison.to_best(row) for row in rows[1:]]
    assert [difference.p for difference in found] == pytest.approx(expected)
    assert [difference.adjusted for difference in found] == pytest.approx(against_the_best(expected))
    assert comparison.difference(rows[0], rows[1]).adjusted == found[0].adjusted  # either way round
    elsewhere = comparison.difference(rows[1], rows[2])
    assert elsewhere.adjusted == elsewhere.p


def test_an_infinite_perplexity_is_worse_for_certain_and_is_in_no_family(report):
    facts, comparison = report
    line = next(line for line in lines(facts, comparison) if line["row"] == "mle-3")
    assert (line["bits"], line["p"], line["p_adjusted"], line["tie"]) == ("inf", "", "", "false")
    assert "| mle-3 | mix | real | ∞ | – | – | – |" in significance.section(facts, comparison)


def test_ties_are_the_same_in_every_table(tmp_path):
    """Interval without 0, p below .05, and adjusted p above it: a tie wherever it is shown."""
    # eight rows 0.022 bits worse, which is some two standard errors: p is near .02, and of 9 rows there are 36 pairs
    models = {"mix": made.MODELS["mix"]}
    models |= {f"even-{i}": ("ngram", "ngram", 0.112, 0.01, 0.0, {"order": i}) for i in range(8)}
    facts, comparison = compared(made.build(tmp_path, models))
    found = [(row, comparison.to_best(row)) for row in facts.grouped("ranked")[1:]]
    only_adjusted = [row.name for row, d in found if d.low > 0 and d.p < 0.05 <= d.adjusted]
    assert only_adjusted
    text = render(facts, comparison, [])
    for name in only_adjusted:
        in_results, in_section, *_ = (line for line in text.splitlines() if line.startswith(f"| {name} | "))
        assert " | ≈ +" in in_results
        assert " | ≈ tie | " in in_section
        assert f"`{name}`" in next(line for line in text.splitlines() if line.startswith("- Not to be told from"))


def test_documents_are_drawn_whole(tmp_path, report):
    """Sixty documents of two sentences each, whose sentences are made to share their luck."""
    shared = np.repeat(np.random.default_rng(3).normal(0, 2, made.SENTENCES // 2), 2)

    def together(result):
        if result.row != "kn-3":
            return result
        return replace(result, arrays=result.arrays | {"row_log_probs": result.arrays["row_log_probs"] + shared})

    numbers = np.repeat(np.arange(made.SENTENCES // 2), 2)
    alone, whole = (
        compared(made.build(tmp_path / name, edit=together, **changes))
        for name, changes in (("alone", {}), ("whole", documents(numbers)))
    )
    assert (alone[1].clusters, whole[1].clusters) == (made.SENTENCES, made.SENTENCES // 2)
    narrow, wide = (
        comparison.difference(*(next(row for row in facts.rows if row.name == name) for name in ("kn-3", "kn-2")))
        for facts, comparison in (alone, whole)
    )
    assert wide.bits == pytest.approx(narrow.bits)
    assert wide.high - wide.low > 1.2 * (narrow.high - narrow.low)
    assert wide.p > narrow.p
    assert "on the same 60 documents of test." in significance.section(*whole)
    assert "documents of test (60 of them)" in render(*whole, [])
    assert "on the same 120 sentences of test." in significance.section(*report)


def test_documents_of_another_text_are_refused(tmp_path):
    comparison = compared(made.build(tmp_path, **documents([0, 1, 1])))[1]
    with pytest.raises(BadModel, match="name the documents of 3 sentences of test and rows were scored on 120"):
        comparison.clusters  # noqa: B018


def test_few_documents_are_tested_under_all_patterns_and_called_few(tmp_path):
    numbers = np.arange(made.SENTENCES) // 12
    said = significance.section(*compared(made.build(tmp_path, **documents(numbers))))
    assert "10 documents of test. They are few: below 20 an interval is approximate." in said
    assert "under all patterns of signs" in said
    assert "under 19,999 random patterns" not in said


def test_one_sentence_is_tested_with_nothing(tmp_path):
    facts, comparison = compared(made.build(tmp_path, **documents([0] * made.SENTENCES)))
    difference = comparison.to_best(facts.grouped("ranked")[1])
    assert math.isnan(difference.p)
    assert not difference.tie
    said = significance.section(facts, comparison)
    assert "Test is one sentence or one document: whether a difference is more than chance cannot be tested." in said


def test_rows_with_too_few_seeds_are_named(tmp_path, report):
    assert "Fewer than 3 seeds" not in significance.section(*report)
    folder = made.build(tmp_path)
    for name in ("rnn.seed1", "rnn.seed2", "lstm.seed2"):
        for suffix in (".json", ".npz"):
            (folder / "facts" / f"{name}{suffix}").unlink()
    said = significance.section(*compared(folder))
    assert (
        "Fewer than 3 seeds, so nothing is known of what another seed would change: `lstm` (2) and `rnn` (1)." in said
    )


def test_seeds_are_a_column_of_their_own_against_the_mean_of_the_best(report):
    facts, comparison = report
    best = facts.grouped("ranked")[0].mean("bits_per_token")
    (row,) = (row for row in facts.rows if row.name == "lstm")
    (line,) = (line for line in lines(facts, comparison) if line["row"] == "lstm")
    assert float(line["over_seeds_low"]) == pytest.approx(min(row.values("bits_per_token")) - best)
    assert float(line["over_seeds_high"]) == pytest.approx(max(row.values("bits_per_token")) - best)
    (line,) = (line for line in lines(facts, comparison) if line["row"] == "kn-3")
    assert (line["over_seeds_low"], line["n_seeds"]) == ("", "1")


def test_nothing_to_compare_is_no_section(tmp_path):
    facts, comparison = compared(made.build(tmp_path, {"mix": made.MODELS["mix"]}))
    assert significance.section(facts, comparison) == ""
    assert "## Which differences are real" not in render(facts, comparison, [])
