"""Keras' regularizers by their names: what weights or activities add to a loss in nats per token."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional

from lmbench.errors import BadConfig, choose


def l1_l2(x: Tensor, l1: float = 0.01, l2: float = 0.01) -> Tensor:
    """l1 times the sum of sizes and l2 times the sum of squares; no half, as in Keras."""
    return l1 * x.abs().sum() + l2 * x.square().sum()


def orthogonal(x: Tensor, factor: float = 0.01, mode: str = "rows") -> Tensor:
    """factor times the mean over pairs of rows (or of columns) of a matrix of |cos| of their angle."""
    if x.ndim != 2:
        raise BadConfig("regularizer 'orthogonal_regularizer' is for kernels: give a bias or outputs l1, l2 or l1_l2")
    rows = functional.normalize(choose({"rows": x, "columns": x.T}, mode, "mode"), dim=1)
    return factor * (rows @ rows.T).triu(1).abs().sum() / (len(rows) * (len(rows) - 1) / 2)


REGULARIZERS: dict[str, Callable[..., Tensor]] = {
    "l1": lambda x, l1=0.01: l1_l2(x, l1, 0),
    "l1_l2": l1_l2,
    "l2": lambda x, l2=0.01: l1_l2(x, 0, l2),
    "orthogonal_regularizer": orthogonal,
}
