"""Files that are either the old ones or the new ones, never half of either, and the seals that prove it.

Whatever is read back later is sealed with its SHA-256. JSON has it as the last key of its object, where people and
other programs see it (write_json, read_json); anything else has it in a last line of fixed length (write_sealed,
read_sealed). Of a pair of files, the JSON holds the checksum of the other one as well.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import re
import secrets
import stat
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from lmbench.errors import BadConfig, Damaged, LMBenchError
from lmbench.threads import ahead

if TYPE_CHECKING:
    from typing_extensions import Buffer

T = TypeVar("T")
LOG = logging.getLogger("lmbench")

STANDARD_OUTPUT = Path("-")
PACKINGS = (".gz", ".xz", ".bz2", ".zst", ".zip", ".lzma", ".lz4", ".br", ".7z", ".z")
"""Endings of names that promise a packed file."""
AGAIN = "delete it and run again"
UNSEALED = "ends without a checksum, as files of earlier versions do"
PATIENCE = (0.05, 0.1, 0.15, 0.2)
"""Seconds between readings of a pair of files that do not match: they may be about to."""
_KEY = b'"sha256": "'
_REST = re.compile(rb'([0-9a-f]{64})"\s*\}\s*')
_LINE = b"\nlmbench sha256 "
_SEAL = len(_LINE) + 64 + 1


def sha256(source: Path | bytes) -> str:
    """The SHA-256, 64 hexadecimal digits, of a file's content or of these bytes."""
    digest = hashlib.sha256()
    if isinstance(source, bytes):
        digest.update(source)
    else:
        with source.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


# -- sealed files


def write_json(path: Path, text: str) -> None:
    """Make path hold this JSON object, with the SHA-256 of the text as its last key, "sha256"."""
    body = text.rstrip().removesuffix("}").rstrip().encode()
    comma = b"" if body.endswith(b"{") else b","
    atomic_write(path, [body, comma, b'\n "sha256": "%s"\n}\n' % sha256(body + b"}").encode()])


def read_json(path: Path, remedy: str = AGAIN) -> dict[str, Any]:
    """The object that write_json() wrote, without its seal; Damaged where it is another."""
    data = path.read_bytes()
    body, key, rest = data.rpartition(_KEY)
    seal = _REST.fullmatch(rest) if key else None
    if seal is None:
        raise damaged(path, remedy, UNSEALED)
    if sha256(body.rstrip().removesuffix(b",") + b"}") != seal[1].decode():
        raise damaged(path, remedy)
    try:
        found = json.loads(data)
    except ValueError as error:
        raise damaged(path, remedy, f"cannot be read as JSON ({error})") from None
    if not isinstance(found, dict):
        raise damaged(path, remedy, "cannot be read as an object of JSON")
    del found["sha256"]
    return found


def write_sealed(path: Path, content: bytes) -> None:
    """Make path hold content, and a last line with its SHA-256."""
    atomic_write(path, [content, _LINE, sha256(content).encode(), b"\n"])


def read_sealed(path: Path, remedy: str = AGAIN) -> bytes:
    """The content that write_sealed() wrote; Damaged where it is another."""
    data = path.read_bytes()
    content, seal = data[:-_SEAL], data[-_SEAL:]
    if not seal.startswith(_LINE):
        raise damaged(path, remedy, UNSEALED)
    if seal != _LINE + sha256(content).encode() + b"\n":
        raise damaged(path, remedy)
    return content


def damaged(path: Path, remedy: str = AGAIN, fact: str = "does not match its checksum") -> Damaged:
    """The error of a file that is not what was written."""
    return Damaged(f"{path} {fact}: the file is damaged; {remedy}")


def patiently(read: Callable[[], T]) -> T:
    """What read() finds of a pair of files; Damaged where they still do not match after half a second.

    A writer renames one after the other, and who reads in between has done nothing wrong.
    """
    for pause in PATIENCE:
        try:
            return read()
        except Damaged:
            time.sleep(pause)
    return read()


def kept(path: Path, read: Callable[[Path], T]) -> T | None:
    """What read(path) finds of what can be made again; None where there is nothing, or nothing whole, which is said."""
    try:
        return read(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, LMBenchError) as error:
        fact = error.strerror if isinstance(error, OSError) else str(error).partition(";")[0]
        LOG.warning("warning: %s; it is made again", f"{path}: {fact}" if isinstance(error, OSError) else fact)
        return None


