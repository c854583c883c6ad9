"""The contract at the yardstick: what a model returns is checked, then measured over masks."""

from dataclasses import replace

import numpy as np
import pytest
from toy import toy

from lmbench.bench.contract import scored
from lmbench.bench.evaluate import Yardstick, evaluate, on_valid, sums_to_one
from lmbench.errors import BadModel
from lmbench.model import LanguageModel, Strata
from lmbench.models.ngram import NGram
from lmbench.text.probes import Crossed, Probe, Probes, Story
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS, UNK, Vocabulary

TRAIN, VALID, TEST = toy()


class Says:
    """Stands in for a model that returns what it is told to, uniform otherwise."""

    normalised = True
    scope = frozenset({"test", "probes"})
    rounding = 1e-3
    strata = LanguageModel.strata
    nearest = LanguageModel.nearest

    def __init__(self, says=None, total=1.0):
        self.says, self.total = says, total

    def log_probs(self, batch):
        if self.says is not None:
            return self.says(batch.n_tokens)
        return np.full(batch.n_tokens, np.log(min(self.total, 1.0) / len(batch.vocab)))

    def next_log_probs(self, prefixes):
        return np.full((len(prefixes), len(prefixes.vocab)), np.log(self.total / len(prefixes.vocab)))


def yardstick(**changes):
    unseen = np.arange(TEST.n_tokens) % 3 == 0
    made = Yardstick(
        valid=VALID,
        test=TEST,
        unseen={1: unseen, 2: unseen, 3: np.zeros(TEST.n_tokens, bool)},
        spelling_bits=np.where(TEST.tokens == UNK, 7.0, 0.0),
        characters=100,
        extra={},
        probes=Probes(),
        unigram=np.zeros(len(TEST.vocab)),
    )
    return replace(made, **changes)


@pytest.fixture
def unheld(monkeypatch):
    """For arithmetic on numbers that no distribution has: text and table need not agree."""
    monkeypatch.setattr("lmbench.bench.contract.Held._agree", lambda *_: None)


@pytest.mark.parametrize(
    "says",
    [
        lambda n: np.full(n, -1.0, np.float32),
        lambda n: np.full(n, -1),
        lambda n: np.full(n + 1, -1.0),
        lambda n: np.full((n, 1), -1.0),
        lambda n: np.where(np.arange(n) == 2, np.nan, -1.0),
        lambda n: np.where(np.arange(n) == 2, 0.01, -1.0),
        lambda n: np.where(np.arange(n) == 2, np.inf, -1.0),
    ],
    ids=["float32", "int", "longer", "2-d", "nan", "positive", "inf"],
)
def test_scored_holds_models_to_the_contract(says):
    with pytest.raises(BadModel, match="log_probs returned"):
        scored(Says(says), TEST)


def test_zero_probability_and_certainty_are_allowed():
    says = Says(lambda n: np.where(np.arange(n) % 2, -np.inf, 0.0))
    assert np.isneginf(scored(says, TEST)).any()


def test_sums_to_one():
    assert sums_to_one(Says(), TEST)
    assert sums_to_one(Says(total=1.00005), TEST)
    assert not sums_to_one(Says(total=1.001), TEST)
    assert not sums_to_one(Says(total=0.9), TEST)
    assert not sums_to_one(Says(total=np.nan), TEST)


def test_sums_to_one_on_a_vocabulary_of_unk_and_eos_only():
    assert sums_to_one(Says(), Sentences.of_rows([[UNK, EOS]], Vocabulary.of_words([])))


def test_sums_to_one_on_a_stream():
    stream = Sentences(TEST.vocab, TEST.tokens, np.array([0, TEST.n_tokens]))
    assert sums_to_one(NGram(order=3).fit(TRAIN, VALID), stream)


@pytest.mark.parametrize("declared", [True, False])
def test_what_is_not_a_distribution_gets_no_perplexity(declared):
    model = Says(total=0.5 if declared else 1.0)
    model.normalised = declared
    story = Probes(story=Story((("나는", "춥다"),)))
    found = evaluate(model, yardstick(extra={"more": VALID}, probes=story))
    assert not found.normalised
    assert not [name for name in found.metrics if "ppl" in name or "bits" in name]
    assert "row_log_probs" not in found.arrays
    assert "story_ranks" in found.arrays


def test_stupid_backoff_is_ranked_and_compared_and_nothing_else():
    probe = Probe(
        ("나는", "무지"), "배가", ("배가", "고프다"), ("무지", "배가"), held=True, stratum="near", distractor="목이"
    )
    probes = Probes(probes=(probe,), crossed=(Crossed(("나는",), "무지", "배가", "매우", "춥다", "near"),))
    scored_as = {}
    for smoothing in ("stupid_backoff", "witten_bell"):
        model = NGram(order=3, smoothing=smoothing).fit(TRAIN, VALID)
        scored_as[smoothing] = evaluate(model, yardstick(probes=probes)).metrics
    ranked = {name for name in scored_as["witten_bell"] if name.startswith(("c2_", "c3_"))}
    assert {"c2_mrr", "c3_matched", "c3_crossed"} <= ranked
    assert set(scored_as["stupid_backoff"]) == ranked


