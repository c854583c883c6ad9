"""Kind `class_bigram`: words that stand among the same neighbours share what follows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np

from lmbench.fields import Between, Count
from lmbench.model import Floats, LanguageModel, State
from lmbench.ngrams.classes import exchange
from lmbench.ngrams.unigram import unigram
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(kw_only=True)
class ClassBigram(LanguageModel):
    """p(w | v) = p(class(w) | class(v)) p(w | class(w))   (Brown, Della Pietra, deSouza, Lai & Mercer 1992)

    with a class for every event, found by exchange on train (lmbench.ngrams.classes); <s> is a class by itself, as
    context alone.

    classes: how many; the class of <s>, and that of the events that are not exchanged, come on top
    words:   so many of the most frequent events are exchanged. All others, and what train never has, are one more
             class: rare words tell little of what they are like, and the time goes with the words exchanged
    sweeps:  rounds of exchange at most

    Classes after a class are smoothed by Witten & Bell's weight towards the classes' frequency, and p(w | class)
    is the smoothed unigram of w over that of its class: no event is impossible.
    """

    classes: Annotated[int, Between(1, 10**6)] = 200
    words: Count = 20_000
    sweeps: Annotated[int, Between(0, 10**6)] = 10

    family: ClassVar[str] = "ngram"

    def fit(self, train: Sentences, valid: Sentences) -> Self:
        """Find the classes and count them after each other; there is nothing to choose on valid."""
        del valid
        self.vocab_ = train.vocab
        self.class_of_ = exchange(train, classes=self.classes, words=self.words, sweeps=self.sweeps)
        n_classes = int(self.class_of_[-1])  # <s> is the last class and no event
        p, own = unigram(train), self.class_of_[:-1]
        share = np.bincount(own, p, n_classes)
        cells = self.class_of_[train.previous] * n_classes + self.class_of_[train.tokens]
        counts = np.bincount(cells, minlength=(n_classes + 1) * n_classes).reshape(n_classes + 1, n_classes)
        # A class that nothing follows in train, as that of </s> in sentence rows, leaves all to the frequencies.
        types = np.maximum(np.count_nonzero(counts, axis=1, keepdims=True), 1)
        self.transition_ = np.log((counts + types * share) / (counts.sum(axis=1, keepdims=True) + types))
        self.within_ = np.log(p / share[own])
        return self

    def log_probs(self, batch: Sentences) -> Floats:
        """float64 (N,), nats: only the token before counts, <s> at the start of a row."""
        scores: Floats = self.transition_[self.class_of_[batch.previous], self.class_of_[batch.tokens]]
        return scores + self.within_[batch.tokens]

    def next_log_probs(self, prefixes: Sentences) -> Floats:
        """float64 (S, V), nats."""
        table: Floats = self.transition_[self.class_of_[prefixes.last]][:, self.class_of_[:-1]]
        return table + self.within_

    def n_params(self) -> int:
        """Stored numbers: a probability for each pair of classes, one for each event, and the classes."""
        return sum(array.size for array in (self.transition_, self.within_, self.class_of_))

    def state(self) -> State:
        """The class of each event and of <s>, and both factors, nats."""
        return {"class_of": self.class_of_, "transition": self.transition_, "within": self.within_}

    def restore(self, vocab: Vocabulary, state: State) -> Self:
        """The inverse of state()."""
        self.vocab_ = vocab
        self.class_of_ = np.asarray(state["class_of"])
        self.transition_, self.within_ = np.asarray(state["transition"]), np.asarray(state["within"])
        return self


Model = ClassBigram
