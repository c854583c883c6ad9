"""What workers do in tests: ways to end, ways to be stuck. Workers import it by name."""

import inspect
import os
import re
import signal
import struct
import sys
import time


class Lethal:
    """Ends the process that receives it."""

    def __reduce__(self):
        return os.kill, (ReceiverPid(), signal.SIGKILL)


class ReceiverPid:
    """Becomes, where it is received, the process id of the receiver."""

    def __reduce__(self):
        return os.getpid, ()


def channel(send):
    """The descriptor on which a worker sends."""
    return inspect.getclosurevars(send).nonlocals["connection"].fileno()


def answer(value, send):
    send(value)


def kill_itself(number, _send):
    os.kill(os.getpid(), number)


def leave(code, _send):
    sys.exit(code)


def vanish(code, _send):
    os._exit(code)


def fail(text, _send):
    raise ValueError(text)


def exhaust(_, _send):
    raise MemoryError


def send_half(value, send):
    """Is killed within a message: of 1,000 bytes announced, a few come."""
    send(value)
    os.write(channel(send), struct.pack("!i", 1000) + b"half")
    os.kill(os.getpid(), signal.SIGKILL)


def send_rubbish(_, send):
    os.write(channel(send), struct.pack("!i", 4) + b"\x80rub")
    time.sleep(600)


def send_what_cannot_be_sent(_, send):
    send(lambda: None)


def sleep(value, send):
    send(value)
    time.sleep(600)


def hold_the_interpreter(value, send):
    """One call that takes hours and lets no other thread run."""
    send(value)
    re.match(r"(a+)+b", "a" * 60)


def stop_itself(value, send):
    send(value)
    os.kill(os.getpid(), signal.SIGSTOP)


def say_and_keep_on(path, send):
    """Writes its process id to a file and sends for ever."""
    with open(path + ".new", "w") as file:
        file.write(str(os.getpid()))
    os.replace(path + ".new", path)
    while True:
        send(0)
        time.sleep(0.01)


def square(number):
    return number * number


def square_but_not_of_three(number):
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number
