"""How a recurrent layer reads: the options of Keras 3, by torch's fused kernels or step by step."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from lmbench.errors import BadConfig
from lmbench.neural.activations import ACTIVATIONS
from lmbench.neural.dropout import keep, require_share
from lmbench.neural.options import named
from lmbench.neural.weights import Weights

State = tuple[Tensor, ...]
"""h (B, H), and of an LSTM c (B, H)."""
Fused = Callable[..., tuple[Tensor, ...]]


class Recur(Protocol):
    """h (B, H) -> (B, g H): the recurrent kernel's share in g gates, all by default, with its bias if it has one."""

    def __call__(self, h: Tensor, gates: slice = slice(None)) -> Tensor: ...


@dataclass(kw_only=True, eq=False, repr=False)
class Recurrence(Weights, ABC):
    """One recurrent layer; a subclass is its cell.

    dropout: share of each input's units dropped, one mask for all steps of a call, and with recurrent_dropout one for
        each gate
    seed: of a generator for these masks alone; torch's global one otherwise
    return_sequences: every output, not the last one alone       return_state: the last state too
    go_backwards: from the last step to the first; outputs are in that order
    stateful: begins with the state its last call ended in, without its gradient, until reset_state()
    time_major: inputs, mask and sequences are (T, B, ...)        unroll: never by a fused kernel

    Default options run torch's fused kernels (cuDNN on a GPU), and so do dropout and weight_drop. Another activation,
    recurrent_dropout in training, reset_after=False, unroll and masked rows take the steps one by one.
    """

    n_states: ClassVar[int] = 1

    dropout: float = 0.0
    seed: int | None = None
    return_sequences: bool = False
    return_state: bool = False
    go_backwards: bool = False
    stateful: bool = False
    time_major: bool = False
    unroll: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require_share("dropout", self.dropout)
        require_share("recurrent_dropout", self.recurrent_dropout)
        self.activate = named(ACTIVATIONS, self.activation, "activation")
        self.gate = named(ACTIVATIONS, self.recurrent_activation, "activation")
        self._generator = None if self.seed is None else torch.Generator().manual_seed(self.seed)
        self._left: State | None = None

    @abstractmethod
    def fused(self) -> Fused | None:
        """torch's kernel for these options, where there is one."""

    @abstractmethod
    def step(self, x: Tensor, state: State, recur: Recur) -> State:
        """(B, G H), the inputs' share in the gates with its bias, and the state before -> the state after."""

    def forward(self, inputs: Tensor, initial_state: State | None = None, mask: Tensor | None = None) -> Any:
        """float (B, T, D) -> (B, H), or (B, T, H) with return_sequences; with return_state that and the last state.

        initial_state: zeros otherwise. mask: bool (B, T), False where a row has no step: its state stays, and its
        output is the one before, or zeros.
        """
        x = inputs.transpose(0, 1) if self.time_major else inputs
        if mask is not None and self.time_major:
            mask = mask.transpose(0, 1)
        if self.go_backwards:
            x, mask = x.flip(1), None if mask is None else mask.flip(1)
        outputs, state = self._read(x, initial_state or self._begin(x), mask)
        if self.stateful:
            self._left = tuple(part.detach() for part in state)
        output = outputs if self.return_sequences else outputs[:, -1]
        self._activity = self._activities((output, *state) if self.return_state else (output,))
        if self.time_major and self.return_sequences:
            output = output.transpose(0, 1)
        return (output, *state) if self.return_state else output

    def _begin(self, x: Tensor) -> State:
        if not self.stateful or self._left is None:
            return (x.new_zeros(len(x), self.units),) * self.n_states
        if len(self._left[0]) != len(x):
            raise BadConfig(
                f"a stateful layer goes on from {len(self._left[0])} rows and is given {len(x)}: give it as many, or "
                "call reset_state() first"
            )
        return self._left

    def reset_state(self) -> None:
        """The next call of a stateful layer begins with zeros."""
        self._left = None

    def _read(self, x: Tensor, state: State, mask: Tensor | None) -> tuple[Tensor, State]:
        """(B, T, D) -> outputs (B, T, H) and the last state; here masks are drawn."""
        kept = None
        if self.training and self.recurrent_dropout:
            kept = keep((self.gates, len(x), self.units), self.recurrent_dropout, x, self._generator)
        if self.training and self.dropout:
            masks = keep((1 if kept is None else self.gates, len(x), self.dim), self.dropout, x, self._generator)
            x = (x * masks.unsqueeze(2)).squeeze(0)
        kernel = functional.dropout(self.recurrent_kernel, self.weight_drop, self.training)
        fused = self.fused()
        if fused is None or self.unroll or mask is not None or kept is not None:
            return self._step_by_step(x, state, kernel, kept, mask)
        return self._at_once(fused, x, state, kernel)

    def _at_once(self, fused: Fused, x: Tensor, state: State, recurrent_kernel: Tensor) -> tuple[Tensor, State]:
        before = [part.unsqueeze(0) for part in state]
        weights = (self.kernel, recurrent_kernel, *(self.biases() if self.use_bias else ()))
        if x.is_cuda:  # cuDNN copies weights that are not in one piece, which is no news
            warnings.filterwarnings("ignore", "RNN module weights are not part of single contiguous")
        outputs, *after = fused(
            x,
            before if self.n_states > 1 else before[0],
            weights,
            self.use_bias,
            1,  # layers
            0.0,  # dropout between them
            torch.is_grad_enabled(),
            False,  # bidirectional
            True,  # batch first
        )
        return outputs, tuple(part.squeeze(0) for part in after)

    def _step_by_step(
        self, x: Tensor, state: State, recurrent_kernel: Tensor, kept: Tensor | None, mask: Tensor | None
    ) -> tuple[Tensor, State]:
        """x (B, T, D), or (G, B, T, D) of inputs for each gate; kept (G, B, H): the recurrent dropout's masks."""
        bias, recurrent_bias = self.biases()
        kernels = recurrent_kernel.view(self.gates, self.units, self.units)
        biases = recurrent_bias.view(self.gates, self.units)
        if x.ndim == 3:
            entering = functional.linear(x, self.kernel, bias)
        else:
            by_gate = x @ self.kernel.view(self.gates, 1, self.units, self.dim).transpose(2, 3)
            entering = by_gate.permute(1, 2, 0, 3).flatten(2) + bias

        def recur(h: Tensor, gates: slice = slice(None)) -> Tensor:
            if kept is None:
                return functional.linear(h, kernels[gates].flatten(0, 1), biases[gates].flatten())
            by_gate = torch.baddbmm(biases[gates].unsqueeze(1), h * kept[gates], kernels[gates].transpose(1, 2))
            return by_gate.transpose(0, 1).flatten(1)

        outputs, output = [], torch.zeros_like(state[0])
        for t, x_t in enumerate(entering.unbind(1)):
            after = self.step(x_t, state, recur)
            if mask is None:
                state, output = after, after[0]
            else:
                real = mask[:, t, None]
                output = torch.where(real, after[0], output)
                state = tuple(torch.where(real, new, old) for new, old in zip(after, state, strict=True))
            outputs.append(output)
        return torch.stack(outputs, 1), state
