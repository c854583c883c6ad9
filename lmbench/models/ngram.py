"""The n-gram model, with any smoothing method of lmbench.ngrams.smoothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lmbench.errors import BadConfig, choose
from lmbench.model import Floats, LanguageModel, State, Strata
from lmbench.ngrams.smoothing import METHODS, Settings, Weights
from lmbench.ngrams.table import NGramIndex, NGramTable
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(kw_only=True)
class NGram(LanguageModel):
    """p(w | the order-1 words before it), interpolated over orders: see lmbench.ngrams.smoothing for the recursion.

    order:     words of the longest n-gram, its last word included
    smoothing: mle, add_k, witten_bell, kneser_ney or modified_kneser_ney
    k:         what add_k adds to each count
    fallback:  whether the Kneser-Ney methods may use fixed discounts, with a note, where the text is too small to
               estimate them; false stops with an error, as KenLM does unless told otherwise

    order = 1 with mle is the relative frequency of each word. KenLM's lmplz gives the same probabilities as
    modified_kneser_ney; on the Penn Treebank, 82,430 predictions, the test perplexities of orders 2 to 5 are
    185.7049, 148.2815, 142.7156, 141.1862.
    """

    order: int = 5
    smoothing: str = "modified_kneser_ney"
    k: float = 1.0
    fallback: bool = True

    family: ClassVar[str] = "ngram"

    def __post_init__(self) -> None:
        choose(METHODS, self.smoothing, "smoothing")
        if self.order < 1:
            raise BadConfig(f"order is {self.order}, and an n-gram has at least one word; set order to 1 or more")
        if not 0 < self.k < np.inf:
            raise BadConfig(
                f"k is {self.k}, and add_k must add something finite to each count; "
                "set k above 0, or smoothing = 'mle' to add nothing"
            )

    def fit(self, train: Sentences, valid: Sentences) -> Self:
        """Count train and weigh the counts; valid is there for methods that choose by it."""
        table = NGramTable.count(train, self.order)
        settings = Settings(valid=valid, k=self.k, fallback=self.fallback)
        self.vocab_ = train.vocab
        self.index_ = table.index
        self.weights_ = choose(METHODS, self.smoothing, "smoothing")(table, settings)
        return self

    def log_probs(self, batch: Sentences) -> Floats:
        """float64 (N,), nats: the recursion over orders, for all tokens at once."""
        p = np.full(batch.n_tokens, 1 / len(self.vocab_))
        weights = zip(self.weights_.alpha, self.weights_.gamma, strict=True)
        for (alpha, gamma), (gram, context) in zip(weights, self.index_.lookup(batch), strict=True):
            p = np.where(context < 0, p, _at(gamma, context) * p)
            p = np.where(gram < 0, p, _at(alpha, gram) + p)
        return _log(p)

    def next_log_probs(self, prefixes: Sentences) -> Floats:
        """float64 (S, V), nats: a row is scaled by gamma, and alpha is added to the words its context was seen with."""
        n_events = len(self.vocab_)
        alpha, gamma = self.weights_.alpha, self.weights_.gamma
        p = np.tile(alpha[0][:n_events] + gamma[0] / n_events, (len(prefixes), 1))
        for n, context in enumerate(self.index_.contexts(prefixes)[1:], start=2):
            seen = np.flatnonzero(context >= 0)
            p[seen] *= gamma[n - 1][context[seen], None]
            row, gram = self.index_.children(n, context[seen])
            p[seen[row], self.index_.keys[n - 1][gram] % (n_events + 1)] += alpha[n - 1][gram]
        return _log(p)

    def strata(self, batch: Sentences) -> Strata:
        """By how many of the order-1 words before a token train has together, <s> counted as one."""
        # The empty context is always known, and a longer one only if its suffixes are.
        known = np.sum([context >= 0 for _, context in self.index_.lookup(batch)], axis=0) - 1
        return Strata.cut(np.asarray(known, np.int64), tuple(range(1, self.order)), "context")

    def n_params(self) -> int:
        """Stored numbers: an alpha for each n-gram and a gamma for each context of every order."""
        return sum(len(weights) for weights in (*self.weights_.alpha, *self.weights_.gamma))

    def state(self) -> State:
        """Keys, alphas and gammas by order, and the notes as UTF-8 bytes."""
        arrays: State = {"notes": np.frombuffer("\n".join(self.weights_.notes).encode(), np.uint8)}
        for n in range(1, self.order + 1):
            arrays[f"keys_{n}"] = self.index_.keys[n - 1]
            arrays[f"alpha_{n}"] = self.weights_.alpha[n - 1]
            arrays[f"gamma_{n}"] = self.weights_.gamma[n - 1]
        return arrays

    def restore(self, vocab: Vocabulary, state: State) -> Self:
        """The inverse of state()."""

        def by_order(name: str) -> tuple[np.ndarray, ...]:
            return tuple(np.asarray(state[f"{name}_{n}"]) for n in range(1, self.order + 1))

        notes = bytes(np.asarray(state["notes"], np.uint8)).decode()
        self.vocab_ = vocab
        self.index_ = NGramIndex(len(vocab), by_order("keys"))
        self.weights_ = Weights(by_order("alpha"), by_order("gamma"), tuple(notes.splitlines()))
        return self

    def notes(self) -> tuple[str, ...]:
        """Where fixed discounts stand in for estimated ones."""
        return self.weights_.notes


def _at(values: Floats, place: np.ndarray) -> Floats:
    """values[place], and 0 for every place where there are no values at all."""
    return values[place] if len(values) else np.zeros(len(place))


def _log(p: Floats) -> Floats:
    """ln p, -inf for 0. A sum of weights can exceed 1 by a rounding error; a probability cannot."""
    with np.errstate(divide="ignore"):
        return np.log(np.minimum(p, 1.0, out=p), out=p)


Model = NGram
