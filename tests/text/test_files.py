"""Reading a text, and one line that says what is wrong with what is not one."""

import gzip
import lzma
import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmbench.errors import BadConfig, BadText
from lmbench.ngrams import arpa
from lmbench.text import bulk, files
from lmbench.text.files import LineEnds, changed_characters, normalise, read_lines

TEXT = "나는 배가 고프다\n너는 목이 마르다\n"
LINES = ["나는 배가 고프다", "너는 목이 마르다"]


def file(tmp_path, content, name="text.txt"):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def complaint(path):
    """The one line that reading path ends in."""
    with pytest.raises(BadText) as caught:
        read_lines(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


@pytest.mark.parametrize(
    ("name", "pack"), [("t.txt", bytes), ("t.gz", gzip.compress), ("t.txt.xz", lzma.compress), ("t.GZ", gzip.compress)]
)
def test_plain_and_packed(tmp_path, name, pack):
    read = read_lines(file(tmp_path, pack(TEXT.encode()), name))
    assert (read.lines, read.empty, read.changed) == (LINES, 0, 0)


@pytest.mark.parametrize(
    "content",
    [TEXT.replace("\n", "\r\n"), "\ufeff" + TEXT, TEXT.rstrip("\n"), TEXT.replace(" ", "\u3000\t ")],
    ids=["CRLF", "byte order mark", "no last line end", "white space"],
)
def test_what_makes_no_difference(tmp_path, content):
    read = read_lines(file(tmp_path, content))
    assert (read.lines, read.empty, read.changed) == (LINES, 0, 0)


def test_empty_lines_are_counted(tmp_path):
    # Lines: '', a, ' \t', '\r', b, ''. What follows the last line end is not a line.
    read = read_lines(file(tmp_path, "\na\n \t\n\r\nb\n\n"))
    assert (read.lines, read.empty) == (["a", "b"], 4)


def test_only_a_line_feed_ends_a_line(tmp_path):
    assert read_lines(file(tmp_path, "a\u2028b\x0bc\x85d\re\n")).lines == ["a b c d e"]


def test_limit(tmp_path):
    path = file(tmp_path, "\na\n\nb\nc\n")
    read = read_lines(path, 2)
    assert (read.lines, read.empty) == (["a", "b"], 2)
    assert read_lines(path, 9).lines == ["a", "b", "c"]
    with pytest.raises(BadConfig, match="limit = 0"):
        read_lines(path, 0)


def test_changed_characters_are_counted(tmp_path):
    # 한 in three parts (3), é in two (2), the angstrom sign (1); the line without any adds none.
    read = read_lines(file(tmp_path, "\u1112\u1161\u11ab e\u0301\nplain\n\u212b\n"))
    assert (read.lines, read.changed) == (["한 é", "plain", "Å"], 6)


def test_characters_only_put_in_another_order_count_as_one():
    assert changed_characters("q\u0307\u0323") == 1  # NFC puts the dot below first
    assert changed_characters("한국어") == 0


@settings(deadline=None, max_examples=60)
@given(st.text())
def test_normalising_is_done_once(line):
    once = normalise(line)
    assert normalise(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert once.split() == once.split(" ") or once == ""


@settings(deadline=None, max_examples=40)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\0")), min_size=1, max_size=5))
def test_a_file_is_its_lines_normalised(tmp_path_factory, lines):
    lines = ["first", *lines]
    path = file(tmp_path_factory.mktemp("lines"), "".join(line + "\n" for line in lines))
    read = read_lines(path)
    assert read.lines == [line for line in map(normalise, lines) if line]
    assert read.empty + len(read.lines) == len(lines)


def test_invalid_utf8_says_where(tmp_path):
    # 'ab\n' is bytes 0 to 2, 'c' is byte 3, so the bad byte is 4 and on line 2.
    message = complaint(file(tmp_path, b"ab\nc\xffd\n"))
    assert "not UTF-8: byte 4, on line 2, is 0xff" in message
    message = complaint(file(tmp_path, gzip.compress(b"ab\nc\xffd\n"), "t.gz"))
    assert "byte 4 of the unpacked text, on line 2" in message


@pytest.mark.parametrize(
    ("content", "remedy"),
    [
        (TEXT.encode("cp949"), "iconv -f CP949"),
        (TEXT.encode("utf-16"), "iconv -f UTF-16"),
        ("ab\n".encode("utf-16-le"), "iconv -f UTF-16"),
        (TEXT.encode()[:-2], "unfinished download"),
        (b"a\xff\xff\xffb\n", "another encoding"),
    ],
    ids=["CP949", "UTF-16", "UTF-16 without a mark", "cut off", "noise"],
)
def test_other_encodings_are_named(tmp_path, content, remedy):
    assert remedy in complaint(file(tmp_path, content))


def test_a_missing_file(tmp_path):
    file(tmp_path, TEXT, "train.txt")
    assert f"did you mean {str(tmp_path / 'train.txt')!r}" in complaint(tmp_path / "trian.txt")
    assert "(train.txt)" in complaint(tmp_path / "zzz")
    assert "there is no folder" in complaint(tmp_path / "nowhere" / "train.txt")


def test_a_folder(tmp_path):
    for number in range(6):
        file(tmp_path, TEXT, f"{number}.txt")
    assert "is a folder" in complaint(tmp_path)
    assert "(0.txt, 1.txt, 2.txt, 3.txt, 4.txt, ...)" in complaint(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf"], ids=["no bytes", "only a byte order mark"])
def test_an_empty_file(tmp_path, content):
    assert "is empty" in complaint(file(tmp_path, content))


def test_a_file_of_white_space(tmp_path):
    assert "has 3 lines and nothing but white space" in complaint(file(tmp_path, " \n\n\t\n"))


@pytest.mark.parametrize(("name", "pack"), [("t.gz", gzip.compress), ("t.xz", lzma.compress)])
def test_packed_files_that_are_not_whole(tmp_path, name, pack):
    data = pack(TEXT.encode() * 50)
    for cut in (len(data) // 2, len(data) - 3):
        assert "unfinished download" in complaint(file(tmp_path, data[:cut], name))
    middle = len(data) // 2
    damaged = data[:middle] + bytes([data[middle] ^ 0xFF]) + data[middle + 1 :]
    assert "is damaged" in complaint(file(tmp_path, damaged, name))


@pytest.mark.parametrize("name", ["t.gz", "t.xz"])
def test_files_that_are_not_what_their_name_says(tmp_path, name):
    assert "a plain file that was given this name" in complaint(file(tmp_path, "plain text\n", name))
    assert "a download of something else" in complaint(file(tmp_path, b"\xde\xad\xbe\xef" * 4, name))


@pytest.mark.parametrize(
    ("content", "what"), [(gzip.compress(b"a", mtime=0), "gzip"), (lzma.compress(b"a"), "xz"), (b"PK\x03\x04", "zip")]
)
def test_packed_files_under_a_plain_name(tmp_path, content, what):
    assert f"looks like {what}" in complaint(file(tmp_path, content))


@pytest.mark.parametrize(("name", "pack"), [("t.gz", gzip.compress), ("t.xz", lzma.compress)])
@pytest.mark.parametrize("reader", [read_lines, bulk.read, arpa.read])
def test_what_unpacks_to_more_than_a_text_can_is_not_unpacked(tmp_path, monkeypatch, name, pack, reader):
    path = file(tmp_path, pack(b"a b c\n" * 200_000), name)
    monkeypatch.setattr(files, "LEAST", 1000)
    with pytest.raises(BadText, match="unpacks to more than") as error:
        reader(path)
    assert "\n" not in str(error.value)


def test_text_that_repeats_itself_much_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "LEAST", 1000)
    lines = [f"{number} times the same words in every line" for number in range(5000)]
    path = file(tmp_path, gzip.compress("\n".join(lines).encode()), "t.gz")
    assert read_lines(path).lines == lines


def test_a_line_of_a_whole_text_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "LONGEST", 20)
    assert "has a line of more than" in complaint(file(tmp_path, "a b\n" + "a " * 20))


@given(st.text("a \r\n").map(str.encode), st.integers(1, 5))
def test_line_ends_are_counted_alike_in_pieces_and_at_once(data, size):
    whole, parts = LineEnds(), LineEnds()
    whole.add(data)
    for start in range(0, len(data), size):
        parts.add(data[start : start + size])
    assert (parts.lines, parts.open, parts.returns) == (whole.lines, whole.open, whole.returns)
    assert whole.returns == len(re.findall(rb"\r(?!\r*(?:\n|\Z))", data))
