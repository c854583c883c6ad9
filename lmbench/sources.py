"""What a computation rests on: the source files that its modules import, and the libraries these import."""

from __future__ import annotations

import ast
import hashlib
import platform
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from importlib.util import find_spec
from pathlib import Path

OURS = "lmbench"


def code(*modules: str) -> str:
    """SHA-256 of the source files in the import closure of these modules: what changes it may change what they compute.

    One rule for everything that is kept under a key: nobody lists files by hand.
    """
    digest = hashlib.sha256()
    for name, path in closure(*modules).items():
        digest.update(f"{name}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def libraries(*modules: str) -> dict[str, str]:
    """Library -> version, of Python and of the installed libraries that the import closure of these modules imports."""
    found = {"python": platform.python_version()}
    for name in sorted({other for path in closure(*modules).values() for other in _imports(path)[1]}):
        if (known := _version(name)) is not None:
            found[name] = known
    return found


@cache
def closure(*modules: str) -> Mapping[str, Path]:
    """Module -> its file, by name: these modules and, step by step, what they import of lmbench and their own packages.

    Imports are read from the source, wherever in it they stand, but for those that only a type checker makes. Nothing
    is imported, so a closure can be known of a kind whose libraries are slow to import.
    """
    packages = {OURS, *(name.partition(".")[0] for name in modules)}
    found: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in found or name.partition(".")[0] not in packages or (path := _file(name)) is None:
            continue
        found[name] = path
        waiting += [*_imports(path)[0], *([name.rpartition(".")[0]] if "." in name else [])]
    return dict(sorted(found.items()))


@cache
def _file(name: str) -> Path | None:
    """The Python file of a module, by its place in its package, which is not imported; None for what is none."""
    top, *inner = name.split(".")
    spec = find_spec(top)
    if not inner:
        return Path(spec.origin) if spec is not None and spec.origin and spec.origin.endswith(".py") else None
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        stem = Path(folder).joinpath(*inner)
        for path in (stem.with_suffix(".py"), stem / "__init__.py"):
            if path.is_file():
                return path
    return None


@cache
def _imports(path: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What a file imports, dotted, and the top-level names of it that are libraries: neither Python's own nor ours."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return (), ()  # of a kind that cannot be imported, whose row says so
    names = tuple(dict.fromkeys(_named(tree)))
    tops = dict.fromkeys(name.partition(".")[0] for name in names)
    return names, tuple(top for top in tops if top != OURS and top not in sys.stdlib_module_names)


def _named(node: ast.AST) -> Iterator[str]:
    """Every module that a tree may import: of `from a import b` both a and a.b, since b may be a module."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
        yield from (name for child in node.orelse for name in _named(child))
    else:
        yield from (name for child in ast.iter_child_nodes(node) for name in _named(child))


@cache
def _version(name: str) -> str | None:
    """The version of the library that has this top-level module; None where it is not installed."""
    for distribution in (name, *_distributions().get(name, ())):
        try:
            return version(distribution)
        except PackageNotFoundError:
            continue
    return None


@cache
def _distributions() -> Mapping[str, list[str]]:
    return packages_distributions()
