"""One byte a number: a back-off model whose scores are the nearest of 256 values an order, and sum to one.

Rounding alone loses the sums: by a per cent in a context, more where it shifts words of one context the same way. So
what is rounded is taken as shares. A context's listed words have theirs, exp(log_p), and its back-off weight shares
out what it multiplies; divided by their sum they are a distribution again, up to float64. This moves a score by no
more than rounding did, and costs no byte, for the sums follow from what is stored.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from lmbench.ngrams.backoff import BackOff, Floats, State, backed_off, unlisted
from lmbench.ngrams.packing import pack_orders, unpack_orders

VALUES = 256
ROUNDS = 50
"""Of Lloyd's algorithm; it gains next to nothing after some ten."""


def quantise(model: BackOff) -> State:
    """BackOff.state() with one byte for each score, and the values that they stand for.

    The weight of a context without children is not stored: it is 1 in every distribution.
    """
    orders = range(1, model.index.order)
    log_p = [_codes(values) for values in model.log_p]
    log_gamma = [_codes(model.log_gamma[n - 1][model.index.n_children(n + 1) > 0]) for n in orders]
    state = model.facts(deflated=True)
    for name, coded in ("log_p", log_p), ("log_gamma", log_gamma):
        state |= pack_orders(name, (codes for codes, _ in coded), deflated=True)
        state |= pack_orders(f"{name}_values", (values for _, values in coded), deflated=True)
    return state


def restore_quantised(n_events: int, state: Mapping[str, npt.NDArray[np.generic]]) -> BackOff:
    """The model that quantise() stored: the same to the last bit whenever it is restored."""

    def decoded(name: str) -> list[Floats]:
        coded = zip(unpack_orders(name, state), unpack_orders(f"{name}_values", state), strict=True)
        return [np.asarray(values, np.float64)[codes] for codes, values in coded]

    log_gamma = decoded("log_gamma")
    model = BackOff.of_facts(n_events, state, decoded("log_p"), log_gamma)
    weights = []
    for n, values in enumerate(log_gamma, start=1):
        weights.append(np.zeros(model.index.n_contexts(n + 1)))
        weights[-1][model.index.n_children(n + 1) > 0] = values
    return normalised(BackOff(model.index, model.log_p, tuple(weights), model.notes, model.counts))


def normalised(model: BackOff) -> BackOff:
    """Each context's probabilities and weight over their sum, from the lowest order up."""
    index = model.index
    log_p: list[Floats] = []
    log_gamma: list[Floats] = []
    for n, pairs in enumerate(index.suffixes(), start=1):
        context, p = pairs[-1][1], np.exp(model.log_p[n - 1])
        if n == 1:
            total = p[: index.n_events].sum(keepdims=True)
        else:
            others = unlisted(index, n, backed_off(pairs[:-1], log_p, log_gamma))
            total = np.bincount(context, p, len(others)) + np.exp(model.log_gamma[n - 2]) * others
            log_gamma.append(model.log_gamma[n - 2] - np.log(total))
        log_p.append(model.log_p[n - 1] - np.log(total)[context])
    return BackOff(index, tuple(log_p), tuple(log_gamma), model.notes, model.counts)


def _codes(scores: Floats) -> tuple[npt.NDArray[np.uint8], Floats]:
    """Per score the place, uint8 (M,), of its value, and the values, rising, VALUES at most; -inf stays itself.

    The values lessen the sum of squared errors by Lloyd's algorithm (1982, IEEE Trans. Information Theory 28): the
    Kullback-Leibler divergence that rounding brings is half the expected square of its errors.
    """
    rising = np.sort(scores)
    values = rising[np.append(True, rising[1:] != rising[:-1])] if len(rising) else rising
    if len(values) > VALUES:
        impossible = values[:1][np.isneginf(values[:1])]
        values = np.concatenate([impossible, _lloyd(rising[np.isfinite(rising)], VALUES - len(impossible))])
    with np.errstate(invalid="ignore"):
        middle = (values[1:] + values[:-1]) / 2
    return np.searchsorted(middle, scores).astype(np.uint8), values


def _lloyd(rising: Floats, n_values: int) -> Floats:
    """n_values numbers, rising, that M sorted ones, more than n_values of them different, are near to.

    The first ones stand as close as the cube root of the density, which is best for many values (Panter & Dite 1951).
    """
    density, edges = np.histogram(rising, bins=8 * n_values)
    share = np.cumsum(np.cbrt(density))
    values = np.interp((np.arange(n_values) + 0.5) / n_values * share[-1], share, edges[1:])
    sums = np.concatenate([[0.0], np.cumsum(rising)])
    for _ in range(ROUNDS):
        bounds = np.concatenate([[0], np.searchsorted(rising, (values[1:] + values[:-1]) / 2), [len(rising)]])
        many = np.diff(bounds)
        values = np.where(many > 0, np.diff(sums[bounds]) / np.maximum(many, 1), values)
    return np.unique(values)
