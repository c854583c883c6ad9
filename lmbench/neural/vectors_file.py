"""Files of word vectors: word2vec's text and binary, GloVe's text, and fastText's .bin, which gensim reads.

What is in a file is looked at line by line: a line that is no vector is left out, counted and said; it costs no other.
"""

from __future__ import annotations

import struct
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from lmbench.errors import BadConfig, BadText
from lmbench.text.files import BOM, HEAD, is_text, opened

FASTTEXT = struct.pack("<i", 793_712_314)
"""What a fastText .bin begins with."""
NUMERIC, FEWER = 0.25, 3
"""Of the bytes of vectors as text so many at least spell numbers, and so many times fewer are control characters. Of
binary ones 6 % and 11 % are, by chance."""
_OF_NUMBERS = frozenset(b"0123456789+-.,")

WORDLESS, NO_NUMBERS, NOT_FINITE = "without a word", "with what is not a number", "with a number that is not finite"
OTHER_WIDTH, TWICE, NOT_UTF8 = "with more or fewer numbers", "of a word that an earlier one has", "not in UTF-8"


@dataclass(frozen=True, eq=False)
class VectorsFile:
    """source: gensim's KeyedVectors, words in NFC    notes: what is left out of the file, and why"""

    source: Any
    notes: tuple[str, ...] = ()


@dataclass
class _Found:
    """What is read of a file, line by line.

    out: reason -> how many lines are left out for it; commas: whether one has a decimal comma
    """

    path: Path
    dim: int
    vectors: dict[str, np.ndarray[Any, np.dtype[np.float32]]] = field(default_factory=dict)
    out: Counter[str] = field(default_factory=Counter)
    lines: int = 0
    commas: bool = False

    def add(self, word: bytes, numbers: Any) -> None:
        """A word and its vector: kept, or counted with the reason that it is not."""
        self.lines += 1
        with np.errstate(over="ignore"):
            vector = np.array(numbers, np.float32)
        try:
            name = unicodedata.normalize("NFC", word.decode())
        except UnicodeDecodeError:
            self.out[NOT_UTF8] += 1
            return
        if not name.strip():
            self.out[WORDLESS] += 1
        elif not np.isfinite(vector).all():
            self.out[NOT_FINITE] += 1
        elif name in self.vectors:
            self.out[TWICE] += 1
        else:
            self.vectors[name] = vector

    def skip(self, reason: str) -> None:
        """A line that is no vector."""
        self.lines += 1
        self.out[reason] += 1

    def result(self, announced: int | None) -> VectorsFile:
        """All that is read; BadText where it is nothing, or less than the file's head announces."""
        if announced is not None and self.lines < announced:
            raise _unreadable(self.path, f"its first line announces {announced:,} words and {self.lines:,} are there")
        if not self.vectors:
            cause = f"{self._left_out()}; give another file"
            if self.commas:
                cause = "its numbers have decimal commas; write points"
            raise BadText(f"{self.path} has no word vector that can be used: {cause}")
        from gensim.models import KeyedVectors  # type: ignore[import-untyped]

        source = KeyedVectors(self.dim)
        source.add_vectors(list(self.vectors), np.stack(list(self.vectors.values())))
        notes = [f"of {self.path.name} {self._left_out()}"] if self.out else []
        if announced is not None and self.lines > announced:
            notes.append(f"{self.path.name} announces {announced:,} words and has {self.lines:,}: all are read")
        return VectorsFile(source, tuple(notes))

    def _left_out(self) -> str:
        reasons = ", ".join(f"{many:,} {reason}" for reason, many in self.out.most_common())
        many = self.out.total()
        return f"{many:,} of {self.lines:,} vectors {'is' if many == 1 else 'are'} left out: {reasons}"


def read(path: Path, dim: int) -> VectorsFile:
    """The vectors of a file of `dim` numbers a word (.gz is unpacked). What it is, its bytes say.

    A first line that announces how many there are may be missing (GloVe). Words are in NFC, and of equal ones the first
    counts. BadText for a file that is none, is damaged or of which nothing can be used, BadConfig for one of another
    dim.
    """
    with opened(path) as file:
        first = file.readline(1 << 20)
        if first.startswith(FASTTEXT):
            return _fasttext(path, dim)
        sample = file.read(HEAD)
    head = first.removeprefix(BOM.encode()).split()
    announced = int(head[0]) if len(head) == 2 and all(number.isdigit() for number in head) else None
    if announced is None:
        _require_dim(path, _width(path, first), dim)
    else:
        _require_dim(path, int(head[1]), dim)
    found = _Found(path, dim)
    with opened(path) as file:
        if announced is not None:
            file.readline()
        if announced is None or _is_text(sample):
            _read_text(file, found)
        else:
            _read_binary(file, found, announced)
    return found.result(announced)


