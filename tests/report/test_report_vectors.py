"""Word vectors in a report: what is shown is what was found, and the sentences follow the numbers."""

from __future__ import annotations

from dataclasses import replace

import made
import numpy as np

from lmbench.report import document, ranking, vectors
from lmbench.report.compare import Comparison
from lmbench.report.facts import read

NEAR = {
    "start": {"무지": [("매우", 0.98), ("a|b", -0.001)]},
    "trained": {"무지": [("고프다", 0.5), ("매우", 0.25), ("나는", 0.1)]},
}
BLANKS = {
    "dim": 64, "window": 2, "epochs": 5, "seed": 0, "embedding_text": None, "positions": 1234,
    "ways": [
        {"way": "scores", "accuracy_at_1": 0.25, "accuracy_at_10": 0.75, "bits_per_blank": 3.0, "ppl_of_blanks": 8.0},
        {"way": "unigram", "accuracy_at_1": 0, "accuracy_at_10": 0.1, "bits_per_blank": "inf", "ppl_of_blanks": "inf"},
    ],
    "answers": [{"way": "scores", "sentence": "나는 __ 고프다", "words": [["배가", 0.5], ["a|b", 0.001]]}],
}  # fmt: skip


def facts(folder, edit=lambda result: result, **changes):
    return read(made.build(folder, edit=edit, **changes))


def with_vectors(**configs):
    """An edit that gives rows their configuration, and the first of them neighbours and another text."""

    def edit(result):
        if result.row not in configs:
            return result
        config = {**result.config, **configs[result.row]}
        learnt = config.get("embeddings") != "random"
        return replace(
            result, config=config, neighbours=NEAR if learnt else {}, sources=("other | text",) if learnt else ()
        )

    return edit


def test_neighbours_before_and_after(tmp_path):
    edit = with_vectors(**{"lstm-w2v": {"frozen": False}, "rnn": {"embeddings": "word2vec", "frozen": True}})
    text = vectors.neighbours(facts(tmp_path, edit))
    assert "Start of `lstm-w2v` and `rnn`:" in text
    assert text.count("| 무지 | 매우 0.98, a\\|b 0.00 |") == 1
    assert "| lstm-w2v | 고프다 0.50, 매우 0.25 |" in text
    assert "| rnn |" not in text  # frozen
    assert vectors.neighbours(facts(tmp_path / "none")) == ""


def test_blanks_are_a_table_of_their_own(tmp_path):
    found = facts(tmp_path, blanks=BLANKS)
    text = vectors.blanks(found)
    assert "trained on train by negative sampling (64 dimensions, 2 words on each side, 5 passes)" in text
    assert "each of the 1,234 words of test" in text
    assert "no language model" in text
    assert "| CBoW, softmax of its scores | 0.250 | 0.750 | 3.000 | 8.000 |" in text
    assert "| unigram | 0 | 0.100 | ∞ | ∞ |" in text
    assert "| 나는 \\_\\_ 고프다 | CBoW, softmax of its scores | 배가 0.500, a\\|b 0.0010 |" in text
    assert "CBoW" not in ranking.section(found, Comparison(found))
    assert vectors.blanks(facts(tmp_path / "none")) == ""
    assert len(vectors.tables(found)["blanks.csv"]) == 2


def test_data_used_is_a_column_where_a_row_has_read_more(tmp_path):
    edit = with_vectors(**{"lstm-w2v": {"frozen": False}})
    found = facts(tmp_path, edit)
    text = ranking.section(found, Comparison(found))
    assert "| row | family | data used | perplexity [95 %] |" in text
    assert "| lstm-w2v | recurrent | train + other \\| text |" in text
    assert "| kn-3 | ngram | train |" in text
    assert "**data used**" in text
    main = [line for line in text.split("\n\n")[1].splitlines() if line.startswith("|")]
    assert any("failed" in line for line in main)
    assert len({line.count(" | ") for line in main}) == 1
    plain = facts(tmp_path / "none")
    assert "data used" not in ranking.section(plain, Comparison(plain))


def unseen(folder, chances, after=0.9):
    """What is said where 무지 is an extra word, by the probability each row gives it."""
    outputs = {
        "rnn": {"tied": True},
        "lstm": {"tied": True, "frozen": True},
        "lstm-w2v": {"tied": True, "mapped": True, "frozen": True},
    }
    rename = with_vectors(**outputs)

    def edit(result):
        if "story_log_probs" not in result.arrays:
            return rename(result)
        words = result.arrays["story_log_probs"].copy()
        words[-4], words[-3] = np.log(chances.get(result.row, 0.001)), np.log(after)
        return rename(replace(result, arrays={**result.arrays, "story_log_probs": words}))

    corpus = {**made.benchmark([])["corpus"], "extra_words": ["무지"], "n_events": 8}
    found = facts(folder, edit, corpus=corpus)
    return found, "\n".join(vectors.unseen_words(found, Comparison(found)))


def test_a_word_train_lacks_is_told_of_by_where_its_vector_comes_from(tmp_path):
    found, text = unseen(tmp_path, {"rnn": 0.01, "lstm": 0.02, "lstm-w2v": 0.3})
    assert found.title.endswith("(with 1 extra word in the vocabulary)")
    assert "무지 is an event though train lacks it" in document.opening(found)
    assert "gives it 1 / V = 0.125 after 나는" in text
    assert "*learnt vectors, frozen, mapped output* 0.300" in text
    assert "*random vectors, tuned, tied output* 0.010" in text
    assert "give it `lstm-w2v` 0.300" in text
    assert "Every row with *learnt vectors, frozen, mapped output* gives 무지 more than 10 times" in text
    assert "not so" not in text
    assert "2 of 2 networks with random vectors give 배가 more than 1/2 there" in text


def test_when_vectors_do_not_help_it_says_so(tmp_path):
    _, text = unseen(tmp_path, {"rnn": 0.01, "lstm": 0.02, "lstm-w2v": 0.015}, after=0.2)
    assert "Every row with" not in text
    assert "That is not so with *learnt vectors, frozen, mapped output*" in text
    assert "give it" not in text.split("gives it")[1]
    assert "another matter" not in text


def test_without_extra_words_nothing_is_said(tmp_path):
    found = facts(tmp_path)
    assert not list(vectors.unseen_words(found, Comparison(found)))
    assert "lacks" not in document.opening(found)
