"""Keras' initializers by their names: the first weights of a kernel (in, out) or a bias (n,), from torch's generator.

A kernel of several gates is drawn as one matrix over all of them, as in Keras.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from lmbench.errors import BadConfig, choose

TRUNCATED = 0.87962566103423978
"""Standard deviation of a standard normal cut off at 2 on both sides."""


def truncated_normal(shape: tuple[int, ...], mean: float = 0.0, stddev: float = 0.05) -> Tensor:
    """Normal of this stddev before it is cut off at 2 stddev on both sides."""
    return nn.init.trunc_normal_(torch.empty(shape), mean, stddev, mean - 2 * stddev, mean + 2 * stddev)


def random_uniform(shape: tuple[int, ...], minval: float = -0.05, maxval: float = 0.05) -> Tensor:
    """Uniform from minval to maxval."""
    return torch.empty(shape).uniform_(minval, maxval)


def random_normal(shape: tuple[int, ...], mean: float = 0.0, stddev: float = 0.05) -> Tensor:
    """Normal."""
    return mean + stddev * torch.randn(shape)


SHAPES: dict[str, Callable[[tuple[int, ...], float], Tensor]] = {
    "uniform": lambda shape, sd: random_uniform(shape, -math.sqrt(3) * sd, math.sqrt(3) * sd),
    "truncated_normal": lambda shape, sd: truncated_normal(shape, stddev=sd / TRUNCATED),
    "untruncated_normal": lambda shape, sd: random_normal(shape, stddev=sd),
}


def variance_scaling(
    shape: tuple[int, ...], scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal"
) -> Tensor:
    """Mean 0 and variance scale / fan, which Glorot & Bengio 2010 (fan_avg, 1), He et al. 2015 (fan_in, 2) and LeCun
    et al. 1998 (fan_in, 1) choose so that signals keep their size from layer to layer."""
    fan_in, fan_out = shape[0], shape[-1]
    fans = {"fan_in": float(fan_in), "fan_out": float(fan_out), "fan_avg": (fan_in + fan_out) / 2}
    draw = choose(SHAPES, distribution, "distribution")
    return draw(shape, math.sqrt(scale / max(1.0, choose(fans, mode, "mode"))))


def orthogonal(shape: tuple[int, ...], gain: float = 1.0) -> Tensor:
    """gain times a matrix with orthonormal rows or columns, whichever are fewer (Saxe et al. 2014)."""
    return nn.init.orthogonal_(torch.empty(_matrix(shape, "orthogonal")), gain)


def identity(shape: tuple[int, ...], gain: float = 1.0) -> Tensor:
    """gain on the diagonal, 0 elsewhere; with relu, the recurrent kernel of Le et al. 2015."""
    return gain * torch.eye(*_matrix(shape, "identity"))


def _matrix(shape: tuple[int, ...], name: str) -> tuple[int, ...]:
    if len(shape) != 2:
        raise BadConfig(f"initializer {name!r} makes matrices and a bias is none: give bias_initializer another")
    return shape


_uniform = partial(variance_scaling, distribution="uniform")

INITIALIZERS: dict[str, Callable[..., Tensor]] = {
    "constant": lambda shape, value=0.0: torch.full(shape, float(value)),
    "glorot_normal": lambda shape: variance_scaling(shape, 1, "fan_avg"),
    "glorot_uniform": lambda shape: _uniform(shape, 1, "fan_avg"),
    "he_normal": lambda shape: variance_scaling(shape, 2),
    "he_uniform": lambda shape: _uniform(shape, 2),
    "identity": identity,
    "lecun_normal": lambda shape: variance_scaling(shape, 1),
    "lecun_uniform": lambda shape: _uniform(shape, 1),
    "ones": lambda shape: torch.ones(shape),
    "orthogonal": orthogonal,
    "random_normal": random_normal,
    "random_uniform": random_uniform,
    "truncated_normal": truncated_normal,
    "variance_scaling": variance_scaling,
    "zeros": lambda shape: torch.zeros(shape),
}
