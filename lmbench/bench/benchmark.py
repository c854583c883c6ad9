"""A benchmark is data: a TOML file that names one corpus and many rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, get_type_hints

from lmbench.bench import toml_file
from lmbench.bench.blanks import BlanksSpec
from lmbench.bench.probes import MineSpec, ProbesSpec, RemoveSpec
from lmbench.bench.probes import cut_down as cut_down_probes
from lmbench.errors import BadConfig, choose, suggestion
from lmbench.measures.published import Published
from lmbench.models import family, fits, spelled

ALL = "all"
QUICK = "-quick"
FOLDER = re.compile(r"[\w+-][\w.+-]*")
"""What the name of a report's folder looks like."""
_PACKAGED = Path(__file__).parent.parent / "benchmarks"
_CHECKOUT = Path(__file__).parent.parent.parent / "benchmarks"


@dataclass(frozen=True, kw_only=True)
class CorpusSpec:
    """The [corpus] table: its keys are these fields.

    builtin:      a corpus that comes with lmbench ('hungry'), instead of files
    train:        one sentence a line; .gz and .xz are read as they are. valid and test, where not given, are split off
    test_documents: a file of one id a line, the document of each line of test: differences are then resampled
                  by document
    tokenizer:    whitespace, words, syllables, kiwi
    min_count:    words of train seen less often are <unk>
    vocab_size:   events at most, <unk> and </s> among them
    unit:         'sentence': each line is a row; 'stream': each split is one long row
    *_lines:      only so many lines from the beginning of a file
    seed:         of the built-in corpus' sample, or of the split of one file
    extra_words:  events though train lacks them: a list, or the words that embedding_text has so many times or more
    embedding_text: a text that is not train, a file or 'hungry', for extra_words; rows name their own
    """

    builtin: str | None = None
    train: str | None = None
    valid: str | None = None
    test: str | None = None
    test_documents: str | None = None
    tokenizer: str = "whitespace"
    min_count: int = 1
    vocab_size: int | None = None
    unit: str = "sentence"
    train_lines: int | None = None
    valid_lines: int | None = None
    test_lines: int | None = None
    seed: int = 0
    extra_words: tuple[str, ...] | int | None = None
    embedding_text: str | None = None


@dataclass(frozen=True, kw_only=True)
class SparsitySpec:
    """The [sparsity] table: into which other units the same text is cut, to see how much of it is then never seen."""

    tokenizers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Quick:
    """The [quick] table: what --quick cuts down, to see in seconds that everything works."""

    train_lines: int = 4000
    valid_lines: int = 500
    test_lines: int = 1000
    epochs: int = 4


@dataclass(frozen=True)
class Row:
    """A configured model: its name, its kind, its fields, the rows it mixes."""

    name: str
    kind: str
    settings: dict[str, Any]
    components: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """One corpus, many rows.

    folder:  where the file is, against which its paths are read
    compare: benchmarks on the same text in other units, which the report compares it with in bits per character
    published: row -> figures of others, which the report shows beside it and `verify` holds it to
    """

    name: str
    title: str
    description: str
    corpus: CorpusSpec
    rows: tuple[Row, ...]
    folder: Path
    story: tuple[str, ...] = ()
    compare: tuple[str, ...] = ()
    published: Mapping[str, Published] = field(default_factory=dict)
    sparsity: SparsitySpec = field(default_factory=SparsitySpec)
    quick: Quick = field(default_factory=Quick)
    blanks: BlanksSpec | None = None
    probes: ProbesSpec | None = None

    def row(self, name: str) -> Row:
        """The row of this name."""
        return choose({row.name: row for row in self.rows}, name, "row")

    def families(self) -> dict[str, list[Row]]:
        """Family -> its rows, in file order."""
        groups: dict[str, list[Row]] = {}
        for row in self.rows:
            groups.setdefault(family(row.kind), []).append(row)
        return groups

    def with_figures(self) -> list[str]:
        """The rows that are held to figures, and those they must stay below."""
        held = {row: figure for row, figure in self.published.items() if figure.enforced}
        named = [[row, *([figure.below] if figure.below else [])] for row, figure in held.items()]
        return list(dict.fromkeys(name for names in named for name in names))

    def select(self, names: Iterable[str]) -> list[Row]:
        """The rows that names stand for (rows, families, 'all') and the components they need, in file order."""
        families = self.families()
        options: dict[str, list[Row]] = {row.name: [row] for row in self.rows} | families | {ALL: list(self.rows)}
        wanted: set[str] = set()
        for name in names:
            wanted.update(row.name for row in choose(options, name, f"row or family of {self.name}"))
        for row in reversed(self.rows):  # components stand before the mixtures that name them
            if row.name in wanted:
                wanted.update(row.components)
        return [row for row in self.rows if row.name in wanted]


