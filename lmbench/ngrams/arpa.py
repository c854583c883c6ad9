r"""ARPA files, the text form in which n-gram models go from one program to another (ngram-format(5) of SRILM).

    \data\
    ngram 1=4
    ngram 2=2

    \1-grams:
    -0.5    <unk>   0       log10 p, the words, log10 of the weight with which the n-gram backs off as a context
    ...
    \end\

Zero has no logarithm, so -99 stands for it, as in SRILM and KenLM: -99 or less, -inf too, is read as impossible, and
what is impossible is written as -99; so is p of <s>, which nobody asks for. A weight that is left out is 1. Words are
written as the vocabulary spells its events, a literal <unk> of the text as \<unk>. KenLM takes <UNK> for <unk>, so
that is how it is read, and a literal <UNK> is written as \<UNK>. A byte order mark is dropped, and words are read in
NFC, as texts are.
"""

from __future__ import annotations

import codecs
import gzip
import io
import lzma
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from lmbench.errors import BadModel
from lmbench.ngrams.backoff import BackOff
from lmbench.ngrams.index import NGramIndex
from lmbench.storage import atomic, check_output
from lmbench.text.files import BOM, opened
from lmbench.text.vocabulary import EOS, UNK, Vocabulary
from lmbench.wording import counted

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

BLOCK = 1 << 14
"""Lines that are made or taken apart at a time: what is in memory of a text that may have gigabytes."""
ZERO = -99.0
NUMBER = "%.9g"
"""Nine significant digits tell any two float32 apart, in which KenLM computes."""
LN10 = float(np.log(10))

_RESERVED = {b"<unk>": UNK, b"</s>": EOS, b"<s>": -1}
"""Ids in a vocabulary; <s> comes last."""
_CAPITAL = re.compile(r"\\*<UNK>")
_COUNT = re.compile(rb"ngram\s+(\d{1,6})\s*=\s*(\d{1,15})")
_PACKERS: dict[str, Callable[[BinaryIO], AbstractContextManager[Any]]] = {
    ".gz": lambda file: gzip.GzipFile("", "wb", 6, file, mtime=0),
    ".xz": lambda file: lzma.LZMAFile(file, "wb"),  # noqa: SIM115 (write() closes it)
}


def write(backoff: BackOff, vocab: Vocabulary, path: Path) -> None:
    """Write a model of vocab's events as an ARPA file; .gz and .xz are packed. The same model gives the same bytes.

    N-grams are in the order of their contexts', then of their words', ids. A model of order 1 has an empty order 2, for
    KenLM loads none of order 1. BadModel where a word cannot stand in an ARPA file.
    """
    path = Path(path)
    check(path)
    words = [_spelled(event) for event in vocab.events] + ["<s>"]
    packer = _PACKERS.get(path.suffix.lower(), nullcontext)
    with atomic(path) as file, packer(file) as packed:
        for block in _text(backoff, words):
            packed.write(block.encode())


def check(path: Path) -> None:
    """BadConfig for a path that write() could not write as its name asks."""
    check_output(path, tuple(_PACKERS))


def _spelled(event: str) -> str:
    """The event as a word of an ARPA file."""
    if not event or re.search(r"[\t\n\v\f\r\0 ]", event):
        raise BadModel(
            f"the word {event!r} cannot stand in an ARPA file, where white space ends a word; "
            "use a tokenizer whose tokens have none"
        )
    return "\\" + event if _CAPITAL.fullmatch(event) else event


