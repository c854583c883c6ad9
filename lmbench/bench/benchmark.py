"""A benchmark is data: a TOML file that names one corpus and many rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from lmbench.bench import toml_file
from lmbench.bench.blanks import BlanksSpec
from lmbench.bench.generate import GeneratedSpec
from lmbench.bench.names import NAME, QUICK, check_benchmark, check_row, check_rows, check_unit
from lmbench.bench.probes import MineSpec, ProbesSpec, RemoveSpec
from lmbench.bench.probes import cut_down as cut_down_probes
from lmbench.bench.specs import CorpusSpec, EqualSpec, Quick, Row, SparsitySpec, UnitSpec
from lmbench.bench.unseen import UnseenSpec
from lmbench.bench.variants import CurveSpec, SearchSpec, at_sizes, with_trials
from lmbench.errors import BadConfig, choose, suggestion
from lmbench.fields import check, fits, shown, spelled
from lmbench.measures.published import Published
from lmbench.models import family

ALL = "all"
QUICK_ROUNDS = 20
_PACKAGED = Path(__file__).parent.parent / "benchmarks"
_CHECKOUT = Path(__file__).parent.parent.parent / "benchmarks"


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """One corpus, many rows.

    folder:  where the file is, against which its paths are read
    file:    as errors name it
    compare: benchmarks on the same text in other units, which the report compares it with in bits per character
    published: row -> figures of others, which the report shows beside it and `verify` holds it to
    units: the same text in several units, each a benchmark of its own, named NAME/UNIT; a report joins them
    """

    name: str
    title: str
    description: str
    corpus: CorpusSpec
    rows: tuple[Row, ...]
    folder: Path
    file: str = ""
    story: tuple[str, ...] = ()
    compare: tuple[str, ...] = ()
    published: Mapping[str, Published] = field(default_factory=dict)
    sparsity: SparsitySpec = field(default_factory=SparsitySpec)
    quick: Quick = field(default_factory=Quick)
    blanks: BlanksSpec | None = None
    generated: GeneratedSpec = field(default_factory=GeneratedSpec)
    unseen: UnseenSpec | None = None
    equal: Mapping[str, EqualSpec] = field(default_factory=dict)
    units: tuple[Benchmark, ...] = ()
    probes: ProbesSpec | None = None

    def row(self, name: str) -> Row:
        """The row of this name."""
        return choose({row.name: row for row in self.rows}, name, "row")

    def files(self, field: str) -> list[str]:
        """What its rows name in this field, each once."""
        return list(dict.fromkeys(str(row.settings[field]) for row in self.rows if row.settings.get(field) is not None))

    def single(self) -> Benchmark:
        """Itself, if it is in one unit: whoever asks about one row must say of which."""
        if self.units:
            raise BadConfig(f"{self.name} is in several units; name one of them, such as {self.units[0].name}")
        return self

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
        """The rows that names stand for (rows, families, 'all') and the rows they need, in file order."""
        families = self.families()
        options: dict[str, list[Row]] = {row.name: [row] for row in self.rows} | families | {ALL: list(self.rows)}
        for row in self.rows:
            if row.train_lines is not None:
                options.setdefault(str(row.of), []).append(row)
        wanted: set[str] = set()
        for name in names:
            wanted.update(row.name for row in choose(options, name, f"row or family of {self.name}"))
        for row in reversed(self.rows):  # components stand before the mixtures that name them
            if row.name in wanted:
                wanted.update((*row.components, *row.tries))
        return [row for row in self.rows if row.name in wanted]


def builtin() -> dict[str, Path]:
    """Name -> file of the benchmarks that come with lmbench."""
    folder = _PACKAGED if _PACKAGED.is_dir() else _CHECKOUT
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def load(name: str) -> Benchmark:
    """The benchmark of this name, NAME/UNIT for one of its units, or in this file where the name ends in .toml."""
    name, _, unit = name.partition("/") if not name.endswith(".toml") else (name, "", "")
    path = Path(name) if name.endswith(".toml") else choose(builtin(), name, "benchmark")
    check_benchmark(path.stem, str(path))
    found = parse(toml_file.read(path), path.stem, path.parent, str(path))
    return choose({one.name: one for one in found.units}, f"{name}/{unit}", "unit") if unit else found


def parse(table: Mapping[str, Any], name: str, folder: Path, where: str) -> Benchmark:
    """A benchmark from its TOML table; every key is checked, every error names the file."""
    named_so = (item.name for item in fields(Benchmark) if item.name not in ("name", "folder", "file"))
    known = dict.fromkeys((*named_so, "curve", "search"))
    for key in table:
        if key not in known:
            raise BadConfig(f"{where}: unknown key {key!r}{suggestion(known, key)}")
    rows = table.get("rows")
    if not isinstance(rows, dict) or not rows:
        raise BadConfig(f"{where} has no rows; add one, such as [rows.mkn-3] with kind = 'ngram'")
    if "corpus" not in table:
        raise BadConfig(f"{where} has no [corpus]; add one with builtin = 'hungry' or train = 'my.txt'")
    corpus = CorpusSpec(**checked(table["corpus"], CorpusSpec, f"{where}: [corpus]"))
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
    generated = GeneratedSpec(**checked(table.get("generated", {}), GeneratedSpec, f"{where}: [generated]"))
    for name_ in generated.rows:
        choose({row.name: row for row in named}, name_, f"row for rows in {where}: [generated]")
    if generated.sentences and corpus.unit == "stream":
        raise BadConfig(f"{where}: [generated] draws sentences, and a stream has none; leave it out")
    found = Benchmark(
        name=name,
        title=_value(table, "title", name, str, where),
        description=_value(table, "description", "", str, where),
        corpus=corpus,
        rows=_variants(named, table, where),
        folder=folder,
        story=tuple(_value(table, "story", (), tuple[str, ...], where)),
        file=where,
        compare=_names(table.get("compare", []), name, f"{where}: compare"),
        published=_published(table.get("published", {}), {row.name: row for row in named}, where),
        sparsity=SparsitySpec(**checked(table.get("sparsity", {}), SparsitySpec, f"{where}: [sparsity]")),
        quick=Quick(**checked(table.get("quick", {}), Quick, f"{where}: [quick]")),
        blanks=BlanksSpec(**checked(table["blanks"], BlanksSpec, f"{where}: [blanks]")) if "blanks" in table else None,
        generated=generated,
        unseen=UnseenSpec(**checked(table["unseen"], UnseenSpec, f"{where}: [unseen]")) if "unseen" in table else None,
        equal=_equal(table.get("equal", {}), {row.name: row for row in named}, where),
        probes=_probes(table["probes"], corpus, f"{where}: [probes]") if "probes" in table else None,
    )
    return replace(found, units=_units(table.get("units", {}), found, rows, where))


def _units(tables: Any, whole: Benchmark, rows: Mapping[str, Any], where: str) -> tuple[Benchmark, ...]:
    """A benchmark for each [units.NAME]: the whole one's text and rows, with what the table says otherwise."""
    if not isinstance(tables, dict):
        raise BadConfig(f"{where}: units = {tables!r} is not a table; write [units.NAME], such as [units.syllables]")
    found = []
    for name, table in tables.items():
        at = f"{where}: [units.{name}]"
        check_unit(name, at)
        given = checked(table, UnitSpec, at)
        own = given.pop("rows", {})
        for row, fields_of in own.items():
            if not isinstance(fields_of, dict):
                raise BadConfig(f"{at}: rows.{row} = {fields_of!r} is not a table; write such as {{ epochs = 2 }}")
        merged = {row: {**rows.get(row, {}), **own.get(row, {})} for row in {**rows, **own}}
        found.append(
            replace(
                whole,
                name=f"{whole.name}/{name}",
                title=f"{whole.title}: {name}",
                corpus=replace(whole.corpus, **given),
                rows=_rows(merged, at),
            )
        )
    return tuple(found)


