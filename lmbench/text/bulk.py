"""Large texts in words that white space separates, straight to ids: no list of lines, no list a line.

What a benchmark's corpus does line by line, with statistics and spellings, is done here a block of megabytes at a time
by split() and one look-up a word. The ids are the same.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import repeat
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from lmbench.text.files import opened, read_lines
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS, UNK, Vocabulary, ranking

BLOCK = 1 << 18
"""Bytes. The words of a vocabulary lie among those of the block they first stood in: small blocks leave small gaps."""
END = "\0"
"""Stands for the end of a line among the words of a block; no text has it."""


def read(path: Path, vocab: Vocabulary | None = None, *, min_count: int = 1, max_size: int | None = None) -> Sentences:
    """The lines of a UTF-8 file (plain, .gz, .xz) as rows, each ended by </s>; lines without a word are left out.

    vocab: of another text; without it that of this one is built, as Vocabulary.build does.
    """
    if vocab is not None:
        return _of_parts([_encode(block, vocab.ids) for block in blocks(path)], vocab)
    first: defaultdict[str, int] = defaultdict()  # ids by first occurrence, while reading
    first.default_factory = first.__len__
    first[END]
    parts = []
    for block in blocks(path):
        words = block.split()
        parts.append(np.fromiter(map(first.__getitem__, words), np.int32, len(words)))
    counts = sum((np.bincount(part, minlength=len(first)) for part in parts), np.zeros(len(first), np.int64))
    kept = ranking(counts[1:], min_count=min_count, max_size=max_size)
    words = list(first)[1:]
    vocab = Vocabulary.of_words([words[i] for i in kept.tolist()])
    ids = np.full(len(first), UNK, np.int32)
    ids[0] = -1
    ids[kept + 1] = np.arange(EOS + 1, len(vocab))
    return _of_parts([ids[part] for part in parts], vocab)


def encode(lines: Iterable[str], vocab: Vocabulary) -> Sentences:
    """Lines in memory as rows of ids, each ended by </s>; lines without a word are left out."""
    return _of_parts([_encode(_marked("\n".join(lines)), vocab.ids)], vocab)


def blocks(path: Path) -> Iterator[str]:
    """The text in blocks of whole lines, NFC, each line end as END between spaces.

    What is wrong with a text is found here and said by read_lines().
    """
    any_word = False
    with opened(path) as file:
        for data in _whole_lines(file):
            try:
                text = data.decode("utf-8").removeprefix("\ufeff")
            except UnicodeDecodeError:
                text = END
            if END in text:
                read_lines(path)
            any_word = any_word or not text.isspace()
            yield _marked(text)
    if not any_word:
        read_lines(path)


def _whole_lines(file: BinaryIO) -> Iterator[bytes]:
    """About BLOCK bytes at a time, up to a line end."""
    rest = b""
    while data := file.read(BLOCK):
        end = data.rfind(b"\n") + 1
        if end:
            yield rest + data[:end]
            rest = data[end:]
        else:
            rest += data
    if rest:
        yield rest


def _marked(text: str) -> str:
    if not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
    return text.replace("\n", f" {END} ") + ("" if text.endswith("\n") else f" {END}")


def _encode(block: str, ids: dict[str, int]) -> npt.NDArray[np.int32]:
    """int32: the words of a block, -1 for each END."""
    words = block.split()
    found = np.fromiter(map(ids.get, words, repeat(UNK)), np.int32, len(words))
    unknown = np.flatnonzero(found == UNK)
    found[unknown[[words[i] == END for i in unknown.tolist()]]] = -1
    return found


def _of_parts(parts: list[npt.NDArray[np.int32]], vocab: Vocabulary) -> Sentences:
    """One row for each -1 that does not follow another."""
    tokens = np.concatenate(parts) if parts else np.empty(0, np.int32)
    ends = tokens < 0
    empty = ends.copy()
    empty[1:] &= ends[:-1]
    if empty.any():
        tokens, ends = tokens[~empty], ends[~empty]
    tokens[ends] = EOS
    return Sentences(vocab, tokens, np.concatenate([[0], np.flatnonzero(ends) + 1]))
