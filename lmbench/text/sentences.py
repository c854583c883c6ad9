"""The one batch type: a split, a mini-batch, a set of prefixes and a set of phrases are all Sentences."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, repeat

import numpy as np
import numpy.typing as npt

from lmbench.text.vocabulary import EOS, UNK, Vocabulary

Ints = npt.NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class Sentences:
    """S rows of event ids laid end to end. Each row is conditioned on <s> and on itself only.

    vocab:   the event space the ids belong to
    tokens:  int32 (N,)    all rows concatenated; <s> is implied, never stored
    offsets: int64 (S+1,)  row s is tokens[offsets[s]:offsets[s+1]]

    Whole sentences end in </s>; prefixes do not. A row may be empty.
    """

    vocab: Vocabulary
    tokens: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.offsets[0] != 0 or self.offsets[-1] != len(self.tokens) or np.any(np.diff(self.offsets) < 0):
            raise ValueError("offsets must rise from 0 to the number of tokens")
        if len(self.tokens) and not 0 <= self.tokens.min() <= self.tokens.max() < len(self.vocab):
            raise ValueError("a token is not an event of the vocabulary")

    @classmethod
    def of_rows(cls, rows: Iterable[Sequence[int] | Ints], vocab: Vocabulary) -> "Sentences":
        """Rows of ids as given: nothing is appended."""
        rows = list(rows)
        lengths = np.fromiter((len(row) for row in rows), np.int64, len(rows))
        flat = np.concatenate([np.asarray(row, np.int32) for row in rows]) if rows else np.empty(0, np.int32)
        return cls(vocab, flat, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))

    @classmethod
    def encode(cls, sentences: Iterable[Sequence[str]], vocab: Vocabulary) -> "Sentences":
        """Rows of the words' ids, each ended by </s>."""
        sentences = list(sentences)
        offsets = np.zeros(len(sentences) + 1, np.int64)
        np.cumsum([len(words) + 1 for words in sentences], out=offsets[1:])
        tokens = np.full(offsets[-1], EOS, np.int32)
        is_word = np.ones(len(tokens), bool)
        is_word[offsets[1:] - 1] = False
        known = map(vocab.ids.get, chain.from_iterable(sentences), repeat(UNK))
        tokens[is_word] = np.fromiter(known, np.int32, len(tokens) - len(sentences))
        return cls(vocab, tokens, offsets)

    @classmethod
    def encode_prefixes(
        cls, prefixes: Iterable[Sequence[str]], vocab: Vocabulary, start: Sequence[int] = ()
    ) -> "Sentences":
        """Rows of the words' ids without </s>: contexts to be continued. start: ids that stand before each."""
        return cls.of_rows([[*start, *vocab.encode(words)] for words in prefixes], vocab)

    def __len__(self) -> int:
        """S, the number of rows."""
        return len(self.offsets) - 1

    def __iter__(self) -> Iterator[npt.NDArray[np.int32]]:
        """The rows, int32 (length,), as views."""
        return (self.tokens[a:b] for a, b in zip(self.offsets[:-1], self.offsets[1:], strict=True))

    @property
    def n_tokens(self) -> int:
        """N, the number of predictions."""
        return len(self.tokens)

    @property
    def content(self) -> bytes:
        """Ids and where rows begin, the same on every machine: what a checksum of a text is over."""
        return self.tokens.astype("<i4").tobytes() + self.offsets.astype("<i8").tobytes()

    @cached_property
    def lengths(self) -> npt.NDArray[np.int64]:
        """int64 (S,): tokens in each row."""
        return np.diff(self.offsets)

    @cached_property
    def rows(self) -> npt.NDArray[np.int64]:
        """int64 (N,): the row each token is in."""
        return np.repeat(np.arange(len(self)), self.lengths)

    @cached_property
    def positions(self) -> npt.NDArray[np.int64]:
        """int64 (N,): the place of each token in its row, from 0."""
        return np.arange(self.n_tokens) - np.repeat(self.offsets[:-1], self.lengths)

    @cached_property
    def segments(self) -> npt.NDArray[np.int64]:
        """int64 (N,): the sentence each token is in, from 0; in a stream one ends with each </s> inside the row."""
        return np.cumsum((self.positions == 0) | (self.previous == EOS)) - 1

    @property
    def is_start(self) -> npt.NDArray[np.bool_]:
        """bool (N+1,): whether a row begins at each token; the end counts as a beginning."""
        starts = np.zeros(self.n_tokens + 1, bool)
        starts[self.offsets] = True
        return starts

    @cached_property
    def previous(self) -> npt.NDArray[np.int32]:
        """int32 (N,): the token before each token, <s> (id V) at the start of a row."""
        before = np.empty_like(self.tokens)
        before[1:] = self.tokens[:-1]
        before[self.offsets[:-1][self.lengths > 0]] = self.vocab.bos
        return before

    @property
    def last(self) -> npt.NDArray[np.int32]:
        """int32 (S,): the last token of each row, <s> (id V) of an empty one."""
        ends = np.full(len(self), self.vocab.bos, np.int32)
        filled = self.lengths > 0
        ends[filled] = self.tokens[self.offsets[1:][filled] - 1]
        return ends

    def token_index(self, rows: Sequence[int] | Ints) -> npt.NDArray[np.int64]:
        """int64: where the tokens of take(rows) stand in self.tokens."""
        rows = np.asarray(rows, np.int64)
        lengths = self.lengths[rows]
        starts = np.cumsum(lengths) - lengths
        index: npt.NDArray[np.int64] = np.arange(lengths.sum()) + np.repeat(self.offsets[:-1][rows] - starts, lengths)
        return index

    def take(self, rows: Sequence[int] | Ints) -> "Sentences":
        """These rows, in this order."""
        rows = np.asarray(rows, np.int64)
        offsets = np.concatenate([[0], np.cumsum(self.lengths[rows])]).astype(np.int64)
        return Sentences(self.vocab, self.tokens[self.token_index(rows)], offsets)

    def beginning(self, sentences: int) -> "Sentences":
        """The first so many sentences, rows as they are: a stream's is cut after the last of them."""
        n_tokens = int(np.searchsorted(self.segments, sentences))
        offsets = np.append(self.offsets[self.offsets < n_tokens], n_tokens)
        return Sentences(self.vocab, self.tokens[:n_tokens], offsets)

    def padded(self, fill: int) -> npt.NDArray[np.int64]:
        """int64 (S, T): rows side by side, T the longest, filled up on the right."""
        table = np.full((len(self), int(self.lengths.max(initial=0))), fill, np.int64)
        table[self.rows, self.positions] = self.tokens
        return table

    def row_sums(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """float64 (S,): the sum over each row of one value a token."""
        return np.bincount(self.rows, values, len(self)).astype(np.float64)

    def joined(self) -> "Sentences":
        """The same tokens as one row, </s> inside it: a stream."""
        return Sentences(self.vocab, self.tokens, np.array([0, self.n_tokens], np.int64))

    def ended(self) -> "Sentences":
        """Every row with </s> after it: its last token, at offsets[1:] - 1, has the whole row as its history."""
        offsets = self.offsets + np.arange(len(self) + 1)
        return Sentences(self.vocab, np.insert(self.tokens, self.offsets[1:], EOS).astype(np.int32), offsets)

    def extend_each(self) -> "Sentences":
        """(S * V rows): every row followed by every event in turn, row-major: what a next-word table asks about."""
        n_events = len(self.vocab)
        longer = np.repeat(self.lengths + 1, n_events)
        offsets = np.concatenate([[0], np.cumsum(longer)]).astype(np.int64)
        tokens = np.empty(int(offsets[-1]), np.int32)
        ends = offsets[1:] - 1
        is_end = np.zeros(len(tokens), bool)
        is_end[ends] = True
        tokens[ends] = np.tile(np.arange(n_events, dtype=np.int32), len(self))
        tokens[~is_end] = self.tokens[self.token_index(np.repeat(np.arange(len(self)), n_events))]
        return Sentences(self.vocab, tokens, offsets)
