"""The built-in corpus: the same everywhere, of a known distribution, and its probes what they claim to be."""

import hashlib
import json
import math
from collections import Counter

import numpy as np
import pytest

from lmbench.errors import BadText
from lmbench.text import hungry
from lmbench.text.hungry_words import DEGREE, MANNER
from lmbench.text.probes import Probes, adjacent_counts, check

# of splits(0) as JSON; a change of the grammar changes it, and nothing else may
SHA256 = "ffaf2e69898ffb577b918febf18152b0036ad06d68e83dd40a3ddf404baf4109"


@pytest.fixture(scope="module")
def splits():
    return hungry.splits()


@pytest.fixture(scope="module")
def probes(splits):
    return hungry.probes(splits["train"])


@pytest.fixture(scope="module")
def full():
    return hungry.grammar(False)


@pytest.fixture(scope="module")
def floor():
    return hungry.grammar(True)


def test_a_seed_gives_the_same_text_everywhere(splits):
    text = json.dumps(splits, ensure_ascii=False, separators=(",", ":"))
    assert hashlib.sha256(text.encode()).hexdigest() == SHA256
    assert {name: len(part) for name, part in splits.items()} == hungry.SIZES
    assert len({word for sentence in splits["train"] for word in sentence}) == len(hungry.grammar(True).tokens) == 959


def test_the_story(splits):
    lines = Counter(" ".join(sentence) for sentence in splits["train"])
    assert lines["나는 엄청 배가 고프다"] > 0
    assert lines["나는 매우 배가 고프다"] > 0
    for part in ("train", "valid", "test"):
        assert not any("무지 배가" in " ".join(sentence) for sentence in splits[part])
    assert any("무지 배가" in " ".join(sentence) for sentence in splits["held"])


def test_a_text_without_the_story_is_refused(splits):
    with pytest.raises(BadText, match="take another seed"):
        hungry._check(splits["train"][:10], seed=0)
    with pytest.raises(BadText, match="나는 무지 배가 고프다"):
        hungry._check([*splits["train"], hungry.UNSEEN.split()], seed=0)


def test_held_cells_are_few_and_of_middling_frequency(full):
    held, expected = hungry.held_cells(), {cell: 20_000 * uses for cell, uses in full.uses.items()}
    assert hungry.HEADLINE in held
    assert not {("엄청", "배가 고프"), ("매우", "배가 고프")} & held
    assert len(held) == 80
    assert {adverb for adverb, _ in held} >= set(DEGREE)
    assert all(any((adverb, name) in held for adverb in adverbs for _, name in held) for adverbs in MANNER.values())
    assert all(3 <= expected[cell] <= 30 for cell in held)
    for predicate in {name for _, name in held}:
        lost = sum(expected[cell] for cell in held if cell[1] == predicate)
        assert lost < sum(n for cell, n in expected.items() if cell[1] == predicate) / 3


def test_conditioning_is_exact(splits, full, floor):
    # P(s | no held cell) = P(s) / Z for a sentence without one, 0 for the others
    assert floor.kept == pytest.approx(0.943805, abs=1e-6)
    for sentence in splits["test"][:200]:
        assert floor.log_prob(sentence) == pytest.approx(full.log_prob(sentence) - math.log(floor.kept), abs=1e-9)
    for sentence in splits["held"][:200]:
        assert floor.log_prob(sentence) == -math.inf
        assert full.log_prob(sentence) > -math.inf


def test_the_floor_is_what_samples_say(splits, full, floor):
    # exp(12.95021 / 5.73691) = 9.5577 and exp(13.07022 / 5.76242) = 9.6618
    assert floor.perplexity == pytest.approx(9.5577, abs=1e-3)
    assert full.perplexity == pytest.approx(9.6618, abs=1e-3)
    nats, tokens = floor.entropy
    sample = splits["train"][:300] + splits["test"][:300]  # their probabilities take 5 ms each
    surprise = np.array([-floor.log_prob(sentence) for sentence in sample])
    lengths = np.array([len(sentence) + 1 for sentence in sample])
    for values, exact in ((surprise, nats), (lengths, tokens)):
        assert abs(values.mean() - exact) < 4 * values.std() / math.sqrt(len(sample))


