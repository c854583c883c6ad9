"""A bigram that asks words with similar continuations about a pair it never saw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix  # type: ignore[import-untyped]

from lmbench.fields import Between
from lmbench.model import Floats, LanguageModel, State
from lmbench.ngrams.heldout import likeliest
from lmbench.ngrams.index import NGramIndex
from lmbench.ngrams.neighbours import nearest
from lmbench.ngrams.table import NGramTable
from lmbench.ngrams.unigram import unigram
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from typing_extensions import Self

Ints = npt.NDArray[np.int64]

NEIGHBOURS = (20, 60, 200)
"""Numbers of neighbours that are tried on valid."""
BETAS = (2.0, 4.0, 8.0, 16.0)
"""What is tried of beta first; the search goes on in powers of 2 while the best is the first or the last of them."""
FARTHEST = 2.0**10
"""No beta above it is tried, nor one below its inverse: the weights of neighbours are then as good as one, or equal."""
GAMMA, LEAST = 0.5, 1e-3
"""gamma where valid does not say, and the least one that is tried: nothing may be impossible."""
ROWS = 512  # contexts whose V probabilities are held at a time


@dataclass(kw_only=True)
class Similarity(LanguageModel):
    """Similarity-smoothed bigram of Dagan, Lee & Pereira 1999 (Machine Learning 34), sections 2 and 4.

        p(w | v) = P_d(w | v)                                          if v w was seen
                   alpha(v) * (gamma P(w) + (1 - gamma) P_SIM(w | v))  if not

    P_SIM is the mean of the maximum likelihood P(w | v') over the v' whose continuations are most like those of
    v, weighted by 10 ** (-beta * J(v, v')), J the Jensen-Shannon divergence in nats. v ranges over <s> as well.

    neighbours: how many v' at most; those that share no continuation with v are none
    beta:       how fast the weight falls with the divergence
    gamma:      the share of the plain unigram P

    A field that is None is chosen by the likelihood of valid's unseen pairs: 20, 60 or 200 neighbours, beta among
    the powers of 2, gamma from 0.001 to 1. P_d is by absolute discounting,
    D = n1 / (n1 + 2 n2), where the paper has Good-Turing: one closed formula that leaves something of every
    seen count on any corpus, while Good-Turing needs counts of counts that small corpora do not have. P is
    interpolated with 1 / V by Witten & Bell's weight, so that nothing is impossible.
    """

    neighbours: Annotated[int, Between(1, 10**6)] | None = None
    beta: Annotated[float, Between(0, 10**6)] | None = None
    gamma: Annotated[float, Between(0, 1, above=True)] | None = None

    family: ClassVar[str] = "ngram"

    def fit(self, train: Sentences, valid: Sentences) -> Self:
        """Count pairs, find each context's neighbours, choose on valid what is left open, set alpha."""
        self.vocab_ = train.vocab
        table = NGramTable.count(train, 2)
        self.index_ = table.index
        bigrams, context = table.orders[1], self.index_.context(2)
        n_events = len(train.vocab)

        self.unigram_ = unigram(train)

        total = np.bincount(context, bigrams.counts, n_events + 1)
        types_after = np.bincount(context, minlength=n_events + 1)
        # After a context seen with every event nothing is unseen, and what a discount frees would be lost.
        discount = np.where(types_after < n_events, _discount(bigrams.counts), 0.0)
        freed = np.where(total > 0, discount * types_after / np.maximum(total, 1), 1.0)
        self.discounted_ = (bigrams.counts - discount[context]) / total[context]
        self.followers_ = self._sparse(bigrams.counts / total[context])

        near, divergence = nearest(self.followers_, self.neighbours or max(NEIGHBOURS))
        k, beta, gamma = self._choose(valid, near, divergence)
        self.near_, self.weights_ = near[:, :k].copy(), _weigh(divergence[:, :k], beta)
        self.share_ = np.where(self.weights_.any(axis=1), gamma, 1.0)
        self.chosen_ = np.array([k, beta, gamma])
        nothing = np.empty(0, np.int64)
        _, left = self._similar_to(np.arange(n_events + 1), nothing, nothing, self.near_, self.weights_)
        left = self.share_ * self._unigram_left() + (1 - self.share_) * left
        self.alpha_ = np.divide(freed, left, out=np.zeros(len(freed)), where=freed > 0)
        return self

    def _choose(self, valid: Sentences, near: Ints, divergence: Floats) -> tuple[int, float, float]:
        """(neighbours, beta, gamma) under which valid's unseen pairs are likeliest; the fields that are set stay."""
        ks = NEIGHBOURS if self.neighbours is None else (self.neighbours,)
        betas = BETAS if self.beta is None else (self.beta,)
        gram, context = self.index_.lookup(valid)[1]
        context, word = context[gram < 0], valid.tokens[gram < 0]
        contexts, row = np.unique(context, return_inverse=True)
        unigram_left = self._unigram_left()[context]
        if not len(context) or None not in (self.neighbours, self.beta, self.gamma):
            return ks[len(ks) // 2], betas[len(betas) // 2], GAMMA if self.gamma is None else self.gamma

        def of(k: int, beta: float) -> tuple[float, float]:
            """Nats that unseen pairs cost, and the gamma under which they do; what is freed is the same for all."""
            weights = _weigh(divergence[:, :k], beta)
            similar, left = self._similar_to(contexts, row, word, near[:, :k], weights)
            alone = ~weights[context].any(axis=1)

            def parts(x: Floats) -> tuple[Floats, Floats]:
                share = np.where(alone, 1.0, x)
                return share * self.unigram_[word] + (1 - share) * similar, share * unigram_left + (1 - share) * left[
                    row
                ]

            def loss(x: Floats) -> float:
                p, whole = parts(x)
                return float(-np.log(p / whole).mean())

            def slopes(x: Floats) -> Floats:
                p, whole = parts(x)
                by_share = (self.unigram_[word] - similar) / p - (unigram_left - left[row]) / whole
                return np.array([-np.where(alone, 0.0, by_share).mean()])

            x = np.array([GAMMA if self.gamma is None else self.gamma])
            if self.gamma is None:
                x = likeliest(loss, slopes, x, [(LEAST, 1.0)])
            return loss(x), float(x[0])

        tried = {(k, beta): of(k, beta) for k, beta in product(ks, betas)}
        while True:
            k, beta = min(tried, key=lambda pair: tried[pair][0])
            beyond = [] if self.beta is not None else [b for b in (beta / 2, beta * 2) if (k, b) not in tried]
            beyond = [b for b in beyond if 1 / FARTHEST <= b <= FARTHEST]
            if not beyond:
                return k, beta, tried[k, beta][1]
            tried |= {(k, b): of(k, b) for b in beyond}

    def _similar_to(
        self, contexts: Ints, row: Ints, word: npt.NDArray[np.integer], near: Ints, weights: Floats
    ) -> tuple[Floats, Floats]:
        """P_SIM(word | contexts[row]) for each of (row, word), and per context what P_SIM gives to all unseen words."""
        similar, left = np.empty(len(row)), np.empty(len(contexts))
        by_row = np.argsort(row, kind="stable")
        for block in _blocks(len(contexts)):
            table = self._mean(near[contexts[block]], weights[contexts[block]])
            here = by_row[slice(*np.searchsorted(row[by_row], (block.start, block.stop)))]
            similar[here] = table[row[here] - block.start, word[here]]
            place, gram = self.index_.children(2, contexts[block])
            table[place, self._word(gram)] = 0
            left[block] = table.sum(axis=1)
        return similar, left

    def _mean(self, near: Ints, weights: Floats) -> Floats:
        """float64 (C, V): the mean of the neighbours' P(. | v'), all 0 where there are none."""
        used = weights > 0
        begin = np.concatenate([[0], np.cumsum(used.sum(axis=1))])
        averaged = csr_matrix((weights[used], near[used], begin), (len(near), len(self.vocab_) + 1))
        table: Floats = (averaged @ self.followers_).toarray()
        return table

    def _unigram_left(self) -> Floats:
        """float64 (V+1,): what P gives to all words unseen after each context."""
        keys, base = self.index_.keys[1], len(self.vocab_) + 1
        return 1.0 - np.bincount(keys // base, self.unigram_[keys % base], base).astype(np.float64)

    def _word(self, gram: Ints) -> Ints:
        """int64: the last words of pairs."""
        return self.index_.keys[1][gram] % (len(self.vocab_) + 1)

    def _sparse(self, values: Floats) -> csr_matrix:
        """(V+1, V): one value for each seen pair, contexts in rows."""
        keys, n_events = self.index_.keys[1], len(self.vocab_)
        begin = np.searchsorted(keys, np.arange(n_events + 2) * (n_events + 1))
        return csr_matrix((values, keys % (n_events + 1), begin), (n_events + 1, n_events))

    def log_probs(self, batch: Sentences) -> Floats:
        """float64 (N,), nats: only the token before counts, <s> at the start of a row."""
        gram, context = self.index_.lookup(batch)[1]
        seen = gram >= 0
        context, word = context[~seen], batch.tokens[~seen]
        contexts, row = np.unique(context, return_inverse=True)
        similar, _ = self._similar_to(contexts, row, word, self.near_, self.weights_)
        share = self.share_[context]
        p = np.empty(batch.n_tokens)
        p[seen] = self.discounted_[gram[seen]]
        p[~seen] = self.alpha_[context] * (share * self.unigram_[word] + (1 - share) * similar)
        logs: Floats = np.log(np.minimum(p, 1.0))
        return logs

    def next_log_probs(self, prefixes: Sentences) -> Floats:
        """float64 (S, V), nats."""
        contexts, row = np.unique(prefixes.last.astype(np.int64), return_inverse=True)
        table = np.empty((len(contexts), len(self.vocab_)))
        for block in _blocks(len(contexts)):
            asked = contexts[block]
            share = self.share_[asked, None]
            p = share * self.unigram_ + (1 - share) * self._mean(self.near_[asked], self.weights_[asked])
            p *= self.alpha_[asked, None]
            place, gram = self.index_.children(2, asked)
            p[place, self._word(gram)] = self.discounted_[gram]
            table[block] = np.log(np.minimum(p, 1.0))
        return table[row]

    def n_params(self) -> int:
        """Stored numbers: two probabilities a pair, P, alpha and share a context, and the neighbours' weights."""
        return (
            2 * len(self.discounted_)
            + len(self.unigram_)
            + len(self.alpha_)
            + len(self.share_)
            + int(np.count_nonzero(self.weights_))
        )

    def state(self) -> State:
        """Seen pairs, their probabilities, and the neighbours of each context."""
        return {
            "pairs": self.index_.keys[1],
            "relative": self.followers_.data,
            "discounted": self.discounted_,
            "unigram": self.unigram_,
            "near": self.near_,
            "weights": self.weights_,
            "share": self.share_,
            "alpha": self.alpha_,
            "chosen": self.chosen_,
        }

    def restore(self, vocab: Vocabulary, state: State) -> Self:
        """The inverse of state()."""
        self.vocab_ = vocab
        self.index_ = NGramIndex(len(vocab), (np.arange(len(vocab) + 1), np.asarray(state["pairs"])))
        self.followers_ = self._sparse(np.asarray(state["relative"]))
        self.discounted_, self.unigram_ = np.asarray(state["discounted"]), np.asarray(state["unigram"])
        self.near_, self.weights_ = np.asarray(state["near"]), np.asarray(state["weights"])
        self.share_, self.alpha_ = np.asarray(state["share"]), np.asarray(state["alpha"])
        self.chosen_ = np.asarray(state["chosen"])
        return self

    def notes(self) -> tuple[str, ...]:
        """What was chosen on valid."""
        if None not in (self.neighbours, self.beta, self.gamma):
            return ()
        k, beta, gamma = self.chosen_
        return (f"{k:.0f} neighbours, beta = {beta:g}, gamma = {gamma:.3g}: those left open were chosen on valid",)


def _discount(counts: Ints) -> float:
    """D = n1 / (n1 + 2 n2) of Ney, Essen & Kneser 1994; 0.75 where one of them is 0."""
    n1, n2 = int(np.count_nonzero(counts == 1)), int(np.count_nonzero(counts == 2))
    return n1 / (n1 + 2 * n2) if n1 and n2 else 0.75


def _weigh(divergence: Floats, beta: float) -> Floats:
    """float64 (R, K): 10 ** (-beta J), each row divided by its sum; all 0 in a row without neighbours."""
    there = np.isfinite(divergence)
    # Beyond the nearest, which comes first, so that no beta makes every weight of a row underflow.
    beyond = np.where(there, divergence, 0) - np.where(there[:, :1], divergence[:, :1], 0)
    weights = there * 10 ** (-beta * beyond)
    total = weights.sum(axis=1, keepdims=True)
    shares: Floats = np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)
    return shares


def _blocks(n: int) -> Iterator[slice]:
    """0 .. n in slices of ROWS."""
    return (slice(start, min(start + ROWS, n)) for start in range(0, n, ROWS))


Model = Similarity
