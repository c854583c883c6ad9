"""What things may be called: names become those of files and folders, so they are checked before anything is read."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from lmbench.errors import BadConfig

NAME = re.compile(r"[\w+][\w.+-]*")
LONGEST = 150
"""Bytes of a name: what is added to it, such as .without12.seed3.safetensors, must fit a file system's 255 too."""
QUICK = "-quick"
"""What the folder of a benchmark's --quick form ends in."""
OWN_TEXT = "own-text"
"""The benchmark whose rows `run --train` uses."""
OURS = ("benchmark", "sentences")
"""Files among the facts that are no row's."""
ENDING = re.compile(r".*\.(seed|without)\d+", re.DOTALL)
"""What the files of a row under a seed, or without a group of words, end in."""
FOLDERS = ("facts", "models", "figures")
"""What stands in a benchmark's folder, where its units' folders are too."""


def check_row(name: str, where: str, taken: Iterable[str]) -> None:
    """BadConfig where a row of this name would write files that are not its own.

    taken: names that mean something else where rows are asked for, such as families and 'all'
    """
    check(name, f"{where}: a row's name")
    if folded(name) in OURS or ENDING.fullmatch(folded(name)):
        raise BadConfig(
            f"{where}: {name!r} is what lmbench calls files of its own ({', '.join(OURS)}, ROW.seed0, ROW.without1); "
            "rename the row"
        )
    if folded(name) in map(folded, taken):
        raise BadConfig(f"{where}: {name!r} already stands for other rows (all rows, or those of a family); rename it")


def check_rows(names: Iterable[str], where: str) -> None:
    """BadConfig where two rows would have one file on a system that does not tell upper case from lower."""
    seen: dict[str, str] = {}
    for name in names:
        if (other := seen.setdefault(folded(name), name)) != name:
            raise BadConfig(f"{where}: rows {other!r} and {name!r} differ in case alone, as files do not; rename one")


def check_benchmark(name: str, where: str) -> None:
    """BadConfig where a benchmark of this name would not have a folder of its own in the folder of reports."""
    check(name, f"{where}: the name of a report's folder")
    if name.endswith(QUICK):
        raise BadConfig(f"{where}: a name that ends in {QUICK} is that of another benchmark's --quick form; rename it")


def check_unit(name: str, where: str) -> None:
    """BadConfig where a unit of this name would not have a folder of its own in the folder of the benchmark."""
    check(name, f"{where}: a unit's name")
    if folded(name) in FOLDERS:
        raise BadConfig(f"{where}: {name!r} is a folder of every benchmark ({', '.join(FOLDERS)}); rename the unit")


def check(name: str, what: str) -> None:
    """BadConfig unless the name is one that files on every system can have."""
    if not NAME.fullmatch(name):
        raise BadConfig(
            f"{what} is letters, digits and . + - _, the first of them no . or -, and {name!r} is not; rename it"
        )
    if len(name.encode()) > LONGEST:
        raise BadConfig(f"{what} is {len(name.encode())} bytes long where files can have {LONGEST}; shorten it")


def folded(name: str) -> str:
    """The name as a file system sees it that knows neither case nor ways to write an accent."""
    return unicodedata.normalize("NFC", name).casefold()
