"""Loops that numba compiles, where it is installed and the work is large enough; arrays in numpy do the rest.

Whoever has a loop in kernels.py has the same in numpy beside it, and both give the same arrays to the last bit: what is
chosen here changes the time and nothing else. `pip install lmbench[fast]` brings numba.
"""

from __future__ import annotations

import sys
from functools import cache
from types import ModuleType

use: bool | None = None
"""Whether loops are compiled: True and False are always and never, None is where it pays.

A process that scores many short texts sets it to True, for none of them is large enough by itself.
"""

LARGE = 10_000_000
"""Tokens from which loops are quicker, numba's import included. 5.3 million of reviews, most of whose n-grams occur
once, take 15.2 s in numpy and 16.8 s in loops; 50 million of a language of few n-grams take half as long in loops."""


def loops(tokens: int) -> ModuleType | None:
    """lmbench.compiled.kernels for work on so many tokens; None where numpy is to do it."""
    wanted = tokens >= LARGE or "numba" in sys.modules if use is None else use
    return _loops() if wanted else None


@cache
def _loops() -> ModuleType | None:
    """The module, if numba is there, knows this numpy, and has a folder for what it compiles."""
    try:
        from lmbench.compiled import kernels as module
    except (ImportError, RuntimeError):
        return None
    return module
