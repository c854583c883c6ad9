"""The suffix array against a search through all of the text."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lmbench.ngrams.suffix_array import SuffixArray
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import Vocabulary

VOCAB = Vocabulary.of_words(["a"])
V = len(VOCAB)
rows = st.lists(st.lists(st.integers(0, V - 1), max_size=12), max_size=7)
quick = settings(deadline=None)


def histories(some_rows):
    """(history with its <s>, token that follows it) of every token."""
    return [((V, *row[:i]), token) for row in some_rows for i, token in enumerate(row)]


def longest_suffix(history, known, longest):
    """The longest suffix of history, of at most longest words, that ends one of the known histories."""
    sizes = range(len(history) if longest is None else min(longest, len(history)), 0, -1)
    return next((n for n in sizes if any(h[-n:] == history[-n:] for h in known)), 0)


@quick
@given(rows)
def test_histories_are_sorted_from_the_nearest_word_back(some_rows):
    suffixes = SuffixArray.build(Sentences.of_rows(some_rows, VOCAB))
    known = [history[::-1] for history, _ in histories(some_rows)]
    assert suffixes.order.tolist() == sorted(range(len(known)), key=lambda i: known[i])


@quick
@given(rows, rows, st.integers(0, 4) | st.none())
def test_matches_and_counts_are_those_of_a_search(train, test, longest):
    suffixes = SuffixArray.build(Sentences.of_rows(train, VOCAB))
    batch = Sentences.of_rows(test, VOCAB)
    match = suffixes.match(batch, longest)
    counts = suffixes.count(match, batch.tokens)
    known = histories(train)
    for i, (history, token) in enumerate(histories(test)):
        n = longest_suffix(history, [h for h, _ in known], longest)
        after = [w for h, w in known if n == 0 or h[-n:] == history[-n:]]
        assert match.length[i] == n
        assert sorted(suffixes.followers[match.begin[i] : match.end[i]]) == sorted(after)
        assert counts[i] == after.count(token)


def test_a_long_repeat_is_followed_to_its_end():
    # The second row is the first from its second token on: all but its <s>.
    rng = np.random.default_rng(0)
    row = rng.integers(0, V, 5000)
    suffixes = SuffixArray.build(Sentences.of_rows([row], VOCAB))
    match = suffixes.match(Sentences.of_rows([row[1:]], VOCAB))
    assert match.length[-1] == 4998
    assert match.end[-1] - match.begin[-1] == 1
    assert suffixes.order[match.begin[-1]] == 4999
