"""Recurrent layers against the equations of their papers and torch's own modules, and the law of each option."""

import math
from contextlib import contextmanager
from unittest import mock

import pytest
import torch
from torch import nn

from lmbench.errors import BadConfig
from lmbench.neural.dropout import Dropout, WordDropout, keep
from lmbench.neural.layers import CELLS, LSTM, RNN, recurrent_stack
from lmbench.neural.network import EMBEDDING_NORM, Network, embedding_table

D, H, B, T = 5, 4, 3, 6
TORCH = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


def rnn_step(x, h, w):
    h = torch.tanh(x @ w["ih"].T + h[0] @ w["hh"].T + w["bih"] + w["bhh"])
    return (h,)


def lstm_step(x, state, w):
    h, c = state
    i, f, g, o = (x @ w["ih"].T + h @ w["hh"].T + w["bih"] + w["bhh"]).chunk(4, 1)
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
EACH_CELL = pytest.mark.parametrize("cell", CELLS)


@pytest.fixture(autouse=True)
def _seed():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        yield


def shaken(module):
    """In float64, no weight where it began, so that no bias is zero."""
    with torch.no_grad():
        for weights in module.double().parameters():
            weights += 0.1 * torch.randn_like(weights)
    return module


def layer(cell, **options):
    return shaken(CELLS[cell](dim=D, units=H, **{"return_sequences": True, "return_state": True, **options}))


def like(other, cell, **options):
    """A layer with other options and the same weights."""
    made = layer(cell, **options)
    made.load_state_dict(other.state_dict())
    return made


def inputs(rows=B):
    return torch.randn(rows, T, D, dtype=torch.float64)


def equal(found, expected, tolerance=1e-10):
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=tolerance)


@contextmanager
def no_fused_kernels():
    def refuse(*_):
        raise AssertionError("a fused kernel was called")

    with mock.patch.multiple(torch, lstm=refuse, gru=refuse, rnn_tanh=refuse, rnn_relu=refuse):
        yield


def torch_weights(layer):
    """By the names of torch's modules; what we have once is there twice, the second time as zeros."""
    bias = dict(zip(("bih", "bhh"), layer.biases(), strict=True))
    return {"ih": layer.kernel, "hh": layer.recurrent_kernel, **bias}


@EACH_CELL
def test_a_stack_computes_the_equations_of_its_cell(cell):
    stack = shaken(recurrent_stack(cell, D, H, 2, 0.0))
    x = inputs()
    out, _ = stack(x)
    step, n_states = STEPS[cell]
    layer_in = list(x.unbind(1))
    for each in stack.layers:
        state = (x.new_zeros(B, H),) * n_states
        layer_out = []
        for xt in layer_in:
            state = step(xt, state, torch_weights(each))
            layer_out.append(state[0])
        layer_in = layer_out
    equal([out], [torch.stack(layer_in, 1)])


@EACH_CELL
@pytest.mark.parametrize("use_bias", [True, False])
def test_a_stack_is_torchs_module(cell, use_bias):
    stack = shaken(recurrent_stack(cell, D, H, 3, 0.0, use_bias=use_bias))
    theirs = TORCH[cell](D, H, 3, batch_first=True, bias=use_bias).double()
    names = {"ih": "weight_ih", "hh": "weight_hh", "bih": "bias_ih", "bhh": "bias_hh"}
    with torch.no_grad():
        for depth, each in enumerate(stack.layers):
            for short, weights in torch_weights(each).items():
                if use_bias or short in ("ih", "hh"):
                    getattr(theirs, f"{names[short]}_l{depth}").copy_(weights)
    x, first = inputs(), tuple(torch.randn(3, B, H, dtype=torch.float64) for _ in range(STEPS[cell][1]))
    out, after = stack(x, first)
    expected, last = theirs(x, first if cell == "lstm" else first[0])
    equal((out, *after), (expected, *(last if cell == "lstm" else (last,))))
    (out.square().sum() + after[-1].sum()).backward()
    (expected.square().sum() + (last[-1] if cell == "lstm" else last).sum()).backward()
    for depth, each in enumerate(stack.layers):
        found = [each.kernel.grad, each.recurrent_kernel.grad]
        equal(found, [getattr(theirs, f"{names[short]}_l{depth}").grad for short in ("ih", "hh")])


