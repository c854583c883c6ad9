"""The list of models: one file a kind.

A file here that ends in `Model = SomeClass` is a kind of the file's name; another package adds a kind with an
entry point in the group `lmbench.models`. Both are found the same way, and nothing is imported to list them.
"""

from __future__ import annotations

import ast
import pkgutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

from lmbench.errors import BadConfig, BadModel, LMBenchError, choose
from lmbench.fields import check, types
from lmbench.model import LanguageModel

GROUP = "lmbench.models"


def kinds() -> dict[str, EntryPoint]:
    """Kind -> where its class is. Built-in kinds win a clash of names."""
    return dict(_found(tuple(sys.path)))


@cache
def _found(_: tuple[str, ...]) -> dict[str, EntryPoint]:
    """kinds() with these folders on the path: looking through every installed package takes 10 ms."""
    ours = (EntryPoint(m.name, f"{__name__}.{m.name}:Model", GROUP) for m in pkgutil.iter_modules(__path__))
    return {point.name: point for point in (*entry_points(group=GROUP), *ours)}


def source(kind: str) -> Path | None:
    """The Python file of a kind, found without importing it; None where its module is not such a file."""
    try:
        spec = find_spec(choose(kinds(), kind, "model kind").module)
    except (ImportError, ValueError, AttributeError):
        return None  # its package is not there, or cannot be imported: what model_class() gives says so
    origin = None if spec is None else spec.origin
    return Path(origin) if origin is not None and origin.endswith(".py") else None


@dataclass(kw_only=True)
class Unusable(LanguageModel):
    """In place of the class of a kind that cannot be used: a row of it fails, and the others go on."""

    problem: ClassVar[str]

    def __post_init__(self) -> None:
        raise BadModel(self.problem)


def model_class(kind: str) -> type[LanguageModel]:
    """The class of a kind; imports its file and whatever that needs. Unusable where that fails."""
    try:
        loaded = choose(kinds(), kind, "model kind").load()
        problem = _problem(loaded)
    except LMBenchError:
        raise
    except (Exception, SystemExit) as error:  # whatever another package does when it is imported
        problem = f"cannot be imported ({_line(error)})"
    if problem:
        return type("Unusable", (Unusable,), {"problem": f"model kind {kind!r} {problem}; fix the package it is from"})
    return loaded  # type: ignore[no-any-return]


def _problem(loaded: object) -> str:
    """Why this cannot be the class of a kind; "" if it can."""
    if not (isinstance(loaded, type) and issubclass(loaded, LanguageModel)):
        return f"is {_line(repr(loaded))}, not a subclass of LanguageModel"
    if not is_dataclass(loaded):
        return f"is the class {loaded.__name__}, which is no dataclass: its fields are its hyperparameters"
    if missing := sorted(loaded.__abstractmethods__):
        return f"is the class {loaded.__name__}, which lacks what every model has: {', '.join(missing)}"
    named = loaded.files
    if not isinstance(named, tuple) or not set(named) <= set(types(loaded)):
        return f"has files = {named!r}, which are not names of its fields"
    return ""


def _line(error: object) -> str:
    told = " ".join(str(error).split())
    return f"{type(error).__name__}: {told}" if isinstance(error, BaseException) else told


def family(kind: str) -> str:
    """The family a kind's file declares, read from its source: listing rows must not import torch."""
    file = source(kind)
    return (_declared_family(file) if file is not None else None) or model_class(kind).family


@cache
def _declared_family(file: Path) -> str | None:
    """The constant that a class of this file gives to `family`; None where it declares none."""
    try:
        tree = ast.parse(file.read_text("utf-8"))
    except (OSError, SyntaxError, ValueError):
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Constant):
            named = isinstance(node.target, ast.Name) and node.target.id == "family"
            if named and isinstance(node.value.value, str):
                return node.value.value
    return None


def construct(kind: str, settings: Mapping[str, Any], where: str) -> LanguageModel:
    """A model of this kind with these fields; one that is none, or not in its range, is a BadConfig.

    A kind that cannot be used is a BadModel. where: what the error names, such as "row 'lstm'".
    """
    cls = model_class(kind)
    if issubclass(cls, Unusable):
        raise BadModel(cls.problem)
    check(cls, settings, where, f"see `python -m lmbench list {kind}`")
    try:
        return cls(**settings)
    except LMBenchError as error:
        raise type(error)(f"{where}: {error}") from error
    except Exception as error:
        raise BadModel(f"{where}: kind {kind!r} cannot be made with these fields ({_line(error)})") from error


def kind_of(model: LanguageModel) -> str:
    """The kind a model's class was found under."""
    cls = type(model)
    for kind, point in kinds().items():
        if point.module == cls.__module__ and point.load() is cls:
            return kind
    raise BadConfig(f"{cls.__qualname__} is not a model kind: end its file in `Model = {cls.__qualname__}`")


def describe(model: LanguageModel) -> dict[str, Any]:
    """Kind and fields as JSON holds them; parts are described in the same way."""
    settings = {field.name: getattr(model, field.name) for field in fields(model)}  # type: ignore[arg-type]
    return {"kind": kind_of(model), "fields": {name: _described(value) for name, value in settings.items()}}


def reconstruct(description: Mapping[str, Any]) -> LanguageModel:
    """The unfitted model that describe() described."""
    settings = {name: _reconstructed(value) for name, value in description["fields"].items()}
    return construct(description["kind"], settings, "a saved model")


def _described(value: Any) -> Any:
    if isinstance(value, LanguageModel):
        return describe(value)
    if isinstance(value, Mapping):
        return {name: _described(item) for name, item in value.items()}
    return value


def _reconstructed(value: Any) -> Any:
    if isinstance(value, Mapping):
        if set(value) == {"kind", "fields"}:
            return reconstruct(value)
        return {name: _reconstructed(item) for name, item in value.items()}
    return value
