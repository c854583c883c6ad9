"""The shape every network has: embedding, body, output layer."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

State = tuple[Tensor, ...]
"""What a network carries from one window of its rows to the next. In every tensor dimension 1 is the row of the
batch, so that rows which have ended can be dropped. Empty: every row is at its start."""

EMBEDDING_NORM = 2.0


def embedding_table(rows: int, dim: int) -> Tensor:
    """float32 (rows, D) of independent normals: rows of length EMBEDDING_NORM, about."""
    return torch.randn(rows, dim) * (EMBEDDING_NORM / math.sqrt(dim))


class Network(nn.Module):
    """Embedding, body, output layer. A subclass is its body, written as forward().

    The softmax, most of the work, is apart from the body so that it is done only at the positions that count.
    tied (Press & Wolf 2017; Inan et al. 2017): the output kernel is the embedding without its row of <s>; a
    projection from F to D stands before it where the two differ.
    """

    def __init__(self, n_events: int, dim: int, features: int, *, tied: bool = False) -> None:
        super().__init__()
        self.n_events = n_events
        self.embedding = nn.Embedding(n_events + 1, dim, _weight=embedding_table(n_events + 1, dim))
        self.projection = nn.Linear(features, dim) if tied and features != dim else None
        self.kernel = None if tied else nn.Parameter(nn.init.xavier_uniform_(torch.empty(n_events, features)))
        self.bias = nn.Parameter(torch.zeros(n_events))

    def forward(self, inputs: Tensor, state: State = ()) -> tuple[Tensor, State]:
        """int64 (B, T) of ids up to V, which is <s>, and the state before them -> float32 (B, T, F), state after."""
        raise NotImplementedError

    def logits(self, features: Tensor) -> Tensor:
        """float32 (n, F) -> (n, V): there is no column for <s>, so it cannot be predicted."""
        if self.projection is not None:
            features = self.projection(features)
        kernel = self.embedding.weight[: self.n_events] if self.kernel is None else self.kernel
        return nn.functional.linear(features, kernel, self.bias)
