"""What a row says of a word it has not read: at its places, elsewhere, against other such words, and after it."""

import numpy as np
import pytest

from lmbench.measures import unseen_word
from lmbench.measures.perplexity import BITS
from lmbench.measures.unseen_word import Places, ask, per_word, placement
from lmbench.models.ngram import NGram
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import Vocabulary

VOCAB = Vocabulary.of_words(["a", "b", "x", "y", "z"])
ID = VOCAB.ids
TEXT = Sentences.encode([["a", "x"], ["b", "y", "a"], ["a", "x", "b"], ["a", "z"], ["b"], []], VOCAB)
GROUPS = [np.array([ID["x"], ID["y"]]), np.array([ID["z"]])]


class Told:
    """p(next) by the last word alone, uniform but for what is told."""

    def __init__(self, told):
        self.table = np.full((len(VOCAB) + 1, len(VOCAB)), 1.0)
        for (before, word), weight in told.items():
            self.table[VOCAB.bos if before == "<s>" else ID[before], ID[word]] = weight
        self.table = np.log(self.table / self.table.sum(axis=1, keepdims=True))

    def next_log_probs(self, prefixes):
        return self.table[prefixes.last]

    def log_probs(self, text):
        return self.table[text.previous, text.tokens]


def asked(model, text=TEXT, groups=GROUPS, most=9, elsewhere=99):
    places = Places.find(text, groups, most, elsewhere, 0)
    return places, ask(model, text, places, model.log_probs(text))


def test_places_are_word_by_word_and_the_others_are_none_of_them():
    places = Places.find(TEXT, GROUPS, 9, 99, 0)
    # a x </s> b y a </s> a x b </s> a z </s> b </s> </s>
    assert places.words.tolist() == [ID["x"], ID["y"], ID["z"]]
    assert places.group.tolist() == [0, 0, 1]
    assert places.at.tolist() == [1, 8, 4, 12]
    assert places.word.tolist() == [0, 0, 1, 2]
    assert places.elsewhere.tolist() == [0, 2, 3, 5, 6, 7, 9, 10, 11, 13, 14, 15, 16]
    few = Places.find(TEXT, GROUPS, 1, 4, 0)
    assert few.word.tolist() == [0, 1, 2]
    assert len(few.elsewhere) == 4 == len(set(few.elsewhere.tolist()))
    assert set(few.elsewhere.tolist()) < set(places.elsewhere.tolist())


def test_answers_by_hand(monkeypatch):
    """V = 7. After a: x 4 of 10, the others 1 each; after b: y 3 of 9; after anything else: 1 of 7."""
    model = Told({("a", "x"): 4.0, ("b", "y"): 3.0})
    for cells in (unseen_word.CELLS, 7):  # in one table, and a context at a time
        monkeypatch.setattr(unseen_word, "CELLS", cells)
        places, found = asked(model)
        np.testing.assert_allclose(np.exp(found.log_probs), [0.4, 0.4, 3 / 9, 0.1])
        assert found.ranks.tolist() == [1, 1, 1, 4.5]  # z ties with the five others behind x: ranks 2 to 7
        # after x </s> and b, after y a, after z </s>: nothing is told of these contexts
        np.testing.assert_allclose(np.exp(found.after), [1 / 7] * 4)
        # the places elsewhere follow <s> 6 times, x twice, y, z once, a once, b twice
        followed = [VOCAB.events[i] if i < len(VOCAB) else "<s>" for i in TEXT.previous[places.elsewhere]]
        assert sorted(followed) == ["<s>"] * 6 + ["a"] + ["b"] * 2 + ["x"] * 2 + ["y", "z"]
        of_x = (10 / 7 + 1 * 0.4 + 2 / 9) / 13
        of_z = (10 / 7 + 1 * 0.1 + 2 / 9) / 13
        np.testing.assert_allclose(np.exp(found.elsewhere[[0, 2]]), [of_x, of_z])
        np.testing.assert_allclose(placement(found, places.word)[[0, 3]], [np.log2(0.4 / of_x), np.log2(0.1 / of_z)])
        assert found.choice[:3].tolist() == [1, 1, 1]  # x before y after a, y before x after b
        assert np.isnan(found.choice[3])  # z has no other in its group


def test_what_ignores_the_context_places_nothing_and_chooses_by_chance():
    """All words but one are alike to it: a liking for x wins at x's places what it loses at y's."""
    model = Told({(before, "x"): 5.0 for before in ("<s>", "a", "b", "x", "y", "z")})
    model.table[:] = model.table[ID["a"]]
    places, found = asked(model)
    assert placement(found, places.word) == pytest.approx(np.zeros(4), abs=1e-12)
    assert per_word(found.choice, places.word)[:2].tolist() == [1, 0]
    assert (-found.log_probs * BITS)[0] == pytest.approx(np.log2(11 / 5))


@pytest.mark.parametrize("smoothing", ["modified_kneser_ney", "witten_bell", "absolute_discounting", "add_k"])
def test_counts_cannot_tell_words_they_never_read_apart(smoothing):
    """Every context gives them one probability, whatever it is: each choice is a tie."""
    rng = np.random.default_rng(0)
    rows = [[str(word) for word in rng.choice(["a", "b", "z"], size=rng.integers(1, 6))] for _ in range(60)]
    train = Sentences.encode(rows, VOCAB)
    model = NGram(order=3, smoothing=smoothing).fit(train, train)
    _, found = asked(model, groups=[GROUPS[0]])
    assert found.choice.tolist() == [0.5, 0.5, 0.5]


def test_an_impossible_word_is_no_crash():
    model = Told({("a", "x"): 1.0})
    model.table[:, ID["x"]] = -np.inf
    places, found = asked(model)
    assert np.isneginf(found.log_probs[:2]).all()
    assert np.isneginf(found.elsewhere[0])
    assert found.ranks[0] == 7
    assert np.isfinite(placement(found, places.word)[2:]).all()


def test_means_are_word_by_word():
    assert per_word(np.array([1.0, 3.0, 5.0]), np.array([0, 0, 1])).tolist() == [2, 5]
