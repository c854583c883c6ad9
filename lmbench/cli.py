"""The commands; the only place that prints."""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import lmbench
from lmbench.errors import BadConfig, BadText, LMBenchError, suggestion

if TYPE_CHECKING:
    from lmbench.bench.benchmark import Benchmark
    from lmbench.model import LanguageModel

DONE, FAILED, USER_ERROR, INTERRUPTED, TERMINATED = 0, 1, 2, 130, 143
KEPT = "finished rows are kept, the same command goes on from there"
OWN_TEXT = "own-text"


class Parser(argparse.ArgumentParser):
    """argparse, with errors in one line that suggest the nearest command or option."""

    def parse_known_args(self, *given: Any, **named: Any) -> Any:
        """As argparse does, but a command reports what it does not know itself: its options are the ones to name."""
        found, unknown = super().parse_known_args(*given, **named)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found, unknown

    def error(self, message: str) -> NoReturn:
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction) and "invalid choice" in message:
                asked = message.split("'")[1]
                message = f"no command {asked!r}{suggestion(dict(action.choices), asked)}"
        if message.startswith("unrecognized arguments: "):
            asked = message.removeprefix("unrecognized arguments: ").split()[0]
            known = [name for action in self._actions for name in action.option_strings]
            message = f"no option {asked!r}{suggestion(dict.fromkeys(known), asked)}"
            if not asked.startswith("-"):
                message = f"{asked!r} is one word too many for {self.prog}; see {self.prog} --help"
        print(f"lmbench: {message}", file=sys.stderr)
        raise SystemExit(USER_ERROR)


class Terminated(KeyboardInterrupt):
    """SIGTERM, which a system that shuts down or a scheduler sends: ends a command as ctrl-C does."""


