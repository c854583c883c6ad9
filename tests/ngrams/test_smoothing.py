"""Each method: values worked by hand, and the law that every distribution sums to one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmbench.errors import BadDiscounts
from lmbench.models.ngram import NGram
from lmbench.ngrams.smoothing import METHODS, Settings, modified_kneser_ney
from lmbench.ngrams.table import NGramTable
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import Vocabulary

TWO = ["the cat sat", "the dog sat on the cat"]


def fitted(lines, **fields):
    words = [line.split() for line in lines]
    train = Sentences.encode(words, Vocabulary.build(words))
    return NGram(**fields).fit(train, train)


def prob(model, word, after):
    event = model.vocab_.events.index(word)
    return float(np.exp(model.next_log_probs(Sentences.encode_prefixes([after.split()], model.vocab_))[0, event]))


def test_mle_uses_the_longest_suffix_that_was_seen():
    model = fitted(["the cat sat", "the cat ran", "the dog sat"], order=3, smoothing="mle")
    # after "the cat": sat 1, ran 1;  after "<s> the": cat 2, dog 1
    assert prob(model, "sat", "the cat") == pytest.approx(1 / 2)
    assert prob(model, "cat", "the") == pytest.approx(2 / 3)
    # "sat the" was never a context, "the" was: cat 2, dog 1
    assert prob(model, "dog", "cat sat the") == pytest.approx(1 / 3)
    # "<unk>" was never seen: words alone, 12 tokens with </s>
    assert prob(model, "cat", "zebra") == pytest.approx(2 / 12)
    # the context was seen, so what never followed it is impossible
    assert prob(model, "ran", "the dog") == 0


def test_add_one_knows_no_lower_orders():
    model = fitted(["the cat sat", "the cat ran", "the dog sat"], order=3, smoothing="add_k")
    # V = 7: <unk> </s> the cat sat dog ran;  after "the cat": sat 1, ran 1, c = 2
    assert prob(model, "sat", "the cat") == pytest.approx(2 / 9)
    assert prob(model, "dog", "the cat") == pytest.approx(1 / 9)
    # "<s> the" is all there is before the second word: cat 2, dog 1, c = 3
    assert prob(model, "cat", "the") == pytest.approx(3 / 10)
    # "<s>": the 3, c = 3
    assert prob(model, "the", "") == pytest.approx(4 / 10)
    # "sat the" was never seen, and "the" alone is no context of a trigram
    assert prob(model, "cat", "cat sat the") == pytest.approx(1 / 7)


def test_add_half_unigram():
    model = fitted(["a b", "a"], order=1, smoothing="add_k", k=0.5)
    # a 2, b 1, </s> 2, <unk> 0;  c = 5, V = 4:  p(a) = 2.5 / 7
    assert prob(model, "a", "b") == pytest.approx(2.5 / 7)
    assert prob(model, "<unk>", "b") == pytest.approx(0.5 / 7)


def test_witten_bell_bigram():
    model = fitted(["the cat", "the cat", "the dog"], order=2, smoothing="witten_bell")
    # V = 5; the 3, </s> 3, cat 2, dog 1: c = 9, T = 4:  p1(cat) = 2/13 + 4/13 * 1/5 = 2.8/13
    # after "the": cat 2, dog 1: c = 3, T = 2:  p(cat | the) = 2/5 + 2/5 * 2.8/13
    assert prob(model, "cat", "the") == pytest.approx(2 / 5 + 2 / 5 * 2.8 / 13)
    # <unk> was never a context
    assert prob(model, "cat", "zebra") == pytest.approx(2.8 / 13)


# Bigrams: <s> a 3, a b 2, b </s> 2, and once each a c, c </s>, <s> d, d </s>.
# Words by the number of different words before them: </s> 3 (b, c, d), and 1 each a, b, c, d. V = 6.
ABCD = ["a b", "a b", "a c", "d"]


def test_kneser_ney_bigram():
    model = fitted(ABCD, order=2, smoothing="kneser_ney")
    # order 2: n1 = 4, n2 = 2, D = 4 / (4 + 2 * 2) = 1/2;  order 1: n1 = 4, n2 = 0, so D = 0.75
    # p1(b) = (1 - 0.75) / 7 + 5 * 0.75 / 7 * 1/6 = 0.125
    # after a: b 2, c 1:  p(b | a) = (2 - 0.5) / 3 + 2 * 0.5 / 3 * 0.125
    assert prob(model, "b", "") == pytest.approx(2 * 0.5 / 4 * 0.125)
    assert prob(model, "b", "a") == pytest.approx(0.5 + 0.125 / 3)
    assert [note.split(";")[1] for note in model.notes()] == [" fixed discounts 0.75 were used"]


def test_modified_kneser_ney_bigram():
    model = fitted(ABCD, order=2, smoothing="modified_kneser_ney")
    # order 2: n1..n4 = 4, 2, 1, 0, Y = 1/2:  D1 = 1 - 2 Y 2/4 = 0.5, D2 = 2 - 3 Y 1/2 = 1.25, D3+ = 3
    # order 1: n2 = 0, so 0.5, 1, 1.5:  p1(b) = (1 - 0.5) / 7 + (4 * 0.5 + 1.5) / 7 * 1/6 = 0.5/7 + 0.5/6
    # after a: b 2, c 1:  p(b | a) = (2 - 1.25) / 3 + (1.25 + 0.5) / 3 * p1(b)
    lower = 0.5 / 7 + 0.5 / 6
    assert prob(model, "b", "a") == pytest.approx(0.25 + 1.75 / 3 * lower)
    # after <s>: a 3 and D3+ is 3, so alpha is 0;  d 1:  p(b | <s>) = (3 + 0.5) / 4 * p1(b)
    assert prob(model, "b", "") == pytest.approx(3.5 / 4 * lower)
    assert len(model.notes()) == 1
    assert "order 1" in model.notes()[0]


def test_modified_kneser_ney_counts_the_last_ngram_as_lmplz_does():
    # "z" is the word that first occurs last, four times and always after "y": adjusted count 1, count 4.
    # Adjusted counts: z 1, s 1, q 2, t 2, r 3, y 3, </s> 3, 15 in all. n1..n4 = 2, 2, 3, 0, but with z at its
    # count 1, 2, 3, 1:  Y = 1/5, D1 = 1 - 2/5 * 2/1 = 0.2, D2 = 2 - 3/5 * 3/2 = 1.1, D3+ = 3 - 4/5 * 1/3 = 41/15
    lines = ["s r q", "t r t", "r y z", "q y z", "s y z", "q y z"]
    words = [line.split() for line in lines]
    train = Sentences.encode(words, Vocabulary.build(words))
    table = NGramTable.count(train, 2)
    assert train.vocab.events[table.last[0]] == "z"
    p = np.exp(modified_kneser_ney(table, Settings(valid=train)).log_p[0])
    # freed: z 0.2, s 0.2, q and t 1.1, r, y and </s> 41/15, and V = 8 share it
    freed = (2 * 0.2 + 2 * 1.1 + 3 * 41 / 15) / 15
    expected = {"z": 1 - 0.2, "s": 1 - 0.2, "q": 2 - 1.1, "r": 3 - 41 / 15, "</s>": 3 - 41 / 15, "<unk>": 0}
    for word, count in expected.items():
        assert p[train.vocab.events.index(word)] == pytest.approx(count / 15 + freed / 8)


@pytest.mark.parametrize("smoothing", METHODS)
@pytest.mark.parametrize("order", range(1, 6))
def test_two_sentences_are_enough_for_a_distribution(smoothing, order):
    model = fitted(TWO, order=order, smoothing=smoothing)
    prefixes = [[], ["the"], ["the", "cat"], ["the", "dog", "sat", "on", "the"], ["on", "on", "on"], ["zebra"]]
    p = np.exp(model.next_log_probs(Sentences.encode_prefixes(prefixes, model.vocab_)))
    assert np.isfinite(p).all()
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-12)
    assert smoothing == "mle" or p.min() > 0


@pytest.mark.parametrize("order", range(1, 6))
@pytest.mark.parametrize("smoothing", ["kneser_ney", "modified_kneser_ney"])
def test_fixed_discounts_can_be_refused(smoothing, order):
    with pytest.raises(BadDiscounts, match=r"cannot be estimated.*witten_bell"):
        fitted(["no word comes twice here"], order=order, smoothing=smoothing, fallback=False)


VOCAB = Vocabulary.of_words(["a", "b", "c"])
rows = st.lists(st.lists(st.integers(0, 4), max_size=6), max_size=8)


@settings(deadline=None)
@given(rows, rows, st.sampled_from(sorted(METHODS)), st.integers(1, 5))
def test_every_distribution_sums_to_one_on_any_text(train_rows, prefix_rows, smoothing, order):
    train, prefixes = Sentences.of_rows(train_rows, VOCAB), Sentences.of_rows(prefix_rows, VOCAB)
    model = NGram(order=order, smoothing=smoothing).fit(train, train)
    p = np.exp(model.next_log_probs(prefixes))
    assert not np.isnan(p).any()
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-12)
