"""lmbench: statistical and neural language models on the same text, under one contract, in one table."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lmbench.model import LanguageModel as LanguageModel
    from lmbench.text.sentences import Sentences as Sentences
    from lmbench.text.vocabulary import Vocabulary as Vocabulary

__version__ = "0.1.0"
__all__ = ["LanguageModel", "Sentences", "Vocabulary", "__version__"]

_HOMES = {
    "LanguageModel": "lmbench.model",
    "Sentences": "lmbench.text.sentences",
    "Vocabulary": "lmbench.text.vocabulary",
}


def __getattr__(name: str) -> object:
    """The public names, imported when first used: `python -m lmbench --help` needs none of them."""
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'lmbench' has no attribute {name!r}")
