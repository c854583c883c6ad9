"""The command that makes files of a corpus of nltk's."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from lmbench.commands import DONE


def corpus(options: argparse.Namespace, _: Sequence[str]) -> int:
    """write a corpus of nltk's as files that benchmarks read

    Its sentences go to DIR/NAME/PART.txt and the document of each to DIR/NAME/PART.documents.txt, for the parts train,
    valid, test and reserve, each of whole documents (3, 1, 1 and 5 of ten). nltk gets the data: python -m
    nltk.downloader NAME
    """
    from lmbench.bench.prepare import data_folder
    from lmbench.text import nltk_text

    folder = (data_folder(options.data) or Path()) / options.name
    for part, sentences in nltk_text.write(options.name, folder).items():
        print(f"{folder / part}.txt: {sentences:,} sentences")
    return DONE