def cut_down(benchmark: Benchmark) -> Benchmark:
    """The --quick form: less text, fewer epochs, a name of its own so that its numbers never pass for the others."""
    quick = benchmark.quick
    limits = {name: getattr(quick, name) for name in ("train_lines", "valid_lines", "test_lines")}
    name, slash, unit = benchmark.name.partition("/")
    return replace(
        benchmark,
        name=f"{name}{QUICK}{slash}{unit}",
        corpus=replace(benchmark.corpus, **limits),
        rows=tuple(row for row in benchmark.rows if row.train_lines is None or row.train_lines <= quick.train_lines),
        compare=tuple(f"{name}{QUICK}" for name in benchmark.compare),
        generated=replace(
            benchmark.generated,
            sentences=min(benchmark.generated.sentences, quick.test_lines),
            rounds=min(benchmark.generated.rounds, QUICK_ROUNDS),
        ),
        units=tuple(map(cut_down, benchmark.units)),
        probes=None if benchmark.probes is None else cut_down_probes(benchmark.probes, quick.train_lines),
    )


def _value(table: Mapping[str, Any], key: str, default: Any, hint: Any, where: str) -> Any:
    value = table.get(key, default)
    if not fits(value, hint):
        raise BadConfig(f"{where}: {key} = {shown(value)} is not {spelled(hint)}; change it")
    return value


