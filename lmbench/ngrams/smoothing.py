"""Smoothing methods: one function each, from counts to the weights of

    p_n(w | h) = alpha[h w] + gamma[h] * p_{n-1}(w | h without its first word),    p_0 = 1 / V

where alpha is 0 for an n-gram never seen and gamma is 1 for a context never seen. V counts <unk> and </s>, not
<s>. A method is a function NGramTable, Settings -> Weights and a name in METHODS; what does not interpolate
(Katz, stupid back-off) is written in the same form with alpha[h w] = p(w | h) - gamma[h] * p(w | h').

Chen & Goodman is "An empirical study of smoothing techniques for language modeling", Harvard TR-10-98, 1998.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lmbench.errors import BadDiscounts
from lmbench.ngrams.table import NGramTable
from lmbench.text.sentences import Sentences

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
AlphaGamma = tuple[Floats, Floats]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a method may use beside the counts; each takes what it needs.

    valid:    text for choices a method makes by likelihood
    k:        what add_k adds
    fallback: whether fixed discounts may stand in where none can be estimated; BadDiscounts if not
    """

    valid: Sentences
    k: float = 1.0
    fallback: bool = True


@dataclass(frozen=True, eq=False)
class Weights:
    """Per order, alpha float64 (G,) by n-gram and gamma float64 (n_contexts,) by context, and what to tell a reader."""

    alpha: tuple[Floats, ...]
    gamma: tuple[Floats, ...]
    notes: tuple[str, ...] = ()


def mle(table: NGramTable, settings: Settings) -> Weights:
    """Maximum likelihood: p(w | h) = c(h w) / c(h), h being the longest suffix of the context that was seen.

    Nothing is smoothed where the context was seen: what never followed it gets 0.
    """
    del settings

    def order(n: int) -> AlphaGamma:
        counts, context = table.orders[n - 1].counts, table.orders[n - 1].context
        total = np.bincount(context, counts, table.index.n_contexts(n))
        return _over(counts, total[context]), np.where(total > 0, 0.0, 1.0)

    return _weights(table, order)


def add_k(table: NGramTable, settings: Settings) -> Weights:
    """Lidstone, Laplace at k = 1: p(w | h) = (c(h w) + k) / (c(h) + k V); Chen & Goodman 1998, section 2.1.

    Lower orders play no part: an unseen context gives 1 / V. h is the n-1 words before w, or all of the row
    with its <s> where that is less.
    """
    k, n_events = settings.k, table.index.n_events

    def order(n: int) -> AlphaGamma:
        counts, context = table.orders[n - 1].counts, table.orders[n - 1].context
        total = np.bincount(context, counts, table.index.n_contexts(n))
        whole = np.ones(len(total), bool) if n == table.order else _begins_with_bos(table, n)
        alpha = _over(counts, total[context] + k * n_events)
        gamma = k * n_events / (total + k * n_events)
        # A context that is only part of the history passes 1 / V on untouched.
        return np.where(whole[context], alpha, 0.0), np.where(whole, gamma, 1.0)

    return _weights(table, order)


def witten_bell(table: NGramTable, settings: Settings) -> Weights:
    """Witten & Bell 1991, interpolated as in Chen & Goodman 1998, section 2.6: gamma(h) = T(h) / (T(h) + c(h)).

    T(h) is the number of different words seen after h.
    """
    del settings

    def order(n: int) -> AlphaGamma:
        counts, context = table.orders[n - 1].counts, table.orders[n - 1].context
        total = np.bincount(context, counts, table.index.n_contexts(n))
        types = np.bincount(context, counts > 0, table.index.n_contexts(n))
        return _over(counts, (total + types)[context]), np.where(total > 0, _over(types, total + types), 1.0)

    return _weights(table, order)


def kneser_ney(table: NGramTable, settings: Settings) -> Weights:
    """Kneser & Ney 1995, interpolated, Chen & Goodman 1998, section 2.7: one discount D = n1 / (n1 + 2 n2) an order.

    n1, n2 are the numbers of n-grams of adjusted count 1 and 2. Where one of them is 0, D = 0.75.
    """
    notes: list[str] = []

    def order(n: int) -> AlphaGamma:
        adjusted = table.orders[n - 1].adjusted
        n1, n2 = np.bincount(np.minimum(adjusted, 3), minlength=4)[1:3].tolist()
        discounts = [n1 / (n1 + 2 * n2)] if n1 and n2 else []
        if not discounts:
            discounts = _fall_back(KN_FALLBACK, n, (n1, n2), settings, notes)
        return _discounted(table, n, adjusted, np.array([0.0, *discounts]))

    return _weights(table, order, notes)


