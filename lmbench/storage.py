"""Files that are either the old ones or the new ones, never half of either, and the checksums that prove it."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from lmbench.errors import LMBenchError
from lmbench.threads import ahead

if TYPE_CHECKING:
    from typing_extensions import Buffer


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
    exception leaves the old.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name[:100]}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
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
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise LMBenchError(
            f"cannot write {path}: {reason}; free some space or choose a folder you may write to"
        ) from error


def _sync_folder(folder: Path) -> None:
    """Put the new name on the disk too, where the system lets a folder be opened (Windows does not)."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
