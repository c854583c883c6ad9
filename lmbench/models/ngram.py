"""The n-gram model, with any smoothing method of lmbench.ngrams.smoothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
import numpy.typing as npt

from lmbench.errors import BadConfig
from lmbench.fields import Among, Between, Positive, Whole
from lmbench.model import Floats, LanguageModel, State, Strata
from lmbench.ngrams.backoff import BackOff
from lmbench.ngrams.explain import Counted, Explanation, explain
from lmbench.ngrams.prune import prune
from lmbench.ngrams.quantise import quantise, restore_quantised
from lmbench.ngrams.recursion import Settings
from lmbench.ngrams.smoothing import METHODS, SCORES, SHORTER
from lmbench.ngrams.table import NGramTable
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(kw_only=True)
class NGram(LanguageModel):
    """p(w | the order-1 words before it), each order resting on the one below: lmbench.ngrams.recursion.

    order:     words of the longest n-gram, its last word included
    smoothing: mle, add_k, jelinek_mercer, dirichlet, witten_bell, absolute_discounting, kneser_ney,
               kneser_ney_backoff, modified_kneser_ney, pitman_yor, katz or stupid_backoff
    k:         what add_k adds to each count; chosen on valid if left out
    mu:        strengths of dirichlet's prior at orders 1, 2, ..., the last one also that of higher orders; chosen on
               valid if left out
    fallback:  whether methods that discount may use fixed discounts, with a note, where the text is too small to
               estimate them; false stops with an error, as KenLM does unless told otherwise
    cutoffs:   n-grams of order n seen cutoffs[n-1] times or less in train are left out; the last one is also that of
               higher orders, and the first is 0, for words belong to the vocabulary. (0, 0, 1) is lmplz --prune 0 0 1
    entropy:   n-grams whose loss raises the perplexity by less than this share are left out too, as by ngram -prune of
               SRILM (Stolcke 1998); 1e-8 to 1e-6 are usual
    bits:      of a stored score: 64 or 32, or 8 for one of 256 values an order. The model itself is rounded, and a
               distribution still: it scores before it is saved as after
    counts:    whether counts are kept, a few per cent of the file, for what explain() says beside the scores
    memory:    MB for counting beside the text and the model, which are in memory in any case; what does not fit is
               sorted on disk. It changes no number

    order = 1 with mle is the relative frequency of each word. KenLM's lmplz gives the same probabilities as
    modified_kneser_ney; on the Penn Treebank, 82,430 predictions, the test perplexities of orders 2 to 6 are
    185.7049, 148.2815, 142.7156, 141.1862, 140.8369. stupid_backoff is no distribution: its scores are for ranking.
    """

    order: Annotated[int, Between(1, 100)] = 5
    smoothing: Annotated[str, Among(METHODS)] = "modified_kneser_ney"
    k: Positive | None = None
    mu: tuple[Positive, ...] | None = None
    fallback: bool = True
    cutoffs: tuple[Whole, ...] = (0,)
    entropy: Annotated[float, Between(0, 10**6)] = 0.0
    bits: Annotated[int, Among((8, 32, 64))] = 64
    counts: bool = True
    memory: Annotated[int, Between(1, 10**8)] | None = None

    family: ClassVar[str] = "ngram"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.cutoffs = tuple(self.cutoffs)  # TOML and JSON have lists
        self.mu = None if self.mu is None else tuple(self.mu)
        if self.mu == ():
            raise BadConfig("mu = [] has no strength; give one or more, or leave it out to have them chosen on valid")
        if not self.cutoffs or self.cutoffs[0] != 0 or list(self.cutoffs) != sorted(self.cutoffs):
            raise BadConfig(
                f"cutoffs = {list(self.cutoffs)} must begin with 0 and not fall: words are the vocabulary's, and no "
                "n-gram outlives what it is made of; for fewer words use the corpus' min_count or vocab_size"
            )
        if not self.normalised and (self.entropy or self.bits == 8):
            raise BadConfig(
                f"entropy and bits = 8 are for distributions, and {self.smoothing} is none; use cutoffs, or bits = 32"
            )

    @property
    def normalised(self) -> bool:
        """Whether it is a distribution: whatever the text is, all but stupid back-off are."""
        return self.order == 1 or self.smoothing not in SCORES

    def fit(self, train: Sentences, valid: Sentences) -> Self:
        """Count train and weigh the counts; valid is there for methods that choose by it."""
        settings = Settings(
            valid=valid,
            k=self.k,
            mu=self.mu,
            fallback=self.fallback,
            cutoffs=self.cutoffs,
            counts=self.counts or self.entropy > 0,  # pruning weighs histories by them
            spend=True,
        )
        table = NGramTable.count(train, self.order, None if self.memory is None else self.memory << 20)
        self.vocab_ = train.vocab
        model = METHODS[self.smoothing](table, settings)
        if self.entropy:
            model = prune(model, self.entropy)
        if not self.counts:
            model = replace(model, counts=())
        if self.bits < 64:  # what was stored is the model
            return self.restore(train.vocab, quantise(model) if self.bits == 8 else model.state(np.float32))
        self.backoff_ = model
        return self

    def log_probs(self, batch: Sentences) -> Floats:
        """float64 (N,), nats: the longest n-gram that was seen and the weights of the contexts that did not see it."""
        return self.backoff_.log_probs(batch)

    def next_log_probs(self, prefixes: Sentences) -> Floats:
        """float64 (S, V), nats: one row of additions, and one write for each n-gram seen after the row's contexts."""
        return self.backoff_.next_log_probs(prefixes)

    def strata(self, batch: Sentences) -> Strata:
        """By how many of the order-1 words before a token train has together, <s> counted as one."""
        contexts = [context for _, context in self.backoff_.index.lookup(batch)]
        known = np.max([n * (context >= 0) for n, context in enumerate(contexts)], axis=0)
        return Strata.cut(np.asarray(known, np.int64), tuple(range(1, self.order)), "context")

    def context_counts(self, batch: Sentences) -> npt.NDArray[np.int64] | None:
        """int64 (N,), of the n-grams that the model lists; None where it has no bigrams, or counts were not kept."""
        model = self.backoff_
        if len(model.counts) < 2:
            return None
        return model.index.context_counts(batch, model.counts[1], int(model.counts[0][batch.vocab.bos]))

    def n_params(self) -> int:
        """Stored numbers: a probability for each n-gram and a back-off weight for each but the longest."""
        return self.backoff_.n_params

    def state(self) -> State:
        """What BackOff.state() stores; with bits = 8, what quantise() does."""
        return dict(self.stored_) if self.bits == 8 else self.backoff_.state(f"f{self.bits // 8}")

    def explain(self, batch: Sentences) -> list[Explanation]:
        """Per token, N of them: the n-gram that was found and what was paid to get to it."""
        complete = not (any(self.cutoffs) or self.entropy)
        return explain(self.backoff_, batch, complete=complete, shorter=SHORTER.get(self.smoothing, Counted.TIMES))

    def restore(self, vocab: Vocabulary, state: State) -> Self:
        """The inverse of state()."""
        self.vocab_ = vocab
        if self.bits == 8:
            self.stored_ = dict(state)
            self.backoff_ = restore_quantised(len(vocab), state)
        else:
            self.backoff_ = BackOff.restore(len(vocab), state)
        return self

    def notes(self) -> tuple[str, ...]:
        """What was chosen on valid, and where fixed discounts stand in for estimated ones."""
        return self.backoff_.notes


Model = NGram
