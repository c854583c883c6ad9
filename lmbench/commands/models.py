"""Commands about one model, a row that was run or one of its own: fit, score, explain, generate, export."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lmbench.commands import DONE
from lmbench.errors import BadConfig, BadText

if TYPE_CHECKING:
    from lmbench.bench.benchmark import Benchmark
    from lmbench.model import LanguageModel


def fit(options: argparse.Namespace, _: Sequence[str]) -> int:
    """fit one model on one text, outside any benchmark, and save it

    score, generate and the other commands about one row take PATH in place of a row: with a slash in it, such as
    ./PATH, it is always the model; without one, the row of a benchmark if there is one of that name.
    """
    from lmbench.bench import store
    from lmbench.bench.fit import fit as fitted

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
    from lmbench.bench.toml_file import value_of

    name, is_there, value = text.partition("=")
    if not is_there:
        raise BadConfig(f"--set {text!r} is not FIELD=VALUE; write for instance order=3")
    return name, value_of(value)


def score(options: argparse.Namespace, _: Sequence[str]) -> int:
    """print log2-probability, tokens and perplexity of sentences under a fitted row; nan where it is no distribution"""
    import numpy as np

    from lmbench.bench.contract import scored
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
    from lmbench.models import kind_of
    from lmbench.ngrams import arpa

    model = _fitted(options)[0]
    backoff = getattr(model, "backoff_", None)
    if backoff is None:
        raise BadConfig(
            f"row {options.row!r} is of kind {kind_of(model)!r}, which has no back-off form, and ARPA "
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

    if (saved := _saved(options)) is not None:
        model, tokenizer = store.load_with_tokenizer(saved)
        if tokenizer:
            return model, TOKENIZERS[tokenizer]
    benchmark, folder = _benchmark_of(options)
    model = runner.fitted(benchmark, options.row, folder, options.seed)
    return model, runner.tokenizer(folder)


def _saved(options: argparse.Namespace) -> Path | None:
    """The saved model that is asked for; None: a row of a benchmark is.

    A path with a slash is a model; with --benchmark or --out a row is asked for. Otherwise it is a row if the benchmark
    has one of this name, fitted or not, which is said where there is a model of that name too.
    """
    from lmbench.bench import store

    path = Path(options.row)
    if not store.exists(path):
        return None
    if path.name != options.row:
        return path
    if options.benchmark is not None or options.out is not None:
        return None
    benchmark, folder = _benchmark_of(options)
    if options.row not in {row.name for row in benchmark.rows}:
        return path
    print(
        f"note: {options.row} is the row of {benchmark.name} in {folder}; for the model of that name in this folder "
        f"write ./{options.row}",
        file=sys.stderr,
    )
    return None


def _benchmark_of(options: argparse.Namespace) -> tuple[Benchmark, Path]:
    """The benchmark that is named, or hungry, and its folder."""
    from lmbench.bench import found

    out = found.REPORTS if options.out is None else options.out
    benchmark = found.find(options.benchmark, out).single()
    return benchmark, out / benchmark.name
