"""Bulk reading gives the ids that reading line by line gives, and the same complaints."""

import gzip
import lzma
import unicodedata
from collections import Counter
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmbench.errors import BadText
from lmbench.text import bulk
from lmbench.text.files import read_lines
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import Vocabulary

WORDS = [
    "배가",
    "고프다",
    "<unk>",
    "</s>",
    "a",
    "b",
    unicodedata.normalize("NFD", "나는"),
    "나는",
    "\u3000",
    "\x1c",
    "\r",
]
lines = st.lists(st.lists(st.sampled_from(WORDS) | st.text("ab\u0301\u00a0", max_size=2), max_size=5), max_size=6)


def line_by_line(path, vocab=None, **limits):
    rows = [line.split() for line in read_lines(path).lines]
    return Sentences.encode(rows, vocab or Vocabulary.build(rows, **limits))


def assert_same(found, expected):
    assert found.vocab == expected.vocab
    np.testing.assert_array_equal(found.tokens, expected.tokens)
    np.testing.assert_array_equal(found.offsets, expected.offsets)


@settings(deadline=None)
@given(
    lines,
    st.booleans(),
    st.sampled_from(["NFC", "NFD"]),
    st.integers(1, 12),
    st.integers(1, 2),
    st.none() | st.integers(3, 5),
)
def test_ids_are_those_of_reading_line_by_line(tmp_path_factory, rows, ended, form, block, min_count, max_size):
    text = unicodedata.normalize(form, "\n".join(map(" ".join, rows)) + "\n" * ended)
    path = tmp_path_factory.mktemp("bulk") / "text.txt"
    path.write_bytes(text.encode())
    limits = {"min_count": min_count, "max_size": max_size}
    if not [word for word, count in Counter(unicodedata.normalize("NFC", text).split()).items() if count >= min_count]:
        with pytest.raises(BadText) as expected:
            line_by_line(path, **limits)
        with pytest.raises(BadText) as found, mock.patch.object(bulk, "BLOCK", block):
            bulk.read(path, **limits)
        assert str(found.value) == str(expected.value)
        return
    expected = line_by_line(path, **limits)
    with mock.patch.object(bulk, "BLOCK", block):
        assert_same(bulk.read(path, **limits), expected)
        assert_same(bulk.read(path, expected.vocab), expected)
    assert_same(bulk.encode(read_lines(path).lines, expected.vocab), expected)


@pytest.mark.parametrize(("name", "pack"), [("t.gz", gzip.compress), ("t.xz", lzma.compress), ("t", bytes)])
def test_packed_text_and_a_byte_order_mark(tmp_path, name, pack):
    (tmp_path / name).write_bytes(pack("\ufeff나는 배가\r\n\r\n너는 배가".encode()))
    assert_same(bulk.read(tmp_path / name), line_by_line(tmp_path / name))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.txt", b"good line\nbad \xff line\n"),
        ("t.txt", b"cut off \xec\x9d"),
        ("t.txt", b"null \0 here\n"),
        ("t.txt", b""),
        ("t.txt", b" \n \n"),
        ("t.gz", b"not packed"),
        ("t.gz", gzip.compress(b"a b c d e f g\n" * 50, mtime=0)[:-12]),
        ("t.xz", lzma.compress(b"a b c d e f g\n" * 50)[:-12]),
        ("missing", None),
    ],
)
@pytest.mark.parametrize("block", [7, 1 << 24])
def test_what_is_wrong_with_a_file_is_said_as_by_read_lines(tmp_path, name, content, block):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(BadText) as expected:
        read_lines(tmp_path / name)
    with pytest.raises(BadText) as found, mock.patch.object(bulk, "BLOCK", block):
        bulk.read(tmp_path / name)
    assert str(found.value) == str(expected.value)


def test_words_of_another_text_are_unknown():
    vocab = Vocabulary.of_words(["배가", "고프다"])
    found = bulk.encode(["배가 고프다", "무지 배가"], vocab)
    assert [row.tolist() for row in found] == [[2, 3, 1], [0, 2, 1]]


def test_a_line_that_does_not_end_is_read_a_block_at_a_time(tmp_path, monkeypatch):
    """However long the line is, no more than a block and a word of it are held."""
    path = tmp_path / "t.txt"
    path.write_text("나는 무지 배가 고프다 \t" * 500 + "\nb")
    monkeypatch.setattr(bulk, "BLOCK", 64)
    sizes = [len(block) for block in bulk.blocks(path)]
    assert len(sizes) > 100
    assert max(sizes) <= 2 * 64
    assert_same(bulk.read(path), line_by_line(path))


def test_what_is_too_long_for_a_word_is_no_text(tmp_path, monkeypatch):
    path = tmp_path / "t.txt"
    path.write_text("a b\n" + "x" * 100 + " b\n")
    monkeypatch.setattr(bulk, "BLOCK", 16)
    assert bulk.read(path).n_tokens == 6
    monkeypatch.setattr(bulk, "LONGEST", 50)
    with pytest.raises(BadText, match="has a word of more than"):
        bulk.read(path)
