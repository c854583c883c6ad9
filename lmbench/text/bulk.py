"""Large texts in words that white space separates, straight to ids: no list of lines, no list a line, no word twice.

What a benchmark's corpus does line by line, with statistics and spellings, is done here a block of bytes at a time.
The ids are the same.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from lmbench.errors import BadText
from lmbench.text.files import BOM, LineEnds, normalise, opened, read_lines
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS, UNK, Vocabulary, limited
from lmbench.text.words import BYTES, Words, learner, listed, narrow_spaces, ranking, spelled, words_of
from lmbench.threads import ahead

BLOCK = 1 << 20
"""Bytes: what is made of a block stays in the processor's cache."""
END = -1
NEWLINE = 10
MARK = BOM.encode()
LONGEST = 1 << 24
"""Bytes of a word: what is longer is no word, and would be held in memory at once."""

Bytes = npt.NDArray[np.uint8]
Ids = npt.NDArray[np.int32]


def read(path: Path, vocab: Vocabulary | None = None, *, min_count: int = 1, max_size: int | None = None) -> Sentences:
    """The lines of a UTF-8 file (plain, .gz, .xz) as rows, each ended by </s>; lines without a word are left out.

    vocab: of another text; without it that of this one is built, as Vocabulary.build does.
    """
    if vocab is not None:
        return _rows(_joined([_encode(data, vocab) for data in blocks(path)]), vocab)
    table = learner(path.stat().st_size // BYTES if path.is_file() else 0)
    parts, blocks_of_new = [], []
    for data, words in ahead((data, words_of(data)) for data in blocks(path)):
        table, ids, new = table.learn(words.keys)
        blocks_of_new.append(spelled(data, words.begin[new], words.end[new]))
        parts.append(_with_ends(data, words, ids, END))
    del table
    spellings = np.concatenate(blocks_of_new)
    n_words = int((spellings == 0).sum())
    tokens = _joined(parts)  # ids by first occurrence, yet
    slices = [tokens[start : start + BLOCK] for start in range(0, len(tokens), BLOCK)]
    counts = np.zeros(n_words, np.int64)
    for part in slices:
        counts += np.bincount(part[part != END], minlength=n_words)
    kept = limited(ranking(spellings, counts), counts, min_count=min_count, max_size=max_size)
    vocab = Vocabulary.of_words(listed(spellings, kept))
    events = np.full(n_words + 1, UNK, np.int32)
    events[kept] = np.arange(EOS + 1, len(vocab))
    events[END] = EOS  # the last place
    for part in slices:
        part[:] = events[part]
    return _rows(tokens, vocab)


def encode(lines: Iterable[str], vocab: Vocabulary) -> Sentences:
    """Lines in memory as rows of ids, each ended by </s>; lines without a word are left out."""
    return _rows(_encode(_bytes("".join(f"{line}\n" for line in lines)), vocab), vocab)


def beginning(path: Path) -> list[str]:
    """The lines of the first block."""
    with closing(blocks(path)) as first:
        return next(first).tobytes().decode().split("\n")


def blocks(path: Path) -> Generator[Bytes, None, None]:
    """The text in blocks of whole lines, or whole words of a line that is longer: UTF-8 in NFC, white space in ASCII.

    The last block ends in a line end.
    What is wrong with a text is found here and said by read_lines().
    """
    any_word, ends = False, LineEnds()
    with opened(path) as file:
        for read in _whole_words(file, path, ends):
            data = read.replace(MARK, b"")
            try:
                text = data.decode("utf-8")
            except UnicodeDecodeError:
                text = "\0"
            if "\0" in text:
                read_lines(path)
            any_word = any_word or bool(text and not text.isspace())
            yield _bytes(text, data)
    if not any_word or ends.lost:
        read_lines(path)


def _whole_words(file: BinaryIO, path: Path, ends: LineEnds) -> Iterator[bytes]:
    """About BLOCK bytes at a time, up to a line end, or up to the last word of a line that does not end."""
    rest = b""
    while data := file.read(BLOCK):
        ends.add(data)
        rest += data
        end = rest.rfind(b"\n") + 1
        if end:
            yield rest[:end]
            rest = rest[end:]
        if len(rest) < BLOCK:
            continue
        words = rest.rstrip()
        begin = max(words.rfind(b" "), words.rfind(b"\t")) + 1
        # a word stays with what ends it, since a line end alone would end no line
        if begin and normalise(words[begin:].decode("utf-8", "ignore")):
            yield words[:begin]
            rest = words[begin:] + rest[len(words) :][:1]
        if len(rest) > LONGEST:
            raise BadText(
                f"{path} has a word of more than {LONGEST >> 20} MB: perhaps it is no text, or has no spaces; "
                "name another tokenizer, such as syllables"
            )
    if rest:
        yield rest + b"\n"


def _bytes(text: str, data: bytes = b"") -> Bytes:
    """Text as blocks() says. data: its bytes, if they are known."""
    plain = text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)
    return narrow_spaces(np.frombuffer(data if plain is text and data else plain.encode(), np.uint8))


def _encode(data: Bytes, vocab: Vocabulary) -> Ids:
    words = words_of(data)
    ids = vocab.table.find(words.keys)
    return _with_ends(data, words, np.where(ids < 0, np.int32(UNK), ids + np.int32(EOS + 1)), EOS)


def _with_ends(data: Bytes, words: Words, ids: Ids, end: int) -> Ids:
    """int32: the ids of a block's words, and end after those of each line that has any."""
    before = np.searchsorted(words.begin, np.flatnonzero(data == NEWLINE))
    before = before[np.diff(before, prepend=0) > 0]
    is_end = np.zeros(len(ids) + len(before), bool)
    is_end[before + np.arange(len(before))] = True
    rows = np.empty(len(is_end), np.int32)
    rows[is_end], rows[~is_end] = end, ids
    return rows


def _joined(parts: list[Ids]) -> Ids:
    """The parts in one array; they are used up, so that the text is in memory once."""
    tokens = np.empty(sum(map(len, parts)), np.int32)
    end = len(tokens)
    while parts:
        part = parts.pop()
        tokens[end - len(part) : end] = part
        end -= len(part)
    return tokens


def _rows(tokens: Ids, vocab: Vocabulary) -> Sentences:
    """A row up to each </s>."""
    return Sentences(vocab, tokens, np.append(0, np.flatnonzero(tokens == EOS) + 1))
