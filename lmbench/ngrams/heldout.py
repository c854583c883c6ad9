"""What a text held out from counting says about how counts should be weighed.

A method that has free numbers at each order says how alpha and gamma of the recursion follow from them and from three
counts, element by element. Then the same function weighs the n-grams and, in `chosen`, the tokens of valid.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lmbench.ngrams.backoff import BackOff
from lmbench.ngrams.recursion import AlphaGamma, Floats, Level, Settings, weigh
from lmbench.ngrams.table import NGramTable
from lmbench.text.sentences import Sentences


@dataclass(frozen=True, eq=False)
class Tally:
    """The counts of one order, float64.

    count: of each n-gram (G,), or of that of each token (N,)
    total: the sum of the counts after each context (n_contexts,), or after that of each token (N,)
    types: the number of different words after it, likewise
    """

    count: Floats
    total: Floats
    types: Floats


Weights = Callable[[Floats, Tally], AlphaGamma]
"""The numbers of an order (P,) and counts of one length -> alpha and gamma, 0 and 1 where total is 0."""


def tally(table: NGramTable, n: int, counts: npt.NDArray[np.number]) -> Tally:
    """The Tally of the n-grams of order n if each was seen counts (G,) times."""
    context, size = table.index.context(n), table.index.n_contexts(n)
    total, types = (np.bincount(context, values, size).astype(np.float64) for values in (counts, counts > 0))
    return Tally(counts.astype(np.float64), total, types)


def evidence(table: NGramTable, tallies: list[Tally], text: Sentences) -> list[Tally]:
    """The same of the N tokens of a text, per order; 0 where an n-gram or a context was never seen."""
    return [
        Tally(np.append(t.count, 0)[gram], np.append(t.total, 0)[context], np.append(t.types, 0)[context])
        for t, (gram, context) in zip(tallies, table.lookup(text), strict=True)
    ]


def chosen(
    table: NGramTable,
    tallies: list[Tally],
    valid: Sentences,
    weights: Weights,
    start: Floats,
    bounds: list[tuple[float, float]],
) -> Floats:
    """float64 (orders, P): the numbers under which the highest order makes valid likeliest, searched all at once.

    start:  float64 (orders, P), or (1, P) where all orders share theirs
    bounds: of each of the P numbers

    The search is L-BFGS-B from start; what valid says nothing about stays there.
    """
    from scipy.optimize import minimize  # type: ignore[import-untyped]

    orders, size = len(tallies), start.shape[1]
    if not valid.n_tokens:
        return np.broadcast_to(start, (orders, size))
    told = evidence(table, tallies, valid)

    def loss(x: Floats) -> float:
        p = np.full(valid.n_tokens, 1 / table.index.n_events)
        for numbers, one in zip(np.broadcast_to(x.reshape(-1, size), (orders, size)), told, strict=True):
            alpha, gamma = weights(numbers, one)
            p = alpha + gamma * p
        return float(-np.log(p).mean())

    found = minimize(loss, start.ravel(), method="L-BFGS-B", bounds=bounds * len(start))
    return np.broadcast_to(found.x.reshape(-1, size), (orders, size))


def weigh_by(
    table: NGramTable, settings: Settings, tallies: list[Tally], weights: Weights, numbers: Floats, *notes: str
) -> BackOff:
    """The model of these numbers, (orders, P)."""

    def order(level: Level) -> AlphaGamma:
        own, t, context = numbers[level.n - 1], tallies[level.n - 1], level.context
        alpha, _ = weights(own, Tally(t.count, t.total[context], t.types[context]))
        _, gamma = weights(own, Tally(np.zeros(len(t.total)), t.total, t.types))
        return alpha, gamma

    return weigh(table, settings, order, notes)
