"""The reference rows: exact, normalised on any prefix, the same after saving."""

import math

import numpy as np
import pytest

from lmbench.errors import BadConfig, BadModel
from lmbench.models.grammar import Grammar, Model
from lmbench.text import hungry
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS, UNK, Vocabulary


@pytest.fixture(scope="module")
def splits():
    return hungry.splits()


@pytest.fixture(scope="module")
def vocab(splits):
    return Vocabulary.build(splits["train"])


@pytest.fixture(scope="module")
def floor(splits, vocab):
    train = Sentences.encode(splits["train"], vocab)
    return Grammar().fit(train, train)


@pytest.fixture(scope="module")
def truth(splits, vocab):
    train = Sentences.encode(splits["train"], vocab)
    return Grammar(conditioned=False).fit(train, train)


def test_scores_are_those_of_the_grammar(splits, vocab, floor, truth):
    test = Sentences.encode(splits["test"], vocab)
    log_probs = floor.log_probs(test)
    sums = test.row_sums(log_probs)
    for row in range(0, len(test), 200):
        assert sums[row] == pytest.approx(hungry.grammar(True).log_prob(splits["test"][row]))
    assert math.exp(-log_probs.mean()) == pytest.approx(9.4706, abs=1e-3)  # of this sample; 9.5577 in the limit
    held = Sentences.encode(splits["held"], vocab)
    assert np.isneginf(floor.log_probs(held)).any()
    assert math.exp(-truth.log_probs(held).mean()) == pytest.approx(9.7680, abs=1e-3)


def test_where_each_row_is_exact(floor, truth):
    assert (floor.scope, truth.scope) == ({"test"}, {"probes"})
    assert floor.family == "reference"
    assert floor.n_params() == hungry.grammar(True).n_rules < truth.n_params()
    assert Model is Grammar
    with pytest.raises(BadConfig, match="did you mean 'hungry'"):
        Grammar(corpus="hungrry")


CONTEXTS = ["", "나는", "나는 무지", "나는 매우 배가", "할머니께서는", "매우 나는", "나는 never 배가"]


def test_every_prefix_has_a_distribution(vocab, truth):
    prefixes = Sentences.encode_prefixes([text.split() for text in CONTEXTS], vocab)
    table = truth.next_log_probs(prefixes)
    assert np.exp(table).sum(1) == pytest.approx(1)
    assert table == pytest.approx(super(Grammar, truth).next_log_probs(prefixes))  # by asking log_probs
    assert (table[-2:] == -math.log(len(vocab))).all()  # cannot be produced


def test_a_lost_sentence_is_uniform_to_its_end_and_the_next_one_is_not(vocab, truth):
    lost = [*vocab.encode(["매우", "나는", "무지"]), EOS]
    sound = [*vocab.encode(["나는", "매우", "배가", "고프다"]), EOS]
    alone = truth.log_probs(Sentences.of_rows([lost, sound], vocab))
    row = truth.log_probs(Sentences.of_rows([[*lost, *sound]], vocab))
    assert row == pytest.approx(alone)
    assert np.isneginf(alone[0])  # no sentence begins with 매우
    assert alone[1:4] == pytest.approx(-math.log(len(vocab)))
    assert alone[4:].sum() == pytest.approx(hungry.grammar(False).log_prob(["나는", "매우", "배가", "고프다"]))


def test_an_end_too_early_is_impossible_and_a_new_sentence_begins(vocab, truth):
    early = [*vocab.encode(["나는"]), EOS, *vocab.encode(["나는"])]
    scores = truth.log_probs(Sentences.of_rows([early], vocab))
    assert np.isneginf(scores[1])
    assert scores[2] == scores[0] > -np.inf


def test_rows_are_independent_and_the_future_does_not_leak(splits, vocab, truth):
    batch = Sentences.encode(splits["held"][:40], vocab)
    whole = truth.log_probs(batch)
    for row in range(len(batch)):
        tokens = batch.tokens[batch.offsets[row] : batch.offsets[row + 1]]
        expected = whole[batch.offsets[row] : batch.offsets[row + 1]]
        for length in range(len(tokens) + 1):
            alone = truth.log_probs(Sentences.of_rows([[], tokens[:length]], vocab))
            assert alone == pytest.approx(expected[:length])


def test_words_out_of_vocabulary_share_unk(splits, truth):
    small = Vocabulary.build(splits["train"], min_count=60)
    batch = Sentences.encode(splits["held"], small)
    model = Grammar(conditioned=False).fit(batch, batch)
    assert (batch.tokens == UNK).mean() > 0.02
    scores = model.log_probs(batch)
    assert np.isfinite(scores).all()
    prefixes = Sentences.encode_prefixes([["나는", "무지"], ["나는", "무지", "???"]], small)
    p = np.exp(model.next_log_probs(prefixes))
    assert p.sum(1) == pytest.approx(1)
    exact = hungry.grammar(False).next_probs(["나는", "무지"])
    assert p[0, UNK] == pytest.approx(sum(q for word, q in exact.items() if word not in small.ids))
    assert p[0, small.ids["배가"]] == pytest.approx(exact["배가"])
    assert "count as <unk>" in model.notes()[0]
    assert truth.notes() == ()


def test_saving(splits, vocab, floor):
    batch = Sentences.encode(splits["valid"][:50], vocab)
    again = Grammar().restore(vocab, floor.state())
    assert again.log_probs(batch) == pytest.approx(floor.log_probs(batch))
    with pytest.raises(BadModel, match="another version"):
        Grammar(conditioned=False).restore(vocab, floor.state())
