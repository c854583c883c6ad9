"""The list of models: one file a kind.

A file here that ends in `Model = SomeClass` is a kind of the file's name; another package adds a kind with an
entry point in the group `lmbench.models`. Both are found the same way, and nothing is imported to list them.
"""

from __future__ import annotations

import ast
import pkgutil
import sys
from collections.abc import Mapping
from dataclasses import MISSING, fields
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from lmbench.errors import BadConfig, choose, suggestion
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
    spec = find_spec(choose(kinds(), kind, "model kind").module)
    origin = None if spec is None else spec.origin
    return Path(origin) if origin is not None and origin.endswith(".py") else None


def model_class(kind: str) -> type[LanguageModel]:
    """The class of a kind; imports its file and whatever that needs."""
    loaded = choose(kinds(), kind, "model kind").load()
    if not (isinstance(loaded, type) and issubclass(loaded, LanguageModel)):
        raise BadConfig(
            f"model kind {kind!r} is {loaded!r}, not a subclass of LanguageModel: mend the entry point that names it"
        )
    return loaded


def family(kind: str) -> str:
    """The family a kind's file declares, read from its source: listing rows must not import torch."""
    file = source(kind)
    return (_declared_family(file) if file is not None else None) or model_class(kind).family


@cache
def _declared_family(file: Path) -> str | None:
    """The constant that a class of this file gives to `family`; None where it declares none."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Constant):
            named = isinstance(node.target, ast.Name) and node.target.id == "family"
            if named and isinstance(node.value.value, str):
                return node.value.value
    return None


def construct(kind: str, settings: Mapping[str, Any], where: str) -> LanguageModel:
    """A model of this kind with these fields; an unknown field or a value of another type is a BadConfig.

    where: what the error names, such as "row 'lstm'".
    """
    cls = model_class(kind)
    hints = get_type_hints(cls)
    allowed = {field.name: hints[field.name] for field in fields(cls)}  # type: ignore[arg-type]
    for name, value in settings.items():
        if name not in allowed:
            raise BadConfig(f"{where} has no field {name!r}{suggestion(allowed, name)}")
        if not fits(value, allowed[name]):
            raise BadConfig(
                f"{where}: {name} = {value!r} is not {spelled(allowed[name])}; "
                f"see `python -m lmbench list {kind}` for the fields and their defaults"
            )
    for field in fields(cls):  # type: ignore[arg-type]
        if field.name not in settings and field.default is MISSING and field.default_factory is MISSING:
            raise BadConfig(f"{where} has no {field.name}, which kind {kind!r} needs; give it one")
    return cls(**settings)


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


def fits(value: Any, hint: Any) -> bool:
    """Whether a value read from TOML or JSON has the type of a field; an int serves where a float is asked for."""
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        return any(fits(value, option) for option in get_args(hint))
    if origin is dict:
        key, item = get_args(hint)
        return isinstance(value, dict) and all(fits(k, key) and fits(v, item) for k, v in value.items())
    if origin in (tuple, list):
        return isinstance(value, (tuple, list)) and all(fits(item, get_args(hint)[0]) for item in value)
    if hint is NoneType:
        return value is None
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, hint)


def spelled(hint: Any) -> str:
    """A field's type in words, for errors."""
    names = {int: "a whole number", float: "a number", str: "a text", bool: "true or false", NoneType: "left out"}
    if get_origin(hint) in (Union, UnionType):
        return " or ".join(spelled(option) for option in get_args(hint))
    return names.get(hint, str(hint))