def _require_dim(path: Path, found: int, dim: int) -> None:
    if found != dim:
        raise BadConfig(f"{path} has {found} numbers a word and dim = {dim}: set dim = {found}, or take another file")


def _width(path: Path, line: bytes) -> int:
    """How many numbers stand at the end of the first line of a file that announces nothing."""
    fields = line.removeprefix(BOM.encode()).split()
    numbers = next((i for i, text in enumerate(reversed(fields)) if _number(text) is None), len(fields) - 1)
    if numbers < 2:
        commas = "numbers with decimal commas; write points" if b"," in line else "the bytes of something else"
        raise BadText(
            f"{path} is no file of word vectors: its first line is neither the number of words and of numbers a word "
            f"nor a word and its numbers, perhaps {commas}; give a .vec, or a .bin of word2vec or fastText"
        )
    return numbers


def _number(text: bytes) -> float | None:
    try:
        return None if b"_" in text else float(text)  # float() takes 1_000
    except ValueError:
        return None


def _is_text(sample: bytes) -> bool:
    """Whether what follows the first line is spelled: UTF-8 without control characters, or mostly digits."""
    numeric = sum(byte in _OF_NUMBERS for byte in sample)
    control = sum(byte < 32 and not bytes([byte]).isspace() for byte in sample)
    return is_text(sample) or numeric >= max(NUMERIC * len(sample), FEWER * control)


def _read_text(file: BinaryIO, found: _Found) -> None:
    """A word, which may have spaces in it, and its numbers, a line each."""
    for i, line in enumerate(file):
        line = line.removeprefix(BOM.encode()) if i == 0 else line
        if not line.strip():
            continue
        fields = line.rsplit(None, found.dim)
        numbers = [_number(text) for text in fields[1:]]
        found.commas = found.commas or (b"," in line and None in numbers)
        rest = fields[0].split()
        if len(numbers) == found.dim and None not in numbers and (len(rest) == 1 or _number(rest[-1]) is None):
            found.add(fields[0], numbers)
        elif len(numbers) == found.dim and None in numbers and len(rest) == 1:
            found.skip(NO_NUMBERS)
        elif line[:1].isspace() and len(fields) == found.dim:
            found.skip(WORDLESS)
        else:
            found.skip(OTHER_WIDTH)


def _read_binary(file: BinaryIO, found: _Found, announced: int) -> None:
    """A word, a space and the bytes of its float32, perhaps a line end, as often as is announced; and no more."""
    size = 4 * found.dim
    words = _binary_words(file, size, found.path)
    for _ in range(announced):
        if (pair := next(words, None)) is None:
            return
        found.add(pair[0].lstrip(b"\n"), np.frombuffer(pair[1], "<f4"))
    if next(words, None) is not None:
        raise _unreadable(found.path, f"its first line announces {announced:,} words and more follow")


def _binary_words(file: BinaryIO, size: int, path: Path) -> Iterator[tuple[bytes, bytes]]:
    data, at = b"", 0
    while True:
        end = data.find(b" ", at)
        if end < 0 or len(data) < end + 1 + size:
            if more := file.read(1 << 20):
                data, at = data[at:] + more, 0
                continue
            if data[at:].strip():
                raise _unreadable(path, "it ends inside a vector")
            return
        yield data[at:end], data[end + 1 : end + 1 + size]
        at = end + 1 + size


def _fasttext(path: Path, dim: int) -> VectorsFile:
    try:
        from gensim.models.fasttext import load_facebook_vectors  # type: ignore[import-untyped]

        source = load_facebook_vectors(str(path))
    except (EOFError, OSError, ValueError, IndexError, NotImplementedError, AssertionError, struct.error) as error:
        raise _unreadable(path, " ".join(str(error).split()) or type(error).__name__) from error
    _require_dim(path, source.vector_size, dim)
    if not (np.isfinite(source.vectors).all() and np.isfinite(source.vectors_ngrams).all()):
        raise _unreadable(path, "it has numbers that are not finite")
    for i, word in enumerate(source.index_to_key):
        normal = unicodedata.normalize("NFC", word)
        if normal not in source.key_to_index:  # else the word in NFC is the text's
            source.key_to_index[normal] = source.key_to_index.pop(word)
            source.index_to_key[i] = normal
    return VectorsFile(source)


def _unreadable(path: Path, why: str) -> BadText:
    return BadText(f"{path} cannot be read as word vectors ({why}): perhaps cut off; fetch it again")
