"""How sure a report is: the intervals of every row and the paired differences between rows.

All rows are resampled with the same draws, from a fixed generator, so that the same facts give the same
report; so are the signs that tests flip. Documents are drawn where they are known, else sentences. Where a row
has several seeds, the interval of its perplexity is of the first seed, while differences and coverage are of
the mean over seeds; the spread over seeds is shown in a column of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from lmbench.errors import BadModel
from lmbench.measures import permutation, uncertainty
from lmbench.measures.coverage import crossed_preference, would_say
from lmbench.measures.perplexity import BITS, Floats
from lmbench.measures.uncertainty import Difference, Ints
from lmbench.report.facts import ADAPTIVE, RANKED, Facts, Row

NONE = (math.nan, math.nan)
DIGITS = 10


class Comparison:
    """Intervals and differences over one benchmark's facts."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts

    @cached_property
    def clusters(self) -> int:
        """Documents, sentences or blocks of a stream's segments that are resampled."""
        return uncertainty.count(self._tokens, self._clusters)

    def perplexity(self, row: Row) -> tuple[float, float]:
        """The 95 % interval of the first seed's perplexity over test sentences; NaN where there is none.

        There is none of one sentence: resampled, it is itself.
        """
        column = self._columns.get((row.name, "first"))
        if column is None or self.clusters < 2:
            return NONE
        return _rounded(uncertainty.interval(np.exp(-self._sums[:, column] / self._sums[:, 0]), self.clusters))

    def difference(self, left: Row, right: Row) -> Difference | None:
        """Bits per token of left minus right on the same sentences; None where one has no perplexity.

        Between a row and the best of its table, p is adjusted for the comparisons of that table; any other
        comparison stands alone.
        """
        ours, theirs = self._log_probs(left), self._log_probs(right)
        if ours is None or theirs is None:
            return None
        if not (np.isfinite(ours).all() and np.isfinite(theirs).all()):
            rng = np.random.default_rng(0)
            return uncertainty.paired_difference(ours, theirs, self._tokens, self._clusters, rng=rng)
        bits = float((theirs - ours).sum() / self._tokens.sum() * BITS)
        if self.clusters < 2:
            return Difference(bits, *NONE, self.clusters)
        one, other = self._columns[left.name, "mean"], self._columns[right.name, "mean"]
        samples = (self._sums[:, other] - self._sums[:, one]) / self._sums[:, 0] * BITS
        p = float(self._p([left, right])[0])
        adjusted = self._adjusted.get(frozenset((left.name, right.name)), p)
        low, high = _rounded(uncertainty.interval(samples, self.clusters))
        return Difference(bits, low, high, self.clusters, p, adjusted)

    def best(self, row: Row) -> Row | None:
        """The lowest finite perplexity among the rows that this one is ranked with."""
        ranked = [other for other in self.facts.grouped(row.group) if finite(other)]
        return ranked[0] if ranked else None

    def to_best(self, row: Row) -> Difference | None:
        """Bits per token above the best row of its group; None for the best itself."""
        best = self.best(row)
        return None if best is None or best.name == row.name else self.difference(row, best)

    def coverage(self, row: Row, stratum: str | None = None) -> tuple[float, float]:
        """The 95 % interval of C4 over the first words of held-out pairs."""
        log_probs, probes = row.array("probe_log_probs"), self.facts.probes
        if log_probs is None or len(log_probs) != len(probes):
            return NONE
        said = np.mean([would_say(np.asarray(r.arrays["probe_log_probs"], np.float64)) for r in row.results], axis=0)
        chosen = [i for i, p in enumerate(probes) if p["held"] and stratum in (None, p["stratum"])]
        words = [probes[i]["cell"][0] for i in chosen]
        return _rounded(uncertainty.cluster_bootstrap(said[chosen], words, rng=np.random.default_rng(0)))

    def crossed(self, row: Row, stratum: str | None = None) -> tuple[float, float]:
        """The 95 % interval of C3 (crossed) over the first words of both pairs."""
        wins = self.crossed_wins(row)
        if wins is None:
            return NONE
        items = self.facts.crossed
        chosen = [i for i, item in enumerate(items) if stratum in (None, item["stratum"])]
        first, second = [items[i]["a1"] for i in chosen], [items[i]["a2"] for i in chosen]
        rng = np.random.default_rng(0)
        return _rounded(uncertainty.crossed_bootstrap(wins[chosen], first, second, rng=rng))

    def mean_of(self, values: Floats, words: Sequence[str]) -> tuple[float, float]:
        """The 95 % interval of the mean of values, float64 (P,), over the words they are of."""
        if not np.isfinite(values).all():
            return NONE
        return _rounded(uncertainty.cluster_bootstrap(values, words, rng=np.random.default_rng(0)))

    def crossed_wins(self, row: Row) -> Floats | None:
        """float64 (C,): 1, 0 or (a tie) 1/2 for each crossed probe, averaged over seeds."""
        shape = (len(self.facts.crossed), 4)
        arrays = [np.asarray(result.arrays.get("crossed_log_probs", ()), np.float64) for result in row.results]
        if not arrays or not len(self.facts.crossed) or any(array.shape != shape for array in arrays):
            return None
        wins: Floats = np.mean([crossed_preference(array) for array in arrays], axis=0)
        return wins

    def first_words(self) -> int:
        """Clusters that the interval of C4 resamples."""
        return len({probe["cell"][0] for probe in self.facts.probes if probe["held"]})

    def _p(self, rows: Sequence[Row]) -> Floats:
        """float64: p of each row but the last against the last, by flipped signs."""
        sums = self._flipped[:, [self._places[row.name] for row in rows]]
        return permutation.sign_flip_p(sums[:, :-1] - sums[:, -1:])

    @cached_property
    def _adjusted(self) -> dict[frozenset[str], float]:
        """The adjusted p of each row of a table and the best of that table."""
        found: dict[frozenset[str], float] = {}
        for group in (RANKED, ADAPTIVE):
            rows = [row for row in self.facts.grouped(group) if row.name in self._places]
            if len(rows) > 1:
                best, *others = rows
                values = permutation.against_the_best(self._p([*others, best]))
                found |= {frozenset((row.name, best.name)): float(p) for row, p in zip(others, values, strict=True)}
        return found

    @cached_property
    def _places(self) -> dict[str, int]:
        """Where each row's mean over seeds stands in the flipped sums."""
        return {row: place for place, row in enumerate(row for row, of in self._finite if of == "mean")}

    @cached_property
    def _flipped(self) -> Floats:
        """float64 (patterns, rows): sums of each row above the mean of all rows, under shared signs.

        The mean is taken off so that differences of sums keep their digits.
        """
        means = np.stack([array for (_, of), array in self._finite.items() if of == "mean"], axis=1)
        return permutation.flipped_sums(means - means.mean(axis=1, keepdims=True), self._clusters)

    @cached_property
    def _clusters(self) -> Ints | None:
        """int64 (S,): what each test sentence is drawn with; None where it is drawn alone."""
        return self.facts.clusters(len(self._tokens))

    @cached_property
    def _tokens(self) -> Ints:
        """int64 (S,): tokens of each test sentence, the same for every row."""
        known = {
            row.name: np.asarray(row.first.arrays["row_tokens"], np.int64)
            for row in self.facts.scored
            if "row_tokens" in row.first.arrays
        }
        if not known:
            return np.zeros(0, np.int64)
        name, tokens = next(iter(known.items()))
        for other, theirs in known.items():
            if not np.array_equal(tokens, theirs):
                raise BadModel(
                    f"rows {name!r} and {other!r} were scored on different sentences "
                    f"({len(tokens)} and {len(theirs)}): one is of an earlier text; run the benchmark again"
                )
        return tokens

    def _log_probs(self, row: Row) -> Floats | None:
        """float64 (S,) nats, averaged over seeds, so that differences agree with the mean bits per token."""
        return row.array("row_log_probs") if row.mean("ppl") is not None else None

    @cached_property
    def _columns(self) -> dict[tuple[str, str], int]:
        """Where each row's first seed and mean over seeds stand in the resampled sums; column 0 is tokens."""
        return {key: column for column, key in enumerate(self._finite, start=1)}

    @cached_property
    def _finite(self) -> dict[tuple[str, str], Floats]:
        arrays: dict[tuple[str, str], Floats] = {}
        for row in self.facts.scored:
            mean = self._log_probs(row)
            if mean is None:
                continue
            first = np.asarray(row.first.arrays["row_log_probs"], np.float64)
            arrays |= {(row.name, name): a for name, a in (("first", first), ("mean", mean)) if np.isfinite(a).all()}
        return arrays

    @cached_property
    def _sums(self) -> Floats:
        """float64 (resamples, 1 + columns)."""
        stacked = np.stack([self._tokens, *self._finite.values()], axis=1)
        return uncertainty.resample_sums(stacked, self._clusters, rng=np.random.default_rng(0))[0]


def finite(row: Row) -> bool:
    """Whether the row has a perplexity and it is finite."""
    ppl = row.mean("ppl")
    return ppl is not None and math.isfinite(ppl)


def _rounded(ends: tuple[float, float]) -> tuple[float, float]:
    """Ten digits: the last ones depend on the order in which a machine adds, and reports are compared byte by byte."""
    low, high = (float(f"{end:.{DIGITS}g}") for end in ends)
    return low, high
