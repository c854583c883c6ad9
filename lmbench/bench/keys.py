"""What decides a number: said in each result and in the run's plan, in one SHA-256, and compared in words.

A result and a plan hold `text`, all that rows of a benchmark share (vocabulary, token streams, what they are measured
with), and `row`, all that is a row's own (fields, parts, files, code, libraries). The seed is in neither: one key is of
all seeds of a row.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lmbench import sources
from lmbench.models import family, kinds
from lmbench.storage import sha256
from lmbench.text.sentences import Sentences

if TYPE_CHECKING:
    from lmbench.bench.evaluate import Yardstick
    from lmbench.bench.results import Result
    from lmbench.bench.specs import Row
    from lmbench.text.corpus import Corpus

Deciding = dict[str, Any]
COMPUTING = "lmbench.bench.execute"
"""The module that fits and measures a row: with the row's kind, its import closure is the code behind a number."""


def of_text(corpus: Corpus, yardstick: Yardstick) -> Deciding:
    """What all rows of a benchmark share: two numbers are comparable only where this is the same."""
    own = {"train": corpus.train, "valid": yardstick.valid, "test": yardstick.test}
    sizes = {
        name: {"rows": len(part), "tokens": part.n_tokens, "sha256": sha256(part.content)} for name, part in own.items()
    }
    return {
        "vocabulary": {"events": len(corpus.vocab), "sha256": sha256("\n".join(corpus.vocab.events).encode())},
        **sizes,
        "tokenizer": {"name": corpus.tokenizer, "sha256": sha256(corpus.cutter.state)},
        "unit": corpus.unit,
        "measured with": {
            item.name: digest(getattr(yardstick, item.name)) for item in fields(yardstick) if item.name not in own
        },
    }


def of_rows(
    rows: Iterable[Row],
    files: Mapping[str, Mapping[str, str]],
    *,
    text: Deciding,
    groups: Sequence[str],
    threads: int,
    earlier: Mapping[str, Deciding],
) -> dict[str, Deciding]:
    """What is each row's own, by stem(): of those asked for and of those that were asked for by an earlier run.

    rows:    of the benchmark; components stand before the mixtures that name them
    files:   row asked for -> field -> SHA-256 of the file that it names
    groups:  the fingerprints of what rows are trained on without each group of words
    threads: of the arithmetic of rows asked for, since sums of as many parts are rounded otherwise
    earlier: what the last plan had. Of rows that are not asked for, what it says of files and threads is taken as it
             is, since the files may not be at hand
    """
    known = {name.partition(".without")[0] for name in earlier} | files.keys()
    listed = [row for row in rows if row.name in known]
    code = {kind: of_code(kind) for kind in {row.kind for row in listed}}
    found: dict[str, Deciding] = {}
    for number, group in enumerate((None, *groups)):
        for row in listed:
            own = stem(row.name, number)
            if number and family(row.kind) == "reference":
                continue
            if row.name in files:
                given = {"files": dict(files[row.name]), "threads": threads}
            elif own in earlier:
                given = {name: earlier[own].get(name) for name in ("files", "threads")}
            else:
                continue
            parts = {part: found.get(stem(part, number), found.get(part)) for part in (*row.components, *row.tries)}
            if None in parts.values():
                continue
            found[own] = {
                "kind": row.kind,
                "fields": row.settings,
                "train_lines": row.train_lines,
                "trial": row.trial is not None,
                "group": group,
                "parts": {name: key_of(text, part) for name, part in parts.items() if part is not None},
                **given,
                **code[row.kind],
            }
    return found


def of_code(kind: str) -> Deciding:
    """What fits and measures a row of this kind: the SHA-256 of the source, and the versions of the libraries."""
    modules = (COMPUTING, kinds()[kind].module)
    return {"code": sources.code(*modules), "libraries": sources.libraries(*modules)}


def planned_key(planned: Mapping[str, Any], row: str, without: int = 0) -> str | None:
    """The key that a result of this row has by a plan; None where the plan does not know it."""
    own = planned["rows"].get(stem(row, without))
    return None if own is None else key_of(planned["text"], own)


def key_of(text: Deciding, row: Deciding) -> str:
    """The SHA-256 of both, the same before they are stored as JSON and after."""
    return sha256(json.dumps({"text": text, "row": row}, sort_keys=True, ensure_ascii=False).encode())


