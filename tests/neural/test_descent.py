"""Descent: schedules, clipping, averaging, and training that is taken up again to the last bit."""

import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from lmbench.errors import BadConfig, BadModel, Diverged
from lmbench.models.recurrent import Recurrent
from lmbench.neural.descent import SCHEDULES, Descent, Point, copied
from lmbench.neural.network import Network
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS, Vocabulary

VOCAB = Vocabulary.of_words("abcdefgh")
V = len(VOCAB)
SMALL = {"dim": 5, "hidden": 6, "batch_tokens": 64, "bptt": 10, "epochs": 6, "dropout": 0.2}
SETTINGS = {
    "optimiser": "sgd", "epochs": 10, "lr": 0.5, "schedule": "constant", "decay": 0.5, "hold": 2, "averaging": 0,
    "clip": 1.0, "weight_decay": 0.0, "patience": 3, "seed": 0,
}  # fmt: skip


def sentences(n, seed):
    rng = np.random.default_rng(seed)
    rows = [[*(2 + np.arange(rng.integers(1, 12)) * rng.integers(1, 3) % (V - 2)), EOS] for _ in range(n)]
    return Sentences.of_rows(rows, VOCAB)


TRAIN, VALID, TEST = sentences(120, 0), sentences(30, 1), sentences(30, 2)


def descent(**settings):
    torch.manual_seed(0)
    return Descent(Network(V, 3, 3, tied=False), SimpleNamespace(**{**SETTINGS, **settings}))


def give_gradients(one, value):
    for weights in one.net.parameters():
        weights.grad = torch.full_like(weights, value)


def test_schedules():
    settings = SimpleNamespace(**SETTINGS)
    linear, plateau, hold = (SCHEDULES[name] for name in ("linear", "plateau", "hold"))
    assert [linear(settings, Point(done, 1, 0)) for done in (0, 0.25, 1)] == [1, 0.75, 0]
    assert plateau(settings, Point(0.9, 9, 2)) == 0.25
    # Zaremba et al. 2014 with hold = 2: epochs 1 and 2 at the whole rate, then half of it, a quarter, ...
    assert [hold(settings, Point(0, epoch, 0)) for epoch in (1, 2, 3, 4)] == [1, 1, 0.5, 0.25]
    assert SCHEDULES["constant"](settings, Point(0.5, 7, 3)) == 1


def test_a_long_gradient_is_cut_to_the_clip_and_a_short_one_is_not():
    one = descent()
    for value, moved in ((0.001, None), (10.0, 0.5)):  # lr times clip
        before = copied(one.net)
        give_gradients(one, value)
        one.step(0, torch.tensor(1.0))
        steps = [before[name] - w.detach() for name, w in one.net.named_parameters()]
        length = math.sqrt(sum(float(step.square().sum()) for step in steps))
        n = sum(step.numel() for step in steps)
        assert length == pytest.approx(moved if moved else 0.5 * 0.001 * math.sqrt(n), rel=1e-4)


def test_the_mean_is_over_all_steps_since_it_began():
    one = descent(averaging=1)
    for valid in (1.0, 2.0):  # the second epoch is worse: averaging begins
        one.end_epoch(lambda valid=valid: valid)
    seen = []
    for value in (0.01, 0.02, -0.05):
        give_gradients(one, value)
        one.step(0, torch.tensor(1.0))
        seen.append(copied(one.net))
    at_valid = []
    one.end_epoch(lambda: at_valid.append(copied(one.net)) or 0.5)
    for name, w in one.net.named_parameters():
        mean = torch.stack([weights[name] for weights in seen]).mean(0)
        assert torch.allclose(at_valid[0][name], mean, atol=1e-6)  # measured as the mean
        assert torch.equal(w, seen[-1][name])  # and trained on from where it was
        assert torch.allclose(one.kept[name], mean, atol=1e-6)
    one.finish()
    assert torch.allclose(one.net.output.bias, at_valid[0]["output.bias"])


