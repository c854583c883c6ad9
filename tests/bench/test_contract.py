"""Whatever another package brings: a kind that breaks the contract is a failed row of one line, the others go on."""

import ast
import sys
from pathlib import Path

import numpy as np
import pytest
from toy import TEXT, toy

from lmbench.bench import contract
from lmbench.bench.benchmark import load
from lmbench.bench.contract import Held, described
from lmbench.bench.execute import execute
from lmbench.bench.runner import plan
from lmbench.cli import main
from lmbench.errors import BadModel
from lmbench.models.infinity import Infinity
from lmbench.models.ngram import NGram
from lmbench.models.recurrent import Recurrent
from lmbench.report.facts import read
from lmbench.text.sentences import Sentences

PLUGINS = Path(__file__).parent.parent / "data" / "plugins"
SOURCE = ast.parse((PLUGINS / "bad_models.py").read_text("utf-8"))
BAD = [node.name for node in SOURCE.body if isinstance(node, ast.ClassDef) and node.name != "Honest"]
AT_IMPORT = {
    "missing": None,
    "raises_there": "raise RuntimeError('two\\nlines')",
    "exits": "import sys\nsys.exit(0)",
    "no_syntax": "def (",
    "lacks_it": "",
    "nan_bytes": "\0",
}
TRAIN, VALID, TEST = toy()


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Kinds of these names, found through entry points: the classes of bad_models.py, and modules that do not load."""
    package = tmp_path / "package"
    info = package / "bad-1.dist-info"
    info.mkdir(parents=True)
    (package / "bad_models.py").write_bytes((PLUGINS / "bad_models.py").read_bytes())
    for name, text in AT_IMPORT.items():
        if text is not None:
            (package / f"at_import_{name}.py").write_text(text, "utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bad\nVersion: 1\n", "utf-8")
    points = [f"{name} = bad_models:{name}" for name in ("Honest", *BAD, "NOT_A_CLASS")]
    points += [f"{name} = at_import_{name}:Model" for name in AT_IMPORT]
    (info / "entry_points.txt").write_text("[lmbench.models]\n" + "\n".join(points), "utf-8")
    monkeypatch.syspath_prepend(package)
    monkeypatch.setenv("PYTHONPATH", f"{package}")
    yield tmp_path
    for module in ("bad_models", *(f"at_import_{name}" for name in AT_IMPORT)):
        sys.modules.pop(module, None)


def benchmark_of(folder, kinds, more=""):
    rows = "".join(f"[rows.{kind}-]\nkind = '{kind}'\n" for kind in kinds)
    story = "story = ['나는 춥다']\n"
    (folder / "mine.toml").write_text(f"{story}[corpus]\ntrain = 'train.txt'\nmin_count = 2\n{rows}{more}", "utf-8")
    (folder / "train.txt").write_text("\n".join(map(" ".join, TEXT)) + "\n", "utf-8")
    return load(str(folder / "mine.toml"))


def test_every_way_to_break_the_contract_is_a_failed_row_of_one_line(installed):
    kinds = ["Honest", *BAD, "NOT_A_CLASS", *AT_IMPORT]
    planned = plan(benchmark_of(installed, kinds), ["all"], out=installed / "out")
    errors = {job.row.kind: execute(job, planned.bench, lambda *_: None).error for job in planned.todo}
    assert list(errors) == kinds
    assert errors.pop("Honest") is None
    assert not [kind for kind, error in errors.items() if not error], "these passed"
    assert not [kind for kind, error in errors.items() if "\n" in error]
    bugs = {kind for kind, error in errors.items() if "a bug" in error}
    assert bugs <= {"Raises"}, "what is foreseen needs no traceback"


def test_the_rows_beside_them_go_on_and_the_report_is_written(installed, capsys):
    more = "[rows.mkn-2]\nkind = 'ngram'\norder = 2\n"
    more += "[rows.mix]\nkind = 'mixture'\ncomponents = ['mkn-2', 'raises_there-']\n"
    kinds = ["Honest", "Certain", "LacksMethods", *AT_IMPORT]
    benchmark_of(installed, kinds, more)
    out = installed / "out"
    assert main(["run", "all", "--benchmark", str(installed / "mine.toml"), "--out", str(out), "--jobs", "2"]) == 1
    told = capsys.readouterr().err
    assert "Traceback" not in told
    page = (out / "mine" / "report.md").read_text("utf-8")
    table = (out / "mine" / "main.csv").read_text("utf-8").splitlines()
    ok = {line.split(",")[0] for line in table if ",ok" in line or "ok" in line.split(",")}
    assert {"Honest-", "mkn-2"} <= ok, table
    assert not ok & {"Certain-", "mix", "raises_there-", "LacksMethods-"}
    assert "the two must be one distribution" in page


@pytest.mark.parametrize("kind", ["LacksMethods", "raises_there"])
def test_an_unusable_kind_is_one_line_where_it_is_asked_for_alone(installed, capsys, kind):
    (installed / "a.txt").write_text("a b\n", "utf-8")
    for words in (["list", kind], ["fit", kind, str(installed / "a.txt"), "--model", str(installed / "m")]):
        assert main(words) == 2
        out, told = capsys.readouterr()
        assert (out, told.count("\n")) == ("", 1)
        assert kind in told


@pytest.mark.parametrize(
    "model",
    [
        NGram(order=3),
        NGram(order=3, smoothing="stupid_backoff"),
        Infinity(),
        Recurrent(cell="gru", dim=6, hidden=5, epochs=1),
        Recurrent(cell="lstm", dim=6, hidden=5, epochs=1, tied=False, softmax="adaptive"),
    ],
)
def test_models_of_ours_agree_with_themselves_in_sentences_and_in_streams(model):
    held = Held(model).fit(TRAIN, VALID)
    for text in (TEST, TRAIN, Sentences(TRAIN.vocab, TRAIN.tokens, np.array([0, TRAIN.n_tokens]))):
        np.testing.assert_array_equal(held.log_probs(text), model.log_probs(text))
    assert described(model)["n_params"] == model.n_params()


def test_the_places_that_are_asked_about_again_cost_little(monkeypatch):
    stream = Sentences(TRAIN.vocab, TRAIN.tokens, np.array([0, TRAIN.n_tokens]))
    for text in (TEST, stream):
        places = contract._places(text)
        assert (np.diff(places) > 0).all()
        assert text.positions[places].sum() <= max(contract.PREFIXES, text.n_tokens / 4)
    monkeypatch.setattr(contract, "PREFIXES", 50)
    assert stream.positions[contract._places(stream)].sum() <= max(50, stream.n_tokens // 4)
    assert len(contract._places(stream))


def test_a_table_of_probes_is_held_to_its_sum_too():
    model = NGram(order=2).fit(TRAIN, VALID)
    prefixes = Sentences.of_rows([[], [2, 3]], TRAIN.vocab)
    honest = model.next_log_probs
    model.next_log_probs = lambda asked: np.where(asked.lengths[:, None] > 1, 0.0, honest(asked))
    with pytest.raises(BadModel, match="after each"):
        Held(model, distribution=True).next_log_probs(prefixes)


def test_a_row_of_family_reference_is_shown_apart_whatever_its_kind(installed):
    source = (installed / "package" / "bad_models.py").read_text("utf-8")
    source = source.replace('family = "other"', 'family = "reference"', 1)
    (installed / "package" / "bad_models.py").write_text(source, "utf-8")
    benchmark_of(installed, ["Honest"], "[rows.mkn-2]\nkind = 'ngram'\norder = 2\n")
    out = installed / "out"
    assert main(["run", "all", "--benchmark", str(installed / "mine.toml"), "--out", str(out), "--jobs", "1"]) == 0
    groups = {row.name: row.group for row in read(out / "mine").rows}
    assert groups == {"Honest-": "reference", "mkn-2": "ranked"}
