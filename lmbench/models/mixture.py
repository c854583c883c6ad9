"""Kind `mixture`: linear interpolation of other rows, weights by EM on valid, for all contexts or by strata."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
import numpy.typing as npt

from lmbench.errors import BadConfig, choose
from lmbench.fields import Among, Between
from lmbench.model import Floats, LanguageModel, State, Strata
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from typing_extensions import Self


CONTEXTS = {"length": "strata", "count": "context_counts"}
PRIOR = 20.0
"""Tokens that the weights of all of valid count for in every stratum."""


@dataclass(kw_only=True)
class Mixture(LanguageModel):
    """p(w | h) = sum_k weight_k p_k(w | h)   (Jelinek & Mercer 1980), with weights of their own for strata of h.

    components: name -> model. Fitted ones are used as they are, the others are fitted first; in a benchmark
                file they are names of other rows, which the runner hands over fitted.
    by:         the component that chooses the weights by what it knows of h; left out, there is one set of them
    contexts:   what it is asked: 'length', its strata(h), of which an `ngram` has how many of the last words train has
                together and an `infinity` the words of its suffix; or 'count', how often train has the last two words,
                in buckets from 0, 1, 5 and 50, which an `ngram` of order 2 or more tells that kept its counts.
    iterations: EM steps at most; it stops when the weights move by less than 1e-6.

    The weights are those under which valid is likeliest: EM never lowers that likelihood, and it is concave,
    so the mixture is no worse on valid than its best part. In a stratum they are the likeliest under a Dirichlet
    prior that says what PRIOR tokens weighed by the one set would: a stratum without tokens in valid has that set,
    and none is less likely than with it, because EM starts there. A stratum depends on the history alone, so what
    is mixed stays a distribution.
    """

    family: ClassVar[str] = "mixture"

    components: dict[str, LanguageModel]
    by: str = ""
    contexts: Annotated[str, Among(CONTEXTS)] = "length"
    iterations: Annotated[int, Between(1, 10**6)] = 1000

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.components) < 2:
            raise BadConfig(f"a mixture of {list(self.components)} is no mixture; name two rows or more as components")
        hook = CONTEXTS[self.contexts]
        if self.by:
            kind = type(choose(self.components, self.by, "component for by"))
            if getattr(kind, hook) is getattr(LanguageModel, hook):
                raise BadConfig(
                    f"by = {self.by!r} has no {hook}: its kind tells no {self.contexts} of a context; name a component "
                    f"of kind {'ngram' if self.contexts == 'count' else 'ngram or infinity'}, or leave it out"
                )

    @property
    def track(self) -> str:
        """'adaptive' if a part is."""
        return "adaptive" if any(part.track == "adaptive" for part in self.components.values()) else "static"

    @property
    def rounding(self) -> float:
        """That of the part that rounds most."""
        return max(part.rounding for part in self.components.values())

    @property
    def normalised(self) -> bool:
        """Whether every part is a distribution."""
        return all(part.normalised for part in self.components.values())

    def fit(self, train: Sentences, valid: Sentences) -> Self:
        """Fit the parts that are not fitted, then the weights: of all of valid, and from them of each stratum."""
        self.vocab_ = train.vocab
        for part in self.components.values():
            if not hasattr(part, "vocab_"):
                part.fit(train, valid)
        log_probs = self._parts(valid)
        possible = log_probs.max(axis=0) > -np.inf
        # Shares need ratios only, so each token is scaled by its likeliest part: nothing underflows.
        scaled = np.exp(log_probs[:, possible] - log_probs[:, possible].max(axis=0))
        even = np.full(len(self.components), 1 / len(self.components))
        self.weights_ = self._likeliest(scaled, even, 0.0)[None]
        if self.by:
            strata, one = self._strata(valid), self.weights_[0]
            here = [strata.of[possible] == b for b in range(len(strata.names))]
            self.weights_ = np.stack([self._likeliest(scaled[:, mask], one, PRIOR) for mask in here])
        return self

    def _likeliest(self, scaled: Floats, start: Floats, prior: float) -> Floats:
        """float64 (K,): EM from start, weight_k <- mean share of part k in each token and in prior tokens of start."""
        weights, tokens = start, scaled.shape[1] + prior
        for _ in range(self.iterations if tokens else 0):
            joint = weights[:, None] * scaled
            updated = ((joint / joint.sum(axis=0)).sum(axis=1) + prior * start) / tokens
            moved = np.abs(updated - weights).max()
            weights = updated
            if moved < 1e-6:
                break
        return weights

    def log_probs(self, batch: Sentences) -> Floats:
        """float64 (N,): ln sum_k weight_k p_k."""
        return self._mixed(self._parts(batch), self._strata(batch).of)

    def next_log_probs(self, prefixes: Sentences) -> Floats:
        """float64 (S, V): the same sum over the parts' tables."""
        ended = prefixes.ended()
        tables = np.stack([part.next_log_probs(prefixes) for part in self.components.values()])
        return self._mixed(tables, self._strata(ended).of[ended.offsets[1:] - 1])

    def _parts(self, batch: Sentences) -> Floats:
        """float64 (K, N): ln p_k of each token."""
        return np.stack([part.log_probs(batch) for part in self.components.values()])

    def _strata(self, batch: Sentences) -> Strata:
        """strata(), or one for all."""
        return self.strata(batch) or Strata(np.zeros(batch.n_tokens, np.int64), ("",))

    def _mixed(self, log_probs: Floats, stratum: npt.NDArray[np.int64]) -> Floats:
        """ln of the sum over the K parts, each in its stratum's weight, of float64 (K, N) or (K, S, V)."""
        with np.errstate(divide="ignore"):
            weights = np.log(self.weights_)[stratum].T
        mixed: Floats = np.logaddexp.reduce(log_probs + (weights if log_probs.ndim == 2 else weights[:, :, None]))
        return np.minimum(mixed, 0.0)

    def strata(self, batch: Sentences) -> Strata | None:
        """What the part that `by` names says of contexts."""
        if not self.by or self.contexts == "length":
            return self.components[self.by].strata(batch) if self.by else None
        counts = self.components[self.by].context_counts(batch)
        if counts is None:
            raise BadConfig(
                f"by = {self.by!r} does not know how often contexts occur; "
                "give it order = 2 or more and counts = true, or set contexts = 'length'"
            )
        return Strata.by_count(counts)

    def sources(self) -> tuple[str, ...]:
        """Those of the parts."""
        return tuple(dict.fromkeys(name for part in self.components.values() for name in part.sources()))

    def n_params(self) -> int:
        """Those of the parts and K weights a stratum."""
        return sum(part.n_params() for part in self.components.values()) + self.weights_.size

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
        told = [
            ", ".join(f"{name} {w:.3g}" for name, w in zip(self.components, row, strict=True)) for row in self.weights_
        ]
        names = self._strata(Sentences.of_rows([], self.vocab_)).names
        where = [f" at {self.by}'s {name}" if self.by else "" for name in names]
        return (
            *(f"weights{at}: {weights}" for at, weights in zip(where, told, strict=True)),
            *(f"{name}: {n}" for name, part in self.components.items() for n in part.notes()),
        )

    def config(self) -> dict[str, Any]:
        """Components by name."""
        return {
            "components": list(self.components),
            "by": self.by,
            "contexts": self.contexts,
            "iterations": self.iterations,
        }


Model = Mixture
