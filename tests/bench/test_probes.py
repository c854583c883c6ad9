"""A benchmark that names its probes: mined, read from a file, written by hand."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from lmbench.bench import benchmark, runner
from lmbench.bench.benchmark import cut_down, parse
from lmbench.bench.prepare import prepare
from lmbench.cli import main
from lmbench.errors import BadConfig, BadText
from lmbench.report.write import write
from lmbench.text import hungry, probes_file
from lmbench.text.probes import Probes, check

N_TRAIN = 1000
MINE = {"reserve": "all.txt", "skip": N_TRAIN + 400, "min_count": 5, "attested": 2, "documents": 2, "expected": 2.0,
        "match": 0.5, "closed": 15, "most": 60}  # fmt: skip
ROWS = {
    "unigram": {"kind": "ngram", "order": 1, "smoothing": "mle"},
    "kn-3": {"kind": "ngram", "order": 3, "smoothing": "kneser_ney"},
    "similarity": {"kind": "similarity"},
}
BY_HAND = "".join(f'[[probe]]\ncontext = "나는 {word}"\nphrase = "배가 고프다"\n' for word in ("무지", "엄청"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The built-in corpus as the text of somebody: train, valid and test are the beginning of one file."""
    folder = tmp_path_factory.mktemp("own")
    lines = list(dict.fromkeys(" ".join(row) for row in hungry.splits()["train"]))
    parts = {"train": (0, N_TRAIN), "valid": (N_TRAIN, 1200), "test": (1200, 1400), "all": (0, len(lines))}
    for name, (start, end) in parts.items():
        (folder / f"{name}.txt").write_text("".join(f"{line}\n" for line in lines[start:end]), "utf-8")
    (folder / "documents.txt").write_text("".join(f"{i % 9}\n" for i in range(len(lines))))
    (folder / "by-hand.toml").write_text(BY_HAND, "utf-8")
    return folder


def made(folder, **probes):
    corpus = {"train": "train.txt", "valid": "valid.txt", "test": "test.txt"}
    table = {"corpus": corpus, "rows": ROWS, "probes": {"mine": MINE} | probes}
    return parse(
        {**table, "probes": {k: v for k, v in table["probes"].items() if v is not None}}, "own", folder, "own.toml"
    )


def ready(folder, tmp_path, **probes):
    return prepare(made(folder, **probes), None, tmp_path)


def test_probes_are_mined_once_and_hold(folder, tmp_path):
    prepared = ready(folder, tmp_path, substitutions="by-hand.toml")
    probes, corpus = prepared.yardstick.probes, prepared.corpus
    assert probes.probes
    assert probes.crossed
    check(probes, corpus.train_tokens)
    mining = prepared.facts["mining"]
    assert mining["reserve"]["shared"] == 0
    assert mining["found"]["pairs"] >= len(probes.probes)
    (kept,) = tmp_path.glob("*.probes.jsonl")
    before = kept.stat().st_mtime_ns
    assert ready(folder, tmp_path, substitutions="by-hand.toml").yardstick.probes == probes
    assert kept.stat().st_mtime_ns == before


def test_documents_are_those_of_the_file(folder, tmp_path):
    by_line = ready(folder, tmp_path).yardstick.probes
    table = {**MINE, "document_ids": "documents.txt"}
    by_document = ready(folder, tmp_path, mine=table).yardstick.probes
    assert any(p.documents > 9 for p in by_line.probes)
    assert all(p.documents <= 9 for p in by_document.probes)
    (folder / "few.txt").write_text("1\n2\n")
    with pytest.raises(BadText, match="names the documents of 2 sentences"):
        ready(folder, tmp_path, mine={**MINE, "document_ids": "few.txt"})


@pytest.mark.parametrize(
    ("skip", "split"), [(0, "train"), (N_TRAIN - 200, "train"), (N_TRAIN, "valid"), (1200, "test")]
)
def test_a_reserve_that_models_read_or_are_tested_on_is_refused(folder, tmp_path, skip, split):
    with pytest.raises(BadText, match=f"shares .* of its lines with {split}"):
        ready(folder, tmp_path, mine={**MINE, "skip": skip, "lines": 2000})


