"""Keras' constraints by their names: the weights nearest to a kernel (in, out) or bias that are allowed.

A norm is that of the weights into one unit: a kernel's columns, all of a bias.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

EPSILON = 1e-7
"""Keras' own, which stands in for a norm of 0."""


def min_max_norm(w: Tensor, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0) -> Tensor:
    """Norms between the two values, or a share `rate` of the way there (Srivastava et al. 2014, section 5.1)."""
    norms = w.square().sum(0, keepdim=True).sqrt()
    desired = rate * norms.clamp(min_value, max_value) + (1 - rate) * norms
    return w * (desired / (EPSILON + norms))


CONSTRAINTS: dict[str, Callable[..., Tensor]] = {
    "max_norm": lambda w, max_value=2.0: min_max_norm(w, 0.0, max_value),
    "min_max_norm": min_max_norm,
    "non_neg": lambda w: w.clamp(min=0),
    "unit_norm": lambda w: min_max_norm(w, 1.0, 1.0),
}
