"""The command line: its words, its errors in one line, its exit codes. What commands do is in lmbench/commands."""

from __future__ import annotations

import argparse
import re
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import lmbench
from lmbench import signals, streams
from lmbench.commands import DONE, benchmarks, corpora, models, probes
from lmbench.errors import OUT_OF_MEMORY, LMBenchError, is_out_of_memory, suggestion
from lmbench.fields import Between, fits, spelled
from lmbench.text.printable import printable

USER_ERROR = 2


class Parser(argparse.ArgumentParser):
    """argparse, with errors in one line that suggest the nearest command or option."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **{"allow_abbrev": False, **named})

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
        message = re.sub(r"^argument (\S+): (?=.* is not )", r"\1 ", message)
        print(f"lmbench: {printable(message)}", file=sys.stderr)
        raise SystemExit(USER_ERROR)


def number(kind: type[int] | type[float], least: float, most: float) -> Callable[[str], float]:
    """What reads an option: a number from least to most."""
    allowed = Between(least, most)

    def read(text: str) -> float:
        with suppress(ValueError):
            if fits(value := kind(text), kind) and allowed.admits(value):
                return value
        raise argparse.ArgumentTypeError(f"{text} is not {spelled(kind)} {allowed}")

    return read


COUNT, SEED = number(int, 1, 10**9), number(int, 0, 2**32 - 1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code: 0 done, 1 a row failed, 2 a user's error, 130 interrupted, 143 terminated."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    with streams.guarded():
        try:
            with signals.terminable():
                return _run(words)
        except LMBenchError as error:
            print(f"lmbench: {printable(str(error))}", file=sys.stderr)
            return USER_ERROR
        except KeyboardInterrupt as error:
            number = signal.SIGTERM if isinstance(error, signals.Terminated) else signal.SIGINT
            print(signals.line(number, words), end="", file=sys.stderr)
            return signals.CODES[number]
        except streams.OutputEnded:
            return DONE
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            print(f"lmbench: {OUT_OF_MEMORY}", file=sys.stderr)
            return USER_ERROR


def _run(words: Sequence[str]) -> int:
    """The command, until all that it printed is written."""
    try:
        options = _parse(words)
        code = int(options.command(options, words))
    except SystemExit:  # --help and --version print too
        sys.stdout.flush()
        raise
    with suppress(streams.OutputEnded):  # its work is done, and the code is about that
        sys.stdout.flush()
    return code


def _parse(words: Sequence[str]) -> argparse.Namespace:
    parser = Parser(prog="lmbench", description=lmbench.__doc__)
    parser.add_argument("--version", action="version", version=f"lmbench {lmbench.__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    parsers: dict[str, argparse.ArgumentParser] = {}

    def command(name: str, function: Any) -> argparse.ArgumentParser:
        text = (function.__doc__ or "").strip()
        added = commands.add_parser(name, help=text.splitlines()[0], description=text)
        added.set_defaults(command=function)
        parsers[name] = added
        return added

    def out(added: argparse.ArgumentParser, default: Path | None = Path("reports")) -> None:
        added.add_argument("--out", type=Path, default=default, metavar="DIR", help="default: reports")

    def shared(added: argparse.ArgumentParser) -> None:
        added.add_argument("--benchmark", metavar="NAME|FILE.toml", help="or what was run (default: hungry)")
        out(added)

    def one_row(added: argparse.ArgumentParser) -> None:
        added.add_argument("--benchmark", metavar="NAME|FILE.toml", help="or what was run (default: hungry)")
        out(added, None)  # where it is given, a row is meant and no saved model

    def where(added: argparse.ArgumentParser) -> None:
        added.add_argument(
            "--jobs", type=number(int, 1, 4096), metavar="N", help="rows side by side (default: cores over threads)"
        )
        added.add_argument(
            "--row-limit",
            type=number(float, 0.001, 10**9),
            metavar="SECONDS",
            help="end a row that takes longer; it has failed",
        )
        added.add_argument(
            "--threads", type=number(int, 1, 4096), default=1, metavar="N", help="of each row's arithmetic (default: 1)"
        )
        added.add_argument(
            "--device",
            choices=("auto", "cpu", "cuda", "mps"),
            default="auto",
            help="where networks are trained (default: a GPU where there is one)",
        )
        added.add_argument("--data", type=Path, metavar="DIR", help="folder of corpora (default: $LMBENCH_DATA)")

    added = command("run", benchmarks.run)
    added.add_argument("names", nargs="+", metavar="NAME", help="rows, families, or all")
    shared(added)
    added.add_argument(
        "--seeds", type=number(int, 1, 10**4), default=1, metavar="N", help="fit random rows with seeds 0 to N-1"
    )
    added.add_argument("--quick", action="store_true", help="less text, fewer epochs: to see that everything works")
    where(added)
    own = added.add_argument_group("a text of one's own, one sentence a line, instead of --benchmark")
    for split in ("train", "valid", "test"):
        own.add_argument(f"--{split}", metavar="FILE", help="plain, .gz or .xz" if split == "train" else None)
    own.add_argument("--name", help="of the report's folder (default: the file's name)")
    own.add_argument("--tokenizer", help="whitespace (default), words, syllables, jamo, kiwi, bpe, unigram")
    own.add_argument("--min-count", type=COUNT, metavar="N", help="rarer words are <unk> (default: 2)")
    own.add_argument("--vocab-size", type=number(int, 3, 10**9), metavar="V", help="events at most")

    added = command("verify", benchmarks.verify)
    added.add_argument("name", metavar="NAME|FILE.toml", help="such as ptb: rows of ptb, ptb-stream, ...")
    out(added)
    added.set_defaults(seeds=1, quick=False)
    where(added)

    added = command("fit", models.fit)
    added.add_argument("kind", help="a model kind, such as ngram (see list)")
    added.add_argument("file", type=Path, help="one sentence a line; plain, .gz or .xz")
    added.add_argument("--model", type=Path, required=True, metavar="PATH", help="where to save it, without a suffix")
    added.add_argument("--valid", type=Path, metavar="FILE", help="what the model may choose by")
    added.add_argument("--set", nargs="+", default=[], metavar="FIELD=VALUE", help="fields of the kind (see list KIND)")
    added.add_argument("--tokenizer", default="whitespace", help="whitespace, words, syllables, jamo, kiwi")
    added.add_argument("--min-count", type=COUNT, default=1, metavar="N", help="rarer words are <unk> (default: 1)")
    added.add_argument("--vocab-size", type=number(int, 3, 10**9), metavar="V", help="events at most")

    added = command("audit", benchmarks.audit)
    added.add_argument("name", metavar="BENCHMARK", help="a benchmark's name, or a FILE.toml")
    out(added)
    added.add_argument("--data", type=Path, metavar="DIR", help="folder of corpora (default: $LMBENCH_DATA)")

    added = command("report", benchmarks.report)
    added.add_argument("names", nargs="*", metavar="BENCHMARK", help="default: all with facts")
    out(added)

    added = command("diagnose", benchmarks.diagnose)
    shared(added)
    added.add_argument("--sentence", action="append", default=[], metavar="TEXT", help="to show the gates over, too")
    added.add_argument("--quick", action="store_true", help="of what run --quick fitted, to see that everything works")
    added.add_argument(
        "--jobs", type=number(int, 1, 4096), metavar="N", help="networks side by side (default: the machine's cores)"
    )
    added.add_argument("--data", type=Path, metavar="DIR", help="folder of corpora (default: $LMBENCH_DATA)")

    added = command("probes", probes.probes)
    added.add_argument("benchmark", metavar="NAME|FILE.toml", help="a benchmark with [probes.mine]")
    added.add_argument("--out", type=Path, metavar="FILE", help="default: NAME.probes.jsonl")
    added.add_argument("--cache", type=Path, default=Path("reports/.cache"), metavar="DIR", help="of cut texts")
    added.add_argument("--data", type=Path, metavar="DIR", help="folder of corpora (default: $LMBENCH_DATA)")

    added = command("corpus", corpora.corpus)
    added.add_argument("name", help="of a corpus of nltk's in documents and sentences, such as brown")
    added.add_argument("--data", type=Path, metavar="DIR", help="folder of corpora (default: $LMBENCH_DATA, else .)")

    added = command("list", benchmarks.list_)
    added.add_argument("name", nargs="?", help="a benchmark, to see its rows; a model kind, to see its fields")
    out(added)

    added = command("score", models.score)
    added.add_argument("row", help="a row that was run, or a model that fit saved")
    added.add_argument("file", nargs="?", type=Path, help="one sentence a line (default: standard input)")
    one_row(added)
    added.add_argument("--seed", type=SEED, default=0)
    added.add_argument("--words", action="store_true", help="one line a word instead of one a sentence")

    added = command("explain", models.explain)
    added.add_argument("row")
    added.add_argument("sentence")
    one_row(added)
    added.set_defaults(seed=0)

    added = command("generate", models.generate)
    added.add_argument("row", help="a row that was run, or a model that fit saved")
    one_row(added)
    added.add_argument("--seed", type=SEED, default=0, help="of the fitted model")
    added.add_argument("--sample-seed", type=SEED, default=0, help="of the draws")
    added.add_argument("-n", type=COUNT, default=10, metavar="N", help="sentences (default: 10)")
    added.add_argument("--prefix", default="", help="how every sentence begins")
    added.add_argument("--temperature", type=number(float, 0, 10**6), default=1.0)
    added.add_argument("--max-tokens", type=COUNT, default=50)
    added.add_argument(
        "--no-unk", action="store_true", help="no <unk>: the other events are drawn by p / (1 - p(<unk>))"
    )

    added = command("export", models.export)
    added.add_argument("row")
    added.add_argument("file", type=Path, help="plain, .gz or .xz")
    one_row(added)
    added.add_argument("--seed", type=SEED, default=0)
    if words and words[0] in parsers:  # by itself it takes options wherever they stand between other words
        return parsers[words[0]].parse_intermixed_args(list(words[1:]))
    return parser.parse_args(words)
