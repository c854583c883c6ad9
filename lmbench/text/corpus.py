"""A corpus: three splits over one vocabulary built from train, and what measures must know of the text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lmbench.errors import BadConfig, BadText, choose
from lmbench.text.advice import advice
from lmbench.text.documents import read_documents
from lmbench.text.files import Lines, read_lines
from lmbench.text.sentences import Sentences
from lmbench.text.token_cache import tokenize
from lmbench.text.tokenizers import TOKENIZERS, Tokenizer
from lmbench.text.vocabulary import Vocabulary
from lmbench.wording import counted

Tokens = Sequence[Sequence[str]]
UNITS = {"sentence": "each line is a row", "stream": "each split is one long row"}
SPLITS = ("train", "valid", "test")


@dataclass(frozen=True)
class Corpus:
    """What every row of a benchmark is trained and measured on.

    train_tokens:  the token lists of train, for probes
    lines:         the text of each split before it was cut into tokens
    cutter:        the tokenizer that cut them, with what it has learnt from train
    unknown:       the words behind each <unk> of test, in order
    characters:    NFC code points of test's lines, single spaces included, plus one per line end
    extra:         further test sets by name
    statistics:    one line a split: sentences, tokens (with </s>), types, OOV, characters, words between white
                   space and UTF-8 bytes (one a line end) of the text before it was cut, duplicates
    warnings:      what a reader of any number on this corpus must know
    extra_words:   events that train lacks and the benchmark declares
    fingerprint:   sha256 of vocabulary, token streams and what the tokenizer has learnt
    documents:     int64, the number of each test sentence's document; None where documents are not known
    """

    name: str
    vocab: Vocabulary
    train: Sentences
    valid: Sentences
    test: Sentences
    train_tokens: Tokens
    lines: Mapping[str, Sequence[str]]
    cutter: Tokenizer
    unit: str
    unknown: tuple[str, ...]
    characters: int
    extra: dict[str, Sentences] = field(default_factory=dict)
    statistics: tuple[dict[str, Any], ...] = ()
    warnings: tuple[str, ...] = ()
    extra_words: tuple[str, ...] = ()
    fingerprint: str = ""
    documents: npt.NDArray[np.int64] | None = None

    @property
    def tokenizer(self) -> str:
        """The name of the tokenizer."""
        return self.cutter.name

    @property
    def lossless(self) -> bool:
        """Whether tokens joined are the line: without that there are no bits per character."""
        return self.cutter.lossless


def load(
    *,
    name: str,
    train: Path,
    valid: Path | None = None,
    test: Path | None = None,
    test_documents: Path | None = None,
    tokenizer: str = "whitespace",
    pieces: int | None = None,
    min_count: int = 1,
    vocab_size: int | None = None,
    unit: str = "sentence",
    train_lines: int | None = None,
    valid_lines: int | None = None,
    test_lines: int | None = None,
    seed: int = 0,
    cache: Path | None = None,
    extra_words: Sequence[str] = (),
    train_rows: npt.NDArray[np.int64] | None = None,
) -> Corpus:
    """A corpus from files, one sentence a line; a split without a file is taken out of train (see split_lines).

    *_lines: only so many lines from the beginning. cache: a folder for the tokens of slow tokenizers. pieces: how many
    units a tokenizer learns from train, if it learns. extra_words: events whether or not train has them.
    test_documents: a file of one id a line for test's. train_rows: the sentences of train that are used; all, if None.
    """
    cutter = choose(TOKENIZERS, tokenizer, "tokenizer")
    read = {"train": read_lines(train, train_lines)}
    if valid is not None:
        read["valid"] = read_lines(valid, valid_lines)
    if test is not None:
        read["test"] = read_lines(test, test_lines)
    documents = None
    if test is not None and test_documents is not None:
        documents = read_documents(test_documents, read["test"], test, test_lines)
    lines = split_lines({split: part.lines for split, part in read.items()}, seed, train)
    cutter = cutter.learnt(lines["train"], pieces)
    tokens = {split: tokenize(cutter, lines[split], cache) for split in SPLITS}
    if train_rows is not None:
        lines["train"] = [lines["train"][i] for i in train_rows]
        tokens["train"] = [tokens["train"][i] for i in train_rows]
    corpus = from_tokens(
        name,
        tokens,
        cutter=cutter,
        min_count=min_count,
        vocab_size=vocab_size,
        unit=unit,
        lines=lines,
        warnings=_file_warnings(read),
        extra_words=extra_words,
    )
    return replace(corpus, documents=documents)


def without(corpus: Corpus, gone: npt.NDArray[np.bool_]) -> Corpus:
    """The corpus whose train lacks these of its sentences, bool (S,); vocabulary and other splits are what they were.

    statistics are still those of the whole train.
    """
    kept = np.flatnonzero(~gone)
    train = corpus.train.take(kept)
    splits = {"train": train, "valid": corpus.valid, "test": corpus.test, **corpus.extra}
    return replace(
        corpus,
        train=train,
        train_tokens=[corpus.train_tokens[i] for i in kept.tolist()],
        lines={**corpus.lines, "train": [corpus.lines["train"][i] for i in kept.tolist()]},
        warnings=(
            *corpus.warnings,
            f"of the {len(gone):,} sentences of train, which are counted here, rows are trained on {len(kept):,}: "
            f"{len(gone) - len(kept):,} were taken out at random",
        ),
        fingerprint=_fingerprint(splits, corpus.vocab, corpus.cutter.state),
    )


def split_lines(given: Mapping[str, list[str]], seed: int, source: Path) -> dict[str, list[str]]:
    """Train, valid and test; those not given are taken out of train, a tenth of its distinct sentences each.

    Which side a sentence falls on is decided by the SHA-256 of the seed and the sentence, so its duplicates
    fall together, and neither the order of lines nor the machine matters. The order of lines is kept.
    """
    lines = dict(given)
    missing = [split for split in ("test", "valid") if split not in lines]
    if not missing:
        return lines
    distinct = sorted(set(lines["train"]), key=lambda line: hashlib.sha256(f"{seed}\n{line}".encode()).digest())
    share = len(distinct) // 10 or 1
    if len(distinct) < 3 * len(missing):
        raise BadText(
            f"{source} has {len(distinct)} distinct sentences, too few to split off {' and '.join(missing)}: "
            "give a larger text, or the other splits as files"
        )
    side = {line: split for i, split in enumerate(missing) for line in distinct[i * share : (i + 1) * share]}
    for split in missing:
        lines[split] = [line for line in given["train"] if side.get(line) == split]
    lines["train"] = [line for line in given["train"] if line not in side]
    return lines


def from_tokens(
    name: str,
    tokens: Mapping[str, Tokens],
    *,
    cutter: Tokenizer = TOKENIZERS["whitespace"],
    min_count: int = 1,
    vocab_size: int | None = None,
    unit: str = "sentence",
    lines: Mapping[str, Sequence[str]] | None = None,
    warnings: tuple[str, ...] = (),
    extra_words: Sequence[str] = (),
) -> Corpus:
    """A corpus from token lists by split; splits beyond train, valid and test are further test sets.

    lines: the text the tokens were cut from; where not given, tokens joined by spaces are the line.
    """
    choose(UNITS, unit, "unit")
    if vocab_size is not None and vocab_size < 3:
        raise BadConfig(f"vocab_size = {vocab_size} leaves no word beside <unk> and </s>; give 3 or more")
    train = tokens["train"]
    vocab = Vocabulary.build(train, min_count=min_count, max_size=vocab_size, extra_words=extra_words)
    in_train = {word for row in train for word in row}
    if len(vocab) == 3:
        raise BadText(
            f"the vocabulary of {name} is one word ({vocab.events[2]!r}): every sentence would be foretold; "
            "give a larger text, lower min_count or raise vocab_size"
        )
    if lines is None:
        lines = {split: [" ".join(row) for row in rows] for split, rows in tokens.items()}
    characters = {split: sum(map(len, part)) + len(part) for split, part in lines.items()}
    rows = {split: Sentences.encode(part, vocab) for split, part in tokens.items()}
    statistics = _statistics(tokens, vocab, characters, lines)
    unknown = {str(split["split"]): float(split["oov_rate"]) for split in statistics}
    stored = {split: part.joined() if unit == "stream" else part for split, part in rows.items()}
    return Corpus(
        name=name,
        vocab=vocab,
        train=stored["train"],
        valid=stored["valid"],
        test=stored["test"],
        train_tokens=train,
        lines=lines,
        cutter=cutter,
        unit=unit,
        unknown=tuple(word for row in tokens["test"] for word in row if word not in vocab.ids),
        characters=characters["test"],
        extra={split: part for split, part in stored.items() if split not in SPLITS},
        statistics=statistics,
        warnings=(*warnings, *_split_warnings(tokens), *advice(unknown, lines["train"], cutter.name)),
        extra_words=tuple(word for word in vocab.ids if word not in in_train),
        fingerprint=_fingerprint(stored, vocab, cutter.state),
    )


def _statistics(
    tokens: Mapping[str, Tokens],
    vocab: Vocabulary,
    characters: Mapping[str, int],
    lines: Mapping[str, Sequence[str]],
) -> tuple[dict[str, Any], ...]:
    """One line a split."""
    in_train = {tuple(row) for row in tokens["train"]}
    table = []
    for split, rows in tokens.items():
        n_words = sum(map(len, rows))
        oov = sum(word not in vocab.ids for row in rows for word in row)
        whole = [tuple(row) for row in rows]
        table.append(
            {
                "split": split,
                "sentences": len(rows),
                "tokens": n_words + len(rows),
                "types": len({word for row in rows for word in row}),
                "oov_tokens": oov,
                "oov_rate": oov / max(n_words, 1),
                "characters": characters[split],
                "words": sum(len(line.split()) for line in lines[split]),
                "bytes": sum(len(line.encode()) + 1 for line in lines[split]),
                "duplicates": len(whole) - len(set(whole)),
                "also_in_train": sum(row in in_train for row in whole) if split != "train" else 0,
            }
        )
    return tuple(table)


def _file_warnings(read: Mapping[str, Lines]) -> tuple[str, ...]:
    """What reading the files changed."""
    found = []
    for split, part in read.items():
        if part.empty:
            found.append(f"{part.empty} empty lines of {split} were left out")
        if part.changed:
            found.append(f"{part.changed} characters of {split} were replaced by Unicode normalisation (NFC)")
        if part.marks:
            marks = counted(part.marks, "byte order mark")
            found.append(f"{marks} inside {split} taken out: its file was joined of several")
    return tuple(found)


def _split_warnings(tokens: Mapping[str, Tokens]) -> tuple[str, ...]:
    """Splits that have nothing to do with train; what splits share is the audit's to say (bench/audit.py)."""
    words = {word for row in tokens["train"] for word in row}
    return tuple(
        f"no word of {split} occurs in train: to every model it is <unk> throughout; "
        "its file may be of another language or cut into other units"
        for split in ("valid", "test")
        if tokens[split] and not any(word in words for row in tokens[split] for word in row)
    )


def _fingerprint(splits: Mapping[str, Sentences], vocab: Vocabulary, learnt: bytes) -> str:
    """sha256 over the vocabulary, for each split its ids and where rows begin, and what the tokenizer has learnt."""
    digest = hashlib.sha256(json.dumps(vocab.events, ensure_ascii=False).encode())
    for split, rows in splits.items():
        digest.update(split.encode())
        digest.update(rows.content)
    digest.update(learnt)
    return digest.hexdigest()


def unigram_log_probs(train: Sentences) -> npt.NDArray[np.float64]:
    """float64 (V,): ln of train's relative frequency of each event, </s> counted; -inf where it never occurs."""
    counts = np.bincount(train.tokens, minlength=len(train.vocab))
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(counts / counts.sum()), np.float64)
