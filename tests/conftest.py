"""What tests in several folders ask for."""

import sys
from importlib import import_module

import pytest


@pytest.fixture(scope="session")
def kenlm():
    """KenLM's own module; where the test environment has it, its absence is a failure."""
    if sys.version_info[:2] != (3, 11):
        pytest.skip("kenlm comes as source alone and takes minutes to compile: it is installed on Python 3.11 only")
    return import_module("kenlm")
