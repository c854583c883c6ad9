"""What networks are made of: recurrent stacks, embeddings, and the shape every network has."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from lmbench.errors import choose

CELLS: dict[str, Callable[..., nn.RNNBase]] = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
"""Torch's fused kernels. A tanh step loop of our own gained under 8 % over nn.RNN on a CPU (torch 2.13): not kept."""

State = tuple[Tensor, ...]
"""What a network carries from one window of its rows to the next. In every tensor dimension 1 is the row of the
batch, so that rows which have ended can be dropped. Empty: every row is at its start."""


def recurrent_stack(cell: str, dim: int, hidden: int, layers: int, dropout: float) -> nn.RNNBase:
    """(B, T, D) -> (B, T, H): layers of cell ('rnn' is Elman's, with tanh), with dropout between them.

    Initialised as Keras does: see initialise.
    """
    stack = choose(CELLS, cell, "cell")(dim, hidden, layers, batch_first=True, dropout=dropout if layers > 1 else 0.0)
    initialise(stack)
    return stack


def initialise(stack: nn.RNNBase) -> None:
    """Glorot & Bengio 2010 for input kernels, orthogonal recurrent kernels (Saxe et al. 2014), biases 0, but 1 for the
    forget gate (Jozefowicz et al. 2015).

    A kernel (gates * H, in) is drawn as one matrix over all its gates, as in Keras.
    """
    for name, parameter in stack.named_parameters():
        if name.startswith("weight_ih"):
            nn.init.xavier_uniform_(parameter)
        elif name.startswith("weight_hh"):
            nn.init.orthogonal_(parameter)
        else:
            nn.init.zeros_(parameter)
            if isinstance(stack, nn.LSTM) and name.startswith("bias_ih"):  # bias_hh is added to it: 1 + 0
                with torch.no_grad():
                    parameter[stack.hidden_size : 2 * stack.hidden_size].fill_(1.0)  # gates i, f, g, o


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