# -- writing


def atomic_write(path: Path, content: bytes | str | Iterable[Buffer]) -> str:
    """Make path hold content, text as UTF-8 with line ends as given, and say its SHA-256: atomic() for what is known.

    Content in parts is written as it comes, so what is large need not be in memory twice.
    """
    content = content.encode("utf-8") if isinstance(content, str) else content
    digest = hashlib.sha256()

    def hashed(parts: Iterable[Buffer]) -> Iterator[Buffer]:
        for part in parts:
            digest.update(part)
            yield part

    with atomic(path) as file:
        for part in hashed([content]) if isinstance(content, bytes) else ahead(hashed(content)):
            file.write(part)
    return digest.hexdigest()


@contextmanager
def atomic(path: Path) -> Iterator[BinaryIO]:
    """A file to write what path is to hold; its folder is made where it is missing.

    What is written goes to a temporary file in the same folder, reaches the disk, and only then takes the
    name: whoever reads path, and a machine that stops at any moment, finds the old content or the new. An
    exception leaves the old. A link is followed. What is no regular file (a device, a pipe, standard output as "-" or
    by name) is written into: it is somebody else's and cannot be replaced.
    """
    path = Path(path)
    to_reader = is_standard_output(path)
    try:
        with _standard_output() if to_reader else _target(path) as file:
            yield file
    except OSError as error:
        if to_reader and isinstance(error, BrokenPipeError):  # head has seen enough: no error of writing
            raise
        reason = error.strerror or type(error).__name__
        raise LMBenchError(
            f"cannot write {path}: {reason}; free some space or choose a folder you may write to"
        ) from error


def check_output(path: Path, packed: Collection[str] = ()) -> None:
    """BadConfig for a path that is a folder, or whose name promises a packing that is not one of these."""
    if path.is_dir():
        raise BadConfig(f"{path} is a folder; name a file in it")
    suffix = path.suffix.lower()
    if suffix in PACKINGS and suffix not in packed:
        known = " or ".join(packed)
        raise BadConfig(
            f"{path}: files are not packed as {suffix} here; "
            + (f"choose a name in {known}, or a plain one" if known else "choose a plain name, and pack it afterwards")
        )


def is_standard_output(path: Path) -> bool:
    """Whether this is "-", or another name of what standard output goes to (/dev/stdout)."""
    if path == STANDARD_OUTPUT:
        return True
    try:
        return os.path.samestat(path.stat(), os.fstat(sys.stdout.fileno()))
    except (OSError, ValueError, AttributeError):  # no such file, or no standard output
        return False


def _target(path: Path) -> AbstractContextManager[BinaryIO]:
    """A file to write to: a new one that replaces path, or path itself where it is no regular file."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        mode = stat.S_IFREG
    return _replaced(Path(os.path.realpath(path))) if stat.S_ISREG(mode) or stat.S_ISDIR(mode) else path.open("wb")


@contextmanager
def _standard_output() -> Iterator[BinaryIO]:
    if sys.stdout is None:
        raise OSError(errno.EBADF, "it is closed")
    sys.stdout.flush()
    yield sys.stdout.buffer
    sys.stdout.buffer.flush()


@contextmanager
def _replaced(path: Path) -> Iterator[BinaryIO]:
    temporary = path.with_name(f".{path.name[:50]}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path.parent)
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        with suppress(OSError):
            temporary.unlink()
    _sync_folder(path.parent)


@cache
def _sweep(folder: Path) -> None:
    """Delete what processes that have been killed left half written here; once for each folder."""
    if os.name != "posix":  # elsewhere nobody can be asked without harm whether a process lives
        return
    for left in folder.glob(".*.tmp"):
        named = re.fullmatch(r"\..+\.(\d{1,9})\.[0-9a-f]{8}\.tmp", left.name)
        if named is None:
            continue
        try:
            os.kill(int(named[1]), 0)
        except ProcessLookupError:
            with suppress(OSError):
                left.unlink()
        except OSError:  # it lives, and is another user's
            continue


def _sync_folder(folder: Path) -> None:
    """Put the new name on the disk too, where the system lets a folder be opened (Windows does not)."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
