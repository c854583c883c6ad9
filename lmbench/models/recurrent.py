"""Recurrent language models: tanh RNN, LSTM and GRU."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated, Any, ClassVar

import torch
from torch import Tensor

from lmbench.fields import Among, Between, Share, Width
from lmbench.neural.dropout import Dropout, WordDropout
from lmbench.neural.layers import CELLS, Stack, recurrent_stack
from lmbench.neural.network import Network, State
from lmbench.neural.training import Neural
from lmbench.neural.weights import Options
from lmbench.text.vocabulary import Vocabulary


class Reader(Network):
    """Embedding, recurrent stack, output layer, with dropout between any two (Zaremba et al. 2014).

    dropout: share of the embeddings' and the last layer's units; dropout_input and dropout_output if they differ
    """

    def __init__(
        self,
        n_events: int,
        dim: int,
        stack: Stack,
        *,
        dropout: float,
        dropout_input: float | None = None,
        dropout_output: float | None = None,
        dropout_embedding: float = 0.0,
        variational: bool = False,
        **output: Any,
    ) -> None:
        super().__init__(n_events, dim, stack.units, **output)
        self.stack = stack
        self.dropout_embedding = WordDropout(dropout_embedding, n_events + 1)
        shares = {"dropout_input": dropout_input, "dropout_output": dropout_output}
        self.dropout_input, self.dropout_output = (
            Dropout(dropout if share is None else share, variational=variational, name=name)
            for name, share in shares.items()
        )

    def forward(self, inputs: Tensor, state: State = ()) -> tuple[Tensor, State]:
        """int64 (B, T); hidden, and for an LSTM cell, states (layers, B, H) -> float32 (B, T, H), states."""
        vectors = self.dropout_embedding(self.embedding(inputs), inputs)
        features, after = self.stack(self.dropout_input(vectors), state)
        return self.dropout_output(features), after

    def penalty(self) -> Tensor | None:
        return self.stack.penalty()

    def constrain(self) -> None:
        self.stack.constrain()


@dataclass(kw_only=True)
class Recurrent(Options, Neural):
    """p(w | h) from the state of a recurrent network that has read <s> and h (Mikolov et al. 2010; with gates, see
    Sundermeyer et al. 2012 and Cho et al. 2014).

    cell: 'rnn' (Elman's), 'lstm' or 'gru'     hidden: H, width of a layer's state     layers: how many
    dropout_input, dropout_output: shares of the units of embeddings and features, where not dropout, which remains that
        between layers
    dropout_embedding: share of the vocabulary dropped from each window (Gal & Ghahramani 2016)
    variational: dropout has one mask for all steps of a window, as recurrent_dropout always has (likewise)

    The options of the cells are Keras' (see Options). Those of its layers that say how one is called are not here,
    since a language model has no choice: it reads forwards (go_backwards would read what is to be predicted), every
    output is wanted (return_sequences), states are handed from window to window by the training loop (return_state,
    stateful), and time_major and unroll change no number.
    """

    family: ClassVar[str] = "recurrent"

    cell: Annotated[str, Among(CELLS)] = "lstm"
    hidden: Width = 128
    layers: Annotated[int, Between(1, 100)] = 1
    dropout_input: Share | None = None
    dropout_output: Share | None = None
    dropout_embedding: Share = 0.0
    variational: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        with torch.random.fork_rng(devices=[]):
            self.stack(dim=2, hidden=2, layers=1)  # an option that the cell has no use for is refused here

    def stack(self, **shape: int) -> Stack:
        """A fresh stack of layers with these options; shape: dim, hidden and layers, where they are to be others."""
        options = {field.name: getattr(self, field.name) for field in fields(Options)}
        dim, hidden, layers = (shape.get(name, getattr(self, name)) for name in ("dim", "hidden", "layers"))
        return recurrent_stack(self.cell, dim, hidden, layers, self.dropout, variational=self.variational, **options)

    def net(self, vocab: Vocabulary) -> Network:
        return Reader(
            len(vocab),
            self.dim,
            self.stack(),
            dropout=self.dropout,
            dropout_input=self.dropout_input,
            dropout_output=self.dropout_output,
            dropout_embedding=self.dropout_embedding,
            variational=self.variational,
            **self.output(),
        )


Model = Recurrent
