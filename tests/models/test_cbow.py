"""The left-context bag of words: the last few words in any order, and nothing else."""

import numpy as np
import pytest

from lmbench.errors import BadConfig
from lmbench.models.cbow import CBoW, Model
from lmbench.neural import training
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import Vocabulary

LINES = [f"{who} {how} {what}".split() for who in "abc" for how in "defg" for what in ("h i", "j", "k l m")]
VOCAB = Vocabulary.build(LINES)
TRAIN, VALID = Sentences.encode(LINES * 5, VOCAB), Sentences.encode(LINES[::5], VOCAB)


@pytest.fixture(scope="module", params=[(1, False), (3, False), (3, True)], ids=["1", "3", "3 tied"])
def model(request):
    return CBoW(dim=6, epochs=2, batch_tokens=60, window=request.param[0], tied=request.param[1]).fit(TRAIN, VALID)


def test_the_file_is_a_kind():
    assert Model is CBoW
    assert Model.family == "word-vector"


def test_scores_are_the_softmax_of_the_mean_of_the_last_words(model):
    weights = {name: values.astype(np.float64) for name, values in model.state().items()}
    table, bias = weights["embedding.weight"], weights["output.bias"]
    row = np.random.default_rng(0).integers(0, len(VOCAB), 9)
    scores = model.log_probs(Sentences.of_rows([row], VOCAB))
    read = [VOCAB.bos, *row]
    for i, token in enumerate(row):
        # the inputs up to i, <s> being input 0, and of them the last `window`
        mean = table[read[max(0, i + 1 - model.window) : i + 1]].mean(0)
        logits = (table[:-1] if model.tied else weights["output.weight"]) @ mean + bias
        assert scores[i] == pytest.approx(logits[token] - np.log(np.exp(logits).sum()), abs=1e-5)


def test_order_and_what_is_further_back_make_no_difference():
    model = CBoW(dim=6, epochs=1, window=3).fit(TRAIN, VALID)
    table = model.next_log_probs(Sentences.of_rows([[9, 2, 3, 4], [4, 3, 2], [8, 8, 8, 3, 2, 4], [3, 2]], VOCAB))
    assert table[1] == pytest.approx(table[0], abs=1e-5)
    assert table[2] == pytest.approx(table[0], abs=1e-5)
    assert not np.allclose(table[3], table[0], atol=1e-3)  # <s> is in this bag


def test_windows_of_a_long_row_go_on_where_the_last_ended(model, monkeypatch):
    long = Sentences.of_rows([np.tile(VALID.tokens, 5), VALID.tokens[:11]], VOCAB)
    whole = model.log_probs(long)
    for width in (1, 2, 7):
        monkeypatch.setattr(training, "WIDTH", width)
        assert model.log_probs(long) == pytest.approx(whole, abs=1e-5)


def test_rows_are_independent(model):
    together = np.split(model.log_probs(VALID), VALID.offsets[1:-1])
    for i in range(len(VALID)):
        assert model.log_probs(VALID.take([i])) == pytest.approx(together[i], abs=1e-5)


def test_the_future_does_not_leak_at_any_length(model):
    row = np.random.default_rng(0).integers(0, len(VOCAB), 20)
    scores = model.log_probs(Sentences.of_rows([row], VOCAB))
    for n in range(len(row)):
        changed = np.concatenate([row[:n], (row[n:] + 1) % len(VOCAB)])
        assert model.log_probs(Sentences.of_rows([changed], VOCAB))[:n] == pytest.approx(scores[:n], abs=1e-5)


def test_distributions_sum_to_one_over_events_without_bos(model):
    table = model.next_log_probs(VALID)
    assert table.shape == (len(VALID), len(VOCAB))
    assert np.exp(table).sum(1) == pytest.approx(1, abs=1e-5)


def test_an_empty_window_is_refused():
    with pytest.raises(BadConfig, match="window = 0"):
        CBoW(window=0).fit(TRAIN, VALID)
