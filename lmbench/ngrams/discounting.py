"""Smoothing by discounts: each count gives up a part, and what an order gives up goes to the order below it.

Discounts come from counts of counts: n_r is the number of n-grams of an order that were seen r times. In very small,
repetitive or artificial text these do not fall off as they should. Fixed discounts then stand in, with a note, and
all still sums to one; Settings.fallback = False makes it an error. Order 1 interpolates with 1 / V in every method, so
that <unk> is possible.

Chen & Goodman is "An empirical study of smoothing techniques for language modeling", Harvard TR-10-98, 1998.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lmbench.errors import BadDiscounts
from lmbench.ngrams.backoff import BackOff
from lmbench.ngrams.recursion import AlphaGamma, Floats, Level, Settings, back_off, over, weigh
from lmbench.ngrams.table import NGramTable, Whole

ONE_FALLBACK = [0.75]
MODIFIED_FALLBACK = [0.5, 1.0, 1.5]
KATZ_FALLBACK = [0.5]
RELIABLE = 7
"""The greatest count that katz discounts; Katz had 5."""


def absolute_discounting(table: NGramTable, settings: Settings) -> BackOff:
    """Ney, Essen & Kneser 1994, interpolated as in Chen & Goodman 1998, section 2.6: D = n1 / (n1 + 2 n2) an order.

    p(w | h) = max(c(h w) - D, 0) / c(h) + D T(h) / c(h) * p(w | h'), T(h) being the number of different words seen
    after h. Where n1 or n2 is 0, D = 0.75.
    """
    return _one_discount(table, settings, lambda level: level.counts)


def kneser_ney(table: NGramTable, settings: Settings) -> BackOff:
    """Kneser & Ney 1995, interpolated, Chen & Goodman 1998, section 2.7: one discount D = n1 / (n1 + 2 n2) an order.

    As absolute_discounting, but of adjusted counts. Where n1 or n2 is 0, D = 0.75.
    """
    return _one_discount(table, settings, lambda level: level.adjusted)


def kneser_ney_backoff(table: NGramTable, settings: Settings) -> BackOff:
    """Kneser & Ney 1995 as they had it: discounts as in kneser_ney, and the order below for unseen words alone.

    p(w | h) = (a(h w) - D) / sum_v a(h v) where h w was seen, else gamma(h) p(w | h'), a being adjusted counts and
    gamma(h) what makes the sum one.
    """
    return _one_discount(table, settings, lambda level: level.adjusted, backs_off=True)


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

    def order(level: Level) -> AlphaGamma:
        collected = np.bincount(np.minimum(level.adjusted, 5), minlength=6)
        if level.n < table.order and table.last[level.n - 1] >= 0:
            last = table.last[level.n - 1]
            collected[min(level.adjusted[last], 5)] -= 1
            collected[min(level.counts[last], 5)] += 1
        n1, n2, n3, n4 = collected[1:5].tolist()
        discounts: list[float] = []
        if n1 and n2 and n3:
            y = n1 / (n1 + 2 * n2)
            discounts = [1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3]
        if not discounts or any(not 0 <= d <= j for j, d in enumerate(discounts, start=1)):
            discounts = _fall_back(MODIFIED_FALLBACK, level.n, [n1, n2, n3, n4], settings, notes)
        return _interpolated(level, level.adjusted, _amounts(discounts, level.adjusted))

    return weigh(table, settings, order, notes)


def katz(table: NGramTable, settings: Settings) -> BackOff:
    """Katz 1987: Good-Turing discounts, and the order below for unseen words alone; Chen & Goodman 1998, section 2.4.

    A count r <= k becomes d_r r, where r* = (r + 1) n_{r+1} / n_r (Good 1953) and

        d_r = (r* / r - t) / (1 - t),    t = (k + 1) n_{k+1} / n_1

    and greater ones are reliable. k is 7, as SRILM has it for orders above 1, or else the greatest k below at which
    all of d_1, ..., d_k are within (0, 1), with a note; where there is none, each count gives 0.5. A context that
    frees nothing, for all counts after it are reliable, counts one event more, as in SRILM.

    SRILM's other default leaves out n-grams of order 3 and up that were seen once: cutoffs = (0, 0, 1). With it the
    Penn Treebank test perplexities of orders 3 and 5 are 165.23 and 162.25, and 165.2 and 162.3 as published for GT3
    and GT5 in Mikolov et al. 2011, "Empirical evaluation and combination of advanced language modeling techniques".
    """
    notes: list[str] = []

    def order(level: Level) -> AlphaGamma:
        counts = level.counts
        n_r = np.bincount(np.minimum(counts, RELIABLE + 2), minlength=RELIABLE + 3)[: RELIABLE + 2].tolist()
        discounts = good_turing(n_r)
        if not discounts:
            discounts = _fall_back(KATZ_FALLBACK, level.n, n_r[1:], settings, notes)
        elif len(discounts) - 1 < RELIABLE:
            notes.append(
                f"Good-Turing discounts of order {level.n} are usable for counts up to {len(discounts) - 1} only, not "
                f"{RELIABLE}: the numbers of n-grams seen 1, 2, ... times are {tuple(n_r[1:])}"
            )
        amount = _amounts(discounts, counts)
        total = level.sums(counts) + (level.sums(amount) == 0)
        alpha = over(counts - amount, total[level.context])
        return back_off(level, alpha) if level.n > 1 else (alpha, 1 - level.sums(alpha))

    return weigh(table, settings, order, notes)


def good_turing(n_r: list[int]) -> list[float]:
    """Discounts r (1 - d_r) of counts 1 to k and the 0 of all higher ones, for katz' k; [] if there is none.

    n_r: n_0, n_1, ..., n_{k+1} for the greatest k there may be
    """
    r = np.arange(1, len(n_r) - 1)
    n = np.array(n_r, np.float64)
    turing = over((r + 1) * n[2:], r * n[1:-1])
    for k in range(len(r), 1, -1):
        tail = (k + 1) * n[k + 1] / n[1] if n[1] else 1.0
        if tail < 1:
            ratio = (turing[:k] - tail) / (1 - tail)
            if np.all((ratio > 0) & (ratio < 1)):
                return [*(r[:k] * (1 - ratio)).tolist(), 0.0]
    return []


def _one_discount(
    table: NGramTable, settings: Settings, counted: Callable[[Level], Whole], *, backs_off: bool = False
) -> BackOff:
    """D = n1 / (n1 + 2 n2) from every count of an order."""
    notes: list[str] = []

    def order(level: Level) -> AlphaGamma:
        counts = counted(level)
        n1, n2 = np.bincount(np.minimum(counts, 3), minlength=4)[1:3].tolist()
        discounts = [n1 / (n1 + 2 * n2)] if n1 and n2 else _fall_back(ONE_FALLBACK, level.n, [n1, n2], settings, notes)
        alpha, gamma = _interpolated(level, counts, _amounts(discounts, counts))
        return back_off(level, alpha) if backs_off and level.n > 1 else (alpha, gamma)

    return weigh(table, settings, order, notes)


def _interpolated(level: Level, counts: Whole, amount: Floats) -> AlphaGamma:
    """alpha = (c - D(c)) / sum c, gamma = sum D(c) / sum c, sums over the words after h; amount is D(c), used up."""
    total, gamma = level.sums(counts), level.sums(amount)
    over(gamma, total, out=gamma)
    gamma[total == 0] = 1.0
    np.subtract(counts, amount, out=amount)
    return over(amount, total[level.context], out=amount), gamma


def _amounts(discounts: list[float], counts: Whole) -> Floats:
    """float64 (G,): what each count gives up. discounts are of counts 1, 2, ..., the last also of all higher ones."""
    return np.array([0.0, *discounts])[np.minimum(counts, len(discounts))]


def _fall_back(
    instead: list[float], n: int, counts_of_counts: list[int], settings: Settings, notes: list[str]
) -> list[float]:
    """The fixed discounts, with a note; BadDiscounts where settings forbid them."""
    fact = (
        f"the discounts of order {n} cannot be estimated: its numbers of n-grams seen 1, 2, ... times, "
        f"{tuple(counts_of_counts)}, do not fall off as text's do"
    )
    if not settings.fallback:
        raise BadDiscounts(
            f"{fact}, as in very small, repetitive or artificial corpora, and at order 1; "
            "try smoothing = 'witten_bell', or fallback = true for fixed discounts"
        )
    notes.append(f"{fact}; fixed discounts {', '.join(f'{d:g}' for d in instead)} were used")
    return instead
