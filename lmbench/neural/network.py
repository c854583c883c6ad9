"""The shape every network has: embedding, body, output layer."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from lmbench.errors import choose

State = tuple[Tensor, ...]
"""What a network carries from one window of its rows to the next. In every tensor dimension 1 is the row of the
batch, so that rows which have ended can be dropped. Empty: every row is at its start."""

EMBEDDING_NORM = 2.0

OUTPUTS = {
    "untied": "each word has a vector and a bias of its own",
    "tied": "the vectors of the input, through a projection where F is not D, and biases of their own",
    "mapped": "a linear map of the vectors of the input, of rank F at most; nothing of a word's own",
}
"""What logits are made of. A projection of the features and a map of the vectors are one product: v . (P f + c) is
(P' v) . f + v . c. tied: Press & Wolf 2017, Inan et al. 2017. mapped leaves words that train lacks out of the softmax
in training, where the map would learn no more of them than that they never come, and has them in it ever after: a
classifier that goes by descriptions of classes, some of them unseen (Larochelle et al. 2008, Frome et al. 2013)."""


def embedding_table(rows: int, dim: int) -> Tensor:
    """float32 (rows, D) of independent normals: rows of length EMBEDDING_NORM, about."""
    return torch.randn(rows, dim) * (EMBEDDING_NORM / math.sqrt(dim))


class Network(nn.Module):
    """Embedding, body, output layer. A subclass is its body, written as forward().

    The softmax, most of the work, is apart from the body so that it is done only at the positions that count.
    output: a key of OUTPUTS.
    """

    absent: Tensor

    def __init__(self, n_events: int, dim: int, features: int, *, output: str = "untied") -> None:
        super().__init__()
        choose(OUTPUTS, output, "output")
        self.n_events = n_events
        self.embedding = nn.Embedding(n_events + 1, dim, _weight=embedding_table(n_events + 1, dim))
        projected = output == "mapped" or (output == "tied" and features != dim)
        self.projection = nn.Linear(features, dim) if projected else None
        own = output == "untied"
        self.kernel = nn.Parameter(nn.init.xavier_uniform_(torch.empty(n_events, features))) if own else None
        self.bias = nn.Parameter(torch.zeros(n_events)) if output != "mapped" else None
        self.register_buffer("absent", torch.zeros(n_events), persistent=False)

    def train_on(self, occurs: npt.NDArray[np.bool_]) -> None:
        """Tell which of the V events occur in train. A mapped output is trained as if there were no others."""
        self.absent = torch.from_numpy(np.where(occurs, 0.0, -np.inf).astype(np.float32))

    def forward(self, inputs: Tensor, state: State = ()) -> tuple[Tensor, State]:
        """int64 (B, T) of ids up to V, which is <s>, and the state before them -> float32 (B, T, F), state after."""
        raise NotImplementedError

    def logits(self, features: Tensor) -> Tensor:
        """float32 (n, F) -> (n, V): there is no column for <s>, so it cannot be predicted."""
        if self.projection is not None:
            features = self.projection(features)
        kernel = self.embedding.weight[: self.n_events] if self.kernel is None else self.kernel
        bias = self.absent if self.bias is None and self.training else self.bias
        return nn.functional.linear(features, kernel, bias)
