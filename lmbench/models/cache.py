"""Kind `cache`: the words of a row's own past, on top of how frequent words are anyway."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from lmbench.fields import Count, Positive
from lmbench.model import Floats, LanguageModel, State
from lmbench.ngrams.heldout import likeliest
from lmbench.ngrams.unigram import unigram
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from typing_extensions import Self

LEAST, MOST = 2.0**-10, 2.0**20
"""Between these a strength is chosen on valid; where valid does not say, having no past, it is the greatest."""


@dataclass(kw_only=True)
class Cache(LanguageModel):
    """Unigram cache (Kuhn & De Mori 1990; Jelinek, Merialdo, Roukos & Strauss 1991), a Dirichlet prior over it:

        p(w | h) = (count of w in the last n words of the row + mu P(w)) / (n + mu),  n = min(window, words so far)

    P is the smoothed unigram of train, so an empty past gives P. Rows stay independent: a cache remembers its
    own row and no other, which in sentence rows is next to nothing; it is meant for streams.

    window: how many of the last words are remembered; None is all of the row. Kuhn & De Mori took 200
    mu:     how many words of the past weigh as much as P; left out, the number from 2**-10 to 2**20 under which
            valid is likeliest
    """

    window: Count | None = 200
    mu: Positive | None = None

    family: ClassVar[str] = "ngram"

    @property
    def track(self) -> str:
        """'adaptive': what a row has said so far changes what comes next."""
        return "adaptive"

    def fit(self, train: Sentences, valid: Sentences) -> Self:
        """Count words; find the mu under which valid is likeliest where none is given."""
        self.vocab_ = train.vocab
        self.unigram_ = unigram(train)
        self.mu_ = self._chosen(valid) if self.mu is None else float(self.mu)
        return self

    def _chosen(self, valid: Sentences) -> float:
        said, n, p = *self._recall(valid), self.unigram_[valid.tokens]

        def loss(x: Floats) -> float:
            mu = np.exp(x[0])
            return float(-np.log((said + mu * p) / (n + mu)).sum() / max(len(p), 1))

        def slopes(x: Floats) -> Floats:
            mu = np.exp(x[0])
            return np.array([-(mu * p / (said + mu * p) - mu / (n + mu)).sum() / max(len(p), 1)])

        return float(np.exp(likeliest(loss, slopes, np.log([MOST]), [(np.log(LEAST), np.log(MOST))])[0]))

    def log_probs(self, batch: Sentences) -> Floats:
        """float64 (N,), nats."""
        said, n = self._recall(batch)
        logs: Floats = np.log((said + self.mu_ * self.unigram_[batch.tokens]) / (n + self.mu_))
        return logs

    def next_log_probs(self, prefixes: Sentences) -> Floats:
        """float64 (S, V), nats."""
        n_events, lengths = len(self.vocab_), prefixes.lengths
        n = lengths if self.window is None else np.minimum(lengths, self.window)
        recent = prefixes.positions >= (lengths - n)[prefixes.rows]
        cells = prefixes.rows[recent] * n_events + prefixes.tokens[recent]
        said = np.bincount(cells, minlength=len(prefixes) * n_events).reshape(len(prefixes), n_events)
        table: Floats = np.log((said + self.mu_ * self.unigram_) / (n[:, None] + self.mu_))
        return table

    def _recall(self, batch: Sentences) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Two int64 (N,): how often each token stands among the words its cache remembers, and how many these are."""
        position = batch.positions
        first = np.zeros_like(position) if self.window is None else np.maximum(position - self.window, 0)
        # Sorted by row, word and position, the tokens equal to one in its window are a range that ends before it.
        word = batch.rows * len(batch.vocab) + batch.tokens
        order = np.argsort(word, kind="stable")
        places = word * (int(batch.lengths.max(initial=0)) + 1)
        in_order = (places + position)[order]
        said = np.empty_like(position)
        said[order] = np.arange(batch.n_tokens) - np.searchsorted(in_order, (places + first)[order])
        return said, position - first

    def n_params(self) -> int:
        """Stored numbers: a probability an event, and mu."""
        return len(self.unigram_) + 1

    def state(self) -> State:
        """The unigram and mu."""
        return {"unigram": self.unigram_, "mu": np.array([self.mu_])}

    def restore(self, vocab: Vocabulary, state: State) -> Self:
        """The inverse of state()."""
        self.vocab_ = vocab
        self.unigram_, self.mu_ = np.asarray(state["unigram"]), float(state["mu"][0])
        return self

    def notes(self) -> tuple[str, ...]:
        """What was chosen on valid."""
        return () if self.mu is not None else (f"mu = {self.mu_:.3g}, chosen on valid",)


Model = Cache
