"""Warnings about units: when, and with which remedy."""

import pytest

from lmbench.text.advice import MANY, advice
from lmbench.text.corpus import from_tokens
from lmbench.text.tokenizers import TOKENIZERS

CHINESE = ["今天天气很好我们去公园散步吧", "我不知道他为什么没有来上课"]
JAPANESE = ["今日はとても良い天気ですね", "明日も晴れるといいのですが"]
THAI = ["วันนี้อากาศดีมากเราไปเดินเล่นกันเถอะ"]
KOREAN = ["나는 배가 고프다", "너는 목이 마르다"]
ENGLISH = ["we are cold", "internationalisation notwithstanding"]


@pytest.mark.parametrize("lines", [CHINESE, JAPANESE, THAI])
def test_a_text_without_spaces_is_named_with_the_tokenizers_to_take(lines):
    (said,) = advice({}, lines, "whitespace")
    assert "hardly any spaces" in said
    assert "'syllables' or 'bpe' or 'unigram'" in said
    assert advice({}, lines, "syllables") == ()
    cut = [" ".join(line[i : i + 2] for i in range(0, len(line), 2)) for line in lines]
    assert advice({}, cut, "whitespace") == ()  # cut into words before


@pytest.mark.parametrize("lines", [KOREAN, ENGLISH])
def test_a_text_with_spaces_is_not(lines):
    assert advice({"test": MANY}, lines, "whitespace") == ()


@pytest.mark.parametrize(
    ("lines", "tokenizer", "learns", "remedy"),
    [
        (KOREAN, "whitespace", True, "tokenizer = 'kiwi' or 'syllables'"),
        (ENGLISH, "words", True, "tokenizer = 'bpe' or 'syllables'"),
        (ENGLISH, "whitespace", False, "tokenizer = 'syllables'"),
        (ENGLISH, "bpe", True, "tokenizer = 'syllables'"),
    ],
)
def test_many_unknown_words_are_said_with_the_unit_to_try(lines, tokenizer, learns, remedy):
    (said,) = advice({"train": 0.02, "test": 0.862}, lines, tokenizer, learns=learns)
    assert said.startswith("86.2% of the words of test are not in the vocabulary")
    assert remedy in said
    assert "lower min_count" in said


def test_texts_are_listed():
    (said,) = advice({"train": 0.2, "valid": 0.3, "test": 0.4}, KOREAN, "whitespace")
    assert said.startswith(
        "20.0% of the words of train, 30.0% of the words of valid and 40.0% of the words of test are"
    )


def test_characters_cannot_be_made_smaller():
    (said,) = advice({"test": 0.5}, KOREAN, "syllables")
    assert "smaller units" not in said


def test_a_corpus_has_them_among_its_warnings():
    rows = [line.split() for line in ENGLISH]
    corpus = from_tokens("t", {"train": rows, "valid": rows, "test": [["we", "were", "warm"]]})
    assert any("66.7% of the words of test" in warning for warning in corpus.warnings)
    tokens = TOKENIZERS["whitespace"].tokenize(CHINESE)
    corpus = from_tokens("t", dict.fromkeys(("train", "valid", "test"), tokens))
    assert any("hardly any spaces" in warning for warning in corpus.warnings)
