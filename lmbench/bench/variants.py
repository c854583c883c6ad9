"""Rows made from rows: each under several sizes of train, or under several settings of which valid chooses one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Annotated, Any

from lmbench.bench.results import Result
from lmbench.errors import BadConfig, BadModel, choose
from lmbench.fields import Between, Checked, Count
from lmbench.models import family

if TYPE_CHECKING:
    from lmbench.bench.specs import Row

REFERENCE = "reference"
"""The family of rows that learn nothing from train."""


@dataclass(frozen=True, kw_only=True)
class CurveSpec(Checked):
    """The [curve] table: every row is trained on the beginning of train, at each size, over one vocabulary.

    sizes:  sentences of train, rising
    epochs: passes over them at each size, for rows that say how many `epochs` they have; theirs if left out
    """

    sizes: tuple[Count, ...]
    epochs: tuple[Annotated[int, Between(1, 10**6)], ...] = ()

    def check(self, where: str) -> None:
        """BadConfig for sizes that do not rise, or another number of epochs than of sizes."""
        if not self.sizes or list(self.sizes) != sorted(set(self.sizes)):
            raise BadConfig(f"{where}: sizes = {list(self.sizes)} do not rise; write such as [1000, 3000]")
        if self.epochs and len(self.epochs) != len(self.sizes):
            raise BadConfig(
                f"{where}: epochs = {list(self.epochs)} are {len(self.epochs)} for {len(self.sizes)} sizes; "
                "give as many, or leave them out"
            )


@dataclass(frozen=True, kw_only=True)
class SearchSpec(Checked):
    """The [search] table: the same number of settings is tried for each row, and the best on valid is the row.

    trials: how many for each row
    grid:   row -> field -> values; every combination is tried
    """

    trials: Annotated[int, Between(1, 10**4)]
    grid: dict[str, object]

    def tries(self, rows: Mapping[str, Row], where: str) -> dict[str, list[dict[str, Any]]]:
        """Row -> the fields of each trial, the last field varying fastest.

        BadConfig for a row that is none, values that are no list, or more or fewer trials than others have.
        """
        found = {}
        for name, fields in self.grid.items():
            at = f"{where}: [search.grid.{name}]"
            choose(rows, name, f"row for {at}")
            if not isinstance(fields, dict) or not all(isinstance(values, list) for values in fields.values()):
                raise BadConfig(f"{at} is not a table of fields and lists of values; write such as lr = [0.003, 0.01]")
            found[name] = [dict(zip(fields, values, strict=True)) for values in product(*fields.values())]
            if len(found[name]) != self.trials:
                raise BadConfig(
                    f"{at} has {len(found[name])} combinations where trials = {self.trials}: every row is tried "
                    "equally often; give it as many"
                )
        return found


def at_sizes(rows: Sequence[Row], curve: CurveSpec) -> Iterator[Row]:
    """<row>@<size> for each size, smallest first; a row that learns nothing from train is left as it is."""
    learning = {row.name for row in rows if family(row.kind) != REFERENCE}
    yield from (row for row in rows if row.name not in learning)
    for at, size in enumerate(curve.sizes):
        for row in rows:
            if row.name in learning:
                epochs = {"epochs": curve.epochs[at]} if curve.epochs and "epochs" in row.settings else {}
                yield replace(
                    row,
                    name=f"{row.name}@{size}",
                    settings=row.settings | epochs,
                    components=tuple(f"{part}@{size}" if part in learning else part for part in row.components),
                    of=row.name,
                    train_lines=size,
                )


def with_trials(rows: Sequence[Row], tries: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[Row]:
    """<row>#1, <row>#2, ... before each row that is searched for, which names them and what each tries."""
    for row in rows:
        named = {f"{row.name}#{number}": tried for number, tried in enumerate(tries.get(row.name, ()), 1)}
        for name, tried in named.items():
            yield replace(row, name=name, settings={**row.settings, **tried}, of=row.name, trial=tried)
        yield replace(row, tries=named)


def best(row: Row, tried: Sequence[Result]) -> tuple[Row, str]:
    """The row with the settings that were best on valid, the first among equals; and a note that says so."""
    known = [result for result in tried if "valid_ppl" in result.metrics]
    if not known:
        raise BadModel(
            f"none of the {len(tried)} settings tried for {row.name!r} has a perplexity on valid; see theirs"
        )
    chosen = row.tries[min(known, key=lambda result: result.metrics["valid_ppl"]).row]
    said = ", ".join(f"{name} = {value}" for name, value in chosen.items())
    return replace(row, settings={**row.settings, **chosen}), f"best on valid of {len(tried)} settings: {said}"
