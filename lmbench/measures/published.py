"""Figures that others have published, and whether ours agree."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from lmbench.fields import Between, Checked, NotNegative

Perplexity = Annotated[float, Between(1, 10**12)]


@dataclass(frozen=True, kw_only=True)
class Published(Checked):
    """A [published.ROW] table: a test perplexity that the row is to be held against.

    ppl:    what the source gives
    within: how far from it the row's may be; within_share: as a share of it
    at_most, below: what the row's must not exceed, a number; or a row whose perplexity it must stay under
    source: where the figure is from, and what differs there. One without a bound is shown and not enforced
    """

    ppl: Perplexity | None = None
    within: NotNegative | None = None
    within_share: NotNegative | None = None
    at_most: Perplexity | None = None
    below: str = ""
    source: str = ""

    @property
    def enforced(self) -> bool:
        """Whether there is a bound."""
        return (self.within, self.within_share, self.at_most) != (None, None, None) or bool(self.below)


@dataclass(frozen=True)
class Verdict:
    """One published figure and ours.

    found:  the row's test perplexity; None where it has none
    wanted: what it must be, in words; "" where the figure is only shown
    holds:  whether it is so
    """

    row: str
    found: float | None
    published: Published
    wanted: str
    holds: bool


def verdicts(published: Mapping[str, Published], perplexities: Mapping[str, float]) -> list[Verdict]:
    """A verdict on each published figure. perplexities: of test, by row; rows that failed are left out."""
    return [_verdict(row, figure, perplexities) for row, figure in published.items()]


def _verdict(row: str, figure: Published, perplexities: Mapping[str, float]) -> Verdict:
    found, wanted, bounds = perplexities.get(row), [], []
    if figure.ppl is not None and (figure.within is not None or figure.within_share is not None):
        slack = figure.within if figure.within is not None else figure.ppl * (figure.within_share or 0.0)
        shown = f"{figure.within:g}" if figure.within is not None else f"{100 * (figure.within_share or 0):g} %"
        wanted.append(f"{figure.ppl:g} within {shown}")
        bounds.append(found is not None and abs(found - figure.ppl) <= slack)
    if figure.at_most is not None:
        wanted.append(f"at most {figure.at_most:g}")
        bounds.append(found is not None and found <= figure.at_most)
    if figure.below:
        other = perplexities.get(figure.below)
        wanted.append(f"below {figure.below}" + (f" ({other:.2f})" if other is not None else ""))
        bounds.append(found is not None and other is not None and found < other)
    return Verdict(row, found, figure, " and ".join(wanted), all(bounds))


def difference(verdict: Verdict) -> float:
    """Ours over the published one, less one; NaN where either is missing."""
    if verdict.found is None or not verdict.published.ppl:
        return math.nan
    return verdict.found / verdict.published.ppl - 1
