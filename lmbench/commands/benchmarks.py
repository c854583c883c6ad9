"""Commands about benchmarks: run, report, list."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from lmbench.bench.names import OWN_TEXT, QUICK
from lmbench.commands import DONE, FAILED, remark, say
from lmbench.errors import BadConfig, suggestion
from lmbench.wording import counted

if TYPE_CHECKING:
    from lmbench.bench.benchmark import Benchmark


def run(options: argparse.Namespace, words: Sequence[str]) -> int:
    """fit and score rows, save facts, write the report

    Rows that are finished already are not fitted again. Facts, tables and figures go to DIR/<benchmark>/.
    """
    return _run(_benchmark_to_run(options), options.names, options, words)


def _run(benchmark: Benchmark, names: Sequence[str], options: argparse.Namespace, words: Sequence[str]) -> int:
    """Do what is to be done for these rows, in each unit if there are several, show it, write the report."""
    from lmbench.bench import lock, runner
    from lmbench.bench.benchmark import cut_down
    from lmbench.bench.generated import generate
    from lmbench.bench.latency import measure
    from lmbench.bench.units import join
    from lmbench.live import Live

    command = shlex.join(["python", "-m", "lmbench", *words])
    folder = options.out / (cut_down(benchmark) if options.quick else benchmark).name
    if benchmark.units:
        code = max(_run(unit, names, options, words) for unit in benchmark.units)
        join(benchmark, folder, options.quick, command)
        _write(folder)
        return code
    with lock.writing(folder, command):
        planned = runner.plan(
            benchmark,
            names,
            out=options.out,
            seeds=options.seeds,
            quick=options.quick,
            data=options.data,
            side_by_side=options.jobs,
            threads=options.threads,
            device=options.device,
            command=command,
        )
        for warning in planned.warnings:
            remark(f"warning: {warning}")
        failed = 0
        # two seconds of imports that need not come after the rows
        imports = Thread(target=import_module, args=("lmbench.report.write",), daemon=True)
        imports.start()
        with Live(planned) as live:
            for event in runner.run(planned, options.row_limit):
                failed += live.show(event)
        imports.join()  # nothing is to run beside what is timed
        failed += measure(planned, remark)
        for said in generate(planned):
            remark(said)
        _write(planned.folder)
    return FAILED if failed else DONE


def _benchmark_to_run(options: argparse.Namespace) -> Benchmark:
    """The benchmark named, or the rows of own-text on the files given."""
    from lmbench.bench import benchmark
    from lmbench.bench.found import find, own_text
    from lmbench.bench.names import check_benchmark
    from lmbench.bench.specs import CorpusSpec
    from lmbench.fields import check

    given = {
        name: getattr(options, name) for name in ("train", "valid", "test", "tokenizer", "min_count", "vocab_size")
    }
    given = {name: value for name, value in given.items() if value is not None}
    if not given and options.name is None:
        whole, slash, unit = (options.benchmark or "hungry").partition("/")
        if whole.endswith(QUICK):
            options.quick = True
        return find(f"{whole.removesuffix(QUICK)}{slash}{unit}", options.out)
    if "train" not in given:
        raise BadConfig(
            "--valid, --test, --tokenizer, --min-count, --vocab-size and --name go with --train FILE; add it"
        )
    if options.benchmark is not None:
        raise BadConfig("--benchmark and --train name two texts; give one of them")
    rows = benchmark.load(OWN_TEXT)
    name = Path(given["train"]).name.split(".")[0] if options.name is None else options.name
    check_benchmark(name, "--name" if options.name is not None else "--train without --name")
    if name in benchmark.builtin():
        raise BadConfig(f"{name!r} is the folder of a benchmark of lmbench; choose another with --name")
    check(CorpusSpec, given, "a text of one's own", noun="option")
    return own_text(rows, replace(rows.corpus, **given), name)


def verify(options: argparse.Namespace, words: Sequence[str]) -> int:
    """run the rows that are held to published figures, and see whether they hold

    NAME stands for the benchmarks NAME and NAME-... with such rows, or is a FILE.toml. Exit code 1 where a figure does
    not hold.
    """
    from lmbench.bench import benchmark, keys, results
    from lmbench.measures.published import verdicts

    ours = [name for name in benchmark.builtin() if name == options.name or name.startswith(f"{options.name}-")]
    files = [options.name] if options.name.endswith(".toml") else ours
    chosen = [found for name in files if (found := benchmark.load(name)).with_figures()]
    if not chosen:
        known = {name: None for name in benchmark.builtin() if benchmark.load(name).with_figures()}
        raise BadConfig(
            f"no benchmark {options.name!r} holds rows to published figures{suggestion(known, options.name)}"
        )
    failed = 0
    for one in chosen:
        failed |= _run(one, one.with_figures(), options, words)
        facts = options.out / one.name / "facts"
        current, _ = keys.sorted_out(results.benchmark_facts(facts)["deciding"], results.load(facts))
        perplexities = {
            result.row: result.metrics["ppl"] for result in current if "ppl" in result.metrics and not result.seed
        }
        for verdict in verdicts(one.published, perplexities):
            if verdict.found is None and not verdict.wanted:
                continue
            shown = "no result" if verdict.found is None else f"{verdict.found:.4f}"
            says = "holds" if verdict.holds else "DOES NOT HOLD"
            print(f"  {verdict.row:28} {shown:>12}  {f'{says}: {verdict.wanted}' if verdict.wanted else 'shown only'}")
            failed |= not verdict.holds
    return FAILED if failed else DONE


def audit(options: argparse.Namespace, _: Sequence[str]) -> int:
    """look for leaks of test into what models learn from: duplicates, vocabulary, vectors, probes, choices

    Nothing is fitted. Exit code 1 where something is found, with what to do about it.
    """
    from lmbench.bench.found import find
    from lmbench.bench.prepare import audited, gather

    found = find(options.name, options.out).single()
    cache = options.out / ".cache"
    facts = audited(found, gather(found, options.data, cache, found.files("embedding_text")), cache)
    say("looked for", "in", "found", "of", "within train", "verdict")
    for check in facts["checks"]:
        usual = "-" if check["usual"] is None else f"{check['usual']:.2%}"
        verdict = "LEAK" if check["leak"] else "none" if not check["found"] else "no leak"
        say(check["what"], check["where"], f"{check['found']:,}", f"{check['of']:,}", usual, verdict)
    for finding in facts["findings"]:
        say(f"finding: {finding['fact']}; {finding['remedy']}")
        for example in finding["examples"]:
            say(f"  such as: {example}")
    for note in facts["notes"]:
        say(f"note: {note}")
    say(f"{found.name}: {counted(len(facts['findings']), 'finding')} in {counted(len(facts['checks']), 'check')}")
    return FAILED if facts["findings"] else DONE


def report(options: argparse.Namespace, _: Sequence[str]) -> int:
    """write tables, figures and report.md again from stored facts, fitting nothing"""
    folders = [_folder(name, options.out) for name in options.names] or _with_facts(options.out)
    if not folders:
        raise BadConfig(
            f"no facts under {options.out}; run a benchmark first (python -m lmbench run all --out {options.out})"
        )
    for folder in folders:
        _write(folder)
    return DONE


def _with_facts(out: Path) -> list[Path]:
    """The folders of benchmarks within a folder, and of their units within theirs."""
    facts = "facts/benchmark.json"
    whole = sorted(path.parent.parent for path in out.glob(f"*/{facts}"))
    return sorted([*whole, *(path.parent.parent for folder in whole for path in folder.glob(f"*/{facts}"))])


def diagnose(options: argparse.Namespace, words: Sequence[str]) -> int:
    """why gates matter: gradients, memory and gates of fitted recurrent rows, as facts and a section of the report

    The first fitted row of each cell is looked at, beside the best fitted row of kind ngram. A long-lag task and the
    gradients of networks of equal size take minutes, once; they need no text. Sentences are shown as heat maps.
    """
    from lmbench.bench import lock
    from lmbench.bench.benchmark import cut_down
    from lmbench.bench.diagnose import QUICK as FEW
    from lmbench.bench.diagnose import Settings
    from lmbench.bench.diagnose import diagnose as diagnosed
    from lmbench.bench.found import find
    from lmbench.threads import cores

    found = find(options.benchmark, options.out).single()
    side_by_side = options.jobs or cores()
    is_quick = found.name.partition("/")[0].endswith(QUICK)
    found = cut_down(found) if options.quick and not is_quick else found
    folder = options.out / found.name
    settings = FEW if options.quick or is_quick else Settings()
    told = {"sentences": options.sentence, "data": options.data}
    with lock.writing(folder, shlex.join(["python", "-m", "lmbench", *words])):
        for said in diagnosed(found, folder, **told, settings=settings, side_by_side=side_by_side):
            remark(said)
        _write(folder)
    return DONE


def _folder(name: str, out: Path) -> Path:
    """The folder of a benchmark's report: of the name itself, or of what a FILE.toml is called."""
    from lmbench.bench.names import check

    folder = Path(name).stem if name.endswith(".toml") else name
    for part in folder.split("/", 1):
        check(part, "report: a benchmark's name")
    return out / folder


