"""One model on one text, outside any benchmark: what `python -m lmbench fit` does, and the same from Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lmbench.bench.contract import Held
from lmbench.errors import choose
from lmbench.model import LanguageModel
from lmbench.models import construct
from lmbench.text import bulk
from lmbench.text.advice import advice
from lmbench.text.files import read_lines
from lmbench.text.sentences import Sentences
from lmbench.text.tokenizers import TOKENIZERS
from lmbench.text.vocabulary import EOS, UNK, Vocabulary


def fit(
    kind: str,
    settings: Mapping[str, Any],
    train: Path,
    valid: Path | None = None,
    *,
    tokenizer: str = "whitespace",
    min_count: int = 1,
    vocab_size: int | None = None,
    warn: Callable[[str], object] = lambda _: None,
) -> LanguageModel:
    """A model of this kind with these fields, fitted on a file, one sentence a line (plain, .gz, .xz).

    valid: what the kind may choose by; without it, nothing (a network says that it needs one)
    warn:  is given each warning about the text and its units, before the model is fitted
    """
    choose(TOKENIZERS, tokenizer, "tokenizer")
    model = construct(kind, settings, f"kind {kind!r}")
    text = read(train, tokenizer, min_count=min_count, vocab_size=vocab_size)
    nothing = Sentences(text.vocab, np.empty(0, np.int32), np.zeros(1, np.int64))
    chosen = nothing if valid is None else read(valid, tokenizer, text.vocab)
    for warning in warnings({"train": text, "valid": chosen}, bulk.beginning(train), tokenizer):
        warn(warning)
    Held(model).fit(text, chosen)
    return model


def warnings(texts: Mapping[str, Sentences], lines: Sequence[str], tokenizer: str) -> tuple[str, ...]:
    """advice() for texts that are ids already, by the tokenizers that need not learn. lines: of one of them."""
    words = {name: max(int((text.tokens != EOS).sum()), 1) for name, text in texts.items()}
    unknown = {name: float((text.tokens == UNK).sum() / words[name]) for name, text in texts.items()}
    return advice(unknown, lines, tokenizer, learns=False)


def read(
    path: Path,
    tokenizer: str = "whitespace",
    vocab: Vocabulary | None = None,
    *,
    min_count: int = 1,
    vocab_size: int | None = None,
) -> Sentences:
    """The lines of a file as rows of ids, over its own vocabulary where none is given."""
    if tokenizer == "whitespace":
        return bulk.read(path, vocab, min_count=min_count, max_size=vocab_size)
    tokens = choose(TOKENIZERS, tokenizer, "tokenizer").tokenize(read_lines(path).lines)
    if vocab is None:
        vocab = Vocabulary.build(tokens, min_count=min_count, max_size=vocab_size)
    return Sentences.encode(tokens, vocab)
