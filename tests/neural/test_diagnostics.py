"""Gradients through time against finite differences and closed forms, the fused kernels, the long-lag task, gates."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from toy import toy

from lmbench.errors import BadConfig
from lmbench.models.recurrent import Recurrent
from lmbench.neural.diagnostics import fitted
from lmbench.neural.diagnostics.cells import Layer, layers_of, one_thread, unroll
from lmbench.neural.diagnostics.gradients import half_life, rate, reach, scaled, spectral_radius, step_length
from lmbench.neural.diagnostics.long_lag import Task, accuracy, gradients, memory, stride, train
from lmbench.neural.layers import CELLS, recurrent_stack
from lmbench.text.sentences import Sentences

D, H, B, T = 5, 4, 3, 7
GATES = {"rnn": set(), "lstm": {"input", "forget", "output"}, "gru": {"reset", "update"}}


@pytest.fixture(autouse=True)
def _seed():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        yield


def stack_of(cell, layers=1):
    """float64, no weight zero."""
    stack = recurrent_stack(cell, D, H, layers, 0.0).double()
    with torch.no_grad():
        for weights in stack.parameters():
            weights += 0.3 * torch.randn_like(weights)
    return stack


@cache
def trained(cell, layers=1):
    train, valid, _ = toy()
    return Recurrent(cell=cell, dim=6, hidden=5, layers=layers, epochs=3, dropout=0.0).fit(train, valid)


@pytest.mark.parametrize("cell", CELLS)
def test_steps_are_those_of_the_fused_kernels(cell):
    stack, inputs = stack_of(cell, layers=2), torch.randn(B, T, D, dtype=torch.float64)
    out, last = stack(inputs)
    lower, upper = layers_of(stack)
    assert (lower.cell, lower.units) == (cell, H)
    below = unroll(lower, inputs)
    above = unroll(upper, below.output)
    torch.testing.assert_close(above.output, out, rtol=0, atol=1e-10)
    for part, states in enumerate(last):
        for layer, found in enumerate((below, above)):
            torch.testing.assert_close(found.states[-1][part], states[layer], rtol=0, atol=1e-10)


@pytest.mark.parametrize("options", [{"activation": "relu"}, {"cell": "gru", "reset_after": False}])
def test_cells_whose_steps_are_not_known_are_refused(options):
    cell = options.get("cell", "lstm")
    with pytest.raises(BadConfig, match=f"this {cell.upper()} has other options"):
        layers_of(recurrent_stack(**{"cell": cell, **options}, dim=D, hidden=H, layers=2, dropout=0.0))


@pytest.mark.parametrize("cell", CELLS)
def test_gates_are_those_the_states_were_made_with(cell):
    found = unroll(layers_of(stack_of(cell))[0], torch.randn(B, T, D, dtype=torch.float64))
    assert found.gates.keys() == GATES[cell]
    for values in found.gates.values():
        assert values.shape == (B, T, H)
        assert 0 < values.min() <= values.max() < 1
    if cell == "lstm":  # h = o tanh(c)
        c = torch.stack([state[1] for state in found.states[1:]], 1)
        torch.testing.assert_close(found.gates["output"] * c.tanh(), found.output)
    if cell == "gru":  # h' - z h = (1 - z) n, and |n| <= 1: z keeps the past
        before, z = torch.stack([state[0] for state in found.states[:-1]], 1), found.gates["update"]
        assert ((found.output - z * before).abs() <= 1 - z).all()


@pytest.mark.parametrize("cell", CELLS)
def test_gradients_are_finite_differences(cell):
    layer, inputs = layers_of(stack_of(cell))[0].double(), torch.randn(1, T, D, dtype=torch.float64)
    weights = torch.randn(H, dtype=torch.float64)

    def loss(h):
        return (h @ weights).cos()

    found, states = reach(layer, inputs, loss), unroll(layer, inputs).states
    for part, norms in enumerate((found.hidden, found.cell)[: len(states[0])]):
        for k in range(T):
            slopes = []
            for unit in range(H):
                ends = []
                for step in (1e-6, -1e-6):
                    moved = [state.clone() for state in states[T - k]]
                    moved[part][0, unit] += step
                    if part == 1:  # h is made of c: what it makes of it counts
                        gate = states[T - k][0] / states[T - k][1].tanh()
                        moved[0] = gate * moved[1].tanh()
                    rest = inputs[:, T - k :]
                    ends.append(loss(unroll(layer, rest, tuple(moved)).states[-1][0] if k else moved[0]))
                slopes.append((ends[0] - ends[1]).item() / 2e-6)
            assert norms[k] == pytest.approx(np.linalg.norm(slopes), rel=1e-4)


def linear(radius):
    """h' = tanh(U h) at h = 0, where tanh is linear: U turns and scales by radius."""
    turn, _ = torch.linalg.qr(torch.randn(H, H, dtype=torch.float64))
    zero = torch.zeros(H, dtype=torch.float64)
    return Layer("rnn", torch.zeros(H, D, dtype=torch.float64), radius * turn, zero, zero)


