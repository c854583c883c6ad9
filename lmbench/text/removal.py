"""Pairs taken out of train: what a model makes of them when every sentence that has one is gone.

Filtered-corpus training (Patil, Jumelet et al. 2024; Misra & Mahowald 2024) serves a text that has no reserve. Its
control is a train without as many other sentences: it has seen the pairs, and has lost as much text.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
import numpy.typing as npt

from lmbench.errors import BadText
from lmbench.fields import Between, Checked, Count
from lmbench.text.mining import Mined, Mining, Search, Tokens, without_spaces
from lmbench.text.pairs import NONE, Met, met


@dataclass(frozen=True, kw_only=True)
class Removal(Checked):
    """Which pairs are taken out of train.

    pairs:        how many, drawn with the seed of the search
    rarest, commonest: times that one occurs in train, at least and at most
    low, high:    its pointwise mutual information in bits: neither a chance meeting nor an idiom
    share:        of the pairs of either word, at most: both words stay
    crossing:     take first those of which two make a crossed probe, each in as many as the search allows (`reuse`)
    control:      take out as many other sentences instead
    """

    pairs: Count = 40
    rarest: Count = 20
    commonest: Count = 200
    low: Annotated[float, Between(-100, 100)] = 1.0
    high: Annotated[float, Between(-100, 100)] = 6.0
    share: Annotated[float, Between(0, 1, above=True)] = 0.15
    crossing: bool = False
    control: bool = False


def removed(
    train: Tokens,
    removal: Removal,
    settings: Mining,
    *,
    known: Collection[str],
    tokenizer: str = "whitespace",
    lines: Sequence[str] = (),
) -> tuple[npt.NDArray[np.int64], Mined]:
    """int64: the rows of train that stay; and the probes, mined as if the rows that go were a reserve.

    For the control the rows that stay are others and the pairs are in train: probes have held = False, none is crossed.
    """
    search = Search(train, (), (), settings, known=known, tokenizer=tokenizer, lines=lines)
    rng = np.random.Generator(np.random.PCG64(settings.seed))
    has_pair = _rows_with(search, _chosen(search, removal, rng))
    stay, go = np.flatnonzero(~has_pair), np.flatnonzero(has_pair)
    mined = Search(
        [train[i] for i in stay.tolist()],
        [train[i] for i in go.tolist()],
        go.tolist(),
        settings,
        known=known,
        tokenizer=tokenizer,
        lines=[lines[i] for i in stay.tolist()] if lines else (),
    ).mined()
    if removal.control:
        others = stay[np.sort(np.argsort(rng.random(len(stay)), kind="stable")[len(go) :])]
        stay = np.sort(np.concatenate([others, go]))
        mined = Mined(tuple(replace(probe, held=False) for probe in mined.probes), (), mined.found)
    return stay, Mined(mined.probes, mined.crossed, {**mined.found, "sentences_removed": len(go)})


def _chosen(search: Search, removal: Removal, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """int64 (pairs, 2): rows and columns of the pairs to take out."""
    seen = search.seen
    with np.errstate(divide="ignore", invalid="ignore"):
        bits = np.log2(seen / search.expected)
    good = (seen >= removal.rarest) & (seen <= removal.commonest) & (bits >= removal.low) & (bits <= removal.high)
    good &= (seen <= removal.share * seen.sum(axis=1, keepdims=True)) & (seen <= removal.share * seen.sum(axis=0))
    cells = np.argwhere(good)
    if len(cells) < removal.pairs:
        raise BadText(
            f"train has {len(cells):,} pairs that could be removed and {removal.pairs:,} are asked for: the text is "
            "too small or the limits too strict; lower pairs or rarest"
        )
    cells = cells[np.argsort(rng.random(len(cells)), kind="stable")]
    first = [number for two in search.crossing(cells) for number in two] if removal.crossing else []
    order = dict.fromkeys([*first, *range(len(cells))])
    return cells[list(order)[: removal.pairs]]


def _rows_with(search: Search, cells: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """bool (S,): whether a row of train has one of these pairs, however inflected, spelled or spaced."""
    family, table, text = search.forms.family, search.table, search.text
    rows, columns = cells.T
    chosen = Met(table.x[rows], table.frame[rows], table.b[columns], np.full(len(cells), NONE))
    pairs = met(text, search.forms, anywhere=True)
    found = np.zeros(len(search.train), bool)
    found[text.rows[pairs.at[np.isin(pairs.families(family), chosen.families(family))]]] = True
    kin = np.argwhere(table.kin(chosen, family))
    found[_rows_that_spell({search.spelled(row, column) for row, column in kin}, search.train)] = True
    return found


def _rows_that_spell(pairs: Collection[str], train: Tokens) -> list[int]:
    """Rows that have one of these strings once their spaces are gone."""
    glued = list(map(without_spaces, train))
    text = "\n".join(glued)
    ends = np.cumsum([len(row) + 1 for row in glued])
    places = [match.start() for pair in pairs for match in re.finditer(re.escape(pair), text)]
    found: list[int] = np.searchsorted(ends, places, side="right").tolist()
    return found
