"""The infinity-gram by hand and against maximum likelihood n-grams."""

import numpy as np
import pytest
from toy import toy

from lmbench.errors import BadConfig
from lmbench.models.infinity import Infinity
from lmbench.models.ngram import NGram
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS, Vocabulary

VOCAB = Vocabulary.of_words(list("abcd"))
TRAIN = Sentences.encode([list("abc"), list("abd"), list("bd"), list("abc")], VOCAB)


def test_probabilities_by_hand():
    model = Infinity().fit(TRAIN, TRAIN)
    a, b, c, d = VOCAB.encode("abcd")
    rows = Sentences.of_rows([[a, b, c, EOS], [d, b, d, a]], VOCAB)
    expected = [
        3 / 4,  # a after <s>: three of the four rows
        1,  # b after <s> a
        2 / 3,  # c after <s> a b: c, d, c
        1,  # </s> after <s> a b c
        0,  # d after <s>
        0,  # b after d, <s> d being unseen: only </s> follows
        2 / 4,  # d after b, d b being unseen: c, d, d, c
        0,  # a after b d: only </s> follows
    ]
    assert np.exp(model.log_probs(rows)) == pytest.approx(expected)
    # <s> is a word of the suffix; d b was never seen, so b stands alone
    strata = model.strata(rows)
    assert [strata.names[i] for i in strata.of] == [f"suffix {n}" for n in (1, 2, 3, 4, 1, 1, 1, 2)]


def test_a_word_train_never_goes_on_after_leaves_relative_frequencies():
    model = Infinity().fit(TRAIN, TRAIN)
    prefixes = Sentences.of_rows([[EOS], [0], [2, EOS]], VOCAB)  # in sentence rows nothing follows </s>
    p = np.exp(model.next_log_probs(prefixes))
    frequencies = np.bincount(TRAIN.tokens, minlength=len(VOCAB)) / TRAIN.n_tokens
    assert p == pytest.approx(np.tile(frequencies, (3, 1)))
    assert set(model.strata(prefixes.ended()).of[prefixes.ended().offsets[1:] - 1]) == {0}


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_a_limit_makes_it_a_maximum_likelihood_ngram(order):
    train, valid, test = toy()
    infinity = Infinity(longest=order - 1).fit(train, valid)
    ngram = NGram(order=order, smoothing="mle").fit(train, valid)
    np.testing.assert_allclose(infinity.log_probs(test), ngram.log_probs(test), atol=1e-12)
    np.testing.assert_allclose(infinity.next_log_probs(test), ngram.next_log_probs(test), atol=1e-12)


def test_it_saves_train_and_an_order_of_it():
    model = Infinity().fit(TRAIN, TRAIN)
    sizes = {name: array.size for name, array in model.state().items()}
    assert sizes == {"tokens": TRAIN.n_tokens, "order": TRAIN.n_tokens, "offsets": len(TRAIN) + 1}
    assert model.n_params() == sum(sizes.values())


def test_a_suffix_of_fewer_than_no_words_is_refused():
    with pytest.raises(BadConfig, match="longest = -1 is not a whole number from 0"):
        Infinity(longest=-1)