@EACH_CELL
def test_step_by_step_is_what_the_fused_kernel_says(cell):
    fused, x = layer(cell), inputs()
    stepped = like(fused, cell, unroll=True)
    before = tuple(torch.randn(B, H, dtype=torch.float64) for _ in range(fused.n_states))
    with no_fused_kernels():
        results = stepped(x, before)
        with pytest.raises(AssertionError, match="fused"):
            fused(x, before)
    expected = fused(x, before)
    equal(results, expected)
    for one in results, expected:
        sum(part.square().sum() for part in one).backward()
    equal([w.grad for w in stepped.parameters()], [w.grad for w in fused.parameters()])


def test_an_rnn_with_relu_has_a_fused_kernel_too():
    fused, x = layer("rnn", activation="relu"), inputs()
    assert fused.fused() is torch.rnn_relu
    equal(like(fused, "rnn", activation="relu", unroll=True)(x), fused(x))


# The shape of a call


@EACH_CELL
@pytest.mark.parametrize("options", [{}, {"activation": "softsign"}], ids=["fused", "steps"])
def test_what_is_returned_is_chosen(cell, options):
    both, x = layer(cell, **options), inputs()
    sequences, *state = both(x)
    assert sequences.shape == (B, T, H)
    assert len(state) == STEPS[cell][1]
    equal([sequences[:, -1]], [state[0]])
    equal([like(both, cell, **options, return_state=False)(x)], [sequences])
    equal(like(both, cell, **options, return_sequences=False)(x), [sequences[:, -1], *state])
    equal([like(both, cell, **options, return_sequences=False, return_state=False)(x)], [state[0]])


@EACH_CELL
@pytest.mark.parametrize("options", [{}, {"activation": "softsign"}], ids=["fused", "steps"])
def test_backwards_is_the_reversed_input_and_time_major_the_transposed_one(cell, options):
    plain, x = layer(cell, **options), inputs()
    equal(like(plain, cell, **options, go_backwards=True)(x), plain(x.flip(1)))
    out, *state = plain(x)
    equal(like(plain, cell, **options, time_major=True)(x.transpose(0, 1)), [out.transpose(0, 1), *state])
    both = like(plain, cell, **options, time_major=True, go_backwards=True, return_sequences=False)
    equal(both(x.transpose(0, 1)), [part[:, -1] if part.ndim == 3 else part for part in plain(x.flip(1))])


@EACH_CELL
@pytest.mark.parametrize("options", [{}, {"recurrent_activation": "hard_sigmoid"}], ids=["fused", "steps"])
def test_a_stateful_layer_reads_in_pieces_what_it_reads_in_one(cell, options):
    options = {} if cell == "rnn" else options
    whole, x = layer(cell, **options), inputs()
    pieces = like(whole, cell, **options, stateful=True)
    results = [pieces(x[:, start:stop]) for start, stop in ((0, 1), (1, 4), (4, T))]
    equal([torch.cat([out for out, *_ in results], 1), *results[-1][1:]], whole(x))
    assert not any(part.requires_grad for part in pieces._left)
    with pytest.raises(BadConfig, match="goes on from 3 rows and is given 2: give it as many, or call reset_state"):
        pieces(x[:2])
    pieces.reset_state()
    equal(pieces(x[:2]), whole(x[:2]))
    equal(like(whole, cell, **options)(x), whole(x))  # and one that is not stateful forgets


