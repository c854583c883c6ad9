"""Files of word vectors: text and binary as word2vec writes them, and fastText's .bin; read by gensim."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from lmbench.errors import BadConfig, BadText
from lmbench.text.files import opened

FASTTEXT = struct.pack("<i", 793_712_314)
"""What a fastText .bin begins with."""


def read(path: Path, dim: int) -> Any:
    """gensim's KeyedVectors of a file of `dim` numbers a word (.gz is unpacked); what it is, its first lines say.

    BadText for a file that is none or is damaged, BadConfig for one of another dim.
    """
    with opened(path) as file:
        head, first = file.readline(), file.readline()
    if head.startswith(FASTTEXT):
        source = _load(path, binary=None)
        _require_dim(path, source.vector_size, dim)
        return source
    numbers = head.split()
    if len(numbers) != 2 or not all(number.isdigit() for number in numbers):
        raise BadText(
            f"{path} is no file of word vectors: its first line is not the number of words and of numbers a word "
            "(GloVe's files lack that line; write it above them); give a .vec, or a .bin of word2vec or fastText"
        )
    _require_dim(path, int(numbers[1]), dim)
    return _load(path, binary=not _is_text(first, dim))


def _require_dim(path: Path, found: int, dim: int) -> None:
    if found != dim:
        raise BadConfig(f"{path} has {found} numbers a word and dim = {dim}: set dim = {found}, or take another file")


def _is_text(line: bytes, dim: int) -> bool:
    """Whether a line is a word and dim numbers, spelled."""
    try:
        numbers = [float(number) for number in line.decode().rstrip().rsplit(" ", dim)[1:]]
    except ValueError:
        return False
    return len(numbers) == dim


def _load(path: Path, binary: bool | None) -> Any:
    """binary: None for fastText's own format."""
    try:
        if binary is None:
            from gensim.models.fasttext import load_facebook_vectors  # type: ignore[import-untyped]

            return load_facebook_vectors(str(path))
        from gensim.models import KeyedVectors  # type: ignore[import-untyped]

        return KeyedVectors.load_word2vec_format(str(path), binary=binary, unicode_errors="replace")
    except (EOFError, OSError, ValueError, IndexError, NotImplementedError, AssertionError, struct.error) as error:
        told = " ".join(str(error).split()) or type(error).__name__
        raise BadText(f"{path} cannot be read as word vectors ({told}): perhaps cut off; fetch it again") from error
