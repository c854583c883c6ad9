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


def save(model: LanguageModel, path: Path) -> int:
    """Write the arrays, then the description with their checksum; the bytes both take on disk.

    path: without a suffix. A model is on disk when its .json is.
    """
    from safetensors.numpy import save as to_bytes

    arrays = to_bytes({name: np.ascontiguousarray(array) for name, array in model.state().items()})
    facts: dict[str, Any] = {
        "schema": SCHEMA,
        **describe(model),
        "sha256": sha256(arrays),
        "events": list(model.vocab_.events),
    }
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
    if sha256(arrays) != facts["sha256"]:
        raise BadModel(f"{_arrays(path)} does not match its checksum: the file is damaged; delete it and run again")
    return reconstruct(facts).restore(Vocabulary(tuple(facts["events"])), from_bytes(arrays))


def exists(path: Path) -> bool:
    """Whether a model was saved here whole."""
    return _facts(path).is_file() and _arrays(path).is_file()


def _arrays(path: Path) -> Path:
    return path.with_name(path.name + ".safetensors")


def _facts(path: Path) -> Path:
    return path.with_name(path.name + ".json")