@EACH_CELL
def test_masked_steps_leave_a_row_as_it_is(cell):
    plain, x = layer(cell), inputs(4)
    mask = torch.zeros(4, T, dtype=torch.bool)
    real = [slice(0, T), slice(0, 4), slice(2, T), slice(0, 0)]  # whole, padded on the right, on the left, nothing
    for row, steps in enumerate(real):
        mask[row, steps] = True
    out, *state = plain(x, mask=mask)
    for row, steps in enumerate(real[:3]):
        alone, *last = plain(x[row : row + 1, steps])
        equal([part[row : row + 1] for part in state], last)
        equal([out[row : row + 1, steps]], [alone])
        equal([out[row, steps.stop :]], [alone[0, -1:].expand(T - steps.stop, H)])
        assert not out[row, : steps.start].any()
    before = tuple(torch.randn(4, H, dtype=torch.float64) for _ in state)
    out, *state = plain(x, before, mask)
    equal([part[3] for part in state], [part[3] for part in before])
    assert not out[3].any()


def test_a_mask_turns_with_its_steps():
    mask = torch.rand(B, T) < 0.6
    plain, x = layer("gru"), inputs()
    expected = plain(x.flip(1), mask=mask.flip(1))
    equal(like(plain, "gru", go_backwards=True)(x, mask=mask), expected)
    out, *state = like(plain, "gru", go_backwards=True, time_major=True)(x.transpose(0, 1), mask=mask.T)
    equal([out.transpose(0, 1), *state], expected)


# Dropout


@EACH_CELL
def test_nothing_is_dropped_but_in_training(cell):
    plain, x = layer(cell), inputs()
    dropping = like(plain, cell, dropout=0.4, recurrent_dropout=0.3, weight_drop=0.5)
    equal(dropping.eval()(x), plain(x))
    assert not torch.allclose(dropping.train()(x)[0], plain(x)[0])


@EACH_CELL
def test_dropout_is_one_mask_of_inputs_for_all_steps_under_a_fused_kernel(cell):
    plain, x = layer(cell), inputs()
    dropping = like(plain, cell, dropout=0.4)
    with mock.patch("lmbench.neural.recurrence.keep", wraps=keep) as draw:
        torch.manual_seed(0)
        found = dropping(x)
    draw.assert_called_once()
    torch.manual_seed(0)
    mask = keep((1, B, D), 0.4, x).view(B, 1, D)
    assert 0 < int((mask == 0).sum()) < B * D
    equal(found, plain(x * mask))
    with no_fused_kernels(), pytest.raises(AssertionError, match="fused"):
        dropping(x)


def test_masks_keep_means():
    mask = keep((400, 500), 0.3, torch.zeros(1))
    assert sorted(mask.unique().tolist()) == pytest.approx([0, 1 / 0.7])
    assert float(mask.mean()) == pytest.approx(1, abs=0.01)


@EACH_CELL
def test_weight_drop_is_a_mask_on_the_recurrent_kernel_under_a_fused_kernel(cell):
    plain, x = layer(cell), inputs()
    dropping = like(plain, cell, weight_drop=0.5)
    torch.manual_seed(0)
    found = dropping(x)
    torch.manual_seed(0)
    with torch.no_grad():
        plain.recurrent_kernel.copy_(nn.functional.dropout(plain.recurrent_kernel, 0.5))
    assert 0.2 < float((plain.recurrent_kernel == 0).float().mean()) < 0.8
    equal(found, plain(x))
    sum(part.sum() for part in found).backward()
    assert torch.equal(dropping.recurrent_kernel.grad != 0, plain.recurrent_kernel != 0)
    with no_fused_kernels(), pytest.raises(AssertionError, match="fused"):
        dropping(x)


def test_a_seed_is_of_the_layers_own_masks():
    x = inputs()
    one, two, other = (like(layer("lstm"), "lstm", dropout=0.3, recurrent_dropout=0.3, seed=seed) for seed in (7, 7, 8))
    two.load_state_dict(one.state_dict())
    other.load_state_dict(one.state_dict())
    state = torch.get_rng_state()
    first = one(x)
    assert torch.equal(torch.get_rng_state(), state)
    equal(two(x), first)
    assert not torch.allclose(one(x)[0], first[0])  # the next call has other masks
    assert not torch.allclose(other(x)[0], first[0])