def _write(folder: Path) -> None:
    from lmbench.report.write import write

    write(folder)
    print(f"report: {folder / 'report.md'}")


def list_(options: argparse.Namespace, _: Sequence[str]) -> int:
    """show benchmarks and model kinds; the rows of one benchmark, or the fields of one kind"""
    from lmbench.bench import benchmark
    from lmbench.bench.found import find
    from lmbench.models import family, kinds

    name = options.name
    if name is None:
        print("benchmarks (python -m lmbench list NAME shows the rows)")
        for known in benchmark.builtin():
            if known != OWN_TEXT:
                print(f"  {known:16} {benchmark.load(known).title}")
        print("model kinds (python -m lmbench list KIND shows the fields)")
        for kind in sorted(kinds()):
            print(f"  {kind:16} {family(kind)}")
    elif name in kinds():
        _list_fields(name)
    else:
        found = find(name, options.out, [*kinds()])
        for group, rows in found.families().items():
            print(f"{group}: {' '.join(row.name for row in rows)}")
        if found.units:
            print(f"in units of their own, with more rows: {' '.join(one.name for one in found.units)}")
    return DONE


def _list_fields(kind: str) -> None:
    """Fields of a kind, their defaults, what they may hold; and what its docstring says."""
    from dataclasses import MISSING, fields

    from lmbench.errors import BadModel
    from lmbench.fields import spelled, types
    from lmbench.models import Unusable, model_class

    cls = model_class(kind)
    if issubclass(cls, Unusable):
        raise BadModel(cls.problem)
    print((cls.__doc__ or "").strip())
    may_hold = types(cls)
    for item in fields(cls):  # type: ignore[arg-type]
        default = "(needed)" if item.default is MISSING else repr(item.default)
        print(f"  {item.name:22} {default:22} {spelled(may_hold[item.name])}")
