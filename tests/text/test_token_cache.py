"""Tokens kept on disk are the tokens that would be made, or they are made again."""

from dataclasses import replace

import pytest

from lmbench.text.token_cache import tokenize
from lmbench.text.tokenizers import TOKENIZERS

LINES = ["나는 무지", "배가 고프다", "\\▁ \\"]


class Counting:
    """A slow tokenizer that counts how often it is asked."""

    def __init__(self, version="1", name="slow"):
        self.asked = 0
        self.tokenizer = replace(TOKENIZERS["syllables"], name=name, cut=self.cut, version=lambda: version, slow=True)

    def cut(self, lines):
        self.asked += 1
        return TOKENIZERS["syllables"].cut(lines)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "cache"


def expected(lines=LINES):
    return TOKENIZERS["syllables"].tokenize(lines)


def test_the_second_time_is_read(folder):
    counting = Counting()
    first, second = (tokenize(counting.tokenizer, LINES, folder) for _ in range(2))
    assert first == second == expected()
    assert counting.asked == 1
    assert len(list(folder.iterdir())) == 1


def test_tokens_read_are_one_object_each(folder):
    line = ["가나 가나"]
    for _ in range(2):
        (row,) = tokenize(Counting().tokenizer, line, folder)
    assert row[0] is row[3]


def test_fast_tokenizers_and_no_folder_write_nothing(folder):
    counting = Counting()
    assert tokenize(TOKENIZERS["syllables"], LINES, folder) == expected()
    assert tokenize(counting.tokenizer, LINES) == tokenize(counting.tokenizer, LINES) == expected()
    assert counting.asked == 2
    assert not folder.exists()


@pytest.mark.parametrize(
    ("other", "lines"),
    [
        (Counting("2"), LINES),
        (Counting(name="other"), LINES),
        (Counting(), LINES[:2]),
        (Counting(), [*LINES[:2], "새"]),
    ],
    ids=["version", "name", "fewer lines", "another line"],
)
def test_anything_else_is_made_anew(folder, other, lines):
    tokenize(Counting().tokenizer, LINES, folder)
    before = other.asked
    assert tokenize(other.tokenizer, lines, folder) == expected(lines)
    assert other.asked == before + 1
    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:0],
        lambda data: data[:-1],
        lambda data: data[: len(data) // 2],
        lambda data: data + b"a\n",
        lambda data: data.replace("무".encode(), "유".encode()),
        lambda data: data.replace(b"lmbench tokens 2", b"lmbench tokens 0"),
        lambda data: b"\xff" + data,
    ],
    ids=["empty", "last byte", "half", "longer", "one word", "format", "not UTF-8"],
)
def test_a_damaged_file_is_made_again(folder, damage):
    counting = Counting()
    tokenize(counting.tokenizer, LINES, folder)
    (path,) = folder.iterdir()
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assert tokenize(counting.tokenizer, LINES, folder) == expected()
    assert counting.asked == 2
    assert path.read_bytes() == whole


def test_lines_without_tokens(folder):
    for lines in ([], [""], ["", "a", ""]):
        counting = Counting()
        for _ in range(2):
            assert tokenize(counting.tokenizer, lines, folder) == expected(lines)
        assert counting.asked == 1


def test_lines_are_told_apart_wherever_they_end(folder):
    tokenizer = Counting().tokenizer
    for lines in (["a\nb", "c"], ["a", "b\nc"], ["a", "b", "c"]):
        assert tokenize(tokenizer, lines, folder) == expected(lines)
    assert len(list(folder.iterdir())) == 3
