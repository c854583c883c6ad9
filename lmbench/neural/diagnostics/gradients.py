"""How far a gradient reaches back through time, where it vanishes, and where it explodes.

The two are different failures. A vanishing gradient is a small number added to large ones: training goes on and never
hears of what is far away; no length of step mends that. An exploding one makes a step that is far too long; clipping
shortens it (Pascanu et al. 2013), and tells a network nothing about what is far away.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from lmbench.neural.diagnostics.cells import Layer, unroll

Floats = npt.NDArray[np.float64]
Loss = Callable[[Tensor], Tensor]
"""h (B, H) after the last step -> the loss of each row (B,), in nats."""


@dataclass(frozen=True)
class Reach:
    """Norms of the gradient of a loss at the last step t, by k: float64 (T,), k = 0, 1, ..., T - 1; means over rows.

    hidden: of dL_t / dh_(t-k), the cell state c_(t-k) held
    cell:   of dL_t / dc_(t-k), what h_(t-k) makes of c_(t-k) included; empty where a cell has no c
    """

    hidden: Floats
    cell: Floats


def reach(layer: Layer, inputs: Tensor, loss: Loss) -> Reach:
    """One walk back gives every k. inputs (B, T, D), read from a fresh state."""
    fresh = tuple(state.requires_grad_() for state in layer.fresh(len(inputs)))  # or nothing would need a gradient
    states = unroll(layer, inputs, fresh).states[:0:-1]
    total = loss(states[0][0]).sum()
    norms = []
    for part in range(len(fresh)):
        slopes = torch.autograd.grad(total, [state[part] for state in states], retain_graph=True)
        norms.append(torch.stack([slope.norm(dim=1).mean() for slope in slopes]).double().numpy())
    return Reach(norms[0], norms[1] if len(norms) > 1 else np.empty(0))


def rate(norms: Floats) -> float:
    """Slope of ln norm against k, least squares over k >= 1 (nats a step): below 0 it vanishes, above 0 it explodes.

    k = 0 is the output's own doing. A norm of exactly 0 has underflowed and ends what is fitted; NaN below two points.
    """
    known = norms[1 : 1 + int(np.argmin(np.append(norms[1:] > 0, False)))]
    if len(known) < 2:
        return math.nan
    return float(np.polyfit(np.arange(len(known)), np.log(known), 1)[0])


def half_life(norms: Floats) -> float:
    """Steps in which the norm halves, ln 2 / -rate: infinite where it does not fall."""
    slope = rate(norms)
    return math.log(2) / -slope if slope < 0 else slope if math.isnan(slope) else math.inf


def scaled(layer: Layer, factor: float) -> Layer:
    """The layer with its recurrent kernel times factor."""
    return replace(layer, recurrent=layer.recurrent * factor)


def spectral_radius(layer: Layer) -> float:
    """The largest |eigenvalue| of the recurrent kernel (H, H) of the new state: for a GRU of n, for an LSTM of g."""
    block = {"rnn": 0, "lstm": 2, "gru": 2}[layer.cell]
    kernel = layer.recurrent.detach()[block * layer.units : (block + 1) * layer.units]
    return float(torch.linalg.eigvals(kernel).abs().max())


def step_length(parameters: Sequence[nn.Parameter], lr: float, clip: float | None) -> float:
    """How far one step of plain gradient descent moves all parameters together; they have their gradients.

    Clipped, it is at most lr * clip. The parameters are where they were afterwards; their gradients are clipped.
    """
    if clip is not None:
        nn.utils.clip_grad_norm_(parameters, clip)
    before = [parameter.detach().clone() for parameter in parameters]
    torch.optim.SGD(parameters, lr).step()
    with torch.no_grad():
        moved = torch.stack([(p - b).norm() for p, b in zip(parameters, before, strict=True)]).norm()
        for parameter, old in zip(parameters, before, strict=True):
            parameter.copy_(old)
    return float(moved)
