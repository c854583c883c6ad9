r"""Lossless means lossless: for any line whatever, join(tokenize(line)) is the normalised line."""

import sys
from importlib.util import find_spec

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lmbench.errors import BadConfig, choose
from lmbench.text import tokenizers
from lmbench.text.files import normalise
from lmbench.text.marks import SPACE, escape, unescape
from lmbench.text.tokenizers import TOKENIZERS

needs_kiwi = pytest.mark.skipif(find_spec("kiwipiepy") is None, reason="kiwipiepy is not installed")
NAMES = [pytest.param(name, marks=needs_kiwi) if name == "kiwi" else name for name in TOKENIZERS]
LOSSLESS = [
    pytest.param(name, marks=needs_kiwi) if name == "kiwi" else name for name, t in TOKENIZERS.items() if t.lossless
]
LEARNERS = [name for name, t in TOKENIZERS.items() if t.learn is not None]
TRAIN = ["나는 엄청 배가 고프다", "나는 매우 배가 고프다", "배가 고프다", "나는 했다 ㅋㅋ", "a▁b \\▁ 😀😀 a\\"] * 3
READY = {name: tokenizer.learnt(TRAIN) for name, tokenizer in TOKENIZERS.items()}
"""Every tokenizer; those that learn have learnt from a text in which some of what is tricky occurs."""

# What could go wrong: the mark itself, what escapes it, Hangul whole and in parts, signs beyond the basic plane and
# sequences of them, marks that combine, and every kind of white space.
tricky = st.sampled_from(
    [
        *"▁\\ \t\r\n",
        "\u00a0",
        "\u3000",
        "\x1c",
        "\u2028",
        "\\▁",
        "▁▁",
        "했다",
        "나는 ",
        "배가 고프다",
        "가\u11a8",
        "\u1112\u1161\u11ab",
        "ㅋㅋ",
        "\u0301",
        "\u0323",
        "e\u0301",
        "\u212b",
        "😀",
        "👨\u200d👩\u200d👧",
        "🇰🇷",
        "👍🏽",
        "𝔘",
    ]
)
texts = st.lists(st.one_of(tricky, st.characters(exclude_categories=["Cs"])), max_size=12).map("".join)
fixed = settings(deadline=None, max_examples=60)


@pytest.mark.parametrize("name", LOSSLESS)
@fixed
@example("")
@example("▁")
@example(" \\▁ \\ ▁ ")
@example("a\\\\▁b▁")
@example("😀했다 😀 나는▁ 무지\\")
@given(texts)
def test_lossless_tokenizers_give_the_line_back(name, line):
    tokenizer = READY[name]
    tokens = tokenizer.tokenize([line])[0]
    assert tokenizer.join(tokens) == normalise(line)


@pytest.mark.parametrize("name", NAMES)
@fixed
@given(st.lists(texts, max_size=3))
def test_tokens_are_not_empty_and_lines_do_not_meet(name, lines):
    tokenizer = READY[name]
    rows = tokenizer.tokenize(lines)
    assert rows == [tokenizer.tokenize([line])[0] for line in lines]
    for row in rows:
        assert all(token.split() == [token] for token in row)


@pytest.mark.parametrize("name", ["syllables", "jamo", *LEARNERS, pytest.param("kiwi", marks=needs_kiwi)])
@fixed
@given(texts)
def test_a_mark_at_the_head_of_a_token_is_a_space(name, line):
    rows = READY[name].tokenize([line])[0]
    spaces = normalise(line).count(" ") + (name in ("kiwi", *LEARNERS) and normalise(line) != "")
    assert sum(token.startswith(SPACE) for token in rows) == spaces


@fixed
@given(st.text(alphabet="▁\\a ", max_size=12))
def test_escaping_is_undone(piece):
    assert unescape(escape(piece)) == piece
    assert not escape(piece).startswith(SPACE)


def test_words_does_not_claim_to_be_lossless():
    words = TOKENIZERS["words"]
    assert not words.lossless
    assert words.tokenize(["배가 고프다."])[0] == words.tokenize(["배가 고프다 ."])[0] == ["배가", "고프다", "."]
    assert {name for name, tokenizer in TOKENIZERS.items() if not tokenizer.lossless} == {"words"}


def test_syllables_by_hand():
    assert TOKENIZERS["syllables"].tokenize(["나는  했다▁"])[0] == ["나", "는", "▁", "했", "다", r"\▁"]


def test_jamo_by_hand():
    # 했 is ㅎ + ㅐ + ㅆ, 다 is ㄷ + ㅏ; ㅋ is no syllable, and a final alone is none either
    assert TOKENIZERS["jamo"].tokenize(["했다 ㅋ"])[0] == ["ᄒ", "ᅢ", "ᆻ", "ᄃ", "ᅡ", "▁", "ㅋ"]
    assert TOKENIZERS["jamo"].tokenize(["é \u11bb▁"])[0] == ["é", "▁", "\u11bb", r"\▁"]


