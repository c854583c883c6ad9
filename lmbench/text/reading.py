"""How text goes into a fitted model and comes out of it, in the unit that the model was trained in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lmbench.text.sentences import Ints, Sentences
from lmbench.text.tokenizers import Tokenizer
from lmbench.text.vocabulary import EOS, UNK, Vocabulary, unescape

MARKS = ("<unk>", "\ufffd", "\ue000", "\ue001")
"""What may stand for <unk> in a text. The last two are of no script (private use)."""


def start_of(unit: str) -> tuple[int, ...]:
    """The ids that stand in a row before a sentence of which nothing earlier is known: </s> in a stream.

    <s> is there too, as before every row, but train has it once in a stream, and models know nothing of it.
    """
    return (EOS,) if unit == "stream" else ()


@dataclass(frozen=True)
class Reading:
    """One contract for every command about one model.

    unit: 'sentence': each line is a row; 'stream': a text is one long row, </s> inside it (corpus.UNITS)
    """

    vocab: Vocabulary
    tokenizer: Tokenizer
    unit: str = "sentence"

    @property
    def stream(self) -> bool:
        """Whether what came before a sentence is history."""
        return self.unit == "stream"

    @property
    def start(self) -> tuple[int, ...]:
        """start_of(unit)."""
        return start_of(self.unit)

    def rows(self, tokens: Iterable[Sequence[str]]) -> Sentences:
        """Sentences as the model reads them; token i is of sentence rows(...).segments[i]."""
        rows = Sentences.encode(tokens, self.vocab)
        return rows.joined() if self.stream else rows

    def sentence(self, tokens: Sequence[str]) -> Sentences:
        """One sentence as a row, after start."""
        return Sentences.of_rows([[*self.start, *self.vocab.encode(tokens), EOS]], self.vocab)

    def prefix(self, text: str) -> list[int]:
        """The ids of the beginning of a sentence."""
        return self.vocab.encode(self.tokenizer.tokenize([text])[0]) if text.strip() else []

    @cached_property
    def unknown(self) -> str:
        """What stands for <unk> in printed text: a token that is no word of the vocabulary, and so is read as <unk>.

        A text may have '<unk>' as a word, as the Penn Treebank does, and a tokenizer may cut it. Where none of MARKS
        is one token, it is '<unk>' all the same.
        """
        for mark in MARKS:
            (tokens,) = self.tokenizer.tokenize([mark])
            if len(tokens) == 1 and tokens[0] not in self.vocab.ids:
                return mark
        return MARKS[0]

    def text(self, row: Sequence[int] | Ints) -> str:
        """The line of these ids, without </s>: words as the text has them, <unk> as `unknown`."""
        ids = [int(i) for i in np.asarray(row) if i != EOS]
        events = self.vocab.events
        return self.tokenizer.join([self.unknown if i == UNK else unescape(events[i]) for i in ids])
