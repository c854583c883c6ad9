"""python -m lmbench, and the command lmbench: a process that is one command, and ends when it is told to."""

import os
import sys
from contextlib import suppress

from lmbench import signals, streams


def main() -> int:
    """Run the command of sys.argv; the exit code, as of lmbench.cli.main."""
    streams.reserve()
    signals.end_at_once(_say)
    from lmbench import cli  # from here on no moment is without an answer to a signal

    try:
        return cli.main()
    finally:
        signals.ignore()


def _say(number: int) -> None:
    """One line, past all buffers, and the cursor, which progress bars hide."""
    shown = "\x1b[?25h\n" if os.isatty(2) else ""
    with suppress(OSError):  # nobody reads it
        os.write(2, f"{shown}{signals.line(number, sys.argv[1:])}".encode())


if __name__ == "__main__":
    sys.exit(main())