def test_every_syllable_of_hangul_comes_apart_and_together():
    jamo, line = TOKENIZERS["jamo"], "".join(map(chr, range(0xAC00, 0xD7A4)))
    (tokens,) = jamo.tokenize([line])
    # 19 initials x 21 vowels x 28 finals, one of which is none
    assert len(tokens) == 19 * 21 * (2 + 27 * 3)
    assert len(set(tokens)) == 19 + 21 + 27
    assert jamo.join(tokens) == line


def test_pairs_that_occur_often_are_one_unit():
    # characters ▁, a, b; ab occurs 6 times and is joined first, then ▁ab; 5 pieces: <unk>, the three characters, ab
    lines = ["ab ab ab", "ab ab ab"]
    tokens = {n: TOKENIZERS["bpe"].learnt(lines, n).tokenize(["ab b"])[0] for n in (4, 5, 6)}
    assert tokens == {4: ["▁", "a", "b", "▁", "b"], 5: ["▁", "ab", "▁", "b"], 6: ["▁ab", "▁", "b"]}


@pytest.mark.parametrize("name", LEARNERS)
def test_the_same_text_teaches_the_same_units(name):
    first, second = (TOKENIZERS[name].learnt(TRAIN, 60) for _ in range(2))
    other = TOKENIZERS[name].learnt(TRAIN[1:], 60)
    assert first.state == second.state != other.state
    assert first.version() == second.version() != other.version()
    assert TOKENIZERS[name].restored(first.state).tokenize(TRAIN) == first.tokenize(TRAIN)


@pytest.mark.parametrize("name", LEARNERS)
def test_a_sign_that_train_lacks_stays_what_it_is(name):
    tokens = READY[name].tokenize(["뷁 나는"])[0]
    assert "뷁" in tokens
    assert READY[name].join(tokens) == "뷁 나는"


@pytest.mark.parametrize("name", LEARNERS)
def test_units_must_have_room_for_all_characters(name):
    with pytest.raises(BadConfig, match=r"no 5 pieces .* every one of its \d+ characters") as caught:
        TOKENIZERS[name].learnt(TRAIN, 5)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", LEARNERS)
def test_units_that_are_not_learnt_cut_nothing(name):
    with pytest.raises(BadConfig, match=f"'{name}' learns its units from the train"):
        TOKENIZERS[name].tokenize(["나는"])


def test_pieces_are_for_those_that_learn():
    with pytest.raises(BadConfig, match="tokenizer 'kiwi' learns none; leave it out, or take 'bpe' and 'unigram'"):
        TOKENIZERS["kiwi"].learnt(TRAIN, 100)
    assert TOKENIZERS["syllables"].learnt(TRAIN) is TOKENIZERS["syllables"]


def test_without_sentencepiece_there_is_one_line_that_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    with pytest.raises(BadConfig, match=r"pip install 'lmbench\[units\]'") as caught:
        TOKENIZERS["bpe"].learnt(TRAIN)
    assert "\n" not in str(caught.value)


def test_whitespace_by_hand():
    assert TOKENIZERS["whitespace"].tokenize([" 나는\t무지 ", ""]) == [["나는", "무지"], []]


def test_equal_tokens_are_one_object():
    (first, second), (third,) = TOKENIZERS["whitespace"].tokenize(["배가고프다 배가고프다", "배가고프다"])
    assert first is second is third


@needs_kiwi
def test_kiwi_cuts_at_syllables():
    kiwi = TOKENIZERS["kiwi"]
    # 했다 is 하 + 었 + 다; 하 and 었 share the syllable 했, which stays whole.
    assert kiwi.tokenize(["했다"])[0] == ["▁했", "다"]
    tokens = kiwi.tokenize(["나는 무지 배가 고프다"])[0]
    assert tokens == ["▁나", "는", "▁무지", "▁배", "가", "▁고프", "다"]
    assert kiwi.join(tokens) == "나는 무지 배가 고프다"


@needs_kiwi
def test_kiwi_says_its_versions():
    import kiwipiepy

    assert kiwipiepy.__version__ in TOKENIZERS["kiwi"].version()
    assert TOKENIZERS["kiwi"].slow


def test_without_kiwi_there_is_one_line_that_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "kiwipiepy", None)  # what makes an import of it fail
    monkeypatch.setattr(tokenizers, "_kiwi", tokenizers._kiwi.__wrapped__)  # not the analyser that is loaded already
    for use in (lambda: TOKENIZERS["kiwi"].tokenize(["나는"]), TOKENIZERS["kiwi"].version):
        with pytest.raises(BadConfig, match=r"pip install 'lmbench\[korean\]'") as caught:
            use()
        assert "\n" not in str(caught.value)


def test_a_tokenizer_there_is_not():
    with pytest.raises(BadConfig, match="did you mean 'syllables'"):
        choose(TOKENIZERS, "sylables", "tokenizer")
