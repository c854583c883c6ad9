"""A recurrent layer step by step, its states and gates in view: what fused kernels compute, written out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lmbench.errors import BadConfig, choose
from lmbench.neural.layers import Stack

States = tuple[Tensor, ...]
Gates = dict[str, Tensor]


@dataclass(frozen=True)
class Layer:
    """The weights of one layer of G gates and H units, in torch's layout and order of gates.

    cell: 'rnn', 'lstm' (i, f, g, o) or 'gru' (r, z, n, the reset gate after the recurrent product)
    kernel (G * H, D), recurrent (G * H, H), bias and recurrent_bias (G * H,)
    """

    cell: str
    kernel: Tensor
    recurrent: Tensor
    bias: Tensor
    recurrent_bias: Tensor

    @property
    def units(self) -> int:
        """H."""
        return self.recurrent.shape[1]

    def double(self) -> Layer:
        """The same numbers in float64, with no graph behind them."""
        weights = (self.kernel, self.recurrent, self.bias, self.recurrent_bias)
        return Layer(self.cell, *(weight.detach().double() for weight in weights))

    def fresh(self, rows: int) -> States:
        """Zero states (B, H): h, and for an LSTM c."""
        return tuple(self.kernel.new_zeros(rows, self.units) for _ in range(2 if self.cell == "lstm" else 1))


@dataclass(frozen=True)
class Unrolled:
    """T steps of B rows.

    states: T + 1 of (h,) or (h, c), each (B, H): before the first step, after it, ...; part of the graph
    gates:  name -> (B, T, H), values between 0 and 1; none for an RNN
    """

    states: list[States]
    gates: Gates

    @property
    def output(self) -> Tensor:
        """(B, T, H): h after each step."""
        return torch.stack([state[0] for state in self.states[1:]], 1)


def layers_of(stack: Stack) -> list[Layer]:
    """The layers of a stack, lowest first, as they are: the same tensors. All that diagnostics know of a stack."""
    for layer in stack:
        if (layer.activation, layer.recurrent_activation, layer.reset_after) != ("tanh", "sigmoid", True):
            raise BadConfig(
                "diagnostics take the steps of cells with tanh, sigmoid and the reset gate after the product, and this "
                f"{type(layer).__name__} has other options: name rows that have not"
            )
    return [
        Layer(type(layer).__name__.lower(), layer.kernel, layer.recurrent_kernel, *layer.biases()) for layer in stack
    ]


def unroll(layer: Layer, inputs: Tensor, start: States | None = None) -> Unrolled:
    """(B, T, D) and the state before it -> every state and gate."""
    step = choose(STEPS, layer.cell, "cell")
    projected = nn.functional.linear(inputs, layer.kernel, layer.bias)
    states = [layer.fresh(len(inputs)) if start is None else start]
    gates: list[Gates] = []
    for x in projected.unbind(1):
        state, opened = step(layer, x, states[-1])
        states.append(state)
        gates.append(opened)
    return Unrolled(states, {name: torch.stack([at[name] for at in gates], 1) for name in gates[0]} if gates else {})


def _rnn(layer: Layer, x: Tensor, state: States) -> tuple[States, Gates]:
    """Elman 1990: h' = tanh(W x + U h + b)."""
    return (torch.tanh(x + _recur(layer, state[0])),), {}


def _lstm(layer: Layer, x: Tensor, state: States) -> tuple[States, Gates]:
    """Hochreiter & Schmidhuber 1997 with the forget gate of Gers et al. 2000: c' = f c + i g, h' = o tanh(c')."""
    h, c = state
    i, f, g, o = (x + _recur(layer, h)).chunk(4, 1)
    i, f, o = i.sigmoid(), f.sigmoid(), o.sigmoid()
    c = f * c + i * g.tanh()
    return (o * c.tanh(), c), {"input": i, "forget": f, "output": o}


def _gru(layer: Layer, x: Tensor, state: States) -> tuple[States, Gates]:
    """Cho et al. 2014: h' = z h + (1 - z) n, so z keeps the past; n = tanh(W x + r (U h))."""
    (h,) = state
    (xr, xz, xn), (hr, hz, hn) = x.chunk(3, 1), _recur(layer, h).chunk(3, 1)
    r, z = (xr + hr).sigmoid(), (xz + hz).sigmoid()
    return (z * h + (1 - z) * torch.tanh(xn + r * hn),), {"reset": r, "update": z}


def _recur(layer: Layer, h: Tensor) -> Tensor:
    return nn.functional.linear(h, layer.recurrent, layer.recurrent_bias)


STEPS: dict[str, Callable[[Layer, Tensor, States], tuple[States, Gates]]] = {"rnn": _rnn, "lstm": _lstm, "gru": _gru}


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread for torch, as rows have: the same bits whatever the machine, and timings that can be compared."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
