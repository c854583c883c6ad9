"""One grammar for all commands: where options may stand, what they may be, and what a name stands for."""

import shlex

import numpy as np
import pytest

from lmbench.bench import store
from lmbench.cli import _parse, main
from lmbench.models.ngram import NGram
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import Vocabulary

LINES = [f"{a} {b} {c}" for a in ("we", "you", "they") for b in ("are", "seem", "look") for c in ("cold", "sad")]
TEXT = "\n".join(LINES * 8) + "\n"
WORDS = {
    "run": ["mkn-3"], "verify": ["ptb"], "fit": ["ngram", "my.txt"], "audit": ["my"], "report": ["my"], "diagnose": [],
    "probes": ["my"], "corpus": ["brown"], "list": ["my"], "score": ["mkn-3", "my.txt"], "explain": ["mkn-3", "we"],
    "generate": ["mkn-3"], "export": ["mkn-3", "a.arpa"],
}  # fmt: skip
COMMANDS = list(WORDS)
NEEDED = {"fit": ["--model", "m"]}
FILE = "[corpus]\ntrain = 'my.txt'\n[rows.mine-2]\nkind = 'ngram'\norder = 2\nsmoothing = 'witten_bell'\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A text of one's own that was run, a benchmark file that was run, and models called as rows in the folder."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "my.txt").write_text(TEXT, "utf-8")
    (folder / "bench.toml").write_text(FILE, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("LMBENCH_DATA", raising=False)
        assert main(["run", "mle-2", "mkn-3", "--train", "my.txt", "--out", "tmp", "--jobs", "1"]) == 0
        assert main(["run", "all", "--benchmark", "bench.toml", "--out", "tmp", "--jobs", "1"]) == 0
        other = [["they", "sang"]]
        train = Sentences.encode(other, Vocabulary.build(other))
        for name in ("mkn-3", "lone"):
            store.save(NGram(order=1, smoothing="mle").fit(train, train), folder / name, tokenizer="whitespace")
    return folder


@pytest.fixture
def here(home, monkeypatch):
    monkeypatch.chdir(home)
    monkeypatch.delenv("LMBENCH_DATA", raising=False)
    return home


def parsed(command):
    return _parse([command, *WORDS[command], *NEEDED.get(command, [])])


def refused(capsys, *words):
    try:
        code = main(words)
    except SystemExit as error:
        code = error.code
    out, said = capsys.readouterr()
    assert (code, out, said.count("\n")) == (2, "", 1), said
    assert said.startswith("lmbench: ")
    return said


@pytest.mark.parametrize("command", COMMANDS)
def test_options_stand_before_between_and_behind_other_words(command):
    words = WORDS[command]
    flag = NEEDED.get(command) or (["--data", "d"] if command in ("verify", "corpus", "diagnose") else ["--out", "o"])
    everywhere = [vars(_parse([command, *words[:at], *flag, *words[at:]])) for at in range(len(words) + 1)]
    assert all(found == everywhere[0] for found in everywhere)


@pytest.mark.parametrize("command", COMMANDS)
def test_no_option_is_taken_for_another(command, capsys):
    given = [f"--{name.replace('_', '-')}" for name in vars(parsed(command)) if name not in ("command", "n")]
    for short in {option[:-1] for option in given} - {*given}:
        assert "no option" in refused(capsys, command, *WORDS[command], *NEEDED.get(command, []), short, "1")


def test_a_near_option_is_suggested(capsys):
    assert "did you mean '--seeds'" in refused(capsys, "run", "rnn", "--seed", "2")


@pytest.mark.parametrize(
    ("command", "option", "values"),
    [
        ("run", "--seeds", ("0", "-1", "1.5", "nan", "x", "", "9" * 30)),
        ("run", "--jobs", ("0", "-1", "9" * 30)),
        ("run", "--threads", ("0", "-3")),
        ("run", "--min-count", ("0", "-1")),
        ("run", "--vocab-size", ("2", "-1")),
        ("verify", "--jobs", ("0",)),
        ("diagnose", "--jobs", ("0",)),
        ("fit", "--min-count", ("0",)),
        ("fit", "--vocab-size", ("2",)),
        ("score", "--seed", ("-1", "x", "9" * 30)),
        ("export", "--seed", ("-1",)),
        ("generate", "--seed", ("-1",)),
        ("generate", "--sample-seed", ("-1", "0.5")),
        ("generate", "-n", ("0", "-1")),
        ("generate", "--max-tokens", ("0", "-1")),
        ("generate", "--temperature", ("nan", "-1", "inf", "x")),
    ],
)
def test_an_option_out_of_its_range_is_one_line_before_anything_is_read(command, option, values, capsys):
    for value in values:
        said = refused(capsys, command, *WORDS[command], *NEEDED.get(command, []), f"{option}={value}")
        assert option in said
        assert " is not a " in said


@pytest.mark.parametrize("name", ["my", "bench", "bench.toml"])
@pytest.mark.usefixtures("here")
def test_a_runs_own_name_is_known_to_every_command(name, capsys):
    row = "mle-2" if name == "my" else "mine-2"
    asked = ["--benchmark", name, "--out", "tmp"]
    for words, code in (
        (["score", row, "my.txt", *asked], 0),
        (["generate", row, "-n", "1", *asked], 0),
        (["explain", row, "we are", *asked], 0),
        (["export", row, "a.arpa", *asked], 0),
        (["list", name, "--out", "tmp"], 0),
        (["report", name, "--out", "tmp"], 0),
        (["audit", name, "--out", "tmp"], 0),
        (["run", row, *asked, "--jobs", "1"], 0),
        (["diagnose", *asked], 2),
        (["probes", name, "--cache", "tmp/.cache"], 2),
    ):
        assert main(words) == code, words
        err = capsys.readouterr().err
        assert "no benchmark" not in err
        if words[0] == "run":
            assert "no rows to run, 1 already done" in err


@pytest.mark.usefixtures("here")
def test_a_name_that_is_none_suggests_what_was_run(capsys):
    assert "did you mean 'bench'" in refused(capsys, "score", "mle-2", "my.txt", "--benchmark", "bensh", "--out", "tmp")


@pytest.mark.usefixtures("here")
def test_the_quick_form_of_a_benchmark_is_known_by_its_name(capsys):
    assert main(["list", "hungry-quick"]) == 0
    assert "mkn-5" in capsys.readouterr().out
    said = refused(capsys, "score", "mkn-5", "my.txt", "--benchmark", "hungry-quick", "--out", "tmp")
    assert "run mkn-5 --benchmark hungry --quick --out tmp" in said


@pytest.mark.parametrize(
    ("name", "row"), [("my", "mkn-5"), ("hungry", "mkn-5"), ("hungry-quick", "mkn-5"), ("units/syllables", "mkn-5")]
)
@pytest.mark.usefixtures("here")
def test_the_command_in_a_hint_can_be_pasted(name, row, capsys):
    said = refused(capsys, "score", row, "my.txt", "--benchmark", name, "--out", "tmp")
    hint = shlex.split(said.partition("`")[2].partition("`")[0])
    assert hint[:3] == ["python", "-m", "lmbench"]
    options = _parse(hint[3:])
    assert options.names == [row]
    assert str(options.out) == "tmp"
    if name == "my":
        assert main([*hint[3:], "--jobs", "1"]) == 0
        assert main(["score", row, "my.txt", "--benchmark", name, "--out", "tmp"]) == 0


def scored(capsys, *words):
    assert main(["score", *words]) == 0
    out, err = capsys.readouterr()
    return float(out.splitlines()[-1].split("\t")[2]), err


@pytest.mark.usefixtures("here")
def test_what_was_named_is_taken_and_never_what_happens_to_stand_beside_it(capsys, monkeypatch):
    row, said = scored(capsys, "mkn-3", "my.txt", "--benchmark", "my", "--out", "tmp")
    assert "note" not in said
    model, said = scored(capsys, "./mkn-3", "my.txt")
    assert "note" not in said
    assert not np.isclose(row, model)
    alone, _ = scored(capsys, "lone", "my.txt")
    assert alone == model
    # nothing is said, and hungry has a row of that name, which was not run here: it is asked for all the same
    said = refused_after_note(capsys, "mkn-3")
    assert "note: mkn-3 is the row of hungry" in said
    assert "./mkn-3" in said
    monkeypatch.setattr("lmbench.bench.found.find", lambda *_: pytest.fail("a path is a model"))
    scored(capsys, "./mkn-3", "my.txt", "--benchmark", "my")


def refused_after_note(capsys, row):
    for words in (["score", row, "my.txt"], ["generate", row], ["explain", row, "we"], ["export", row, "b.arpa"]):
        assert main(words) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 2
        assert "has not been fitted here" in said
    return said
