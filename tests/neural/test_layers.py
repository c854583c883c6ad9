"""Recurrent stacks against the equations of their papers, and the laws of their first weights."""

import math

import pytest
import torch

from lmbench.errors import BadConfig
from lmbench.neural.layers import CELLS, recurrent_stack
from lmbench.neural.network import EMBEDDING_NORM, embedding_table

D, H, B, T = 5, 4, 3, 6


def rnn_step(x, h, w):
    h = torch.tanh(x @ w["ih"].T + w["bih"] + h[0] @ w["hh"].T + w["bhh"])
    return (h,)


def lstm_step(x, state, w):
    h, c = state
    i, f, g, o = (x @ w["ih"].T + w["bih"] + h @ w["hh"].T + w["bhh"]).chunk(4, 1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


def gru_step(x, state, w):
    # the reset gate after the recurrent product, as in Keras' reset_after=True
    (h,) = state
    xr, xz, xn = (x @ w["ih"].T + w["bih"]).chunk(3, 1)
    hr, hz, hn = (h @ w["hh"].T + w["bhh"]).chunk(3, 1)
    r, z = (xr + hr).sigmoid(), (xz + hz).sigmoid()
    n = torch.tanh(xn + r * hn)
    return ((1 - z) * n + z * h,)


STEPS = {"rnn": (rnn_step, 1), "lstm": (lstm_step, 2), "gru": (gru_step, 1)}


@pytest.fixture(autouse=True)
def _seed():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        yield


@pytest.mark.parametrize("cell", CELLS)
def test_a_stack_computes_the_equations_of_its_cell(cell):
    stack = recurrent_stack(cell, D, H, 2, 0.0)
    with torch.no_grad():
        for weights in stack.parameters():
            weights += 0.1 * torch.randn_like(weights)  # no bias is zero
    x = torch.randn(B, T, D)
    out, _ = stack(x)
    step, n_states = STEPS[cell]
    layer_in = list(x.unbind(1))
    for layer in range(2):
        names = {"ih": "weight_ih", "hh": "weight_hh", "bih": "bias_ih", "bhh": "bias_hh"}
        w = {short: getattr(stack, f"{long}_l{layer}") for short, long in names.items()}
        state = tuple(torch.zeros(B, H) for _ in range(n_states))
        layer_out = []
        for xt in layer_in:
            state = step(xt, state, w)
            layer_out.append(state[0])
        layer_in = layer_out
    assert torch.allclose(out, torch.stack(layer_in, 1), atol=1e-6)


@pytest.mark.parametrize("cell", CELLS)
def test_first_weights_obey_their_laws(cell):
    gates = {"rnn": 1, "lstm": 4, "gru": 3}[cell]
    stack = recurrent_stack(cell, 60, 50, 2, 0.0)
    for layer, width in enumerate((60, 50)):
        kernel = getattr(stack, f"weight_ih_l{layer}")
        limit = math.sqrt(6 / (width + gates * 50))  # Glorot: uniform, variance 2 / (in + out)
        assert kernel.shape == (gates * 50, width)
        assert kernel.abs().max() <= limit
        assert float(kernel.detach().var()) == pytest.approx(limit**2 / 3, rel=0.08)
        recurrent = getattr(stack, f"weight_hh_l{layer}")
        assert torch.allclose(recurrent.T @ recurrent, torch.eye(50), atol=1e-5)
        bias = getattr(stack, f"bias_ih_l{layer}") + getattr(stack, f"bias_hh_l{layer}")
        forget = torch.zeros(gates * 50)
        if cell == "lstm":
            forget[50:100] = 1
        assert torch.equal(bias, forget)


def test_an_lstm_at_its_start_keeps_most_of_its_cell():
    # with no input, sigmoid(1) = .731 of the cell is left after a step: the forget bias is on the forget gate
    stack = recurrent_stack("lstm", D, H, 1, 0.0)
    cell = torch.full((1, 1, H), 0.5)
    _, (_, after) = stack(torch.zeros(1, 1, D), (torch.zeros(1, 1, H), cell))
    assert torch.allclose(after, 0.731 * cell, atol=1e-3)


def test_unknown_cell_is_refused_with_a_suggestion():
    with pytest.raises(BadConfig, match=r"no cell 'ltsm'; did you mean 'lstm'\? \(gru, lstm, rnn\)"):
        recurrent_stack("ltsm", D, H, 1, 0.0)


def test_random_embeddings_have_the_norm_that_word_vectors_are_scaled_to():
    lengths = embedding_table(2000, 64).norm(dim=1)
    assert float(lengths.square().mean().sqrt()) == pytest.approx(EMBEDDING_NORM, rel=0.02)
