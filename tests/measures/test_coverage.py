"""C0 to C5 on tables small enough to work out by hand; the working is beside each number."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmbench.measures.coverage import (
    TIE,
    Answers,
    ask,
    crossed_preference,
    lift,
    preference,
    ranks,
    summary,
    would_say,
)
from lmbench.model import LanguageModel
from lmbench.models.ngram import NGram
from lmbench.text.probes import Crossed, Probe
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS, Vocabulary

INF = np.inf
VOCAB = Vocabulary.of_words(["a", "b", "c", "d"])  # V = 6: <unk>, </s>, a, b, c, d
A, B, C, D = 2, 3, 4, 5

# p(next | previous), by previous id; rows of <unk> and </s> are never asked.
TABLE = {
    VOCAB.bos: [0, 0, 0.5, 0.5, 0, 0],
    A: [0, 1 / 8, 1 / 8, 1 / 2, 1 / 4, 0],
    B: [1 / 4, 1 / 4, 0, 0, 1 / 2, 0],
    C: [0, 1, 0, 0, 0, 0],
    D: [1 / 6] * 6,
}


@dataclass(kw_only=True)
class Bigram(LanguageModel):
    """The table above."""

    def fit(self, train, valid):  # noqa: ARG002
        return self

    def log_probs(self, batch):
        with np.errstate(divide="ignore"):
            return np.log([TABLE[int(before)][w] for before, w in zip(batch.previous, batch.tokens, strict=True)])

    def n_params(self):
        return 36

    def state(self):
        return {}

    def restore(self, vocab, state):  # noqa: ARG002
        return self


def probe(context, phrase, held=True, **more):
    return Probe(
        tuple(context), phrase[0], tuple(phrase), (context[-1], phrase[0]), held, **{"stratum": "near", **more}
    )


PROBES = (
    probe("a", "bc", distractor="c", true_log_prob=np.log(1 / 4)),
    probe("ba", "d", stratum="far", distractor="c"),
    probe("a", "cd", stratum="far"),
    probe("b", "c", held=False, true_log_prob=np.log(1 / 4)),
)
CROSSED = (Crossed((), "a", "b", "b", "c", "near"), Crossed(("a",), "a", "d", "b", "a", "far"))
UNIGRAM = np.log([1 / 4, 1 / 8, 1 / 4, 1 / 4])


@pytest.fixture
def answers():
    return ask(Bigram(), PROBES, CROSSED, VOCAB)


def test_what_is_asked(answers):
    # p(b|a) = 1/2, p(d|a) = 0, p(c|a) = 1/4, p(c|b) = 1/2; the distractor c after a: 1/4, and none for the others.
    np.testing.assert_allclose(np.exp(answers.log_probs), [1 / 2, 0, 1 / 4, 1 / 2])
    np.testing.assert_allclose(np.exp(answers.distractors), [1 / 4, 1 / 4, np.nan, np.nan])
    # Row of a: b 1/2 is 1st; c 1/4 is 2nd; d 0 shares the last two places with <unk>: (5 + 6) / 2.
    np.testing.assert_allclose(answers.ranks, [1, 5.5, 2, 1])
    # Phrases: p(b|a) p(c|b) = 1/4; p(d|a) = 0; p(c|a) p(d|c) = 0 at its second word; p(c|b) = 1/2.
    np.testing.assert_allclose(np.exp(answers.phrase_log_probs), [1 / 4, 0, 0, 1 / 2])
    # b and c after a and after b: 1/2, 1/4, 0, 1/2. d and a after a and after b: 0, 1/8, 0, 0.
    np.testing.assert_allclose(np.exp(answers.crossed), [[1 / 2, 1 / 4, 0, 1 / 2], [0, 1 / 8, 0, 0]])


def test_summary(answers):
    numbers = summary(answers, PROBES, CROSSED, UNIGRAM, headline=("a", "b"))
    # C0: one phrase of three held probes is possible.
    assert numbers["c0"] == pytest.approx(1 / 3)
    # C1: bits log2(1/2) - log2(1/4) = 1; -inf; log2(1/4) - log2(1/4) = 0, which is no gain. One is above 0.
    assert numbers["c1_share"] == pytest.approx(1 / 3)
    assert numbers["c1_bits"] == -INF
    # C2: ranks 1, 5.5, 2. Reciprocals 1 + 2/11 + 1/2 = 37/22.
    assert numbers["c2_at_1"] == pytest.approx(1 / 3)
    assert numbers["c2_at_5"] == pytest.approx(2 / 3)
    assert numbers["c2_at_10"] == numbers["c2_at_50"] == 1
    assert numbers["c2_mrr"] == pytest.approx(37 / 66)
    # C3: b 1/2 before c 1/4 is right, d 0 before c 1/4 is wrong; the third has no distractor.
    assert numbers["c3_matched"] == pytest.approx(1 / 2)
    # C3 crossed: ln(1/2 / 1/4) - ln(0 / 1/2) = inf > 0: 1. Second: ln(0 / 1/8) - (two zeros: 0) = -inf: 0.
    assert (numbers["c3_crossed_near"], numbers["c3_crossed_far"], numbers["c3_crossed"]) == (1, 0, 0.5)
    # C4: 1 - (1/2)^100 = 1, 0, 1 - (3/4)^100.
    said = 1 - 0.75**100
    assert numbers["c4"] == pytest.approx((1 + 0 + said) / 3)
    assert numbers["c4_near"] == pytest.approx(1)
    assert numbers["c4_far"] == pytest.approx(said / 2)
    assert numbers["c4_headline"] == pytest.approx(1)
    # C5: log2(1/2) - log2(1/4) = 1 for the one held probe with a truth, and 1 for the seen one: a gap of 0.
    assert (numbers["c5_held"], numbers["c5_seen"]) == pytest.approx((1, 1))
    assert numbers["c5_gap"] == pytest.approx(0)


def test_names_without_probes_are_left_out():
    seen = (PROBES[3],)
    numbers = summary(ask(Bigram(), seen, (), VOCAB), seen, (), UNIGRAM[3:], headline=("a", "b"))
    assert set(numbers) == {"c5_seen"}
    held = (PROBES[2],)
    numbers = summary(ask(Bigram(), held, (), VOCAB), held, (), UNIGRAM[2:3], headline=None)
    assert not {"c3_matched", "c3_crossed", "c4_headline", "c5_held", "c5_seen", "c5_gap"} & set(numbers)


def test_no_probes_at_all_but_crossed():
    numbers = summary(ask(Bigram(), (), CROSSED, VOCAB), (), CROSSED, np.empty(0), headline=None)
    assert numbers == {"c3_crossed": 0.5, "c3_crossed_far": 0.0, "c3_crossed_near": 1.0}


def test_a_seen_pair_that_is_impossible_has_no_gap(answers):
    impossible = Answers(
        np.where([False, False, False, True], -INF, answers.log_probs),
        answers.ranks,
        answers.distractors,
        answers.phrase_log_probs,
        answers.crossed,
    )
    numbers = summary(impossible, PROBES, CROSSED, UNIGRAM, None)
    assert numbers["c5_seen"] == -INF
    assert "c5_gap" not in numbers


def test_both_impossible_is_no_distance_from_the_truth():
    probes = (probe("a", "d", true_log_prob=-INF),)
    assert summary(ask(Bigram(), probes, (), VOCAB), probes, (), UNIGRAM[:1], None)["c5_held"] == 0


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from([-INF, -3.0, -2.0, -1.0]), min_size=1, max_size=9))
def test_ranks_against_all_orders_of_equals(row):
    """The mean rank of ties: the middle of the places they would take in a sorted list."""
    table = np.array([row])
    places = sorted(row, reverse=True)
    for value, rank in zip(row, ranks(table, np.zeros(len(row), np.int64), table[0]), strict=True):
        assert rank == np.mean([place for place, other in enumerate(places, start=1) if other == value])


def test_ranks_by_hand():
    # Values 3 1 1 0: ranks 1, (2 + 3) / 2 twice, 4. A uniform row of 4: all (1 + 4) / 2.
    table = np.array([[3.0, 1.0, 1.0, 0.0], [5.0] * 4])
    assert ranks(table, np.array([0, 0, 0, 0, 1]), np.array([3.0, 1.0, 1.0, 0.0, 5.0])).tolist() == [
        1,
        2.5,
        2.5,
        4,
        2.5,
    ]


def test_lift_in_bits():
    # 1/2 against 1/8: two bits more. Equal: none. Impossible: -inf.
    np.testing.assert_allclose(lift(np.log([1 / 2, 1 / 8]), np.log([1 / 8, 1 / 8])), [2, 0], atol=1e-12)
    assert lift(np.array([-INF]), np.array([-1.0]))[0] == -INF


@pytest.mark.parametrize("p", [0.0, 0.002, 0.01, 0.1, 1.0])
def test_would_say_against_simulation(p):
    """20,000 times a hundred draws; four standard errors of a share are at most 4 * 0.5 / sqrt(20000) = 0.0142."""
    with np.errstate(divide="ignore"):
        exact = would_say(np.log([p]))[0]
    said = np.random.default_rng(5).binomial(100, p, 20_000) > 0
    assert exact == pytest.approx(said.mean(), abs=0.0142)
    assert exact == pytest.approx(1 - (1 - p) ** 100)


def test_would_say_of_what_is_hardly_possible():
    # (1 - p)^100 = 1 - 100 p as p goes to 0, where 1 - p would be 1 in floating point; a p of 1 + 1e-12 counts as 1.
    assert would_say(np.array([np.log(1e-20)]))[0] == pytest.approx(1e-18)
    assert would_say(np.array([1e-12]))[0] == 1
    assert would_say(np.log([0.5]), rounds=2)[0] == pytest.approx(3 / 4)


def test_preference():
    own = np.array([-1.0, -2.0, -1.0, -1.0, -INF, -INF, -1.0])
    other = np.array([-2.0, -1.0, -1.0 - TIE / 2, -1.0 - 3 * TIE, -INF, -1.0, -INF])
    assert preference(own, other).tolist() == [1, 0, 0.5, 1, 0.5, 0, 1]


@pytest.mark.parametrize(
    ("row", "wins"),
    [
        ([-1, -2, -2, -1], 1),  # (1) - (-1) = 2
        ([-2, -1, -1, -2], 0),  # (-1) - (1) = -2
        ([-1, -2, -3, -4], 0.5),  # both brackets 1: main effects cancel
        ([-1, -2, -3, -4 - TIE / 2], 0.5),
        ([-INF, -INF, -2, -1], 1),  # two zeros in the first bracket: 0 - (-1)
        ([-INF, -INF, -1, -2], 0),  # 0 - 1
        ([-1, -2, -INF, -INF], 1),  # 1 - 0
        ([-INF, -INF, -INF, -INF], 0.5),  # 0 - 0
        ([-INF, -INF, -3, -3], 0.5),  # 0 - 0
        ([-1, -INF, -1, -INF], 0.5),  # inf in both brackets
        ([-1, -INF, -INF, -1], 1),  # inf - (-inf)
        ([-INF, -1, -1, -INF], 0),  # -inf - inf
        ([-1, -INF, -1, -2], 1),  # inf - 1
        ([-1, -2, -1, -INF], 0),  # 1 - inf
    ],
)
def test_crossed_preference(row, wins):
    assert crossed_preference(np.array([row], np.float64)).tolist() == [wins]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(-30, 0), min_size=4, max_size=4))
def test_crossed_preference_is_fair(row):
    """Swapping the contexts, or the words, turns a win into a loss; swapping both changes nothing."""
    b1a1, b2a1, b1a2, b2a2 = row
    table = np.array([row, [b1a2, b2a2, b1a1, b2a1], [b2a1, b1a1, b2a2, b1a2], [b2a2, b1a2, b2a1, b1a1]])
    wins = crossed_preference(table)
    if abs(abs((b1a1 - b2a1) - (b1a2 - b2a2)) - TIE) > TIE / 2:  # not on the edge of a tie
        assert wins[0] + wins[1] == wins[0] + wins[2] == 1
        assert wins[0] == wins[3]


@pytest.mark.parametrize("smoothing", ["mle", "witten_bell", "kneser_ney", "modified_kneser_ney", "add_k"])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_backing_off_ties(smoothing, order):
    """No pair of a crossed probe occurs, so both contexts back off to one distribution, scaled by their own weights."""
    rows = [list(row) for row in ("acad", "bdbc", "eacbd", "fb", "ef", "eef", "acac", "fff")]
    vocab = Vocabulary.build(rows)
    train = Sentences.encode(rows, vocab)
    model = NGram(order=order, smoothing=smoothing).fit(train, train)
    crossed = [Crossed(left, "a", "e", "b", "f", "near") for left in ((), ("e",), ("c",))]
    answers = ask(model, (), crossed, vocab)
    assert crossed_preference(answers.crossed).tolist() == [0.5, 0.5, 0.5]


def test_targets_may_be_any_event():
    probes = (Probe(("c",), "zzz", ("zzz",), ("c", "zzz"), True, "near"),)
    answers = ask(Bigram(), probes, (), VOCAB)  # a word out of vocabulary is <unk>, impossible after c
    assert answers.log_probs[0] == -INF
    assert TABLE[C][EOS] == 1
