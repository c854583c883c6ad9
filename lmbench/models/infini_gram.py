"""Kind `infini_gram`: an infinity-gram over an index of the infini-gram engine, of whatever text that was made of.

An index is a folder of files that the package infini-gram reads. This kind expects of one that

- a document is a row: the separator (the greatest number of its type) and then the ids of the row's tokens, its </s>
  among them, and one more separator stands at the end of each shard;
- a text file beside it has the word of id i in its line i, from 0, spelled as events are: <unk> and </s> are lines.

With the ids in DIR/tokenized.0 and the byte at which each document begins in DIR/offset.0 (uint64), the suffix array
is added by `python -m infini_gram.indexing --data_dir DIR --save_dir DIR --token_dtype u16 --mem 1`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np

from lmbench.errors import BadConfig, BadModel
from lmbench.fields import Among, Between, File
from lmbench.model import Floats, LanguageModel, State, Strata
from lmbench.ngrams.suffix_array import SUFFIX_LENGTHS
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import UNK, Vocabulary

if TYPE_CHECKING:
    from typing_extensions import Self

SEPARATORS = {"u8": 2**8 - 1, "u16": 2**16 - 1, "u32": 2**32 - 1}


@dataclass(kw_only=True)
class InfiniGram(LanguageModel):
    """Kind `infinity` (Liu et al. 2024, arXiv 2401.17377), with the counts of an index in place of train's.

    index:   folder of the index; a changed index is another one and wants another folder
    words:   file of the words in id order, in that folder unless its path is absolute. An event is the id of the word
             spelled like it, and a word that is no event counts as <unk>. A word of the context that the index does
             not have ends the suffix
    dtype:   of the ids: u8, u16 or u32, for which the package wants 32 GB to make an index
    longest: words of the suffix at most, <s> counted as one. The engine is asked about one token at a time, a
             millisecond or more each, the longer the context the more

    It needs the package infini-gram (`lmbench[infini]`). Nothing is learnt from train, which a note says: a row over
    an index of other text has read something else than the rows beside it.
    """

    index: File
    words: File = "words.txt"
    dtype: Annotated[str, Among(SEPARATORS)] = "u16"
    longest: Annotated[int, Between(0, 10**6)] = 50

    family: ClassVar[str] = "ngram"

    def fit(self, train: Sentences, valid: Sentences) -> Self:
        """Open the index; neither text is read."""
        del valid
        return self._open(train.vocab)

    def _open(self, vocab: Vocabulary) -> Self:
        """The engine over the index, and which id is which event."""
        try:
            from infini_gram.engine import InfiniGramEngine
        except ImportError as error:
            raise BadConfig(
                f"kind infini_gram needs the package infini-gram, which cannot be imported ({error}): it is an "
                "optional part; install lmbench[infini], or use kind infinity over train"
            ) from error
        folder = Path(self.index)
        try:
            words = (folder / self.words).read_text("utf-8").split("\n")
        except OSError as error:
            raise BadConfig(
                f"the words of the index, {folder / self.words}, cannot be read ({error.strerror}); "
                "write the word of each id to it, one a line"
            ) from error
        self.shards_ = len(list(folder.glob("table.*")))
        if not self.shards_:
            raise BadConfig(f"no suffix array (table.*) in {folder}: it is no index; see lmbench/models/infini_gram.py")
        events = {event: i for i, event in enumerate(vocab.events)}
        id_of = {word: i for i, word in enumerate(words)}
        self.vocab_ = vocab
        self.separator_ = SEPARATORS[self.dtype]
        # The id below the separator's is no word's: it stands for what the index cannot have.
        self.id_of_ = [*(id_of.get(event, self.separator_ - 1) for event in vocab.events), self.separator_]
        self.event_of_ = np.array([events.get(word, UNK) for word in words], np.int64)
        self.engine_ = InfiniGramEngine(
            str(folder), eos_token_id=self.separator_ - 1, vocab_size=self.separator_, token_dtype=self.dtype
        )
        self.tokens_ = int(self.engine_.count([])["count"])
        return self

    def log_probs(self, batch: Sentences) -> Floats:
        """float64 (N,), nats; -inf where the token never followed the suffix."""
        p, count = np.empty(batch.n_tokens), cache(self._count)
        for i, (suffix, total) in enumerate(self._suffixes(batch)):
            p[i] = count(suffix, int(batch.tokens[i])) / total
        return _log(p)

    def next_log_probs(self, prefixes: Sentences) -> Floats:
        """float64 (S, V), nats."""
        asked = prefixes.ended()
        found = list(self._suffixes(asked, set((asked.offsets[1:] - 1).tolist())))
        p = [self._counts(suffix) / total for suffix, total in found]
        return _log(np.array(p, np.float64).reshape(-1, len(self.vocab_)))

    def strata(self, batch: Sentences) -> Strata:
        """By the words of the suffix, as kind infinity."""
        lengths = np.array([len(suffix) for suffix, _ in self._suffixes(batch)], np.int64)
        return Strata.cut(lengths, SUFFIX_LENGTHS, "suffix")

    def _suffixes(self, batch: Sentences, only: set[int] | None = None) -> Iterator[tuple[tuple[int, ...], int]]:
        """For each token (or only those): the longest suffix of its history that an event follows, and how often."""
        suffix = cache(self._suffix)
        for start, row in zip(batch.offsets.tolist(), batch, strict=False):
            ids = (self.separator_, *(self.id_of_[token] for token in row.tolist()))
            for end in range(1, len(ids)):
                if only is None or start + end - 1 in only:
                    yield suffix(ids[max(end - self.longest, 0) : end])

    def _suffix(self, history: tuple[int, ...]) -> tuple[tuple[int, ...], int]:
        """The longest suffix that an event follows; one at which only rows end is shortened."""
        while True:
            found = self.engine_.infgram_prob(list(history), self.separator_)
            suffix = history[len(history) - found["suffix_len"] :]
            total = found["prompt_cnt"] - found["cont_cnt"]
            if suffix == (self.separator_,):  # as the last of each shard is, which no row follows
                total -= self.shards_
            if total or not suffix:
                return suffix, total
            history = suffix[1:]

    def _count(self, suffix: tuple[int, ...], token: int) -> float:
        """How often the event follows; several words may be <unk>."""
        if token == UNK:
            return float(self._counts(suffix)[UNK])
        return float(self.engine_.prob(list(suffix), self.id_of_[token])["cont_cnt"])

    def _counts(self, suffix: tuple[int, ...]) -> Floats:
        """float64 (V,): how often each event follows."""
        found = self.engine_.ntd(list(suffix), max_support=self.tokens_ + 1)["result_by_token_id"]
        found.pop(self.separator_ - 1, None)  # which is what separators are told as
        ids = np.fromiter(found, np.int64, len(found))
        counts = [one["cont_cnt"] for one in found.values()]
        if ids.max(initial=-1) >= len(self.event_of_):
            raise BadModel(
                f"the index has an id {ids.max()}, and {self.words} only {len(self.event_of_)} words: it belongs to "
                "another index, or the dtype is wrong"
            )
        return np.bincount(self.event_of_[ids], counts, len(self.vocab_)).astype(np.float64)

    def sources(self) -> tuple[str, ...]:
        """The index: the text is in it."""
        return (self.index,)

    def n_params(self) -> int:
        """Stored numbers: the tokens of the index and its suffix array."""
        return 2 * self.tokens_

    def state(self) -> State:
        """The size of the index, which stays where it is."""
        return {"tokens": np.array([self.tokens_])}

    def restore(self, vocab: Vocabulary, state: State) -> Self:
        """Open the index again."""
        self._open(vocab)
        if self.tokens_ != state["tokens"][0]:
            raise BadModel(
                f"{self.index} has {self.tokens_:,} tokens, and had {state['tokens'][0]:,} when this was saved: "
                "it is another index; run the row again"
            )
        return self

    def notes(self) -> tuple[str, ...]:
        """What was counted, and how many events it cannot know."""
        missing = sum(i == self.separator_ - 1 for i in self.id_of_)
        lacks = f"; {missing:,} of {len(self.vocab_):,} events are no word of it" if missing else ""
        return (f"counts of the index {self.index} ({self.tokens_:,} tokens), not of train{lacks}",)


def _log(p: Floats) -> Floats:
    """ln p, -inf for 0."""
    with np.errstate(divide="ignore"):
        logs: Floats = np.log(p)
    return logs


Model = InfiniGram