@contextmanager
def _terminable() -> Iterator[None]:
    """Raises Terminated on SIGTERM, so that rows that are being fitted end with the command."""
    if threading.current_thread() is not threading.main_thread():  # signals are for the main thread alone
        yield
        return

    def stop(*_: object) -> NoReturn:
        raise Terminated

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code: 0 done, 1 a row failed, 2 a user's error, 130 interrupted, 143 terminated."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    options = _parse(words)
    try:
        with _terminable():
            return int(options.command(options, words))
    except LMBenchError as error:
        print(f"lmbench: {error}", file=sys.stderr)
        return USER_ERROR
    except Terminated:
        print(f"lmbench: ended by SIGTERM; {KEPT}", file=sys.stderr)
        return TERMINATED
    except KeyboardInterrupt:
        print(f"lmbench: interrupted; {KEPT}", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE


def _parse(words: Sequence[str]) -> argparse.Namespace:
    parser = Parser(prog="lmbench", description=lmbench.__doc__)
    parser.add_argument("--version", action="version", version=f"lmbench {lmbench.__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(name: str, function: Any) -> argparse.ArgumentParser:
        text = (function.__doc__ or "").strip()
        added = commands.add_parser(name, help=text.splitlines()[0], description=text)
        added.set_defaults(command=function)
        return added

    def shared(added: argparse.ArgumentParser) -> None:
        added.add_argument("--benchmark", default=None, metavar="NAME|FILE.toml", help="default: hungry")
        added.add_argument("--out", type=Path, default=Path("reports"), metavar="DIR", help="default: reports")

    added = command("run", run)
    added.add_argument("names", nargs="+", metavar="NAME", help="rows, families, or all")
    shared(added)
    added.add_argument("--seeds", type=int, default=1, metavar="N", help="fit random rows with seeds 0 to N-1")
    added.add_argument("--quick", action="store_true", help="less text, fewer epochs: to see that everything works")
    added.add_argument("--jobs", type=int, metavar="N", help="rows side by side (default: the machine's cores)")
    added.add_argument("--data", type=Path, metavar="DIR", help="folder of corpora (default: $LMBENCH_DATA)")
    own = added.add_argument_group("a text of one's own, one sentence a line, instead of --benchmark")
    for split in ("train", "valid", "test"):
        own.add_argument(f"--{split}", metavar="FILE", help="plain, .gz or .xz" if split == "train" else None)
    own.add_argument("--name", help="of the report's folder (default: the file's name)")
    own.add_argument("--tokenizer", help="whitespace, words, syllables, kiwi (default: whitespace)")
    own.add_argument("--min-count", type=int, metavar="N", help="rarer words are <unk> (default: 2)")
    own.add_argument("--vocab-size", type=int, metavar="V", help="events at most")

    added = command("fit", fit)
    added.add_argument("kind", help="a model kind, such as ngram (see list)")
    added.add_argument("file", type=Path, help="one sentence a line; plain, .gz or .xz")
    added.add_argument("--model", type=Path, required=True, metavar="PATH", help="where to save it, without a suffix")
    added.add_argument("--valid", type=Path, metavar="FILE", help="what the model may choose by")
    added.add_argument("--set", nargs="+", default=[], metavar="FIELD=VALUE", help="fields of the kind (see list KIND)")
    added.add_argument("--tokenizer", default="whitespace", help="whitespace, words, syllables, kiwi")
    added.add_argument("--min-count", type=int, default=1, metavar="N", help="rarer words are <unk> (default: 1)")
    added.add_argument("--vocab-size", type=int, metavar="V", help="events at most")

    added = command("report", report)
    added.add_argument("names", nargs="*", metavar="BENCHMARK", help="default: all with facts")
    added.add_argument("--out", type=Path, default=Path("reports"), metavar="DIR")

    added = command("list", list_)
    added.add_argument("name", nargs="?", help="a benchmark, to see its rows; a model kind, to see its fields")

    added = command("score", score)
    added.add_argument("row", help="a row that was run, or a model that fit saved")
    added.add_argument("file", nargs="?", type=Path, help="one sentence a line (default: standard input)")
    shared(added)
    added.add_argument("--seed", type=int, default=0)
    added.add_argument("--words", action="store_true", help="one line a word instead of one a sentence")

    added = command("explain", explain)
    added.add_argument("row")
    added.add_argument("sentence")
    shared(added)
    added.set_defaults(seed=0)

    added = command("generate", generate)
    added.add_argument("row", help="a row that was run, or a model that fit saved")
    shared(added)
    added.add_argument("--seed", type=int, default=0, help="of the fitted model")
    added.add_argument("--sample-seed", type=int, default=0, help="of the draws")
    added.add_argument("-n", type=int, default=10, metavar="N", help="sentences (default: 10)")
    added.add_argument("--prefix", default="", help="how every sentence begins")
    added.add_argument("--temperature", type=float, default=1.0)
    added.add_argument("--max-tokens", type=int, default=50)

    added = command("export", export)
    added.add_argument("row")
    added.add_argument("file", type=Path, help="plain, .gz or .xz")
    shared(added)
    added.add_argument("--seed", type=int, default=0)
    return parser.parse_args(words)


def run(options: argparse.Namespace, words: Sequence[str]) -> int:
    """fit and score rows, save facts, write the report

    Rows that are finished already are not fitted again. Facts, tables and figures go to DIR/<benchmark>/.
    """
    from lmbench.bench import runner
    from lmbench.live import Live

    if options.jobs is not None and options.jobs < 1:
        raise BadConfig(f"--jobs {options.jobs}: at least one row must run; give 1 or more")
    benchmark = _benchmark_to_run(options)
    planned = runner.plan(
        benchmark,
        options.names,
        out=options.out,
        seeds=options.seeds,
        quick=options.quick,
        data=options.data,
        side_by_side=options.jobs,
        command=shlex.join(["python", "-m", "lmbench", *words]),
    )
    for warning in planned.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    failed = 0
    with Live(planned) as live:
        for event in runner.run(planned):
            failed += live.show(event)
    _write(planned.folder)
    return FAILED if failed else DONE


def _benchmark_to_run(options: argparse.Namespace) -> Benchmark:
    """The benchmark named, or the rows of own-text on the files given."""
    from lmbench.bench import benchmark
    from lmbench.bench.prepare import own_text

    given = {
        name: getattr(options, name) for name in ("train", "valid", "test", "tokenizer", "min_count", "vocab_size")
    }
    given = {name: value for name, value in given.items() if value is not None}
    if not given and options.name is None:
        return benchmark.load(options.benchmark or "hungry")
    if "train" not in given:
        raise BadConfig(
            "--valid, --test, --tokenizer, --min-count, --vocab-size and --name go with --train FILE; add it"
        )
    if options.benchmark is not None:
        raise BadConfig("--benchmark and --train name two texts; give one of them")
    rows = benchmark.load(OWN_TEXT)
    name = options.name or Path(given["train"]).name.split(".")[0]
    if not benchmark.FOLDER.fullmatch(name) or name in benchmark.builtin():
        raise BadConfig(
            f"{name!r} cannot name a report's folder: it is that of a benchmark of lmbench, empty, or has "
            "signs other than letters, digits and . + - _; choose another with --name"
        )
    return own_text(rows, replace(rows.corpus, **given), name)


def fit(options: argparse.Namespace, _: Sequence[str]) -> int:
    """fit one model on one text, outside any benchmark, and save it

    score, generate and the other commands about one row take PATH in place of a row.
    """
    from lmbench.bench import store
    from lmbench.bench.fit import fit as fitted

    for name, least in ("min_count", 1), ("vocab_size", 3):
        given = getattr(options, name)
        if given is not None and given < least:
            raise BadConfig(f"--{name.replace('_', '-')} {given} is too small; give {least} or more")
    model = fitted(
        options.kind,
        dict(map(_field, options.set)),
        options.file,
        options.valid,
        tokenizer=options.tokenizer,
        min_count=options.min_count,
        vocab_size=options.vocab_size,
    )
    size = store.save(model, options.model, tokenizer=options.tokenizer)
    for note in model.notes():
        print(f"note: {note}", file=sys.stderr)
    print(f"{options.model}: {model.n_params():,} parameters over {len(model.vocab_):,} events, {size:,} bytes")
    return DONE


def _field(text: str) -> tuple[str, Any]:
    """FIELD=VALUE, the value as TOML has it; a word needs no quotes."""
    from lmbench.bench.benchmark import value_of

    name, is_there, value = text.partition("=")
    if not is_there:
        raise BadConfig(f"--set {text!r} is not FIELD=VALUE; write for instance order=3")
    return name, value_of(value)


def report(options: argparse.Namespace, _: Sequence[str]) -> int:
    """write tables, figures and report.md again from stored facts, fitting nothing"""
    folders = [options.out / name for name in options.names] or sorted(
        path.parent.parent for path in options.out.glob("*/facts/benchmark.json")
    )
    if not folders:
        raise BadConfig(f"no facts under {options.out}; run a benchmark first (python -m lmbench run all)")
    for folder in folders:
        _write(folder)
    return DONE


def _write(folder: Path) -> None:
    from lmbench.report.write import write

    write(folder)
    print(f"report: {folder / 'report.md'}")


def list_(options: argparse.Namespace, _: Sequence[str]) -> int:
    """show benchmarks and model kinds; the rows of one benchmark, or the fields of one kind"""
    from lmbench.bench import benchmark
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
    elif name in benchmark.builtin() or name.endswith(".toml"):
        for group, rows in benchmark.load(name).families().items():
            print(f"{group}: {' '.join(row.name for row in rows)}")
    else:
        names = dict.fromkeys([*benchmark.builtin(), *kinds()])
        raise BadConfig(f"no benchmark or model kind {name!r}{suggestion(names, name)}")
    return DONE


def _list_fields(kind: str) -> None:
    """Fields, types and defaults of a kind, and what its docstring says."""
    from dataclasses import MISSING, fields

    from lmbench.models import model_class

    cls = model_class(kind)
    print((cls.__doc__ or "").strip())
    for item in fields(cls):  # type: ignore[arg-type]
        default = "(needed)" if item.default is MISSING else repr(item.default)
        print(f"  {item.name:16} {default}")


def score(options: argparse.Namespace, _: Sequence[str]) -> int:
    """print log2-probability, tokens and perplexity of sentences under a fitted row; nan where it is no distribution"""
    import numpy as np

    from lmbench.bench.evaluate import scored
    from lmbench.measures.perplexity import BITS, perplexity
    from lmbench.text.files import read_lines
    from lmbench.text.sentences import Sentences

    model, tokenizer = _fitted(options)
    lines = _standard_input() if options.file is None else read_lines(options.file).lines
    batch = Sentences.encode(tokenizer.tokenize(lines), model.vocab_)
    log_probs = scored(model, batch)
    if options.words:
        print("sentence\tword\tlog2_prob")
        for row, event, value in zip(batch.rows, batch.tokens, log_probs, strict=True):
            print(f"{row + 1}\t{model.vocab_.events[event]}\t{value * BITS:.6f}")
        return DONE
    print("log2_prob\ttokens\tperplexity\tsentence")
    sums = batch.row_sums(log_probs)
    for total, n, line in zip(sums, batch.lengths, lines, strict=True):
        print(f"{total * BITS:.6f}\t{n}\t{np.exp(-total / n) if model.normalised else np.nan:.4f}\t{line}")
    overall = perplexity(log_probs) if model.normalised else np.nan
    print(f"{log_probs.sum() * BITS:.6f}\t{batch.n_tokens}\t{overall:.4f}\t(all)")
    return DONE


def _standard_input() -> list[str]:
    """The sentences of standard input, read as read_lines() reads a file."""
    from lmbench.text.files import normalise

    try:
        text = sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadText(f"standard input is not UTF-8 ({error}); convert it with iconv -t UTF-8") from None
    lines = [line for line in map(normalise, text.split("\n")) if line]
    if not lines:
        raise BadText("standard input has no sentence in it; give one a line, or name a file")
    return lines


def explain(options: argparse.Namespace, _: Sequence[str]) -> int:
    """show how an n-gram row comes to the probability of each word of a sentence

    A line for each context that was asked, longest first: how often the word followed it in the training text, and
    the factor it gives. What stands under p is their product.
    """
    from lmbench.ngrams.explain import table
    from lmbench.text.sentences import Sentences

    model, tokenizer = _fitted(options)
    explained = getattr(model, "explain", None)
    if explained is None:
        raise BadConfig(
            f"{options.row} does not back off from context to context, so there are no steps to show: it is a model "
            f"of class {type(model).__name__}; ask a row of kind 'ngram' or 'arpa'"
        )
    for line in table(explained(Sentences.encode(tokenizer.tokenize([options.sentence]), model.vocab_))):
        print(line)
    return DONE


def generate(options: argparse.Namespace, _: Sequence[str]) -> int:
    """draw sentences from a fitted row"""
    import numpy as np

    from lmbench.bench.generate import sentences

    model, tokenizer = _fitted(options)
    prefix = model.vocab_.encode(tokenizer.tokenize([options.prefix])[0]) if options.prefix.strip() else []
    rows = sentences(
        model,
        options.n,
        prefix=prefix,
        temperature=options.temperature,
        max_tokens=options.max_tokens,
        rng=np.random.default_rng(options.sample_seed),
    )
    for row in rows:
        print(tokenizer.join(model.vocab_.decode(row)))
    return DONE


def export(options: argparse.Namespace, _: Sequence[str]) -> int:
    """write a fitted n-gram row as an ARPA file, for KenLM, SRILM or another benchmark"""
    from lmbench.bench import runner
    from lmbench.ngrams import arpa

    benchmark, folder = _benchmark_of(options)
    model = runner.fitted(benchmark, options.row, folder, options.seed)
    backoff = getattr(model, "backoff_", None)
    if backoff is None:
        raise BadConfig(
            f"row {options.row!r} is of kind {benchmark.row(options.row).kind!r}, which has no back-off form, and ARPA "
            "files hold no other; export a row of kind 'ngram' or 'arpa'"
        )
    arpa.write(backoff, model.vocab_, options.file)
    sizes = ", ".join(f"{len(keys):,} of order {n}" for n, keys in enumerate(backoff.index.keys, start=1))
    print(f"{options.file}: n-grams {sizes}; {options.file.stat().st_size / 1e6:.1f} MB")
    return DONE


def _fitted(options: argparse.Namespace) -> tuple[LanguageModel, Any]:
    """The fitted model of a row, or a saved one, and the tokenizer of its text."""
    from lmbench.bench import runner, store
    from lmbench.text.tokenizers import TOKENIZERS

    if store.exists(Path(options.row)):
        model, tokenizer = store.load_with_tokenizer(Path(options.row))
        if tokenizer:
            return model, TOKENIZERS[tokenizer]
    benchmark, folder = _benchmark_of(options)
    model = runner.fitted(benchmark, options.row, folder, options.seed)
    return model, _tokenizer(options)


def _tokenizer(options: argparse.Namespace) -> Any:
    """The tokenizer the benchmark's facts name."""
    import json

    from lmbench.text.tokenizers import TOKENIZERS

    _, folder = _benchmark_of(options)
    facts = json.loads((folder / "facts" / "benchmark.json").read_text("utf-8"))
    return TOKENIZERS[facts["corpus"]["tokenizer"]]


def _benchmark_of(options: argparse.Namespace) -> tuple[Benchmark, Path]:
    """The benchmark and its folder; a folder with facts but no file of its own is a text of one's own."""
    from lmbench.bench import benchmark

    name = options.benchmark or "hungry"
    folder = options.out / Path(name).name.removesuffix(".toml")
    known = name.endswith(".toml") or name in benchmark.builtin()
    if not known and (folder / "facts" / "benchmark.json").is_file():
        base = name.removesuffix(benchmark.QUICK)
        return benchmark.load(base if base in benchmark.builtin() else OWN_TEXT), folder
    return benchmark.load(name), folder
