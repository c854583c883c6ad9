"""What a field of a model, or a key of a table in a benchmark file, may hold: said at the field, checked in one place.

A field's type may be annotated with what is allowed: `order: Annotated[int, Between(1, 100)]`. What is not annotated is
checked for its type alone; but a number that is not finite, or that no file could hold, is refused everywhere.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from difflib import get_close_matches
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from lmbench.errors import BadConfig, LMBenchError, suggestion

LARGEST = 2**63 - 1
"""The largest whole number that TOML has."""


@dataclass(frozen=True)
class Between:
    """Numbers from `least` to `most`, neither of them with `above` and `below`."""

    least: float
    most: float
    above: bool = False
    below: bool = False

    def admits(self, value: Any) -> bool:
        """Whether the value is in the range."""
        low = value > self.least if self.above else value >= self.least
        return bool(low and (value < self.most if self.below else value <= self.most))

    def __str__(self) -> str:
        if not self.above and not self.below:
            return f"from {self.least:,} to {self.most:,}"
        return (
            f"{'above' if self.above else 'from'} {self.least:,} and {'below' if self.below else 'up to'} {self.most:,}"
        )


@dataclass(frozen=True, eq=False)
class Among:
    """One of some names, or numbers."""

    options: Iterable[Any]

    def admits(self, value: Any) -> bool:
        """Whether the value is one of them."""
        return value in list(self.options)

    def __str__(self) -> str:
        return f"one of {', '.join(map(str, self.options))}"


@dataclass(frozen=True, eq=False)
class Readable:
    """Texts that `read` takes without an LMBenchError or a ValueError.

    what: such texts are called
    """

    read: Callable[[str], object]
    what: str

    def admits(self, value: Any) -> bool:
        """Whether the text can be read."""
        try:
            self.read(value)
        except (LMBenchError, ValueError):
            return False
        return True

    def fault(self, value: Any) -> str:
        """What an LMBenchError says of the text; "" if there is none."""
        try:
            self.read(value)
        except LMBenchError as error:
            return str(error)
        except ValueError:
            pass
        return ""

    def __str__(self) -> str:
        return self.what


Count = Annotated[int, Between(1, 10**9)]
Whole = Annotated[int, Between(0, 10**9)]
Share = Annotated[float, Between(0, 1, below=True)]
Positive = Annotated[float, Between(0, 10**12, above=True)]
NotNegative = Annotated[float, Between(0, 10**12)]
Seed = Annotated[int, Between(0, 2**32 - 1)]
Width = Annotated[int, Between(1, 2**16)]
Word = Annotated[str, Readable(lambda text: _one_word(text), "one word, without spaces")]
File = Annotated[str, Readable(lambda text: _path(text), "the name of a file")]


class Checked:
    """A dataclass whose fields are checked when it is made, in Python as from a file."""

    def __post_init__(self) -> None:
        values = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        check(type(self), values, type(self).__name__)


def check(cls: type, values: Mapping[str, Any], where: str, remedy: str = "change it", noun: str = "field") -> None:
    """BadConfig where one of these is no field of the dataclass, or not what it may hold, or a field is missing.

    where, remedy: what the error begins and ends with; noun: what a field is called there
    """
    allowed = types(cls)
    for name, value in values.items():
        if name not in allowed:
            raise BadConfig(f"{where} has no {noun} {name!r}{suggestion(allowed, name)}")
        if not fits(value, allowed[name]):
            meant = _meant(value, allowed[name])
            raise BadConfig(f"{where}: {name} = {shown(value)} is not {spelled(allowed[name])}; {meant}{remedy}")
    for field in fields(cls):
        if field.name not in values and field.default is MISSING and field.default_factory is MISSING:
            raise BadConfig(f"{where} has no {field.name}, which it needs; give it one")


@cache
def types(cls: type) -> dict[str, Any]:
    """Field of a dataclass -> its type, with what is allowed."""
    hints = get_type_hints(cls, include_extras=True)
    return {field.name: hints[field.name] for field in fields(cls)}


def fits(value: Any, hint: Any) -> bool:
    """Whether a value has the type of a field and is in its range; an int serves where a float is asked for."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return fits(value, inner[0]) and all(allowed.admits(value) for allowed in inner[1:])
    if origin in (Union, UnionType):
        return any(fits(value, option) for option in inner)
    if origin in (dict, Mapping):
        return isinstance(value, Mapping) and all(fits(k, inner[0]) and fits(v, inner[1]) for k, v in value.items())
    if origin in (tuple, list):
        return isinstance(value, (tuple, list)) and all(fits(item, inner[0]) for item in value)
    if hint is NoneType:
        return value is None
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST
    return hint is Any or isinstance(value, hint)


def spelled(hint: Any) -> str:
    """A field's type and range in words."""
    names = {int: "a whole number", float: "a number", str: "a text", bool: "true or false", NoneType: "left out"}
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        said = " and ".join(map(str, inner[1:]))
        return f"{spelled(inner[0])} {said}" if isinstance(inner[1], Between) else said
    if origin in (Union, UnionType):
        return " or ".join(spelled(option) for option in inner)
    if origin in (tuple, list):
        return f"a list, each item {spelled(inner[0])}"
    if origin in (dict, Mapping):
        return "a table"
    return names.get(hint) or str(getattr(hint, "__name__", hint))


def _meant(value: Any, hint: Any) -> str:
    """What else can be said of a text that is not allowed: the nearest name that is, or why it cannot be read."""
    for option in (hint, *get_args(hint)):
        for allowed in getattr(option, "__metadata__", ()) if isinstance(value, str) else ():
            if isinstance(allowed, Among):
                near = get_close_matches(value, list(map(str, allowed.options)), n=1)
                return f"did you mean {near[0]!r}? " if near else ""
            if isinstance(allowed, Readable) and (why := allowed.fault(value)):
                return f"{why}; "
    return ""


def shown(value: Any) -> str:
    """A value on one line, cut short where it is long."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def _one_word(text: str) -> None:
    if len(text.split()) != 1 or text != text.strip():
        raise ValueError(text)


def _path(text: str) -> None:
    if not text.strip() or "\0" in text:
        raise ValueError(text)
