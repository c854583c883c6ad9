"""Large texts in words that white space separates, straight to ids: no list of lines, no list a line, no word twice.

What a benchmark's corpus does line by line, with statistics and spellings, is done here a block of bytes at a time.
The ids are the same.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from lmbench.text.files import opened, read_lines
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS, UNK, Vocabulary, ranking
from lmbench.text.words import WIDE_SPACES, Words, WordTable, spelled, words_of

BLOCK = 1 << 20
"""Bytes: what is made of a block stays in the processor's cache."""
END = -1
NEWLINE = 10

Bytes = npt.NDArray[np.uint8]
Ids = npt.NDArray[np.int32]


def read(path: Path, vocab: Vocabulary | None = None, *, min_count: int = 1, max_size: int | None = None) -> Sentences:
    """The lines of a UTF-8 file (plain, .gz, .xz) as rows, each ended by </s>; lines without a word are left out.

    vocab: of another text; without it that of this one is built, as Vocabulary.build does.
    """
    if vocab is not None:
        return _of_parts([_encode(data, vocab) for data in blocks(path)], vocab)
    table, names = WordTable.of([]), []  # ids by first occurrence, while reading
    parts = []
    for data in blocks(path):
        words = words_of(data)
        table, ids, new = table.learn(words.keys)
        names += spelled(data, words.begin[new], words.end[new])
        parts.append(_with_ends(data, words, ids))
    counts = np.zeros(len(names), np.int64)
    for part in parts:
        counts += np.bincount(part[part != END], minlength=len(names))
    kept = ranking(names, counts, min_count=min_count, max_size=max_size)
    vocab = Vocabulary.of_words([names[i] for i in kept.tolist()])
    events = np.full(len(names) + 1, UNK, np.int32)
    events[kept] = np.arange(EOS + 1, len(vocab))
    events[END] = END  # the last place
    return _of_parts([events[part] for part in parts], vocab)


def encode(lines: Iterable[str], vocab: Vocabulary) -> Sentences:
    """Lines in memory as rows of ids, each ended by </s>; lines without a word are left out."""
    return _of_parts([_encode(_bytes("\n".join(lines)), vocab)], vocab)


def blocks(path: Path) -> Iterator[Bytes]:
    """The text in blocks of whole lines, UTF-8 in NFC, white space within lines in ASCII.

    What is wrong with a text is found here and said by read_lines().
    """
    any_word, mark = False, "\ufeff"
    with opened(path) as file:
        for data in _whole_lines(file):
            try:
                text = data.decode("utf-8").removeprefix(mark)
            except UnicodeDecodeError:
                text = "\0"
            if "\0" in text:
                read_lines(path)
            any_word, mark = any_word or not text.isspace(), ""
            yield _bytes(text)
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


def _bytes(text: str) -> Bytes:
    if not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
    if not text.isascii():
        for space in WIDE_SPACES:
            if space in text:
                text = text.replace(space, " ")
    return np.frombuffer((text if text.endswith("\n") else text + "\n").encode(), np.uint8)


def _encode(data: Bytes, vocab: Vocabulary) -> Ids:
    words = words_of(data)
    ids = vocab.table.find(words.keys)
    return _with_ends(data, words, np.where(ids < 0, np.int32(UNK), ids + np.int32(EOS + 1)))


def _with_ends(data: Bytes, words: Words, ids: Ids) -> Ids:
    """int32: the ids of a block's words with END where a line ends."""
    lines = np.flatnonzero(data == NEWLINE)
    marked = np.full(len(ids) + len(lines), END, np.int32)
    marked[np.arange(len(ids)) + np.searchsorted(lines, words.begin)] = ids
    return marked


def _of_parts(parts: list[npt.NDArray[np.int32]], vocab: Vocabulary) -> Sentences:
    """One row for each END that does not follow another."""
    tokens = np.concatenate(parts) if parts else np.empty(0, np.int32)
    ends = tokens == END
    empty = ends.copy()
    empty[1:] &= ends[:-1]
    if empty.any():
        tokens, ends = tokens[~empty], ends[~empty]
    tokens[ends] = EOS
    return Sentences(vocab, tokens, np.concatenate([[0], np.flatnonzero(ends) + 1]))
