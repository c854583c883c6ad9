"""The recursion that every smoothing method fills in, from counts to the weights of

    p_n(w | h) = alpha[h w] + gamma[h] * p_{n-1}(w | h without its first word),    p_0 = 1 / V

where alpha is 0 for an n-gram never seen and gamma is 1 for a context never seen. V counts <unk> and </s>, not
<s>. A method says how the alphas of an order and the gammas of its contexts come from what it is shown, a Level;
`weigh` runs that from order 1 upwards, cuts off rare n-grams and gives the back-off form in which all n-gram models
are stored and scored. What does not interpolate is written in the same form with
alpha[h w] = p(w | h) - gamma[h] * p(w | h'): see `back_off`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from lmbench.ngrams.backoff import BackOff, log
from lmbench.ngrams.table import NGramTable, Whole
from lmbench.text.sentences import Sentences

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
AlphaGamma = tuple[Floats, Floats]
T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a method may use beside the counts; each takes what it needs.

    valid:    text for choices a method makes by likelihood
    k:        what add_k adds; None: chosen on valid
    mu:       dirichlet's strength of the prior at each order, the last one also that of higher orders; None: chosen
              on valid
    fallback: whether fixed discounts may stand in where none can be estimated; BadDiscounts if not
    cutoffs:  n-grams of order n seen cutoffs[n-1] times or less are left out; the last is also that of higher orders
    counts:   whether the model is to know them
    spend:    whether the table may be used up: an order is taken out of it when it has been weighed, which leaves room
              for what the model has instead
    """

    valid: Sentences
    k: float | None = None
    mu: tuple[float, ...] | None = None
    fallback: bool = True
    cutoffs: tuple[int, ...] = (0,)
    counts: bool = True
    spend: bool = False


@dataclass(frozen=True, eq=False)
class Level:
    """The G n-grams of one order, as a method sees them. Arrays are (G,).

    table:   where they were counted
    n:       their order
    context: the context of each
    lower:   p_{n-1} of each one's last word after its suffix
    kept:    whether each survives the cut-offs
    """

    table: NGramTable
    n: int
    context: Ints
    lower: Floats
    kept: Bools

    @property
    def counts(self) -> Whole:
        """How often each occurs."""
        return self.table.orders[self.n - 1].counts

    @cached_property
    def adjusted(self) -> Whole:
        """How many different words each was seen after: NGramTable.adjusted."""
        return self.table.adjusted(self.n)

    @property
    def n_contexts(self) -> int:
        """How many contexts there are; some have nothing after them."""
        return self.table.index.n_contexts(self.n)

    def sums(self, values: npt.ArrayLike) -> Floats:
        """float64 (n_contexts,): the sum of (G,) values over the n-grams of each context."""
        summed, values = np.zeros(self.n_contexts), np.asarray(values)
        if len(values):
            exact = np.int64 if values.dtype.kind in "iub" else np.float64
            summed[self.context[self._first]] = np.add.reduceat(values, self._first, dtype=exact)
        return summed

    @cached_property
    def _first(self) -> Ints:
        """The first n-gram of each context that has any: those of one context stand together."""
        return np.flatnonzero(np.diff(self.context, prepend=-1))


def weigh(
    table: NGramTable, settings: Settings, order: Callable[[Level], AlphaGamma], notes: Iterable[str] = ()
) -> BackOff:
    """The back-off form of the recursion, from the lowest order up, without the n-grams that are cut off.

    order: Level -> alpha (G,), gamma (n_contexts,)
    notes: read when all orders are done

    What is cut off leaves its alpha to the gamma of its context, as in lmplz --prune, so all still sums to one. No
    n-gram loses its context or its suffix: these are at least as frequent and cut off no higher.
    """
    index, base = table.index, table.index.n_events + 1
    kept, log_p, log_gamma, counts = [np.ones(base, bool)], [], [], []
    n_rows = table.orders[1].counts[table.orders[1].bos :].sum() if table.order > 1 else 0
    p = np.full(base, 1 / index.n_events)
    # What is not needed any more is most of what training holds in memory, so it goes as soon as it can.
    for n in range(1, table.order + 1):
        one, context = table.orders[n - 1], index.context(n)
        lower = p if n == 1 else p[one.suffix]
        del p
        cutoff = settings.cutoffs[min(n, len(settings.cutoffs)) - 1]
        if n > 1:
            kept.append(one.counts > cutoff)
        if settings.counts:
            counts.append(_of(kept[-1], one.counts))
        del one
        level = Level(table, n, context, lower, kept[-1])
        alpha, gamma = order(level)
        if not kept[-1].all():
            gamma = gamma + level.sums(np.where(kept[-1], 0, alpha))
            alpha = np.where(kept[-1], alpha, 0)
        del level
        if settings.spend:
            table.orders[n - 1] = table.orders[n - 1].spent()
        p = gamma[context]
        p *= lower
        del context, lower
        p += alpha
        del alpha
        log_p.append(_of(kept[-1], log(p)))
        if n > 1:
            log_gamma.append(_of(kept[-2], log(gamma)))
        del gamma
    if counts and table.order > 1:  # <s> comes once a row, and one word after it
        counts[0] = np.append(counts[0][:-1], n_rows).astype(counts[0].dtype)
    return BackOff(index.keeping(kept), tuple(log_p), tuple(log_gamma), tuple(notes), tuple(counts))


def _of(kept: Bools, values: npt.NDArray[T]) -> npt.NDArray[T]:
    """Those of the n-grams that are kept; no copy where that is all of them."""
    return values if kept.all() else values[kept]


def back_off(level: Level, p: Floats) -> AlphaGamma:
    """p(w | h) (G,) where h w was seen, and elsewhere a share of p_{n-1} such that all sums to one (Katz 1987).

    gamma(h) = (1 - sum of p) / (1 - sum of p_{n-1}), sums over the words seen after h. Where these are all words
    there are, nothing is left to share, and p is scaled to sum to one.
    """
    listed = np.where(level.kept, p, 0)
    unseen = 1 - level.sums(np.where(level.kept, level.lower, 0))
    total = level.sums(listed)
    full = (unseen < FULL) & (total > 0)
    gamma = np.where(full, 0.0, (1 - total) / np.where(full, 1.0, unseen))
    listed = np.where(full[level.context], over(p, total[level.context]), p)
    return np.where(level.kept, listed - gamma[level.context] * level.lower, 0), gamma


FULL = 1e-12
"""Less than this is what the sum of all p_{n-1} leaves to rounding."""


def over(a: npt.ArrayLike, b: npt.ArrayLike, out: Floats | None = None) -> Floats:
    """a / b, and 0 where b is 0; out may be a."""
    below = np.asarray(b, np.float64)
    quotient: Floats = np.divide(a, below, out=np.empty(below.shape) if out is None else out, where=below > 0)
    quotient[below <= 0] = 0
    return quotient
