"""Tokens of a text on disk, for tokenizers that take longer than reading a file.

A file is plain UTF-8: a line that says what it is, a line of its tokenizer, then one line of tokens,
separated by spaces, for each line of the text. Its name is the SHA-256 of the tokenizer, its versions and the text.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lmbench.storage import atomic_write, sha256
from lmbench.text.files import normalise
from lmbench.text.tokenizers import Tokenizer

_FORMAT = "lmbench tokens 1"


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
    stored = _read(path, identity, len(lines))
    if stored is not None:
        return stored
    tokens = tokenizer.tokenize(lines)
    body = f"{identity}\n" + "".join(" ".join(row) + "\n" for row in tokens)
    data = body.encode()
    atomic_write(path, f"{_FORMAT} {sha256(data)}\n".encode() + data)
    return tokens


def _read(path: Path, identity: str, n_lines: int) -> list[list[str]] | None:
    """The rows of tokens in the file, or None if it is not there or not what was written."""
    try:
        head, _, data = path.read_bytes().partition(b"\n")
    except OSError:
        return None
    if head != f"{_FORMAT} {sha256(data)}".encode():
        return None
    first, *rows = data.decode().split("\n")[:-1]
    if first != identity or len(rows) != n_lines:
        return None
    known: dict[str, str] = {}
    keep = known.setdefault
    return [[keep(token, token) for token in row.split()] for row in rows]
