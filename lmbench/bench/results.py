"""Facts: what a run leaves behind, and all a report is made from.

A benchmark's folder holds facts/benchmark.json (what was compared, on what text) and, for every row and
seed, facts/<row>.seed<k>.json with facts/<row>.seed<k>.npz beside it; facts/sentences.npz is about the sentences
of test. Reports are functions of these files: writing one trains nothing.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lmbench.errors import BadModel
from lmbench.storage import (
    AGAIN,
    atomic_write,
    damaged,
    kept,
    patiently,
    read_json,
    read_sealed,
    sha256,
    write_json,
)

SCHEMA = 2


@dataclass(frozen=True, kw_only=True)
class Result:
    """One row of one benchmark under one seed.

    row, kind, family, config: its name, its class, its group, every field of it
    without:     the group of words that it was trained without, from 1; 0: what every row is trained on
    seed:        the seed it was fitted with; None for a model without randomness
    track:       'static' or 'adaptive'
    normalised:  False for a model that is not a distribution, which has no perplexity
    error:       the one-line reason where the row failed; it then has no metrics
    n_params:    stored numbers
    metrics:     name -> number (nats nowhere: perplexities, bits, shares, counts); +inf is a value, NaN never
    costs:       model_bytes; fit_seconds, fit_cpu_seconds (of the processor), score_seconds,
                 score_tokens_per_second, latency_ms, latency_95_ms (of one sentence: median, 95th percentile),
                 peak_mb (above the start) vary from run to run
    notes:       what a reader of the row must know
    sources:     what it has learnt from beside train
    neighbours:  space of word vectors -> word of the story -> [nearest word, cosine], nearest first
    environment: versions and machine
    key:         sha256 of all that decides the numbers but the seed; a row whose key is unchanged is not fitted again
    deciding:    what the key is the sha256 of: see lmbench.bench.keys
    command:     as it was typed, of the run that fitted it
    arrays:      in the .npz: row_log_probs (S,) nats of each test row (each segment of a stream), and what probes need;
                 word_* what the words of [unseen] were given: see measures.unseen_word.Answers;
                 curve (epochs, 2): seconds of training and perplexity of valid at the end of each epoch
    """

    benchmark: str
    row: str
    kind: str
    family: str
    config: dict[str, Any]
    key: str
    seed: int | None = None
    without: int = 0
    track: str = "static"
    normalised: bool = True
    error: str | None = None
    n_params: int = 0
    metrics: dict[str, float] = field(default_factory=dict)
    costs: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    neighbours: dict[str, dict[str, list[tuple[str, float]]]] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    deciding: dict[str, Any] = field(default_factory=dict)
    command: str = ""
    schema: int = SCHEMA
    arrays: dict[str, npt.NDArray[Any]] = field(default_factory=dict, repr=False)

    def save(self, folder: Path) -> None:
        """Write <stem>.npz and <stem>.json."""
        save_pair(folder / file_stem(self.row, self.seed, self.without), asdict_without_arrays(self), self.arrays)


def asdict_without_arrays(result: Result) -> dict[str, Any]:
    """Everything of a result that JSON can hold."""
    facts = asdict(result)
    del facts["arrays"]
    return facts


def file_stem(row: str, seed: int | None, without: int = 0) -> str:
    """The file name of a row's facts: letters, digits and -+._ are kept, anything else is written as %XX."""
    safe = re.sub(r"[^\w.+-]", lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode()), row)
    safe += f".without{without}" if without else ""
    return f"{safe}.seed{seed}" if seed is not None else safe