def test_a_few_shared_lines_are_left_out(folder, tmp_path):
    found = ready(folder, tmp_path, mine={**MINE, "skip": 1397, "lines": 3000}).facts["mining"]["reserve"]
    assert (found["shared"], found["lines"]) == (3, 2997)


def test_a_reserve_of_nothing_is_refused(folder, tmp_path):
    with pytest.raises(BadText, match="leaves none of them"):
        ready(folder, tmp_path, mine={**MINE, "skip": 10**6})


@pytest.mark.parametrize(
    ("probes", "said"),
    [
        ({"mien": {}}, "no key 'mien'; did you mean 'mine'"),
        ({"mine": {"reserv": "x"}}, "mine has no key 'reserv'; did you mean 'reserve'"),
        ({"mine": {"skip": 3}}, "mine has no reserve"),
        ({"mine": {"reserve": "x", "expected": "much"}}, "expected = 'much' is not a number"),
        ({"mine": {"reserve": "x"}, "file": "y"}, "come from one place"),
        ({"part": True}, "part without file"),
    ],
)
def test_what_a_file_may_not_say(probes, said):
    with pytest.raises(BadConfig, match=said):
        parse({"corpus": {"train": "a"}, "rows": ROWS, "probes": probes}, "own", Path(), "own.toml")


def test_the_built_in_corpus_has_its_own():
    with pytest.raises(BadConfig, match="has probes of its own"):
        parse({"corpus": {"builtin": "hungry"}, "rows": ROWS, "probes": {"file": "x"}}, "own", Path(), "own.toml")


def test_a_file_of_probes_is_for_its_text_or_a_part_of_it(folder, tmp_path):
    whole = ready(folder, tmp_path)
    (kept,) = tmp_path.glob("*.probes.jsonl")
    file = {"mine": None, "file": str(kept)}
    assert ready(folder, tmp_path, **file).yardstick.probes == whole.yardstick.probes
    smaller = made(folder, **file)
    smaller = replace(smaller, corpus=replace(smaller.corpus, train_lines=300))
    with pytest.raises(BadText, match="made for another token stream"):
        prepare(smaller, None, tmp_path)
    part = prepare(replace(smaller, probes=replace(smaller.probes, part=True)), None, tmp_path)
    assert part.facts["mining"]["part"]
    held = part.yardstick.probes
    assert 0 < len(held.probes) < len(whole.yardstick.probes.probes)
    check(held, part.corpus.train_tokens)
    other = replace(smaller, corpus=replace(smaller.corpus, train="all.txt", train_lines=None))
    with pytest.raises(BadText, match="times in train"):
        prepare(replace(other, probes=replace(smaller.probes, part=True)), None, tmp_path)


def test_probes_by_hand_are_parted_where_the_phrase_begins(folder, tmp_path):
    unseen, seen = ready(folder, tmp_path, substitutions="by-hand.toml").yardstick.probes.substitutions
    assert (unseen.context, unseen.phrase, unseen.held) == (("나는", "무지"), ("배가", "고프다"), True)
    assert not seen.held
    (folder / "bad.toml").write_text('[[probe]]\ncontext = "a"\n')
    with pytest.raises(BadConfig, match=r"not a list of \[\[probe\]\] tables"):
        ready(folder, tmp_path, substitutions="bad.toml")


def run(bench, out):
    planned = runner.plan(bench, ["all"], out=out, side_by_side=1)
    results = {event.row: event for event in runner.run(planned) if hasattr(event, "metrics")}
    write(planned.folder)
    return results, planned.folder


