"""What tests in several folders ask for."""

import sys
from importlib import import_module

import pytest


@pytest.fixture(scope="session")
def kenlm():
    """KenLM's own module; a missing one is a failure wherever it can be installed."""
    if sys.version_info >= (3, 13):
        pytest.skip("kenlm 0.3.0, the latest release, does not compile on Python 3.13")
    return import_module("kenlm")
