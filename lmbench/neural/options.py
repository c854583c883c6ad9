"""Options given by name, with arguments where they take any: "l2", "l2(0.001)", "max_norm(max_value=3)"."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from lmbench.errors import BadConfig, choose
from lmbench.fields import Readable

T = TypeVar("T")


def named(table: Mapping[str, Callable[..., T]], spec: str, what: str) -> Callable[[Any], T]:
    """The function of table that spec names, with the arguments that spec gives it after its first.

    Python's own syntax for a call with literal arguments, so that a benchmark file can hold it as one text.
    """
    name, bracket, rest = spec.partition("(")
    function = choose(table, name.strip(), what)
    try:
        args, kwargs = _literals(f"{name}({rest}") if bracket else ([], {})
        inspect.signature(function).bind(None, *args, **kwargs)
    except (SyntaxError, TypeError, ValueError) as error:
        takes = ", ".join(str(parameter) for parameter in list(inspect.signature(function).parameters.values())[1:])
        raise BadConfig(
            f"{what} {spec!r} cannot be read ({error}): write {name} with "
            + (f"numbers in brackets for any of: {takes}" if takes else "nothing behind it")
        ) from error

    return (lambda first: function(first, *args, **kwargs)) if bracket else function


def listed(table: Mapping[str, Callable[..., Any]], what: str) -> Readable:
    """What named() can read, as what a field may hold."""
    return Readable(lambda spec: named(table, spec, what), f"an {what}" if what[0] in "ai" else f"a {what}")


def _literals(call: str) -> tuple[list[Any], dict[str, Any]]:
    node = ast.parse(call, mode="eval").body
    if not isinstance(node, ast.Call):
        raise SyntaxError("no call")
    keywords = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in node.keywords}
    return [ast.literal_eval(argument) for argument in node.args], keywords
