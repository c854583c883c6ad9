"""A back-off model: a probability for each n-gram that is listed, a weight for each context that is.

    ln p(w | h) = log_p[h w]                          where the n-gram h w is listed
                = log_gamma[h] + ln p(w | h')         where it is not; h' is h without its first word

and the weight is 1 where h is not listed. Every smoothing method of lmbench.ngrams.smoothing comes to this form, and so
does every ARPA file: interpolated or not, pruned or not. An n-gram's context must be listed; its suffix need not be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lmbench.ngrams.index import NGramIndex
from lmbench.ngrams.packing import pack, unpack
from lmbench.text.sentences import Sentences

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class BackOff:
    """Scores, in nats.

    index:     the n-grams listed
    log_p:     per order, float64 (G,): ln p of each n-gram's last word after its first ones; -inf is impossible.
               That of <s> at order 1 is never read
    log_gamma: per order but the highest, float64 (G,): ln of the weight with which each n-gram, as a context, passes on
               to its suffix
    notes:     what a reader must know: discounts that could not be estimated
    """

    index: NGramIndex
    log_p: tuple[Floats, ...]
    log_gamma: tuple[Floats, ...]
    notes: tuple[str, ...] = ()

    def log_probs(self, batch: Sentences) -> Floats:
        """float64 (N,): ln p of each token, the longest n-gram that ends at it first."""
        scores = self.log_p[0][batch.tokens]
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

    def state(self) -> dict[str, npt.NDArray[np.generic]]:
        """Arrays to be saved: by order log_p and log_gamma, and the n-grams as a trie.

        words_n, children_n: the last word of each n-gram, and how many n-grams continue each (n-1)-gram, from which the
        keys follow. In the fewest bytes, they take 2 to 4 for an n-gram where a key takes 8.
        """
        arrays: dict[str, npt.NDArray[np.generic]] = {"notes": np.frombuffer("\n".join(self.notes).encode(), np.uint8)}
        for n in range(1, self.index.order + 1):
            arrays[f"log_p_{n}"] = self.log_p[n - 1]
            if n > 1:
                arrays[f"log_gamma_{n - 1}"] = self.log_gamma[n - 2]
                arrays[f"words_{n}"] = pack(self.index.word(n))
                arrays[f"children_{n}"] = pack(np.bincount(self.index.context(n), minlength=self.index.n_contexts(n)))
        return arrays

    @classmethod
    def restore(cls, n_events: int, state: Mapping[str, npt.NDArray[np.generic]]) -> BackOff:
        """The inverse of state()."""
        order = sum(name.startswith("log_p_") for name in state)
        keys = [np.arange(n_events + 1)]
        for n in range(2, order + 1):
            children, words = unpack(state[f"children_{n}"]), unpack(state[f"words_{n}"])
            keys.append(np.repeat(np.arange(len(children)), children) * (n_events + 1) + words)

        def by_order(name: str, orders: int) -> tuple[Floats, ...]:
            return tuple(np.asarray(state[f"{name}_{n}"], np.float64) for n in range(1, orders + 1))

        notes = bytes(np.asarray(state["notes"], np.uint8)).decode()
        return cls(
            NGramIndex(n_events, tuple(keys)),
            by_order("log_p", order),
            by_order("log_gamma", order - 1),
            tuple(notes.splitlines()),
        )


def log(p: npt.ArrayLike) -> Floats:
    """ln p, -inf for 0, in silence."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(p), np.float64)
