"""What the README says is run here: its commands, its example of a model, its lists of kinds and settings."""

import ast
import os
import re
import shlex
import subprocess
import sys
from dataclasses import fields
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import lmbench
from lmbench.bench import benchmark, store
from lmbench.bench.contract import scored
from lmbench.bench.evaluate import sums_to_one
from lmbench.models import construct, family, kinds, model_class
from lmbench.ngrams.smoothing import METHODS
from lmbench.text.sentences import Sentences
from lmbench.text.tokenizers import TOKENIZERS
from lmbench.text.vocabulary import Vocabulary

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
HEAVY = ("torch", "pandas", "matplotlib", "gensim", "nltk", "scipy", "rich")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.S | re.M)


def block_after(marker):
    return re.search(rf"<!-- {marker} -->\n```\w+\n(.*?)^```", README, re.S | re.M)[1]


COMMANDS = [
    shlex.split(part.split("-m lmbench", 1)[1])
    for block in blocks("sh")
    for part in re.split(r"&&|\n", block)
    if "-m lmbench" in part
]


RUN = f"""
import sys
sys.path[0] = {str(Path(lmbench.__file__).parent.parent)!r}  # the lmbench that is tested, wherever we stand
from lmbench.cli import main
try:
    code = main()
except SystemExit as stop:
    code = stop.code
print("imported:", *[name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)
sys.exit(code)
"""


def command(*words):
    """The command line in a process of its own."""
    wide = {**os.environ, "COLUMNS": "200"}
    return subprocess.run([sys.executable, "-c", RUN, *words], capture_output=True, text=True, env=wide, timeout=120)


def test_the_readme_has_commands():
    assert {words[0] for words in COMMANDS} == {
        "run",
        "report",
        "list",
        "score",
        "generate",
        "explain",
        "export",
        "fit",
        "verify",
        "diagnose",
        "audit",
        "probes",
        "corpus",
    }


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_commands_and_options_of_the_readme_exist(words):
    told = command(words[0], "--help")
    assert told.returncode == 0, told.stderr
    for option in words[1:]:
        assert not option.startswith("--") or re.search(rf"{option}\b", told.stdout), f"{words[0]} has no {option}"


def test_rows_that_the_readme_runs_are_in_the_built_in_benchmark():
    for words in COMMANDS:
        if words[0] == "run" and "--benchmark" not in words and len(words) > 1:
            assert benchmark.load("hungry").select(words[1:2])


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["list"], ["run", "--help"]], ids=" ".join)
def test_asking_imports_nothing_heavy(words):
    told = command(*words)
    assert told.returncode == 0, told.stderr
    assert told.stdout.strip()
    assert told.stderr.strip() == "imported:"


def test_kinds_and_families_of_the_readme_are_those_there_are():
    rows = dict(re.findall(r"^\| `(\w+)` \| ([\w-]+) \|", README, re.M))
    ours = {name for name, point in kinds().items() if point.module.startswith("lmbench.")}
    assert rows == {kind: family(kind) for kind in ours}


def test_settings_that_the_readme_lists_exist():
    for name in (*METHODS, *TOKENIZERS):
        assert f"`{name}`" in README


def test_files_of_the_data_folder_are_in_the_readme():
    for name in benchmark.builtin():
        corpus = benchmark.load(name).corpus
        for file in (corpus.train, corpus.valid, corpus.test):
            assert file is None or "/" not in file or f"`{file}`" in README, f"{name} reads {file}"


def test_the_test_command_is_what_ci_runs():
    lines = [line for block in blocks("sh") for line in block.splitlines() if "tox run" in line]
    assert len(lines) == 1
    assert lines[0] in (ROOT / ".ci" / "run").read_text("utf-8").splitlines()


def test_links_lead_somewhere():
    filled = re.search(r"<!-- main table -->\s*\|", README)
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if "://" not in target and (filled or not target.startswith("reports/")):
            assert (ROOT / target).exists(), target


@pytest.mark.parametrize(
    "page", ["README.md", "CHANGELOG.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
)
def test_source_files_that_are_named_exist(page):
    for name in re.findall(r"`((?:lmbench|tests|benchmarks)/[\w./]+)`", (ROOT / page).read_text("utf-8")):
        assert (ROOT / name).exists() or name == "lmbench/models/skip.py", f"{page} names {name}"


@pytest.fixture
def installed_skip(tmp_path, monkeypatch):
    """The README's model in another package, found through the entry point that the README shows."""
    (tmp_path / "my_package").mkdir()
    (tmp_path / "my_package" / "__init__.py").touch()
    (tmp_path / "my_package" / "skip.py").write_text(block_after("model"), "utf-8")
    declared = next(tomllib.loads(text) for text in blocks("toml") if "entry-points" in text)
    ((name, target),) = declared["project"]["entry-points"]["lmbench.models"].items()
    info = tmp_path / "my_package-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my_package\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[lmbench.models]\n{name} = {target}\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield name
    for module in ("my_package.skip", "my_package"):
        sys.modules.pop(module, None)


TEXT = [line.split() for line in ("나는 엄청 배가 고프다", "나는 매우 배가 고프다", "오늘은 무지 춥다", "나는 잔다")]


def test_the_readme_model_keeps_the_contract(installed_skip, tmp_path):
    vocab = Vocabulary.build(TEXT)
    train = Sentences.encode(TEXT, vocab)
    assert family(installed_skip) == "ngram"
    model = construct(installed_skip, {"k": 0.5}, "row 'skip'").fit(train, train)
    assert [field.name for field in fields(model)] == ["k"]

    log_probs = scored(model, train)
    assert sums_to_one(model, train)
    table = model.next_log_probs(Sentences.of_rows([row[:i] for row in train for i in range(len(row))], vocab))
    np.testing.assert_allclose(log_probs, table[np.arange(train.n_tokens), train.tokens])
    backwards = train.take([3, 2, 1, 0])
    np.testing.assert_array_equal(scored(model, backwards), log_probs[train.token_index([3, 2, 1, 0])])
    # 고프다 two after 엄청: once in train, alone -> (1 + 0.5) / (1 + 0.5 V)
    assert np.exp(log_probs[3]) == pytest.approx(1.5 / (1 + 0.5 * len(vocab)))

    store.save(model, tmp_path / "model")
    np.testing.assert_array_equal(scored(store.load(tmp_path / "model"), train), log_probs)


@pytest.mark.usefixtures("installed_skip")
def test_the_readme_benchmark_uses_it(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(block_after("benchmark"), "utf-8")
    mine = benchmark.load(str(path))
    assert [row.name for row in mine.select(["both"])] == ["kn-3", "skip", "both"]
    for row in mine.rows:
        if not row.components:
            construct(row.kind, row.settings, f"row {row.name!r}")


def test_every_kind_says_what_it_is():
    for kind in kinds():
        cls = model_class(kind)
        assert cls.__doc__
        assert ast.get_docstring(ast.parse(Path(import_module(cls.__module__).__file__).read_text("utf-8")))
