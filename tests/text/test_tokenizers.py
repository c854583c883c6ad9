r"""Lossless means lossless: for any line whatever, join(tokenize(line)) is the normalised line."""

import sys
from importlib.util import find_spec

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lmbench.errors import BadConfig, choose
from lmbench.text import tokenizers
from lmbench.text.files import normalise
from lmbench.text.tokenizers import SPACE, TOKENIZERS, escape, unescape

needs_kiwi = pytest.mark.skipif(find_spec("kiwipiepy") is None, reason="kiwipiepy is not installed")
NAMES = [pytest.param(name, marks=needs_kiwi) if name == "kiwi" else name for name in TOKENIZERS]
LOSSLESS = [
    pytest.param(name, marks=needs_kiwi) if name == "kiwi" else name for name, t in TOKENIZERS.items() if t.lossless
]

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
    tokenizer = TOKENIZERS[name]
    tokens = tokenizer.tokenize([line])[0]
    assert tokenizer.join(tokens) == normalise(line)


@pytest.mark.parametrize("name", NAMES)
@fixed
@given(st.lists(texts, max_size=3))
def test_tokens_are_not_empty_and_lines_do_not_meet(name, lines):
    tokenizer = TOKENIZERS[name]
    rows = tokenizer.tokenize(lines)
    assert rows == [tokenizer.tokenize([line])[0] for line in lines]
    for row in rows:
        assert all(token.split() == [token] for token in row)


@pytest.mark.parametrize("name", ["syllables", pytest.param("kiwi", marks=needs_kiwi)])
@fixed
@given(texts)
def test_a_mark_at_the_head_of_a_token_is_a_space(name, line):
    rows = TOKENIZERS[name].tokenize([line])[0]
    spaces = normalise(line).count(" ") + (name == "kiwi" and normalise(line) != "")
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
    assert {name for name, tokenizer in TOKENIZERS.items() if tokenizer.lossless} == {"whitespace", "syllables", "kiwi"}


def test_syllables_by_hand():
    assert TOKENIZERS["syllables"].tokenize(["나는  했다▁"])[0] == ["나", "는", "▁", "했", "다", r"\▁"]


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
