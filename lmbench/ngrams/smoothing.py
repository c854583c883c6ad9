"""Smoothing methods: one function each, from counts to the weights of

    p_n(w | h) = alpha[h w] + gamma[h] * p_{n-1}(w | h without its first word),    p_0 = 1 / V

where alpha is 0 for an n-gram never seen and gamma is 1 for a context never seen. V counts <unk> and </s>, not
<s>. A method is a function NGramTable, Settings -> BackOff and a name in METHODS. It says how the alphas of an order
and the gammas of its contexts come from counts; `_weigh` runs that from order 1 upwards, cuts off rare n-grams and
gives the back-off form in which all n-gram models are stored and scored. What does not interpolate (Katz, stupid
back-off) is written in the same form with alpha[h w] = p(w | h) - gamma[h] * p(w | h').

Chen & Goodman is "An empirical study of smoothing techniques for language modeling", Harvard TR-10-98, 1998.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lmbench.errors import BadDiscounts
from lmbench.ngrams.backoff import BackOff, log
from lmbench.ngrams.table import NGramTable, Whole
from lmbench.text.sentences import Sentences

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
AlphaGamma = tuple[Floats, Floats]
Order = Callable[[int, Ints, Floats], AlphaGamma]
"""n, context of each n-gram (G,), p_{n-1} of its last word after its suffix (G,) -> alpha (G,), gamma (n_contexts,)."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a method may use beside the counts; each takes what it needs.

    valid:    text for choices a method makes by likelihood
    k:        what add_k adds
    fallback: whether fixed discounts may stand in where none can be estimated; BadDiscounts if not
    cutoffs:  n-grams of order n seen cutoffs[n-1] times or less are left out; the last is also that of higher orders
    """

    valid: Sentences
    k: float = 1.0
    fallback: bool = True
    cutoffs: tuple[int, ...] = (0,)


def mle(table: NGramTable, settings: Settings) -> BackOff:
    """Maximum likelihood: p(w | h) = c(h w) / c(h), h being the longest suffix of the context that was seen.

    Nothing is smoothed where the context was seen: what never followed it gets 0.
    """

    def order(n: int, context: Ints, _: Floats) -> AlphaGamma:
        counts = table.orders[n - 1].counts
        total = np.bincount(context, counts, table.index.n_contexts(n))
        return _over(counts, total[context]), np.where(total > 0, 0.0, 1.0)

    return _weigh(table, settings, order)


def add_k(table: NGramTable, settings: Settings) -> BackOff:
    """Lidstone, Laplace at k = 1: p(w | h) = (c(h w) + k) / (c(h) + k V); Chen & Goodman 1998, section 2.1.

    Lower orders play no part: an unseen context gives 1 / V. h is the n-1 words before w, or all of the row
    with its <s> where that is less.
    """
    k, n_events = settings.k, table.index.n_events

    def order(n: int, context: Ints, _: Floats) -> AlphaGamma:
        counts = table.orders[n - 1].counts
        total = np.bincount(context, counts, table.index.n_contexts(n))
        whole = np.ones(len(total), bool) if n == table.order else _begins_with_bos(table, n)
        alpha = _over(counts, total[context] + k * n_events)
        gamma = k * n_events / (total + k * n_events)
        # A context that is only part of the history passes 1 / V on untouched.
        return np.where(whole[context], alpha, 0.0), np.where(whole, gamma, 1.0)

    return _weigh(table, settings, order)


def witten_bell(table: NGramTable, settings: Settings) -> BackOff:
    """Witten & Bell 1991, interpolated as in Chen & Goodman 1998, section 2.6: gamma(h) = T(h) / (T(h) + c(h)).

    T(h) is the number of different words seen after h.
    """

    def order(n: int, context: Ints, _: Floats) -> AlphaGamma:
        counts = table.orders[n - 1].counts
        total = np.bincount(context, counts, table.index.n_contexts(n))
        types = np.bincount(context, counts > 0, table.index.n_contexts(n))
        return _over(counts, (total + types)[context]), np.where(total > 0, _over(types, total + types), 1.0)

    return _weigh(table, settings, order)


def kneser_ney(table: NGramTable, settings: Settings) -> BackOff:
    """Kneser & Ney 1995, interpolated, Chen & Goodman 1998, section 2.7: one discount D = n1 / (n1 + 2 n2) an order.

    n1, n2 are the numbers of n-grams of adjusted count 1 and 2. Where one of them is 0, D = 0.75.
    """
    notes: list[str] = []

    def order(n: int, context: Ints, _: Floats) -> AlphaGamma:
        adjusted = table.orders[n - 1].adjusted
        n1, n2 = np.bincount(np.minimum(adjusted, 3), minlength=4)[1:3].tolist()
        discounts = [n1 / (n1 + 2 * n2)] if n1 and n2 else []
        if not discounts:
            discounts = _fall_back(KN_FALLBACK, n, (n1, n2), settings, notes)
        return _discounted(adjusted, context, table.index.n_contexts(n), np.array([0.0, *discounts]))

    return _weigh(table, settings, order, notes)


def modified_kneser_ney(table: NGramTable, settings: Settings) -> BackOff:
    """Chen & Goodman 1998, section 3: discounts D1, D2, D3+ an order from counts of counts, eq. 26; as KenLM's lmplz.

    D_j = j - (j + 1) Y n_{j+1} / n_j with Y = n1 / (n1 + 2 n2), over adjusted counts. Where a D_j cannot be
    estimated or leaves [0, j], all of that order are 0.5, 1, 1.5, the defaults of lmplz --discount_fallback.

    lmplz keeps statistics as it streams n-grams in suffix order, and adds the very last one of each order but the
    highest with its count where all others have their adjusted count (the loop that ends AdjustCounts::Run).
    One n-gram of thousands moves; it is done here too, so that the discounts are the same numbers: on the Penn
    Treebank n4 of the unigrams is 656, and 657 without it.
    """
    notes: list[str] = []

    def order(n: int, context: Ints, _: Floats) -> AlphaGamma:
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
        return _discounted(adjusted, context, table.index.n_contexts(n), np.array([0.0, *discounts]))

    return _weigh(table, settings, order, notes)


METHODS: dict[str, Callable[[NGramTable, Settings], BackOff]] = {
    "mle": mle,
    "add_k": add_k,
    "witten_bell": witten_bell,
    "kneser_ney": kneser_ney,
    "modified_kneser_ney": modified_kneser_ney,
}

KN_FALLBACK = [0.75]
MODIFIED_KN_FALLBACK = [0.5, 1.0, 1.5]


def _weigh(table: NGramTable, settings: Settings, order: Order, notes: list[str] | None = None) -> BackOff:
    """The back-off form of the recursion, from the lowest order up, without the n-grams that are cut off.

    What is cut off leaves its alpha to the gamma of its context, as in lmplz --prune, so all still sums to one. No
    n-gram loses its context or its suffix: these are at least as frequent and cut off no higher.
    """
    index, base = table.index, table.index.n_events + 1
    kept, log_p, log_gamma, counts = [np.ones(base, bool)], [], [], []
    p = np.full(base, 1 / index.n_events)
    for n, one in enumerate(table.orders, start=1):
        lower = p if n == 1 else p[one.suffix]
        context = index.context(n)
        alpha, gamma = order(n, context, lower)
        cutoff = settings.cutoffs[min(n, len(settings.cutoffs)) - 1]
        if n > 1:
            kept.append(one.counts > cutoff)
            if cutoff:
                gamma = gamma + np.bincount(context, np.where(kept[-1], 0, alpha), len(gamma))
                alpha = np.where(kept[-1], alpha, 0)
            log_gamma.append(log(gamma[kept[-2]]))
        p = alpha + gamma[context] * lower
        log_p.append(log(p[kept[-1]]))
        counts.append(one.counts[kept[-1]])
    if table.order > 1:  # <s> comes once a row, and one word after it
        counts[0][-1] = table.orders[1].counts[table.orders[1].at_bos].sum()
    return BackOff(index.keeping(kept), tuple(log_p), tuple(log_gamma), tuple(counts), tuple(notes or ()))


def _discounted(counts: Whole, context: Ints, n_contexts: int, discounts: Floats) -> AlphaGamma:
    """Interpolated discounting: alpha = (c - D(c)) / sum c, gamma = sum D(c) / sum c, sums over the words after h.

    discounts[c] is D(c); the last of them is also that of every higher count.
    """
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