@pytest.mark.parametrize("radius", [0.5, 0.9, 1.25])
def test_a_linear_rnn_has_its_closed_form(radius):
    layer = linear(radius)
    assert spectral_radius(layer) == pytest.approx(radius)
    norms = reach(layer, torch.randn(B, T, D, dtype=torch.float64), lambda h: h[:, 0]).hidden
    np.testing.assert_allclose(norms, radius ** np.arange(T))  # |e1 U^k|, and turning changes no length
    assert rate(norms) == pytest.approx(np.log(radius))
    # 0.5^k halves at every step, 0.9^k in ln 2 / -ln 0.9 = 6.579 steps; what grows never halves
    assert half_life(norms) == pytest.approx({0.5: 1, 0.9: 6.579, 1.25: np.inf}[radius], abs=1e-3)


def test_a_rate_stops_where_the_norm_underflows():
    assert rate(np.array([5, 1, 0.5, 0.25, 0, 0])) == pytest.approx(-np.log(2))
    assert np.isnan(rate(np.array([1.0, 0.5])))
    assert np.isnan(half_life(np.array([1.0, 0.0, 0.0])))


def test_a_scaled_kernel_is_scaled_alone():
    layer = layers_of(stack_of("gru"))[0]
    wide = scaled(layer, 3.0)
    torch.testing.assert_close(wide.recurrent, 3 * layer.recurrent)
    assert wide.kernel is layer.kernel
    assert spectral_radius(wide) == pytest.approx(3 * spectral_radius(layer), rel=1e-5)


@settings(max_examples=20, deadline=None)
@given(st.floats(1e-3, 1e6), st.floats(0.1, 10), st.floats(1e-3, 10))
def test_a_clipped_step_is_never_longer_than_clip_times_lr(size, clip, lr):
    weights = [torch.nn.Parameter(torch.randn(n, dtype=torch.float64)) for n in (2, 5)]
    before = [w.detach().clone() for w in weights]
    for w in weights:
        w.grad = size * torch.randn_like(w)
    length = float(torch.cat([w.grad for w in weights]).norm())
    assert step_length(weights, lr, None) == pytest.approx(lr * length, rel=1e-6)
    clipped = step_length(weights, lr, clip)
    assert clipped <= lr * clip * (1 + 1e-9)
    assert clipped == pytest.approx(lr * min(length, clip), rel=2e-5)  # torch divides by the length + 1e-6
    assert all(torch.equal(w, b) for w, b in zip(weights, before, strict=True))


TINY = Task(symbols=4, distractors=2, parameters=400, updates=120, rows=32, asked=400, lr=0.02)


def test_rows_of_the_task_show_the_symbol_once_and_ask_at_the_end():
    inputs, symbol = TINY.batch(50, 6, torch.Generator().manual_seed(0))
    assert inputs.shape == (50, 7, 7)
    signs = inputs.argmax(2)
    assert torch.equal(inputs.sum(2), torch.ones(50, 7))
    assert torch.equal(signs[:, 0], symbol)
    assert set(symbol.tolist()) == {0, 1, 2, 3}
    assert set(signs[:, 1:-1].flatten().tolist()) == {4, 5}
    assert set(signs[:, -1].tolist()) == {6}


@pytest.mark.parametrize("cell", CELLS)
def test_networks_of_all_cells_have_one_size(cell):
    net = memory(cell, TINY)
    wider = type(net)(cell, TINY, net.units + 1)
    assert net.size <= TINY.parameters < wider.size
    assert TINY.chance == 0.25


@pytest.mark.parametrize("cell", CELLS)
def test_a_tiny_lag_is_learnt(cell):
    with one_thread():
        net = memory(cell, TINY)
        assert train(net, TINY, 3) <= TINY.updates
        assert accuracy(net, TINY, 3) > 0.9


def test_the_same_seed_learns_the_same():
    nets = [memory("lstm", TINY) for _ in range(2)]
    with one_thread():
        assert len({train(net, replace(TINY, updates=5), 3) for net in nets}) == 1
    first, second = (list(net.parameters()) for net in nets)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_who_always_says_the_same_is_right_by_chance():
    net = memory("rnn", TINY)
    with torch.no_grad():
        net.out.weight.zero_()
        net.out.bias.zero_()
    # 400 answers: standard deviation sqrt(.25 * .75 / 400) = 0.022
    assert accuracy(net, TINY, 3) == pytest.approx(TINY.chance, abs=0.07)


