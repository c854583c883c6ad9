"""The section of other tools' conventions: what is shown, and what a dash."""

from __future__ import annotations

from dataclasses import replace

import made
import numpy as np
import pytest

from lmbench.report import conventions
from lmbench.report.facts import read


def build(folder, edit=lambda result: result, **test):
    """A run whose test has 600 tokens, 120 </s> and 60 unknown words; perplexities are of one log2 sum."""
    statistics = made.benchmark([])["statistics"]
    statistics[-1] = {**statistics[-1], "tokens": 600, "oov_tokens": 60, **test}
    return read(made.build(folder, edit=edit, statistics=statistics))


def record(facts, name):
    table = conventions.table(facts)
    (line,) = (line for line in table.to_dict("records") if line["row"] == name)
    return line


def two_bits(result):
    """2 bits for a known token, 5 for <unk>: 1380 in all, </s> of it 240; nothing impossible."""
    metrics = {
        "ppl": 2 ** (1380 / 600), "ppl_no_unk": 4.0, "ppl_no_eos": 2 ** (1140 / 480),
        "bits_per_token": 1380 / 600, "bits_per_char": 1500 / 2400,
    }  # fmt: skip
    return replace(result, metrics=result.metrics | (metrics if "ppl" in result.metrics else {}))


def test_by_hand(tmp_path):
    found = record(build(tmp_path, two_bits, words=500, bytes=3000), "kn-3")
    assert found == {
        "row": "kn-3",
        "ppl": pytest.approx(2 ** (1380 / 600)),
        "srilm_ppl": pytest.approx(4.0),
        "srilm_ppl1": pytest.approx(2 ** (1080 / 420)),  # 480 words, 60 of them unknown
        "kenlm_including": pytest.approx(2 ** (1380 / 600)),
        "kenlm_excluding": pytest.approx(4.0),
        "nltk_idiom": pytest.approx(2 ** (1380 / 720)),  # a trigram: 480 words and 2 * 120 ends
        "lm_eval_word_perplexity": pytest.approx(2 ** (1500 / 500)),
        "lm_eval_byte_perplexity": pytest.approx(2 ** (1500 / 3000)),
        "lm_eval_bits_per_byte": pytest.approx(0.5),
    }


def test_a_row_without_an_order_has_no_padding_and_facts_of_earlier_runs_no_bytes(tmp_path):
    facts = build(tmp_path)
    assert record(facts, "lstm")["nltk_idiom"] is None
    assert record(facts, "kn-3")["lm_eval_byte_perplexity"] is None
    shown = next(line for line in conventions.section(facts).splitlines() if line.startswith("| lstm |"))
    assert shown.endswith("| – | – | – | – |")


def test_zeros_need_their_totals(tmp_path):
    def with_totals(result):
        return replace(result, metrics=result.metrics | {"possible_bits": 900.0, "impossible_known": 40.0})

    def infinite(result):
        return replace(result, metrics=result.metrics | ({"ppl_no_unk": np.inf} if result.row == "mle-3" else {}))

    older = record(build(tmp_path / "older", infinite), "mle-3")
    assert older["kenlm_including"] == np.inf
    assert older["srilm_ppl"] is None
    found = record(build(tmp_path / "newer", lambda result: with_totals(infinite(result))), "mle-3")
    assert found["srilm_ppl"] == pytest.approx(2 ** (900 / (600 - 60 - 40)))
    assert found["srilm_ppl1"] == pytest.approx(2 ** (900 / (480 - 60 - 40)))


def test_seeds_are_averaged(tmp_path):
    facts = build(tmp_path)
    (row,) = (row for row in facts.rows if row.name == "lstm")
    assert record(facts, "lstm")["kenlm_including"] == pytest.approx(row.mean("ppl"))


def test_a_literal_unk_is_spoken_of(tmp_path):
    facts = build(tmp_path)
    assert "literal word" not in conventions.section(facts)
    literal = replace(facts, benchmark={**facts.benchmark, "corpus": {**facts.corpus, "literal_unk": True}})
    assert "This text has the literal word `<unk>`" in conventions.section(literal)


def test_rows_without_perplexities_and_texts_without_counts_have_none(tmp_path):
    facts = build(tmp_path)
    assert "stupid" not in {line["row"] for line in conventions.table(facts).to_dict("records")}
    bare = replace(facts, benchmark={**facts.benchmark, "statistics": []})
    assert conventions.section(bare) == ""
    assert len(conventions.table(bare)) == 0
