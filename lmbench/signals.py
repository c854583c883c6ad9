"""SIGINT, as from ctrl-C, and SIGTERM, as from a scheduler: one line, an exit code, and nothing left running."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
_SAID = {signal.SIGINT: "interrupted", signal.SIGTERM: "ended by SIGTERM"}
_KEPT = "finished rows are kept, the same command goes on from there"


class Terminated(KeyboardInterrupt):
    """SIGTERM, raised where a program has called main(): ends a command as ctrl-C does."""


def line(number: int, words: Sequence[str]) -> str:
    """What the command of these words says when this signal has ended it."""
    kept = f"; {_KEPT}" if words and words[0] in ("run", "verify") else ""
    return f"lmbench: {_SAID[signal.Signals(number)]}{kept}\n"


def end_at_once(say: Callable[[int], None]) -> None:
    """Let either signal end this process at once: say(number), then exit. For a process that is one command alone.

    Nothing is unwound. An exception, which Python would raise wherever the main thread is, waits for long calls, and is
    lost or printed inside imports, finalisers and threads; whereas files are whole at any moment, and workers end with
    this process. A signal that is ignored, as in the background of a shell, stays so.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)

    def watch() -> None:
        while (number := os.read(reader, 1)[0]) not in CODES:
            pass
        say(number)
        os._exit(CODES[signal.Signals(number)])

    threading.Thread(target=watch, daemon=True).start()
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in CODES:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


def ignore() -> None:
    """Neither signal means anything any more: the command is over, and Python only takes itself apart."""
    for number in CODES:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def terminable() -> Iterator[None]:
    """Raises Terminated on SIGTERM, as Python raises KeyboardInterrupt on SIGINT, unless SIGTERM has a handler."""
    main_thread = threading.current_thread() is threading.main_thread()  # signals are for it alone
    if not main_thread or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def stop(*_: object) -> NoReturn:
        raise Terminated

    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
