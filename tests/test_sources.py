"""What a number rests on is read from imports: what decides it is in, what only looks on is out."""

import importlib
import sys

import pytest

from lmbench import sources
from lmbench.models import kinds

COMPUTING = "lmbench.bench.execute"


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_what_a_kind_imports_when_it_is_imported_is_in_its_closure(kind):
    """The closure read from source against what Python itself loads: nothing of lmbench may be missing."""
    module = kinds()[kind].module
    if not module.startswith("lmbench."):
        pytest.skip("a kind of another package")
    importlib.import_module(module)
    found = sources.closure(module)
    waiting, loaded = [module], set()
    while waiting:
        name = waiting.pop()
        if name in loaded:
            continue
        loaded.add(name)
        waiting += [
            value.__module__ if not hasattr(value, "__path__") and hasattr(value, "__module__") else value.__name__
            for value in vars(sys.modules[name]).values()
            if str(getattr(value, "__module__", None) or getattr(value, "__name__", "")).startswith("lmbench.")
            and (getattr(value, "__module__", None) or value.__name__) in sys.modules
        ]
    assert loaded <= found.keys()


def test_compiled_loops_decide_a_count_and_so_does_their_compiler():
    """Loops and numpy give the same bits today; whether they will is what a key must not take on trust."""
    found = sources.closure(COMPUTING, kinds()["ngram"].module)
    assert "lmbench.compiled.kernels" in found
    assert {"numba", "numpy", "python"} <= sources.libraries(COMPUTING, kinds()["ngram"].module).keys()


@pytest.mark.parametrize(
    "onlooker",
    ["lmbench.measures.published", "lmbench.report.document", "lmbench.neural.diagnostics.cells", "lmbench.cli"],
)
def test_what_decides_no_number_of_a_row_is_in_no_key(onlooker):
    assert onlooker not in sources.closure(COMPUTING, *(point.module for point in kinds().values()))


def test_a_counting_row_does_not_hang_on_libraries_of_networks():
    assert not {"torch", "gensim"} & sources.libraries(COMPUTING, kinds()["ngram"].module).keys()
    assert {"torch", "gensim"} <= sources.libraries(COMPUTING, kinds()["recurrent"].module).keys()


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Another package: a module that imports a neighbour, one for a type checker alone, and one that nobody imports."""
    folder = tmp_path / "their_package"
    folder.mkdir()
    for name, text in {
        "__init__": "",
        "kind": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from their_package import typed\n"
        "def fit():\n    from their_package.near import f\n",
        "near": "import json, numpy\nimport their_package.far as g\n",
        "far": "from lmbench.errors import BadModel\n",
        "typed": "",
        "idle": "",
    }.items():
        (folder / f"{name}.py").write_text(text, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    for remembered in (sources.closure, sources._file):  # of a package of this name in another folder
        remembered.cache_clear()
    return folder


@pytest.mark.usefixtures("package")
def test_a_closure_follows_imports_of_ours_and_of_its_own_package():
    found = set(sources.closure("their_package.kind"))
    assert found == {
        "their_package",
        *(f"their_package.{n}" for n in ("kind", "near", "far")),
        "lmbench",
        "lmbench.errors",
    }
    assert sources.libraries("their_package.kind").keys() == {"python", "numpy"}
    assert not [name for name in sys.modules if name.startswith("their_package")]  # nothing was imported


def test_an_edit_anywhere_in_the_closure_is_another_code_and_outside_it_the_same(package):
    before = sources.code("their_package.kind")
    (package / "idle.py").write_text("x = 1\n", "utf-8")
    assert sources.code("their_package.kind") == before
    (package / "far.py").write_text("from lmbench.errors import BadModel  # edited\n", "utf-8")
    assert sources.code("their_package.kind") != before
