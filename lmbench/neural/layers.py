"""Recurrent layers: a tanh RNN, LSTM and GRU with all options of Keras 3, and stacks of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from lmbench.errors import choose
from lmbench.neural.dropout import Dropout
from lmbench.neural.recurrence import Fused, Recur, Recurrence, State


@dataclass(kw_only=True, eq=False, repr=False)
class RNN(Recurrence):
    """Elman 1990: h' = activation(W x + U h + b)."""

    gates = 1
    keras_order = (0,)
    lacks = ("recurrent_activation", "unit_forget_bias", "reset_after")

    def fused(self) -> Fused | None:
        return {"tanh": torch.rnn_tanh, "relu": torch.rnn_relu}.get(self.activation)

    def step(self, x: Tensor, state: State, recur: Recur) -> State:
        return (self.activate(x + recur(state[0])),)


@dataclass(kw_only=True, eq=False, repr=False)
class LSTM(Recurrence):
    """Gers et al. 2000: c' = f c + i g, h' = o activation(c')."""

    gates = 4
    n_states = 2
    keras_order = (0, 1, 2, 3)
    lacks = ("reset_after",)

    def _first_bias(self) -> Tensor:
        if not self.unit_forget_bias:
            return super()._first_bias()
        parts = [self._drawn("bias", self.units), torch.ones(self.units), self._drawn("bias", 2 * self.units)]
        return torch.cat(parts)

    def fused(self) -> Fused | None:
        return torch.lstm if (self.activation, self.recurrent_activation) == ("tanh", "sigmoid") else None

    def step(self, x: Tensor, state: State, recur: Recur) -> State:
        h, c = state
        i, f, g, o = (x + recur(h)).chunk(4, 1)
        c = self.gate(f) * c + self.gate(i) * self.activate(g)
        return self.gate(o) * self.activate(c), c


@dataclass(kw_only=True, eq=False, repr=False)
class GRU(Recurrence):
    """Cho et al. 2014: h' = z h + (1 - z) n, so that z keeps the past; it is 1 - z in Chung et al. 2014."""

    gates = 3
    keras_order = (1, 0, 2)
    lacks = ("unit_forget_bias",)

    def _first_bias(self) -> Tensor:
        return self._drawn("bias", 2, 3 * self.units) if self.reset_after else super()._first_bias()

    def fused(self) -> Fused | None:
        usual = (self.activation, self.recurrent_activation, self.reset_after) == ("tanh", "sigmoid", True)
        return torch.gru if usual else None

    def step(self, x: Tensor, state: State, recur: Recur) -> State:
        (h,) = state
        xr, xz, xn = x.chunk(3, 1)
        if self.reset_after:
            hr, hz, hn = recur(h).chunk(3, 1)
        else:
            hr, hz = recur(h, slice(2)).chunk(2, 1)
        r, z = self.gate(xr + hr), self.gate(xz + hz)
        n = self.activate(xn + (r * hn if self.reset_after else recur(r * h, slice(2, 3))))
        return (z * h + (1 - z) * n,)


CELLS: dict[str, type[Recurrence]] = {"rnn": RNN, "lstm": LSTM, "gru": GRU}


class Stack(nn.Module):
    """(B, T, D) -> (B, T, H): layers one on the other, with dropout between them."""

    def __init__(self, layers: Sequence[Recurrence], dropout: Dropout) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.dropout = dropout
        self.units = layers[-1].units

    def __iter__(self) -> Iterator[Recurrence]:
        """The layers, lowest first."""
        return iter(cast("list[Recurrence]", self.layers))

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Inputs and the state before, zeros unless given -> outputs and the state after. h, and of LSTMs c, are
        (layers, B, H)."""
        after = []
        for depth, layer in enumerate(self):
            x, *left = layer(self.dropout(x) if depth else x, tuple(part[depth] for part in state or ()))
            after.append(left)
        return x, tuple(torch.stack(parts) for parts in zip(*after, strict=True))

    def penalty(self) -> Tensor | None:
        """That of all layers, in nats per token; None if they have none."""
        terms = [term for layer in self if (term := layer.penalty()) is not None]
        return torch.stack(terms).sum() if terms else None

    def constrain(self) -> None:
        """Hold every layer to its constraints."""
        for layer in self:
            layer.constrain()


def recurrent_stack(
    cell: str, dim: int, hidden: int, layers: int, dropout: float, *, variational: bool = False, **options: Any
) -> Stack:
    """(B, T, D) -> (B, T, H): layers of cell, with a share dropped between them; options are those of Options."""
    kind = choose(CELLS, cell, "cell")
    widths = [dim, *[hidden] * (layers - 1)]
    stacked = [kind(dim=width, units=hidden, return_sequences=True, return_state=True, **options) for width in widths]
    return Stack(stacked, Dropout(dropout, variational=variational))
