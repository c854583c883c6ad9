"""Recurrent rows: conditioned on their own past and on nothing else."""

import numpy as np
import pytest

from lmbench.models.recurrent import Model, Recurrent
from lmbench.neural.embeddings import embed
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import Vocabulary

LINES = [f"{who} {how} {what}".split() for who in "abc" for how in "defg" for what in ("h i", "j", "k l m")]
VOCAB = Vocabulary.build(LINES)
TRAIN, VALID = Sentences.encode(LINES * 5, VOCAB), Sentences.encode(LINES[::5], VOCAB)
SMALL = {"dim": 6, "hidden": 10, "epochs": 2, "batch_tokens": 60}
KINDS = [{"cell": cell, "tied": tied, "layers": layers} for cell, tied, layers in
         [("rnn", True, 1), ("lstm", True, 2), ("gru", False, 1), ("lstm", False, 1)]]  # fmt: skip


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: "-".join(map(str, kind.values())))
def model(request):
    return Recurrent(**SMALL, **request.param).fit(TRAIN, VALID)


def test_the_file_is_a_kind():
    assert Model is Recurrent
    assert Model.family == "recurrent"


def test_rows_are_independent(model):
    together = np.split(model.log_probs(VALID), VALID.offsets[1:-1])
    for i in range(len(VALID)):
        assert model.log_probs(VALID.take([i])) == pytest.approx(together[i], abs=1e-5)


def test_the_future_does_not_leak_at_any_length(model):
    rng = np.random.default_rng(0)
    row = rng.integers(0, len(VOCAB), 40)
    scores = model.log_probs(Sentences.of_rows([row], VOCAB))
    for n in range(len(row)):
        changed = np.concatenate([row[:n], (row[n:] + 1) % len(VOCAB)])
        assert model.log_probs(Sentences.of_rows([changed], VOCAB))[:n] == pytest.approx(scores[:n], abs=1e-5)


def test_a_word_four_back_still_counts(model):
    rows = [[first, *[3] * 4] for first in range(2, len(VOCAB))]
    table = model.next_log_probs(Sentences.of_rows(rows, VOCAB))
    assert np.ptp(table, axis=0).max() > 1e-6


def test_distributions_sum_to_one_over_events_without_bos(model):
    table = model.next_log_probs(VALID)
    assert table.shape == (len(VALID), len(VOCAB))
    assert np.exp(table).sum(1) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(("cell", "gates"), [("rnn", 1), ("gru", 3), ("lstm", 4)])
def test_parameters_are_counted_once(cell, gates):
    # embedding (V + 1) D; per layer gates (D H + H H + 2 H); projection (H + 1) D; bias V
    model = Recurrent(**{**SMALL, "epochs": 1}, cell=cell).fit(TRAIN, VALID)
    v, d, h = len(VOCAB), 6, 10
    assert model.n_params() == (v + 1) * d + gates * (d * h + h * h + 2 * h) + (h + 1) * d + v


@pytest.mark.parametrize("method", ["word2vec", "fasttext"])
def test_embeddings_start_from_the_vectors_of_train(method):
    model = Recurrent(**{**SMALL, "epochs": 0}, embeddings=method, vector_epochs=2).fit(TRAIN, VALID)
    vectors = embed(TRAIN, method, dim=6, window=2, epochs=2, seed=0)
    weights = model.state()["embedding.weight"]
    known = ~np.isnan(vectors[:, 0])
    assert np.array_equal(weights[known], vectors[known])
    assert np.isfinite(weights).all()
    assert not known.all()  # <unk>


def test_words_that_start_at_random_are_reported():
    vocab = Vocabulary.build(LINES, extra_words=["new", "words"])
    train, valid = Sentences.encode(LINES, vocab), Sentences.encode(LINES[:3], vocab)
    model = Recurrent(**{**SMALL, "epochs": 1}, embeddings="word2vec").fit(train, valid)
    assert model.notes() == ("2 words without a word2vec vector start at random",)
    assert (
        Recurrent(**{**SMALL, "epochs": 1}, embeddings="word2vec").restore(vocab, model.state()).notes()
        == model.notes()
    )
