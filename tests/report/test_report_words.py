"""The sentences follow the numbers: when the numbers flip, so do they."""

from __future__ import annotations

from dataclasses import replace

import made
import numpy as np

from lmbench.report import words
from lmbench.report.compare import Comparison
from lmbench.report.facts import read


def said(folder, models=made.MODELS, edit=lambda result: result, **changes) -> str:
    facts = read(made.build(folder, models, edit, **changes))
    return "\n".join(words.sentences(facts, Comparison(facts)))


def without(*names):
    return {name: model for name, model in made.MODELS.items() if name not in names}


def test_the_best_row_is_named_with_its_lead(tmp_path):
    text = said(tmp_path)
    assert "by `mix` (family mixture)" in text
    assert "The best row of family ngram is `kn-3`" in text
    assert "worse than `mix`" in text


def test_an_n_gram_that_wins_is_said_to_win(tmp_path):
    text = said(tmp_path, made.bits_above("kn-3", 0.02))
    assert "by `kn-3` (family ngram)" in text
    assert "The best row of family recurrent is `lstm" in text
    assert "worse than `kn-3`" in text
    assert "The mixture `mix` is worse than the best of its parts, `kn-3`" in text


def test_a_tie_is_called_one(tmp_path):
    text = said(tmp_path, made.bits_above("kn-3", 0.0901))
    assert "a tie with `mix`" in text or "a tie with `kn-3`" in text
    assert "Not to be told from" in text


def test_infinite_rows_are_counted_and_explained(tmp_path):
    text = said(tmp_path)
    assert "1 of 10 ranked rows has an infinite perplexity, as it gives probability 0 to tokens of test" in text
    assert "`mle-3` to 40 of" in text
    assert "Maximum likelihood gives 0" in text
    smoothed = said(tmp_path / "other", without("mle-3"))
    assert "No ranked row gives probability 0 to any token of test." in smoothed
    assert "infinite" not in smoothed


def test_another_reason_for_zeros_is_not_blamed_on_maximum_likelihood(tmp_path):
    infinite = (*made.MODELS["kn-2"][:2], np.inf, 0.0, 0.0, {"smoothing": "kneser_ney"})
    assert "Maximum likelihood" not in said(tmp_path, made.MODELS | {"kn-2": infinite})


def test_the_gap_to_the_floor(tmp_path):
    assert "above it: what is left to learn" in said(tmp_path)
    below = said(tmp_path / "below", made.bits_above("mix", -0.2))
    assert "below it, which only luck or a leak of test can explain" in below
    assert "The distribution the text was drawn from" not in said(tmp_path / "none", without("floor"))


def test_exactly_half_only_where_every_probe_ties(tmp_path):
    text = said(tmp_path)
    line = next(line for line in text.split("\n") if "exactly 0.500" in line)
    assert "`kn-3`" in line
    assert "`lstm`" not in line

    def leak(result):
        if result.row != "kn-3":
            return result
        crossed = result.arrays["crossed_log_probs"].copy()
        crossed[0, 0] += 1e-3
        crossed[1, 0] -= 1e-3  # one win, one loss: 0.500 on average
        return replace(result, arrays={**result.arrays, "crossed_log_probs": crossed})

    text = said(tmp_path / "leak", edit=leak)
    line = next(line for line in text.split("\n") if "exactly 0.500" in line)
    assert "`kn-3`" not in line
    assert "`kn-3` averages 0.500 too, but by as many wins as losses" in text


def test_who_can_say_it(tmp_path):
    text = said(tmp_path)
    assert "배가 never follows 무지 in train." in text
    assert "`mle-3` can never say it" in text
    assert "`unigram` says it without preferring what fits" in text
    assert "나는 무지 배가 고프다 is impossible, at 배가, for `mle-3`." in text
    text = said(tmp_path / "none", without("mle-3", "unigram"))
    assert "No ranked row calls 나는 무지 배가 고프다 impossible." in text
    assert "can never say it" not in text
    assert "flat" not in text


def test_whether_perplexity_and_coverage_agree(tmp_path):
    assert "Perplexity and coverage@100 are not the same question: perplexity puts `mix` first" in said(tmp_path)
    two = {name: made.MODELS[name] for name in ("kn-3", "lstm")}
    assert "Perplexity and coverage@100 order the rows alike." in said(tmp_path / "two", two)


def test_word_vectors_and_cells_are_compared_with_all_else_equal(tmp_path):
    text = said(tmp_path)
    assert "Word vectors: `lstm-w2v` (embeddings `word2vec`) ties with `lstm`" in text
    assert "Cell: `lstm` (cell `lstm`) is better than `rnn`" in text
    text = said(tmp_path / "worse", made.bits_above("lstm-w2v", 0.4))
    assert "Word vectors: `lstm-w2v` (embeddings `word2vec`) is worse than `lstm`" in text
    bigger = (*made.MODELS["lstm-w2v"][:5], {"cell": "lstm", "embeddings": "word2vec", "hidden": 512})
    assert "Word vectors" not in said(tmp_path / "unequal", made.MODELS | {"lstm-w2v": bigger})


def test_mixtures(tmp_path):
    assert "The mixture `mix` beats the best of its parts, `lstm`" in said(tmp_path)
    assert "`mix` is worse than the best of its parts" in said(tmp_path / "worse", made.bits_above("mix", 0.5))


def test_seeds_that_overlap_are_said_to(tmp_path):
    assert "another seed may order them differently" in said(tmp_path, without("mix"))
    assert "does not hang on the seed" in said(tmp_path / "apart", without("mix", "lstm-w2v"))


def test_reference_adaptive_and_unnormalised_rows_win_nothing(tmp_path):
    models = made.bits_above("cache", 0.001)
    text = said(tmp_path, models)
    assert "by `mix`" in text
    assert "`cache`" not in text
    assert "`stupid`" not in text


def test_no_sentences_without_facts(tmp_path):
    assert said(tmp_path, {}) == ""
