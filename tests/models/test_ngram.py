"""The n-gram model as a language model: the same numbers by every road, and errors that help."""

import warnings

import numpy as np
import pytest

from lmbench.errors import BadConfig
from lmbench.model import LanguageModel
from lmbench.models.ngram import Model, NGram
from lmbench.ngrams.smoothing import METHODS
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import Vocabulary

VOCAB = Vocabulary.of_words([f"w{i}" for i in range(30)])


def sample(seed, n_rows, longest=9):
    rng = np.random.default_rng(seed)
    draw = lambda: np.minimum(rng.zipf(1.4, rng.integers(0, longest)) + 1, len(VOCAB) - 1)  # noqa: E731
    return Sentences.of_rows([[*draw(), 1] for _ in range(n_rows)], VOCAB)


TRAIN, TEST = sample(0, 200), sample(1, 40)
PREFIXES = Sentences.of_rows([row[:-1] for row in TEST] + [[], [0], [1], [31, 31, 31]], VOCAB)
every_model = pytest.mark.parametrize(
    "model",
    [NGram(order=n, smoothing=s) for s in METHODS for n in (1, 2, 3, 5)],
    ids=lambda m: f"{m.smoothing}-{m.order}",
)


@every_model
def test_next_log_probs_are_what_log_probs_says_of_every_continuation(model):
    model.fit(TRAIN, TEST)
    np.testing.assert_allclose(
        model.next_log_probs(PREFIXES), LanguageModel.next_log_probs(model, PREFIXES), atol=1e-12
    )


@every_model
def test_a_restored_model_gives_the_same_numbers(model):
    model.fit(TRAIN, TEST)
    again = NGram(**model.config()).restore(VOCAB, model.state())
    np.testing.assert_array_equal(again.log_probs(TEST), model.log_probs(TEST))
    np.testing.assert_array_equal(again.next_log_probs(PREFIXES), model.next_log_probs(PREFIXES))
    assert again.n_params() == model.n_params()
    assert again.notes() == model.notes()


@every_model
def test_scores_are_one_log_probability_a_token_and_impossible_ones_are_silent(model):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        log_probs = model.fit(TRAIN, TEST).log_probs(TEST)
        model.next_log_probs(PREFIXES)
    assert log_probs.shape == (TEST.n_tokens,)
    assert log_probs.dtype == np.float64
    assert (log_probs <= 0).all()
    assert model.smoothing == "mle" or np.isfinite(log_probs).all()


@every_model
def test_rows_are_scored_alone(model):
    model.fit(TRAIN, TEST)
    alone = [model.log_probs(TEST.take([s])) for s in range(len(TEST))]
    np.testing.assert_array_equal(np.concatenate(alone), model.log_probs(TEST))


def test_one_mle_gram_is_the_relative_frequency():
    log_probs = NGram(order=1, smoothing="mle").fit(TRAIN, TEST).next_log_probs(PREFIXES)
    with np.errstate(divide="ignore"):
        expected = np.log(np.bincount(TRAIN.tokens, minlength=len(VOCAB)) / TRAIN.n_tokens)
    np.testing.assert_allclose(log_probs, np.tile(expected, (len(PREFIXES), 1)), atol=1e-12)


def test_parameters_are_probabilities_and_back_off_weights():
    train = Sentences.of_rows([[2, 3, 1]], Vocabulary.of_words(["a", "b"]))
    # probabilities: 5 unigrams with <s>, 3 bigrams; weights: 5 words as contexts
    assert NGram(order=2, smoothing="witten_bell").fit(train, train).n_params() == 5 + 3 + 5


def test_stupid_backoff_is_a_distribution_at_order_1_alone():
    assert [NGram(order=n, smoothing="stupid_backoff").normalised for n in (1, 2, 5)] == [True, False, False]
    assert all(NGram(smoothing=smoothing).normalised for smoothing in METHODS if smoothing != "stupid_backoff")


