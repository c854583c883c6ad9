"""Training and scoring of n-gram models beside KenLM and nltk, in one run, by turns; prints tables in Markdown.

    python benchmarks/speed/ngram.py --kenlm kenlm/build/bin --text ptb=ptb.train.txt,ptb.test.txt --repeats 5

Training is the whole process from a text file to a saved model: `python -m lmbench fit ngram` (arrays and checksum on
disk) and `lmplz -S 4G` (ARPA on disk). Scoring is what comes after loading: for KenLM `query -v summary` on a probing
binary, less its time for a single line; here, lines in memory to the sum of log-probabilities, what is made when one
is first asked being made before. numba is used where it is installed.
Without --kenlm only this side is timed. --grammar FILE makes a text of the built-in language, in --tokens tokens.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

ORDER = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kenlm", type=Path, help="folder of lmplz, build_binary and query")
    parser.add_argument("--text", action="append", default=[], metavar="NAME=TRAIN[,TEST]")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--nltk", metavar="TRAIN", type=Path, help="a text, of which nltk.lm learns the first lines")
    parser.add_argument("--grammar", type=Path, help="make this file, then end")
    parser.add_argument("--tokens", type=int, default=50_000_000)
    options = parser.parse_args()
    if options.grammar:
        make_text(options.grammar, options.tokens)
        return
    versions = f"Python {platform.python_version()}, numpy {version('numpy')}, numba {numba_version()}"
    print(f"{time.strftime('%Y-%m-%d')}, {cpu()}, {os.cpu_count()} cores, {versions}\n")
    texts = [(name, *files.split(",")) for name, files in (text.split("=", 1) for text in options.text)]
    with tempfile.TemporaryDirectory() as folder:
        print("| text | tokens | lmbench s | MB | lmplz s | MB | time ratio | memory ratio |")
        print("|---|---:|---:|---:|---:|---:|---:|---:|")
        for name, train, *_ in texts:
            compare_training(name, Path(train), Path(folder), options.kenlm, options.repeats)
        print("\n| text | tokens | lmbench tokens/s | query tokens/s | ratio |\n|---|---:|---:|---:|---:|")
        for name, _, *test in texts:
            for file in test:
                compare_scoring(name, Path(file), Path(folder), options.kenlm, options.repeats)
    if options.nltk:
        compare_nltk(options.nltk)


def compare_training(name: str, train: Path, folder: Path, kenlm: Path | None, repeats: int) -> None:
    """One line of the table of training; the models stay in folder."""
    ours = [sys.executable, "-m", "lmbench", "fit", "ngram", str(train), "--model", str(folder / name)]
    theirs = [] if kenlm is None else [str(kenlm / "lmplz"), "-o", str(ORDER), "-S", "4G", "-T", str(folder)]
    # lmplz takes these three for what they mean to itself, and stops where a text has them
    theirs += ["--skip_symbols", "--discount_fallback", "--text", str(train), "--arpa", str(folder / f"{name}.arpa")]
    runs: dict[str, list[tuple[float, float]]] = {"ours": [], "theirs": []}
    for _ in range(repeats):
        runs["ours"].append(timed([*ours, "--set", f"order={ORDER}", "counts=false"]))
        if kenlm is not None:
            runs["theirs"].append(timed(theirs))
    (time_a, memory_a), (time_b, memory_b) = (
        (median(t for t, _ in side), max(m for _, m in side)) if side else (float("nan"),) * 2 for side in runs.values()
    )
    with train.open("rb") as file:
        tokens = sum(len(line.split()) + 1 for line in file)
    ratios = f"{time_a / time_b:.2f} | {memory_a / memory_b:.2f}"
    print(f"| {name} | {tokens:,} | {time_a:.2f} | {memory_a:,.0f} | {time_b:.2f} | {memory_b:,.0f} | {ratios} |")
    sys.stdout.flush()


def compare_scoring(name: str, test: Path, folder: Path, kenlm: Path | None, repeats: int) -> None:
    """One line of the table of scoring."""
    from lmbench import compiled
    from lmbench.bench.store import load
    from lmbench.text import bulk

    compiled.use = True  # importing numba is loading
    lines = test.read_text("utf-8").splitlines()
    model = load(folder / name)
    batch = bulk.encode(lines, model.vocab_)
    model.log_probs(batch)
    binary = folder / f"{name}.binary"
    if kenlm is not None:
        subprocess.run(
            [kenlm / "build_binary", "-s", "probing", folder / f"{name}.arpa", binary], check=True, capture_output=True
        )
        (folder / "one.txt").write_text(lines[0] + "\n", "utf-8")
    ours, theirs = [], []
    for _ in range(repeats * 3):
        start = time.perf_counter()
        model.log_probs(bulk.encode(lines, model.vocab_)).sum()
        ours.append(time.perf_counter() - start)
        if kenlm is not None:
            query = [str(kenlm / "query"), "-v", "summary", str(binary)]
            theirs.append(timed(query, test)[0] - timed(query, folder / "one.txt")[0])
    a, b = batch.n_tokens / median(ours), batch.n_tokens / median(theirs) if theirs else float("nan")
    print(f"| {name} | {batch.n_tokens:,} | {a:,.0f} | {b:,.0f} | {a / b:.2f} |")
    sys.stdout.flush()


def compare_nltk(train: Path, n_lines: int = 2000, n_scored: int = 60) -> None:
    """A Kneser-Ney trigram of nltk.lm and one of here, on the first lines of a text."""
    from nltk.lm import KneserNeyInterpolated
    from nltk.lm.preprocessing import padded_everygram_pipeline

    from lmbench.models.ngram import NGram
    from lmbench.text.sentences import Sentences
    from lmbench.text.vocabulary import Vocabulary

    with train.open(encoding="utf-8") as file:
        rows = [line.split() for line, _ in zip(file, range(n_lines), strict=False)]
    start = time.perf_counter()
    theirs = KneserNeyInterpolated(3)
    theirs.fit(*padded_everygram_pipeline(3, rows))
    fit_theirs = time.perf_counter() - start
    words = [word for row in rows for word in row][: n_scored + 2]
    start = time.perf_counter()
    for i in range(2, len(words)):
        theirs.logscore(words[i], words[i - 2 : i])
    score_theirs = n_scored / (time.perf_counter() - start)
    start = time.perf_counter()
    batch = Sentences.encode(rows, Vocabulary.build(rows))
    ours = NGram(order=3, smoothing="kneser_ney").fit(batch, batch)
    fit_ours = time.perf_counter() - start
    start = time.perf_counter()
    ours.log_probs(batch)
    score_ours = batch.n_tokens / (time.perf_counter() - start)
    print(f"\nKneser-Ney trigram on {n_lines:,} lines, {batch.n_tokens:,} tokens\n")
    print("| | lmbench | nltk.lm | ratio |\n|---|---:|---:|---:|")
    print(f"| fit, s | {fit_ours:.3f} | {fit_theirs:.1f} | {fit_theirs / fit_ours:,.0f} |")
    print(f"| score, tokens/s | {score_ours:,.0f} | {score_theirs:,.0f} | {score_ours / score_theirs:,.0f} |")


def timed(command: list[str], given: Path | None = None) -> tuple[float, float]:
    """Seconds and peak resident MB of one process."""
    start = time.perf_counter()
    with (given or Path(os.devnull)).open("rb") as file, open(os.devnull, "wb") as nowhere:
        process = subprocess.Popen(command, stdin=file, stdout=nowhere, stderr=nowhere)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def make_text(path: Path, tokens: int) -> None:
    """Sentences of the built-in language, as many as come to so many tokens with their ends."""
    with path.open("w", encoding="utf-8") as file:
        for row in sentences():
            file.write(" ".join(row) + "\n")
            tokens -= len(row) + 1
            if tokens <= 0:
                return


def sentences() -> Iterator[list[str]]:
    import numpy as np

    from lmbench.text.hungry import grammar

    part = 0
    while True:
        yield from grammar(True).sample(100_000, np.random.default_rng([7, part]))
        part += 1


def numba_version() -> str:
    try:
        return version("numba")
    except PackageNotFoundError:
        return "not installed"


def cpu() -> str:
    """What the processor calls itself."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
