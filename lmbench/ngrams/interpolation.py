"""Smoothing by weights: what share of p(w | h) the words seen after h keep, by how much was seen after h.

Where the shares are free numbers, they are those under which valid is likeliest.
Chen & Goodman is "An empirical study of smoothing techniques for language modeling", Harvard TR-10-98, 1998.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from lmbench.ngrams.backoff import BackOff
from lmbench.ngrams.heldout import Tally, Weights, chosen, evidence, tally, weigh_by
from lmbench.ngrams.recursion import AlphaGamma, Bools, Floats, Level, Settings, over, weigh
from lmbench.ngrams.table import NGramTable

EM_STEPS = 500
EM_MOVED = 1e-4


def add_k(table: NGramTable, settings: Settings) -> BackOff:
    """Lidstone, Laplace at k = 1: p(w | h) = (c(h w) + k) / (c(h) + k V); Chen & Goodman 1998, section 2.1.

    Lower orders play no part: an unseen context gives 1 / V. h is the n-1 words before w, or all of the row
    with its <s> where that is less. Where k is not given, it is the one within 1e-8 and 1e3 that makes valid likeliest.
    """
    tallies = []
    for n, one in enumerate(table.orders, start=1):
        # A context that is only part of the history was never seen: it passes 1 / V on untouched.
        whole = n == table.order or _begins_with_bos(table, n)[table.index.context(n)]
        tallies.append(tally(table, n, np.where(whole, one.counts, 0)))
    log_v = np.log(table.index.n_events)
    if settings.k is not None:
        numbers = np.full((table.order, 1), np.log(settings.k) + log_v)
        return weigh_by(table, settings, tallies, PRIOR, numbers)
    bounds = [(np.log(1e-8) + log_v, np.log(1e3) + log_v)]
    numbers = chosen(table, tallies, settings.valid, PRIOR, np.full((1, 1), np.log(0.1) + log_v), bounds)
    note = f"k = {np.exp(numbers[0, 0] - log_v):.3g}, chosen on valid"
    return weigh_by(table, settings, tallies, PRIOR, numbers, note)


def dirichlet(table: NGramTable, settings: Settings) -> BackOff:
    """p_n(w | h) = (c(h w) + mu_n p_{n-1}(w | h')) / (c(h) + mu_n): a Dirichlet prior about the order below.

    MacKay & Peto 1995, with the lower orders' own estimates as the prior's mean. Where the mu are not given, they are
    those within 1e-4 and 1e8 that make valid likeliest.
    """
    tallies = [tally(table, n, one.counts) for n, one in enumerate(table.orders, start=1)]
    if settings.mu is not None:
        given = [settings.mu[min(n, len(settings.mu) - 1)] for n in range(table.order)]
        return weigh_by(table, settings, tallies, PRIOR, np.log(given)[:, None])
    start, bounds = np.full((table.order, 1), np.log(10.0)), [(np.log(1e-4), np.log(1e8))]
    numbers = chosen(table, tallies, settings.valid, PRIOR, start, bounds)
    note = f"mu of orders 1 to {table.order}, chosen on valid: {_listed(np.exp(numbers[:, 0]))}"
    return weigh_by(table, settings, tallies, PRIOR, numbers, note)


def pitman_yor(table: NGramTable, settings: Settings) -> BackOff:
    """Hierarchical Pitman-Yor, Teh 2006, with one table for each word in each restaurant: nothing is drawn.

    p(w | h) = (max(a(h w) - d_n, 0) + (theta_n + d_n T(h)) p(w | h')) / (a(h) + theta_n) where a are adjusted counts,
    the customers that one table a word sends down. At theta = 0 this is interpolated Kneser-Ney. Discounts within
    0.01 and 0.99 and strengths within 1e-3 and 1e6 are those that make valid likeliest: there is nothing to be
    estimated from counts of counts, so text may be as small as it likes.
    """
    tallies = [tally(table, n, table.adjusted(n)) for n in range(1, table.order + 1)]

    start, bounds = np.tile([0.75, 0.0], (table.order, 1)), [(0.01, 0.99), (np.log(1e-3), np.log(1e6))]
    numbers = chosen(table, tallies, settings.valid, RESTAURANT, start, bounds)
    note = (
        f"discounts and strengths of orders 1 to {table.order}, chosen on valid: {_listed(numbers[:, 0])}; "
        f"{_listed(np.exp(numbers[:, 1]))}"
    )
    return weigh_by(table, settings, tallies, RESTAURANT, numbers, note)


def jelinek_mercer(table: NGramTable, settings: Settings) -> BackOff:
    """Jelinek & Mercer 1980: p(w | h) = lambda c(h w) / c(h) + (1 - lambda) p(w | h'); Chen & Goodman, section 2.3.

    Contexts of an order with equal floor(log2 c(h)) share a lambda. All are found at once by EM on valid, as if each
    had also been used once and passed over once (a Beta(2, 2) prior): none becomes 0 or 1, and one that few tokens
    of valid ask about stays near 1/2.
    """
    tallies = [tally(table, n, one.counts) for n, one in enumerate(table.orders, start=1)]
    told = evidence(table, tallies, settings.valid)
    likely = [over(one.count, one.total) for one in told]
    buckets = [_bucket(one.total) for one in told]
    shares = [np.where(np.arange(_bucket(one.total).max(initial=0) + 1) > 0, 0.5, 0.0) for one in tallies]
    for _ in range(EM_STEPS):
        p = [np.full(settings.valid.n_tokens, 1 / table.index.n_events)]
        for share, own, bucket in zip(shares, likely, buckets, strict=True):
            p.append(share[bucket] * own + (1 - share[bucket]) * p[-1])
        moved, reach = 0.0, np.ones(settings.valid.n_tokens)  # reach: how probably a token came from here or below
        for n in reversed(range(table.order)):
            share, bucket = shares[n], buckets[n]
            used = reach * share[bucket] * likely[n] / p[n + 1]
            shares[n] = (1 + np.bincount(bucket, used, len(share))) / (2 + np.bincount(bucket, reach, len(share)))
            shares[n][0] = 0
            moved = max(moved, np.abs(shares[n] - share).max())
            reach = reach - used
        if moved < EM_MOVED:
            break

    def order(level: Level) -> AlphaGamma:
        total = tallies[level.n - 1].total
        share = shares[level.n - 1][_bucket(total)]
        return share[level.context] * over(level.counts, total[level.context]), 1 - share

    return weigh(table, settings, order, _told(tallies, shares))


def witten_bell(table: NGramTable, settings: Settings) -> BackOff:
    """Witten & Bell 1991, interpolated as in Chen & Goodman 1998, section 2.5: gamma(h) = T(h) / (T(h) + c(h)).

    T(h) is the number of different words seen after h.
    """

    def order(level: Level) -> AlphaGamma:
        total, types = level.sums(level.counts), level.sums(level.counts > 0)
        alpha = over(level.counts, (total + types)[level.context])
        return alpha, np.where(total > 0, over(types, total + types), 1.0)

    return weigh(table, settings, order)


def _prior(numbers: Floats, seen: Tally) -> AlphaGamma:
    """(c + mu p_{n-1}) / (total + mu), the one number being ln mu."""
    mu = np.exp(numbers[0])
    return seen.count / (seen.total + mu), mu / (seen.total + mu)


def _prior_slopes(numbers: Floats, seen: Tally) -> AlphaGamma:
    """By ln mu."""
    alpha, gamma = _prior(numbers, seen)
    return -(alpha * gamma)[None], (gamma * (1 - gamma))[None]


PRIOR = Weights(_prior, _prior_slopes)


def _restaurant(numbers: Floats, seen: Tally) -> AlphaGamma:
    """(max(a - d, 0) + (theta + d T) p_{n-1}) / (total + theta), the numbers being d and ln theta."""
    discount, strength = numbers[0], np.exp(numbers[1])
    below = seen.total + strength
    return np.maximum(seen.count - discount, 0) / below, (strength + discount * seen.types) / below


def _restaurant_slopes(numbers: Floats, seen: Tally) -> AlphaGamma:
    """By d and ln theta."""
    alpha, gamma = _restaurant(numbers, seen)
    strength = np.exp(numbers[1])
    below = seen.total + strength
    by_discount = np.where(seen.count > numbers[0], -1 / below, 0.0), seen.types / below
    by_strength = -alpha * strength / below, (1 - gamma) * strength / below
    return np.stack([by_discount[0], by_strength[0]]), np.stack([by_discount[1], by_strength[1]])


RESTAURANT = Weights(_restaurant, _restaurant_slopes)


def _begins_with_bos(table: NGramTable, n: int) -> Bools:
    """bool (n_contexts,): which contexts of n-grams begin with <s>, and so are all of their row."""
    return np.arange(table.index.n_contexts(n)) >= (1 if n == 1 else table.orders[n - 2].bos)


def _bucket(total: Floats) -> npt.NDArray[np.int32]:
    """0 for 0, 1 for 1, 2 for 2 and 3, 3 for 4 to 7, ...: floor(log2) + 1."""
    return np.frexp(total)[1]


def _told(tallies: list[Tally], shares: list[Floats]) -> Iterator[str]:
    """A note an order: the weight of each bucket that has contexts, by its lowest count."""
    for n, (one, share) in enumerate(zip(tallies, shares, strict=True), start=1):
        used = np.unique(_bucket(one.total[one.total > 0]))
        listed = ", ".join(f"{2 ** (bucket - 1)}: {share[bucket]:.3g}" for bucket in used.tolist())
        yield f"weights of order {n} by how often the context was seen, by EM on valid: {listed}"


def _listed(numbers: Floats) -> str:
    return ", ".join(f"{number:.3g}" for number in numbers.tolist())
