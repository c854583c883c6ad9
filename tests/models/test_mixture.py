"""Linear interpolation: the weights are the best on valid, and nothing else changes."""

import numpy as np
import pytest
from toy import toy

from lmbench.errors import BadConfig
from lmbench.model import LanguageModel, Strata
from lmbench.models import describe, reconstruct
from lmbench.models.cache import Cache
from lmbench.models.infinity import Infinity
from lmbench.models.mixture import Mixture
from lmbench.models.ngram import NGram
from lmbench.text.sentences import Sentences

TRAIN, VALID, TEST = toy()


def parts(n=2):
    made = {
        "two": NGram(order=2, smoothing="witten_bell"),
        "one": NGram(order=1, smoothing="add_k"),
        "zeros": NGram(order=3, smoothing="mle"),
    }
    return dict(list(made.items())[:n])


def loss(weights, logs):
    with np.errstate(divide="ignore"):
        return -np.log(np.tensordot(weights, np.exp(logs), 1)).mean()


@pytest.fixture(scope="module")
def mixed():
    return Mixture(components=parts(3)).fit(TRAIN, VALID)


def test_weights_agree_with_a_grid_search_on_valid():
    model = Mixture(components=parts(2)).fit(TRAIN, VALID)
    logs = np.stack([part.log_probs(VALID) for part in model.components.values()])
    grid = np.linspace(0, 1, 2001)
    losses = np.array([loss([w, 1 - w], logs) for w in grid])
    assert loss(model.weights_[0], logs) <= losses.min() + 1e-6
    assert model.weights_[0, 0] == pytest.approx(grid[losses.argmin()], abs=0.01)


def test_weights_of_three_parts_agree_with_a_grid_search(mixed):
    logs = np.stack([part.log_probs(VALID) for part in mixed.components.values()])
    found = loss(mixed.weights_[0], logs)
    grid = [(a, b, 1 - a - b) for a in np.linspace(0, 1, 41) for b in np.linspace(0, 1 - a, 41)]
    assert found <= min(loss(np.maximum(w, 0), logs) for w in grid) + 1e-6


def test_no_worse_on_valid_than_its_best_part(mixed):
    best = min(-part.log_probs(VALID).mean() for part in mixed.components.values())
    assert -mixed.log_probs(VALID).mean() <= best + 1e-9


def test_the_weights_are_a_distribution_and_are_told(mixed):
    assert mixed.weights_.sum() == pytest.approx(1)
    assert (mixed.weights_ >= 0).all()
    assert mixed.notes()[0].startswith("weights: two ")
    assert mixed.config() == {"components": ["two", "one", "zeros"], "by": "", "contexts": "length", "iterations": 1000}


def test_scores_are_the_weighted_sum(mixed):
    p = [np.exp(part.log_probs(TEST)) for part in mixed.components.values()]
    np.testing.assert_allclose(np.exp(mixed.log_probs(TEST)), np.tensordot(mixed.weights_[0], p, 1))
    tables = [np.exp(part.next_log_probs(TEST)) for part in mixed.components.values()]
    np.testing.assert_allclose(np.exp(mixed.next_log_probs(TEST)), np.tensordot(mixed.weights_[0], tables, 1))


def test_zeros_of_one_part_are_filled_by_another(mixed):
    assert np.isneginf(mixed.components["zeros"].log_probs(TEST)).any()
    assert np.isfinite(mixed.log_probs(TEST)).all()


def test_what_no_part_can_say_stays_impossible():
    model = Mixture(components={"a": NGram(order=2, smoothing="mle"), "b": NGram(order=3, smoothing="mle")})
    found = model.fit(TRAIN, TEST).log_probs(TEST)
    both = [np.isneginf(part.log_probs(TEST)) for part in model.components.values()]
    assert both[0].any()
    np.testing.assert_array_equal(np.isneginf(found), both[0] & both[1])
    assert not np.isnan(model.weights_).any()


def test_a_part_of_weight_0_is_left_out(mixed):
    model = Mixture(components=mixed.components)
    model.vocab_, model.weights_ = mixed.vocab_, np.array([[1.0, 0.0, 0.0]])
    np.testing.assert_allclose(model.log_probs(TEST), mixed.components["two"].log_probs(TEST))


def test_fitted_parts_are_used_as_they_are():
    part = NGram(order=2, smoothing="witten_bell").fit(TEST, VALID)
    before = part.log_probs(VALID)
    Mixture(components={"a": part, "b": NGram(order=1)}).fit(TRAIN, VALID)
    np.testing.assert_array_equal(part.log_probs(VALID), before)


def test_state_round_trip(mixed):
    again = reconstruct(describe(mixed)).restore(mixed.vocab_, mixed.state())
    np.testing.assert_array_equal(again.log_probs(TEST), mixed.log_probs(TEST))
    np.testing.assert_array_equal(again.next_log_probs(TEST), mixed.next_log_probs(TEST))
    assert again.notes() == mixed.notes()
    assert again.n_params() == mixed.n_params() == sum(p.n_params() for p in mixed.components.values()) + 3


def test_one_part_is_no_mixture_and_no_steps_no_em():
    with pytest.raises(BadConfig, match="no mixture"):
        Mixture(components=parts(1))
    with pytest.raises(BadConfig, match="iterations = 0"):
        Mixture(components=parts(2), iterations=0)


class Knows(LanguageModel):
    """Says 1/2 of one event and 0 of any other; its strata are the first, second and later places of a row."""

    def __init__(self, event):
        self.vocab_, self.event = TRAIN.vocab, event

    def fit(self, train, valid):  # noqa: ARG002
        raise AssertionError("it is fitted")

    def log_probs(self, batch):
        return np.where(batch.tokens == self.event, np.log(0.5), -np.inf)

    def strata(self, batch):
        return Strata.cut(batch.positions, (1, 2), "place")

    def n_params(self):
        return 0

    def state(self):
        return {}

    def restore(self, vocab, state):  # noqa: ARG002
        return self


