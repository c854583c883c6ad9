"""The similarity-smoothed bigram against the formulas of the paper, one pair at a time."""

import math
from collections import Counter, defaultdict

import numpy as np
import pytest

from lmbench.errors import BadConfig
from lmbench.model import LanguageModel
from lmbench.models import similarity
from lmbench.models.similarity import Model, Similarity
from lmbench.ngrams.neighbours import nearest
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import Vocabulary

LINES = [
    "i am very hungry",
    "i am really hungry",
    "you are very tired",
    "you are really tired",
    "i am awfully tired",
    "you are awfully late",
    "we are very late",
    "he sleeps",
    "he sleeps now",
]
VOCAB = Vocabulary.build([line.split() for line in LINES])
TRAIN = Sentences.encode([line.split() for line in LINES], VOCAB)
VALID = Sentences.encode([line.split() for line in ("i am awfully hungry", "we are really late", "you sleeps")], VOCAB)
V = len(VOCAB)
CONTEXTS = Sentences.of_rows([[], *([v] for v in range(V))], VOCAB)


def by_the_paper(k, beta, gamma):
    """p[v][w] for every context v (<s> is V) and event w, from dictionaries."""
    pairs = Counter(zip(TRAIN.previous.tolist(), TRAIN.tokens.tolist(), strict=True))
    words = Counter(TRAIN.tokens.tolist())
    after = defaultdict(Counter)
    for (v, w), c in pairs.items():
        after[v][w] = c
    ml = {v: {w: c / after[v].total() for w, c in after[v].items()} for v in after}
    n1, n2 = (sum(c == j for c in pairs.values()) for j in (1, 2))
    discount = n1 / (n1 + 2 * n2)
    unigram = [(words[w] + len(words) / V) / (words.total() + len(words)) for w in range(V)]

    def divergence(p, q):
        mean = {w: (p.get(w, 0) + q.get(w, 0)) / 2 for w in {*p, *q}}
        return sum(sum(r[w] * math.log(r[w] / mean[w]) for w in r) for r in (p, q)) / 2

    table = {}
    for v in [*range(V), V]:
        p_sim = None
        if v in ml:
            alike = [(divergence(ml[v], ml[u]), u) for u in sorted(ml) if u != v and ml[u].keys() & ml[v].keys()]
            alike = sorted((round(j, 10), u) for j, u in alike)[:k]
            weights = {u: 10 ** (-beta * j) for j, u in alike}
            if weights:
                total = sum(weights.values())
                p_sim = [sum(x * ml[u].get(w, 0) for u, x in weights.items()) / total for w in range(V)]
        p_r = [gamma * unigram[w] + (1 - gamma) * p_sim[w] if p_sim else unigram[w] for w in range(V)]
        seen = {w: (c - discount) / after[v].total() for w, c in after[v].items()}
        alpha = (1 - sum(seen.values())) / (1 - sum(p_r[w] for w in seen))
        table[v] = [seen.get(w, alpha * p_r[w]) for w in range(V)]
    return table


@pytest.mark.parametrize("k", [1, 3, 50])
@pytest.mark.parametrize(("beta", "gamma"), [(0.0, 0.1), (4.0, 0.15), (30.0, 1.0)])
def test_every_probability_is_that_of_the_paper(k, beta, gamma):
    model = Similarity(neighbours=k, beta=beta, gamma=gamma).fit(TRAIN, VALID)
    expected = by_the_paper(k, beta, gamma)
    got = np.exp(model.next_log_probs(CONTEXTS))
    np.testing.assert_allclose(got, [expected[v] for v in (V, *range(V))], rtol=1e-9)
    np.testing.assert_allclose(got.sum(axis=1), 1, atol=1e-12)


def test_an_unseen_pair_is_likelier_where_similar_words_were_seen_with_it():
    # "awfully hungry" never occurs, "very hungry" and "really hungry" do; "awfully sleeps" has no such support.
    # Their unigram counts are the same, so a bigram that backs off gives both the same probability.
    model = Similarity(neighbours=3, beta=4.0, gamma=0.2).fit(TRAIN, VALID)
    after = model.next_log_probs(Sentences.encode_prefixes([["awfully"]], VOCAB))[0]
    hungry, sleeps = VOCAB.encode(["hungry", "sleeps"])
    assert np.bincount(TRAIN.tokens)[hungry] == np.bincount(TRAIN.tokens)[sleeps]
    assert after[hungry] > after[sleeps] + 1


