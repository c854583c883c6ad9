"""Fitted models on disk: <stem>.safetensors with the arrays, <stem>.json with kind, fields, vocabulary, checksum."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lmbench.errors import BadModel
from lmbench.model import LanguageModel, State
from lmbench.models import describe, reconstruct
from lmbench.storage import atomic_write, damaged, kept, patiently, read_json, sha256, write_json
from lmbench.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from typing_extensions import Buffer

SCHEMA = 3
_REMEDY = "delete the model's two files and fit it again"
_DTYPES = {
    "b1": "BOOL",
    **{f"{kind}{width}": f"{kind.upper()}{8 * width}" for kind in "iu" for width in (1, 2, 4, 8)},
    **{f"f{width}": f"F{8 * width}" for width in (2, 4, 8)},
}
"""Of numpy and of safetensors."""


def save(model: LanguageModel, path: Path, key: str = "", tokenizer: str = "") -> int:
    """Write the arrays, then the description with their checksum; the bytes both take on disk.

    path: without a suffix. A model is on disk when its .json is.
    key:  of the job it was fitted for, so that a result is never paired with another run's model
    tokenizer: of the text, for a model that no benchmark knows of
    """
    facts: dict[str, Any] = {
        "schema": SCHEMA,
        **describe(model),
        "key": key,
        "tokenizer": tokenizer,
        "events": list(model.vocab_.events),
        "arrays": atomic_write(_arrays(path), _safetensors(model.state())),
    }
    write_json(_facts(path), json.dumps(facts, ensure_ascii=False))
    return _arrays(path).stat().st_size + _facts(path).stat().st_size


def load(path: Path, key: str | None = None) -> LanguageModel:
    """The model saved at path, its description and arrays checked against their checksums.

    key: of the job that it must have been fitted for; None: of any
    """
    return load_with_tokenizer(path, key)[0]


def load_with_tokenizer(path: Path, key: str | None = None) -> tuple[LanguageModel, str]:
    """The model saved at path and the tokenizer it was saved with."""
    from safetensors.numpy import load as from_bytes

    try:
        facts, arrays = patiently(lambda: _read(path))
    except OSError as error:
        raise BadModel(f"no fitted model at {path} ({error}); run the benchmark to fit it") from error
    if key is not None and facts["key"] != key:
        raise BadModel(
            f"the model at {path} was fitted on another text, with other fields or by other code than the benchmark "
            "now has; run the row again"
        )
    model = reconstruct(facts).restore(Vocabulary(tuple(facts["events"])), from_bytes(arrays))
    return model, facts["tokenizer"]


def exists(path: Path) -> bool:
    """Whether a model was saved here whole."""
    return _facts(path).is_file() and _arrays(path).is_file()


def intact(path: Path, key: str) -> bool:
    """Whether the model of this job was saved here whole and is still what was saved; damage is said."""
    return kept(_facts(path), lambda _: patiently(lambda: _is_of(path, key))) or False


def _is_of(path: Path, key: str) -> bool:
    """Whether a model is of this job; Damaged where it is, and its arrays are not what was saved."""
    facts = read_json(_facts(path), _REMEDY)
    if facts.get("key") != key:
        return False
    if sha256(_arrays(path)) != facts["arrays"]:
        raise damaged(_arrays(path), _REMEDY)
    return True


def _read(path: Path) -> tuple[dict[str, Any], bytes]:
    """The description and the arrays, which belong together."""
    facts = read_json(_facts(path), _REMEDY)
    if facts.get("schema") != SCHEMA:
        raise BadModel(f"{_facts(path)} is of schema {facts.get('schema')}, this version reads {SCHEMA}; fit it again")
    arrays = _arrays(path).read_bytes()
    if sha256(arrays) != facts["arrays"]:
        raise damaged(_arrays(path), _REMEDY)
    return facts, arrays


def _safetensors(state: State) -> Iterator[Buffer]:
    """A file in the safetensors format, in parts: the library's own writer would copy every array first.

    8 bytes with the length of the header, the header in JSON, then the arrays one after the other, little-endian.
    """
    header: dict[str, Any] = {}
    end = 0
    for name, array in state.items():
        if not isinstance(array, np.ndarray) or array.dtype.str[1:] not in _DTYPES:
            kind = getattr(array, "dtype", type(array).__name__)
            raise BadModel(f"state() has {kind} under {name!r}, and only arrays of numbers can be stored")
        begin, end = end, end + array.nbytes
        header[name] = {"dtype": _DTYPES[array.dtype.str[1:]], "shape": array.shape, "data_offsets": (begin, end)}
    described = json.dumps(header).encode()
    described += b" " * (-len(described) % 8)
    yield len(described).to_bytes(8, "little")
    yield described
    for array in state.values():
        yield np.ascontiguousarray(array, array.dtype.newbyteorder("<")).data.cast("B") if array.size else b""


def _arrays(path: Path) -> Path:
    return path.with_name(path.name + ".safetensors")


def _facts(path: Path) -> Path:
    return path.with_name(path.name + ".json")
