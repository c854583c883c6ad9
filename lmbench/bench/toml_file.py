"""TOML, from Python's own library or the one that came before it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from lmbench.errors import BadConfig

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def read(path: Path) -> dict[str, Any]:
    """The table of a file, or a BadConfig that says why there is none."""
    try:
        table: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BadConfig(f"{path} cannot be read ({error.strerror}); check the path") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadConfig(f"{path} is not TOML: {error}; mend the line it names") from error
    return table


def value_of(text: str) -> Any:
    """The value that text has in TOML; what is none is a text, so that words need no quotes."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