def test_nothing_to_score_is_nothing():
    model = NGram().fit(TRAIN, TEST)
    assert model.log_probs(Sentences.of_rows([], VOCAB)).shape == (0,)
    assert model.log_probs(Sentences.of_rows([[], []], VOCAB)).shape == (0,)
    assert model.next_log_probs(Sentences.of_rows([], VOCAB)).shape == (0, len(VOCAB))


def test_a_text_without_words_makes_every_event_alike():
    nothing = Sentences.of_rows([], VOCAB)
    for smoothing in METHODS:
        log_probs = NGram(smoothing=smoothing).fit(nothing, nothing).next_log_probs(PREFIXES)
        np.testing.assert_allclose(log_probs, -np.log(len(VOCAB)))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"order": 0}, "order = 0 is not a whole number from 1 to 100"),
        ({"k": 0.0}, "k = 0.0 is not a number above 0"),
        ({"k": float("nan")}, "k = nan is not a number above 0"),
        ({"cutoffs": [0, 2, 1]}, r"cutoffs = \[0, 2, 1\] must begin with 0 and not fall"),
        ({"entropy": -1e-8}, "entropy = -1e-08 is not a number from 0"),
        ({"entropy": float("nan")}, "entropy = nan is not a number from 0"),
        ({"bits": 16}, "bits = 16 is not one of 8, 32, 64"),
        ({"bits": 8, "smoothing": "stupid_backoff"}, "stupid_backoff is none"),
        ({"entropy": 1e-7, "smoothing": "stupid_backoff"}, "stupid_backoff is none; .*cutoffs"),
        ({"mu": ()}, r"mu = \[\] has no strength; give one or more, or leave it out"),
        ({"mu": (2.0, 0.0)}, r"mu = \(2.0, 0.0\) is not a list, each item a number above 0 .* or left out"),
        ({"smoothing": "kneser_nay"}, "smoothing = 'kneser_nay' is not one of .*; did you mean 'kneser_ney'?"),
    ],
)
def test_a_bad_field_is_named_when_the_model_is_made(fields, message):
    with pytest.raises(BadConfig, match=message):
        NGram(**fields)


def test_the_kind_is_its_file():
    assert Model is NGram
    assert Model.family == "ngram"


@pytest.mark.parametrize("order", [1, 2, 4])
def test_strata_are_the_words_of_context_that_train_has(order):
    model = NGram(order=order, smoothing="witten_bell").fit(TRAIN, TEST)
    begun = {(VOCAB.bos, *row[:i])[-n:] for row in TRAIN for i in range(len(row)) for n in range(1, order)}
    expected = []
    for row in TEST:
        for i in range(len(row)):
            history = (VOCAB.bos, *row[:i])
            expected.append(max((n for n in range(1, order) if n <= len(history) and history[-n:] in begun), default=0))
    strata = model.strata(TEST)
    assert strata.of.tolist() == expected
    assert strata.names[0] == ("context 0" if order > 1 else "context 0+")
    assert len(strata.names) == order


@pytest.mark.parametrize("order", [2, 3, 5])
def test_context_counts_are_of_the_two_words_before_a_token(order):
    model = NGram(order=order, smoothing="witten_bell").fit(TRAIN, TEST)
    padded = [(VOCAB.bos, *row) for row in TRAIN]
    expected = []
    for row in TEST:
        for i in range(len(row)):
            context = (VOCAB.bos, *row[:i])[-2:]
            expected.append(sum(words[k : k + len(context)] == context for words in padded for k in range(len(words))))
    assert 0 in expected
    assert max(expected) == len(TRAIN)
    for known in model, NGram(order=order, smoothing="witten_bell").restore(VOCAB, model.state()):
        assert known.context_counts(TEST).tolist() == expected


def test_context_counts_of_no_bigrams_and_of_counts_not_kept():
    assert NGram(order=1).fit(TRAIN, TEST).context_counts(TEST) is None
    assert NGram(order=3, counts=False).fit(TRAIN, TEST).context_counts(TEST) is None
