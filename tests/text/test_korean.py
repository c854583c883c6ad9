"""Conjugation, form by form: what a Korean reader would write."""

import doctest

import pytest

from lmbench.text import korean
from lmbench.text.korean import Stem, formal, honorific, intending, modifier, past, plain, polite


def test_examples_in_the_docstrings():
    results = doctest.testmod(korean)
    assert results.attempted >= 15
    assert results.failed == 0


@pytest.mark.parametrize(
    ("stem", "present", "courteous", "stiff", "before"),
    [
        (Stem("고프"), "고프다", "고파요", "고픕니다", "고팠다"),
        (Stem("기쁘"), "기쁘다", "기뻐요", "기쁩니다", "기뻤다"),
        (Stem("좋"), "좋다", "좋아요", "좋습니다", "좋았다"),
        (Stem("있"), "있다", "있어요", "있습니다", "있었다"),
        (Stem("없"), "없다", "없어요", "없습니다", "없었다"),
        (Stem("피곤하"), "피곤하다", "피곤해요", "피곤합니다", "피곤했다"),
        (Stem("마르", "르"), "마르다", "말라요", "마릅니다", "말랐다"),
        (Stem("빠르", "르"), "빠르다", "빨라요", "빠릅니다", "빨랐다"),
        (Stem("외롭", "ㅂ"), "외롭다", "외로워요", "외롭습니다", "외로웠다"),
        (Stem("좁"), "좁다", "좁아요", "좁습니다", "좁았다"),
        (Stem("길"), "길다", "길어요", "깁니다", "길었다"),
        (Stem("느리"), "느리다", "느려요", "느립니다", "느렸다"),
        (Stem("짜"), "짜다", "짜요", "짭니다", "짰다"),
        (Stem("비싸"), "비싸다", "비싸요", "비쌉니다", "비쌌다"),
    ],
)
def test_adjectives(stem, present, courteous, stiff, before):
    assert (plain(stem), polite(stem), formal(stem), plain(past(stem))) == (present, courteous, stiff, before)


@pytest.mark.parametrize(
    ("stem", "present", "before", "elders", "plan", "made"),
    [
        (Stem("먹"), "먹는다", "먹었다", "먹으셨다", "먹으려고", "먹은"),
        (Stem("마시"), "마신다", "마셨다", "마시셨다", "마시려고", "마신"),
        (Stem("굽", "ㅂ"), "굽는다", "구웠다", "구우셨다", "구우려고", "구운"),
        (Stem("듣", "ㄷ"), "듣는다", "들었다", "들으셨다", "들으려고", "들은"),
        (Stem("부르", "르"), "부른다", "불렀다", "부르셨다", "부르려고", "부른"),
        (Stem("고르", "르"), "고른다", "골랐다", "고르셨다", "고르려고", "고른"),
        (Stem("떨"), "떤다", "떨었다", "떠셨다", "떨려고", "떤"),
        (Stem("쓰"), "쓴다", "썼다", "쓰셨다", "쓰려고", "쓴"),
        (Stem("배우"), "배운다", "배웠다", "배우셨다", "배우려고", "배운"),
        (Stem("보"), "본다", "봤다", "보셨다", "보려고", "본"),
        (Stem("쉬"), "쉰다", "쉬었다", "쉬셨다", "쉬려고", "쉰"),
        (Stem("하"), "한다", "했다", "하셨다", "하려고", "한"),
    ],
)
def test_verbs(stem, present, before, elders, plan, made):
    assert plain(stem, verb=True) == present
    assert plain(past(stem)) == before
    assert plain(past(honorific(stem))) == elders
    assert (intending(stem), modifier(stem)) == (plan, made)


def test_honorific_endings():
    elders = honorific(Stem("많"))
    assert (plain(elders), polite(elders), formal(elders)) == ("많으시다", "많으세요", "많으십니다")
    assert (polite(past(elders)), formal(past(elders))) == ("많으셨어요", "많으셨습니다")
    assert polite(Stem("마시")) == "마셔요"  # 시 of the stem is no honorific


def test_a_stem_must_look_like_its_class():
    with pytest.raises(ValueError, match="no class"):
        Stem("먹", "ㅋ")
    with pytest.raises(ValueError, match="does not end"):
        Stem("먹", "ㅂ")
    with pytest.raises(ValueError, match="not a Hangul syllable"):
        Stem("eat")
