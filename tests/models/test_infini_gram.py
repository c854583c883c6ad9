"""The engine's counts against our own, over an index of the same text."""

import shutil
import sys

import numpy as np
import pytest
from infini import infini_index
from toy import toy

from lmbench.errors import BadConfig, BadModel
from lmbench.models.infini_gram import InfiniGram
from lmbench.models.infinity import Infinity
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import UNK, Vocabulary

TRAIN, VALID, TEST = toy()
ROWS = Sentences.of_rows([*TEST, *TRAIN.take([0, 1]), TEST.tokens, []], TEST.vocab)


@pytest.fixture(scope="module", params=["u8", "u16"])
def model(request, tmp_path_factory):
    index = infini_index(TRAIN, tmp_path_factory.mktemp("index"), request.param)
    return InfiniGram(index=index, dtype=request.param).fit(TRAIN, VALID)


def test_an_index_of_train_gives_what_kind_infinity_gives(model):
    ours = Infinity().fit(TRAIN, VALID)
    np.testing.assert_allclose(model.log_probs(ROWS), ours.log_probs(ROWS), atol=1e-12)
    np.testing.assert_allclose(model.next_log_probs(ROWS), ours.next_log_probs(ROWS), atol=1e-12)
    np.testing.assert_array_equal(model.strata(ROWS).of, ours.strata(ROWS).of)
    assert model.strata(ROWS).names == ours.strata(ROWS).names


def test_a_limit_is_kind_infinitys(model):
    short = InfiniGram(index=model.index, dtype=model.dtype, longest=2).fit(TRAIN, VALID)
    ours = Infinity(longest=2).fit(TRAIN, VALID)
    np.testing.assert_allclose(short.log_probs(ROWS), ours.log_probs(ROWS), atol=1e-12)


def test_words_of_the_index_that_are_no_events_are_unk(model):
    # Without the last word of the vocabulary, what the index has of it is <unk>'s.
    vocab = Vocabulary(TRAIN.vocab.events[:-1])
    smaller = InfiniGram(index=model.index, dtype=model.dtype).fit(Sentences.of_rows([], vocab), VALID)
    known = [row for row in TEST if len(vocab) not in row]
    full = np.exp(model.next_log_probs(Sentences.of_rows(known, TEST.vocab)))
    found = np.exp(smaller.next_log_probs(Sentences.of_rows(known, vocab)))
    full[:, UNK] += full[:, -1]
    np.testing.assert_allclose(found, full[:, :-1], atol=1e-12)


def test_events_the_index_lacks_are_impossible_and_told(model):
    vocab = Vocabulary((*TRAIN.vocab.events, "unheard-of"))
    larger = InfiniGram(index=model.index, dtype=model.dtype).fit(Sentences.of_rows([], vocab), VALID)
    table = larger.next_log_probs(Sentences.of_rows([[], [len(vocab) - 1, 2], [2]], vocab))
    assert np.isneginf(table[:, -1]).all()
    np.testing.assert_array_equal(table[1], table[2])  # what stands before 2 is unknown
    tokens = TRAIN.n_tokens + len(TRAIN) + 1
    told = (
        f"counts of the index {model.index} ({tokens} tokens), not of train; 1 of {len(vocab)} events are no word of it"
    )
    assert larger.notes() == (told,)


def test_another_index_in_its_place_is_noticed(model, tmp_path):
    copy = shutil.copytree(model.index, tmp_path / "copy")
    saved = InfiniGram(index=str(copy), dtype=model.dtype).fit(TRAIN, VALID).state()
    for file in copy.iterdir():
        file.unlink()
    infini_index(VALID, copy, model.dtype)
    with pytest.raises(BadModel, match="it is another index"):
        InfiniGram(index=str(copy), dtype=model.dtype).restore(TRAIN.vocab, saved)


def test_what_is_no_index_is_refused(model, tmp_path):
    with pytest.raises(BadConfig, match=r"words\.txt, cannot be read"):
        InfiniGram(index=str(tmp_path)).fit(TRAIN, VALID)
    shutil.copy(f"{model.index}/words.txt", tmp_path)
    with pytest.raises(BadConfig, match="it is no index"):
        InfiniGram(index=str(tmp_path)).fit(TRAIN, VALID)


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "infini_gram.engine", None)
    with pytest.raises(BadConfig, match=r"install lmbench\[infini\]"):
        InfiniGram(index="anywhere").fit(TRAIN, VALID)


@pytest.mark.parametrize(
    ("fields", "told"), [({"dtype": "u15"}, "u16"), ({"longest": -1}, "longest = -1 is not a whole number from 0")]
)
def test_what_means_nothing_is_refused(fields, told):
    with pytest.raises(BadConfig, match=told):
        InfiniGram(index="anywhere", **fields)
