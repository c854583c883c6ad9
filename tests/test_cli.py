"""The command line from end to end: what it prints, what it leaves on disk, how it ends."""

import gzip
import os
import random
import re
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from lmbench.bench import store
from lmbench.cli import main
from lmbench.models.similarity import Similarity
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import Vocabulary

ROOT = Path(__file__).parent.parent
LAZY = ("torch", "pandas", "matplotlib", "gensim", "nltk")
SENTENCES = [f"{a} {b} {c}" for a in ("we", "you", "they") for b in ("are", "seem", "look") for c in ("cold", "sad")]
TEXT = "\n".join(random.Random(0).choices(SENTENCES, k=150)) + "\n"
SLOW = """
[corpus]
train = "my.txt"
[rows.first]
kind = "ngram"
order = 2
[rows.slow]
kind = "recurrent"
dim = 4
hidden = 4
epochs = 1000000
patience = 1000000
"""


def environment():
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"}


def lmbench(*words, cwd, given=None):
    return subprocess.run(
        [sys.executable, "-m", "lmbench", *words], cwd=cwd, env=environment(), input=given, capture_output=True
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder in which two rows have been run on a text of one's own."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "my.txt").write_text(TEXT, "utf-8")
    done = lmbench("run", "mle-2", "mkn-3", "--train", "my.txt", "--out", "tmp", "--jobs", "1", cwd=folder)
    assert done.returncode == 0, done.stderr.decode()
    return folder


@pytest.fixture
def here(home, monkeypatch):
    monkeypatch.chdir(home)
    monkeypatch.delenv("LMBENCH_DATA", raising=False)  # or files are looked for there too
    return home


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def csvs(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.csv")}


def refused(capsys, *words):
    """What is said, in one line, to a command that is a user's error."""
    try:
        code = main(words)
    except SystemExit as error:
        code = error.code
    out, said = capsys.readouterr()
    assert (code, out) == (2, "")
    assert said.startswith("lmbench: ")
    assert said.count("\n") == 1
    assert "Traceback" not in said
    return said


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["list"], ["list", "hungry"], ["list", "ngram"]])
def test_asking_imports_nothing_heavy(words, tmp_path):
    script = (
        "import sys\nfrom lmbench.cli import main\n"
        f"try:\n    code = main({words!r})\nexcept SystemExit as error:\n    code = error.code\n"
        f"print(code, [name for name in {LAZY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=environment(), capture_output=True)
    assert done.stderr.decode().strip() == "0 []"
    assert done.stdout


def test_list_shows_benchmarks_rows_and_fields(capsys):
    assert main(["list"]) == 0
    assert "hungry" in (said := capsys.readouterr().out)
    assert "own-text" not in said
    assert main(["list", "recurrent"]) == 0
    assert "hidden" in capsys.readouterr().out


def test_run_leaves_a_report_and_tables(home):
    folder = home / "tmp" / "my"
    assert "mkn-3" in (folder / "report.md").read_text("utf-8")
    assert {"main.csv", "costs.csv", "sparsity.csv", "statistics.csv", "timings.csv"} <= set(csvs(folder))
    assert not [name for name in files(home) if name.endswith(".tmp")]


def test_run_again_fits_nothing_and_a_fresh_run_gives_the_same_tables(here, capsys):
    before = csvs(here / "tmp" / "my")
    command = ["run", "mle-2", "mkn-3", "--train", "my.txt", "--jobs", "1", "--out"]
    assert main([*command, "tmp"]) == 0
    assert "no rows to run, 2 already done" in capsys.readouterr().err
    assert csvs(here / "tmp" / "my") == before
    assert main([*command, "fresh"]) == 0
    fresh = csvs(here / "fresh" / "my")
    assert set(fresh) == set(before)
    assert {name for name in fresh if fresh[name] != before[name]} <= {"timings.csv"}


def test_report_writes_again(here, capsys):
    path = here / "tmp" / "my" / "report.md"
    before = path.read_bytes()
    path.unlink()
    assert main(["report", "--out", "tmp"]) == 0
    assert path.read_bytes() == before
    assert "report.md" in capsys.readouterr().out


BAD = {
    "missing file": (["run", "mle-2", "--train", "mi.txt", "--out", "bad"], "did you mean 'my.txt'"),
    "empty file": (["run", "mle-2", "--train", "empty.txt", "--out", "bad"], "is empty"),
    "not UTF-8": (["run", "mle-2", "--train", "latin.txt", "--out", "bad"], "not UTF-8"),
    "one word": (["run", "mle-2", "--train", "one.txt", "--valid", "one.txt", "--test", "one.txt", "--out", "bad"],
                 "the vocabulary of one is one word"),
    "unknown row": (["run", "mkn3", "--train", "my.txt", "--out", "bad"], "did you mean 'mkn-3'"),
    "unknown command": (["rnu"], "no command 'rnu'; did you mean 'run'"),
    "no command": ([], "required"),
    "unknown option": (["run", "mle-2", "--trian", "my.txt", "--out", "bad"], "did you mean '--train'"),
    "not a number": (["run", "mle-2", "--train", "my.txt", "--seeds", "x", "--out", "bad"], "--seeds"),
    "seeds": (["run", "mle-2", "--train", "my.txt", "--seeds", "0", "--out", "bad"], "--seeds 0"),
    "jobs": (["run", "mle-2", "--train", "my.txt", "--jobs", "0", "--out", "bad"], "--jobs 0"),
    "row limit": (["run", "mle-2", "--train", "my.txt", "--row-limit", "0", "--out", "bad"], "--row-limit 0"),
    "no row limit": (["verify", "ptb", "--row-limit", "nan", "--out", "bad"], "--row-limit nan"),
    "threads": (["verify", "ptb", "--threads", "0", "--out", "bad"], "--threads 0"),
    "unknown key": (["run", "all", "--benchmark", "bad.toml", "--out", "bad"], "did you mean 'title'"),
    "unknown benchmark": (["run", "all", "--benchmark", "hungyr", "--out", "bad"], "did you mean 'hungry'"),
    "valid alone": (["run", "mle-2", "--valid", "my.txt", "--out", "bad"], "go with --train"),
    "two texts": (["run", "mle-2", "--train", "my.txt", "--benchmark", "ptb", "--out", "bad"], "one of them"),
    "tokenizer": (["run", "mle-2", "--train", "my.txt", "--tokenizer", "word", "--out", "bad"], "'words'"),
    "vocab size": (["run", "mle-2", "--train", "my.txt", "--vocab-size", "2", "--out", "bad"], "--vocab-size 2 is not"),
    "nothing to report": (["report", "--out", "bad"], "no facts under bad"),
    "no such report": (["report", "none", "--out", "bad"], "run the benchmark first"),
    "not fitted": (["score", "mle-3", "my.txt", "--benchmark", "my", "--out", "tmp"], "has not been fitted"),
    "no file to score": (["score", "mle-2", "mi.txt", "--benchmark", "my", "--out", "tmp"], "did you mean 'my.txt'"),
    "one word too many": (["list", "hungry", "ptb"], "'ptb' is one word too many"),
    "unknown kind": (["list", "ngrma"], "did you mean 'ngram'"),
    "no such folder to export to": (["export", "mkn-3", "my.txt/a.arpa", "--benchmark", "my", "--out", "tmp"],
                                    "cannot write my.txt/a.arpa"),
    "temperature": (["generate", "mle-2", "--benchmark", "my", "--out", "tmp", "--temperature", "nan"], "temperature"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_users_error_is_one_line_and_nothing_is_written(here, capsys, case):
    (here / "empty.txt").write_bytes(b"")
    (here / "latin.txt").write_bytes(b"a b\ncaf\xe9 c\n")
    (here / "one.txt").write_text("word\nword\n", "utf-8")
    (here / "bad.toml").write_text("titel = 'x'\n[corpus]\ntrain = 'my.txt'\n[rows.a]\nkind = 'ngram'\n", "utf-8")
    words, said = BAD[case]
    before = files(here)
    assert said in refused(capsys, *words)
    assert files(here) == before


@pytest.mark.usefixtures("here")
def test_test_that_is_train_is_warned_of(capsys):
    command = ["run", "mle-2", "--train", "my.txt", "--test", "my.txt", "--valid", "my.txt", "--name", "same"]
    assert main([*command, "--jobs", "1", "--out", "tmp2"]) == 0
    assert "warning: test has the same lines as train" in capsys.readouterr().err


def test_an_audit_says_what_leaks_and_ends_with_1(here, capsys):
    rows = "[rows.a]\nkind = 'ngram'\n"
    (here / "sound.toml").write_text(f"[corpus]\ntrain = 'my.txt'\n{rows}", "utf-8")
    assert main(["audit", "sound.toml", "--out", "tmp4"]) == 0
    told = capsys.readouterr().out
    assert "LEAK" not in told
    assert told.splitlines()[-1].startswith("sound: no findings in ")
    (here / "leaky.toml").write_text(f"[corpus]\ntrain = 'my.txt'\nvalid = 'my.txt'\ntest = 'my.txt'\n{rows}", "utf-8")
    assert main(["audit", "leaky.toml", "--out", "tmp4"]) == 1
    told = capsys.readouterr().out
    assert "valid is test\tvalid\t150\t150\t-\tLEAK" in told
    assert "finding: valid has the same lines as test" in told
    assert "such as: " in told


def test_a_failed_row_is_exit_code_1_and_the_others_are_reported(here, capsys):
    rows = "[rows.fails]\nkind = 'ngram'\nfallback = false\n[rows.good]\nkind = 'ngram'\norder = 1\nsmoothing = 'mle'\n"
    (here / "partly.toml").write_text(f"[corpus]\ntrain = 'my.txt'\n{rows}", "utf-8")
    assert main(["run", "all", "--benchmark", "partly.toml", "--jobs", "1", "--out", "tmp3"]) == 1
    assert "FAILED" in capsys.readouterr().err
    assert "good" in (here / "tmp3" / "partly" / "main.csv").read_text("utf-8")


def test_score_sums_to_its_total_by_line_and_by_word(here, capsys):
    (here / "few.txt").write_text("we are cold\nyou look strange\n\nthey seem sad\n", "utf-8")
    command = ["score", "mkn-3", "few.txt", "--benchmark", "my", "--out", "tmp"]
    assert main(command) == 0
    head, *lines, total = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert head == ["log2_prob", "tokens", "perplexity", "sentence"]
    assert [line[3] for line in lines] == ["we are cold", "you look strange", "", "they seem sad"]  # as in the file
    assert total[1] == "12" == str(sum(int(line[1]) for line in lines))
    assert float(total[0]) == pytest.approx(sum(float(line[0]) for line in lines), abs=1e-5)
    assert float(total[2]) == pytest.approx(2 ** (-float(total[0]) / 12), abs=1e-3)
    assert main([*command, "--words"]) == 0
    _, *words = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [word for row, word, *_ in words if row == "2"] == ["you", "look", "strange", "</s>"]
    assert [word for _, word, _, note in words if "not in the vocabulary" in note] == ["strange"]
    assert {row for row, *_ in words} == {"1", "2", "4"}  # the third line of the file is blank
    assert sum(float(value) for _, _, value, _ in words) == pytest.approx(float(total[0]), abs=1e-4)


def test_score_gives_no_perplexity_to_what_is_no_distribution(here, capsys, monkeypatch):
    (here / "few.txt").write_text("we are cold\nyou look strange\n", "utf-8")
    monkeypatch.setattr("lmbench.models.ngram.NGram.normalised", False)
    assert main(["score", "mkn-3", "few.txt", "--benchmark", "my", "--out", "tmp"]) == 0
    _, *rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [row[2] for row in rows] == ["nan", "nan", "nan"]


def test_score_reads_standard_input(home):
    command = ["score", "mkn-3", "--benchmark", "my", "--out", "tmp"]
    piped = lmbench(*command, cwd=home, given=b"we are cold\n\nyou look strange\n")
    (home / "two.txt").write_text("we are cold\n\nyou look strange\n", "utf-8")
    assert piped.returncode == 0
    assert piped.stdout == lmbench("score", "mkn-3", "two.txt", *command[2:], cwd=home).stdout
    for given, said in ((b"", b"standard input is empty"), (b"\xff\xfe", b"standard input is not UTF-8")):
        done = lmbench(*command, cwd=home, given=given)
        assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (2, b"", 1)
        assert said in done.stderr


@pytest.mark.usefixtures("here")
def test_explain_shows_the_steps_to_each_word(capsys):
    assert main(["explain", "mkn-3", "we are strange", "--benchmark", "my", "--out", "tmp"]) == 0
    head, *lines, note = capsys.readouterr().out.splitlines()
    assert note.startswith("distinct contexts: ")
    assert head.split() == ["word", "p", "in", "the", "training", "text"]
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == ["we", "are", "strange", "</s>"]
    assert re.fullmatch(r"are +0\.\d+ +after <s> we +\d+ of \d+ times +p = 0\.\d+", lines[1])
    assert re.fullmatch(
        r"strange \(not in the vocabulary: <unk>\) .* after we are +never in \d+ times +back off x 0\.\d+", lines[2]
    )


def test_what_does_not_back_off_cannot_be_explained(here, capsys):
    vocab = Vocabulary.build([["we", "are"]])
    train = Sentences.encode([["we", "are"]], vocab)
    store.save(Similarity().fit(train, train), here / "similar", tokenizer="whitespace")
    assert "ask a row of kind 'ngram'" in refused(capsys, "explain", "similar", "we are")


@pytest.mark.usefixtures("here")
def test_generate_is_reproducible(capsys):
    command = ["generate", "mkn-3", "--benchmark", "my", "--out", "tmp", "-n", "8", "--prefix", "we are"]
    drawn = []
    for seed in ("0", "0", "1"):
        assert main([*command, "--sample-seed", seed]) == 0
        drawn.append(capsys.readouterr().out.splitlines())
    assert drawn[0] == drawn[1] != drawn[2]
    assert len(drawn[0]) == 8
    assert all(line.startswith("we are") for line in drawn[0])


ARPA = """
[corpus]
train = "my.txt"
[rows.theirs]
kind = "arpa"
path = "mkn-3.arpa.gz"
[rows.ours]
kind = "ngram"
order = 3
[rows.both]
kind = "mixture"
components = ["theirs", "ours"]
"""


def test_a_row_goes_out_as_arpa_and_comes_in_as_a_row(home):
    named = ["--benchmark", "my", "--out", "tmp"]
    done = lmbench("export", "mkn-3", "mkn-3.arpa.gz", *named, cwd=home)
    assert (done.returncode, done.stderr) == (0, b"")
    with gzip.open(home / "mkn-3.arpa.gz", "rt", encoding="utf-8") as file:
        text = file.read()
    sizes = [int(line.split("=")[1]) for line in text.splitlines() if line.startswith("ngram ")]
    assert text.startswith("\\data\\\nngram 1=")
    said = ", ".join(f"{size:,} of order {n}" for n, size in enumerate(sizes, start=1))
    assert done.stdout.decode() == f"mkn-3.arpa.gz: n-grams {said}; 0.0 MB\n"
    (home / "theirs.toml").write_text(ARPA, "utf-8")
    ran = lmbench("run", "all", "--benchmark", "theirs.toml", "--out", "tmp", "--jobs", "1", cwd=home)
    assert ran.returncode == 0, ran.stderr.decode()
    named = ["my.txt", "--benchmark", "theirs.toml", "--out", "tmp"]
    ours, theirs = (lmbench("score", row, *named, cwd=home).stdout for row in ("ours", "theirs"))
    assert ours == theirs
    assert ours.count(b"\n") > 100
    # out again, and packed differently: the same words and numbers
    again = lmbench("export", "theirs", "again.arpa", "--benchmark", "theirs.toml", "--out", "tmp", cwd=home)
    assert again.returncode == 0, again.stderr.decode()
    assert (home / "again.arpa").read_text("utf-8") == text


def test_what_is_no_arpa_model_is_not_exported(home):
    done = lmbench("export", "both", "both.arpa", "--benchmark", "theirs.toml", "--out", "tmp", cwd=home)
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (2, b"", 1)
    assert b"row 'both' is of kind 'mixture', which has no back-off form" in done.stderr
    assert not (home / "both.arpa").exists()


def nobody_is_left(group):
    """Whether every process of the group ends within a moment."""
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def to_all(process):
    """What ctrl-C does: every process of the terminal gets it."""
    os.killpg(process.pid, signal.SIGINT)


def to_one(process):
    """What a scheduler does: the process it started gets it."""
    os.kill(process.pid, signal.SIGTERM)


@pytest.mark.parametrize(
    ("stop", "code", "why"), [(to_all, 130, "interrupted"), (to_one, 143, "ended by SIGTERM")], ids=["int", "term"]
)
def test_a_run_that_is_stopped_keeps_finished_rows_and_goes_on(home, stop, code, why):
    (home / "slow.toml").write_text(SLOW, "utf-8")
    cut = home / f"cut{code}"
    command = [sys.executable, "-m", "lmbench", "run", "all", "--benchmark", "slow.toml", "--out", cut, "--jobs", "1"]
    quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    heeding = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a shell's background jobs are started deaf to it
    process = subprocess.Popen(
        command, cwd=home, env=environment(), start_new_session=True, preexec_fn=heeding, **quiet
    )
    try:
        deadline = time.monotonic() + 60
        while not (cut / "slow" / "facts" / "first.json").exists() and time.monotonic() < deadline:
            assert process.poll() is None
            time.sleep(0.05)
        time.sleep(0.5)
        stop(process)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == code
    assert said.decode().splitlines()[-1].startswith(f"lmbench: {why}; finished rows are kept")
    assert b"Traceback" not in said
    assert nobody_is_left(process.pid)
    assert not (cut / "slow" / "facts" / "slow.json").exists()
    (home / "slow.toml").write_text(SLOW.replace("1000000", "3"), "utf-8")
    again = lmbench(*command[3:], cwd=home)
    assert again.returncode == 0
    assert b"1 row to run, 1 already done" in again.stderr
    assert not [name for name in files(cut) if name.endswith(".tmp")]  # what a killed save leaves, the next run sweeps


@pytest.mark.usefixtures("here")
def test_a_model_is_fitted_scored_and_drawn_from_without_a_benchmark(capsys):
    assert main(["fit", "ngram", "my.txt", "--model", "models/three", "--set", "order=3", "smoothing=witten_bell"]) == 0
    assert "events" in capsys.readouterr().out
    assert main(["score", "models/three", "my.txt"]) == 0
    total, tokens, perplexity, name = capsys.readouterr().out.splitlines()[-1].split("\t")
    assert (int(tokens), name) == (4 * len(TEXT.splitlines()), "(all)")
    assert float(perplexity) == pytest.approx(2 ** (-float(total) / int(tokens)), rel=1e-3)
    assert main(["generate", "models/three", "-n", "3"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert main(["export", "models/three", "three.arpa"]) == 0
    assert "of order 3" in capsys.readouterr().out
    assert Path("three.arpa").read_text("utf-8").startswith("\\data\\")


@pytest.mark.usefixtures("here")
def test_a_saved_model_knows_how_its_text_was_cut(capsys):
    assert (
        main(["fit", "ngram", "my.txt", "--model", "models/cut", "--set", "order=2", "--tokenizer", "syllables"]) == 0
    )
    assert main(["score", "models/cut", "my.txt"]) == 0
    assert int(capsys.readouterr().out.splitlines()[-1].split("\t")[1]) == len(TEXT)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--set", "ordr=3"], "did you mean 'order'"),
        (["--set", "order"], "is not FIELD=VALUE"),
        (["--set", "order=three"], "order = 'three' is not a whole number"),
        (["--tokenizer", "whitespaces"], "did you mean 'whitespace'"),
        (["--min-count", "0"], "--min-count 0 is not a whole number from 1"),
        (["--min-count", "1000"], "lower min_count"),
    ],
)
@pytest.mark.usefixtures("here")
def test_what_fit_refuses(capsys, words, says):
    assert says in refused(capsys, "fit", "ngram", "my.txt", "--model", "no", *words)
    assert not Path("no.json").exists()


@pytest.mark.usefixtures("here")
def test_fit_names_a_kind_or_file_that_is_not_there(capsys):
    assert "did you mean 'ngram'" in refused(capsys, "fit", "ngarm", "my.txt", "--model", "no")
    assert "did you mean 'my.txt'" in refused(capsys, "fit", "ngram", "mi.txt", "--model", "no")


@pytest.mark.usefixtures("here")
def test_verify_holds_rows_to_published_figures(capsys):
    rows = '[corpus]\ntrain = "my.txt"\n[rows.one]\nkind = "ngram"\norder = 1\n[rows.two]\nkind = "ngram"\norder = 2\n'
    Path("held.toml").write_text(rows + '[published.two]\nbelow = "one"\nsource = "each other"\n', "utf-8")
    assert main(["verify", "held.toml", "--out", "held", "--jobs", "1"]) == 0
    assert re.search(r"two .* holds: below one \(\d", capsys.readouterr().out)
    report = Path("held/held/report.md").read_text("utf-8")
    assert "## Beside published figures" in report
    assert "each other" in report
    Path("held.toml").write_text(rows + "[published.two]\nat_most = 1.0\n[published.one]\nppl = 3\n", "utf-8")
    assert main(["verify", "held.toml", "--out", "held", "--jobs", "1"]) == 1
    out = capsys.readouterr().out
    assert re.search(r"two .* DOES NOT HOLD: at most 1\n", out)
    assert re.search(r"one .* shown only\n", out)


def test_verify_wants_published_figures(capsys):
    assert main(["verify", "hungry"]) == 2
    assert "no benchmark 'hungry' holds rows to published figures; one of: ptb, ptb-stream" in capsys.readouterr().err
