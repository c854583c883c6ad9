"""The probes of a benchmark on files: mined from a reserve, or read from a file; and those written by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lmbench import sources
from lmbench.bench import toml_file
from lmbench.errors import BadConfig, BadText
from lmbench.fields import Checked, Count, File, Whole
from lmbench.storage import kept, sha256
from lmbench.text import probes_file
from lmbench.text.corpus import Corpus
from lmbench.text.documents import read_documents
from lmbench.text.files import normalise, opened, read_lines
from lmbench.text.mining import Mining, mine
from lmbench.text.probes import Probe, Probes, check, occurrences
from lmbench.text.probes_file import ProbesFile
from lmbench.text.removal import Removal, removed
from lmbench.text.token_cache import tokenize
from lmbench.text.tokenizers import TOKENIZERS

OVERLAP = 0.01
"""The share of the reserve's lines that may be lines of a split by chance; they are left out of it."""


@dataclass(frozen=True, kw_only=True)
class MineSpec(Mining):
    """The [probes.mine] table: what counts as a probe, and where the reserve is.

    reserve:      a text no model sees, one sentence a line; it may be the file that train is the beginning of
    skip, lines:  so many of its lines are left out at the beginning, and so many taken (all, if left out)
    document_ids: a file with the number of the document of each line of the reserve's file; without it a line is one
    """

    reserve: str = ""
    skip: Whole = 0
    lines: Count | None = None
    document_ids: File | None = None


@dataclass(frozen=True, kw_only=True)
class RemoveSpec(Removal, Mining):
    """The [probes.remove] table: which pairs are taken out of train, and what counts as a probe of what went."""


@dataclass(frozen=True, kw_only=True)
class ProbesSpec(Checked):
    """The [probes] table: one of mine, remove and file, or none.

    mine:          settings of the search for probes in a reserve
    remove:        settings of pairs that are taken out of train, and then asked for
    file:          of probes, instead: JSON lines as `lmbench probes` writes them
    part:          train is a part of the text the file was made for: probes with words it lacks are left out
    substitutions: a TOML file of probes written by hand, shown and never averaged
    show:          examples in the report; with 0 no word of a probe is in facts or report, numbers alone
    """

    mine: MineSpec | None = None
    remove: RemoveSpec | None = None
    file: File | None = None
    part: bool = False
    substitutions: File | None = None
    show: Whole = 30


def mined(spec: MineSpec, corpus: Corpus, find: Callable[[str], Path], cache: Path) -> ProbesFile:
    """The probes of this corpus; the search is done once and kept in the folder `cache`."""
    settings = _settings(spec)
    path = find(spec.reserve)
    train = probes_file.fingerprint(corpus.train_tokens)
    deciding = {
        "spec": asdict(spec),
        "train": train,
        "events": sha256("\n".join(corpus.vocab.events).encode()),
        "splits": [sha256("\n".join(corpus.lines[split]).encode()) for split in sorted(corpus.lines)],
        "files": [content(p) for p in (path, *([find(spec.document_ids)] if spec.document_ids else []))],
        "tokenizer": [corpus.tokenizer, TOKENIZERS[corpus.tokenizer].version()],
        "code": sources.code(__name__),
        "libraries": sources.libraries(__name__),
    }
    place = cache / f"{sha256(json.dumps(deciding, sort_keys=True).encode())}.probes.jsonl"
    if place.is_file() and (known := kept(place, probes_file.read)) is not None:
        return known
    lines, documents, shared = _reserve(spec, corpus, path, find)
    tokens = tokenize(TOKENIZERS[corpus.tokenizer], lines, cache)
    if shared:  # after the cut, so that the tokens kept are those of the whole reserve
        wanted = [number for number, line in enumerate(lines) if line not in shared]
        tokens, documents = [tokens[i] for i in wanted], [documents[i] for i in wanted]
    found = mine(
        corpus.train_tokens,
        tokens,
        documents,
        settings,
        known=corpus.vocab.ids.keys(),
        tokenizer=corpus.tokenizer,
        lines=corpus.lines["train"],
    )
    probes = Probes(found.probes, found.crossed)
    check(probes, corpus.train_tokens)
    reserve = {"lines": len(tokens), "documents": len(set(documents)), "shared": len(lines) - len(tokens)}
    about = {"tokenizer": corpus.tokenizer, "settings": asdict(spec), "reserve": reserve, "found": found.found}
    made = ProbesFile(probes, train, about)
    probes_file.write(place, made)
    return made


def _settings(spec: Mining) -> Mining:
    return Mining(**{item.name: getattr(spec, item.name) for item in fields(Mining)})


