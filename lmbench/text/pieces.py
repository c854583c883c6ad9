"""Units learnt from train: byte pairs that occur often, or pieces that make the text likeliest, by SentencePiece.

Both are cut inside words alone, from the text as it is: no normalisation but lmbench's own, no sampling, one thread,
every line read. So the same lines give the same pieces, byte for byte. A character that train lacks is no piece, and is
not replaced by its bytes: it stays what it is, alone or with others of its kind beside it one token out of the
vocabulary, whose spelling is priced as any other's, so an unknown word costs the same thing in every unit.
SentencePiece says only where a line is cut; tokens are slices of the line, so they restore it whatever the pieces are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from io import BytesIO
from itertools import accumulate
from types import ModuleType
from typing import Any

from lmbench.errors import BadConfig
from lmbench.storage import sha256
from lmbench.text.marks import marked_slices

PIECES = 8000
"""How many are learnt where nobody says."""
SETTINGS = {
    "character_coverage": 1.0,
    "normalization_rule_name": "identity",
    "remove_extra_whitespaces": False,
    "hard_vocab_limit": False,  # a small text has fewer pieces than were asked for
    "shuffle_input_sentence": False,
    "max_sentence_length": 1 << 30,  # the default leaves long lines out
    "num_threads": 1,
    "unk_id": 0,
    "bos_id": -1,
    "eos_id": -1,
    "minloglevel": 2,
}


def learn(kind: str, lines: Sequence[str], pieces: int) -> bytes:
    """A SentencePiece model of the lines, 'bpe' (Sennrich et al. 2016) or 'unigram' (Kudo 2018), with so many pieces.

    Fewer where the text has no more; each character of the lines is one, so there must be room for these.
    """
    found = BytesIO()
    try:
        _sentencepiece(kind).SentencePieceTrainer.train(
            sentence_iterator=iter(lines), model_writer=found, model_type=kind, vocab_size=pieces, **SETTINGS
        )
    except RuntimeError as error:
        characters = len({character for line in lines for character in line})
        raise BadConfig(
            f"no {pieces} pieces of kind {kind!r} can be learnt from train: every one of its {characters} characters "
            f"is a piece (SentencePiece says: {' '.join(str(error).split())}); raise pieces, or give another text"
        ) from None
    return found.getvalue()


def cut(kind: str, model: bytes, lines: Sequence[str]) -> Iterator[list[str]]:
    """Tokens of each normalised line under a model of learn()."""
    for line, pieces in zip(lines, _processor(kind, model).encode(list(lines), out_type=str), strict=True):
        yield list(marked_slices(line, list(accumulate(map(len, pieces))))) if line else []


def version(kind: str, model: bytes) -> str:
    """The package and what it has learnt; the leading number is that of the cutting rule."""
    return f"1, sentencepiece {_sentencepiece(kind).__version__}, {sha256(model)}"


@lru_cache(maxsize=2)
def _processor(kind: str, model: bytes) -> Any:
    return _sentencepiece(kind).SentencePieceProcessor(model_proto=model, num_threads=1)


def _sentencepiece(kind: str) -> ModuleType:
    try:
        import sentencepiece
    except ImportError as error:
        raise BadConfig(
            f"the tokenizer {kind!r} needs the package sentencepiece, which cannot be imported ({error}): it is an "
            "optional part; pip install 'lmbench[units]', or take 'syllables' or 'whitespace'"
        ) from None
    module: ModuleType = sentencepiece
    return module