def save_pair(stem: Path, facts: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write <stem>.npz, then <stem>.json with the checksum of the first: a fact is whole or absent."""
    packed = pack(arrays)
    atomic_write(stem.with_name(stem.name + ".npz"), packed)
    write_json(stem.with_name(stem.name + ".json"), dumps({**facts, "npz_sha256": sha256(packed)}))


def load_pair(path: Path, remedy: str = AGAIN) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """What save_pair() wrote at <stem>.json, of this schema, its arrays checked against their checksum."""
    facts, packed = patiently(lambda: _read_pair(path, remedy))
    with np.load(io.BytesIO(packed), allow_pickle=False) as arrays:
        return facts, dict(arrays)


def _read_pair(path: Path, remedy: str) -> tuple[dict[str, Any], bytes]:
    facts = read_json(path, remedy)
    packed = path.with_suffix(".npz").read_bytes()
    checksum = facts.pop("npz_sha256")
    if facts["schema"] != SCHEMA:
        raise BadModel(
            f"{path} was written in schema {facts['schema']}, this version reads {SCHEMA}; "
            "delete the file and run the benchmark again"
        )
    if sha256(packed) != checksum:
        raise damaged(path.with_suffix(".npz"), remedy)
    return facts, packed


def pack(arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """The bytes of an .npz, the same for the same arrays."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **dict(arrays))  # type: ignore[arg-type]
    return buffer.getvalue()


def dumps(facts: Mapping[str, Any]) -> str:
    """JSON as it is stored: readable, keys in order given, Hangul as Hangul, infinities as strings."""
    return json.dumps(_plain(facts), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def remembered(
    cache: Path, what: str, deciding: Mapping[str, Any], make: Callable[[], Mapping[str, Any]]
) -> dict[str, Any]:
    """What make() finds, kept in the folder `cache` under the SHA-256 of all that decides it."""
    path = cache / f"{sha256(json.dumps(deciding, sort_keys=True).encode())}.{what}.json"
    found = kept(path, read_json)
    if found is None:
        write_json(path, dumps(make()))
        found = read_json(path)
    return found


def _plain(value: Any) -> Any:
    """Numbers of numpy as Python's, infinities as 'inf' and '-inf': strict JSON has no spelling for them."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return str(value)
    return value


def _numbers(values: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in values.items()}


def benchmark_facts(folder: Path) -> dict[str, Any]:
    """benchmark.json of a facts folder: what was compared, on what text, and what decides the numbers of each row."""
    path, remedy = folder / "benchmark.json", "run the benchmark again"
    try:
        return read_json(path, remedy)
    except OSError as error:
        raise BadModel(f"{path} cannot be read as a benchmark's facts ({error}); {remedy}") from error


SENTENCES = "sentences.npz"


def load_sentences(folder: Path) -> dict[str, npt.NDArray[Any]]:
    """What a facts folder says of each sentence of test: lmbench.bench.units.sentences."""
    again = "run the benchmark again"

    def read() -> bytes:
        found = read_sealed(folder / SENTENCES, again)
        if sha256(found) != benchmark_facts(folder)["sentences_sha256"]:
            raise damaged(folder / SENTENCES, again, "is not of the run that benchmark.json is of")
        return found

    try:
        packed = patiently(read)
        with np.load(io.BytesIO(packed), allow_pickle=False) as arrays:
            return dict(arrays)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise BadModel(f"{folder / SENTENCES} cannot be read ({error}); {again}") from error


def load_one(path: Path) -> Result:
    """The result stored at <stem>.json, its arrays checked against their checksum."""
    try:
        facts, arrays = load_pair(path)
        facts["metrics"], facts["costs"] = _numbers(facts["metrics"]), _numbers(facts["costs"])
        facts["notes"], facts["sources"] = tuple(facts["notes"]), tuple(facts.get("sources", ()))
        return Result(**facts, arrays=arrays)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadModel(
            f"{path} cannot be read as a result ({error}): the file is damaged; delete it and run again"
        ) from error


def load(folder: Path) -> list[Result]:
    """All results of a facts folder, by file name."""
    return [load_one(path) for path in sorted(folder.glob("*.json")) if path.name != "benchmark.json"]


DIAGNOSIS, GENERATED = "diagnosis", "generated"
"""Folders within facts, of what `diagnose` found and of what rows said: a name with a slash before it is no row's."""


def load_diagnosis(folder: Path) -> dict[str, tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]]:
    """Part of a diagnosis -> its facts and arrays; nothing where a facts folder has none."""
    return _load_pairs(folder / DIAGNOSIS, "a diagnosis", "diagnose")


def load_generated(folder: Path) -> dict[str, dict[str, Any]]:
    """Row (or '%test') -> what was found of the text it said; nothing where a facts folder has none."""
    pairs = _load_pairs(folder / GENERATED, "generated text", "run")
    return {str(facts["row"]): facts for facts, _ in pairs.values()}


def _load_pairs(folder: Path, what: str, again: str) -> dict[str, tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]]:
    found = {}
    for path in sorted(folder.glob("*.json")):
        try:
            found[path.stem] = load_pair(path, f"delete it and {again} again")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BadModel(
                f"{path} cannot be read as {what} ({error}): the file is damaged; delete it and {again} again"
            ) from error
    return found
