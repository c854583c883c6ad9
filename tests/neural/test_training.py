"""The one training loop and the one way of scoring, on a text small enough to train on in a second."""

import math
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import get_type_hints

import numpy as np
import pytest
import torch

from lmbench.errors import BadConfig, BadModel, BadText, Diverged
from lmbench.models.recurrent import Reader, Recurrent
from lmbench.neural import output, training
from lmbench.neural.layers import recurrent_stack
from lmbench.neural.network import Network
from lmbench.neural.training import Neural
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS, Vocabulary

VOCAB = Vocabulary.of_words("abcdefgh")
V = len(VOCAB)
SMALL = {"dim": 8, "hidden": 12, "batch_tokens": 64, "bptt": 10, "epochs": 2}


def sentences(n, seed):
    """Rows in which each letter is mostly followed by the next one, and some random ones are empty."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(n):
        row, letter = [], int(rng.integers(2, V))
        for _ in range(int(rng.integers(0, 15))):
            row.append(letter)
            letter = 2 + (letter - 1) % (V - 2) if rng.random() < 0.8 else int(rng.integers(2, V))
        rows.append([*row, EOS] if row else row)
    return Sentences.of_rows(rows, VOCAB)


def stream(batch):
    return Sentences(batch.vocab, batch.tokens, np.array([0, batch.n_tokens]))


TRAIN, VALID, TEST = sentences(150, 0), sentences(40, 1), sentences(40, 2)


@pytest.fixture(scope="module")
def lstm():
    return Recurrent(**SMALL).fit(TRAIN, VALID)


def test_training_learns(lstm):
    assert lstm.history_[-1] < lstm.history_[0] < V
    assert np.exp(-lstm.log_probs(TEST).mean()) < np.exp(
        -Recurrent(**SMALL, lr=1e-30).fit(TRAIN, VALID).log_probs(TEST).mean()
    )


def test_scores_are_the_networks_own_over_each_whole_row(lstm):
    # no windows, no batches, no padding: one row at a time
    scores = lstm.log_probs(TEST)
    assert scores.dtype == np.float64
    assert scores.shape == (TEST.n_tokens,)
    for row, got in zip(TEST, np.split(scores, TEST.offsets[1:-1]), strict=True):
        if len(row):
            with torch.no_grad():
                features, _ = lstm.net_(torch.tensor([[VOCAB.bos, *row[:-1]]]))
                table = lstm.net_.output.log_probs(features[0]).double().numpy()
            assert got == pytest.approx(table[np.arange(len(row)), row], abs=1e-5)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_state_carried_across_windows_equals_one_window(cell, layers, monkeypatch):
    model = Recurrent(**SMALL, cell=cell, layers=layers).fit(TRAIN, VALID)
    long = Sentences.of_rows([stream(TEST).tokens, TRAIN.tokens[:101], TRAIN.tokens[:3]], VOCAB)
    whole = model.log_probs(long)
    monkeypatch.setattr(training, "WIDTH", 7)  # no length above is a multiple of 7 but the tail is scored too
    assert model.log_probs(long) == pytest.approx(whole, abs=1e-5)
    monkeypatch.setattr(training, "CELLS", 1)
    assert model.log_probs(long) == pytest.approx(whole, abs=1e-5)


def test_a_stream_is_conditioned_on_all_before_it_and_rows_on_themselves(lstm):
    rows, one = lstm.log_probs(TEST), lstm.log_probs(stream(TEST))
    first = slice(0, int(TEST.offsets[np.flatnonzero(TEST.lengths)[0] + 1]))
    assert one[first] == pytest.approx(rows[first], abs=1e-5)
    assert not np.allclose(one[first.stop :], rows[first.stop :], atol=1e-3)


def test_little_logits_at_once_change_nothing(lstm, monkeypatch):
    prefixes = TEST.take([0, 1, 2, 3])
    scores, table = lstm.log_probs(TEST), lstm.next_log_probs(prefixes)
    monkeypatch.setattr(output, "LOGITS", 3 * V)
    assert lstm.log_probs(TEST) == pytest.approx(scores, abs=1e-5)
    assert lstm.next_log_probs(prefixes) == pytest.approx(table, abs=1e-5)
    sliced = Recurrent(**SMALL).fit(TRAIN, VALID)  # training sums the gradients of the slices
    assert sliced.log_probs(TEST) == pytest.approx(scores, abs=1e-2)


def test_next_log_probs_are_the_entries_of_log_probs(lstm):
    prefixes = Sentences.of_rows([[], [2], [3, 4, 5], [], list(range(2, 8)) * 60], VOCAB)
    table = lstm.next_log_probs(prefixes)
    assert np.exp(table).sum(1) == pytest.approx(1, abs=1e-5)
    assert table == pytest.approx(super(Neural, lstm).next_log_probs(prefixes), abs=1e-5)


def test_nothing_is_scored_as_nothing(lstm):
    assert lstm.log_probs(Sentences.of_rows([], VOCAB)).shape == (0,)
    assert lstm.log_probs(Sentences.of_rows([[], []], VOCAB)).shape == (0,)
    assert lstm.next_log_probs(Sentences.of_rows([], VOCAB)).shape == (0, V)


@pytest.mark.parametrize("text", [TRAIN, stream(TRAIN)], ids=["rows", "stream"])
def test_an_epoch_reads_every_token_once(text):
    model = Recurrent(**SMALL)
    model.net_ = model.net(VOCAB)
    seen = np.concatenate([window.cells for window, _ in model._windows(text, np.random.default_rng(0))])
    assert sorted(seen) == list(range(text.n_tokens))


def test_a_stream_is_read_side_by_side_in_training():
    model = Recurrent(**SMALL)  # 64 tokens a step in windows of 10: 6 lanes
    model.net_ = model.net(VOCAB)
    shapes = {tuple(w.inputs.shape) for w, _ in model._windows(stream(TRAIN), np.random.default_rng(0))}
    assert {rows for rows, _ in shapes} <= {5, 6}
    assert (6, 10) in shapes


def test_a_lane_of_training_keeps_its_state_from_window_to_window():
    model, text = Recurrent(**SMALL), stream(TRAIN)
    model.net_ = model.net(VOCAB).eval()
    got = np.full((text.n_tokens, 12), np.nan)
    for window, features in model._windows(text, np.random.default_rng(0)):
        got[window.cells] = features[window.real].detach().numpy()
        features.sum().backward()  # and each window has a graph of its own: a second walk through one would raise
    bounds = [text.n_tokens * i // 6 for i in range(7)]
    for start, end in pairwise(bounds):
        with torch.no_grad():
            whole, _ = model.net_(torch.from_numpy(text.previous[None, start:end].astype(np.int64)))
        assert got[start:end] == pytest.approx(whole[0].numpy(), abs=1e-5)


def test_a_stream_is_learnt():
    # across </s> the next letter is random, so this only shows that windows and lanes fit together
    model = Recurrent(**{**SMALL, "epochs": 4}).fit(stream(TRAIN), stream(VALID))
    assert model.history_[-1] < 0.8 * model.history_[0]


def test_the_best_epoch_is_kept_and_training_ends_after_patience():
    few = TRAIN.take(np.arange(8))  # learnt by heart, so valid soon gets worse
    settings = {**SMALL, "epochs": 60, "lr": 0.03, "dropout": 0.0, "schedule": "plateau", "patience": 3}
    model = Recurrent(**settings).fit(few, VALID)
    assert len(model.history_) == model.best_epoch_ + 3 < 60
    assert model.history_[model.best_epoch_ - 1] == min(model.history_)
    assert np.exp(-model.log_probs(VALID).mean()) == pytest.approx(min(model.history_), rel=1e-12)
    assert model.notes() == (f"weights of epoch {model.best_epoch_}; trained for {len(model.history_)} of 60",)


def test_divergence_is_one_line_with_a_remedy():
    model = Recurrent(**SMALL)
    model.lr = 1e37  # no benchmark may ask for it
    with pytest.raises(Diverged, match=r"epoch 1: lr = 1e\+37 .* lower lr, or clip") as raised:
        model.fit(TRAIN, VALID)
    assert "\n" not in str(raised.value)


def test_one_seed_one_model_and_the_global_generator_is_left_alone(lstm):
    before = torch.get_rng_state()
    again = Recurrent(**SMALL).fit(TRAIN, VALID)
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(99)
    assert np.array_equal(again.log_probs(TEST), Recurrent(**SMALL).fit(TRAIN, VALID).log_probs(TEST))
    torch.set_rng_state(before)
    assert np.array_equal(again.log_probs(TEST), lstm.log_probs(TEST))
    assert not np.array_equal(lstm.log_probs(TEST), Recurrent(**SMALL, seed=1).fit(TRAIN, VALID).log_probs(TEST))


@pytest.mark.parametrize("tied", [False, True])
def test_restored_scores_are_the_same_bits(tied):
    model = Recurrent(**SMALL, tied=tied).fit(TRAIN, VALID)
    state = model.state()
    assert sum(values.size for name, values in state.items() if not name.endswith("_")) == model.n_params()
    before = torch.get_rng_state()
    again = Recurrent(**SMALL, tied=tied).restore(VOCAB, state)
    assert torch.equal(before, torch.get_rng_state())
    assert np.array_equal(again.log_probs(TEST), model.log_probs(TEST))
    assert (again.history_, again.best_epoch_, again.notes()) == (model.history_, model.best_epoch_, model.notes())
    state["output.bias"][:] = 0  # a copy: the model does not change under whoever holds its state
    assert np.array_equal(again.log_probs(TEST), model.log_probs(TEST))


def test_state_of_other_fields_is_refused(lstm):
    with pytest.raises(BadModel, match="has shape"):
        Recurrent(**{**SMALL, "hidden": 13}).restore(VOCAB, lstm.state())
    with pytest.raises(BadModel, match=r"'stack.layers.1.bias' has shape None"):
        Recurrent(**SMALL, layers=2).restore(VOCAB, lstm.state())


def test_training_can_be_watched():
    model, seen = Recurrent(**SMALL), []
    model.on_epoch = lambda *args: seen.append(args)
    model.fit(TRAIN, VALID)
    assert [(epoch, epochs) for epoch, epochs, _ in seen] == [(1, 2), (2, 2)]
    assert [math.exp(nats) for *_, nats in seen] == model.history_


def test_only_hyperparameters_are_fields():
    hints = get_type_hints(Recurrent)
    names = {field.name for field in fields(Recurrent)}
    kinds = {int, float, bool, str, tuple[int, ...], float | None, str | None}
    assert {hints[name] for name in names} <= kinds
    assert not {"on_epoch", "net_", "history_", "vocab_", "family"} & names
    assert Recurrent().config().keys() == names


def test_a_new_network_is_one_method():
    @dataclass(kw_only=True)
    class Wide(Neural):
        def net(self, vocab: Vocabulary) -> Network:
            return Reader(len(vocab), self.dim, recurrent_stack("rnn", self.dim, 20, 1, 0.0), dropout=0.0, tied=False)

    model = Wide(dim=6, epochs=1).fit(TRAIN, VALID)
    assert np.isfinite(model.log_probs(TEST)).all()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"schedule": "lineer"}, "schedule = 'lineer' is not one of .*; did you mean 'linear'"),
        ({"embeddings": "glove"}, "embeddings = 'glove' is not one of random, word2vec, skipgram, fasttext, file"),
        ({"bptt": 0}, "bptt = 0"),
        ({"dropout": 1.0}, "dropout = 1"),
        ({"hidden": 0}, "hidden = 0"),
    ],
)
def test_impossible_settings_are_refused(settings, says):
    with pytest.raises(BadConfig, match=says):
        Recurrent(**{**SMALL, **settings}).fit(TRAIN, VALID)


def test_an_empty_split_is_refused():
    with pytest.raises(BadText, match="valid has no tokens"):
        Recurrent(**SMALL).fit(TRAIN, Sentences.of_rows([[]], VOCAB))
