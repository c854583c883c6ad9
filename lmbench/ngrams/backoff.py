"""A back-off model: a probability for each n-gram that is listed, a weight for each context that is.

    ln p(w | h) = log_p[h w]                          where the n-gram h w is listed
                = log_gamma[h] + ln p(w | h')         where it is not; h' is h without its first word

and the weight is 1 where h is not listed. Every smoothing method of lmbench.ngrams.smoothing comes to this form, and so
does every ARPA file: interpolated or not, pruned or not. An n-gram's context must be listed; its suffix need not be.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lmbench.compiled import loops
from lmbench.ngrams.index import NGramIndex
from lmbench.ngrams.packing import pack_orders, unpack_orders
from lmbench.ngrams.sorting import narrow
from lmbench.text.sentences import Sentences

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Whole = npt.NDArray[np.integer]
State = dict[str, npt.NDArray[np.generic]]


@dataclass(frozen=True, eq=False)
class BackOff:
    """Scores, in nats.

    index:     the n-grams listed
    log_p:     per order, float64 (G,): ln p of each n-gram's last word after its first ones; -inf is impossible.
               That of <s> at order 1 is never read
    log_gamma: per order but the highest, float64 (G,): ln of the weight with which each n-gram, as a context, passes on
               to its suffix
    notes:     what a reader must know: discounts that could not be estimated
    counts:    per order, (G,): how often each n-gram occurs in train, <s> once a row; () where that is not known
    """

    index: NGramIndex
    log_p: tuple[Floats, ...]
    log_gamma: tuple[Floats, ...]
    notes: tuple[str, ...] = ()
    counts: tuple[Whole, ...] = ()

    def log_probs(self, batch: Sentences) -> Floats:
        """float64 (N,): ln p of each token, the longest n-gram that ends at it first."""
        scores = self.log_p[0][batch.tokens]
        if compiled := loops(batch.n_tokens):
            at, context, is_start = np.arange(batch.n_tokens), batch.previous.astype(np.int64), batch.is_start
            for n in range(2, self.index.order + 1):
                listed = self.index.slots(n, compiled), self.index.keys[n - 1], self.log_p[n - 1], self.log_gamma[n - 2]
                at, context = compiled.score_order(
                    scores, at, context, batch.tokens, is_start, *listed, self.index.n_events + 1
                )
            return np.minimum(scores, 0.0, out=scores)
        for n, step in enumerate(self.index.steps(batch), start=2):
            scores[step.at] += self.log_gamma[n - 2][step.context]
            found = step.gram >= 0
            scores[step.at[found]] = self.log_p[n - 1][step.gram[found]]
        return np.minimum(scores, 0.0, out=scores)

    def next_log_probs(self, prefixes: Sentences) -> Floats:
        """float64 (S, V): ln p of every event after each row.

        A cell is written once for each order in which its n-gram is listed: its log_p, and the weights of the
        contexts longer than its own, which did not list it.
        """
        n_events = self.index.n_events
        contexts = self.index.contexts(prefixes)
        passed_on = [np.zeros(len(prefixes))]  # by contexts longer than those of order n, n = highest, ..., 1
        for gamma, context in zip(self.log_gamma[::-1], contexts[:0:-1], strict=True):
            weight = gamma[context] if len(gamma) else np.zeros(len(context))
            passed_on.append(passed_on[-1] + np.where(context < 0, 0.0, weight))
        table: Floats = passed_on.pop()[:, None] + self.log_p[0][:n_events]
        for n, context in enumerate(contexts[1:], start=2):
            longer = passed_on.pop()
            row, gram = self.index.children(n, context)
            word = self.index.keys[n - 1][gram] % (n_events + 1)
            table[row, word] = self.log_p[n - 1][gram] + longer[row]
        return np.minimum(table, 0.0, out=table)

    @property
    def n_params(self) -> int:
        """A probability for each n-gram and a weight for each context."""
        return sum(map(len, (*self.log_p, *self.log_gamma)))

    def up_to(self, order: int) -> BackOff:
        """The same scores without n-grams longer than that: what is said from the order - 1 words before a token."""
        index = NGramIndex(self.index.n_events, self.index.keys[:order])
        return BackOff(index, self.log_p[:order], self.log_gamma[: order - 1], self.notes, self.counts[:order])

    def state(self, dtype: npt.DTypeLike = np.float64) -> State:
        """Arrays to be saved: the n-grams as a trie, and by order log_p and log_gamma as dtype, and counts if known."""
        log_p, log_gamma = (
            [values.astype(dtype, copy=False) for values in part] for part in (self.log_p, self.log_gamma)
        )
        return {**self.facts(), **pack_orders("log_p", log_p), **pack_orders("log_gamma", log_gamma)}

    def facts(self, *, deflated: bool = False) -> State:
        """What state() has beside the scores."""
        notes = np.frombuffer("\n".join(self.notes).encode(), np.uint8)
        counts = pack_orders("counts", self.counts, deflated=deflated)
        return {"notes": notes, **self.index.state(deflated=deflated), **counts}

    @classmethod
    def restore(cls, n_events: int, state: Mapping[str, npt.NDArray[np.generic]]) -> BackOff:
        """The inverse of state()."""
        return cls.of_facts(n_events, state, unpack_orders("log_p", state), unpack_orders("log_gamma", state))

    @classmethod
    def of_facts(
        cls,
        n_events: int,
        facts: Mapping[str, npt.NDArray[np.generic]],
        log_p: Iterable[npt.NDArray[np.generic]],
        log_gamma: Iterable[npt.NDArray[np.generic]],
    ) -> BackOff:
        """The inverse of facts(), with these scores."""
        return cls(
            NGramIndex.restore(n_events, facts),
            tuple(np.asarray(values, np.float64) for values in log_p),
            tuple(np.asarray(values, np.float64) for values in log_gamma),
            tuple(bytes(np.asarray(facts["notes"], np.uint8)).decode().splitlines()),
            tuple(values.astype(narrow(int(values.max(initial=0)))) for values in unpack_orders("counts", facts)),
        )


def backed_off(pairs: Iterable[tuple[Ints, Ints]], log_p: Sequence[Floats], log_gamma: Sequence[Floats]) -> Floats:
    """float64 (G,): ln p of G words; pairs says what is listed of each: (n-gram, context) by order, as from lookup.

    Only scores of these orders are read: those above may be yet to come.
    """
    scores: Floats = np.zeros(1)
    for n, (gram, context) in enumerate(pairs):
        if n:
            scores = scores + np.where(context < 0, 0.0, log_gamma[n - 1][context])
        scores = np.where(gram < 0, scores, log_p[n][gram])
    return scores


def unlisted(index: NGramIndex, n: int, lower: Floats) -> Floats:
    """float64 (n_contexts,): what is left of one beside the words listed after each context, by lower, their ln p.

    1 after a context that lists nothing. What rounding makes negative is 0.
    """
    listed = np.bincount(index.context(n), np.exp(lower), index.n_contexts(n))
    return np.asarray(np.maximum(1 - listed, 0), np.float64)


def log(p: npt.ArrayLike) -> Floats:
    """ln p, -inf for 0, in silence."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(p), np.float64)
