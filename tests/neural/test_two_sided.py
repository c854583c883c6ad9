"""Two-sided CBoW: gensim's own answer, and where a blank's neighbours stand."""

import numpy as np
import pytest
from gensim.models import Word2Vec

from lmbench.neural.embeddings import options, sentences_of
from lmbench.neural.two_sided import TwoSided, surroundings
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS, UNK, Vocabulary

LINES = [["나는", a, s, "고프다"] for a in ("엄청", "매우", "무지") for s in ("배가", "목이")] * 9 + [["춥다"]]
VOCAB = Vocabulary.build(LINES, extra_words=["감자"])
TRAIN = Sentences.encode(LINES, VOCAB)
ASKED = {"dim": 9, "window": 2, "epochs": 5, "seed": 1}


@pytest.fixture(scope="module")
def model():
    return TwoSided.learn(sentences_of(TRAIN), VOCAB, **ASKED)


def test_it_is_what_gensim_predicts(model):
    gensim = Word2Vec(sentences=list(sentences_of(TRAIN)), sg=0, **options(**ASKED))
    context = ["나는", "매우", "고프다", "</s>"]
    told = dict(gensim.predict_output_word(context, topn=100))
    table = np.exp(model.log_probs(np.array([[VOCAB.events.index(word) for word in context]]), noise=False))[0]
    words = [word for word in VOCAB.events if word in told and word != "</s>"]
    theirs = np.array([told[word] for word in words])
    ours = np.array([table[VOCAB.events.index(word)] for word in words])
    assert len(words) == 8
    np.testing.assert_allclose(ours, theirs / theirs.sum(), rtol=1e-4)  # gensim has </s> and <s> among the outcomes


def test_noise_is_the_counts_to_the_power_of_three_quarters(model):
    contexts = np.array([[VOCAB.bos, 2, 3, EOS], [-1, VOCAB.bos, EOS, -1]])
    rare, often = VOCAB.ids["춥다"], VOCAB.ids["고프다"]  # 1 and 54 times
    odds = [(t := model.log_probs(contexts, noise=noise))[:, often] - t[:, rare] for noise in (True, False)]
    np.testing.assert_allclose(odds[0] - odds[1], 0.75 * np.log(54))


def test_outcomes_are_the_words_of_its_text(model):
    for noise in (False, True):
        table = model.log_probs(np.array([[2, 3, -1, -1]]), noise=noise)
        assert np.exp(table).sum() == pytest.approx(1)
        assert np.isneginf(table[0, [UNK, EOS, VOCAB.ids["감자"]]]).all()
        assert np.isfinite(np.delete(table[0], [UNK, EOS, VOCAB.ids["감자"]])).all()


def test_what_stands_around_a_place():
    text = Sentences.of_rows([[2, 3, 4, EOS], [5, EOS]], VOCAB)
    found = surroundings(text, np.array([0, 1, 2, 4]), 2)
    bos = VOCAB.bos
    assert found.tolist() == [[-1, bos, 3, 4], [bos, 2, 4, EOS], [2, 3, EOS, -1], [-1, bos, EOS, -1]]


def test_it_fills_the_blank():
    model = TwoSided.learn(sentences_of(TRAIN), VOCAB, **{**ASKED, "epochs": 60})
    blank = Sentences.encode([["나는", "무지", "감자", "고프다"]], VOCAB)
    table = model.log_probs(surroundings(blank, np.array([2]), 2), noise=True)[0]
    states = {VOCAB.ids["배가"], VOCAB.ids["목이"]}
    assert set(np.argsort(-table)[:2].tolist()) == states
