"""The benchmark that a name on the command line stands for, and the command that runs it again."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from lmbench.bench.benchmark import Benchmark, builtin, checked, cut_down, load
from lmbench.bench.names import OWN_TEXT, QUICK
from lmbench.bench.results import benchmark_facts
from lmbench.bench.specs import CorpusSpec
from lmbench.errors import BadConfig, choose, suggestion

REPORTS = Path("reports")
"""The folder of reports where none is given."""
_OPTIONS = ("train", "valid", "test", "tokenizer", "min_count", "vocab_size")
"""Of a corpus, what `run` has options for."""


def find(name: str | None, out: Path, kinds: Sequence[str] = ()) -> Benchmark:
    """The benchmark of this name: one of lmbench, a FILE.toml, or whatever was run into a folder of that name in `out`.

    So a text of one's own, a benchmark file's name and the --quick form of each are known to every command alike, and
    so is a unit of each, NAME/UNIT. kinds: what else the name could have been, for the error
    """
    name = name or "hungry"
    whole, slash, unit = name.partition("/")
    base = whole.removesuffix(QUICK)
    if name.endswith(".toml") or whole in builtin():
        return load(name)
    if base in builtin():
        return cut_down(load(f"{base}{slash}{unit}"))
    facts = out / name / "facts" / "benchmark.json"
    if not facts.is_file():
        runs = (path.parent.parent.relative_to(out).as_posix() for path in out.glob("*/facts/benchmark.json"))
        known = dict.fromkeys([*builtin(), *runs, *kinds])
        raise BadConfig(f"no benchmark {'or model kind ' if kinds else ''}{name!r}{suggestion(known, name)}")
    source = benchmark_facts(facts.parent).get("source") or {}
    if "file" in source:
        found = load(str(source["file"]))
        found = choose({one.name: one for one in found.units}, f"{found.name}/{unit}", "unit") if unit else found
        return cut_down(found) if whole.endswith(QUICK) else found
    rows = load(OWN_TEXT)
    return own_text(rows, CorpusSpec(**checked(source.get("corpus", {}), CorpusSpec, str(facts))), name)


def own_text(benchmark: Benchmark, spec: CorpusSpec, name: str) -> Benchmark:
    """The same rows on another corpus, whose paths are read from where the command runs."""
    return replace(benchmark, name=name, corpus=spec, folder=Path(), title=f"{name}: a text of one's own")


def source(benchmark: Benchmark) -> dict[str, Any]:
    """What facts must say of a benchmark for find() to know it by its name."""
    if benchmark.name.partition("/")[0].removesuffix(QUICK) in builtin():
        return {}
    return {"corpus": asdict(benchmark.corpus)} if _is_own(benchmark) else {"file": benchmark.file}


def command(benchmark: Benchmark, rows: Iterable[str], out: Path, *more: str) -> str:
    """The command line that runs these rows of a benchmark into `out`, to be pasted as it is."""
    whole, slash, unit = benchmark.name.partition("/")
    base = whole.removesuffix(QUICK)
    if base in builtin():
        named = ["--benchmark", f"{base}{slash}{unit}"]
    elif _is_own(benchmark):
        given = {name: getattr(benchmark.corpus, name) for name in _OPTIONS}
        usual = CorpusSpec()
        named = [
            word
            for name, value in given.items()
            if value is not None and value != getattr(usual, name)
            for word in (f"--{name.replace('_', '-')}", str(value))
        ]
        named += ["--name", base]
    else:
        named = ["--benchmark", benchmark.file]
    quick = ["--quick"] if whole.endswith(QUICK) else []
    where = [] if out == REPORTS else ["--out", str(out)]
    return shlex.join(["python", "-m", "lmbench", "run", *rows, *named, *quick, *where, *more])


def command_in(benchmark: Benchmark, rows: Iterable[str], folder: Path, *more: str) -> str:
    """command() for the folder of the benchmark's own report."""
    return command(benchmark, rows, folder.parents[benchmark.name.count("/")], *more)


def _is_own(benchmark: Benchmark) -> bool:
    """Whether its rows are those for a text of one's own."""
    return benchmark.file == str(builtin()[OWN_TEXT])
