"""Kind `mixture`: linear interpolation of other rows, weights by EM on valid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from lmbench.errors import BadConfig
from lmbench.model import Floats, LanguageModel, State
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(kw_only=True)
class Mixture(LanguageModel):
    """p(w | h) = sum_k weight_k p_k(w | h)   (Jelinek & Mercer 1980).

    components: name -> model. Fitted ones are used as they are, the others are fitted first; in a benchmark
                file they are names of other rows, which the runner hands over fitted.
    iterations: EM steps at most; it stops when the weights move by less than 1e-6.

    The weights are those under which valid is likeliest: EM never lowers that likelihood, and it is concave,
    so the mixture is no worse on valid than its best part.
    """

    family: ClassVar[str] = "mixture"

    components: dict[str, LanguageModel]
    iterations: int = 1000

    def __post_init__(self) -> None:
        if len(self.components) < 2:
            raise BadConfig(f"a mixture of {list(self.components)} is no mixture; name two rows or more as components")
        if self.iterations < 1:
            raise BadConfig(f"iterations = {self.iterations}: EM needs at least one step")

    @property
    def track(self) -> str:
        """'adaptive' if a part is."""
        return "adaptive" if any(part.track == "adaptive" for part in self.components.values()) else "static"

    @property
    def normalised(self) -> bool:
        """Whether every part is a distribution."""
        return all(part.normalised for part in self.components.values())

    def fit(self, train: Sentences, valid: Sentences) -> Self:
        """Fit the parts that are not fitted, then weight_k <- mean over valid of the part's share in each token."""
        self.vocab_ = train.vocab
        for part in self.components.values():
            if not hasattr(part, "vocab_"):
                part.fit(train, valid)
        log_probs = self._parts(valid)
        possible = log_probs.max(axis=0) > -np.inf
        # Shares need ratios only, so each token is scaled by its likeliest part: nothing underflows.
        scaled = np.exp(log_probs[:, possible] - log_probs[:, possible].max(axis=0))
        weights = np.full(len(self.components), 1 / len(self.components))
        for _ in range(self.iterations if possible.any() else 0):
            joint = weights[:, None] * scaled
            updated = (joint / joint.sum(axis=0)).mean(axis=1)
            moved = np.abs(updated - weights).max()
            weights = updated
            if moved < 1e-6:
                break
        self.weights_ = weights
        return self

    def log_probs(self, batch: Sentences) -> Floats:
        """float64 (N,): ln sum_k weight_k p_k."""
        return self._mixed(self._parts(batch))

    def next_log_probs(self, prefixes: Sentences) -> Floats:
        """float64 (S, V): the same sum over the parts' tables."""
        return self._mixed(np.stack([part.next_log_probs(prefixes) for part in self.components.values()]))

    def _parts(self, batch: Sentences) -> Floats:
        """float64 (K, N): ln p_k of each token."""
        return np.stack([part.log_probs(batch) for part in self.components.values()])

    def _mixed(self, log_probs: Floats) -> Floats:
        """ln of the weighted sum over the first axis; a part of weight 0 is left out."""
        used = self.weights_ > 0
        logs = np.log(self.weights_[used]).reshape(-1, *[1] * (log_probs.ndim - 1))
        mixed: Floats = np.logaddexp.reduce(log_probs[used] + logs, axis=0)
        return np.minimum(mixed, 0.0)

    def n_params(self) -> int:
        """Those of the parts and the K weights."""
        return sum(part.n_params() for part in self.components.values()) + len(self.components)

    def state(self) -> State:
        """weights, and each part's arrays under '<name>/'."""
        parts = {
            f"{name}/{key}": array for name, part in self.components.items() for key, array in part.state().items()
        }
        return {"weights": self.weights_, **parts}

    def restore(self, vocab: Vocabulary, state: State) -> Self:
        """Restore every part, then the weights."""
        self.vocab_ = vocab
        self.weights_ = np.asarray(state["weights"], np.float64)
        for name, part in self.components.items():
            prefix = f"{name}/"
            part.restore(vocab, {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)})
        return self

    def notes(self) -> tuple[str, ...]:
        """The weights, and what the parts have to say."""
        weights = ", ".join(f"{name} {w:.3g}" for name, w in zip(self.components, self.weights_, strict=True))
        return (
            f"weights: {weights}",
            *(f"{name}: {n}" for name, part in self.components.items() for n in part.notes()),
        )

    def config(self) -> dict[str, Any]:
        """Components by name."""
        return {"components": list(self.components), "iterations": self.iterations}


Model = Mixture
