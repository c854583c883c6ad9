"""From files to lines: UTF-8 text, plain or compressed, one sentence a line."""

from __future__ import annotations

import codecs
import gzip
import io
import lzma
import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, BinaryIO

from lmbench.errors import BadConfig, BadText

STANDARD_INPUT = "standard input"
BOM = "\ufeff"
"""The byte order mark. Files that were joined have it inside too, where it would make another word of the next one."""
_RETURNS = re.compile(rb"\r+")
_OPENERS: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".xz": lzma.open}
MOST, LEAST = 100, 1 << 26
"""How many times its packed size a text may have, text having 3 to 30; and bytes that it may have in any case."""
LONGEST = 1 << 27
"""Characters of a line: its words are all in memory at once."""
_MAGIC = {
    b"\x1f\x8b": ("gzip", ".gz"),
    b"\xfd7zXZ\0": ("xz", ".xz"),
    b"PK\x03\x04": ("zip", None),
    b"BZh": ("bzip2", None),
    b"\x28\xb5\x2f\xfd": ("zstd", None),
}
"""What a packed file begins with: the name of the packing, and the suffix under which it is unpacked here."""
HEAD = 4096
"""Bytes by which it is told what a file is."""


@dataclass(frozen=True)
class Lines:
    """The sentences of a text, each normalised and none empty.

    lines:   the sentences in the order of the text
    blank:   numbers, from 1, of the lines that were left out because nothing but white space was in them
    changed: characters that Unicode normalisation replaced (before it, code points)
    marks:   byte order marks that were taken out from inside the whole text
    """

    lines: list[str]
    blank: tuple[int, ...] = ()
    changed: int = 0
    marks: int = 0

    @property
    def empty(self) -> int:
        """How many lines were left out."""
        return len(self.blank)

    @property
    def numbered(self) -> list[tuple[int, str]]:
        """Every line that was read and its number, from 1; a blank one is ''."""
        rows, blank = iter(self.lines), set(self.blank)
        return [(n, "" if n in blank else next(rows)) for n in range(1, len(self.lines) + len(blank) + 1)]


def normalise(line: str) -> str:
    """The line as every tokenizer and every count of characters sees it.

    Without byte order marks; Unicode NFC; each run of white space (what str.split splits at) is one space; none at
    either end.
    """
    return " ".join(unicodedata.normalize("NFC", line.replace(BOM, "")).split())


def changed_characters(line: str) -> int:
    """How many code points of line NFC replaces; characters only put in another order count as one."""
    if unicodedata.is_normalized("NFC", line):
        return 0
    return max(1, (Counter(line) - Counter(unicodedata.normalize("NFC", line))).total())


def read_lines(path: Path, limit: int | None = None) -> Lines:
    r"""The sentences of a UTF-8 file (.gz and .xz are unpacked); with limit, the first that many of them.

    Lines end at \n alone, as in wc and KenLM; \r is white space, so \r\n is a line end too. A text whose lines end in
    \r alone is refused. Byte order marks are dropped. blank and changed are of what was read up to the limit.
    """
    if limit is not None and limit < 1:
        raise BadConfig(f"limit = {limit}: at least one line must be read; leave it out to read all")
    path = Path(path)
    with opened(path) as file:
        return sentences_of(file.read(), path, limit)


def sentences_of(data: bytes, name: Path | str, limit: int | None = None) -> Lines:
    """read_lines() of bytes that are at hand. name: of the file, or STANDARD_INPUT."""
    text = _decode(data, name)
    marks = text.count(BOM)
    text = text.replace(BOM, "")
    normal = unicodedata.is_normalized("NFC", text)
    lines: list[str] = []
    blank: list[int] = []
    changed = 0
    pieces = text.split("\n")
    if not pieces[-1]:
        pieces.pop()  # what follows the last line end is not a line
    for number, piece in enumerate(pieces, start=1):
        if len(piece) > LONGEST:
            raise BadText(
                f"{name} has a line of more than {LONGEST / 1e6:.0f} million characters: perhaps its line ends were "
                "lost; break it into sentences, one a line"
            )
        line = " ".join(piece.split()) if normal else normalise(piece)
        if not line:
            blank.append(number)
            continue
        lines.append(line)
        changed += 0 if normal else changed_characters(piece)
        if len(lines) == limit:
            break
    if not lines:
        what = "is empty" if not text else f"has {len(blank)} lines and nothing but white space in them"
        raise BadText(
            f"{name} {what}: perhaps an unfinished download or the wrong file; give a text, one sentence a line"
        )
    return Lines(lines, tuple(blank), changed, marks)


@dataclass
class LineEnds:
    r"""How the lines of a text end, counted as it is read.

    lines:   line feeds        open: whether a line follows the last of them
    returns: carriage returns that are part of no line end: in a file of an old Mac they are the line ends
    """

    lines: int = 0
    open: bool = False
    returns: int = 0
    _pending: int = 0
    """Carriage returns of which the next bytes will say what they are; at the end of the text, nothing."""

    def add(self, data: bytes) -> None:
        """The next bytes."""
        if not data:
            return
        if self._pending and (after := data.lstrip(b"\r")[:1]) and after != b"\n":
            self.returns += self._pending
        if data.strip(b"\r"):
            self._pending = 0
        for run in _RETURNS.finditer(data):
            if run.end() == len(data):
                self._pending += len(run[0])
            elif data[run.end()] != ord("\n"):
                self.returns += len(run[0])
        self.lines, self.open = self.lines + data.count(b"\n"), not data.endswith(b"\n")

    @property
    def lost(self) -> bool:
        """Whether lines seem to end in carriage returns alone: there are more of them than lines."""
        return self.returns > self.lines + self.open