@pytest.mark.usefixtures("unheld")
def test_perplexities_by_mask_agree_with_arithmetic_by_hand():
    values = -np.linspace(0.1, 3.0, TEST.n_tokens)
    uniform = -np.log(len(TEST.vocab))
    model = Says(lambda n: values if n == TEST.n_tokens else np.full(n, uniform))
    assert VALID.n_tokens != TEST.n_tokens
    found = evaluate(model, yardstick(extra={"more": VALID}))
    metrics = found.metrics

    def by_hand(mask):
        kept = [value for value, keep in zip(values, mask, strict=True) if keep]
        return np.exp(-sum(kept) / len(kept))

    assert (TEST.tokens == UNK).any()
    assert metrics["n_tokens"] == TEST.n_tokens
    assert metrics["ppl"] == pytest.approx(by_hand(values < 0))
    assert metrics["ppl_no_unk"] == pytest.approx(by_hand(TEST.tokens != UNK))
    assert metrics["ppl_no_eos"] == pytest.approx(by_hand(TEST.tokens != EOS))
    assert metrics["ppl_unseen_2"] == pytest.approx(by_hand(np.arange(TEST.n_tokens) % 3 == 0))
    assert {"ppl_unseen_1", "ppl_unseen_3", "ppl_no_literal_unk"}.isdisjoint(metrics)
    assert metrics["bits_per_token"] == pytest.approx(np.log2(metrics["ppl"]))
    bits = -values.sum() / np.log(2) + 7 * (TEST.tokens == UNK).sum()
    assert metrics["bits_per_char"] == pytest.approx(bits / 100)
    assert metrics["valid_ppl"] == metrics["ppl_more"] == pytest.approx(len(TEST.vocab))
    assert metrics["impossible"] == 0
    np.testing.assert_array_equal(found.arrays["row_tokens"], TEST.lengths)
    np.testing.assert_allclose(found.arrays["row_log_probs"], TEST.row_sums(values))


@pytest.mark.usefixtures("unheld")
def test_a_zero_makes_the_perplexity_infinite_and_is_counted():
    model = Says(lambda n: np.where(np.arange(n) < 2, -np.inf, -1.0))
    found = evaluate(model, yardstick(spelling_bits=None))
    assert found.metrics["ppl"] == np.inf
    assert found.metrics["impossible"] == 2
    assert "bits_per_char" not in found.metrics


@pytest.mark.usefixtures("unheld")
def test_a_literal_unk_of_the_text_is_left_out_of_a_column_of_its_own():
    vocab = Vocabulary.of_words(["<unk>", "a"])
    text = Sentences.encode([["<unk>", "a", "b"]], vocab)  # literal, known, out of vocabulary
    values = np.array([-1.0, -2.0, -4.0, -8.0])
    model = Says(lambda n: np.resize(values, n))
    plain = yardstick(valid=text, test=text, unseen={}, spelling_bits=None, unigram=np.zeros(4))
    metrics = evaluate(model, plain).metrics
    assert metrics["ppl_no_unk"] == pytest.approx(np.exp(11 / 3))
    assert metrics["ppl_no_literal_unk"] == pytest.approx(np.exp(10 / 2))


def test_scope_is_obeyed():
    model = Says()
    model.scope = frozenset({"probes"})
    assert "ppl" not in evaluate(model, yardstick()).metrics


def test_strata_of_a_model_are_measured():
    model = NGram(order=3, smoothing="witten_bell").fit(TRAIN, VALID)
    found = evaluate(model, yardstick()).metrics
    strata = model.strata(TEST)
    for bucket, name in enumerate(strata.names):
        if (strata.of == bucket).any():
            assert found[f"share_{name.replace(' ', '_')}"] == (strata.of == bucket).mean()
    assert sum(value for name, value in found.items() if name.startswith("share_")) == pytest.approx(1)
    assert not [name for name in evaluate(Says(), yardstick()).metrics if name.startswith("share_")]


def test_strata_of_the_text_are_measured_in_every_way():
    halves = Strata.cut(np.arange(TEST.n_tokens), (TEST.n_tokens // 2,), "place")
    kinds = Strata.cut((TEST.tokens == EOS).astype(int), (1,), "end")
    found = evaluate(Says(), yardstick(strata={"place": halves, "end": kinds})).metrics
    assert found["share_end_1+"] == (TEST.tokens == EOS).mean()
    shares = [name for name in found if name.startswith("share_")]
    assert len(shares) == 4
    assert sum(found[name] for name in shares) == pytest.approx(2)


def test_what_chooses_does_not_read_test():
    unread = yardstick(test=None)  # whatever asks about it ends in an error
    assert on_valid(Says(), unread).metrics == {"valid_ppl": pytest.approx(len(VALID.vocab))}
    assert on_valid(Says(total=0.5), unread).metrics == {}
