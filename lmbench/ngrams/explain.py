"""Why a back-off model gives a word its probability: which n-gram was found, and what was paid on the way to it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from unicodedata import east_asian_width

import numpy as np
import numpy.typing as npt

from lmbench.ngrams.backoff import BackOff
from lmbench.ngrams.index import NGramIndex
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import UNK

Ints = npt.NDArray[np.int64]


class Counted(Enum):
    """What a smoothing method counts of n-grams of an order."""

    TIMES = "times"
    CONTEXTS = "distinct contexts"
    """Different words before the n-gram, <s> among them."""
    NOTHING = "nothing"


@dataclass(frozen=True)
class Step:
    """One context that was asked about a word.

    context: its words, <s> among them; empty where the word stands alone
    known:   whether the model lists the context
    factor:  p(word | context) in the last step; before it the back-off weight, 1 where the context is not known
    count:   what train has of the word after the context, None where the model cannot tell
    total:   the same of all words, None where the model cannot tell
    counted: what is counted there, and decides the factor
    """

    context: tuple[str, ...]
    known: bool
    factor: float
    count: int | None
    total: int | None
    counted: Counted = Counted.TIMES


@dataclass(frozen=True)
class Explanation:
    """Of one token: the contexts that were asked, longest first, down to the one that the word is listed after."""

    word: str
    steps: tuple[Step, ...]
    event: int

    @property
    def p(self) -> float:
        """The product of the factors."""
        return math.prod(step.factor for step in self.steps)

    @property
    def order(self) -> int:
        """The length of the n-gram that was found."""
        return len(self.ngram)

    @property
    def ngram(self) -> tuple[str, ...]:
        """The n-gram that was found: the last step's context and the word."""
        return (*self.steps[-1].context, self.word)


def explain(
    model: BackOff, batch: Sentences, *, complete: bool = False, shorter: Counted = Counted.TIMES
) -> list[Explanation]:
    """Per token of batch, N of them.

    complete: whether model lists every n-gram of its training text, so that what it does not list was never seen;
              otherwise that cannot be told
    shorter:  what was counted of n-grams shorter than the longest, unless they begin with <s>, as those are all there
              is of their rows
    """
    found = model.index.lookup(batch)
    names = np.array([*batch.vocab.events, "<s>"], object)
    explanations = []
    for at, (token, position) in enumerate(zip(batch.tokens, batch.positions, strict=True)):
        before = batch.tokens[at - position : at]
        history = np.append(batch.vocab.bos, before)
        steps: list[Step] = []
        for n in range(min(len(history), model.index.order - 1) + 1, 0, -1):
            gram, context = (int(one[at]) for one in found[n - 1])
            ids = history[len(history) + 1 - n :]
            step = _step(model, n, tuple(names[ids]), gram, context, 0 if complete else None)
            if n < model.index.order and step.context[:1] != ("<s>",) and shorter is not Counted.TIMES:
                count, total = (None, None)
                if complete and shorter is Counted.CONTEXTS:
                    count, total = _contexts(model.index, n, ids, int(token))
                step = replace(step, count=count, total=total, counted=shorter)
            steps.append(step)
            if gram >= 0:
                break
        explanations.append(Explanation(names[token], tuple(steps), int(token)))
    return explanations


def _contexts(index: NGramIndex, n: int, before: Ints, word: int) -> tuple[int, int]:
    """Before how many different words the n-gram stands, and the sum of that over all words after the same context."""
    longer = index.keys[0]  # every word, and <s>, then the same with the context after it
    for length, one in enumerate(before, start=2):
        longer = index.find(length, longer, np.full(len(longer), one))
    longer = longer[longer >= 0]
    count = np.count_nonzero(index.find(n + 1, longer, np.full(len(longer), word)) >= 0)
    return int(count), len(index.children(n + 1, longer)[1])


def _step(model: BackOff, n: int, words: tuple[str, ...], gram: int, context: int, absent: int | None) -> Step:
    """What the words before an n-gram said of it; gram and context are -1 where not listed, and seen absent times."""
    known, counts = context >= 0, model.counts
    count = total = absent
    if gram >= 0:
        count = int(counts[n - 1][gram]) if counts else None
    if known:
        total = _total(model, n, context, all_listed=absent == 0) if counts else None
    log_factor = model.log_p[n - 1][gram] if gram >= 0 else model.log_gamma[n - 2][context] if known else 0.0
    return Step(words, known, float(np.exp(log_factor)), count, total)


def of_words(explanations: Sequence[Explanation], words: Sequence[str], *, stream: bool) -> list[Explanation]:
    """Of words as the text has them, those that are no events marked so.

    stream: what stands before the first word is </s>, so contexts that begin with <s> are no part of the way unless
            the model lists them
    """
    told = []
    for found, word in zip(explanations, words, strict=True):
        steps = [step for step in found.steps if step.known or not stream or step.context[:1] != ("<s>",)]
        shown = f"{word} (not in the vocabulary: <unk>)" if found.event == UNK else word
        told.append(replace(found, word=shown, steps=tuple(steps)))
    return told


def _total(model: BackOff, n: int, context: int, *, all_listed: bool) -> int:
    """How often anything followed a context; where not all is listed, how often it occurs, at the text's end too."""
    if n == 1:
        return int(model.counts[0][:-1].sum())
    if not all_listed:
        return int(model.counts[n - 2][context])
    return int(model.counts[n - 1][model.index.children(n, np.array([context]))[1]].sum())


def table(explanations: Sequence[Explanation]) -> list[str]:
    """Lines to be read in a terminal, a step in each, in columns."""
    rows = [("word", "p", "", "in the training text", "")]
    for explanation in explanations:
        *passed, last = explanation.steps
        lines = [(_where(step), _passed(step), f"back off x {step.factor:.3g}") for step in passed]
        lines.append((_where(last), _found(last), f"p = {last.factor:.3g}"))
        heads = [(explanation.word, f"{explanation.p:.3g}"), *[("", "")] * len(passed)]
        rows += [(*head, *line) for head, line in zip(heads, lines, strict=True)]
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    shown = ["  ".join(map(_padded, row, widths)).rstrip() for row in rows]
    if any(step.counted is Counted.CONTEXTS for explanation in explanations for step in explanation.steps):
        shown.append(
            "distinct contexts: the different words before an n-gram; this method counts them, not occurrences, "
            "for all but its longest n-grams and those that begin with <s>"
        )
    return shown


def _where(step: Step) -> str:
    return f"after {' '.join(step.context)}" if step.context else "alone"


def _passed(step: Step) -> str:
    """What train says of a word that is not listed after a context."""
    if step.counted is Counted.NOTHING:
        return UNCOUNTED
    if not step.known or step.total == 0:
        return "context never seen" if step.total == 0 else "context not listed"
    told = "never" if step.count == 0 else "not listed"
    return told if step.total is None else f"{told} in {_amount(step)}"


def _found(step: Step) -> str:
    """What train says of a word that is listed."""
    if step.counted is Counted.NOTHING:
        return UNCOUNTED
    if step.count is None or step.total is None:
        return "listed"
    return f"{step.count:,} of {_amount(step)}" if step.count else f"never in {_amount(step)}"


UNCOUNTED = "no counts used"
"""Of n-grams that a method has no use for."""


def _amount(step: Step) -> str:
    """The total and what it is of."""
    return f"{step.total:,} {step.counted.value.removesuffix('s' if step.total == 1 else '')}"


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def _width(text: str) -> int:
    """Columns of a terminal: a Hangul syllable and its like take two."""
    return sum(2 if east_asian_width(sign) in "WF" else 1 for sign in text)
