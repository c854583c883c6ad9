"""Standard streams that may be closed, full, gone or in an encoding too small for the text: what a command then does.

Standard output is what a command was asked for, so what cannot be written there is an error. Messages on standard error
are not: a command goes on without them.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

from lmbench.errors import LMBenchError


class OutputEnded(Exception):
    """Whoever read standard output, such as head, has seen enough."""


def reserve() -> None:
    """Open the descriptors 0 to 2 where they are closed, or the next file would be there and get what is printed."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


@contextmanager
def guarded() -> Iterator[None]:
    """sys.stdin, sys.stdout and sys.stderr raise LMBenchError, or OutputEnded, and nothing else."""
    reserve()
    before = sys.stdin, sys.stdout, sys.stderr
    streams: Any = sys  # that they may be None is not in the types
    if sys.stdin is None:
        streams.stdin = _NoInput()
    streams.stdout = _Output(sys.stdout)
    streams.stderr = _Messages(sys.stderr)
    try:
        yield
    finally:
        sys.stdin, sys.stdout, sys.stderr = before


class _Messages:
    """Standard error: what cannot be written is left out."""

    def __init__(self, stream: Any) -> None:
        if stream is None:
            stream = io.TextIOWrapper(io.BytesIO())
            stream.close()
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @property
    def buffer(self) -> Any:
        return type(self)(self._stream.buffer)

    def write(self, content: Any) -> int:
        try:
            return int(self._stream.write(content))
        except (OSError, ValueError) as error:
            self._failed(error)
        return len(content)

    def flush(self) -> None:
        try:
            if not self._stream.closed:
                self._stream.flush()
        except (OSError, ValueError) as error:
            self._failed(error)

    def _failed(self, error: OSError | ValueError) -> None:
        if isinstance(error, OSError):  # what is still in its buffer would fail again when Python exits
            with open(os.devnull, "wb") as nowhere, suppress(OSError):  # a stream need not have a descriptor
                os.dup2(nowhere.fileno(), self._stream.fileno())
        self.failed(error)

    def failed(self, error: OSError | ValueError) -> None:
        """What is to happen then: here nothing."""


class _Output(_Messages):
    """Standard output: what cannot be written is an error."""

    def failed(self, error: OSError | ValueError) -> NoReturn:
        if isinstance(error, UnicodeEncodeError):
            sign = ascii(error.object[error.start])
            raise LMBenchError(
                f"standard output is in {error.encoding}, which has no {sign}; set PYTHONIOENCODING=utf-8"
            ) from None
        if isinstance(error, ValueError):
            raise LMBenchError("standard output is closed; leave out what closes it, such as >&-") from None
        if isinstance(error, BrokenPipeError):
            raise OutputEnded from None
        raise LMBenchError(
            f"cannot write to standard output: {error.strerror}; free some space or send it elsewhere"
        ) from None


class _NoInput:
    """Standard input where there is none."""

    @property
    def buffer(self) -> NoReturn:
        raise LMBenchError("standard input is closed; name a file, or leave out what closes it, such as <&-")
