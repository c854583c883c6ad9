"""Smoothing methods: a name for each function from counts to a back-off model; those that do not smooth are here.

How a method is written: lmbench.ngrams.recursion.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lmbench.ngrams.backoff import BackOff
from lmbench.ngrams.discounting import (
    absolute_discounting,
    katz,
    kneser_ney,
    kneser_ney_backoff,
    modified_kneser_ney,
)
from lmbench.ngrams.explain import Counted
from lmbench.ngrams.interpolation import add_k, dirichlet, jelinek_mercer, pitman_yor, witten_bell
from lmbench.ngrams.recursion import AlphaGamma, Level, Settings, over, weigh
from lmbench.ngrams.table import NGramTable

STUPID = 0.4


def mle(table: NGramTable, settings: Settings) -> BackOff:
    """Maximum likelihood: p(w | h) = c(h w) / c(h), h being the longest suffix of the context that was seen.

    Nothing is smoothed where the context was seen: what never followed it gets 0.
    """

    def order(level: Level) -> AlphaGamma:
        total = level.sums(level.counts)
        return over(level.counts, total[level.context]), np.where(total > 0, 0.0, 1.0)

    return weigh(table, settings, order)


def stupid_backoff(table: NGramTable, settings: Settings) -> BackOff:
    """Brants et al. 2007, eq. 5: S(w | h) = c(h w) / c(h) where h w was seen, else 0.4 S(w | h'); S(w) = c(w) / N.

    No distribution: after a context the scores sum to more than 1 or less. A context that was never seen passes on S
    whole here and times 0.4 there, which is one factor for all words and changes no rank.
    """

    def order(level: Level) -> AlphaGamma:
        total = level.sums(level.counts)
        score = over(level.counts, total[level.context])
        if level.n == 1:
            return score, np.where(total > 0, 0.0, 1.0)
        return np.where(level.kept, score - STUPID * level.lower, 0), np.where(total > 0, STUPID, 1.0)

    return weigh(table, settings, order)


METHODS: dict[str, Callable[[NGramTable, Settings], BackOff]] = {
    "mle": mle,
    "add_k": add_k,
    "jelinek_mercer": jelinek_mercer,
    "dirichlet": dirichlet,
    "witten_bell": witten_bell,
    "absolute_discounting": absolute_discounting,
    "kneser_ney": kneser_ney,
    "kneser_ney_backoff": kneser_ney_backoff,
    "modified_kneser_ney": modified_kneser_ney,
    "pitman_yor": pitman_yor,
    "katz": katz,
    "stupid_backoff": stupid_backoff,
}

SCORES = frozenset({"stupid_backoff"})
"""Methods whose orders above 1 are no distributions."""

SHORTER: dict[str, Counted] = {
    **dict.fromkeys(("kneser_ney", "kneser_ney_backoff", "modified_kneser_ney", "pitman_yor"), Counted.CONTEXTS),
    "add_k": Counted.NOTHING,
}
"""What methods count of n-grams shorter than the longest; those that are not here count how often they occur."""
