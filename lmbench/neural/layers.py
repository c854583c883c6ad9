"""Recurrent layers."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from lmbench.errors import choose

CELLS: dict[str, Callable[..., nn.RNNBase]] = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
"""Torch's fused kernels. A tanh step loop of our own gained under 8 % over nn.RNN on a CPU (torch 2.13): not kept."""


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
