"""Methods that weigh: values worked by hand, and choices that nothing nearby betters on valid."""

import numpy as np
import pytest
from toy import fitted, prob, toy

from lmbench.models.ngram import NGram
from lmbench.text import hungry
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import Vocabulary

TRAIN, VALID, TEST = toy()


def loss(model, text):
    return -model.log_probs(text).mean()


def test_add_one_knows_no_lower_orders():
    model = fitted(["the cat sat", "the cat ran", "the dog sat"], order=3, smoothing="add_k", k=1.0)
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


def test_no_other_k_is_better_on_valid():
    model = NGram(order=3, smoothing="add_k").fit(TRAIN, VALID)
    grid = [NGram(order=3, smoothing="add_k", k=float(k)).fit(TRAIN, VALID) for k in np.geomspace(1e-4, 1e2, 121)]
    losses = [loss(other, VALID) for other in grid]
    assert loss(model, VALID) <= min(losses) + 1e-9
    name, _, value = model.notes()[0].removesuffix(", chosen on valid").partition(" = ")
    assert name == "k"
    assert float(value) == pytest.approx(grid[int(np.argmin(losses))].k, rel=0.13)  # a step of the grid is 12 %


def test_dirichlet_bigram():
    model = fitted(["the cat", "the cat", "the dog"], order=2, smoothing="dirichlet", mu=(9.0, 2.0))
    # V = 5; the 3, </s> 3, cat 2, dog 1, c = 9:  p1(cat) = (2 + 9/5) / (9 + 9)
    # after "the": cat 2, dog 1, c = 3:  p(cat | the) = (2 + 2 p1(cat)) / (3 + 2)
    assert prob(model, "cat", "the") == pytest.approx((2 + 2 * 3.8 / 18) / 5)
    assert prob(model, "cat", "zebra") == pytest.approx(3.8 / 18)
    assert model.notes() == ()


def test_the_last_mu_is_that_of_higher_orders():
    one, two = (NGram(order=4, smoothing="dirichlet", mu=mu).fit(TRAIN, VALID) for mu in ((3.0, 2.0), (3.0, 2.0, 2.0)))
    np.testing.assert_array_equal(one.log_probs(TEST), two.log_probs(TEST))


def test_no_other_mu_is_better_on_valid():
    model = NGram(order=2, smoothing="dirichlet").fit(TRAIN, VALID)
    grid = np.geomspace(1e-3, 1e4, 29).tolist()
    others = (NGram(order=2, smoothing="dirichlet", mu=(one, two)).fit(TRAIN, VALID) for one in grid for two in grid)
    assert loss(model, VALID) <= min(loss(other, VALID) for other in others) + 1e-6


# Bigrams: <s> a 3, a b 2, b </s> 2, and once each a c, c </s>, <s> d, d </s>.
# Words by the number of different words before them: </s> 3 (b, c, d), and 1 each a, b, c, d. V = 6.
ABCD = ["a b", "a b", "a c", "d"]


def test_pitman_yor_bigram_where_valid_says_nothing():
    model = fitted(ABCD, valid=[], order=2, smoothing="pitman_yor")
    # the search starts, and ends, at discount 0.75 and strength 1
    # order 1: 7 customers at 5 tables:  p1(b) = (1 - 0.75 + (1 + 0.75 * 5) / 6) / (7 + 1)
    # after a: b 2, c 1:  p(b | a) = (2 - 0.75 + (1 + 0.75 * 2) p1(b)) / (3 + 1)
    lower = (0.25 + 4.75 / 6) / 8
    assert prob(model, "b", "a") == pytest.approx((1.25 + 2.5 * lower) / 4)
    assert prob(model, "b", "zebra") == pytest.approx(lower)


def test_pitman_yor_bigram_with_what_was_chosen():
    model = fitted(ABCD, valid=["a b"] * 5 + ["a d"], order=2, smoothing="pitman_yor")
    numbers = model.notes()[0].split(": ")[1].split(";")
    (_, discount), (_, strength) = ([float(number) for number in part.split(",")] for part in numbers)
    # after a: b 2, c 1
    for word, count in ("b", 2), ("c", 1):
        expected = (count - discount + (strength + 2 * discount) * prob(model, word, "zebra")) / (3 + strength)
        assert prob(model, word, "a") == pytest.approx(expected, rel=0.01)
    assert (discount, strength) != (0.75, 1.0)