def test_weights_of_two_strata_by_hand():
    x, y = 2, 3
    valid = Sentences.of_rows([[x, y]] * 20 + [[x]] * 10 + [[y]] * 10, TRAIN.vocab)
    model = Mixture(components={"x": Knows(x), "y": Knows(y)}, by="x").fit(TRAIN, valid)
    # Of 60 tokens 30 are x, so all of valid says 1/2. In the first places 30 of 40 are x, in the second none of 20;
    # each place has 20 tokens more, half of them x, and the later places have no others:
    # (30 + 10) / (40 + 20), (0 + 10) / (20 + 20), 10 / 20
    assert model.weights_[:, 0] == pytest.approx([2 / 3, 1 / 4, 1 / 2])
    # p(x) at the first and second place, and twice at later ones
    p = np.exp(model.log_probs(Sentences.of_rows([[x, x, x, x]], TRAIN.vocab)))
    assert p == pytest.approx([2 / 3 / 2, 1 / 4 / 2, 1 / 2 / 2, 1 / 2 / 2])
    assert model.notes()[:2] == ("weights at x's place 0: x 0.667, y 0.333", "weights at x's place 1: x 0.25, y 0.75")


@pytest.mark.parametrize("by", ["ngram", "infinity"])
def test_in_no_stratum_worse_on_valid_than_one_set_of_weights(by):
    parts = {"ngram": NGram(order=3, smoothing="witten_bell"), "infinity": Infinity(), "cache": Cache(mu=5.0)}
    one = Mixture(components=parts).fit(TRAIN, TEST)
    many = Mixture(components=parts, by=by).fit(TRAIN, TEST)
    gain = many.log_probs(TEST) - one.log_probs(TEST)
    strata = parts[by].strata(TEST)
    assert (np.bincount(strata.of, gain) >= -1e-9).all()
    assert gain.sum() > 0.01
    assert many.weights_.shape == (len(strata.names), 3)
    assert many.weights_.sum(axis=1) == pytest.approx(1)


def test_a_stratum_that_valid_lacks_has_the_weights_of_all():
    parts = {"ngram": NGram(order=3, smoothing="witten_bell"), "one": NGram(order=1, smoothing="mle")}
    short = Sentences.of_rows([row[:1] for row in VALID], VALID.vocab)  # contexts of one word, <s>
    one, many = (Mixture(components=parts, by=by).fit(TRAIN, short) for by in ("", "ngram"))
    assert many.weights_[[0, 2]] == pytest.approx(np.repeat(one.weights_, 2, axis=0))


def test_strata_are_saved_and_told():
    parts = {"ngram": NGram(order=3, smoothing="witten_bell"), "infinity": Infinity()}
    model = Mixture(components=parts, by="infinity").fit(TRAIN, VALID)
    again = reconstruct(describe(model)).restore(model.vocab_, model.state())
    np.testing.assert_array_equal(again.log_probs(TEST), model.log_probs(TEST))
    assert again.notes() == model.notes()
    assert model.config() == {
        "components": ["ngram", "infinity"],
        "by": "infinity",
        "contexts": "length",
        "iterations": 1000,
    }
    assert model.n_params() == sum(part.n_params() for part in parts.values()) + 2 * 7
    np.testing.assert_array_equal(model.strata(TEST).of, parts["infinity"].strata(TEST).of)


def test_by_names_a_component_that_has_strata():
    with pytest.raises(BadConfig, match="no component for by 'three'; "):
        Mixture(components=parts(2), by="three")
    with pytest.raises(BadConfig, match="by = 'cache' has no strata"):
        Mixture(components={**parts(2), "cache": Cache()}, by="cache")
    with pytest.raises(BadConfig, match=r"by = 'infinity' has no context_counts: .*name a component of kind ngram, or"):
        Mixture(components={**parts(2), "infinity": Infinity()}, by="infinity", contexts="count")
    with pytest.raises(BadConfig, match="contexts = 'counts' is not one of length, count"):
        Mixture(components=parts(2), contexts="counts")


@pytest.mark.parametrize("fields", [{"order": 1}, {"order": 2, "counts": False}])
def test_counts_that_nobody_kept(fields):
    parts = {"ngram": NGram(smoothing="witten_bell", **fields), "cache": Cache()}
    with pytest.raises(BadConfig, match="by = 'ngram' does not know how often contexts occur; give it order = 2"):
        Mixture(components=parts, by="ngram", contexts="count").fit(TRAIN, VALID)


def test_buckets_of_counts():
    parts = {"ngram": NGram(order=2, smoothing="witten_bell"), "cache": Cache(mu=5.0)}
    model = Mixture(components=parts, by="ngram", contexts="count").fit(TRAIN, VALID)
    strata, counts = model.strata(TEST), parts["ngram"].context_counts(TEST)
    assert strata.names == ("count 0", "count 1-4", "count 5-49", "count 50+")
    assert strata.of.tolist() == [0 if c < 1 else 1 if c < 5 else 2 if c < 50 else 3 for c in counts.tolist()]
    assert model.weights_.shape == (4, 2)
    one = Mixture(components=parts).fit(TRAIN, VALID)
    gain = model.log_probs(VALID) - one.log_probs(VALID)
    assert (np.bincount(model.strata(VALID).of, gain) >= -1e-9).all()
    again = reconstruct(describe(model)).restore(model.vocab_, model.state())
    np.testing.assert_array_equal(again.log_probs(TEST), model.log_probs(TEST))
