"""Output layers: probabilities that sum to one, and the gradients that automatic differentiation would give."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from lmbench.errors import BadConfig
from lmbench.neural import output
from lmbench.neural.device import DEVICES, PRECISIONS
from lmbench.neural.network import Network
from lmbench.neural.output import AdaptiveSoftmax, Softmax, output_layer

V, D = 11, 4
KINDS = [
    {"tied": False, "features": 7},
    {"tied": True, "features": 7},
    {"tied": True, "features": D},
    {"tied": True, "features": D, "mapped": True},
    {"tied": False, "features": 7, "softmax": "adaptive", "cutoffs": (3, 6)},
    {"tied": False, "features": 7, "softmax": "adaptive"},
]


def layer(seed: int = 0, **options):
    torch.manual_seed(seed)
    net = Network(V, D, **options)
    with torch.no_grad():
        for weights in net.output.parameters():
            weights.add_(torch.randn_like(weights))
    return net


def asked(n: int = 23, features: int = 7):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(n, features, generator=generator) * 3, torch.arange(n) % V


@pytest.mark.parametrize("options", KINDS)
def test_probabilities_sum_to_one_and_nats_are_their_entries(options):
    net = layer(**options)
    features, targets = asked(features=options["features"])
    with torch.no_grad():
        table, nats = net.output.log_probs(features), net.output.nats(features, targets)
    assert table.shape == (len(targets), V)
    assert table.exp().sum(1) == pytest.approx(np.ones(len(targets)), abs=1e-5)
    assert -table.gather(1, targets[:, None]).squeeze(1).numpy() == pytest.approx(nats.numpy(), abs=1e-5)
    assert net.output.nats(features[:0], targets[:0]).shape == (0,)


@pytest.mark.parametrize("logits", [2 * V, 10**6])
@pytest.mark.parametrize("options", KINDS)
def test_gradients_are_those_of_automatic_differentiation(options, logits, monkeypatch):
    monkeypatch.setattr(output, "LOGITS", logits)  # slices of two rows, and one slice
    net = layer(**options)
    features, targets = asked(features=options["features"])
    inputs = features.clone().requires_grad_()
    nats = net.output.backward(inputs * 1, targets, scale=8)
    ours = [inputs.grad, *(weights.grad for weights in net.output.parameters())]
    net.zero_grad()
    checked = features.clone().requires_grad_()
    loss = -net.output.log_probs(checked).gather(1, targets[:, None]).sum()
    (loss / 8).backward()
    assert nats == pytest.approx(loss.item(), rel=1e-6)
    for own, theirs in zip(ours, [checked.grad, *(w.grad for w in net.output.parameters())], strict=True):
        assert torch.allclose(own, theirs, atol=2e-5)


def test_a_tied_embedding_gets_the_gradients_of_both_its_uses():
    net = layer(tied=True, features=D)
    ids, targets = torch.tensor([1, 2, V, 5]), torch.tensor([2, 5, 1, 0])
    net.output.backward(net.embedding(ids) * 2, targets, scale=1)
    ours = net.embedding.weight.grad.clone()
    net.zero_grad()
    logits = (net.embedding(ids) * 2) @ net.embedding.weight[:V].T + net.output.bias
    nn.functional.cross_entropy(logits, targets, reduction="sum").backward()
    assert torch.allclose(ours, net.embedding.weight.grad, atol=1e-5)
    assert ours[V].abs().sum() > 0  # <s> is read, though never predicted


def test_a_hopeless_target_costs_what_it_should():
    # exp(-300) is no float32: ln p must not be taken of a probability that has become 0
    net = layer(tied=False, features=2)
    with torch.no_grad():
        net.output.weight.zero_()
        net.output.weight[0, 0], net.output.bias[:] = 300.0, 0.0
    nats = net.output.nats(torch.tensor([[1.0, 0.0]]), torch.tensor([3]))
    assert float(nats) == pytest.approx(300.0, abs=1e-3)
    features = torch.tensor([[1.0, 0.0]], requires_grad=True)
    assert math.isfinite(net.output.backward(features * 1, torch.tensor([3]), 1))
    assert features.grad.tolist() == [[pytest.approx(300.0), 0]]


@pytest.mark.parametrize(("tied", "features"), [(False, 7), (True, 7), (True, D)])
def test_there_is_a_logit_for_each_event_and_none_for_bos(tied, features):
    net = Network(V, D, features, tied=tied)
    assert net.embedding.weight.shape == (V + 1, D)
    weights = sum(parameter.numel() for parameter in net.parameters())
    # embedding, output bias, then the kernel, or the projection (with its bias) that stands for it
    kernel = V * features if not tied else (features + 1) * D if features != D else 0
    assert weights == (V + 1) * D + V + kernel


def test_a_tied_kernel_is_the_embedding_without_bos():
    net = Network(V, D, D, tied=True)
    assert torch.equal(net.output.kernel(), net.embedding.weight[:V])


def test_bfloat16_products_stay_near(monkeypatch):
    net = layer(tied=False, features=7)
    features, targets = asked()
    exact = net.output.nats(features, targets)
    monkeypatch.setattr(net.output, "precision", torch.bfloat16)
    nats = net.output.nats(features, targets)
    assert not torch.equal(nats, exact)
    assert torch.allclose(nats, exact, atol=0.3)
    inputs = features.clone().requires_grad_()
    assert net.output.backward(inputs * 1, targets, 1) == pytest.approx(float(exact.sum()), rel=0.01)
    rough = inputs.grad
    net.zero_grad()
    net.output.precision = torch.float32
    inputs = features.clone().requires_grad_()
    net.output.backward(inputs * 1, targets, 1)
    assert torch.allclose(rough, inputs.grad, atol=0.2)


def test_precision_is_what_the_machine_has():
    cpu = torch.device("cpu")
    assert PRECISIONS["float32"](cpu) is torch.float32
    assert PRECISIONS["bfloat16"](torch.device("cuda")) is torch.bfloat16
    has = torch.ops.mkldnn._is_mkldnn_bf16_supported()
    assert PRECISIONS["bfloat16"](cpu) is (torch.bfloat16 if has else torch.float32)


def test_a_device_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert DEVICES["auto"]() == DEVICES["cpu"]() == torch.device("cpu")
    for name in ("cuda", "mps"):
        with pytest.raises(BadConfig, match="use --device cpu"):
            DEVICES[name]()


def test_options_that_do_not_fit_are_refused():
    embedding = nn.Embedding(V + 1, D)
    with pytest.raises(BadConfig, match=r"no softmax 'adaptve'; did you mean 'adaptive'"):
        output_layer(embedding, 7, tied=False, softmax="adaptve")
    with pytest.raises(BadConfig, match="set tied = false"):
        output_layer(embedding, 7, tied=True, softmax="adaptive")
    for cutoffs in ((0, 3), (5, 3), (3, V), (3, 3)):
        with pytest.raises(BadConfig, match="do not rise between 0 and the 11 events"):
            AdaptiveSoftmax(V, 7, cutoffs)
    assert isinstance(output_layer(embedding, 7, tied=False), Softmax)
