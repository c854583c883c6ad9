"""The shape every network has: embedding, body, output layer."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from lmbench.neural.output import output_layer

State = tuple[Tensor, ...]
"""What a network carries from one window of its rows to the next. In every tensor dimension 1 is the row of the
batch, so that rows which have ended can be dropped. Empty: every row is at its start."""

EMBEDDING_NORM = 2.0


def embedding_table(rows: int, dim: int) -> Tensor:
    """float32 (rows, D) of independent normals: rows of length EMBEDDING_NORM, about."""
    return torch.randn(rows, dim) * (EMBEDDING_NORM / math.sqrt(dim))


class Network(nn.Module):
    """Embedding, body, output layer. A subclass is its body, written as forward().

    The softmax is apart from the body so that it is done only at the positions that count. output: the options of
    output_layer().
    """

    def __init__(self, n_events: int, dim: int, features: int, **output: Any) -> None:
        super().__init__()
        self.n_events = n_events
        self.embedding = nn.Embedding(n_events + 1, dim, _weight=embedding_table(n_events + 1, dim))
        self.output = output_layer(self.embedding, features, **output)

    def forward(self, inputs: Tensor, state: State = ()) -> tuple[Tensor, State]:
        """int64 (B, T) of ids up to V, which is <s>, and the state before them -> float32 (B, T, F), state after."""
        raise NotImplementedError

    def penalty(self) -> Tensor | None:
        """What regularizers add to the loss of the window just read, in nats per token; None where there are none.

        Part of its gradient may run through that window's graph, which the features' gradient takes too.
        """
        return None

    def constrain(self) -> None:
        """Bring the weights back to where constraints allow them, after each step of the optimiser."""
