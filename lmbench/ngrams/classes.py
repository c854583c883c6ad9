"""Word classes by exchange: every word stands where the training text is likeliest under a class bigram."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import xlogy  # type: ignore[import-untyped]

from lmbench.ngrams.table import NGramTable
from lmbench.text.sentences import Sentences

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MOVES = 1e-6  # nats a move must gain: what rounding could feign is none


def exchange(text: Sentences, *, classes: int, words: int, sweeps: int) -> Ints:
    """int64 (V+1,): the class, from 0, of each event and of <s>, which is the last class by itself; none is empty.

    The exchange algorithm of Kneser & Ney 1993 (Eurospeech) in the form of Martin, Liermann & Ney 1998 (Speech
    Communication 24): each word in turn, the most frequent first, is taken out of its class and put into that
    under which the log-likelihood of text is highest,

        sum over c, d of N(c, d) ln N(c, d) - sum over c of N(c, .) ln N(c, .) - sum over d of N(., d) ln N(., d),

    N(c, d) being how often a word of class d follows one of class c. It never falls, so this ends, in a local
    maximum: after sweeps rounds at most, or as soon as a round moves no word. The start is settled, and with it the
    result: the most frequent words have a class each, and all others the last, as in Martin et al.

    words: so many of the most frequent events are exchanged; all others share one more class, so that the time goes
           with words and not with V. A round takes time in proportion to words * classes * the classes beside a word.
    """
    n_events = len(text.vocab)
    table = NGramTable.count(text, 2)
    context, word, many = table.index.context(2), table.index.word(2), table.orders[1].counts
    counts = np.bincount(text.tokens, minlength=n_events)
    exchanged = np.argsort(-counts, kind="stable")[: min(words, np.count_nonzero(counts))]
    classes = min(classes, len(exchanged))
    rest, bos = classes, classes + 1
    class_of = np.full(n_events + 1, rest)
    class_of[exchanged] = np.minimum(np.arange(len(exchanged)), classes - 1)
    class_of[text.vocab.bos] = bos

    twice = context == word
    itself = np.bincount(word[twice], many[twice], n_events)
    after = _Beside(context[~twice], word[~twice], many[~twice], n_events + 1)
    before = _Beside(word[~twice], context[~twice], many[~twice], n_events + 1)
    pairs = _ClassPairs(class_of[context], class_of[word], many, classes, bos + 1)
    for _ in range(sweeps):
        moved = False
        for one in exchanged:
            beside = before.classes(one, class_of, bos + 1), after.classes(one, class_of, bos + 1), itself[one]
            old = class_of[one]
            pairs.add(old, *beside, sign=-1)
            gains = pairs.gains(*beside)
            new = int(np.argmax(gains))
            if gains[new] <= gains[old] + MOVES:
                new = old
            pairs.add(new, *beside, sign=1)
            class_of[one] = new
            moved |= new != old
        if not moved:
            break
    numbered: Ints = np.unique(class_of, return_inverse=True)[1]
    return numbered


class _Beside:
    """The words on one side of each word, with counts."""

    def __init__(self, word: Ints, other: Ints, counts: Ints, n_words: int) -> None:
        order = np.argsort(word, kind="stable")
        self.other, self.counts = other[order], counts[order]
        self.begin = np.searchsorted(word[order], np.arange(n_words + 1))

    def classes(self, word: int, class_of: Ints, n_classes: int) -> Floats:
        """float64 (n_classes,): how often a word of each class stands there."""
        here = slice(self.begin[word], self.begin[word + 1])
        return np.bincount(class_of[self.other[here]], self.counts[here], n_classes).astype(np.float64)


class _ClassPairs:
    """N(c, d) and N ln N of each, and the totals of both sides; the first `classes` classes may gain a word."""

    def __init__(self, context: Ints, predicted: Ints, counts: Ints, classes: int, n_classes: int) -> None:
        cells = np.bincount(context * n_classes + predicted, counts, n_classes**2)
        self.n = cells.reshape(n_classes, n_classes).astype(np.float64)
        self.n_log_n = xlogy(self.n, self.n)
        self.classes = classes

    def add(self, c: int, before: Floats, after: Floats, itself: float, *, sign: int) -> None:
        """Put a word into class c, or with sign -1 take it out: what stands before it, after it, and itself twice."""
        self.n[:, c] += sign * before
        self.n[c] += sign * after
        self.n[c, c] += sign * itself
        self.n_log_n[:, c] = xlogy(self.n[:, c], self.n[:, c])
        self.n_log_n[c] = xlogy(self.n[c], self.n[c])

    def gains(self, before: Floats, after: Floats, itself: float) -> Floats:
        """float64 (classes,), nats: the log-likelihood with the word in each class, less what all classes share."""
        to, left, right = slice(self.classes), np.flatnonzero(before), np.flatnonzero(after)
        column, row = self.n[left, to] + before[left, None], self.n[to, right] + after[right]
        gain = (xlogy(column, column) - self.n_log_n[left, to]).sum(axis=0)
        gain += (xlogy(row, row) - self.n_log_n[to, right]).sum(axis=1)
        # A class beside itself is in both sums, and grows by both sides at once.
        same, b, a = self.n.diagonal()[to], before[to], after[to]
        gain += _n_log_n(same + b + a + itself) + _n_log_n(same) - _n_log_n(same + b) - _n_log_n(same + a)
        # What stands before the word is a context, what stands after it is predicted, wherever the word goes.
        contexts, predicted = self.n.sum(axis=1)[to] + b, self.n.sum(axis=0)[to] + a
        gain -= _n_log_n(contexts + after.sum() + itself) - _n_log_n(contexts)
        gain -= _n_log_n(predicted + before.sum() + itself) - _n_log_n(predicted)
        summed: Floats = gain
        return summed


def _n_log_n(n: Floats) -> Floats:
    """n ln n, 0 for 0."""
    values: Floats = xlogy(n, n)
    return values
