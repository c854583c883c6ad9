"""The sparsity laboratory against n-grams looked up one at a time."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmbench.measures.sparsity import (
    ORDERS,
    Counts,
    Growth,
    Length,
    Sparsity,
    Unit,
    counts_of_counts,
    familiar,
    growth,
    lengths,
    longest_seen,
    sparsity,
    unit,
    unseen_masks,
)
from lmbench.ngrams.table import NGramTable
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import Vocabulary

TOP = max(ORDERS)
VOCAB = Vocabulary.of_words(["a", "b", "c"])
texts = st.lists(st.lists(st.sampled_from(["a", "b", "c", "z"]), max_size=7), min_size=1, max_size=8)
many = st.lists(st.lists(st.sampled_from(["a", "b", "c", "z"]), max_size=4), min_size=1, max_size=150)
fixed = settings(deadline=None, max_examples=60)


def spelled(text, stream=False):
    """The rows a model reads, word by word."""
    rows = [[word if word in "abc" else "<unk>" for word in row] + ["</s>"] for row in text]
    return [[word for row in rows for word in row]] if stream else rows


def encoded(text, stream=False):
    rows = Sentences.encode(text, VOCAB)
    return Sentences(VOCAB, rows.tokens, np.array([0, rows.n_tokens])) if stream else rows


def endings(row, n):
    """What ends at each token: its last n words, or the whole history from <s> on where that is shorter."""
    history = ["<s>", *row]
    return [tuple(history[max(0, end - n) : end]) for end in range(2, len(history) + 1)]


def occurring(rows):
    """Every n-gram of these rows with its count, from one word to the longest order."""
    histories = [["<s>", *row] for row in rows]
    grams = Counter(
        tuple(row[end - n : end]) for row in histories for n in ORDERS for end in range(max(n, 2), len(row) + 1)
    )
    return Counter({gram: count for gram, count in grams.items() if gram != ("<s>",)})


def masks_by_force(train, text):
    """Order -> whether what ends at each token of text is missing from train."""
    seen = occurring(train)
    return {n: [gram not in seen for row in text for gram in endings(row, n)] for n in ORDERS}


def measured(train, text):
    table = NGramTable.count(train, TOP)
    longest = longest_seen(text, table)
    return table, longest, unseen_masks(text, longest)


@fixed
@given(texts, texts, st.booleans())
def test_unseen_ngrams_by_force(train, text, stream):
    batch = encoded(text, stream)
    _, _, masks = measured(encoded(train, stream), batch)
    assert tuple(masks) == ORDERS
    expected = masks_by_force(spelled(train, stream), spelled(text, stream))
    for line in sparsity(batch, masks):
        flat = expected[line.order]
        assert masks[line.order].tolist() == flat
        assert (line.tokens, line.unseen) == (len(flat), sum(flat))
        assert line.share == pytest.approx(sum(flat) / len(flat))
        rows = np.split(flat, batch.offsets[1:-1])
        assert line.zero_sentences == pytest.approx(sum(map(any, rows)) / len(rows))


@fixed
@given(texts, texts, st.booleans())
def test_the_longest_history_by_force(train, text, stream):
    seen = occurring(spelled(train, stream))
    batch = encoded(text, stream)
    _, longest, _ = measured(encoded(train, stream), batch)
    expected, whole = [], []
    for row in spelled(text, stream):
        for end in range(2, len(row) + 2):
            history = tuple(["<s>", *row][:end])
            found = max((n for n in ORDERS if n <= end and history[-n:] in seen), default=0)
            expected.append(found)
            whole.append(found == end)
    assert longest.tolist() == expected
    lines = lengths(batch, longest, TOP)
    assert [line.length for line in lines] == [0, *ORDERS]
    assert [line.tokens for line in lines] == [expected.count(n) for n in (0, *ORDERS)]
    assert [line.from_start for line in lines] == [
        sum(w for n, w in zip(expected, whole, strict=True) if n == line.length) for line in lines
    ]
    assert sum(line.share for line in lines) == pytest.approx(1)


@settings(deadline=None, max_examples=25)
@given(many, texts, st.booleans())
def test_growth_is_that_of_nested_parts_counted_anew(train, text, stream):
    whole, batch = encoded(train, stream), encoded(text, stream)
    *_, masks = measured(whole, batch)
    lines = growth(whole, batch, masks)
    sizes = sorted({line.train_sentences for line in lines})
    assert sizes == sorted({max(1, len(train) >> k) for k in range(7)})
    for line in lines:
        part = train[: line.train_sentences]
        flat = masks_by_force(spelled(part, stream), spelled(text, stream))[line.order]
        assert line == Growth(
            line.train_sentences, sum(len(row) + 1 for row in part), line.order, sum(flat), line.share
        )
        assert line.share == pytest.approx(sum(flat) / len(flat))
    for n in ORDERS:
        shares = [line.share for line in lines if line.order == n]
        assert all(later <= earlier for earlier, later in pairwise(shares))


@fixed
@given(texts, texts, st.booleans())
def test_counts_of_counts_by_force(train, text, stream):
    batch = encoded(text, stream)
    table, _, masks = measured(encoded(train, stream), batch)
    seen = occurring(spelled(train, stream))
    for line in counts_of_counts(table, batch, masks):
        counts = [count for gram, count in seen.items() if len(gram) == line.order]
        assert (line.tokens, line.types) == (sum(counts), len(counts))
        assert [line.n1, line.n2, line.n3, line.n4] == [counts.count(k) for k in (1, 2, 3, 4)]
        assert line.n5_plus == sum(count > 4 for count in counts)
        assert line.once == pytest.approx(line.n1 / max(len(counts), 1))
        assert line.good_turing == pytest.approx(line.n1 / max(sum(counts), 1))
        grams = [gram for row in spelled(text, stream) for gram in endings(row, line.order) if len(gram) == line.order]
        assert line.unseen == pytest.approx(sum(gram not in seen for gram in grams) / max(len(grams), 1))


@fixed
@given(texts.filter(lambda text: any(text)), texts)
def test_a_unit_has_the_words_of_train_for_its_vocabulary(train, text):
    known = {word for row in train for word in row}
    rows = [[*row, "</s>"] for row in train], [[w if w in known else "<unk>" for w in row] + ["</s>"] for row in text]
    expected = masks_by_force(*rows)
    words = [word for row in text for word in row]
    for line in unit(train, text):
        flat = expected[line.order]
        assert (line.types, line.tokens, line.unseen) == (len(known), len(flat), sum(flat))
        assert line.share == pytest.approx(sum(flat) / len(flat))
        assert line.oov_rate == pytest.approx(sum(word not in known for word in words) / max(len(words), 1))


@settings(deadline=None, max_examples=40)
@given(texts, texts)
def test_longer_ngrams_are_seen_less_and_train_is_all_seen(train, text):
    whole = encoded(train)
    table, _, masks = measured(whole, encoded(text))
    for shorter, longer in pairwise(ORDERS):
        assert not np.any(masks[shorter] & ~masks[longer])
    assert not any(mask.any() for mask in unseen_masks(whole, longest_seen(whole, table)).values())


def test_by_hand():
    # Train: a b </s>. Text: b a </s> and a b </s>, 6 predictions.
    # Unigrams: all occur. Bigrams: <s> b, b a, a </s> do not occur; <s> a, a b, b </s> do: 3 of 6, in 1 row of 2.
    train, text = encoded([["a", "b"]]), encoded([["b", "a"], ["a", "b"]])
    table = NGramTable.count(train, 2)
    longest = longest_seen(text, table)
    masks = unseen_masks(text, longest, (1, 2))
    assert sparsity(text, masks) == [Sparsity(1, 6, 0, 0.0, 0.0), Sparsity(2, 6, 3, 0.5, 0.5)]
    # Of the 3 whose bigram occurs one begins with <s>: there is no more history.
    assert lengths(text, longest, 2) == [Length(0, 0, 0.0, 0), Length(1, 3, 0.5, 0), Length(2, 3, 0.5, 1)]
    # 3 words and 3 bigrams (<s> a, a b, b </s>), each once: all of further text would be new; of this, 0 and 1/2.
    assert counts_of_counts(table, text, masks) == [
        Counts(1, 3, 3, 3, 0, 0, 0, 0, 1.0, 1.0, 0.0),
        Counts(2, 3, 3, 3, 0, 0, 0, 0, 1.0, 1.0, 0.5),
    ]
    # One sentence cannot be halved.
    assert growth(train, text, masks) == [Growth(1, 3, 1, 0, 0.0), Growth(1, 3, 2, 3, 0.5)]
    # c is not in train: 1 word of 3; nor are <s> c and c </s>: 2 predictions of 5.
    assert unit([["a", "b"]], [["a", "b"], ["c"]], (1, 2)) == [
        Unit(1, 2, 5, 1 / 3, 1, 0.2),
        Unit(2, 2, 5, 1 / 3, 2, 0.4),
    ]


def test_good_and_turing_foretell_what_is_new():
    """In text drawn from one distribution the estimate is near the truth: 20,000 draws of a Zipf law, twice."""
    rng = np.random.default_rng(0)
    ids = rng.zipf(1.5, (2, 20_000))
    rows = [[[str(word) for word in row] for row in draws.reshape(-1, 10)] for draws in ids]
    vocab = Vocabulary.build(rows[0])
    train, text = (Sentences.encode(part, vocab) for part in rows)
    table, _, masks = measured(train, text)
    for line in counts_of_counts(table, text, masks)[:2]:
        assert 0.02 < line.good_turing < 0.5
        assert line.unseen == pytest.approx(line.good_turing, rel=0.1)


@fixed
@given(many, many, st.booleans())
def test_tokens_by_how_often_the_two_words_before_them_were_seen(train, test, stream):
    table = NGramTable.count(encoded(train, stream), TOP)
    found = familiar(encoded(test, stream), table)
    assert found.names == ("count 0", "count 1-4", "count 5-49", "count 50+")
    pairs = Counter(pair for row in spelled(train, stream) for pair in pairwise(["<s>", *row]))
    n_rows = len(spelled(train, stream))
    expected = []
    for row in spelled(test, stream):
        history = ["<s>", *row]
        for i in range(len(row)):
            times = n_rows if i == 0 else pairs[history[i - 1], history[i]]
            expected.append(sum(times >= least for least in (1, 5, 50)))
    assert found.of.tolist() == expected
