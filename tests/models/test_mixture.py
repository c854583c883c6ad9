"""Linear interpolation: the weights are the best on valid, and nothing else changes."""

import numpy as np
import pytest
from toy import toy

from lmbench.errors import BadConfig
from lmbench.models import describe, reconstruct
from lmbench.models.mixture import Mixture
from lmbench.models.ngram import NGram

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
    assert loss(model.weights_, logs) <= losses.min() + 1e-6
    assert model.weights_[0] == pytest.approx(grid[losses.argmin()], abs=0.01)


def test_weights_of_three_parts_agree_with_a_grid_search(mixed):
    logs = np.stack([part.log_probs(VALID) for part in mixed.components.values()])
    found = loss(mixed.weights_, logs)
    grid = [(a, b, 1 - a - b) for a in np.linspace(0, 1, 41) for b in np.linspace(0, 1 - a, 41)]
    assert found <= min(loss(np.maximum(w, 0), logs) for w in grid) + 1e-6


def test_no_worse_on_valid_than_its_best_part(mixed):
    best = min(-part.log_probs(VALID).mean() for part in mixed.components.values())
    assert -mixed.log_probs(VALID).mean() <= best + 1e-9


def test_the_weights_are_a_distribution_and_are_told(mixed):
    assert mixed.weights_.sum() == pytest.approx(1)
    assert (mixed.weights_ >= 0).all()
    assert mixed.notes()[0].startswith("weights: two ")
    assert mixed.config() == {"components": ["two", "one", "zeros"], "iterations": 1000}


def test_scores_are_the_weighted_sum(mixed):
    p = [np.exp(part.log_probs(TEST)) for part in mixed.components.values()]
    np.testing.assert_allclose(np.exp(mixed.log_probs(TEST)), np.tensordot(mixed.weights_, p, 1))
    tables = [np.exp(part.next_log_probs(TEST)) for part in mixed.components.values()]
    np.testing.assert_allclose(np.exp(mixed.next_log_probs(TEST)), np.tensordot(mixed.weights_, tables, 1))


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
    model.vocab_, model.weights_ = mixed.vocab_, np.array([1.0, 0.0, 0.0])
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