class _Bounded(io.RawIOBase):
    """What a packed file holds; BadText where that is more than text can be packed into it."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self.file, self.path = file, path
        self.most = self.left = max(MOST * path.stat().st_size, LEAST)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        n = int(self.file.readinto(buffer))  # type: ignore[attr-defined]
        self.left -= n
        if self.left < 0:
            raise BadText(
                f"{self.path} unpacks to more than {self.most >> 20:,} MB, at least {MOST} times its size: perhaps it "
                "was made to fill the memory; if it is a text nevertheless, unpack it and give the plain file"
            )
        return n


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The bytes of a file, unpacked (.gz, .xz); what goes wrong while they are read is a BadText."""
    packed = path.suffix.lower()
    try:
        with _OPENERS.get(packed, Path.open)(path, "rb") as file:
            yield io.BufferedReader(_Bounded(file, path), 1 << 20) if packed in _OPENERS else file
    except FileNotFoundError:
        raise BadText(f"no file {path}{_nearby(path)}") from None
    except IsADirectoryError:
        raise BadText(f"{path} is a folder, not a text; name one of its files{_listed(path)}") from None
    except EOFError:
        raise BadText(f"{path} is cut off: perhaps an unfinished download; fetch it again") from None
    except (gzip.BadGzipFile, zlib.error, lzma.LZMAError) as error:
        raise _mispacked(path, error) from None
    except OSError as error:
        raise BadText(f"cannot read {path}: {error.strerror or error}; check the file and its permissions") from None


def _mispacked(path: Path, error: Exception) -> BadText:
    """Why a file that is named as a packed one cannot be unpacked."""
    packed = path.suffix.lower()
    with path.open("rb") as file:
        head = file.read(HEAD)
    found, suffix = _packing(head)
    if suffix == packed:
        return BadText(f"{path} is damaged ({error}): perhaps an unfinished download; fetch it again")
    cause = "perhaps a download of something else; rename it or pack it"
    if found:
        cause = f"it looks like {found}; " + (f"its name must end in {suffix}" if suffix else "unpack it first")
    elif is_text(head):
        cause = "perhaps a plain file that was given this name; rename it or pack it"
    return BadText(f"{path} is named {packed} but is not a {packed} file: {cause}")


def _packing(head: bytes) -> tuple[str, str | None]:
    """The name of the packing that the bytes begin as, '' for none, and the suffix it is unpacked under, if any."""
    return next((what for magic, what in _MAGIC.items() if head.startswith(magic)), ("", None))


def is_text(head: bytes) -> bool:
    """Whether the first bytes of a file are UTF-8 without control characters other than white space."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return not any(ord(sign) < 32 and not sign.isspace() for sign in text)


def _decode(data: bytes, name: Path | str) -> str:
    """The text of UTF-8 bytes without the byte order mark at its head, or where and why they are none."""
    packed, suffix = _packing(data)
    if packed:
        named = suffix is not None and isinstance(name, Path)
        remedy = f"its name must end in {suffix}" if named else "unpack it first"
        raise BadText(f"{name} is not text: it looks like {packed}; {remedy}")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        unpacked = " of the unpacked text" if Path(name).suffix.lower() in _OPENERS else ""
        raise BadText(
            f"{name} is not UTF-8: byte {error.start}{unpacked}, on line {line}, is 0x{data[error.start]:02x}; "
            + _encoding(data, error)
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise BadText(
            f"{name} has a null character on line {line}: perhaps UTF-16 text or not text at all; "
            "convert it (iconv -f UTF-16 -t UTF-8)"
        )
    ends = LineEnds()
    ends.add(data)
    if ends.lost:
        raise BadText(
            f"{name} has {ends.returns:,} carriage returns and {ends.lines:,} line feeds: its lines end as on old "
            "Macs, in carriage returns alone; convert it (tr '\\r' '\\n' < FILE > NEW)"
        )
    return text.removeprefix(BOM)


def _encoding(data: bytes, error: UnicodeDecodeError) -> str:
    """The likely cause of bytes that are not UTF-8, and the remedy."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "it begins as UTF-16 does; convert it (iconv -f UTF-16 -t UTF-8)"
    if error.reason == "unexpected end of data":
        return "the file ends inside a character: perhaps an unfinished download; fetch it again"
    try:
        data.decode("cp949")
    except UnicodeDecodeError:
        return "it may be damaged or in another encoding; convert it with iconv -f ENCODING -t UTF-8"
    return "it reads as CP949 (EUC-KR), the older Korean encoding; convert it (iconv -f CP949 -t UTF-8)"


def _nearby(path: Path) -> str:
    """What to do about a file that is not there, by what its folder holds."""
    folder = path.parent
    if not folder.is_dir():
        return f": there is no folder {folder} either; check the path (it is taken from where the command runs)"
    names = sorted(entry.name for entry in folder.iterdir() if entry.is_file())
    near = get_close_matches(path.name, names, n=1, cutoff=0.6)
    return f"; did you mean {str(folder / near[0])!r}?" if near else f"; check the name{_listed(folder)}"


def _listed(folder: Path) -> str:
    """' (a.txt, b.txt, ...)': the first files of a folder."""
    names = sorted(entry.name for entry in folder.iterdir() if entry.is_file() and not entry.name.startswith("."))
    more = ", ..." if len(names) > 5 else ""
    return f" ({', '.join(names[:5])}{more})" if names else " (the folder is empty)"
