"""Texts beside train that word vectors are learnt from: found, cut as train is, and kept apart from test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lmbench.errors import BadText
from lmbench.storage import atomic_write, damaged, kept, sha256
from lmbench.text import hungry
from lmbench.text.corpus import Corpus
from lmbench.text.files import read_lines
from lmbench.text.token_cache import tokenize
from lmbench.text.tokenizers import TOKENIZERS
from lmbench.text.vocabulary import ranked

BUILTIN: dict[str, Callable[[], list[str]]] = {"hungry": lambda: [" ".join(row) for row in hungry.splits()["train"]]}
"""Texts that come with lmbench: the train split of the built-in corpus under its first seed."""

NO_MEASURE = "vectors that have read what models are tested on are no measure of anything"
TAKE_OUT = "take these lines out of it, or give another text"


@dataclass(frozen=True, eq=False)
class EmbeddingText:
    """name: as the benchmark has it    lines: sentences    tokens: of each, as train is cut"""

    name: str
    lines: Sequence[str]
    tokens: Sequence[Sequence[str]]

    @classmethod
    def read(cls, name: str, tokenizer: str, find: Callable[[str], Path], cache: Path) -> EmbeddingText:
        """A text that comes with lmbench, or a file."""
        lines = BUILTIN[name]() if name in BUILTIN else read_lines(find(name)).lines
        return cls(name, lines, tokenize(TOKENIZERS[tokenizer], lines, cache))

    @classmethod
    def of_train(cls, name: str, corpus: Corpus) -> EmbeddingText:
        """Train, without its sentences that test or a further test set has too."""
        held = {line for split, lines in corpus.lines.items() if split not in ("train", "valid") for line in lines}
        both = zip(corpus.lines["train"], corpus.train_tokens, strict=True)
        kept = [(line, tokens) for line, tokens in both if line not in held]
        return cls(name, [line for line, _ in kept], [tokens for _, tokens in kept])

    def words(self, least: int) -> list[str]:
        """Those that occur `least` times or more, by falling count."""
        return ranked(self.tokens, min_count=least)

    def leaked(self, corpus: Corpus) -> dict[str, list[str]]:
        """Test and the further test sets -> their sentences that are lines of it. Lines of train may be."""
        own = set(self.lines)
        sets = {name: lines for name, lines in corpus.lines.items() if name not in ("train", "valid")}
        return {name: [line for line in lines if line in own] for name, lines in sets.items()}

    def refuse_test(self, corpus: Corpus) -> None:
        """BadText where a sentence of test, or of a further test set, is a line of it."""
        for split, lines in self.leaked(corpus).items():
            if lines:
                raise BadText(
                    f"embedding_text {self.name!r} has {len(lines)} of the {len(corpus.lines[split])} sentences of "
                    f"{split} in it ({lines[0]!r}, say): {NO_MEASURE}; {TAKE_OUT}"
                )

    def store(self, folder: Path) -> Path:
        """Where a row reads it: a line a sentence, its tokens between spaces."""
        content = "".join(" ".join(row) + "\n" for row in self.tokens)
        checksum = sha256(content.encode())
        path = folder / f"{checksum}.text.txt"

        def check(path: Path) -> bool:  # its name is its seal: no line that is no sentence can be in it
            if sha256(path) != checksum:
                raise damaged(path)
            return True

        if not kept(path, check):
            atomic_write(path, content)
        return path
