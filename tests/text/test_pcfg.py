"""Grammars against brute force: every derivation of a small one is written out."""

import math
from collections import Counter, defaultdict

import numpy as np
import pytest

from lmbench.errors import BadConfig
from lmbench.text.pcfg import Beliefs, Pcfg, Rule

A = ("a", "x")
RULES = [
    Rule("S", ("NP", "OPT", "VP"), 3),
    Rule("S", ("VP",), 1),
    Rule("NP", ("a",), 2),
    Rule("NP", ("a", "x"), 1, A),  # x by another derivation than OPT's: the grammar is ambiguous
    Rule("NP", ("b",), 1),
    Rule("OPT", (), 1),
    Rule("OPT", ("x",), 2),
    Rule("VP", ("v", "OPT"), 1),
    Rule("VP", ("w",), 1, ("b", "w")),
    Rule("VP", ("NP", "v"), 2),
]


def every(grammar, symbols=None):
    """Sentence, labels used, probability: one a derivation, last symbols expanded by recursion."""
    symbols = (grammar.start,) if symbols is None else symbols
    if not symbols:
        yield (), (), 1.0
    elif symbols[0] not in grammar.rules:
        for words, labels, p in every(grammar, symbols[1:]):
            yield (symbols[0], *words), labels, p
    else:
        for rule, p in grammar.rules[symbols[0]]:
            for words, labels, q in every(grammar, rule.rhs + symbols[1:]):
                yield words, (*labels, rule.label), p * q


def distribution(derivations):
    total = defaultdict(float)
    for words, _, p in derivations:
        total[words] += p
    return dict(total)


@pytest.fixture(scope="module")
def small():
    return Pcfg(RULES)


@pytest.mark.parametrize("held", [set(), {A}, {A, ("b", "w")}])
def test_probabilities_are_those_of_enumeration(small, held):
    grammar = small.without(held)
    kept = [(words, labels, p) for words, labels, p in every(small) if held.isdisjoint(labels)]
    z = sum(p for _, _, p in kept)
    truth = {words: p / z for words, p in distribution(kept).items()}
    assert grammar.kept == pytest.approx(z)
    assert sum(truth.values()) == pytest.approx(1)
    for words in distribution(every(small)):
        p = truth.get(words, 0)
        assert grammar.log_prob(words) == (pytest.approx(math.log(p)) if p else -math.inf)
        for i in range(len(words) + 1):
            prefix = sum(q for other, q in truth.items() if other[:i] == words[:i])
            following = grammar.next_probs(words[:i])
            assert sum(following.values()) == (pytest.approx(1) if prefix else 0)
            for word in {*following, *words[i : i + 1]}:
                longer = (*words[:i], word)
                if word is None:
                    expected = truth.get(words[:i], 0)
                else:
                    expected = sum(q for other, q in truth.items() if other[: i + 1] == longer)
                assert following.get(word, 0) == pytest.approx(expected / prefix if prefix else 0)
    nats, tokens = grammar.entropy
    assert nats == pytest.approx(-sum(p * math.log(p) for p in truth.values()))
    assert tokens == pytest.approx(sum(p * (len(words) + 1) for words, p in truth.items()))
    assert grammar.perplexity == pytest.approx(math.exp(nats / tokens))


def test_expected_uses(small):
    expected = Counter()
    for _, labels, p in every(small):
        for label in filter(None, labels):
            expected[label] += p
    assert small.uses == pytest.approx(dict(expected))


def test_sampling_follows_the_distribution_and_the_seed(small):
    sample = small.sample(20_000, np.random.default_rng(1))
    counts = Counter(map(tuple, sample))
    for words, p in distribution(every(small)).items():
        assert abs(counts[words] - 20_000 * p) < 5 * math.sqrt(20_000 * p)
    assert sample[:50] == small.sample(50, np.random.default_rng(1))
    assert sample[:50] != small.sample(50, np.random.default_rng(2))


def test_derivations_name_the_labels_they_used(small):
    draws = small.derivations(np.random.default_rng(0))
    used = [labels for _, (_, labels) in zip(range(4000), draws, strict=False)]
    share = sum(A in labels for labels in used) / len(used)
    exact = sum(p for _, labels, p in every(small) if A in labels)
    assert share == pytest.approx(exact, abs=0.03)


def test_words_seen_as_one_event_are_a_mixture(small):
    # after <unk> = {a, b} the belief weighs what a and what b could lead to
    events = {"a": 0, "b": 0, "v": 2, "w": 3, "x": 4}
    beliefs = Beliefs(small, events, end=9)
    truth = defaultdict(float)
    for words, p in distribution(every(small)).items():
        truth[tuple(events[word] for word in words)] += p
    for seen, p in truth.items():
        assert beliefs.log_prob(seen) == pytest.approx(math.log(p))
    assert sum(truth.values()) == pytest.approx(1)


def test_nothing_follows_what_cannot_be(small):
    assert small.next_probs(["v", "v"]) == {}
    assert small.next_probs(["never heard"]) == {}
    assert small.log_prob(["never heard"]) == -math.inf


def test_mistakes_are_explained():
    with pytest.raises(BadConfig, match="'A' can contain itself"):
        Pcfg([Rule("S", ("A",)), Rule("A", ("x", "B")), Rule("B", ("A",)), Rule("B", ())])
    with pytest.raises(BadConfig, match="start symbol 'S'"):
        Pcfg([Rule("A", ("x",))])
    with pytest.raises(BadConfig, match="make every weight >= 0"):
        Pcfg([Rule("S", ("x",), -1), Rule("S", ("y",), 3)])
    with pytest.raises(BadConfig, match="hold out fewer"):
        Pcfg([Rule("S", ("x",), label=A)]).without({A})
