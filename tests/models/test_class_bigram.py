"""The class bigram: its two factors, and what they say of pairs never seen."""

import numpy as np
import pytest

from lmbench.errors import BadConfig
from lmbench.models.class_bigram import ClassBigram
from lmbench.models.ngram import NGram
from lmbench.ngrams.unigram import unigram
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS, UNK, Vocabulary

# very, really and quite stand before the same words, quite never before late.
LINES = [
    f"{who} {how} {what}".split()
    for who in ("i", "you")
    for how in ("very", "really", "quite")
    for what in ("hungry", "tired", "late")
    if (how, what) != ("quite", "late")
]
VOCAB = Vocabulary.build(LINES)
TRAIN = Sentences.encode(LINES, VOCAB)


@pytest.fixture(scope="module")
def model():
    return ClassBigram(classes=4).fit(TRAIN, TRAIN)


def test_classes_are_those_of_the_grammar(model):
    groups = {frozenset(np.flatnonzero(model.class_of_ == c).tolist()) for c in range(model.class_of_.max() + 1)}
    named = [["i", "you"], ["very", "really", "quite"], ["hungry", "tired", "late"]]
    assert groups == {
        *(frozenset(VOCAB.encode(words)) for words in named),
        frozenset([EOS]),
        frozenset([UNK]),
        frozenset([VOCAB.bos]),
    }


def test_a_pair_by_hand(model):
    quite, late = VOCAB.encode(["quite", "late"])
    p = unigram(TRAIN)
    # All 16 words after the adverbs are of the class {hungry, tired, late}: 16 of 16 tokens, T = 1 class, so
    # p(class | class) = (16 + 1 * P(class)) / (16 + 1); P is the smoothed unigram.
    of_class = p[VOCAB.encode(["hungry", "tired", "late"])].sum()
    expected = (16 + of_class) / 17 * p[late] / of_class
    score = model.log_probs(Sentences.of_rows([[quite, late]], VOCAB))[1]
    assert np.exp(score) == pytest.approx(expected)


def test_an_unseen_pair_of_seen_classes_is_likelier_than_by_backing_off(model):
    bigram = NGram(order=2, smoothing="witten_bell").fit(TRAIN, TRAIN)
    asked = Sentences.of_rows([VOCAB.encode(["quite", "late"])], VOCAB)
    assert model.log_probs(asked)[1] > bigram.log_probs(asked)[1] + 1


def test_nothing_is_impossible(model):
    everything = Sentences.of_rows([[v, w] for v in range(len(VOCAB)) for w in range(len(VOCAB))], VOCAB)
    assert np.isfinite(model.log_probs(everything)).all()


def test_one_class_is_nearly_the_unigram():
    model = ClassBigram(classes=1).fit(TRAIN, TRAIN)
    # after <s> and after the one class: <unk>, never seen, is the one other class
    found = np.exp(model.next_log_probs(Sentences.of_rows([[], [3]], VOCAB)))
    assert found[:, 1:] / found[:, 1:].sum(axis=1, keepdims=True) == pytest.approx(
        np.tile(unigram(TRAIN)[1:] / unigram(TRAIN)[1:].sum(), (2, 1))
    )


def test_events_beyond_the_words_share_a_class():
    model = ClassBigram(classes=4, words=3).fit(TRAIN, TRAIN)
    counts = np.bincount(TRAIN.tokens, minlength=len(VOCAB))
    rare = np.argsort(-counts, kind="stable")[3:]
    assert len(set(model.class_of_[rare])) == 1


def test_no_text_is_no_error():
    nothing = Sentences.of_rows([], VOCAB)
    table = ClassBigram().fit(nothing, nothing).next_log_probs(Sentences.of_rows([[], [3]], VOCAB))
    assert np.exp(table) == pytest.approx(1 / len(VOCAB))


@pytest.mark.parametrize("fields", [{"classes": 0}, {"words": 0}, {"sweeps": -1}])
def test_what_means_nothing_is_refused(fields):
    with pytest.raises(BadConfig, match="is not a whole number from"):
        ClassBigram(**fields)