def modified_kneser_ney(table: NGramTable, settings: Settings) -> Weights:
    """Chen & Goodman 1998, section 3: discounts D1, D2, D3+ an order from counts of counts, eq. 26; as KenLM's lmplz.

    D_j = j - (j + 1) Y n_{j+1} / n_j with Y = n1 / (n1 + 2 n2), over adjusted counts. Where a D_j cannot be
    estimated or leaves [0, j], all of that order are 0.5, 1, 1.5, the defaults of lmplz --discount_fallback.

    lmplz keeps statistics as it streams n-grams in suffix order, and adds the very last one of each order but the
    highest with its count where all others have their adjusted count (the loop that ends AdjustCounts::Run).
    One n-gram of thousands moves; it is done here too, so that the discounts are the same numbers: on the Penn
    Treebank n4 of the unigrams is 656, and 657 without it.
    """
    notes: list[str] = []

    def order(n: int) -> AlphaGamma:
        adjusted = table.orders[n - 1].adjusted
        collected = np.bincount(np.minimum(adjusted, 5), minlength=6)
        if n < table.order and table.last[n - 1] >= 0:
            last = table.last[n - 1]
            collected[min(adjusted[last], 5)] -= 1
            collected[min(table.orders[n - 1].counts[last], 5)] += 1
        n1, n2, n3, n4 = collected[1:5].tolist()
        discounts: list[float] = []
        if n1 and n2 and n3:
            y = n1 / (n1 + 2 * n2)
            discounts = [1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3]
        if not discounts or any(not 0 <= d <= j for j, d in enumerate(discounts, start=1)):
            discounts = _fall_back(MODIFIED_KN_FALLBACK, n, (n1, n2, n3, n4), settings, notes)
        return _discounted(table, n, adjusted, np.array([0.0, *discounts]))

    return _weights(table, order, notes)


METHODS: dict[str, Callable[[NGramTable, Settings], Weights]] = {
    "mle": mle,
    "add_k": add_k,
    "witten_bell": witten_bell,
    "kneser_ney": kneser_ney,
    "modified_kneser_ney": modified_kneser_ney,
}

KN_FALLBACK = [0.75]
MODIFIED_KN_FALLBACK = [0.5, 1.0, 1.5]


def _weights(table: NGramTable, order: Callable[[int], AlphaGamma], notes: list[str] | None = None) -> Weights:
    """Weights of all orders from a function of one."""
    alphas, gammas = zip(*map(order, range(1, table.order + 1)), strict=True)
    return Weights(alphas, gammas, tuple(notes or ()))


def _discounted(table: NGramTable, n: int, counts: Ints, discounts: Floats) -> AlphaGamma:
    """Interpolated discounting: alpha = (c - D(c)) / sum c, gamma = sum D(c) / sum c, sums over the words after h.

    discounts[c] is D(c); the last of them is also that of every higher count.
    """
    context, n_contexts = table.orders[n - 1].context, table.index.n_contexts(n)
    discount = discounts[np.minimum(counts, len(discounts) - 1)]
    total = np.bincount(context, counts, n_contexts)
    freed = np.bincount(context, discount, n_contexts)
    return _over(counts - discount, total[context]), np.where(total > 0, _over(freed, total), 1.0)


def _fall_back(
    instead: list[float], n: int, counts_of_counts: tuple[int, ...], settings: Settings, notes: list[str]
) -> list[float]:
    """The fixed discounts, with a note; BadDiscounts where settings forbid them."""
    fact = (
        f"the discounts of order {n} cannot be estimated: its numbers of n-grams seen 1, 2, ... times, "
        f"{counts_of_counts}, do not fall off as text's do"
    )
    if not settings.fallback:
        raise BadDiscounts(
            f"{fact}, as in very small, repetitive or artificial corpora, and at order 1; "
            "try smoothing = 'witten_bell', or fallback = true for fixed discounts"
        )
    notes.append(f"{fact}; fixed discounts {', '.join(f'{d:g}' for d in instead)} were used")
    return list(instead)


def _begins_with_bos(table: NGramTable, n: int) -> npt.NDArray[np.bool_]:
    """bool (n_contexts,): which contexts of n-grams begin with <s>, and so are all of their row."""
    return np.zeros(1, bool) if n == 1 else table.orders[n - 2].at_bos


def _over(a: npt.ArrayLike, b: npt.ArrayLike) -> Floats:
    """a / b, and 0 where b is 0."""
    below = np.asarray(b, np.float64)
    quotient: Floats = np.divide(a, below, out=np.zeros(below.shape), where=below > 0)
    return quotient