def test_averaging_begins_when_valid_stops_improving():
    one = descent(averaging=2, patience=9)
    for epoch, valid in enumerate((3.0, 2.0, 2.5, 1.5, 1.6, 1.7), start=1):
        one.end_epoch(lambda valid=valid: valid)
        assert bool(one.mean) == (epoch == 6)  # epochs 5 and 6 are both above the 1.5 of epoch 4


@pytest.mark.parametrize(
    "settings",
    [
        {"cell": "lstm"},
        {"cell": "gru", "optimiser": "sgd", "lr": 2.0, "schedule": "constant", "averaging": 1, "tied": False},
        {"cell": "rnn", "schedule": "plateau", "embeddings": "word2vec", "vector_epochs": 1, "weight_decay": 0.01},
        {"cell": "gru", "embeddings": "skipgram", "vector_epochs": 1, "frozen": True, "mapped": True},
    ],
)
@pytest.mark.parametrize("killed", [1, 4])
def test_training_taken_up_again_ends_at_the_same_bits(settings, killed, tmp_path):
    whole = Recurrent(**{**SMALL, **settings}).fit(TRAIN, VALID)

    def die(epoch, *_):
        if epoch == killed:
            raise KeyboardInterrupt

    cut = Recurrent(**{**SMALL, **settings})
    cut.checkpoint, cut.on_epoch = (tmp_path / "one", "key"), die
    with pytest.raises(KeyboardInterrupt):
        cut.fit(TRAIN, VALID)
    epochs = []
    again = Recurrent(**{**SMALL, **settings})
    again.checkpoint, again.on_epoch = (tmp_path / "one", "key"), lambda epoch, *_: epochs.append(epoch)
    torch.manual_seed(12345)  # where the global generator stands must not matter
    again.fit(TRAIN, VALID)
    assert epochs == list(range(killed + 1, SMALL["epochs"] + 1))
    for name, array in whole.state().items():
        assert np.array_equal(again.state()[name], array), name
    assert np.array_equal(again.log_probs(TEST), whole.log_probs(TEST))


def test_a_checkpoint_of_another_job_is_not_taken_up(tmp_path):
    for key in ("one", "two"):
        epochs = []
        model = Recurrent(**SMALL)
        model.checkpoint, model.on_epoch = (tmp_path / "c", key), lambda epoch, *_, seen=epochs: seen.append(epoch)
        model.fit(TRAIN, VALID)
        assert epochs == [1, 2, 3, 4, 5, 6]


def test_a_damaged_checkpoint_says_so(tmp_path):
    model = Recurrent(**SMALL)
    model.checkpoint = tmp_path / "c", "key"
    model.fit(TRAIN, VALID)
    content = (tmp_path / "c").read_bytes()
    for damaged in (content[:100], b"", content[:8] + b"x" + content[9:], json.dumps({}).encode()):
        (tmp_path / "c").write_bytes(damaged)
        with pytest.raises(BadModel, match="delete it to train from the start"):
            model.fit(TRAIN, VALID)


def test_divergence_leaves_the_last_good_checkpoint(tmp_path):
    model = Recurrent(**{**SMALL, "schedule": "constant"})
    model.checkpoint = tmp_path / "c", "key"

    def grow(epoch, *_):
        if epoch == 2:
            model.lr = 1e37

    model.on_epoch = grow
    with pytest.raises(Diverged, match="in epoch 3"):
        model.fit(TRAIN, VALID)
    one = Descent(model.net(VOCAB), model)
    assert one.restore(tmp_path / "c", "key")
    assert one.epoch == 2
    assert all(bool(torch.isfinite(w).all()) for w in one.net.parameters())


def test_unknown_names_are_refused_with_a_suggestion():
    with pytest.raises(BadConfig, match="optimiser = 'adm' is not one of adam, sgd; did you mean 'adam'"):
        Recurrent(**{**SMALL, "optimiser": "adm"}).fit(TRAIN, VALID)
    with pytest.raises(BadConfig, match=r"schedule = 'linea' is not one of .*; did you mean 'linear'"):
        Recurrent(**{**SMALL, "schedule": "linea"}).fit(TRAIN, VALID)