def thinned(
    spec: RemoveSpec, corpus: Corpus, load: Callable[[npt.NDArray[np.int64]], Corpus]
) -> tuple[Corpus, Probes, dict[str, Any]]:
    """The corpus without the sentences that go, its probes, and how they were found. load: rows of train -> corpus."""
    rows, found = removed(
        corpus.train_tokens,
        Removal(**{item.name: getattr(spec, item.name) for item in fields(Removal)}),
        _settings(spec),
        known=corpus.vocab.ids.keys(),
        tokenizer=corpus.tokenizer,
        lines=corpus.lines["train"],
    )
    left = load(rows)
    probes = probes_file.of_part(Probes(found.probes, found.crossed), left.vocab.ids.keys())
    check(probes, left.train_tokens)
    went = len(corpus.train_tokens) - len(rows)
    about = {"settings": asdict(spec), "reserve": {"lines": went, "documents": went}, "found": found.found}
    return left, probes, about


def _reserve(
    spec: MineSpec, corpus: Corpus, path: Path, find: Callable[[str], Path]
) -> tuple[list[str], list[int], set[str]]:
    """Lines of the reserve, the document of each, and the lines that a split has too; BadText where those are many."""
    read = read_lines(path)
    stop = None if spec.lines is None else spec.skip + spec.lines
    lines = read.lines[spec.skip : stop]
    if not lines:
        raise BadText(f"{path} has {len(read.lines):,} lines and skip = {spec.skip:,} leaves none of them; lower it")
    shared: set[str] = set()
    own = set(lines)
    for split, part in corpus.lines.items():
        also = own.intersection(part)
        if len(also) > OVERLAP * len(lines):
            raise BadText(
                f"the reserve {path} shares {len(also):,} of its lines with {split} ({next(iter(sorted(also)))!r}, "
                "say): what a model has read, or is tested on, cannot vouch for what it never saw; skip the lines "
                f"that are {split}'s ([probes.mine] skip = ...), or name another text"
            )
        shared |= also
    documents = list(range(len(lines)))
    if spec.document_ids is not None:
        documents = read_documents(find(spec.document_ids), read, path).tolist()[spec.skip : stop]
    return lines, documents, shared


def content(path: Path) -> str:
    """sha256 of a file that a benchmark names; a BadText that helps where there is none."""
    with opened(path):
        return sha256(path)


def probes_of(
    spec: ProbesSpec, corpus: Corpus, find: Callable[[str], Path], cache: Path
) -> tuple[Probes, dict[str, Any]]:
    """The probes a benchmark names, held against its train, and facts["mining"]: how they were made."""
    probes: Probes = Probes()
    facts: dict[str, Any] = {}
    if spec.mine is not None:
        made = mined(spec.mine, corpus, find, cache)
        probes, facts = made.probes, made.about
    elif spec.file is not None:
        made = probes_file.read(find(spec.file))
        probes, facts = made.probes, made.about
        if spec.part:
            probes = probes_file.of_part(probes, corpus.vocab.ids.keys())
        elif made.fingerprint != probes_file.fingerprint(corpus.train_tokens):
            raise BadText(
                f"the probes of {spec.file} were made for another token stream than this train: pairs that are unseen "
                "there may be seen here; mine them anew, or say part = true if train is a part of that text"
            )
        check(probes, corpus.train_tokens)
    return probes, {"mining": {**facts, "part": spec.part, "show": spec.show}}


def cut_down(spec: ProbesSpec, train_lines: int) -> ProbesSpec:
    """The --quick form: a reserve five times train, and words a tenth as frequent; a file serves for a part."""
    if spec.remove is not None:
        fewer = replace(spec.remove, pairs=5, rarest=3, min_count=4, attested=2, documents=2)
        return replace(spec, remove=fewer)
    if spec.mine is None:
        return replace(spec, part=spec.file is not None)
    few = max(spec.mine.min_count // 10, 2)
    lines = min(5 * train_lines, spec.mine.lines or 5 * train_lines)
    return replace(spec, mine=replace(spec.mine, lines=lines, min_count=few, attested=2, documents=2))


def by_hand(path: Path, corpus: Corpus) -> list[Probe]:
    """The probes of a TOML file: [[probe]] tables with `context` and `phrase`, in the units of the corpus."""
    table = toml_file.read(path)
    items = table.get("probe")
    if not isinstance(items, list) or not all(_is_pair(item) for item in items) or len(table) != 1:
        raise BadConfig(f"{path}: not a list of [[probe]] tables with context = '...' and phrase = '...' each")
    return [_by_hand(normalise(item["context"]), normalise(item["phrase"]), corpus) for item in items]


def _is_pair(item: object) -> bool:
    return (
        isinstance(item, Mapping)
        and set(item) == {"context", "phrase"}
        and all(isinstance(text, str) and text.strip() for text in item.values())
    )


def _by_hand(context: str, phrase: str, corpus: Corpus) -> Probe:
    """The line is cut whole, as it would be in a text, and parted where the phrase begins."""
    cutter = TOKENIZERS[corpus.tokenizer]
    (words,) = cutter.tokenize([f"{context} {phrase}"])
    cut = next(i for i in range(1, len(words)) if len(cutter.join(words[:i])) >= len(context))
    before, after = tuple(words[:cut]), tuple(words[cut:])
    pair = before[-1], after[0]
    held = not occurrences(corpus.train_tokens, [pair])[pair]
    return Probe(before, after[0], after, (context, phrase), held=held, stratum="substitution")
