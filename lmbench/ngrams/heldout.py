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

GRID = 7
"""Values of a number that are tried between its bounds, both of them included: powers of 100 from 1e-4 to 1e8."""
GAIN = 1e-10
"""Nats per token that are no gain: less is left to rounding, and what valid says nothing about is not moved."""


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


@dataclass(frozen=True)
class Weights:
    """How the P numbers of an order and counts of one length L weigh the recursion, and how fast that changes.

    alpha_gamma: numbers (P,), Tally -> alpha and gamma (L,), 0 and 1 where total is 0
    slopes:      numbers (P,), Tally -> their derivatives by each number, two arrays (P, L)
    """

    alpha_gamma: Callable[[Floats, Tally], AlphaGamma]
    slopes: Callable[[Floats, Tally], AlphaGamma]


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

    start:  float64 (orders, P), or (1, P) where all orders share theirs; what valid says nothing about stays there
    bounds: of each of the P numbers
    """
    orders, size = len(tallies), start.shape[1]
    if not valid.n_tokens:
        return np.broadcast_to(start, (orders, size))
    told = evidence(table, tallies, valid)

    def forwards(x: Floats) -> list[Floats]:
        """p of each order, from 1 / V up, (N,)."""
        p = [np.full(valid.n_tokens, 1 / table.index.n_events)]
        for own, one in zip(np.broadcast_to(x.reshape(-1, size), (orders, size)), told, strict=True):
            alpha, gamma = weights.alpha_gamma(own, one)
            p.append(alpha + gamma * p[-1])
        return p

    def slopes(x: Floats) -> Floats:
        """The gradient of loss: what the highest p owes to each order's, times how that order's numbers move it."""
        numbers, p = np.broadcast_to(x.reshape(-1, size), (orders, size)), forwards(x)
        gradient, reach = np.empty((orders, size)), -1 / (p[-1] * valid.n_tokens)
        for n in reversed(range(orders)):
            by_alpha, by_gamma = weights.slopes(numbers[n], told[n])
            gradient[n] = (by_alpha + by_gamma * p[n]) @ reach
            reach = reach * weights.alpha_gamma(numbers[n], told[n])[1]
        return gradient.sum(axis=0) if len(start) < orders else gradient.ravel()

    def loss(x: Floats) -> float:
        return float(-np.log(forwards(x)[-1]).mean())

    found = likeliest(loss, slopes, start.ravel(), bounds * len(start))
    return np.broadcast_to(found.reshape(-1, size), (orders, size))


def likeliest(
    loss: Callable[[Floats], float],
    slopes: Callable[[Floats], Floats],
    start: Floats,
    bounds: list[tuple[float, float]],
) -> Floats:
    """float64 (P,): where loss is least within bounds; along each axis no point of a coarse grid is better.

    loss:   numbers (P,) -> nats per token
    slopes: numbers (P,) -> its gradient (P,)

    A loss of this kind is flat far from what is best, and there a descent alone stalls: a prior as weak as 10 words
    has no slope where a million words were counted. So the grid of each number is tried first, then L-BFGS-B goes
    down, and both are repeated while the grid finds something better.
    """
    from scipy.optimize import minimize  # type: ignore[import-untyped]

    best, at, descended = loss(start), start, False
    while True:
        before = best
        for i, (low, high) in enumerate(bounds):
            for value in np.linspace(low, high, GRID):
                tried = at.copy()
                tried[i] = value
                if (nats := loss(tried)) < best - GAIN:
                    best, at = nats, tried
        if descended and best == before:
            return at
        found = minimize(loss, at, jac=slopes, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-12, "gtol": 1e-8})
        descended = True
        if found.fun < best - GAIN:
            best, at = float(found.fun), found.x


def weigh_by(
    table: NGramTable, settings: Settings, tallies: list[Tally], weights: Weights, numbers: Floats, *notes: str
) -> BackOff:
    """The model of these numbers, (orders, P)."""

    def order(level: Level) -> AlphaGamma:
        own, t, context = numbers[level.n - 1], tallies[level.n - 1], level.context
        alpha, _ = weights.alpha_gamma(own, Tally(t.count, t.total[context], t.types[context]))
        _, gamma = weights.alpha_gamma(own, Tally(np.zeros(len(t.total)), t.total, t.types))
        return alpha, gamma

    return weigh(table, settings, order, notes)
