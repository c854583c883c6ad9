"""Methods that discount: values worked by hand, and what is done where discounts cannot be estimated."""

import numpy as np
import pytest
from toy import fitted, prob

from lmbench.errors import BadDiscounts
from lmbench.ngrams.discounting import good_turing, modified_kneser_ney
from lmbench.ngrams.recursion import Settings
from lmbench.ngrams.smoothing import METHODS
from lmbench.ngrams.table import NGramTable
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import Vocabulary

# Bigrams: <s> a 3, a b 2, b </s> 2, and once each a c, c </s>, <s> d, d </s>.
# Words by the number of different words before them: </s> 3 (b, c, d), and 1 each a, b, c, d. V = 6.
ABCD = ["a b", "a b", "a c", "d"]


def test_absolute_discounting_bigram():
    model = fitted(ABCD, order=2, smoothing="absolute_discounting")
    # order 2: n1 = 4, n2 = 2, D = 4 / (4 + 2 * 2) = 1/2
    # words: </s> 4, a 3, b 2, c 1, d 1, 11 in all;  n1 = 2, n2 = 1, D = 1/2:  p1(b) = 1.5/11 + 5 * 0.5 / 11 * 1/6
    # after a: b 2, c 1:  p(b | a) = 1.5/3 + 2 * 0.5 / 3 * p1(b)
    lower = 1.5 / 11 + 2.5 / 66
    assert prob(model, "b", "a") == pytest.approx(0.5 + lower / 3)
    assert prob(model, "b", "") == pytest.approx(2 * 0.5 / 4 * lower)
    assert model.notes() == ()


def test_kneser_ney_bigram():
    model = fitted(ABCD, order=2, smoothing="kneser_ney")
    # order 2: n1 = 4, n2 = 2, D = 4 / (4 + 2 * 2) = 1/2;  order 1: n1 = 4, n2 = 0, so D = 0.75
    # p1(b) = (1 - 0.75) / 7 + 5 * 0.75 / 7 * 1/6 = 0.125
    # after a: b 2, c 1:  p(b | a) = (2 - 0.5) / 3 + 2 * 0.5 / 3 * 0.125
    assert prob(model, "b", "") == pytest.approx(2 * 0.5 / 4 * 0.125)
    assert prob(model, "b", "a") == pytest.approx(0.5 + 0.125 / 3)
    assert [note.split(";")[1] for note in model.notes()] == [" fixed discounts 0.75 were used"]


def test_kneser_ney_backoff_bigram():
    model = fitted(ABCD, order=2, smoothing="kneser_ney_backoff")
    # D = 1/2 and p1(a) = ... = p1(d) = 0.125 as in the interpolated one
    # after a: b 2, c 1:  p(b | a) = 1.5/3 alone;  the 1/3 left is shared by all but b and c, 1 - 2 * 0.125 of p1
    assert prob(model, "b", "a") == pytest.approx(1.5 / 3)
    assert prob(model, "c", "a") == pytest.approx(0.5 / 3)
    assert prob(model, "d", "a") == pytest.approx((1 / 3) / 0.75 * 0.125)
    # after <s>: a 3, d 1, D each free a quarter of 4
    assert prob(model, "b", "") == pytest.approx(0.25 / 0.75 * 0.125)
    assert prob(model, "b", "zebra") == pytest.approx(0.125)


