"""Recurrent language models: tanh RNN, LSTM and GRU."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn

from lmbench.neural.layers import recurrent_stack
from lmbench.neural.network import Network, State
from lmbench.neural.training import Neural, require_positive
from lmbench.text.vocabulary import Vocabulary


class Reader(Network):
    """Embedding, recurrent stack, output layer, with dropout between any two (Zaremba et al. 2014)."""

    def __init__(self, n_events: int, dim: int, stack: nn.RNNBase, *, dropout: float, **output: Any) -> None:
        super().__init__(n_events, dim, stack.hidden_size, **output)
        self.stack = stack
        self.dropout = nn.Dropout(dropout)

    def forward(self, inputs: Tensor, state: State = ()) -> tuple[Tensor, State]:
        """int64 (B, T); hidden, and for an LSTM cell, states (layers, B, H) -> float32 (B, T, H), states."""
        pair = isinstance(self.stack, nn.LSTM)
        before = None if not state else state if pair else state[0]
        features, after = self.stack(self.dropout(self.embedding(inputs)), before)
        return self.dropout(features), after if pair else (after,)


@dataclass(kw_only=True)
class Recurrent(Neural):
    """p(w | h) from the state of a recurrent network that has read <s> and h (Mikolov et al. 2010; with gates, see
    Sundermeyer et al. 2012 and Cho et al. 2014).

    cell: 'rnn' (Elman's, with tanh), 'lstm' or 'gru'     hidden: H, width of a layer's state     layers: how many
    """

    family: ClassVar[str] = "recurrent"

    cell: str = "lstm"
    hidden: int = 128
    layers: int = 1

    def net(self, vocab: Vocabulary) -> Network:
        require_positive(self, "hidden", "layers")
        stack = recurrent_stack(self.cell, self.dim, self.hidden, self.layers, self.dropout)
        return Reader(len(vocab), self.dim, stack, dropout=self.dropout, **self.output())


Model = Recurrent