@pytest.mark.parametrize("name", ["dropout", "recurrent_dropout", "weight_drop"])
def test_a_share_is_below_one(name):
    with pytest.raises(BadConfig, match=f"{name} = 1 is no share that can be dropped: set it to 0 or more, below 1"):
        layer("lstm", **{name: 1.0})


def test_variational_dropout_has_one_mask_for_a_window():
    ones = torch.ones(50, 20, 40)
    each, window = Dropout(0.3)(ones), Dropout(0.3, variational=True)(ones)
    for dropped in each, window:
        assert set(dropped.unique().tolist()) == {0.0, torch.tensor(1 / 0.7).item()}
        assert float(dropped.mean()) == pytest.approx(1, abs=0.05)
    assert torch.equal(window, window[:, :1].expand_as(window))
    assert not torch.equal(window[0], window[1])
    assert not torch.equal(each[:, 0], each[:, 1])
    assert torch.equal(Dropout(0.3, variational=True).eval()(ones), ones)


def test_word_dropout_takes_a_word_from_the_whole_window():
    ids = torch.randint(200, (30, 40))
    dropped = WordDropout(0.25, 200)(torch.ones(30, 40, 7), ids)
    by_word = torch.stack([dropped[ids == word].mean() for word in range(200) if (ids == word).any()])
    kept = by_word > 0
    torch.testing.assert_close(by_word[kept], torch.full((int(kept.sum()),), 4 / 3))
    assert float(kept.float().mean()) == pytest.approx(0.75, abs=0.1)
    assert torch.equal(WordDropout(0.25, 200).eval()(torch.ones(30, 40, 7), ids), torch.ones(30, 40, 7))


# Regularizers and constraints


def test_penalty_is_the_sum_over_weights_and_activity_by_rows():
    plain, x = layer("lstm"), inputs()
    assert plain.penalty() is None
    costly = like(
        plain,
        "lstm",
        kernel_regularizer="l1(0.1)",
        recurrent_regularizer="l2(0.2)",
        bias_regularizer="l1_l2(0.3, 0.4)",
        activity_regularizer="l2(0.5)",
        return_state=False,
    )
    out = costly(x)
    expected = (
        0.1 * costly.kernel.abs().sum()
        + 0.2 * costly.recurrent_kernel.square().sum()
        + 0.3 * costly.bias.abs().sum()
        + 0.4 * costly.bias.square().sum()
        + 0.5 * out.square().sum() / B
    )
    equal([costly.penalty()], [expected])
    grads = torch.autograd.grad(costly.penalty(), list(costly.parameters()), retain_graph=True)
    equal(grads, torch.autograd.grad(expected, list(costly.parameters())))
    with torch.no_grad():
        costly(x)
    assert float(costly.penalty().detach()) < float(expected.detach())  # no activity where nothing is learnt


def test_a_stack_has_the_penalties_and_constraints_of_its_layers():
    assert recurrent_stack("gru", D, H, 2, 0.0).penalty() is None
    stack = recurrent_stack("gru", D, H, 2, 0.0, kernel_regularizer="l2", recurrent_constraint="non_neg")
    expected = 0.01 * sum(float(each.kernel.detach().square().sum()) for each in stack.layers)
    assert float(stack.penalty().detach()) == pytest.approx(expected)
    assert all((each.recurrent_kernel < 0).any() for each in stack.layers)
    stack.constrain()
    assert not any((each.recurrent_kernel < 0).any() for each in stack.layers)


