"""What the tables of a benchmark file hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from lmbench.fields import Among, Between, Checked, Count, File, NotNegative, Seed, Word
from lmbench.text.tokenizers import TOKENIZERS

Tokenizer = Annotated[str, Among(TOKENIZERS)]
Events = Annotated[int, Between(3, 10**9)]
Pieces = Annotated[int, Between(3, 10**6)]
UNITS = ("sentence", "stream")


@dataclass(frozen=True, kw_only=True)
class CorpusSpec(Checked):
    """The [corpus] table: its keys are these fields.

    builtin:      a corpus that comes with lmbench ('hungry'), instead of files
    train:        one sentence a line; .gz and .xz are read as they are. valid and test, where not given, are split off
    test_documents: a file of one id a line, the document of each line of test: differences are then resampled
                  by document
    tokenizer:    whitespace, words, syllables, jamo, kiwi, bpe, unigram
    pieces:       units that bpe and unigram learn from train (8,000 if not said)
    min_count:    words of train seen less often are <unk>
    vocab_size:   events at most, <unk> and </s> among them
    unit:         'sentence': each line is a row; 'stream': each split is one long row
    *_lines:      only so many lines from the beginning of a file
    seed:         of the built-in corpus' sample, or of the split of one file
    extra_words:  events though train lacks them: a list, or the words that embedding_text has so many times or more
    embedding_text: a text that is not train, a file or 'hungry', for extra_words; rows name their own
    quoted:       whether lines of it may be shown as examples in reports
    """

    builtin: Annotated[str, Among(("hungry",))] | None = None
    train: File | None = None
    valid: File | None = None
    test: File | None = None
    test_documents: File | None = None
    tokenizer: Tokenizer = "whitespace"
    pieces: Pieces | None = None
    min_count: Count = 1
    vocab_size: Events | None = None
    unit: Annotated[str, Among(UNITS)] = "sentence"
    train_lines: Count | None = None
    valid_lines: Count | None = None
    test_lines: Count | None = None
    seed: Seed = 0
    extra_words: tuple[Word, ...] | Count | None = None
    embedding_text: File | None = None
    quoted: bool = True


@dataclass(frozen=True, kw_only=True)
class UnitSpec(Checked):
    """A [units.NAME] table: the same text in these units. Keys as in [corpus], whose own hold where one is left out.

    rows: fields that rows have in these units alone, by row, and rows of these units alone
    """

    tokenizer: Tokenizer | None = None
    pieces: Pieces | None = None
    min_count: Count | None = None
    vocab_size: Events | None = None
    rows: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SparsitySpec(Checked):
    """The [sparsity] table: into which other units the same text is cut, to see how much of it is then never seen."""

    tokenizers: tuple[Tokenizer, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Quick(Checked):
    """The [quick] table: what --quick cuts down, to see in seconds that everything works."""

    train_lines: Count = 4000
    valid_lines: Count = 500
    test_lines: Count = 1000
    epochs: Annotated[int, Between(1, 10**6)] = 4


@dataclass(frozen=True)
class Row:
    """A configured model: its name, its kind, its fields, the rows it mixes.

    of:          the row of the file that this one was made from, if it was: see lmbench.bench.variants
    train_lines: sentences of train that it is trained on, from the beginning; None: all
    trial:       the fields that are tried, of a row that is measured on valid alone
    tries:       trials of this row, whose best on valid says what its fields are -> the fields of each
    """

    name: str
    kind: str
    settings: dict[str, Any]
    components: tuple[str, ...] = ()
    of: str | None = None
    train_lines: int | None = None
    trial: Mapping[str, Any] | None = None
    tries: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class EqualSpec(Checked):
    """The tables [equal.parameters] and [equal.seconds]: rows that are to be alike in one cost.

    within: how far the dearest may be above the cheapest, as a share of it; the report says whether they are
    """

    rows: tuple[str, ...]
    within: NotNegative
