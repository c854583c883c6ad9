"""What tests in several folders ask for."""

import sys
from importlib import import_module

import pytest
from hypothesis import settings

# How long an example takes is of the machine; and the first one that comes to a compiled loop waits for its compiler.
settings.register_profile("lmbench", deadline=None)
settings.load_profile("lmbench")


@pytest.fixture(scope="session")
def kenlm():
    """KenLM's own module; where the test environment has it, its absence is a failure."""
    if sys.version_info[:2] != (3, 11):
        pytest.skip("kenlm comes as source alone and takes minutes to compile: it is installed on Python 3.11 only")
    return import_module("kenlm")