def builtin() -> dict[str, Path]:
    """Name -> file of the benchmarks that come with lmbench."""
    folder = _PACKAGED if _PACKAGED.is_dir() else _CHECKOUT
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def load(name: str) -> Benchmark:
    """The benchmark of this name, or in this file where the name ends in .toml."""
    path = Path(name) if name.endswith(".toml") else choose(builtin(), name, "benchmark")
    return parse(toml_file.read(path), path.stem, path.parent, str(path))


def parse(table: Mapping[str, Any], name: str, folder: Path, where: str) -> Benchmark:
    """A benchmark from its TOML table; every key is checked, every error names the file."""
    known = dict.fromkeys(
        ("title", "description", "corpus", "rows", "story", "compare", "published", "sparsity", "quick", "blanks",
         "probes")
    )  # fmt: skip
    for key in table:
        if key not in known:
            raise BadConfig(f"{where}: unknown key {key!r}{suggestion(known, key)}")
    rows = table.get("rows")
    if not isinstance(rows, dict) or not rows:
        raise BadConfig(f"{where} has no rows; add one, such as [rows.mkn-3] with kind = 'ngram'")
    if "corpus" not in table:
        raise BadConfig(f"{where} has no [corpus]; add one with builtin = 'hungry' or train = 'my.txt'")
    corpus = CorpusSpec(**_checked(table["corpus"], CorpusSpec, f"{where}: [corpus]"))
    if (corpus.builtin is None) == (corpus.train is None):
        raise BadConfig(f"{where}: [corpus] needs either builtin or train, one of the two")
    if corpus.test_documents is not None and corpus.test is None:
        raise BadConfig(f"{where}: [corpus] has test_documents and no test they could be of; name the file of test too")
    if isinstance(corpus.extra_words, int) != (corpus.embedding_text is not None):
        raise BadConfig(
            f"{where}: [corpus] has extra_words = {corpus.extra_words!r} and embedding_text = "
            f"{corpus.embedding_text!r}: a number of times goes with a text to count in; give both, or a list of words"
        )
    if corpus.extra_words and table.get("compare"):
        raise BadConfig(f"{where}: a benchmark with extra_words is compared with no other; leave compare out")
    named = _rows(rows, where)
    return Benchmark(
        name=name,
        title=_text(table, "title", name, where),
        description=_text(table, "description", "", where),
        corpus=corpus,
        rows=named,
        folder=folder,
        story=tuple(table.get("story", ())),
        compare=_names(table.get("compare", []), name, f"{where}: compare"),
        published=_published(table.get("published", {}), {row.name: row for row in named}, where),
        sparsity=SparsitySpec(**_checked(table.get("sparsity", {}), SparsitySpec, f"{where}: [sparsity]")),
        quick=Quick(**_checked(table.get("quick", {}), Quick, f"{where}: [quick]")),
        blanks=BlanksSpec(**_checked(table["blanks"], BlanksSpec, f"{where}: [blanks]")) if "blanks" in table else None,
        probes=_probes(table["probes"], corpus, f"{where}: [probes]") if "probes" in table else None,
    )


def cut_down(benchmark: Benchmark) -> Benchmark:
    """The --quick form: less text, fewer epochs, a name of its own so that its numbers never pass for the others."""
    quick = benchmark.quick
    limits = {name: getattr(quick, name) for name in ("train_lines", "valid_lines", "test_lines")}
    return replace(
        benchmark,
        name=f"{benchmark.name}{QUICK}",
        corpus=replace(benchmark.corpus, **limits),
        compare=tuple(f"{name}{QUICK}" for name in benchmark.compare),
        probes=None if benchmark.probes is None else cut_down_probes(benchmark.probes, quick.train_lines),
    )


