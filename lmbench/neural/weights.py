"""The weights of a recurrent layer: how they begin, what they cost, where they may be, and Keras' order of them.

They are laid out as torch's fused kernels want them, which is Keras' layout transposed, with other places for the gates
of one cell. G gates, H units, D inputs:

| here                              | Keras                     | gates here       | gates in Keras   |
|-----------------------------------|---------------------------|------------------|------------------|
| kernel (G H, D)                   | kernel (D, G H)           | LSTM i, f, g, o  | i, f, c, o       |
| recurrent_kernel (G H, H)         | recurrent_kernel (H, G H) | GRU r, z, n      | z, r, h          |
| bias (G H,), or for a GRU that    | bias, the same            |                  |                  |
| resets after the product (2, G H) |                           |                  |                  |

torch's own modules have two biases for every cell, which are added up; here, as in Keras, there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from lmbench.errors import BadConfig
from lmbench.fields import Share
from lmbench.neural.activations import ACTIVATIONS
from lmbench.neural.constraints import CONSTRAINTS
from lmbench.neural.dropout import require_share
from lmbench.neural.initializers import INITIALIZERS
from lmbench.neural.options import listed, named
from lmbench.neural.regularizers import REGULARIZERS

Array = npt.NDArray[np.floating[Any]]
Activation = Annotated[str, listed(ACTIVATIONS, "activation")]
Initializer = Annotated[str, listed(INITIALIZERS, "initializer")]
Regularizer = Annotated[str, listed(REGULARIZERS, "regularizer")]
Constraint = Annotated[str, listed(CONSTRAINTS, "constraint")]


@dataclass(kw_only=True, eq=False)
class Options:
    """What can be chosen about the cells of a layer, by Keras' names and with its defaults.

    activation: of what may enter the state     recurrent_activation: of the gates; an RNN has none
    use_bias: whether there is a bias           *_initializer: see INITIALIZERS, and others likewise
    unit_forget_bias: an LSTM's forget gate has bias 1 at first (Jozefowicz et al. 2015)
    *_regularizer: of weights, or (activity) of what a call returns, divided by its rows; see penalty()
    *_constraint: see constrain()
    recurrent_dropout: share of h dropped on its way into the gates, one mask a window and gate, not of what an LSTM's c
        or a GRU's z keeps (Semeniuta et al. 2016; Gal & Ghahramani 2016)
    weight_drop: share of the recurrent kernel dropped, one mask a window (Merity et al. 2018); not in Keras
    reset_after: a GRU resets after the product with its recurrent kernel, as cuDNN does; before, in Cho et al. 2014
    """

    activation: Activation = "tanh"
    recurrent_activation: Activation = "sigmoid"
    use_bias: bool = True
    kernel_initializer: Initializer = "glorot_uniform"
    recurrent_initializer: Initializer = "orthogonal"
    bias_initializer: Initializer = "zeros"
    unit_forget_bias: bool = True
    kernel_regularizer: Regularizer | None = None
    recurrent_regularizer: Regularizer | None = None
    bias_regularizer: Regularizer | None = None
    activity_regularizer: Regularizer | None = None
    kernel_constraint: Constraint | None = None
    recurrent_constraint: Constraint | None = None
    bias_constraint: Constraint | None = None
    recurrent_dropout: Share = 0.0
    weight_drop: Share = 0.0
    reset_after: bool = True


@dataclass(kw_only=True, eq=False, repr=False)
class Weights(nn.Module, Options):
    """kernel, recurrent_kernel and bias of one layer; bias is None without use_bias.

    dim: D, width of the inputs      units: H, width of the state
    """

    gates: ClassVar[int]
    lacks: ClassVar[tuple[str, ...]] = ()
    """Options that are for other cells."""
    keras_order: ClassVar[tuple[int, ...]]
    """For each gate here its place among Keras' gates."""

    dim: int
    units: int

    def __post_init__(self) -> None:
        super().__init__()
        for field in fields(self):
            if field.name in self.lacks and getattr(self, field.name) != field.default:
                raise BadConfig(
                    f"{field.name} = {getattr(self, field.name)!r} is not for cells of kind {type(self).__name__}, "
                    "which have nothing to apply it to: leave it out"
                )
        require_share("weight_drop", self.weight_drop)
        self._regularizers = self._named("regularizer", REGULARIZERS)
        self._constraints = self._named("constraint", CONSTRAINTS)
        width = self.gates * self.units
        self.kernel = nn.Parameter(self._drawn("kernel", self.dim, width).T.contiguous())
        self.recurrent_kernel = nn.Parameter(self._drawn("recurrent", self.units, width).T.contiguous())
        self.bias = nn.Parameter(self._first_bias()) if self.use_bias else None
        self.register_buffer("_zeros", torch.zeros(width), persistent=False)
        self._activity: Tensor | None = None
        self.penalty()  # so that a regularizer that is for other weights is refused here and not in training

    def _named(self, kind: str, table: dict[str, Callable[..., Tensor]]) -> dict[str, Callable[[Tensor], Tensor]]:
        """What is to be done, for each name of weights (and "activity") that has a regularizer or constraint."""
        options = {"kernel": "kernel", "recurrent_kernel": "recurrent", "bias": "bias", "activity": "activity"}
        given = {name: getattr(self, f"{option}_{kind}", None) for name, option in options.items()}
        return {name: named(table, spec, kind) for name, spec in given.items() if spec is not None}

    def _drawn(self, which: str, *shape: int) -> Tensor:
        return named(INITIALIZERS, getattr(self, f"{which}_initializer"), "initializer")(shape)

    def _first_bias(self) -> Tensor:
        return self._drawn("bias", self.gates * self.units)

    def biases(self) -> tuple[Tensor, Tensor]:
        """(G H,) each: what is added to the inputs' share in the gates and to the recurrent share."""
        zeros = self.get_buffer("_zeros")
        if self.bias is None:
            return zeros, zeros
        return (self.bias[0], self.bias[1]) if self.bias.ndim == 2 else (self.bias, zeros)

    def penalty(self) -> Tensor | None:
        """What the regularizers add to a mean loss in nats per token, for the last call; None if there are none.

        The gradient of the activity's part runs through that call's graph, which the outputs' gradient takes too.
        """
        terms = [f(weights) for weights, f in self._with(self._regularizers)]
        terms += [] if self._activity is None else [self._activity]
        return torch.stack(terms).sum() if terms else None

    def _activities(self, outputs: Sequence[Tensor]) -> Tensor | None:
        """The penalty of what a call returns, each tensor divided by its rows, as in Keras: with return_state the last
        states too, as in a stack."""
        regularizer = self._regularizers.get("activity")
        if regularizer is None or not torch.is_grad_enabled():
            return None
        return torch.stack([regularizer(output) / len(output) for output in outputs]).sum()

    @torch.no_grad()
    def constrain(self) -> None:
        """Bring the weights to the nearest ones that the constraints allow, as after each step of an optimiser."""
        for weights, nearest in self._with(self._constraints):
            weights.copy_(nearest(weights))

    def _with(self, actions: dict[str, Callable[[Tensor], Tensor]]) -> list[tuple[Tensor, Callable[[Tensor], Tensor]]]:
        return [(weights, actions[name]) for name, weights in self._transposed().items() if name in actions]

    def _transposed(self) -> dict[str, Tensor]:
        """Views in Keras' dimensions, in which the options are defined; gates stay in their places."""
        kernels = {"kernel": self.kernel.T, "recurrent_kernel": self.recurrent_kernel.T}
        return kernels if self.bias is None else {**kernels, "bias": self.bias}

    def keras_weights(self) -> list[Array]:
        """kernel, recurrent_kernel and the bias, if there is one, laid out as Keras' get_weights() gives them."""
        ours = np.argsort(self.keras_order)
        return [self._reordered(view.detach().cpu().numpy(), ours) for view in self._transposed().values()]

    @torch.no_grad()
    def set_keras_weights(self, weights: Sequence[Array]) -> None:
        """The inverse of keras_weights()."""
        for view, given in zip(self._transposed().values(), weights, strict=True):
            view.copy_(torch.from_numpy(self._reordered(given, np.array(self.keras_order))))

    def _reordered(self, weights: Array, order: npt.NDArray[np.intp]) -> Array:
        by_gates = weights.reshape(*weights.shape[:-1], self.gates, self.units)
        return by_gates[..., order, :].reshape(weights.shape)
