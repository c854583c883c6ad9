"""Recurrent rows: conditioned on their own past and on nothing else."""

from dataclasses import fields

import numpy as np
import pytest
import torch

from lmbench.errors import BadConfig
from lmbench.models.recurrent import Model, Recurrent
from lmbench.neural.embeddings import embed
from lmbench.neural.weights import Options
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


@pytest.mark.parametrize(("cell", "gates", "biases"), [("rnn", 1, 1), ("gru", 3, 2), ("lstm", 4, 1)])
def test_parameters_are_counted_once(cell, gates, biases):
    # embedding (V + 1) D; per layer gates (D H + H H + H), a GRU's bias twice; projection (H + 1) D; bias V
    model = Recurrent(**{**SMALL, "epochs": 1}, cell=cell).fit(TRAIN, VALID)
    v, d, h = len(VOCAB), 6, 10
    assert model.n_params() == (v + 1) * d + gates * (d * h + h * h + biases * h) + (h + 1) * d + v


@pytest.mark.parametrize("method", ["word2vec", "fasttext"])
def test_embeddings_start_from_the_vectors_of_train(method):
    model = Recurrent(**{**SMALL, "lr": 1e-30}, embeddings=method, vector_epochs=2).fit(TRAIN, VALID)
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


# Options of the layers and dropout


def net(**fields):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return Recurrent(**SMALL, **fields).net(VOCAB)


OTHERS = {
    "activation": "softsign",
    "recurrent_activation": "hard_sigmoid",
    "use_bias": False,
    "kernel_initializer": "zeros",
    "recurrent_initializer": "identity",
    "bias_initializer": "ones",
    "unit_forget_bias": False,
    "kernel_regularizer": "l1",
    "recurrent_regularizer": "l2",
    "bias_regularizer": "l1",
    "activity_regularizer": "l2",
    "kernel_constraint": "unit_norm",
    "recurrent_constraint": "max_norm(0.1)",
    "bias_constraint": "max_norm(0.1)",
    "recurrent_dropout": 0.5,
    "weight_drop": 0.5,
    "reset_after": False,
}


@pytest.mark.parametrize("name", [field.name for field in fields(Options)])
def test_every_option_of_the_cells_reaches_every_layer_and_counts(name):
    cell = "gru" if name == "reset_after" else "lstm"
    inputs = torch.from_numpy(VALID.previous[None, :12].astype(np.int64))

    def told(net):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            features, _ = net(inputs)
        penalty = net.penalty()
        net.constrain()
        weights = [weights.detach().numpy().copy() for weights in net.parameters()]
        return [features.detach().numpy(), np.array(0.0 if penalty is None else penalty.item()), *weights]

    usual, other = (net(cell=cell, layers=2, dropout=0.0, **options) for options in ({}, {name: OTHERS[name]}))
    assert {getattr(layer, name) for layer in other.stack.layers} == {OTHERS[name]}
    same = [np.array_equal(one, another) for one, another in zip(told(usual), told(other), strict=False)]
    assert not all(same)


def test_networks_have_no_penalty_by_default():
    assert net(cell="lstm").penalty() is None


@pytest.mark.parametrize(
    ("given", "shares"),
    [
        ({}, (0.2, 0.2, 0.2, 0.0)),
        ({"dropout": 0.5}, (0.5, 0.5, 0.5, 0.0)),
        ({"dropout": 0.5, "dropout_input": 0.1}, (0.1, 0.5, 0.5, 0.0)),
        ({"dropout_output": 0.0, "dropout_embedding": 0.3}, (0.2, 0.2, 0.0, 0.3)),
    ],
)
@pytest.mark.parametrize("variational", [False, True])
def test_shares_are_dropout_unless_they_are_given(given, shares, variational):
    made = net(**given, variational=variational)
    parts = (made.dropout_input, made.stack.dropout, made.dropout_output)
    assert (*(part.share for part in parts), made.dropout_embedding.share) == shares
    assert {part.variational for part in parts} == {variational}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"dropout_input": 1.0}, "dropout_input = 1.0 is not a number from 0 and below 1"),
        ({"dropout_output": -0.1}, "dropout_output = -0.1 is not"),
        ({"dropout_embedding": 1.5}, "dropout_embedding = 1.5 is not"),
        ({"activation": "tahn"}, "no activation 'tahn'; did you mean 'tanh'"),
        ({"cell": "gru", "unit_forget_bias": False}, "unit_forget_bias = False is not for cells of kind GRU"),
        ({"bias_regularizer": "orthogonal_regularizer"}, "regularizer 'orthogonal_regularizer' is for kernels"),
        ({"kernel_constraint": "max_norm(x)"}, "constraint 'max_norm"),
    ],
)
def test_options_that_cannot_be_are_refused_before_training(given, says):
    with pytest.raises(BadConfig, match=says):
        Recurrent(**SMALL, **given).fit(TRAIN, VALID)


def test_a_network_of_other_options_learns_too():
    fields = {"cell": "gru", "reset_after": False, "recurrent_dropout": 0.1, "variational": True, "epochs": 3}
    model = Recurrent(**{**SMALL, **fields}).fit(TRAIN, VALID)
    assert model.history_[-1] < model.history_[0] < len(VOCAB)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_regularizers_pull_and_constraints_hold_in_training(cell):
    def size(part, **options):
        model = Recurrent(**SMALL, cell=cell, **options).fit(TRAIN, VALID)
        return float(dict(model.net_.named_parameters())[f"stack.layers.0.{part}"].detach().norm(dim=1).mean())

    assert size("kernel", kernel_regularizer="l2(0.1)") < 0.8 * size("kernel")
    assert size("recurrent_kernel", recurrent_regularizer="l2(0.1)") < 0.8 * size("recurrent_kernel")
    assert size("recurrent_kernel", recurrent_constraint="unit_norm") == pytest.approx(1, abs=1e-5)


def test_penalised_outputs_are_smaller():
    inputs = torch.from_numpy(VALID.previous[None, :12].astype(np.int64))
    sizes = []
    for options in {}, {"activity_regularizer": "l2(0.1)"}:
        model = Recurrent(**SMALL, **options).fit(TRAIN, VALID)
        sizes.append(float(model.net_(inputs)[0].detach().square().mean()))
    assert sizes[1] < 0.5 * sizes[0]


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_a_penalty_and_the_loss_go_back_one_after_the_other(cell):
    # through one graph of a fused kernel in float32
    gradients = []
    for together in True, False:
        made = net(cell=cell, layers=2, dropout=0.0, activity_regularizer="l2")
        features, _ = made(torch.from_numpy(VALID.previous[None, :12].astype(np.int64)))
        if together:
            (features.sum() + made.penalty()).backward()
        else:
            made.penalty().backward(retain_graph=True)
            features.sum().backward()
        gradients.append([w.grad for w in made.stack.parameters()])
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)
