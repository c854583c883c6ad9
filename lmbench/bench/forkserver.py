"""The process that starts workers: it imports what they need once, and forks each of them in milliseconds.

It also sees to it that no worker outlives the command. However the command ends, its sockets are closed by the system;
the server and every worker watch theirs and end at once.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from multiprocessing.connection import Connection
from typing import NamedTuple, NoReturn

from lmbench.errors import OUT_OF_MEMORY, is_out_of_memory

STATUS = 8
"""Bytes of a number on a worker's status pipe: first its process id, then its exit code."""


class Failed(NamedTuple):
    """The last message of a worker whose function raised an exception."""

    cause: str

    @classmethod
    def by(cls, error: BaseException) -> Failed:
        """In one line."""
        if is_out_of_memory(error):
            return cls(OUT_OF_MEMORY)
        return cls(f"its process failed: {type(error).__name__}: {' '.join(str(error).split())}".removesuffix(": "))


def encoded(number: int) -> bytes:
    """A process id or an exit code as it is on a status pipe."""
    return number.to_bytes(STATUS, "little", signed=True)


def main(control: int, modules: Sequence[str]) -> NoReturn:
    """Import the modules, then fork a worker at each request: one byte with two descriptors, its socket and its status.

    control: the descriptor of a socket whose other end is the command's
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the command decides what an interruption means
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    # Python 3.12 warns of every fork beside a thread; the one here waits in poll() and holds no lock
    warnings.filterwarnings("ignore", category=DeprecationWarning, message=".*fork")
    client = socket.socket(fileno=control)
    statuses: dict[int, int] = {}

    def end() -> NoReturn:
        for pid in list(statuses):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        os._exit(0)

    _when_closed(control, end)
    for name in modules:
        with suppress(BaseException):  # a worker that needs it meets the same error, and its row says so
            import_module(name)
    woken, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        ready, _, _ = select.select([control, woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
            _reap(statuses)
        if control in ready:
            asked, given, *_ = socket.recv_fds(client, 1, 2)
            if not asked:
                end()
            _fork(given[0], given[1], statuses, unneeded=(control, woken, waker))


def _when_closed(descriptor: int, act: Callable[[], NoReturn]) -> None:
    """Act, in a thread, as soon as the other end of this socket is closed, whatever the process is doing."""

    def watch() -> None:
        poll = select.poll()
        poll.register(descriptor, select.POLLHUP)
        while not any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll()):
            pass
        act()

    threading.Thread(target=watch, daemon=True).start()


def _reap(statuses: dict[int, int]) -> None:
    """Report the exit codes of workers that have ended."""
    while statuses:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        if (descriptor := statuses.pop(pid, None)) is not None:
            with suppress(OSError):  # the command no longer listens
                os.write(descriptor, encoded(os.waitstatus_to_exitcode(status)))
            os.close(descriptor)


def _fork(channel: int, status: int, statuses: dict[int, int], unneeded: Sequence[int]) -> None:
    """Start one worker. Where the system refuses, both descriptors are closed, which tells the command."""
    for descriptor in (channel, status):
        os.set_inheritable(descriptor, False)
    try:
        pid = os.fork()
    except OSError:
        os.close(status)
    else:
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for descriptor in (*unneeded, *statuses.values(), status):
                os.close(descriptor)
            _work(Connection(channel))
        with suppress(OSError):
            os.write(status, encoded(pid))
        statuses[pid] = status
    os.close(channel)


def _work(connection: Connection) -> NoReturn:
    """Receive a function and its arguments, and call it with them and a way to send messages."""

    def send(message: object) -> None:
        try:
            connection.send(message)
        except (BrokenPipeError, ConnectionResetError):
            os._exit(1)  # nobody is left to hear it

    code = 1
    try:
        folder, sys.path[:] = connection.recv()
        with suppress(OSError):  # it has been removed meanwhile: files that are not found say so
            os.chdir(folder)
        function, arguments = connection.recv()
        _when_closed(connection.fileno(), lambda: os._exit(1))
        function(*arguments, send)
        code = 0
    except (EOFError, ConnectionResetError):  # the command ended before the work began
        pass
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException as error:
        send(Failed.by(error))
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):
                stream.flush()
        os._exit(code)
