"""Keras' activations by their names: functions of a float tensor of any shape, element by element unless said."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional


def sparsemax(x: Tensor) -> Tensor:
    """The nearest point of the simplex to each row of the last dimension (Martins & Astudillo 2016, algorithm 1)."""
    falling = x.sort(-1, descending=True).values
    excess = falling.cumsum(-1) - 1
    ranks = torch.arange(1, x.shape[-1] + 1, dtype=x.dtype, device=x.device)
    size = (ranks * falling > excess).sum(-1, keepdim=True)
    return (x - excess.gather(-1, size - 1) / size).clamp(min=0)


ACTIVATIONS: dict[str, Callable[..., Tensor]] = {
    "celu": lambda x, alpha=1.0: functional.celu(x, alpha),
    "elu": lambda x, alpha=1.0: functional.elu(x, alpha),
    "exponential": lambda x: x.exp(),
    "gelu": lambda x, approximate=False: functional.gelu(x, approximate="tanh" if approximate else "none"),
    "hard_shrink": lambda x, threshold=0.5: functional.hardshrink(x, threshold),
    "hard_sigmoid": lambda x: functional.hardsigmoid(x),
    "hard_silu": lambda x: functional.hardswish(x),
    "hard_swish": lambda x: functional.hardswish(x),
    "hard_tanh": lambda x: functional.hardtanh(x),
    "leaky_relu": lambda x, negative_slope=0.2: functional.leaky_relu(x, negative_slope),
    "linear": lambda x: x,
    "log_sigmoid": lambda x: functional.logsigmoid(x),
    "log_softmax": lambda x: x.log_softmax(-1),
    "mish": lambda x: functional.mish(x),
    "relu": lambda x: x.relu(),
    "relu6": lambda x: functional.relu6(x),
    "selu": lambda x: functional.selu(x),
    "sigmoid": lambda x: x.sigmoid(),
    "silu": lambda x: functional.silu(x),
    "soft_shrink": lambda x, threshold=0.5: functional.softshrink(x, threshold),
    "softmax": lambda x: x.softmax(-1),
    "softplus": lambda x: functional.softplus(x),
    "softsign": lambda x: functional.softsign(x),
    "sparse_plus": lambda x: torch.where(x < 1, (x.clamp(min=-1) + 1).square() / 4, x),
    "sparse_sigmoid": lambda x: (x.clamp(-1, 1) + 1) / 2,
    "sparsemax": sparsemax,
    "squareplus": lambda x, b=4.0: (x + (x.square() + b).sqrt()) / 2,
    "swish": lambda x: functional.silu(x),
    "tanh": lambda x: x.tanh(),
    "tanh_shrink": lambda x: functional.tanhshrink(x),
    "threshold": lambda x, threshold, default_value: functional.threshold(x, threshold, default_value),
}
"""All of Keras' but glu, whose result is half as wide as what it is given and so cannot be a state."""
