"""Fitted models on disk: <stem>.safetensors with the arrays, <stem>.json with kind, fields, vocabulary, checksum."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from lmbench.errors import BadModel
from lmbench.model import LanguageModel
from lmbench.models import describe, reconstruct
from lmbench.storage import atomic_write, sha256
from lmbench.text.vocabulary import Vocabulary

SCHEMA = 1


def save(model: LanguageModel, path: Path, key: str = "") -> int:
    """Write the arrays, then the description with their checksum; the bytes both take on disk.

    path: without a suffix. A model is on disk when its .json is.
    key:  of the job it was fitted for, so that a result is never paired with another run's model
    """
    from safetensors.numpy import save as to_bytes

    arrays = to_bytes({name: np.ascontiguousarray(array) for name, array in model.state().items()})
    facts: dict[str, Any] = {
        "schema": SCHEMA,
        **describe(model),
        "key": key,
        "events": list(model.vocab_.events),
    }
    facts["sha256"] = _seal(facts, arrays)
    description = json.dumps(facts, ensure_ascii=False) + "\n"
    atomic_write(_arrays(path), arrays)
    atomic_write(_facts(path), description)
    return len(arrays) + len(description.encode())


def load(path: Path) -> LanguageModel:
    """The model saved at path, its arrays checked against their checksum."""
    from safetensors.numpy import load as from_bytes

    try:
        facts = json.loads(_facts(path).read_text("utf-8"))
        arrays = _arrays(path).read_bytes()
    except (OSError, ValueError) as error:
        raise BadModel(f"no fitted model at {path} ({error}); run the benchmark to fit it") from error
    if facts.get("schema") != SCHEMA:
        raise BadModel(f"{_facts(path)} is of schema {facts.get('schema')}, this version reads {SCHEMA}; fit it again")
    if _seal(facts, arrays) != facts.get("sha256"):
        raise BadModel(f"{path} does not match its checksum: one of its files is damaged; delete them and run again")
    return reconstruct(facts).restore(Vocabulary(tuple(facts["events"])), from_bytes(arrays))


def exists(path: Path) -> bool:
    """Whether a model was saved here whole."""
    return _facts(path).is_file() and _arrays(path).is_file()


def intact(path: Path, key: str) -> bool:
    """Whether the model of this job was saved here whole and is still what was saved."""
    try:
        facts = json.loads(_facts(path).read_text("utf-8"))
        return bool(facts["key"] == key and facts["sha256"] == _seal(facts, _arrays(path).read_bytes()))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _seal(facts: dict[str, Any], arrays: bytes) -> str:
    """The checksum of a model: of its description and of its arrays."""
    described = {name: value for name, value in facts.items() if name != "sha256"}
    return sha256(json.dumps(described, ensure_ascii=False, sort_keys=True).encode() + arrays)


def _arrays(path: Path) -> Path:
    return path.with_name(path.name + ".safetensors")


def _facts(path: Path) -> Path:
    return path.with_name(path.name + ".json")
