"""Where a network's word vectors start, whether they stay there, and what is made of them at the output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
import torch

from lmbench.errors import BadConfig, BadText
from lmbench.fields import Among, Between, File, Seed, Width
from lmbench.model import LanguageModel, Neighbours
from lmbench.neural import kept_vectors, vectors_file
from lmbench.neural.embeddings import METHODS, Space, align
from lmbench.neural.kept_vectors import Learnt
from lmbench.neural.network import Network
from lmbench.neural.output import Softmax
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import EOS

RANDOM, FILE = "random", "file"
STARTS = dict.fromkeys((RANDOM, *METHODS, FILE))


class Started(LanguageModel):
    """What a start leaves behind. Not a dataclass: none of it is a hyperparameter."""

    net_: Network
    vectorless_: int
    """Words of the vocabulary that had to start at random because there is no word vector of them."""
    vector_notes_: tuple[str, ...] = ()
    """What was left out of the file of vectors."""
    source_: Space | None = None
    """All the vectors that were learnt or read; a model that is restored has the network's alone."""
    vectors_folder: Path | None = None
    """Where learnt vectors are kept for other rows that start from the same; None: nowhere."""
    spared_seconds_: float = 0.0
    """What learning them took the row that did it, where this one found them there."""


@dataclass(kw_only=True)
class WordVectors(Started):
    """The fields of a network that are about its word vectors.

    dim: D, length of a word's vector
    embeddings: where they start: 'random'; learnt from text by 'word2vec' (CBoW), 'skipgram' or 'fasttext', with
        vector_window words on each side, in vector_epochs passes; or read from a 'file'
    embedding_text: the text that they are learnt from instead of train: a file, or in a benchmark 'hungry', the
        built-in corpus' train; a benchmark cuts it into its own units and refuses one that has a test sentence
    vector_file: the 'file': .vec, word2vec's or fastText's .bin
    frozen: training leaves the vectors as they are, those that start at random too
    tied: the output layer uses the vectors as its kernel      mapped: through a map, and with nothing of a word's own
        (see output.Softmax). Of a word that train lacks an untied output learns that it never comes, a tied one the
        same, and its vector goes with it unless it is frozen; a mapped one learns how words come of their vectors
    """

    files: ClassVar[tuple[str, ...]] = ("embedding_text", "vector_file")

    dim: Width = 64
    embeddings: Annotated[str, Among(STARTS)] = RANDOM
    embedding_text: File | None = None
    vector_file: File | None = None
    vector_window: Annotated[int, Between(1, 1000)] = 2
    vector_epochs: Annotated[int, Between(1, 10**4)] = 5
    frozen: bool = False
    tied: bool = True
    mapped: bool = False
    seed: Seed = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.mapped and not self.tied:
            raise BadConfig("mapped = true makes the output of the vectors, and tied = false does not: set tied = true")
        if (self.embeddings == FILE) != (self.vector_file is not None):
            raise BadConfig(
                f"embeddings = {self.embeddings!r} with vector_file = {self.vector_file!r}: vectors are read from a "
                "file if embeddings is 'file' and vector_file names it; set both, or neither"
            )
        if self.embedding_text is not None and self.embeddings not in METHODS:
            raise BadConfig(
                f"embedding_text = {self.embedding_text!r} is read by nothing while embeddings = {self.embeddings!r}: "
                f"set embeddings to one of {', '.join(METHODS)}, or leave it out"
            )

    def start(self, net: Network, train: Sentences) -> None:
        """Give a fresh network its vectors, and what its output must know of train."""
        self.vectorless_, self.source_, self.spared_seconds_, self.vector_notes_ = 0, None, 0.0, ()
        if self.embeddings != RANDOM:
            found = self._learnt(train)
            vectors, self.source_, self.spared_seconds_ = found.vectors, found.space, found.spared
            known = ~np.isnan(vectors[:, 0])
            self.vectorless_ = int((~known[EOS + 1 : -1]).sum())
            named = self.vector_file or self.embedding_text
            if named is not None and not known[EOS + 1 : -1].any():
                raise BadText(
                    f"{named} has no word of the vocabulary: it may be of another language or of words in other units; "
                    "give one in the units that the text is cut into, or set embeddings = 'random'"
                )
            with torch.no_grad():
                net.embedding.weight[torch.from_numpy(known)] = torch.from_numpy(vectors[known]).to(
                    net.embedding.weight.device
                )
        net.embedding.weight.requires_grad_(not self.frozen)
        if self.mapped and isinstance(net.output, Softmax):
            net.output.train_on(torch.from_numpy(np.bincount(train.tokens, minlength=len(train.vocab)) > 0))

    def _learnt(self, train: Sentences) -> Learnt:
        if self.vector_file is not None:
            found = vectors_file.read(self.find(self.vector_file), self.dim)
            self.vector_notes_ = found.notes
            return Learnt(align(found.source, train.vocab, self.dim), Space.of(found.source))
        text = None if self.embedding_text is None else self.find(self.embedding_text)
        asked = {"dim": self.dim, "window": self.vector_window, "epochs": self.vector_epochs, "seed": self.seed}
        return kept_vectors.learnt(train, text, self.embeddings, self.vectors_folder, **asked)

    def nearest(self, words: Sequence[str], k: int) -> Neighbours:
        """In 'start', all that the vectors were learnt with, and 'trained', the events as the network has them."""
        spaces = {} if self.source_ is None else {"start": self.source_}
        if self.embeddings != RANDOM:
            spaces["trained"] = Space(self.vocab_.events, self.net_.embedding.weight.detach().cpu().numpy()[:-1])
        return {
            name: {word: near for word in words if (near := space.neighbours(word, k))}
            for name, space in spaces.items()
        }

    def start_notes(self) -> tuple[str, ...]:
        """What was left out of a file of vectors, and words that had to start without a vector."""
        if not self.vectorless_:
            return self.vector_notes_
        stay = " and stay there" if self.frozen else ""
        words = "word" if self.vectorless_ == 1 else "words"
        return (
            *self.vector_notes_,
            f"{self.vectorless_:,} {words} without a {self.embeddings} vector start at random{stay}",
        )
