"""The event space: which outcomes a language model distributes its probability over."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np
import numpy.typing as npt

from lmbench.errors import BadText
from lmbench.text.words import WordTable

UNK, EOS = 0, 1
_RESERVED = re.compile(r"\\*<(unk|/s|s)>")


def escape(word: str) -> str:
    r"""A reserved word that occurs in a text ('<unk>', '<s>', '</s>') as the ordinary word it is there ('\<unk>')."""
    return "\\" + word if "<" in word and _RESERVED.fullmatch(word) else word


def unescape(event: str) -> str:
    """The word of the text that escape() stored as event."""
    return event[1:] if event.startswith("\\") and _RESERVED.fullmatch(event) else event


def limited(
    ranking: npt.NDArray[np.int64], counts: npt.NDArray[np.int64], *, min_count: int = 1, max_size: int | None = None
) -> npt.NDArray[np.int64]:
    """Of words in their ranking, by falling count and equal ones by code point, those that are events."""
    kept = ranking[counts[ranking] >= min_count][: None if max_size is None else max(max_size - 2, 0)]
    if not len(kept):
        raise BadText(
            f"no word of the training text is left in the vocabulary (min_count = {min_count}, "
            f"size = {max_size}): the text is too small or the limits too strict; lower min_count or raise the size"
        )
    return kept


def ranked(sentences: Iterable[Sequence[str]], *, min_count: int = 1, max_size: int | None = None) -> list[str]:
    """The words of sentences that limited() keeps, in their ranking."""
    counts = Counter(chain.from_iterable(sentences))
    words = sorted(counts)
    many = np.fromiter((counts[word] for word in words), np.int64, len(words))
    kept = limited(np.argsort(-many, kind="stable"), many, min_count=min_count, max_size=max_size)
    return [words[i] for i in kept.tolist()]


@dataclass(frozen=True)
class Vocabulary:
    """The V predictable events, in id order: <unk>, </s>, then words by falling count.

    <s> is context, never an event, so its id is V, one past the last event: an array over
    events has V columns and no slot in which to put mass on <s>.
    """

    events: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.events[:2] != ("<unk>", "</s>"):
            raise ValueError("a vocabulary begins with <unk> and </s>")
        if len(set(self.events)) != len(self.events):
            raise ValueError("a vocabulary names each event once")

    @classmethod
    def build(
        cls,
        sentences: Iterable[Sequence[str]],
        *,
        min_count: int = 1,
        max_size: int | None = None,
        extra_words: Iterable[str] = (),
    ) -> "Vocabulary":
        """Words of sentences that occur at least min_count times, the max_size most frequent of them.

        Words of equal count stand by code point, so that ids do not hang on the order of lines. max_size counts
        events: <unk> and </s> are two of them. extra_words are events whatever their count, last and in the order
        given.
        """
        words = ranked(sentences, min_count=min_count, max_size=max_size)
        known = set(words)
        extra = [word for word in dict.fromkeys(extra_words) if word not in known]
        return cls(("<unk>", "</s>", *map(escape, words), *map(escape, extra)))

    @classmethod
    def of_words(cls, words: Iterable[str]) -> "Vocabulary":
        """The vocabulary of exactly these words, in this order."""
        words = list(words)
        text = "\n".join(words)  # one search instead of one a word: most texts have no reserved word
        if any(reserved in text for reserved in ("<unk>", "<s>", "</s>")):
            words = [escape(word) for word in words]
        return cls(("<unk>", "</s>", *words))

    def __len__(self) -> int:
        return len(self.events)

    @property
    def bos(self) -> int:
        """The id of <s>: V, a row of embedding tables and no column of distributions."""
        return len(self.events)

    @cached_property
    def ids(self) -> dict[str, int]:
        """Word of a text -> id. Reserved words are not in it: where a text has them they are words."""
        return {unescape(event): i for i, event in enumerate(self.events) if i > EOS}

    @cached_property
    def table(self) -> WordTable:
        """ids in arrays: words by their 64 bits, from 0 for the first after </s>."""
        return WordTable.of(list(self.ids))

    def encode(self, words: Iterable[str]) -> list[int]:
        """Ids of the words of a text; a word out of vocabulary is UNK."""
        ids = self.ids
        return [ids.get(word, UNK) for word in words]

    def decode(self, ids: Iterable[int]) -> list[str]:
        r"""Events as shown in reports; a literal '<unk>' of the text stays escaped ('\<unk>')."""
        return ["<s>" if i == self.bos else self.events[i] for i in ids]