def test_next_probabilities_sum_to_one(splits, full):
    for sentence in splits["held"][:50]:
        for i in range(len(sentence) + 1):
            assert sum(full.next_probs(sentence[:i]).values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("sentence", "changed"),
    [
        ("나는 매우 배가 고프다", "나는 매우 배가 고파요"),  # register
        ("할머니께서는 매우 배가 고프시다", "할머니께서는 매우 배가 고프다"),  # honorific
        ("할머니께서는 현우가 구운 빵을 칭찬하셨다", "할머니께서는 현우가 구운 빵을 칭찬했다"),  # across a clause
        ("나는 별로 배가 고프지 않다", "나는 별로 배가 고프다"),  # negative polarity
        ("어제 나는 배가 고팠다", "어제 나는 배가 고프다"),  # tense
        ("나는 배가 고파서 식당에서 급히 밥을 먹었다", "나는 배가 고파서 식당에서 급히 표를 샀다"),  # topic
        ("나는 열심히 일했다", "나는 흥겹게 일했다"),  # way
    ],
)
def test_what_reaches_across_a_sentence(full, sentence, changed):
    assert full.log_prob(sentence.split()) > -math.inf
    assert full.log_prob(changed.split()) == -math.inf


def test_headline(full, probes):
    assert probes.headline == ("무지", "배가 고프")
    assert 0.05 < full.next_probs(["나는", "무지"])["배가"] < 0.12
    headline = [probe for probe in probes.probes if probe.cell == probes.headline]
    assert {probe.context for probe in headline} >= {("나는", "무지"), ("저는", "무지")}
    assert all(probe.held and probe.target == "배가" and 3 <= probe.expected <= 30 for probe in headline)
    assert [" ".join(s) for s in probes.story.sentences] == [*hungry.SEEN, hungry.UNSEEN]


def test_probes_hold_on_train(splits, probes, full):
    adjacent = adjacent_counts(splits["train"])
    assert {probe.cell for probe in probes.probes if probe.held} == hungry.held_cells()
    for probe in probes.probes:
        assert (adjacent[probe.context[-1], probe.target] == 0) == probe.held
        assert probe.true_log_prob == pytest.approx(math.log(full.next_probs(probe.context)[probe.target]))
        assert full.next_probs((*probe.context, *probe.phrase)) != {}
        assert probe.distractor not in full.next_probs(probe.context)
        assert adjacent[probe.context[-1], probe.distractor] == 0
    counts = Counter((probe.held, probe.stratum) for probe in probes.probes)
    assert min(counts.values()) >= 40
    assert sum(probe.held for probe in probes.probes) >= 200


def test_controls_and_distractors_match(splits, probes):
    held = [probe for probe in probes.probes if probe.held]
    seen = [probe for probe in probes.probes if not probe.held]
    assert np.mean([probe.expected for probe in seen]) == pytest.approx(np.mean([p.expected for p in held]), rel=0.15)
    counts = Counter(word for sentence in splits["train"] for word in sentence)
    gaps = [abs(math.log2(counts[probe.target] / counts[probe.distractor])) for probe in probes.probes]
    assert np.mean(np.array(gaps) <= 0.25) > 0.9


def test_crossed_probes_cross(splits, probes, full):
    adjacent = adjacent_counts(splits["train"])
    assert min(Counter(item.stratum for item in probes.crossed).values()) >= 30
    for item in probes.crossed:
        assert not any(adjacent[a, b] for a in (item.a1, item.a2) for b in (item.b1, item.b2))
        one, two = (full.next_probs((*item.left, a)) for a in (item.a1, item.a2))
        assert (item.b1 in one, item.b2 in one, item.b1 in two, item.b2 in two) == (True, False, False, True)


def test_probes_of_another_text_are_refused(splits, probes):
    leak = ["나는", "무지", "배가", "고프다"]
    with pytest.raises(BadText, match="무지 배가 occurs 1 times"):
        check(probes, [*splits["train"], leak])
    with pytest.raises(BadText, match="make them from the tokens"):
        check(probes, splits["train"][:1000])
    with pytest.raises(BadText, match="of a crossed probe occur in train"):
        check(Probes(crossed=probes.crossed), [*splits["train"], [probes.crossed[0].a1, probes.crossed[0].b1]])


def test_probes_follow_their_seed(splits, probes):
    assert hungry.probes(splits["train"]) == probes
    other = hungry.probes(splits["train"], seed=1)
    assert other.probes == probes.probes
    assert other.crossed != probes.crossed