def _text(backoff: BackOff, words: Sequence[str]) -> Iterator[str]:
    """The text, piece by piece."""
    log_p, log_gamma = [*backoff.log_p], [*backoff.log_gamma]
    log_p[0] = np.append(log_p[0][:-1], -np.inf)  # <s>
    if len(log_p) == 1:
        log_p.append(np.empty(0))
        log_gamma.append(np.zeros(len(log_p[0])))
    counts = "".join(f"ngram {n}={len(p)}\n" for n, p in enumerate(log_p, start=1))
    yield f"\\data\\\n{counts}"
    for n, p in enumerate(log_p, start=1):
        yield f"\n\\{n}-grams:\n"
        numbers = [(p, 0.0), *((gamma, -ZERO) for gamma in log_gamma[n - 1 : n])]
        line = "\t".join([NUMBER, " ".join(["%s"] * n), *[NUMBER] * (len(numbers) - 1)]) + "\n"
        for start in range(0, len(p), BLOCK):
            block = slice(start, start + BLOCK)
            first, *last = (_log10(nats[block], most) for nats, most in numbers)
            spelled = [[words[i] for i in ids.tolist()] for ids in _words_of(backoff.index, n, block)]
            yield "".join(map(line.__mod__, zip(first, *spelled, *last, strict=True)))
    yield "\n\\end\\\n"


def _log10(nats: Floats, most: float) -> list[Any]:
    """As an ARPA file has it; sums that rounding took above the most there can be are put back."""
    return list((np.clip(nats / LN10, ZERO, most) + 0.0).tolist())  # + 0.0: no -0


