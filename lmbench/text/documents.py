"""Which document each sentence is of: a file of one id a line beside a text of one sentence a line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from lmbench.errors import BadText
from lmbench.text.files import Lines, read_lines


def read_documents(path: Path, text: Lines, source: Path, limit: int | None = None) -> npt.NDArray[np.int64]:
    """int64 (S,): the number of each sentence's document, by first appearance. Ids may be any words.

    text:  what was read of source, the file of sentences; limit: only so many were asked for, from the beginning
    BadText where ids and sentences are not as many, or where empty lines of source have hidden which id is whose.
    """
    read = read_lines(path)
    ids = read.lines
    for file, empty in ((path, read.empty), (source, text.empty)):
        if empty:
            raise BadText(
                f"{file} has {empty} empty lines, so which id of {path.name} is of which sentence of {source.name} is "
                "not known; take those lines out of both files"
            )
    n = len(text.lines)
    if len(ids) < n or (len(ids) > n and n != limit):
        raise BadText(
            f"{path} names the documents of {len(ids):,} sentences and {source} has {n:,}: perhaps one of them is of "
            "another split or cut off; give one id a line, a line for each sentence"
        )
    numbers = {name: number for number, name in enumerate(dict.fromkeys(ids[:n]))}
    return np.array([numbers[name] for name in ids[:n]], np.int64)