def test_katz_bigram():
    model = fitted(["a b", "a b", "a c", "d e g", "f f f"], order=2, smoothing="katz")
    # Bigrams: <s> a 3; a b, b </s>, f f 2; 8 once.  n1..n4 = 8, 3, 1, 0, so k = 2: t = 3 * 1 / 8
    # d1 = (2 * 3/8 - 3/8) / (1 - 3/8) = 3/5,  d2 = (3/2 * 1/3 - 3/8) / (1 - 3/8) = 1/5
    # Words: </s> 5, a 3, f 3, b 2, and c, d, e, g 1, 17 in all.  n1..n4 = 4, 1, 2, 0: with k = 2, t = 3 * 2/4 > 1, so
    # each gives 0.5, and V = 9 share 8 * 0.5:  p1(w) = (c - 0.5) / 17 + 4 / 17 / 9
    one, two, three = ((c - 0.5) / 17 + 4 / 153 for c in (1, 2, 3))
    # after a: b 2, c 1, of 3
    assert prob(model, "b", "a") == pytest.approx(2 / 3 * 1 / 5)
    assert prob(model, "c", "a") == pytest.approx(1 / 3 * 3 / 5)
    gamma = (1 - 2 / 15 - 3 / 15) / (1 - two - one)
    assert prob(model, "d", "a") == pytest.approx(gamma * one)
    assert prob(model, "<unk>", "a") == pytest.approx(gamma * 4 / 153)
    # after <s>: a 3, above k and taken as it is, d 1, f 1, of 5
    assert prob(model, "a", "") == pytest.approx(3 / 5)
    assert prob(model, "d", "") == pytest.approx(1 / 5 * 3 / 5)
    assert prob(model, "b", "") == pytest.approx((2 / 5 * 2 / 5) / (1 - 2 * three - one) * two)
    assert ["order 1" in note for note in model.notes()] == [True, False]
    assert "usable for counts up to 2 only, not 7" in model.notes()[1]


def test_katz_counts_one_event_more_where_nothing_is_freed():
    # as above, and h five times: </s> after h, 5 of 5, is above k
    model = fitted(["a b", "a b", "a c", "d e g", "f f f", *["h"] * 5], order=2, smoothing="katz")
    assert prob(model, "</s>", "h") == pytest.approx(5 / 6)
    after_h = np.exp(model.next_log_probs(Sentences.encode_prefixes([["h"]], model.vocab_)))
    assert after_h.sum() == pytest.approx(1)
    assert after_h.min() > 0


def test_good_turing_discounts():
    # n_r = 5040 / r:  r* / r = (r + 1) n_{r+1} / (r n_r) = 1, so that nothing is freed and no k will do
    assert good_turing([0, *(5040 // r for r in range(1, 9))]) == []
    # n_r = 5040 / (r (r + 1)):  r* / r = (r + 1) / (r + 2), and t = 8 n_8 / n_1 = 8 * 70 / 2520 = 2/9 at k = 7
    discounts = good_turing([0, *(5040 // (r * (r + 1)) for r in range(1, 9))])
    ratios = [((r + 1) / (r + 2) - 2 / 9) / (1 - 2 / 9) for r in range(1, 8)]
    np.testing.assert_allclose(discounts, [*(r * (1 - d) for r, d in enumerate(ratios, start=1)), 0])
    # n_6 = 0:  r* of 5 is 0 and that of 6 unknown, so k = 4, with t = 5 n_5 / n_1
    assert len(good_turing([0, 100, 30, 12, 6, 3, 0, 5, 4])) == 4 + 1


def test_after_a_context_that_every_word_followed_nothing_is_left_to_share():
    # V = 3, and each of <unk>, </s> and a follows a: twice a, once the others
    train = Sentences.of_rows([[2, 2, 2, 1], [2, 0, 1]], Vocabulary.of_words(["a"]))
    for smoothing in ("katz", "kneser_ney_backoff"):
        backoff = METHODS[smoothing](NGramTable.count(train, 2), Settings(valid=train))
        assert backoff.log_gamma[0][2] == -np.inf
        p = np.exp(backoff.next_log_probs(Sentences.of_rows([[2]], train.vocab)))
        assert p.sum() == pytest.approx(1)
        assert p[0, 2] > p[0, 1] == pytest.approx(p[0, 0])


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


@pytest.mark.parametrize("order", range(1, 6))
@pytest.mark.parametrize(
    "smoothing", ["absolute_discounting", "kneser_ney", "kneser_ney_backoff", "modified_kneser_ney", "katz"]
)
def test_fixed_discounts_can_be_refused(smoothing, order):
    with pytest.raises(BadDiscounts, match=r"cannot be estimated.*witten_bell"):
        fitted(["no word comes twice here"], order=order, smoothing=smoothing, fallback=False)
