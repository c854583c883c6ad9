"""Word vectors: aligned with ids, the same every time, as long as random ones."""

import os
import subprocess
import sys
from hashlib import sha256

import numpy as np
import pytest

from lmbench.errors import BadConfig
from lmbench.neural import embeddings
from lmbench.neural.embeddings import embed
from lmbench.neural.network import EMBEDDING_NORM
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS, UNK, Vocabulary

ADVERBS, STATES = ["엄청", "매우", "무지", "아주"], ["배가", "목이", "머리가"]
LINES = [["나는", a, s, "고프다"] for a in ADVERBS for s in STATES] * 30 + [["오늘", "비가", "온다"]] * 60
VOCAB = Vocabulary.build(LINES)
TRAIN = Sentences.encode(LINES, VOCAB)
ASKED = {"dim": 12, "window": 2, "epochs": 10, "seed": 1}
METHODS = pytest.mark.parametrize("method", ["word2vec", "skipgram", "fasttext"])


@METHODS
def test_each_row_is_the_vector_of_its_own_word(method, monkeypatch):
    learnt = {}
    train_gensim = embeddings.METHODS[method]
    monkeypatch.setitem(embeddings.METHODS, method, lambda **options: learnt.setdefault(0, train_gensim(**options)))
    vectors = embed(TRAIN, method, **ASKED)
    assert vectors.shape == (len(VOCAB) + 1, 12)
    assert vectors.dtype == np.float32
    names = [*VOCAB.events, "<s>"]
    source = learnt[0].vectors - learnt[0].vectors.mean(0)
    source /= np.linalg.norm(source, axis=1, keepdims=True)
    for i, name in enumerate(names):
        if i != UNK:  # no unknown word in this text
            assert learnt[0].index_to_key[int(np.argmax(source @ vectors[i]))] == name


@METHODS
def test_boundaries_have_vectors_and_an_unknown_word_without_text_has_none(method):
    vectors = embed(TRAIN, method, **ASKED)
    assert np.isfinite(vectors[[EOS, VOCAB.bos]]).all()
    assert np.isnan(vectors[UNK]).all()
    with_unknown = Sentences.encode([*LINES, ["나는", "모르는", "고프다"]], VOCAB)
    assert np.isfinite(embed(with_unknown, method, **ASKED)[UNK]).all()


def test_a_word_absent_from_train_is_spelled_by_fasttext_only():
    vocab = Vocabulary.build(LINES, extra_words=["배는"])
    train = Sentences.encode(LINES, vocab)
    assert np.isnan(embed(train, "word2vec", **ASKED)[vocab.ids["배는"]]).all()
    assert np.isfinite(embed(train, "fasttext", **ASKED)[vocab.ids["배는"]]).all()


@METHODS
def test_rows_are_as_long_as_random_ones(method):
    vectors = embed(TRAIN, method, **ASKED)
    lengths = np.linalg.norm(vectors[~np.isnan(vectors[:, 0])], axis=1)
    assert lengths == pytest.approx(EMBEDDING_NORM, rel=1e-4)


def test_words_of_one_context_are_neighbours():
    vectors = embed(TRAIN, "word2vec", **{**ASKED, "epochs": 30})
    muji = vectors[VOCAB.ids["무지"]]
    near = min(float(muji @ vectors[VOCAB.ids[word]]) for word in ("엄청", "매우", "아주"))
    assert near > max(float(muji @ vectors[VOCAB.ids[word]]) for word in (*STATES, "비가", "온다"))


SCRIPT = """
import sys
from hashlib import sha256
sys.path[:0] = [{root!r}, {here!r}]
from test_embeddings import ASKED, TRAIN, embed
print(*(sha256(embed(TRAIN, method, **ASKED).tobytes()).hexdigest() for method in ("word2vec", "fasttext")))
"""


def test_the_seed_alone_decides():
    folder = os.path.dirname(__file__)
    script = SCRIPT.format(root=os.path.dirname(os.path.dirname(folder)), here=folder)
    asked = {**os.environ, "PYTHONHASHSEED": "1"}  # in this process it is another, unless someone set it
    sums = subprocess.check_output([sys.executable, "-c", script], env=asked, text=True).split()
    here = [sha256(embed(TRAIN, method, **ASKED).tobytes()).hexdigest() for method in ("word2vec", "fasttext")]
    assert sums == here
    assert not np.array_equal(embed(TRAIN, "word2vec", **ASKED), embed(TRAIN, "word2vec", **{**ASKED, "seed": 2}))


def test_the_end_of_a_long_row_is_read_too():
    row = TRAIN.tokens[TRAIN.tokens != VOCAB.ids["온다"]]
    stream = Sentences.of_rows([np.append(np.tile(row, 30), VOCAB.ids["온다"])], VOCAB)
    assert stream.n_tokens > embeddings.LONGEST
    assert np.isfinite(embed(stream, "word2vec", **{**ASKED, "epochs": 1})[VOCAB.ids["온다"]]).all()


def test_unknown_method_is_refused():
    with pytest.raises(BadConfig, match="no embeddings 'word2vek'; did you mean 'word2vec'"):
        embed(TRAIN, "word2vek", **ASKED)
