"""Commands about one model, a row that was run or one of its own: fit, score, explain, generate, export."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lmbench.commands import DONE, remark, say
from lmbench.errors import BadConfig
from lmbench.wording import counted

if TYPE_CHECKING:
    from lmbench.bench.benchmark import Benchmark
    from lmbench.model import Floats, LanguageModel
    from lmbench.text.reading import Reading

UNKNOWN = "not in the vocabulary, scored as <unk>"


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
        warn=lambda warning: remark(f"warning: {warning}"),
    )
    size = store.save(model, options.model, tokenizer=options.tokenizer)
    for note in model.notes():
        remark(f"note: {note}")
    learnt = f"{counted(model.n_params(), 'parameter')} over {counted(len(model.vocab_), 'event')}"
    say(f"{options.model}: {learnt}, {size:,} bytes")
    return DONE


def _field(text: str) -> tuple[str, Any]:
    """FIELD=VALUE, the value as TOML has it; a word needs no quotes."""
    from lmbench.bench.toml_file import value_of

    name, is_there, value = text.partition("=")
    if not is_there:
        raise BadConfig(f"--set {text!r} is not FIELD=VALUE; write for instance order=3")
    return name, value_of(value)


def score(options: argparse.Namespace, _: Sequence[str]) -> int:
    """print log2-probability, tokens and perplexity of sentences under a fitted row; nan where it is no distribution

    A line for each line of the text, blank ones too, which have no tokens. Under a row of a stream the text is read as
    one stream. Words that are not in the vocabulary are scored as <unk>.
    """
    import numpy as np

    from lmbench.bench.contract import scored
    from lmbench.bench.fit import warnings
    from lmbench.measures.perplexity import BITS, perplexity
    from lmbench.text.files import STANDARD_INPUT, read_lines, sentences_of

    model, reading = _fitted(options)
    file = options.file
    read = sentences_of(sys.stdin.buffer.read(), STANDARD_INPUT) if file is None else read_lines(file)
    tokens = reading.tokenizer.tokenize(read.lines)
    batch = reading.rows(tokens)
    for warning in warnings({"the text": batch}, read.lines, reading.tokenizer.name):
        remark(f"warning: {warning}")
    log_probs = scored(model, batch)
    if options.words:
        _words(read.numbered, tokens, reading, log_probs)
        return DONE
    say("log2_prob", "tokens", "perplexity", "sentence")
    sums, sizes = (np.bincount(batch.segments, weights) for weights in (log_probs, None))
    totals = zip(sums, sizes, strict=True)
    for _number, line in read.numbered:
        total, size = next(totals) if line else (0.0, 0)
        ppl = np.exp(-total / size) if model.normalised and size else np.nan
        say(f"{total * BITS:.6f}", size, f"{ppl:.4f}", line)
    overall = perplexity(log_probs) if model.normalised else np.nan
    say(f"{log_probs.sum() * BITS:.6f}", batch.n_tokens, f"{overall:.4f}", "(all)")
    return DONE


def _words(
    lines: Sequence[tuple[int, str]], tokens: Sequence[Sequence[str]], reading: Reading, log_probs: Floats
) -> None:
    """A line a token, as the text has it: the number of its line, what it is scored with, whether it is an event."""
    from lmbench.measures.perplexity import BITS

    say("line", "word", "log2_prob", "note")
    numbers = (number for number, line in lines if line)
    values = iter(log_probs)
    for number, words in zip(numbers, tokens, strict=True):
        for word in words:
            note = "" if word in reading.vocab.ids else UNKNOWN
            say(number, word, f"{next(values) * BITS:.6f}", note)
        say(number, "</s>", f"{next(values) * BITS:.6f}", "")


def explain(options: argparse.Namespace, _: Sequence[str]) -> int:
    """show how an n-gram row comes to the probability of each word of a sentence

    A line for each context that was asked, longest first: how often the word followed it in the training text, in
    occurrences or in distinct contexts, whichever the smoothing method counts there, and the factor it gives. What
    stands under p is their product. Under a row of a stream the sentence stands after </s>.
    """
    from lmbench.ngrams.explain import of_words, table

    model, reading = _fitted(options)
    explained = getattr(model, "explain", None)
    if explained is None:
        raise BadConfig(
            f"{options.row} does not back off from context to context, so there are no steps to show: it is a model "
            f"of class {type(model).__name__}; ask a row of kind 'ngram' or 'arpa'"
        )
    (tokens,) = reading.tokenizer.tokenize([options.sentence])
    found = explained(reading.sentence(tokens))[len(reading.start) :]
    for line in table(of_words(found, [*tokens, "</s>"], stream=reading.stream)):
        say(line)
    return DONE


def generate(options: argparse.Namespace, _: Sequence[str]) -> int:
    """draw sentences from a fitted row, as score reads them

    From a row of a stream they are drawn one after another, each with those before it as its history. What is no word
    of the vocabulary is printed as <unk>, or as another sign where the text has <unk> as a word; then that is said.
    """
    import numpy as np

    from lmbench.bench.generate import sentences, stream
    from lmbench.text.vocabulary import UNK

    model, reading = _fitted(options)
    rows = (stream if reading.stream else sentences)(
        model,
        options.n,
        prefix=reading.prefix(options.prefix),
        temperature=options.temperature,
        max_tokens=options.max_tokens,
        unknown=not options.no_unk,
        rng=np.random.default_rng(options.sample_seed),
    )
    for row in rows:
        say(reading.text(row))
    if any(UNK in row for row in rows) and reading.unknown != reading.vocab.events[UNK]:
        remark(f"note: {reading.unknown} stands for any word that is not in the vocabulary")
    return DONE


def export(options: argparse.Namespace, _: Sequence[str]) -> int:
    """write a fitted n-gram row as an ARPA file, for KenLM, SRILM or another benchmark"""
    from lmbench.models import kind_of
    from lmbench.ngrams import arpa
    from lmbench.storage import is_standard_output

    arpa.check(options.file)
    model = _fitted(options)[0]
    backoff = getattr(model, "backoff_", None)
    if backoff is None:
        raise BadConfig(
            f"row {options.row!r} is of kind {kind_of(model)!r}, which has no back-off form, and ARPA "
            "files hold no other; export a row of kind 'ngram' or 'arpa'"
        )
    arpa.write(backoff, model.vocab_, options.file)
    sizes = ", ".join(f"{len(keys):,} of order {n}" for n, keys in enumerate(backoff.index.keys, start=1))
    said = f"{options.file}: n-grams {sizes}"
    if options.file.is_file():
        said += f"; {options.file.stat().st_size / 1e6:.1f} MB"
    (remark if is_standard_output(options.file) else say)(said)
    return DONE


def _fitted(options: argparse.Namespace) -> tuple[LanguageModel, Reading]:
    """The fitted model of a row, or a saved one, and how its text is read."""
    from lmbench.bench import runner, store
    from lmbench.text.reading import Reading
    from lmbench.text.tokenizers import TOKENIZERS

    if (saved := _saved(options)) is not None:
        model, tokenizer = store.load_with_tokenizer(saved)
        if tokenizer:
            return model, Reading(model.vocab_, TOKENIZERS[tokenizer])  # fit reads sentence by sentence
    benchmark, folder = _benchmark_of(options)
    model = runner.fitted(benchmark, options.row, folder, options.seed)
    return model, Reading(model.vocab_, runner.tokenizer(folder), runner.unit(folder))


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
    remark(
        f"note: {options.row} is the row of {benchmark.name} in {folder}; for the model of that name in this folder "
        f"write ./{options.row}"
    )
    return None


def _benchmark_of(options: argparse.Namespace) -> tuple[Benchmark, Path]:
    """The benchmark that is named, or hungry, and its folder."""
    from lmbench.bench import found

    out = found.REPORTS if options.out is None else options.out
    benchmark = found.find(options.benchmark, out).single()
    return benchmark, out / benchmark.name