def test_a_run_shows_them_and_backing_off_ties(folder, tmp_path):
    results, where = run(made(folder, substitutions="by-hand.toml"), tmp_path)
    assert all(result.error is None for result in results.values())
    assert results["kn-3"].metrics["c3_crossed"] == 0.5
    assert results["unigram"].metrics["c3_crossed"] == 0.5
    assert results["similarity"].metrics["c3_crossed"] > 0.7
    report = (where / "report.md").read_text("utf-8")
    assert "## Pairs of words that train lacks" in report
    assert "| 나는 무지 | 배가 고프다 | no |" in report
    strata = (where / "coverage_strata.csv").read_text("utf-8")
    assert strata.startswith("row,seeds,stratum,level,n,value,low,high\n")
    assert "kn-3,1,all,c3_crossed,60,0.5,," in strata
    before = {path.name: path.read_bytes() for path in where.glob("*.*")}
    write(where)
    assert {path.name: path.read_bytes() for path in where.glob("*.*")} == before


REMOVE = {"pairs": 5, "rarest": 8, "commonest": 60, "low": 0.5, "share": 0.5, "min_count": 10, "attested": 4,
          "documents": 3, "expected": 3.0, "match": 0.5, "closed": 15}  # fmt: skip


@pytest.mark.parametrize("control", [False, True])
def test_pairs_are_taken_out_of_train(folder, tmp_path, control):
    bench = made(folder, mine=None, remove={**REMOVE, "control": control})
    bench = replace(bench, corpus=replace(bench.corpus, train="rest.txt", valid="valid.txt"))
    lines = (folder / "all.txt").read_text("utf-8").splitlines()[1400:4400]
    (folder / "rest.txt").write_text("".join(f"{line}\n" for line in lines), "utf-8")
    results, where = run(bench, tmp_path)
    assert all(result.error is None for result in results.values())
    facts = json.loads((where / "facts" / "benchmark.json").read_text("utf-8"))
    gone = facts["mining"]["found"]["sentences_removed"]
    assert 0 < gone < 500
    assert facts["statistics"][0]["sentences"] == len(lines) - gone
    assert {probe["held"] for probe in facts["probes"]["probes"]} == {not control}
    strata = (where / "coverage_strata.csv").read_text("utf-8")
    assert ("in train,c4" in strata) == control
    assert ("all,c4" in strata) != control
    assert ("This is the control" in (where / "report.md").read_text("utf-8")) == control


def test_a_text_that_must_not_be_shown_is_not(folder, tmp_path):
    _, where = run(made(folder, show=0), tmp_path)
    words = set((folder / "train.txt").read_text("utf-8").split())
    facts = json.loads((where / "facts" / "benchmark.json").read_text("utf-8"))
    shown = {
        word for probe in facts["probes"]["probes"] for word in (*probe["context"], *probe["phrase"], *probe["cell"])
    }
    shown |= {item[name] for item in facts["probes"]["crossed"] for name in ("a1", "b1", "a2", "b2")}
    assert shown
    assert all(word.isdigit() for word in shown)
    for path in (*where.glob("*.md"), *where.glob("*.csv"), *where.glob("facts/*.json")):
        assert not words & set(path.read_text("utf-8").replace('"', " ").replace(",", " ").split()), path.name


def test_the_command_writes_a_file_that_a_benchmark_can_name(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mine = "".join(f"{name} = {json.dumps(value)}\n" for name, value in MINE.items())
    rows = '[rows.kn-3]\nkind = "ngram"\n'
    corpus = '[corpus]\ntrain = "train.txt"\nvalid = "valid.txt"\ntest = "test.txt"\n'
    (folder / "own.toml").write_text(f"{corpus}[probes.mine]\n{mine}{rows}")
    assert main(["probes", str(folder / "own.toml"), "--out", "found.jsonl"]) == 0
    assert "found.jsonl: " in capsys.readouterr().out
    assert probes_file.read(tmp_path / "found.jsonl").probes != Probes()
    assert main(["probes", "hungry"]) == 2
    assert "has no [probes.mine] table" in capsys.readouterr().err


def test_quick_cuts_the_reserve_down():
    spec = cut_down(benchmark.load("nsmc-coverage")).probes
    assert spec.mine.lines == 20_000
    assert spec.mine.min_count == 4