def test_constraints_hold_after_a_step_of_an_optimiser():
    held = layer("gru", kernel_constraint="max_norm(0.5)", recurrent_constraint="unit_norm", bias_constraint="non_neg")
    adam = torch.optim.Adam(held.parameters(), 0.5)
    held(inputs())[0].square().sum().backward()
    adam.step()
    before = held.kernel.detach().clone()
    held.constrain()
    # a unit's incoming weights are a row here
    assert float(held.kernel.norm(dim=1).max().detach()) <= 0.5 + 1e-6
    cos = nn.functional.cosine_similarity(held.kernel, before)
    torch.testing.assert_close(cos, torch.ones_like(cos))
    norms = held.recurrent_kernel.norm(dim=1)
    torch.testing.assert_close(norms, torch.ones_like(norms), atol=1e-5, rtol=0)
    assert float(held.bias.min().detach()) == 0


# First weights


@EACH_CELL
def test_first_weights_obey_their_laws(cell):
    gates = {"rnn": 1, "lstm": 4, "gru": 3}[cell]
    stack = recurrent_stack(cell, 60, 50, 2, 0.0)
    for each, width in zip(stack.layers, (60, 50), strict=True):
        limit = math.sqrt(6 / (width + gates * 50))  # Glorot: uniform, variance 2 / (in + out)
        assert each.kernel.shape == (gates * 50, width)
        assert each.kernel.abs().max() <= limit
        assert float(each.kernel.detach().var()) == pytest.approx(limit**2 / 3, rel=0.08)
        recurrent = each.recurrent_kernel
        assert torch.allclose(recurrent.T @ recurrent, torch.eye(50), atol=1e-5)
        bias = sum(each.biases())
        forget = torch.zeros(gates * 50)
        if cell == "lstm":
            forget[50:100] = 1
        assert torch.equal(bias, forget)


def test_unit_forget_bias_is_of_the_forget_gate_alone():
    assert not LSTM(dim=D, units=H, unit_forget_bias=False).bias.any()
    bias = LSTM(dim=D, units=H, bias_initializer="constant(0.5)").bias
    assert bias.tolist() == [0.5] * H + [1.0] * H + [0.5] * 2 * H


def test_an_lstm_at_its_start_keeps_most_of_its_cell():
    # with no input, sigmoid(1) = .731 of the cell is left after a step: the forget bias is on the forget gate
    stack = recurrent_stack("lstm", D, H, 1, 0.0)
    cell = torch.full((1, 1, H), 0.5)
    _, (_, after) = stack(torch.zeros(1, 1, D), (torch.zeros(1, 1, H), cell))
    assert torch.allclose(after, 0.731 * cell, atol=1e-3)


def test_unknown_names_are_refused_with_a_suggestion():
    with pytest.raises(BadConfig, match=r"no cell 'ltsm'; did you mean 'lstm'\? \(gru, lstm, rnn\)"):
        recurrent_stack("ltsm", D, H, 1, 0.0)
    with pytest.raises(BadConfig, match=r"no initializer 'ortogonal'; did you mean 'orthogonal'\?"):
        RNN(dim=D, units=H, recurrent_initializer="ortogonal")


@pytest.mark.parametrize(
    ("cell", "options"),
    [
        ("rnn", {"recurrent_activation": "tanh"}),
        ("rnn", {"reset_after": False}),
        ("gru", {"unit_forget_bias": False}),
        ("lstm", {"reset_after": False}),
    ],
)
def test_options_of_other_cells_are_refused(cell, options):
    with pytest.raises(BadConfig, match=rf"{next(iter(options))} = .* is not for cells of kind {cell.upper()}"):
        recurrent_stack(cell, D, H, 1, 0.0, **options)


# The network around them


def test_random_embeddings_have_the_norm_that_word_vectors_are_scaled_to():
    lengths = embedding_table(2000, 64).norm(dim=1)
    assert float(lengths.square().mean().sqrt()) == pytest.approx(EMBEDDING_NORM, rel=0.02)


def test_a_network_has_neither_penalty_nor_constraint_unless_it_says_so():
    net = Network(11, D, D, tied=False)
    before = [weights.detach().clone() for weights in net.parameters()]
    net.constrain()
    assert net.penalty() is None
    assert all(map(torch.equal, before, net.parameters()))