def test_gates_set_for_a_lag_forget_in_as_many_steps():
    for cell in ("lstm", "gru"):
        net = memory(cell, TINY, lag=50)
        keep = net.layer.bias[net.units : 2 * net.units]
        steps = keep.exp()  # sigmoid(ln u) = 1 - 1 / (u + 1)
        assert 1 <= steps.min() < steps.max() <= 50
        if cell == "lstm":
            assert torch.equal(net.layer.bias[: net.units], -keep)
        plain = gradients(memory(cell, TINY), TINY, 50).hidden
        assert gradients(net, TINY, 50).hidden[50] > 100 * plain[50]


def test_a_kernel_scaled_up_explodes_and_clipping_bounds_the_step():
    net = memory("rnn", TINY)
    assert rate(gradients(net, TINY, 30).hidden) < 0 < rate(gradients(net, TINY, 30, 4.0).hidden)
    calm, wild = stride("rnn", TINY, 30, 1.0), stride("rnn", TINY, 30, 4.0)
    assert (calm.radius, wild.radius) == (pytest.approx(1, abs=1e-5), pytest.approx(4, abs=1e-5))
    assert wild.free > 100 > calm.free
    assert wild.clipped == pytest.approx(TINY.clip, rel=1e-5)
    assert calm.clipped == pytest.approx(min(calm.free, TINY.clip), rel=1e-5)


@pytest.mark.parametrize("cell", CELLS)
def test_gradients_on_text_are_those_of_the_row(cell):
    model, (_, _, test) = trained(cell, layers=2), toy()
    found, stretches = fitted.reach_on_text(model.net_, test)
    steps = len(found.hidden)
    rows = [row for row in test if len(row) >= steps]
    assert stretches == len(rows) >= 1
    norms = []
    for row in rows:
        inputs = torch.tensor([[model.vocab_.bos, *row[: steps - 1]]])
        state, last = None, []
        for at in range(steps):
            out, state = model.net_.stack(model.net_.embedding(inputs[:, at : at + 1]), state)
            last.append(out[:, 0])
        loss = -model.net_.output.log_probs(last[-1])[0, int(row[steps - 1])]
        norms.append(float(torch.autograd.grad(loss, last[-1])[0].norm()))
    assert found.hidden[0] == pytest.approx(np.mean(norms), rel=1e-4)


def test_first_weights_are_those_training_began_with():
    model = trained("gru")
    train, valid, _ = toy()
    start = replace(model, lr=1e-30).fit(train, valid).net_
    again = fitted.first_weights(model)
    for a, b in zip(start.parameters(), again.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-27)  # steps of 1e-30 move zeros alone


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_traces_and_saturation_are_of_the_same_gates(cell):
    model, (_, _, test) = trained(cell), toy()
    traces = [fitted.trace(model.net_, test.take([at])) for at in range(len(test)) if len(list(test)[at])]
    lines = fitted.saturation(model.net_, test, test.n_tokens)
    assert {line.gate for line in lines} == GATES[cell]
    for line in lines:
        values = np.concatenate([trace[line.gate] for trace in traces])
        assert values.shape == (test.n_tokens, 5)
        assert line.layer == 1
        assert line.mean == pytest.approx(values.mean(), abs=1e-6)
        assert line.low == pytest.approx((values < 0.1).mean(), abs=1e-9)
        assert line.high == pytest.approx((values > 0.9).mean(), abs=1e-9)


@pytest.mark.parametrize("cell", CELLS)
def test_a_history_that_is_whole_changes_nothing(cell):
    model, (_, _, test) = trained(cell), toy()
    full, before = model.log_probs(test), test.positions + 1
    for history in (1, 2, 4):
        whole = np.flatnonzero(before == history)
        np.testing.assert_allclose(fitted.log_probs_after(model.net_, test, whole, history), full[whole], atol=1e-5)
        longer = np.flatnonzero(before > history)
        assert np.abs(fitted.log_probs_after(model.net_, test, longer, history) - full[longer]).max() > 1e-3


def test_a_cut_history_does_not_know_what_was_before():
    model, (train, _, _) = trained("lstm"), toy()
    one, other = Sentences.of_rows([[3, 4, 5, 6]], train.vocab), Sentences.of_rows([[7, 2, 5, 6]], train.vocab)
    scores = [fitted.log_probs_after(model.net_, row, np.array([3]), 1) for row in (one, other)]
    np.testing.assert_array_equal(*scores)
    assert model.log_probs(one)[3] != model.log_probs(other)[3]


def test_a_stream_is_read_in_stretches():
    train, _, _ = toy()
    stream = Sentences.of_rows([np.resize(train.tokens, 1000)], train.vocab)
    lanes = fitted.stretches(stream)
    assert lanes.lengths.max() <= fitted.LONGEST + 1
    assert lanes.lengths.sum() == 1000
    few = fitted.stretches(stream, 150)
    assert few.lengths.sum() >= 150 > few.lengths[:-1].sum()
