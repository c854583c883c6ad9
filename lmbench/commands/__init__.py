"""What each command does. Here and in lmbench/cli.py alone is printed."""

from __future__ import annotations

import sys

from lmbench.text.printable import printable

DONE, FAILED = 0, 1


def say(*fields: object) -> None:
    """Print a line of fields, tabs between them, on standard output: what a corpus brings in can steer no terminal."""
    print("\t".join(printable(str(field)) for field in fields))


def remark(line: str) -> None:
    """Print a line on standard error, where it is no part of what a command gives."""
    print(printable(line), file=sys.stderr)
