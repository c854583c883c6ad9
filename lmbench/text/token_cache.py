"""Tokens of a text on disk, for tokenizers that take longer than reading a file.

A file is plain UTF-8: a line that says what it is, a line of its tokenizer, then one line of tokens,
separated by spaces, for each line of the text, and the seal. Its name is the SHA-256 of the tokenizer, its versions
and the text.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lmbench.storage import damaged, kept, read_sealed, sha256, write_sealed
from lmbench.text.files import normalise
from lmbench.text.tokenizers import Tokenizer

_FORMAT = "lmbench tokens 2"


def tokenize(tokenizer: Tokenizer, lines: Sequence[str], cache: Path | None = None) -> list[list[str]]:
    """tokenizer.tokenize(lines), read from the folder `cache` where it is there, whole and of these versions.

    A file that is damaged, cut off or of another format is made again; deleting any of them is safe.
    """
    if cache is None or not tokenizer.slow:
        return tokenizer.tokenize(lines)
    lines = [normalise(line) for line in lines]  # so that none has a line end in it and texts cannot share a key
    identity = f"{tokenizer.name} {tokenizer.version()}"
    key = "\n".join((_FORMAT, identity, *lines))
    path = Path(cache) / f"{sha256(key.encode())}.tokens.txt"
    stored = kept(path, lambda path: _read(path, identity, len(lines)))
    if stored is not None:
        return stored
    tokens = tokenizer.tokenize(lines)
    body = f"{_FORMAT}\n{identity}\n" + "".join(" ".join(row) + "\n" for row in tokens)
    write_sealed(path, body.encode())
    return tokens


def _read(path: Path, identity: str, n_lines: int) -> list[list[str]]:
    """The rows of tokens in the file; Damaged where it is not what was written."""
    made, whose, *rows = read_sealed(path).decode().split("\n")[:-1]
    if (made, whose, len(rows)) != (_FORMAT, identity, n_lines):
        raise damaged(path, fact="is named as another text")
    known: dict[str, str] = {}
    keep = known.setdefault
    return [[keep(token, token) for token in row.split()] for row in rows]