def _names(value: Any, own: str, where: str) -> tuple[str, ...]:
    """Names of other benchmarks, which are those of their reports' folders."""
    good = isinstance(value, list) and all(isinstance(name, str) and NAME.fullmatch(name) for name in value)
    if not good or own in value:
        raise BadConfig(f"{where} = {value!r} is not a list of other benchmarks' names; write such as ['nsmc']")
    return tuple(value)


def _variants(rows: tuple[Row, ...], table: Mapping[str, Any], where: str) -> tuple[Row, ...]:
    """The rows at each size of [curve], or with the trials of [search]; as they are without either."""
    if "curve" in table and "search" in table:
        raise BadConfig(f"{where} has both [curve] and [search]; make two benchmarks of it")
    if "curve" in table:
        curve = CurveSpec(**checked(table["curve"], CurveSpec, f"{where}: [curve]"))
        curve.check(f"{where}: [curve]")
        return tuple(at_sizes(rows, curve))
    if "search" in table:
        search = SearchSpec(**checked(table["search"], SearchSpec, f"{where}: [search]"))
        return tuple(with_trials(rows, search.tries({row.name: row for row in rows}, where)))
    return rows


def _equal(tables: Any, rows: Mapping[str, Row], where: str) -> dict[str, EqualSpec]:
    """Cost -> the rows that are to be alike in it."""
    found = {}
    for cost, table in tables.items() if isinstance(tables, dict) else [("", tables)]:
        at = f"{where}: [equal.{cost}]"
        choose(dict.fromkeys(("parameters", "seconds")), cost, f"cost for {at}")
        found[cost] = EqualSpec(**checked(table, EqualSpec, at))
        for name in found[cost].rows:
            choose(rows, name, f"row for {at}")
    return found


def _published(tables: Any, rows: Mapping[str, Row], where: str) -> dict[str, Published]:
    """Published figures by row; all rows named are rows of the benchmark."""
    found = {}
    for name, table in tables.items() if isinstance(tables, dict) else [("", tables)]:
        at = f"{where}: [published.{name}]"
        choose(rows, name, f"row for {at}")
        found[name] = Published(**checked(table, Published, at))
        if found[name].below:
            choose(rows, found[name].below, f"row for below in {at}")
    return found


def _probes(table: Any, corpus: CorpusSpec, where: str) -> ProbesSpec:
    """The [probes] table and the tables mine and remove in it."""
    for name, kind in (("mine", MineSpec), ("remove", RemoveSpec)):
        if isinstance(table, dict) and name in table:
            table = {**table, name: kind(**checked(table[name], kind, f"{where} {name}"))}
    spec = ProbesSpec(**checked(table, ProbesSpec, where))
    if corpus.builtin is not None:
        raise BadConfig(f"{where}: the built-in corpus has probes of its own; leave the table out")
    if sum(way is not None for way in (spec.mine, spec.remove, spec.file)) > 1:
        raise BadConfig(f"{where} has more than one of mine, remove and file: probes come from one place; leave one")
    if spec.mine is not None and not spec.mine.reserve:
        raise BadConfig(f"{where} mine has no reserve; name a text that no model of the benchmark reads")
    if spec.part and spec.file is None:
        raise BadConfig(f"{where} has part without file; part says what train is to the text of the file")
    return spec


def checked(table: object, spec: type, where: str) -> dict[str, Any]:
    """The table's items, each a field of the dataclass spec with a value that it may hold, lists as tuples."""
    if not isinstance(table, dict):
        raise BadConfig(f"{where} is {shown(table)}, not a table of keys; write it as [name] and key = value lines")
    check(spec, table, where, noun="key")
    return {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}


def _rows(tables: Mapping[str, Any], where: str) -> tuple[Row, ...]:
    """The rows in file order; a mixture may name rows above it."""
    rows: dict[str, Row] = {}
    for name, table in tables.items():
        at = f"{where}: row {name!r}"
        check_row(name, where, (ALL,))
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
    families = {family(row.kind) for row in rows.values()}
    for name in rows:
        check_row(name, where, families)
    check_rows(rows, where)
    return tuple(rows.values())
