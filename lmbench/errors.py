"""Errors a user can fix: one line that says the fact, the likely cause and the remedy."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TypeVar

T = TypeVar("T")


class LMBenchError(Exception):
    """Something the user can put right; the command line prints it without a traceback and exits with 2."""


class BadConfig(LMBenchError):
    """A benchmark file, a field or an option does not say what it should."""


class BadText(LMBenchError):
    """A text file cannot be read as the corpus it was given for."""


class BadModel(LMBenchError):
    """A model broke the contract, or its saved state cannot be read."""


class Damaged(BadModel):
    """A file that lmbench wrote is not what was written: it does not match its checksum."""


class BadDiscounts(LMBenchError):
    """Discounts cannot be estimated from these counts of counts."""


class Diverged(LMBenchError):
    """Training left the finite numbers."""


OUT_OF_MEMORY = "out of memory; use less text, a smaller vocabulary or a smaller model"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that there was no memory, as Python, the system or torch says it."""
    said = ("allocate memory", "out of memory", "start new thread")
    return isinstance(error, MemoryError) or (
        isinstance(error, (OSError, RuntimeError)) and any(words in str(error) for words in said)
    )


def suggestion(options: Mapping[str, object], name: str) -> str:
    """'; did you mean 'lstm'? (gru, lstm, rnn)' for the option nearest to name, or only the list."""
    near = get_close_matches(name, list(options), n=1, cutoff=0.6)
    listed = ", ".join(sorted(options))
    return f"; did you mean {near[0]!r}? ({listed})" if near else f"; one of: {listed}"


def choose(options: Mapping[str, T], name: str, what: str) -> T:
    """options[name], or BadConfig that names what was asked for and the nearest option there is."""
    if name not in options:
        raise BadConfig(f"no {what} {name!r}{suggestion(options, name)}")
    return options[name]
