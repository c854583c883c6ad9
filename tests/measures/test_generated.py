"""What a model says by itself, counted by hand and by Python's own strings."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmbench.measures import generated
from lmbench.measures.generated import Train
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS, Vocabulary

VOCAB = Vocabulary.build([["a", "b", "c", "d"]])


def text(*lines):
    return Sentences.encode([line.split() for line in lines], VOCAB)


TRAIN = ("a b c", "b c d", "a a")


def test_novelty_by_hand():
    shares, masks = generated.novelty(text("a b d", "b c d"), Train.of(text(*TRAIN)))
    # a b d </s>: b d is new; d </s> is not; <s> a, a b, <s> b, b c, c d are not
    assert masks[2].tolist() == [False, False, True, False, False, False, False, False]
    assert shares["novel_1"] == 0
    assert shares["novel_2"] == 1 / 8
    # b d, then b d </s>, the trigram after it
    assert masks[3].tolist() == [False, False, True, True, False, False, False, False]


def test_copies_by_hand():
    # a b d: "a b" of train; b c d: all of it; d d: one word; a b c: all, c: one word that no sentence is
    found = generated.copies(text("a b d", "b c d", "d d", "a b c", "c"), Train.of(text(*TRAIN)))
    assert found["whole"] == 2 / 5
    assert found["copy_mean"] == (2 + 3 + 1 + 3 + 1) / 5
    assert found["copy_most"] == 3
    assert found["copy_share"] == pytest.approx((2 / 3 + 1 + 1 / 2 + 1 + 1) / 5)


def test_sentences_without_words_copy_nothing():
    found = generated.copies(text("", "a"), Train.of(text(*TRAIN)))
    assert found["copy_mean"] == 1 / 2
    assert found["copy_share"] == 1


LINES = st.lists(st.lists(st.sampled_from("abcd"), max_size=6).map(" ".join), min_size=1, max_size=6)


@settings(max_examples=200, deadline=None)
@given(LINES, LINES)
def test_the_longest_copy_is_what_strings_say(said, train):
    longest = generated.longest_copies(text(*said), Train.of(text(*train)).suffixes)
    for line, found in zip(said, longest.tolist(), strict=True):
        words = line.split()
        runs = [words[i:j] for i in range(len(words)) for j in range(i + 1, len(words) + 1)]
        copied = [len(run) for run in runs if any(f" {' '.join(run)} " in f" {other} " for other in train)]
        assert found == max(copied, default=0)


def test_a_sentence_that_was_cut_off_copies_its_last_word_too():
    cut = Sentences.of_rows([VOCAB.encode(["a", "b", "c"])], VOCAB)
    assert generated.longest_copies(cut, Train.of(text(*TRAIN)).suffixes).tolist() == [3]


def test_repetition_by_hand():
    found = generated.repetition(text("a b a b", "a b", "d d d d"), 2)
    # words a b a b a b: 2 of 6; in their sentences two were said before
    assert found["distinct_1"] == 2 / 6
    assert found["again_1"] == pytest.approx(2 / 6)
    # ab ba ab | ab: two different of four, and ab once before in its sentence
    assert found["distinct_2"] == 2 / 4
    assert found["again_2"] == pytest.approx(1 / 4)
    # aba bab
    assert found["distinct_3"] == 1
    assert found["again_3"] == 0
    assert found["different"] == 1
    assert generated.repetition(text("a", "a"), 2) == {"different": 0.5, "distinct_1": 0.5, "again_1": 0.0}


def test_pairs_are_counted_within_sentences():
    pairs = np.array([VOCAB.encode(pair) for pair in ("ab", "ba", "bd")])
    assert generated.said(text("a b a b", "d", "a"), pairs).tolist() == [2, 1, 0]
    assert generated.said(text("", "a"), pairs).tolist() == [0, 0, 0]


def test_end_and_start_are_no_words():
    grams, rows = generated.words_of(text("a b", "c"), 1)
    assert EOS not in grams
    assert rows.tolist() == [0, 0, 1]
    assert len(generated.words_of(text("a b", "c"), 2)[0]) == 1


def test_shares_apart_from_what_is_computed():
    # p such that 1 - (1 - p)^100 = 1/2: one probe in 400 rounds has an error of sqrt(1/4 / 400) = 0.025
    log_probs = np.log(-np.expm1(np.log(0.5) / 100))[None]
    assert generated.apart(np.array([0.55]), log_probs, 400) == pytest.approx(2)
    assert generated.apart(np.array([0.0]), np.array([-np.inf]), 400) == 0