@pytest.mark.parametrize("size", [20, 80, 300])
def test_pitman_yor_is_the_answer_where_discounts_cannot_be_estimated(size):
    # Sentences of the built-in grammar
    rng = np.random.Generator(np.random.PCG64(1))
    train, valid, test = (hungry.grammar(True).sample(n, rng) for n in (size, size, 500))
    vocab = Vocabulary.build([*train, *valid, *test])
    train, valid, test = (Sentences.encode(part, vocab) for part in (train, valid, test))
    losses = {
        smoothing: loss(NGram(order=3, smoothing=smoothing).fit(train, valid), test)
        for smoothing in ("pitman_yor", "modified_kneser_ney", "kneser_ney", "absolute_discounting", "katz")
    }
    assert min(losses, key=losses.get) == "pitman_yor"


def test_jelinek_mercer_where_valid_says_nothing():
    model = fitted(["the cat", "the cat", "the dog"], valid=[], order=2, smoothing="jelinek_mercer")
    # every weight is (0 + 1) / (0 + 2).  V = 5; cat 2 of 9:  p1(cat) = 1/2 * 2/9 + 1/2 * 1/5
    # after "the": cat 2 of 3:  p(cat | the) = 1/2 * 2/3 + 1/2 * p1(cat)
    lower = 1 / 9 + 1 / 10
    assert prob(model, "cat", "the") == pytest.approx(1 / 3 + lower / 2)
    assert prob(model, "cat", "zebra") == pytest.approx(lower)


def test_jelinek_mercer_at_order_1_solves_its_equation():
    model = fitted(["a a b"], valid=["a c"], order=1, smoothing="jelinek_mercer")
    # V = 4; a 2, b 1, </s> 1 of 4.  valid is a <unk> </s>: x = lambda maximises
    #   ln(x/2 + (1-x)/4) + ln((1-x)/4) + ln(x/4 + (1-x)/4) + ln x + ln(1-x):  1/(1+x) - 2/(1-x) + 1/x = 0
    #   x - x^2 - 2x - 2x^2 + 1 - x^2 = 0:  4x^2 + x - 1 = 0:  x = (sqrt(17) - 1) / 8
    x = (17**0.5 - 1) / 8
    assert prob(model, "a", "") == pytest.approx(x / 2 + (1 - x) / 4, abs=1e-4)
    assert prob(model, "<unk>", "") == pytest.approx((1 - x) / 4, abs=1e-4)


def test_no_other_jelinek_mercer_weight_is_better_on_valid():
    model = NGram(order=2, smoothing="jelinek_mercer").fit(TRAIN, VALID)
    gamma = np.exp(model.backoff_.log_gamma[0])
    unigram = np.bincount(TRAIN.tokens, minlength=len(TRAIN.vocab)) / TRAIN.n_tokens
    after = np.bincount(TRAIN.previous, minlength=len(TRAIN.vocab) + 1)
    bucket = np.floor(np.log2(np.maximum(after, 1))).astype(int)
    assert (gamma[after == 0] == 1).all()
    weights = np.full(bucket.max() + 1, 0.5)
    weights[bucket[after > 0]] = 1 - gamma[after > 0]
    np.testing.assert_allclose(gamma[after > 0], 1 - weights[bucket[after > 0]])
    # from p1(<unk>) or whichever word, p1 = x c/N + (1-x)/V
    p1 = np.exp(model.backoff_.log_p[0][:-1])
    word = int(np.argmax(unigram))
    x = (p1[word] - 1 / len(p1)) / (unigram[word] - 1 / len(p1))
    pairs = np.bincount(TRAIN.previous * len(after) + TRAIN.tokens, minlength=len(after) ** 2).reshape(len(after), -1)

    def penalised(x, weights):
        lower = x * unigram[VALID.tokens] + (1 - x) / len(unigram)
        context = VALID.previous
        share = np.where(after[context] > 0, weights[bucket[context]], 0)
        p = share * pairs[context, VALID.tokens] / np.maximum(after[context], 1) + (1 - share) * lower
        prior = np.log([x, *weights]) + np.log([1 - x, *(1 - weights)])
        return np.log(p).sum() + prior.sum()

    best = penalised(x, weights)
    for step in (0.02, -0.02):
        assert penalised(x + step, weights) < best
        for b in range(len(weights)):
            moved = weights.copy()
            moved[b] += step
            assert penalised(x, moved) < best


def test_a_witten_bell_model_without_its_longest_ngrams_is_that_of_the_order_below():
    train, valid, test = toy()
    whole, shorter = (NGram(order=order, smoothing="witten_bell").fit(train, valid) for order in (3, 2))
    np.testing.assert_allclose(whole.backoff_.up_to(2).log_probs(test), shorter.log_probs(test), rtol=0, atol=1e-12)
    np.testing.assert_array_equal(whole.backoff_.up_to(3).log_probs(test), whole.log_probs(test))
    np.testing.assert_allclose(np.exp(whole.backoff_.up_to(1).next_log_probs(test)).sum(axis=1), 1)