def test_log_probs_are_entries_of_next_log_probs():
    model = Similarity().fit(TRAIN, VALID)
    np.testing.assert_allclose(
        model.next_log_probs(CONTEXTS), LanguageModel.next_log_probs(model, CONTEXTS), atol=1e-12
    )


def test_blocks_change_nothing(monkeypatch):
    whole = Similarity().fit(TRAIN, VALID)
    monkeypatch.setattr(similarity, "ROWS", 3)
    monkeypatch.setattr("lmbench.ngrams.neighbours.CELLS", 7)
    parts = Similarity().fit(TRAIN, VALID)
    assert parts.chosen_.tolist() == whole.chosen_.tolist()
    np.testing.assert_allclose(parts.log_probs(VALID), whole.log_probs(VALID), atol=1e-12)
    np.testing.assert_allclose(parts.next_log_probs(CONTEXTS), whole.next_log_probs(CONTEXTS), atol=1e-12)


def test_what_was_chosen_is_told_and_gives_the_same_model_when_it_is_set():
    chosen = Similarity().fit(TRAIN, VALID)
    neighbours, beta, gamma = chosen.chosen_.tolist()
    again = Similarity(neighbours=int(neighbours), beta=beta, gamma=gamma).fit(TRAIN, VALID)
    np.testing.assert_allclose(again.log_probs(VALID), chosen.log_probs(VALID), atol=1e-12)
    assert "chosen on valid" in chosen.notes()[0]


def test_fields_that_are_set_stay():
    model = Similarity(beta=3.0).fit(TRAIN, VALID)
    assert model.chosen_[1] == 3
    assert Similarity(neighbours=2, beta=3.0, gamma=0.5).fit(TRAIN, VALID).notes() == ()


def test_a_restored_model_gives_the_same_numbers():
    model = Similarity().fit(TRAIN, VALID)
    again = Similarity().restore(VOCAB, model.state())
    np.testing.assert_array_equal(again.log_probs(VALID), model.log_probs(VALID))
    np.testing.assert_array_equal(again.next_log_probs(CONTEXTS), model.next_log_probs(CONTEXTS))
    assert again.n_params() == model.n_params()
    assert again.notes() == model.notes()


@pytest.mark.parametrize(
    "rows", [[], [[]], [[1]], [[2, 1]], [[0, 1, 2, 3] * 3], [[a, b] for a in range(4) for b in range(4)]]
)
def test_any_text_gives_distributions(rows):
    vocab = Vocabulary.of_words(["a", "b"])
    train = Sentences.of_rows(rows, vocab)
    model = Similarity().fit(train, train)
    contexts = Sentences.of_rows([[], [0], [1], [2], [3]], vocab)
    np.testing.assert_allclose(np.exp(model.next_log_probs(contexts)).sum(axis=1), 1, atol=1e-12)
    assert np.isfinite(model.log_probs(contexts)).all()


def test_divergence_of_equal_and_of_disjoint_rows():
    p = np.array([[0.5, 0.5, 0, 0], [0.5, 0.5, 0, 0], [0, 0, 1, 0], [0.5, 0, 0.5, 0], [0, 0, 0, 0]])
    near, j = nearest(similarity.csr_matrix(p), 3)
    # rows 0 and 1 are equal; 0 and 3 share half: J = ln 2 + (2 * 0.5 ln 0.5 - 1 ln 1) / 2 = ln(2) / 2
    assert near[0].tolist() == [1, 3, 0]
    np.testing.assert_allclose(j[0], [0, np.log(2) / 2, np.inf], atol=1e-12)
    # 2 and 3 share one event, 1 and 0.5: J = ln 2 + (0.5 ln 0.5 - 1.5 ln 1.5) / 2
    assert near[2].tolist() == [3, 0, 0]
    assert j[2, 0] == pytest.approx(np.log(2) + (0.5 * np.log(0.5) - 1.5 * np.log(1.5)) / 2)
    assert np.isinf(j[4]).all()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"neighbours": 0}, "neighbours = 0 is not"),
        ({"beta": -1.0}, "beta = -1.0 is not"),
        ({"gamma": 0.0}, "gamma = 0.0 is not a number above 0 and up to 1"),
    ],
)
def test_a_bad_field_is_named_when_the_model_is_made(fields, message):
    with pytest.raises(BadConfig, match=message):
        Similarity(**fields)


def test_the_kind_is_its_file():
    assert Model is Similarity
    assert Model.family == "ngram"
