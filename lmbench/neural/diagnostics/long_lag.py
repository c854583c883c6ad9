"""One symbol to be remembered over a lag of distractors (after Hochreiter & Schmidhuber 1997, section 5).

A row shows one of `symbols`, then lag - 1 distractors drawn at random, then a sign that asks which symbol it was.
Nothing but the first step helps, and it is lag steps before the answer. Chance is 1 / symbols.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lmbench.neural.diagnostics.cells import Layer, layers_of
from lmbench.neural.diagnostics.gradients import Reach, reach, scaled, spectral_radius, step_length
from lmbench.neural.layers import recurrent_stack


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is to be remembered, by what, and how long it may be practised.

    parameters: of a whole network, at most: each cell has as many units as that allows
    updates: of Adam, at most: a network whose loss falls below `learnt` nats has learnt it
    rows: of a batch          asked: rows that accuracy is measured on
    """

    symbols: int = 8
    distractors: int = 8
    parameters: int = 6000
    updates: int = 200
    learnt: float = 0.02
    rows: int = 64
    asked: int = 1000
    lr: float = 0.005
    clip: float = 1.0
    seed: int = 0

    @property
    def chance(self) -> float:
        """Accuracy of a guess."""
        return 1 / self.symbols

    @property
    def width(self) -> int:
        """D: inputs are one-hot, the last one asks."""
        return self.symbols + self.distractors + 1

    def batch(self, rows: int, lag: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """float32 (B, lag + 1, D) and the symbols int64 (B,)."""
        symbol = torch.randint(self.symbols, (rows,), generator=generator)
        signs = torch.randint(self.distractors, (rows, lag + 1), generator=generator) + self.symbols
        signs[:, -1] = self.width - 1
        signs[:, 0] = symbol
        return nn.functional.one_hot(signs, self.width).float(), symbol


class Memory(nn.Module):
    """A layer of a cell that reads a row, and a softmax over symbols at its end."""

    def __init__(self, cell: str, task: Task, units: int) -> None:
        super().__init__()
        self.stack = recurrent_stack(cell, task.width, units, 1, 0.0)
        self.out = nn.Linear(units, task.symbols)

    def forward(self, inputs: Tensor) -> Tensor:
        """float32 (B, T, D) -> logits (B, symbols)."""
        logits: Tensor = self.out(self.stack(inputs)[0][:, -1])
        return logits

    @property
    def layer(self) -> Layer:
        """The weights of its layer."""
        return layers_of(self.stack)[0]

    @property
    def units(self) -> int:
        """H."""
        return self.layer.units

    @property
    def size(self) -> int:
        """How many parameters it has."""
        return sum(parameter.numel() for parameter in self.parameters())


def memory(cell: str, task: Task, lag: int | None = None) -> Memory:
    """The widest network of this cell that keeps within the task's parameters, with first weights of its seed.

    lag: its gates are set for it (Tallec & Ollivier 2018): a unit forgets in u steps, u uniform from 1 to lag, which
    is a bias of ln u on what keeps the past, forget gate or update gate, and for an LSTM -ln u on the input gate
    """
    with torch.random.fork_rng(devices=[]):
        units = 1
        while Memory(cell, task, units + 1).size <= task.parameters:
            units += 1
        torch.manual_seed(task.seed)
        net = Memory(cell, task, units)
        if lag is not None:
            keep = torch.log(1 + torch.rand(units) * (lag - 1))
            layer = net.layer
            with torch.no_grad():
                layer.bias[units : 2 * units] = keep  # gates i, f, g, o and r, z, n
                if cell == "lstm":
                    layer.bias[:units] = -keep
    return net


def train(net: Memory, task: Task, lag: int) -> int:
    """Practise; the updates it took."""
    generator = torch.Generator().manual_seed(task.seed)
    adam = torch.optim.Adam(net.parameters(), task.lr)
    for update in range(1, task.updates + 1):
        inputs, symbol = task.batch(task.rows, lag, generator)
        loss = nn.functional.cross_entropy(net(inputs), symbol)
        adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(net.parameters(), task.clip)
        adam.step()
        if loss.item() < task.learnt:
            return update
    return task.updates


@torch.no_grad()
def accuracy(net: Memory, task: Task, lag: int) -> float:
    """Share of new rows whose symbol it names."""
    inputs, symbol = task.batch(task.asked, lag, torch.Generator().manual_seed(task.seed + 1))
    return float((net(inputs).argmax(1) == symbol).double().mean())


def gradients(net: Memory, task: Task, lag: int, factor: float = 1.0) -> Reach:
    """How far the loss at the answer reaches back, in float64, the recurrent kernel times factor."""
    inputs, symbol = task.batch(task.rows, lag, torch.Generator().manual_seed(task.seed + 1))
    weight, bias = net.out.weight.detach().double(), net.out.bias.detach().double()

    def loss(h: Tensor) -> Tensor:
        return nn.functional.cross_entropy(nn.functional.linear(h, weight, bias), symbol, reduction="none")

    return reach(scaled(net.layer.double(), factor), inputs.double(), loss)


@dataclass(frozen=True)
class Stride:
    """What plain gradient descent makes of one batch of rows of this lag: lengths of its step in units of lr."""

    lag: int
    radius: float
    free: float
    clipped: float


def stride(cell: str, task: Task, lag: int, factor: float) -> Stride:
    """The step of a fresh network whose recurrent kernel is scaled, without clipping and with."""
    net = memory(cell, task).double()
    with torch.no_grad():
        net.layer.recurrent.mul_(factor)
    inputs, symbol = task.batch(task.rows, lag, torch.Generator().manual_seed(task.seed + 1))
    nn.functional.cross_entropy(net(inputs.double()), symbol).backward()  # type: ignore[no-untyped-call]
    parameters = list(net.parameters())
    free = step_length(parameters, 1.0, None)
    return Stride(lag, spectral_radius(net.layer), free, step_length(parameters, 1.0, task.clip))