def digest(value: object) -> str:
    """SHA-256 of a value of arrays, sentences, dataclasses, tuples, mappings, texts and numbers: all of it."""
    found = hashlib.sha256()
    for part in _bytes(value):
        found.update(len(part).to_bytes(8, "little"))
        found.update(part)
    return found.hexdigest()


def _bytes(value: object) -> Iterator[bytes]:
    if isinstance(value, np.ndarray):
        yield f"{value.dtype.str} {value.shape}".encode()
        yield np.ascontiguousarray(value).tobytes()
    elif isinstance(value, Sentences):
        yield value.content
    elif is_dataclass(value) and not isinstance(value, type):
        for item in fields(value):
            yield item.name.encode()
            yield from _bytes(getattr(value, item.name))
    elif isinstance(value, Mapping):
        for name in sorted(value, key=str):
            yield str(name).encode()
            yield from _bytes(value[name])
    elif isinstance(value, (tuple, list)):
        yield str(len(value)).encode()
        for item in value:
            yield from _bytes(item)
    else:
        yield repr(value).encode()


def sorted_out(
    planned: Mapping[str, Any], results: Iterable[Result]
) -> tuple[list[Result], list[tuple[Result, tuple[str, ...]]]]:
    """Results whose key is the plan's, and those of another key, each with what differs.

    planned: facts["deciding"] of benchmark.json
    """
    current, stale = [], []
    for result in results:
        row = planned["rows"].get(stem(result.row, result.without))
        if planned_key(planned, result.row, result.without) == result.key:
            current.append(result)
        else:
            stale.append((result, differences(result.deciding, {"text": planned["text"], "row": row})))
    return current, stale


def stem(row: str, without: int) -> str:
    """The name under which a plan has a row, trained without this group of words or (0) on all that rows share."""
    return f"{row}.without{without}" if without else row


def differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, ...]:
    """What decided a stored number and what would decide it now, in words: 'vocabulary 1,922 against 368'."""
    if not then or now.get("row") is None:
        return ("it is not known what decided it",)
    found = [*_of_texts(then["text"], now["text"]), *_of_rows(then["row"], now["row"])]
    return tuple(found) or ("the row or one of its parts",)


def _of_texts(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Under another vocabulary or tokenizer every id is another, so only sizes are compared then."""
    same_ids = all(then.get(name) == now.get(name) for name in ("vocabulary", "tokenizer"))
    for name, size, what in (
        ("vocabulary", "events", "vocabulary"),
        ("train", "tokens", "tokens of train"),
        ("valid", "tokens", "tokens of valid"),
        ("test", "tokens", "tokens of test"),
    ):
        one, other = then.get(name, {}), now.get(name, {})
        if one.get(size) != other.get(size):
            yield f"{what} {_said(one.get(size))} against {_said(other.get(size))}"
        elif one != other and (same_ids or name == "vocabulary"):
            yield f"other {what}, equally many"
    for name in ("tokenizer", "unit"):
        if then.get(name) != now.get(name):
            one, other = (_named(part.get(name)) for part in (then, now))
            yield f"{name} {one} against {other}" if one != other else f"what the {name} has learnt"
    one, other = then.get("measured with", {}), now.get("measured with", {})
    if same_ids and (changed := [name for name in sorted({*one, *other}) if one.get(name) != other.get(name)]):
        yield f"what rows are measured with ({', '.join(changed)})"


def _of_rows(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in ("kind", "train_lines", "trial", "threads"):
        if then.get(name) != now.get(name):
            yield f"{name} {_said(then.get(name))} against {_said(now.get(name))}"
    for what in ("fields", "libraries"):
        one, other = then.get(what, {}), now.get(what, {})
        for name in sorted({*one, *other}):
            if one.get(name) != other.get(name):
                yield f"{name} {_said(one.get(name))} against {_said(other.get(name))}"
    for name, said in (("files", "file that {} names"), ("parts", "part {}")):
        one, other = then.get(name, {}), now.get(name, {})
        yield from (said.format(part) for part in sorted({*one, *other}) if one.get(part) != other.get(part))
    if then.get("group") != now.get("group"):
        yield "the words that it is trained without"
    if then.get("code") != now.get("code"):
        yield "code of lmbench or of the kind"


def _said(value: object) -> str:
    if value is None:
        return "none"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _named(value: object) -> str:
    return str(value.get("name")) if isinstance(value, Mapping) else _said(value)


def listed(what: Sequence[str], at_most: int = 4) -> str:
    """The first of several differences, and how many more there are."""
    more = len(what) - at_most
    return "; ".join(what[:at_most]) + (f"; and {more} more" if more > 0 else "")
