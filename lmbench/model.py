"""The contract every row of every table obeys."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from lmbench.fields import Checked
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from typing_extensions import Self

Floats = npt.NDArray[np.float64]
State = dict[str, npt.NDArray[np.generic]]
Neighbours = dict[str, dict[str, list[tuple[str, float]]]]
"""Space of vectors -> word -> the words nearest to it and their cosines, nearest first."""


class Strata(NamedTuple):
    """Tokens sorted into B buckets by what is known of their contexts.

    of:    int64 (N,), the bucket of each token, 0 to B-1
    names: of the B buckets
    """

    of: npt.NDArray[np.int64]
    names: tuple[str, ...]

    @classmethod
    def cut(cls, values: npt.NDArray[np.integer], starts: tuple[int, ...], what: str) -> Strata:
        """Buckets of whole numbers >= 0, from 0, from starts[0], from starts[1], ...: 'suffix 0', 'suffix 1-4', ..."""
        bounds = zip((0, *starts), (*starts, None), strict=True)
        ranges = [f"{a}+" if b is None else f"{a}" if b == a + 1 else f"{a}-{b - 1}" for a, b in bounds]
        return cls(np.searchsorted(starts, values, side="right"), tuple(f"{what} {numbers}" for numbers in ranges))

    @classmethod
    def by_count(cls, counts: npt.NDArray[np.integer]) -> Strata:
        """Never, 1-4, 5-49, 50 times or more: how often train has the two words before each token."""
        return cls.cut(counts, (1, 5, 50), "count")


class LanguageModel(Checked, ABC):
    """A conditional distribution p(w | h) over the V events of a vocabulary.

    Subclasses are keyword-only dataclasses: the fields are the hyperparameters, the only ones, each says what
    it may hold (lmbench.fields), and they go verbatim into the report. What fit() learns is stored under names
    ending in "_"; every fitted model has vocab_. A model whose fields include `seed` is random: a benchmark
    may fit it with several seeds.
    """

    vocab_: Vocabulary

    family: ClassVar[str] = "other"
    """What a benchmark groups rows by: ngram, word-vector, recurrent, mixture, reference."""

    files: ClassVar[tuple[str, ...]] = ()
    """Fields that name files which fit() reads. What is in them decides the row's numbers as fields do."""

    find: Callable[[str], Path] = staticmethod(Path)
    """Where the file that a field names is; a benchmark has it sought where its corpus is."""

    @property
    def rounding(self) -> float:
        """Nats by which two ways of asking for one probability may differ: float32 with room to spare; 0.25 at most."""
        return 1e-3

    @property
    def track(self) -> str:
        """'static', or 'adaptive' when scoring learns from the text it scores; the two are never ranked together."""
        return "static"

    @property
    def scope(self) -> frozenset[str]:
        """What the row is measured on; a reference row that is exact for one thing only names that thing."""
        return frozenset({"test", "probes"})

    @property
    def normalised(self) -> bool:
        """Whether next_log_probs is a distribution; a model that is not gets no perplexity."""
        return True

    @abstractmethod
    def fit(self, train: Sentences, valid: Sentences) -> Self:
        """Learn from train. valid is for choices only: stopping, mixture weights, discounts."""

    @abstractmethod
    def log_probs(self, batch: Sentences) -> Floats:
        """float64 (N,): ln p(token | <s>, earlier tokens of its row) for each of batch.tokens.

        A row's values do not depend on the other rows. -inf means impossible; NaN is an error.
        """

    def next_log_probs(self, prefixes: Sentences) -> Floats:
        """float64 (S, V): ln p(. | <s>, row) for each row, which may be empty.

        The default asks log_probs about all V continuations: right for every model, quick for none.
        """
        chunk = max(1, 2_000_000 // (len(prefixes.vocab) * int(prefixes.lengths.max(initial=0) + 1)))
        table = np.empty((len(prefixes), len(prefixes.vocab)))
        for start in range(0, len(prefixes), chunk):
            asked = prefixes.take(np.arange(start, min(start + chunk, len(prefixes)))).extend_each()
            table[start : start + chunk] = self.log_probs(asked)[asked.offsets[1:] - 1].reshape(-1, len(prefixes.vocab))
        return table

    @abstractmethod
    def n_params(self) -> int:
        """Stored numbers: probabilities and weights for count models, weights for neural ones."""

    @abstractmethod
    def state(self) -> State:
        """What fit() learned as arrays, to be saved as safetensors; fields and vocabulary are JSON beside it."""

    @abstractmethod
    def restore(self, vocab: Vocabulary, state: State) -> Self:
        """The inverse of state(): afterwards every score is what it was."""

    def notes(self) -> tuple[str, ...]:
        """What a reader of this row must know: a fallback that was taken, words without a vector."""
        return ()

    def sources(self) -> tuple[str, ...]:
        """What it learns from beside train: the files that its fields name."""
        return tuple(str(named) for name in self.files if (named := getattr(self, name)) is not None)

    def nearest(self, words: Sequence[str], k: int) -> Neighbours:
        """The k words nearest to each of these, in each space of word vectors that the model has; it may have none."""
        del words, k
        return {}

    def strata(self, batch: Sentences) -> Strata | None:
        """What this model knows of each token's context, in buckets: a mixture may weigh its parts by them.

        A function of the history alone, never of the token that is predicted or of what follows. None: it has none.
        """
        del batch
        return None

    def context_counts(self, batch: Sentences) -> npt.NDArray[np.int64] | None:
        """int64 (N,): how often train has the two words before each token, <s> as one; None: the model does not know.

        At the start of a row, where <s> is all there is, how many rows train has. A mixture may weigh its parts by it.
        """
        del batch
        return None

    def config(self) -> dict[str, object]:
        """Every field and its value, defaults included."""
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
