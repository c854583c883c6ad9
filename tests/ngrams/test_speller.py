"""The speller is a distribution over strings, and says what a word costs that the vocabulary lacks."""

from itertools import product
from math import isclose, log2

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmbench.ngrams.speller import N_CODE_POINTS, Speller, spelling_bits
from lmbench.text.corpus import from_tokens
from lmbench.text.sentences import Sentences
from lmbench.text.tokenizers import TOKENIZERS
from lmbench.text.vocabulary import EOS, UNK

words = st.lists(st.text(alphabet="ab나😀", max_size=5), min_size=1, max_size=8).filter(any)
fixed = settings(deadline=None, max_examples=40)


def p(speller, strings):
    return 2.0 ** -speller.bits(strings)


def test_it_knows_how_many_code_points_text_can_hold():
    # 17 planes of 65,536 less 2,048 surrogates: 1,114,112 - 2,048.
    assert N_CODE_POINTS == 17 * 65536 - 2048 == 1_112_064


def test_by_hand():
    # Words a, a, b. V = 4: <unk>, </s>, a, b. D = n1 / (n1 + 2 n2) at each order.
    # Order 1, continuations: </s> follows a and b: 2; a and b follow <s>: 1 each; total 4, n1 = 2, n2 = 1:
    #   D = 1/2, gamma = 3 D / 4 = 3/8;  p1(</s>) = 1.5/4 + 3/8/4 = 15/32;  p1(a) = .5/4 + 3/32 = 7/32
    # Order 2, counts of what begins with <s>, continuations else: <s> a: 2, <s> b, a </s>, b </s>: 1; n1 = 3, n2 = 1:
    #   D = 3/5;  after <s>: gamma = 2 D / 3 = 2/5, p2(a) = 1.4/3 + 2/5 * 7/32 = 133/240
    #   after a: gamma = D, p2(</s>) = 2/5 + 3/5 * 15/32 = 109/160
    # Order 3, the longest n-grams that so short words have: <s> a </s>: 2, <s> b </s>: 1; n1 = n2 = 1:
    #   D = 1/3;  after <s> a: gamma = D / 2, p3(</s>) = (5/3)/2 + (1/3)/2 * 109/160 = 909/960
    speller = Speller.train(["a", "a", "b"])
    assert speller.bits(["a"])[0] == pytest.approx(-log2(133 / 240 * 909 / 960))


@fixed
@given(words)
def test_all_strings_together_have_probability_one(given_words):
    """Strings of at most 4 signs, and beginnings of 4 signs that go on, are all there is.

    Signs that the words lack are taken together: one of them stands for all, which weigh alike.
    """
    speller = Speller.train(given_words)
    alphabet = [*speller.vocab.events[2:], "\U0010fffd"]
    weight = N_CODE_POINTS - (len(alphabet) - 1)
    length = 4
    ended = 0.0
    for k in range(length + 1):
        strings = ["".join(signs) for signs in product(alphabet, repeat=k)]
        ended += sum(p(speller, strings) * [float(weight) ** s.count(alphabet[-1]) for s in strings])
    prefixes = Sentences.encode_prefixes(product(alphabet, repeat=length), speller.vocab)
    open_after = np.exp(prefixes.row_sums(speller.model.log_probs(prefixes)))
    going_on = 1 - np.exp(speller.model.next_log_probs(prefixes)[:, EOS])
    assert isclose(ended + open_after @ going_on, 1, rel_tol=1e-9)
    assert 0 < ended < 1


@fixed
@given(words, st.text(max_size=6))
def test_no_word_is_free_and_none_impossible(given_words, word):
    (bits,) = Speller.train(given_words).bits([word])
    assert 0 < bits < np.inf


def test_signs_that_no_word_has_share_one_chance():
    speller = Speller.train(["ab", "b"])
    bits = speller.bits(["뷁", "😀", "a"])
    assert bits[0] == pytest.approx(bits[1])
    sign = Sentences.of_rows([[UNK]], speller.vocab)
    unknown = np.exp(speller.model.log_probs(sign).sum())
    # as one event, then one of M - 2 signs, then the end after a sign never seen
    expected = -log2(unknown) + log2(N_CODE_POINTS - 2) - speller.model.next_log_probs(sign)[0, EOS] / np.log(2)
    assert bits[0] == pytest.approx(expected)
    assert bits[2] < 10 < bits[0]


def test_it_learns_how_words_are_spelled():
    verbs = ["먹었다", "갔었다", "했었다", "고팠었다", "좋았다", "추웠다"]
    speller = Speller.train(verbs)
    known, backwards = speller.bits(["웠었다", "다었웠"])
    assert known < backwards / 2


# What a corpus pays for its <unk>.

TOKENS = {"train": [["a", "b"], ["a", "b"], ["b", "cab"]], "valid": [["a"]], "test": [["a", "zz"], ["cab", "a"]]}


def test_spelling_bits_stand_where_unk_stands():
    corpus = from_tokens("toy", TOKENS)
    bits = spelling_bits(corpus)
    assert bits.dtype == np.float64
    np.testing.assert_array_equal(bits > 0, corpus.test.tokens == UNK)
    # zz is the one unknown word of test; train has none, so each of its words teaches once
    assert bits.sum() == Speller.train(["a", "b", "cab"]).bits(["zz"])[0]


def test_the_unknown_words_of_train_teach_how_unknown_words_are_spelled():
    corpus = from_tokens("toy", {**TOKENS, "train": [*TOKENS["train"], ["b", "cab"], ["dab", "b"]]}, vocab_size=4)
    assert corpus.vocab.events[2:] == ("b", "a")
    assert corpus.unknown == ("zz", "cab")
    expected = Speller.train(["cab", "cab", "dab"]).bits(["zz", "cab"])  # as often as they are there
    np.testing.assert_array_equal(spelling_bits(corpus), [0, expected[0], 0, expected[1], 0, 0])


def test_a_stream_pays_the_same():
    rows, stream = (spelling_bits(from_tokens("toy", TOKENS, unit=unit)) for unit in ("sentence", "stream"))
    np.testing.assert_array_equal(rows, stream)


def test_without_unknown_words_there_is_nothing_to_spell():
    corpus = from_tokens("toy", {**TOKENS, "test": [["a", "b"]]}, cutter=TOKENIZERS["syllables"])
    assert not spelling_bits(corpus).any()
