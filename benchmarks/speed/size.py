"""Bytes on disk of modified Kneser-Ney models, and their test perplexity: lmbench's files and KenLM's, as Markdown.

    python benchmarks/speed/size.py --kenlm BIN --train TRAIN --test TEST [--order 5] [--prune 0 0 1]

BIN holds lmplz, build_binary and query of KenLM (github.com/kpu/kenlm); texts have one sentence a line, tokens
between spaces, plain or packed. The models are of all n-grams, and again without those that --prune names.
A file of KenLM's is what is searched in memory; one of lmbench's is unpacked first. Both hold the vocabulary.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from lmbench.bench import store
from lmbench.measures.perplexity import perplexity
from lmbench.models.ngram import NGram
from lmbench.text.files import read_lines
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import Vocabulary, escape

OURS = {
    "64 bits": {},
    "32 bits": {"bits": 32},
    "8 bits": {"bits": 8},
    "8 bits, no counts": {"bits": 8, "counts": False},
}
THEIRS = {
    "probing": ["probing"],
    "trie": ["trie"],
    "trie -q 8 -b 8": ["-q", "8", "-b", "8", "trie"],
    "trie -q 8 -b 8 -a 22": ["-q", "8", "-b", "8", "-a", "22", "trie"],
}
Line = tuple[str, int, float]


def ours(train: Sentences, test: Sentences, order: int, cutoffs: list[int], folder: Path) -> Iterator[Line]:
    """What each form of an lmbench model takes, and says of test once it is loaded again."""
    for name, fields in OURS.items():
        model = NGram(order=order, cutoffs=tuple(cutoffs), **fields).fit(train, test)
        size = store.save(model, folder / "ours")
        yield f"lmbench, {name}", size, perplexity(store.load(folder / "ours").log_probs(test))


def theirs(programs: Path, texts: dict[str, Path], order: int, cutoffs: list[int], folder: Path) -> Iterator[Line]:
    """The same of each form of a KenLM model."""
    arpa, binary = folder / "theirs.arpa", folder / "theirs.binary"
    pruned = ["--prune", *map(str, cutoffs)] if any(cutoffs) else []
    room = ["-T", str(folder), "-S", "2G"]
    with texts["train"].open("rb") as text, arpa.open("wb") as made:
        told = subprocess.DEVNULL
        subprocess.run(
            [programs / "lmplz", "-o", str(order), *room, *pruned], stdin=text, stdout=made, stderr=told, check=True
        )
    for name, form in THEIRS.items():
        command = [programs / "build_binary", *room, *form, arpa, binary]
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        with texts["test"].open("rb") as text:
            asked = [programs / "query", "-v", "summary", binary]
            said = subprocess.run(asked, stdin=text, capture_output=True, check=True).stdout.decode()
        found = re.search(r"Perplexity including OOVs:\s+(\S+)", said)
        assert found, said
        yield f"KenLM, {name}", binary.stat().st_size, float(found[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kenlm", type=Path, required=True, metavar="BIN")
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--order", type=int, default=5)
    parser.add_argument("--prune", type=int, nargs="+", default=[0, 0, 1])
    options = parser.parse_args()
    words = {name: [line.split() for line in read_lines(getattr(options, name)).lines] for name in ("train", "test")}
    vocab = Vocabulary.build(words["train"])
    train, test = (Sentences.encode(words[name], vocab) for name in ("train", "test"))
    write = sys.stdout.write
    write("| n-grams | file | bytes | perplexity |\n| --- | --- | ---: | ---: |\n")
    with TemporaryDirectory() as name:
        folder = Path(name)
        texts = {split: folder / split for split in words}
        for split, path in texts.items():  # escaped, so that KenLM takes a literal <unk> for a word too
            path.write_text("".join(" ".join(map(escape, row)) + "\n" for row in words[split]), "utf-8")
        del words
        for cutoffs in [0], options.prune:
            kept = f"without those of {' '.join(map(str, cutoffs))}" if any(cutoffs) else "all"
            for lines in (
                theirs(options.kenlm, texts, options.order, cutoffs, folder),
                ours(train, test, options.order, cutoffs, folder),
            ):
                for title, size, ppl in lines:
                    write(f"| {kept} | {title} | {size:,} | {ppl:.4f} |\n")
                    sys.stdout.flush()


if __name__ == "__main__":
    main()