def _words_of(index: NGramIndex, n: int, block: slice) -> list[Ints]:
    """The first to the last word of these n-grams of order n, int64 (G,) each."""
    gram, base, found = index.keys[n - 1][block], index.n_events + 1, []
    for lower in range(n - 1, 0, -1):
        found.append(gram % base)
        gram = index.keys[lower - 1][gram // base]
    return [gram % base, *found[::-1]]


def read(path: Path) -> tuple[Vocabulary, BackOff]:
    """The model of an ARPA file (.gz and .xz are unpacked), and its words, in its own order, as a vocabulary.

    <unk> and </s> come first in a vocabulary; where the file lacks them they are impossible. N-grams in which <s> is
    not the first word are left out: no row asks for them. BadModel says on which line what was expected and what was
    found; BadText is about the file as such.
    """
    path = Path(path)
    with opened(path) as file:
        return _model(_Lines(path, io.BufferedReader(file, 1 << 20)))  # type: ignore[arg-type]


class _Lines:
    """The lines of a file, how many were taken, and what of it was read otherwise than it stands there."""

    def __init__(self, path: Path, file: io.BufferedReader) -> None:
        self.path, self.file, self.taken = path, file, 0
        self.notes: list[str] = []

    def next(self) -> bytes | None:
        """The next line that is not empty, without white space at its ends; None at the end of the file."""
        for line in self.file:
            self.taken += 1
            if self.taken == 1:
                line = line.removeprefix(BOM.encode())
                if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                    raise BadModel(f"{self.path} is UTF-16, not UTF-8; convert it (iconv -f UTF-16 -t UTF-8)")
            if stripped := line.strip():
                return stripped
        return None

    def block(self, size: int) -> list[bytes]:
        """That many lines as they are, or what is left."""
        found = list(islice(self.file, size))
        self.taken += len(found)
        return found

    def expect(self, what: str) -> None:
        """The next line says this and nothing else."""
        if (line := self.next()) != what.encode():
            raise self.wrong(what, line)

    def wrong(self, expected: str, found: bytes | None, at: int | None = None) -> BadModel:
        """The error about line number at, or about the last one taken."""
        shown = "the end of the file" if found is None else ascii(found[:60].strip().decode("utf-8", "replace"))
        return BadModel(
            f"{self.path}, line {self.taken if at is None else at}: expected {expected}, found {shown}; "
            "the file may be damaged, cut off or no ARPA file: make it again"
        )


def _model(lines: _Lines) -> tuple[Vocabulary, BackOff]:
    """What the lines say, section by section."""
    counts = _counts(lines)
    vocab, ids, *unigrams = _unigrams(lines, counts[0])
    index, orders = NGramIndex(len(vocab), (np.arange(len(vocab) + 1),)), [unigrams]
    for n, count in enumerate(counts[1:], start=2):
        lines.expect(f"\\{n}-grams:")
        keys, *weights = _ngrams(lines, n, count, ids, index)
        index = NGramIndex(len(vocab), (*index.keys, keys))
        orders.append(weights)
    lines.expect("\\end\\")
    log_p, log_gamma = zip(*orders, strict=True)
    return vocab, BackOff(index, log_p, log_gamma[:-1], tuple(lines.notes))


def _counts(lines: _Lines) -> list[int]:
    """How many n-grams of each order the head announces, up to the first section; what stands before it is nothing."""
    while (line := lines.next()) != b"\\data\\":
        if line is None:
            raise lines.wrong("a line \\data\\", None)
    counts: list[int] = []
    while (match := _COUNT.fullmatch(line := lines.next() or b"")) and int(match[1]) == len(counts) + 1:
        counts.append(int(match[2]))
    if not counts or line != b"\\1-grams:":
        raise lines.wrong(f"ngram {len(counts) + 1}=..." + " or \\1-grams:" * bool(counts), line or None)
    if counts[0] == 0:
        raise lines.wrong("words", b"ngram 1=0")
    return counts


def _unigrams(lines: _Lines, count: int) -> tuple[Vocabulary, dict[bytes, int], Floats, Floats]:
    """The vocabulary, the id of each word the section lists, and ln p and ln weight by id."""
    first = lines.taken + 1
    blocks = list(_blocks(lines, 1, count))
    ids: dict[bytes, int] = {}
    events = ["<unk>", "</s>"]
    for place, word in enumerate(chain.from_iterable(words for _, (words,) in blocks)):
        name = b"<unk>" if word == b"<UNK>" else word
        if name in ids:
            raise lines.wrong("each word once", word, first + place)
        ids[name] = _RESERVED.get(name, len(events))
        if name not in _RESERVED:
            try:
                event = name.decode()
            except UnicodeDecodeError:
                raise lines.wrong("a word in UTF-8", word, first + place) from None
            events.append(event[1:] if _CAPITAL.fullmatch(event) else event)
    vocab = Vocabulary(tuple(_composed(events, lines)))
    log_p, log_gamma = np.full(len(vocab) + 1, -np.inf), np.zeros(len(vocab) + 1)
    listed = np.fromiter(ids.values(), np.int64, len(ids))
    log_p[listed], log_gamma[listed] = np.concatenate([weights for weights, _ in blocks], axis=1)
    log_p[vocab.bos] = -np.inf
    if b"<s>" in ids:
        ids[b"<s>"] = vocab.bos
    if b"<unk>" in ids:
        ids[b"<UNK>"] = UNK
    return vocab, ids, log_p, log_gamma


def _composed(events: list[str], lines: _Lines) -> list[str]:
    """The events in NFC, as a text's words are; one whose NFC is another event stays as it is, and no text has it."""
    taken, found = set(events), []
    for event in events:
        normal = unicodedata.normalize("NFC", event)
        found.append(event if normal in taken else normal)
        taken.add(normal)
    many = sum(before != after for before, after in zip(events, found, strict=True))
    twice = sum(not unicodedata.is_normalized("NFC", event) for event in found)
    if many:
        lines.notes.append(f"{counted(many, 'word')} of the file read in another Unicode form (NFC)")
    if twice:
        lines.notes.append(f"{counted(twice, 'word')} of the file that it has in NFC too, read as <unk>")
    return found


def _ngrams(
    lines: _Lines, n: int, count: int, ids: Mapping[bytes, int], index: NGramIndex
) -> tuple[Ints, Floats, Floats]:
    """The keys of the n-grams of one order, sorted, and their ln p and ln weights; index has the lower orders."""
    first, bos, base = lines.taken + 1, index.n_events, index.n_events + 1
    keys, weights = [np.empty(0, np.int64)], [np.empty((2, 0))]
    for block, columns in _blocks(lines, n, count):
        start = lines.taken - len(columns[0]) + 1
        try:
            words = [np.fromiter(map(ids.__getitem__, column), np.int64, len(column)) for column in columns]
        except KeyError as error:
            (word,) = error.args
            place = min(column.index(word) for column in columns if word in column)
            raise lines.wrong("words that are 1-grams", word, start + place) from None
        context = words[0]
        for length, word_ids in enumerate(words[1:-1], start=2):
            context = index.find(length, context, word_ids)
        read = np.all([word_ids != bos for word_ids in words[1:]], axis=0)
        if (lost := np.flatnonzero(read & (context < 0))).size:
            spelled = b" ".join(column[lost[0]] for column in columns)
            raise lines.wrong("an n-gram whose first words are one too", spelled, start + int(lost[0]))
        keys.append(np.where(read, context * base + words[-1], -1))
        weights.append(block)
    key = np.concatenate(keys)
    if many := int((key < 0).sum()):
        lines.notes.append(f"{counted(many, f'{n}-gram')} with <s> inside left out")
    order = np.argsort(key, kind="stable")
    order = order[np.searchsorted(key, 0, sorter=order) :]
    key = key[order]
    if (twice := np.flatnonzero(key[1:] == key[:-1])).size:
        raise lines.wrong("each n-gram once", b"that of an earlier line", first + int(order[twice + 1].min()))
    log_p, log_gamma = np.concatenate(weights, axis=1)[:, order]
    return key, log_p, log_gamma


def _blocks(lines: _Lines, n: int, count: int) -> Iterator[tuple[Floats, list[list[bytes]]]]:
    """The n-grams of a section, many at a time: ln p and ln weight, (2, G), and a column for each word."""
    for start in range(0, count, BLOCK):
        size = min(BLOCK, count - start)
        block = lines.block(size)
        sizes = list(map(len, map(bytes.split, block)))
        width = max(sizes, default=0)
        try:
            if len(block) < size or not set(sizes) <= {n + 1, n + 2}:
                raise ValueError
            whole = block
            if len(set(sizes)) == 2:
                whole = [line if many == width else line + b" 0" for line, many in zip(block, sizes, strict=True)]
            fields = b" ".join(whole).split()  # a list for each line would keep the garbage collector busy
            log_p = _numbers(fields[::width], most=0.0)
            log_gamma = _numbers(fields[n + 1 :: width], most=-ZERO) if width == n + 2 else np.zeros(size)
        except ValueError:
            raise _fault(lines, block, n, count) from None
        yield np.stack([log_p, log_gamma]), [fields[place::width] for place in range(1, n + 1)]


def _numbers(column: Sequence[bytes], most: float) -> Floats:
    """Nats of a column of log10; ValueError where one is no number or more than most."""
    if b"_" in b"".join(column):  # which float() takes
        raise ValueError
    found = np.fromiter(map(float, column), np.float64, len(column))
    if not np.all(found <= most):
        raise ValueError
    return np.where(found <= ZERO, -np.inf, np.maximum(found, ZERO) * LN10)


def _fault(lines: _Lines, block: list[bytes], n: int, count: int) -> BadModel:
    """What is wrong with the first line of a block that is no n-gram of n words."""
    for at, line in enumerate(block, start=lines.taken - len(block) + 1):
        fields = line.split()
        if not fields or fields[0].startswith(b"\\"):
            return lines.wrong(f"all {count} {n}-grams that the head announces", line, at)
        if len(fields) not in (n + 1, n + 2):
            return lines.wrong(f"log10 p, {n} words and perhaps a log10 weight", line, at)
        for field, most in (fields[0], 0.0), *((field, -ZERO) for field in fields[n + 1 :]):
            try:
                _numbers([field], most)
            except ValueError:
                return lines.wrong(f"a number of {most:g} or less", field, at)
    return lines.wrong(f"all {count} {n}-grams that the head announces", None)
