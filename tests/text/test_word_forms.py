"""Words as they sound, and what Kiwi takes tokens for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmbench.text.mining import Mining, mine
from lmbench.text.probes import Probes, check
from lmbench.text.tokenizers import TOKENIZERS, morphemes
from lmbench.text.word_forms import forms, sound


@pytest.mark.parametrize(
    "alike",
    [
        ("재밌", "재밋", "잼있", "재미있"),
        ("낫", "낮", "낳"),
        ("왠지", "웬지"),
        ("되", "돼"),
        ("colour", "color", "Color"),
        ("analyse", "analyze"),
        ("café", "cafe"),
        ("e-mail", "email", "E-Mail"),
        ("traveled", "travelled"),
    ],
)
def test_misspellings_sound_alike(alike):
    assert len({sound(word) for word in alike}) == 1


@pytest.mark.parametrize(
    "apart",
    [("엄청", "매우", "무지"), ("사람", "사랑"), ("배우", "배"), ("house", "horse"), ("!", "?"), ("film", "films")],
)
def test_other_words_do_not(apart):
    assert len({sound(word) for word in apart}) == len(apart)


@given(st.text(min_size=1))
def test_every_word_sounds_like_something(word):
    assert sound(word)


LINES = [
    "나는 엄청 좋은 영화를 봤다",
    "좋은 배우가 나온다",
    "영화가 너무 좋아서 또 봤다",
    "새로운 배우와 새로운 감독",
    "배우들의 연기가 좋다",
]


def kiwi():
    pytest.importorskip("kiwipiepy")
    return TOKENIZERS["kiwi"]


def test_morphemes_are_those_of_the_tokens():
    tokens = kiwi().tokenize(LINES)
    found = list(morphemes(LINES))
    assert [cut for cut, _ in found] == tokens
    for _, inside in found:
        assert all(inside)  # each token begins where a morpheme does
    cut, inside = found[0]
    assert ("엄청", "MAG") in inside[cut.index("▁엄청")]
    assert [tag for _, tag in inside[cut.index("를")]] == ["JKO"]


def test_a_space_or_a_mark_in_a_line_moves_no_morpheme():
    kiwi()
    ((cut, inside),) = morphemes(["▁ 영화 \\▁ 봤다"])
    assert [form for form, _ in inside[cut.index("▁영화")]] == ["영화"]


def test_what_kiwi_takes_tokens_for():
    rows = kiwi().tokenize(LINES)
    words = sorted({word for row in rows for word in row})
    at = {word: i for i, word in enumerate(words)}
    found = forms(words, np.ones(len(words), np.int64), "kiwi", LINES, 0)
    assert found.content[at["▁영화"]]
    assert found.begins[at["▁영화"]]
    assert found.content[at["▁엄청"]]
    assert not found.content[at["를"]]
    assert found.between[at["를"]]
    assert not found.between[at["▁엄청"]]
    assert found.ending[at["▁영화"]] == found.ending[at["▁배우"]]
    assert found.ending[at["▁영화"]] != found.ending[at["▁좋"]]


def test_pairs_of_korean_words_are_told_by_lemma():
    """화려한 배우 is unseen; 화려한 영화 is not, for train has 화려한 영화들."""
    cutter = kiwi()
    train = ["화려한 영화들이 좋다", "새로운 배우가 좋다", "화려한 감독이 좋다", "새로운 감독도 좋다"] * 12
    reserve = ["이 화려한 배우는 좋다", "이 화려한 영화는 좋다"] * 8
    rows, beyond = cutter.tokenize(train), cutter.tokenize(reserve)
    known = {word for row in rows for word in row}
    settings = Mining(min_count=5, attested=5, documents=3)
    mined = mine(rows, beyond, range(len(beyond)), settings, known=known, tokenizer="kiwi", lines=train)
    check(Probes(mined.probes, mined.crossed), rows)
    assert {probe.target for probe in mined.probes} == {"▁배우"}
    assert all("화려" in "".join(probe.context) for probe in mined.probes)
