"""Probes as a file that can be shared: JSON lines, of which docs/coverage.md describes every field.

The first line is a header: the format and its version, the fingerprint of the token stream that the probes are unseen
in, and the SHA-256 of all else in the file. Each other line is one probe: {"probe": {...}} or {"crossed": {...}}.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from lmbench.errors import BadText
from lmbench.storage import atomic_write, sha256
from lmbench.text.probes import Crossed, Probe, Probes

FORMAT, VERSION = "lmbench probes", 2
BODY_ALONE = 1
"""The version whose checksum leaves the header out."""
KINDS: dict[str, type] = {"probe": Probe, "crossed": Crossed}


@dataclass(frozen=True)
class ProbesFile:
    """probes:      those of the file, without story, headline and substitutions
    fingerprint: of the token stream they were made for
    about:       how they were made and what was found (tokenizer, settings, counts)
    """

    probes: Probes
    fingerprint: str
    about: dict[str, Any] = field(default_factory=dict)


def fingerprint(train: Sequence[Sequence[str]]) -> str:
    """sha256 of a token stream: its rows, tokens between spaces, each ended by a line end."""
    digest = hashlib.sha256()
    for row in train:
        digest.update((" ".join(row) + "\n").encode())
    return digest.hexdigest()


def write(path: Path, made: ProbesFile) -> None:
    """The file, all of it or nothing."""
    items = [("probe", probe) for probe in made.probes.probes] + [("crossed", item) for item in made.probes.crossed]
    body = "".join(_line({kind: _spare(asdict(item))}) for kind, item in items)
    head = {"format": FORMAT, "version": VERSION, "fingerprint": made.fingerprint, "about": made.about}
    atomic_write(path, _line({**head, "sha256": sha256((_line(head) + body).encode())}) + body)


def read(path: Path) -> ProbesFile:
    """What write() wrote; a BadText that names the line for anything else."""
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise BadText(f"no file of probes {path}; check the path, or mine one (python -m lmbench probes)") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadText(f"{path} cannot be read as probes ({error}); give a file that `lmbench probes` wrote") from None
    first, _, body = text.partition("\n")
    head = _object(first, path, 1)
    if head.get("format") != FORMAT or not isinstance(head.get("fingerprint"), str):
        raise BadText(f"{path}, line 1: not the header of a file of probes; give a file that `lmbench probes` wrote")
    if head.get("version") not in (BODY_ALONE, VERSION):
        raise BadText(
            f"{path}, line 1: version {head.get('version')!r}, this program reads {VERSION}; mine the probes again"
        )
    items: dict[str, list[Any]] = {kind: [] for kind in KINDS}
    for number, line in enumerate(body.removesuffix("\n").split("\n") if body else [], start=2):
        kind, item = _item(_object(line, path, number), path, number)
        items[kind].append(item)
    checksum = head.pop("sha256", None)
    if checksum != sha256((("" if head["version"] == BODY_ALONE else _line(head)) + body).encode()):
        raise BadText(
            f"{path}, line 1: its sha256 is not that of the file: probes were changed, lost or added by hand, or the "
            "file is damaged; mine them again, or take the file from where it came"
        )
    about = head.get("about", {})
    probes = Probes(tuple(items["probe"]), tuple(items["crossed"]))
    return ProbesFile(probes, head["fingerprint"], about if isinstance(about, dict) else {})


def of_part(probes: Probes, known: Collection[str]) -> Probes:
    """Those all words of which are known to a part of the text they were made for, which lacks their pairs too."""
    return Probes(
        tuple(p for p in probes.probes if {*p.context, *p.phrase, p.distractor or p.target} <= set(known)),
        tuple(c for c in probes.crossed if {*c.left, *c.between, c.a1, c.b1, c.a2, c.b2} <= set(known)),
    )


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"


def _spare(item: dict[str, Any]) -> dict[str, Any]:
    """Without what is not known: a field that is left out is None."""
    return {name: value for name, value in item.items() if value is not None}


def _object(line: str, path: Path, number: int) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except json.JSONDecodeError as error:
        raise BadText(f"{path}, line {number}: not JSON ({error.msg}); a line holds one probe") from None
    if not isinstance(value, dict):
        raise BadText(f"{path}, line {number}: not a JSON object; a line holds one probe")
    return value


def _item(value: dict[str, Any], path: Path, number: int) -> tuple[str, Any]:
    """The one probe of a line, every field of its type."""
    kind, item = next(iter(value.items()), ("nothing", None))
    if len(value) != 1 or kind not in KINDS or not isinstance(item, dict):
        raise BadText(f"{path}, line {number}: {kind!r} is no kind of probe; a line holds one of {', '.join(KINDS)}")
    known = {field.name: field for field in fields(KINDS[kind])}
    for name, given in item.items():
        if name not in known:
            raise BadText(f"{path}, line {number}: a {kind} has no field {name!r}; known are {', '.join(known)}")
        if not _FITS[str(known[name].type).removesuffix(" | None")](given):
            wanted = known[name].type
            raise BadText(f"{path}, line {number}: {name} = {given!r} is no {wanted}; take the file from its source")
    for name, asked in known.items():
        if name not in item and asked.default is MISSING:
            raise BadText(f"{path}, line {number}: the {kind} has no {name}; take the file from its source")
    return kind, KINDS[kind](**{name: tuple(v) if isinstance(v, list) else v for name, v in item.items()})


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _words(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(word, str) for word in value)


_FITS: dict[str, Callable[[object], bool]] = {
    "str": lambda value: isinstance(value, str),
    "bool": lambda value: isinstance(value, bool),
    "int": _whole,
    "float": lambda value: isinstance(value, float) or _whole(value),
    "tuple[str, ...]": _words,
    "tuple[str, str]": lambda value: _words(value) and len(value) == 2,  # type: ignore[arg-type]
}
"""Annotation of a field -> whether a value from JSON is one."""
