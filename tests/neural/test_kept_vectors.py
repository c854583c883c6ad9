"""Vectors that one row learnt serve the others, to the last bit, and only while nothing that decides them changes."""

import numpy as np
import pytest

from lmbench.models.recurrent import Recurrent
from lmbench.neural import kept_vectors
from lmbench.neural.kept_vectors import learnt
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import Vocabulary

LINES = [["나는", a, s, "고프다"] for a in ("엄청", "매우", "무지") for s in ("배가", "목이")] * 5
VOCAB = Vocabulary.build(LINES, extra_words=["무지하게", "x"])
TRAIN = Sentences.encode(LINES, VOCAB)
ASKED = {"dim": 6, "window": 2, "epochs": 2, "seed": 1}
SMALL = {"dim": 6, "hidden": 5, "epochs": 2, "cell": "gru", "vector_epochs": 2}


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("그는 무지 춥다\n그는 매우 춥다\n", "utf-8")
    return path


@pytest.fixture
def times(monkeypatch):
    """How often vectors are learnt."""
    calls = []
    monkeypatch.setattr(kept_vectors, "learn", lambda *a, **k: calls.append(a[1]) or LEARN(*a, **k))
    return calls


LEARN = kept_vectors.learn


@pytest.mark.parametrize("method", ["word2vec", "fasttext"])
def test_what_is_kept_is_what_was_learnt(method, tmp_path, times):
    alone = learnt(TRAIN, None, method, None, **ASKED)
    first, second = (learnt(TRAIN, None, method, tmp_path / "kept", **ASKED) for _ in range(2))
    assert times == [method, method]
    for found in (first, second):
        np.testing.assert_array_equal(found.vectors, alone.vectors)  # NaN where a word has none
        np.testing.assert_array_equal(found.space.vectors, alone.space.vectors)
        assert list(found.space.words) == list(alone.space.words)
    assert first.spared == 0 < second.spared
    # fastText spells a word that the text lacks, and what is kept has that vector too
    assert np.isfinite(second.vectors[VOCAB.ids["무지하게"]]).all() == (method == "fasttext")


def test_whatever_decides_them_is_in_their_name(tmp_path, text, times):
    other = Sentences.encode(LINES[:-1], VOCAB)
    wider = Sentences.encode(LINES, Vocabulary.build(LINES))
    variants = [
        (TRAIN, None, "word2vec", ASKED),
        (other, None, "word2vec", ASKED),
        (wider, None, "word2vec", ASKED),
        (TRAIN, text, "word2vec", ASKED),
        (TRAIN, None, "skipgram", ASKED),
        *((TRAIN, None, "word2vec", {**ASKED, name: value + 1}) for name, value in ASKED.items()),
    ]
    for _ in range(2):
        for train, beside, method, asked in variants:
            learnt(train, beside, method, tmp_path / "kept", **asked)
    assert len(times) == len(variants)
    text.write_text("그는 무지 덥다\n", "utf-8")
    learnt(TRAIN, text, "word2vec", tmp_path / "kept", **ASKED)
    assert len(times) == len(variants) + 1


def test_a_text_beside_train_has_one_key_whatever_train_is(tmp_path, text, times):
    for train in (TRAIN, Sentences.encode(LINES[:3], VOCAB)):
        learnt(train, text, "word2vec", tmp_path / "kept", **ASKED)
    assert len(times) == 1


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 cut off", None])
def test_a_damaged_file_is_made_again(damage, tmp_path, times):
    first = learnt(TRAIN, None, "word2vec", tmp_path, **ASKED)
    (path,) = tmp_path.glob("*.vectors.npz")
    content = path.read_bytes()
    middle = len(content) // 2
    path.write_bytes(content[:middle] + b"????" + content[middle + 4 :] if damage is None else damage)
    again = learnt(TRAIN, None, "word2vec", tmp_path, **ASKED)
    assert len(times) == 2
    np.testing.assert_array_equal(again.vectors, first.vectors)


def test_a_model_is_the_same_with_kept_vectors_and_says_what_was_spared(tmp_path, times):
    plain = Recurrent(**SMALL, embeddings="word2vec").fit(TRAIN, TRAIN)
    models = []
    for cell in ("gru", "rnn"):
        model = Recurrent(**{**SMALL, "cell": cell}, embeddings="word2vec")
        model.vectors_folder = tmp_path
        models.append(model.fit(TRAIN, TRAIN))
    assert len(times) == 2  # for plain, which keeps nothing, and for the first of the others
    np.testing.assert_array_equal(models[0].log_probs(TRAIN), plain.log_probs(TRAIN))
    assert models[0].nearest(["무지"], 3) == plain.nearest(["무지"], 3)
    assert plain.spared_seconds_ == models[0].spared_seconds_ == 0 < models[1].spared_seconds_
