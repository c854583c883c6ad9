"""One writer at a time in a folder; readers need no lock, as files are replaced whole."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lmbench.errors import BadConfig, LMBenchError

NAME = ".lock"
_held: set[Path] = set()
"""Folders that this process writes to."""


@contextmanager
def writing(folder: Path, what: str) -> Iterator[None]:
    """Keep other processes from writing to a folder; BadConfig with who is at work where another one does.

    The operating system drops the lock of a process that ends, however it ends, so none is ever stale; what stands in
    the file is for readers. A process that holds the lock may take it again.

    what: the command that writes
    """
    try:
        import fcntl
    except ImportError as error:  # no such locks on Windows
        raise LMBenchError("this system has no file locks (fcntl); run lmbench on Linux, macOS or WSL") from error
    place = folder.resolve()
    if place in _held:
        yield
        return
    handle = _opened(place)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BadConfig(
                f"{folder} is being written by another process ({_owner(handle)}); "
                "wait until it has ended, or choose another folder with --out"
            ) from None
        if not _is_still(place, handle):
            raise BadConfig(f"{folder} was removed while it was to be written; run the command again")
        about = {"pid": os.getpid(), "host": platform.node(), "since": time.strftime("%F %T"), "command": what}
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(about, ensure_ascii=False).encode(), 0)
        _held.add(place)
        try:
            yield
        finally:
            _held.discard(place)
            _leave(place, handle)
    finally:
        os.close(handle)


def _opened(place: Path) -> int:
    """The lock's file, in a folder that is made where it is missing."""
    try:
        place.mkdir(parents=True, exist_ok=True)
        return os.open(place / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise LMBenchError(
            f"cannot write to {place}: {error.strerror or error}; choose a folder you may write to with --out"
        ) from error


def _is_still(place: Path, handle: int) -> bool:
    """Whether the file that is locked is the one that others would lock."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(place / NAME))
    except OSError:
        return False


def _leave(place: Path, handle: int) -> None:
    """Nobody is named any more; a folder in which nothing was written is removed."""
    with suppress(OSError):
        os.ftruncate(handle, 0)
        if [path.name for path in place.iterdir()] == [NAME]:
            (place / NAME).unlink()
            for folder in (place, place.parent):
                folder.rmdir()  # fails, and so ends here, where something is in it


def _owner(handle: int) -> str:
    """Who holds the lock, as it says itself."""
    try:
        about = json.loads(os.pread(handle, 1 << 16, 0))
        return f"process {about['pid']} on {about['host']} since {about['since']}: {about['command']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "it has just begun"
