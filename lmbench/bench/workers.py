"""Work in processes of their own: started, listened to, limited in time, and never left behind.

A worker may end at any moment and in any way; whoever waits for it then gets Ended with the reason. A thread beside
each worker sends its task and receives its messages, so that one that is stuck holds up nobody else.
"""

from __future__ import annotations

import math
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Generic, TypeVar

from lmbench.bench.forkserver import STATUS, Failed
from lmbench.errors import LMBenchError

PATIENCE = 5.0
"""Seconds that a worker which has said its last may take to exit."""

Item = TypeVar("Item")
Made = TypeVar("Made")
Name = TypeVar("Name")


@dataclass(frozen=True)
class Ended:
    """The last message of every worker: its process is gone; why, in case its work was not done by then."""

    why: str


class _Begun:
    """The first message of every worker: its process is there."""


class _Server:
    """The fork server of this process (see forkserver.py), started when first needed and again when it has died."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._modules: dict[str, None] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket
        self._owner = 0

    def warm_up(self, modules: Iterable[str]) -> None:
        """Let these be imported in the background; of a server that runs already, by each worker that needs them."""
        with self._lock:
            self._modules.update(dict.fromkeys(modules))
            self._start()

    def request(self, descriptors: Sequence[int]) -> None:
        """Ask for a worker with these two descriptors."""
        with self._lock:
            self._start()
            try:
                socket.send_fds(self._control, [b"w"], descriptors)
            except OSError:  # it has died this very moment
                self._start(again=True)
                socket.send_fds(self._control, [b"w"], descriptors)

    def _start(self, again: bool = False) -> None:
        if not again and self._process is not None and self._process.poll() is None and self._owner == os.getpid():
            return
        self._control, theirs = socket.socketpair()
        begin = f"import sys; sys.path[:] = {sys.path!r}; from lmbench.bench.forkserver import main; "
        begin += f"main({theirs.fileno()}, {list(self._modules)!r})"
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # until the server ignores it
        try:
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, "-c", begin], stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()]
                )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self._owner = os.getpid()


_server = _Server()


def warm_up(modules: Iterable[str]) -> None:
    """Let modules that workers will need be imported in the background."""
    with suppress(OSError):  # each worker says why it could not be started
        _server.warm_up(modules)


class _Worker(Generic[Name]):
    """One process, and the thread that attends to it.

    deadline: time.monotonic() at which it is ended
    """

    def __init__(self, name: Name, task: tuple[Any, ...], seconds: float, events: SimpleQueue[Any]) -> None:
        self.name, self.seconds = name, seconds
        self.deadline = math.inf
        self._events = events
        self._ended = ""
        self._socket, theirs = socket.socketpair()
        self._status, status = os.pipe()
        cause = ""
        try:
            _server.request([theirs.fileno(), status])
        except OSError as error:
            cause = f"its process could not be started: {error.strerror}"
        finally:
            theirs.close()
            os.close(status)
        threading.Thread(target=self._attend, args=(task, cause), daemon=True).start()

    def end(self, why: str) -> None:
        """Let it be ended; events then have an Ended that says why."""
        self._ended = why
        with suppress(OSError):  # it has ended by itself
            self._socket.shutdown(socket.SHUT_RDWR)

    def _attend(self, task: tuple[Any, ...], cause: str) -> None:
        pid = self._number()
        try:
            if pid is not None:
                self._events.put((self, _Begun()))
                cause = self._converse(task)
        except Exception as error:  # what cannot be pickled, what is no message: this worker's failure
            cause = Failed.by(error).cause
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        if pid is not None and (self._ended or not wait([self._status], PATIENCE)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        code = self._number()
        os.close(self._status)
        self._socket.close()
        self._events.put((self, Ended(self._ended or cause or _death(pid, code))))

    def _converse(self, task: tuple[Any, ...]) -> str:
        """Send the task, receive until nothing more comes; the cause, if it said one."""
        with Connection(os.dup(self._socket.fileno())) as connection:
            with suppress(BrokenPipeError, ConnectionResetError):  # it may have said why it left
                connection.send((os.getcwd(), sys.path))
                connection.send(task)
            with suppress(EOFError, OSError):  # it is gone, between two messages or within one
                while not isinstance(message := connection.recv(), Failed):
                    self._events.put((self, message))
                return message.cause
        return ""

    def _number(self) -> int | None:
        """The next number of the status pipe; None where the server went, or could not fork."""
        said = b""
        while len(said) < STATUS:
            part = os.read(self._status, STATUS - len(said))
            if not part:
                return None
            said += part
        return int.from_bytes(said, "little", signed=True)


class Workers(Generic[Name]):
    """Workers by name. All of them are ended with the block, and with this process however it ends."""

    def __init__(self) -> None:
        self._events: SimpleQueue[Any] = SimpleQueue()
        self._at_work: list[_Worker[Name]] = []

    def __enter__(self) -> Workers[Name]:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for worker in self._at_work:
            worker.end("ended with its command")
        until = time.monotonic() + 1.0
        while self._at_work and (left := until - time.monotonic()) > 0:
            with suppress(Empty):
                self._heard(left)

    def __len__(self) -> int:
        return len(self._at_work)

    def start(self, name: Name, function: Callable[..., None], *arguments: Any, seconds: float | None = None) -> None:
        """Call function(*arguments, send) in a process of its own; what it sends are messages under this name.

        seconds: after which it is ended; None: it has all the time it needs
        """
        limit = math.inf if seconds is None else seconds
        self._at_work.append(_Worker(name, (function, arguments), limit, self._events))

    def next(self) -> tuple[Name, Any]:
        """The next message of any worker that was started; its last one is Ended."""
        while True:
            now = time.monotonic()
            for worker in self._at_work:
                if worker.deadline <= now:
                    worker.deadline = math.inf
                    worker.end(f"ended after {worker.seconds:g} s, its limit (--row-limit)")
            left = min(worker.deadline for worker in self._at_work) - now
            with suppress(Empty):
                worker, message = self._heard(min(left, 3600.0))
                if not isinstance(message, _Begun):
                    return worker.name, message

    def _heard(self, timeout: float) -> tuple[_Worker[Name], Any]:
        worker: _Worker[Name]
        worker, message = self._events.get(timeout=timeout)
        if isinstance(message, _Begun):
            worker.deadline = time.monotonic() + worker.seconds
        if isinstance(message, Ended):
            self._at_work.remove(worker)
        return worker, message


def in_order(function: Callable[[Item], Made], items: Sequence[Item], side_by_side: int) -> Iterator[Made]:
    """function(item) of each item, in their order, made in as many processes; LMBenchError where one of them fails."""
    made: dict[int, Made] = {}
    started = 0
    with Workers[int]() as workers:
        for at in range(len(items)):
            while at not in made:
                while started < len(items) and len(workers) < side_by_side:
                    workers.start(started, _call, function, items[started])
                    started += 1
                which, message = workers.next()
                if not isinstance(message, Ended):
                    made[which] = message
                elif which >= at and which not in made:
                    raise LMBenchError(f"work in another process was not done: {message.why}")
            yield made.pop(at)


def _call(function: Callable[[Item], Made], item: Item, send: Callable[[Made], None]) -> None:
    send(function(item))


def _death(pid: int | None, code: int | None) -> str:
    """Why a process is gone, as far as the system says."""
    if pid is None:
        return "its process could not be started; the system may be short of memory or processes: use fewer --jobs"
    if code is None:
        return "its process was lost, as the one that had started it was ended; run it again"
    if code < 0:
        cause = "; the system may have run out of memory: use less text or a smaller model" if code == -9 else ""
        names = {known.value: known.name for known in signal.Signals}
        return f"its process was ended by {names.get(-code, f'signal {-code}')}{cause}"
    return f"its process ended with exit code {code} without a result; run the row alone to see why"