def _text(table: Mapping[str, Any], key: str, default: str, where: str) -> str:
    value = table.get(key, default)
    if not isinstance(value, str):
        raise BadConfig(f"{where}: {key} = {value!r} is not a text; put it in quotes")
    return value


def _names(value: Any, own: str, where: str) -> tuple[str, ...]:
    """Names of other benchmarks, which are those of their reports' folders."""
    good = isinstance(value, list) and all(isinstance(name, str) and FOLDER.fullmatch(name) for name in value)
    if not good or own in value:
        raise BadConfig(f"{where} = {value!r} is not a list of other benchmarks' names; write such as ['nsmc']")
    return tuple(value)


def _published(tables: Any, rows: Mapping[str, Row], where: str) -> dict[str, Published]:
    """Published figures by row; all rows named are rows of the benchmark."""
    found = {}
    for name, table in tables.items() if isinstance(tables, dict) else [("", tables)]:
        at = f"{where}: [published.{name}]"
        choose(rows, name, f"row for {at}")
        found[name] = Published(**_checked(table, Published, at))
        if found[name].below:
            choose(rows, found[name].below, f"row for below in {at}")
    return found


def _probes(table: Any, corpus: CorpusSpec, where: str) -> ProbesSpec:
    """The [probes] table and the tables mine and remove in it."""
    for name, kind in (("mine", MineSpec), ("remove", RemoveSpec)):
        if isinstance(table, dict) and name in table:
            table = {**table, name: kind(**_checked(table[name], kind, f"{where} {name}"))}
    spec = ProbesSpec(**_checked(table, ProbesSpec, where))
    if corpus.builtin is not None:
        raise BadConfig(f"{where}: the built-in corpus has probes of its own; leave the table out")
    if sum(way is not None for way in (spec.mine, spec.remove, spec.file)) > 1:
        raise BadConfig(f"{where} has more than one of mine, remove and file: probes come from one place; leave one")
    if spec.mine is not None and not spec.mine.reserve:
        raise BadConfig(f"{where} mine has no reserve; name a text that no model of the benchmark reads")
    if spec.part and spec.file is None:
        raise BadConfig(f"{where} has part without file; part says what train is to the text of the file")
    return spec


def _checked(table: object, spec: type, where: str) -> dict[str, Any]:
    """The table's items, each a field of the dataclass spec with a value of its type, lists as tuples."""
    if not isinstance(table, dict):
        raise BadConfig(f"{where} is {table!r}, not a table of keys; write it as [name] and key = value lines")
    hints = get_type_hints(spec)
    allowed = {item.name: hints[item.name] for item in fields(spec)}
    for key, value in table.items():
        if key not in allowed:
            raise BadConfig(f"{where} has no key {key!r}{suggestion(allowed, key)}")
        if not fits(value, allowed[key]):
            raise BadConfig(f"{where}: {key} = {value!r} is not {spelled(allowed[key])}; give it a value of that type")
    return {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}


def _rows(tables: Mapping[str, Any], where: str) -> tuple[Row, ...]:
    """The rows in file order; a mixture may name rows above it."""
    rows: dict[str, Row] = {}
    for name, table in tables.items():
        at = f"{where}: row {name!r}"
        if not re.fullmatch(r"[\w.+-]+", name) or name == ALL:
            raise BadConfig(f"{at}: a row's name is letters, digits and . + - _, and not '{ALL}'; rename it")
        if not isinstance(table, dict) or not isinstance(table.get("kind"), str):
            raise BadConfig(f"{at} has no kind; add one, such as kind = 'ngram'")
        settings = {key: value for key, value in table.items() if key not in ("kind", "components")}
        components = table.get("components", [])
        if not isinstance(components, list):
            raise BadConfig(f"{at}: components = {components!r} is not a list of row names")
        for part in components:
            choose(rows, str(part), f"row above {name!r} for components")
        family(table["kind"])  # an unknown kind is an error here, before anything is read or trained
        rows[name] = Row(name, table["kind"], settings, tuple(components))
    return tuple(rows.values())
