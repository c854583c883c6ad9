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
from lmbench.text.files import STANDARD_INPUT, normalise, read_lines, sentences_of
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


def outcome(read, name):
    """What reading gives, or the one line it ends in, with the name of the text taken out."""
    try:
        return read()
    except BadText as error:
        return str(error).replace(str(name), "TEXT").replace(" of the unpacked text", "")


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
    counts = Counter(unicodedata.normalize("NFC", text).split())
    if max(counts.values(), default=0) < min_count or "\r" in text:  # no word, or perhaps a Mac
        expected = outcome(lambda: line_by_line(path, **limits), path)
        with mock.patch.object(bulk, "BLOCK", block):
            found = outcome(lambda: bulk.read(path, **limits), path)
        if isinstance(expected, str):
            assert found == expected
        else:
            assert_same(found, expected)
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


PARTS = ["배가", unicodedata.normalize("NFD", "나는"), "\ufeff", "a", " ", "\t", "\r", "\r\n", "\n", "\n\n", "\u3000"]
TEXTS = st.lists(st.sampled_from(PARTS), max_size=14).map(lambda parts: "".join(parts).encode())
HOSTILE = st.sampled_from(
    [b"", b"\xff", "a b\nc".encode("utf-16"), "배가".encode("cp949"), b"a\0b\n", b"a\rb\rc\r", b"\x1f\x8b"]
)


@settings(deadline=None)
@given(TEXTS, HOSTILE, st.booleans(), st.integers(1, 9))
def test_one_text_is_one_text_whatever_way_it_comes(tmp_path_factory, text, hostile, last, block):
    """As a file, packed, from standard input, in bulk: the same lines, or the same fact, cause and remedy."""
    data = text + hostile if last else hostile + text
    folder = tmp_path_factory.mktemp("ways")
    ways = {"t.txt": bytes, "t.txt.gz": gzip.compress, "t.txt.xz": lzma.compress}
    for name, pack in ways.items():
        (folder / name).write_bytes(pack(data))
    given_in = outcome(lambda: sentences_of(data, STANDARD_INPUT), STANDARD_INPUT)
    for name in ways:
        path = folder / name
        found = outcome(lambda path=path: read_lines(path), path)
        if b"\x1f\x8b" not in data[:2]:  # a packing has another remedy in a file, which can be given a name
            assert found == given_in
        with mock.patch.object(bulk, "BLOCK", block):
            rows = outcome(lambda path=path: bulk.read(path), path)
        if isinstance(found, str):
            assert rows == found
        else:
            assert_same(rows, line_by_line(path))
            assert [line for _, line in found.numbered if line] == found.lines
            assert [number for number, line in found.numbered if not line] == list(found.blank)
            cut = text_lines(data)
            assert [normalise(line) for line in cut] == [line for _, line in found.numbered]


def text_lines(data):
    lines = data.decode().replace("\ufeff", "").split("\n")
    return lines if lines[-1] else lines[:-1]


@pytest.mark.parametrize("ends", ["\r", "\r\r"])
def test_lines_that_end_in_carriage_returns_alone_are_refused_and_not_joined(tmp_path, ends):
    (tmp_path / "t.txt").write_bytes(ends.join(["나는 간다", "너는 온다", "우리는 본다", ""]).encode())
    for read in (read_lines, bulk.read):
        with pytest.raises(BadText, match=r"end as on old Macs, in carriage returns.*tr '.{1,2}r' '.{1,2}n'"):
            read(tmp_path / "t.txt")


def test_byte_order_marks_of_files_that_were_joined_make_no_other_words(tmp_path):
    (tmp_path / "t.txt").write_text("\ufeff나는 간다\n\ufeff나는 온다\n", "utf-8")
    read = read_lines(tmp_path / "t.txt")
    assert (read.lines, read.marks) == (["나는 간다", "나는 온다"], 1)
    assert "\ufeff" not in "".join(bulk.read(tmp_path / "t.txt").vocab.events)


def test_a_line_that_does_not_end_is_read_a_block_at_a_time(tmp_path, monkeypatch):
    """However long the line is, no more than a block and a word of it are held."""
    path = tmp_path / "t.txt"
    path.write_text("나는 무지 배가 고프다 \t" * 500 + "\nb")
    monkeypatch.setattr(bulk, "BLOCK", 64)
    sizes = [len(block) for block in bulk.blocks(path)]
    assert len(sizes) > 100
    assert max(sizes) <= 2 * 64
    assert_same(bulk.read(path), line_by_line(path))


def test_a_byte_order_mark_ends_no_line(tmp_path, monkeypatch):
    (tmp_path / "t.txt").write_text("나는 간다 \ufeff", "utf-8")
    monkeypatch.setattr(bulk, "BLOCK", 1)
    assert_same(bulk.read(tmp_path / "t.txt"), line_by_line(tmp_path / "t.txt"))


def test_what_is_too_long_for_a_word_is_no_text(tmp_path, monkeypatch):
    path = tmp_path / "t.txt"
    path.write_text("a b\n" + "x" * 100 + " b\n")
    monkeypatch.setattr(bulk, "BLOCK", 16)
    assert bulk.read(path).n_tokens == 6
    monkeypatch.setattr(bulk, "LONGEST", 50)
    with pytest.raises(BadText, match="has a word of more than"):
        bulk.read(path)
