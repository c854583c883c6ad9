"""The runner: facts on disk, nothing done twice, a failure that stays where it is."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from toy import TEXT

from lmbench.bench import runner, store
from lmbench.bench.benchmark import load
from lmbench.bench.execute import Job, Progress, execute
from lmbench.bench.results import Result, file_stem, load_one
from lmbench.bench.results import load as load_results
from lmbench.errors import BadConfig, BadModel, BadText
from lmbench.neural.descent import SCHEDULES

ROWS = """
[corpus]
train = "train.txt"
min_count = 2
[rows.two]
kind = "ngram"
order = 2
smoothing = "witten_bell"
[rows.one]
kind = "ngram"
order = 1
smoothing = "mle"
[rows.net]
kind = "recurrent"
cell = "rnn"
dim = 4
hidden = 4
epochs = 2
[rows.mix]
kind = "mixture"
components = ["two", "net"]
[rows.fails]
kind = "ngram"
order = 12
fallback = false
[rows.mix-fails]
kind = "mixture"
components = ["one", "fails"]
"""
GOOD = ["two", "one", "net", "mix"]


def write(folder, rows=ROWS, text=TEXT):
    (folder / "tiny.toml").write_text(rows, "utf-8")
    (folder / "train.txt").write_text("\n".join(map(" ".join, text)) + "\n", "utf-8")
    return load(str(folder / "tiny.toml"))


def plan(benchmark, names, out, **options):
    return runner.plan(benchmark, names, out=out, side_by_side=1, **options)


def todo(planned):
    return [job.stem for job in planned.todo]


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Everything run once, with two seeds; tests that write must put things back."""
    folder = tmp_path_factory.mktemp("ran")
    benchmark = write(folder)
    planned = plan(benchmark, ["all"], folder / "out", seeds=2, command="as typed")
    order = todo(planned)
    events = list(runner.run(planned))
    return benchmark, folder / "out", order, events


def test_jobs_by_row_and_seed(ran):
    *_, order, _ = ran
    assert order == ["two", "one", "net.seed0", "net.seed1", "mix.seed0", "mix.seed1", "fails", "mix-fails"]


def test_events_tell_of_starts_epochs_and_ends(ran):
    *_, order, events = ran
    started = [event.stem for event in events if isinstance(event, Job)]
    assert started == [stem for stem in order if stem != "mix-fails"]
    epochs = [(e.job.stem, e.epoch, e.epochs) for e in events if isinstance(e, Progress)]
    assert epochs == [(f"net.seed{seed}", epoch, 2) for seed in (0, 1) for epoch in (1, 2)]
    assert [file_stem(e.row, e.seed) for e in events if isinstance(e, Result)] == order


def test_results_and_models_are_on_disk(ran):
    _, out, order, events = ran
    stored = {file_stem(result.row, result.seed): result for result in load_results(out / "tiny" / "facts")}
    assert set(stored) == set(order)
    for event in events:
        if isinstance(event, Result):
            again = stored[file_stem(event.row, event.seed)]
            assert again.metrics == event.metrics
            assert set(again.arrays) == set(event.arrays)
    for stem in order[:6]:
        assert store.intact(out / "tiny" / "models" / stem, stored[stem].key)
        assert stored[stem].metrics["ppl"] > 1
    assert stored["net.seed0"].metrics != stored["net.seed1"].metrics
    assert stored["net.seed1"].config["seed"] == 1
    facts = json.loads((out / "tiny" / "facts" / "benchmark.json").read_text("utf-8"))
    assert (facts["command"], facts["seeds"]) == ("as typed", [0, 1])
    assert [row["row"] for row in facts["rows"]] == [*GOOD, "fails", "mix-fails"]


def test_one_text_in_two_units_has_one_checksum(tmp_path):
    """By which a report knows that bits per character may be compared."""
    found = []
    for name, changes in (("a", {}), ("b", {"tokenizer": "syllables"}), ("c", {"test_lines": 2})):
        (tmp_path / name).mkdir()
        benchmark = write(tmp_path / name)
        benchmark = replace(benchmark, corpus=replace(benchmark.corpus, **{"test": "train.txt", **changes}))
        planned = plan(benchmark, ["one"], tmp_path / name)
        found.append(planned.facts["corpus"]["test_sha256"])
    assert found[0] == found[1] != found[2]


def test_a_failing_row_leaves_the_others_and_its_mixture_says_why(ran):
    *_, events = ran
    errors = {event.row: event.error for event in events if isinstance(event, Result) and event.error}
    assert set(errors) == {"fails", "mix-fails"}
    assert errors["mix-fails"].startswith("its component fails failed")
    assert all("\n" not in error and "bug" not in error for error in errors.values())


def test_what_is_done_is_not_done_again_and_what_failed_is(ran):
    benchmark, out, order, _ = ran
    again = plan(benchmark, ["all"], out, seeds=2)
    assert todo(again) == order[6:]
    assert len(again.done) == 6
    assert todo(plan(benchmark, GOOD, out)) == []
    assert todo(plan(benchmark, ["net"], out, seeds=3)) == ["net.seed2"]


def test_a_changed_field_concerns_its_row_and_the_mixtures_of_it(ran):
    benchmark, out, *_ = ran

    def changed(name, **settings):
        rows = tuple(replace(r, settings={**r.settings, **settings}) if r.name == name else r for r in benchmark.rows)
        return todo(plan(replace(benchmark, rows=rows), GOOD, out))

    assert changed("one", k=2.0) == ["one"]
    assert changed("two", order=3) == ["two", "mix.seed0"]
    assert changed("net", epochs=3) == ["net.seed0", "mix.seed0"]
    assert changed("mix", iterations=5) == ["mix.seed0"]


@pytest.mark.parametrize("name", ["facts/one.npz", "facts/one.json", "models/one.safetensors", "models/one.json"])
@pytest.mark.parametrize("damage", ["cut", "changed", "gone"])
def test_a_damaged_file_is_made_again(ran, name, damage):
    benchmark, out, *_ = ran
    path = out / "tiny" / name
    content = path.read_bytes()
    try:
        if damage == "gone":
            path.unlink()
        else:
            middle = len(content) // 2
            path.write_bytes(content[:middle] + (b"" if damage == "cut" else b"\xff" + content[middle + 1 :]))
        assert todo(plan(benchmark, GOOD, out)) == ["one"]
    finally:
        path.write_bytes(content)


def keys(folder, **changes):
    folder.mkdir(exist_ok=True)
    planned = plan(write(folder, **changes), ["two"], folder / "out")
    return planned.todo[0].key


def test_a_key_covers_the_text_and_not_where_it_is(tmp_path):
    base = keys(tmp_path / "a")
    assert keys(tmp_path / "b") == base
    assert keys(tmp_path / "c", text=[*TEXT, ["춥다", "춥다"]]) != base
    assert keys(tmp_path / "d", rows=ROWS.replace("min_count = 2", "vocab_size = 6")) != base
    assert keys(tmp_path / "e", rows=ROWS.replace("order = 2", "order = 3")) != base


def test_a_key_covers_the_spelling_of_unknown_words(tmp_path):
    found = []
    for word in ("zzz", "zzzzzz"):
        folder = tmp_path / word
        folder.mkdir()
        (folder / "test.txt").write_text(f"{word} 춥다\n", "utf-8")
        rows = ROWS.replace("min_count = 2", "min_count = 2\ntest = 'test.txt'")
        found.append(keys(folder, rows=rows))
    assert found[0] != found[1]  # the ids are the same, the bits per character are not


def test_documents_of_test_are_facts_and_no_row_s_numbers_hang_on_them(tmp_path):
    (tmp_path / "test.txt").write_text("나는 춥다\n춥다\n나는\n", "utf-8")
    (tmp_path / "ids.txt").write_text("b\na\nb\n", "utf-8")
    found = []
    for named in ("", "\ntest_documents = 'ids.txt'"):
        rows = ROWS.replace("min_count = 2", f"min_count = 2\ntest = 'test.txt'{named}")
        planned = plan(write(tmp_path, rows=rows), ["two"], tmp_path / "out")
        found.append((planned.todo[0].key, planned.facts["corpus"]["test_documents"]))
    assert found[0][0] == found[1][0]
    assert [documents for _, documents in found] == ["", "0 1 0"]


def test_a_key_covers_the_source_of_a_kind_from_another_package(tmp_path, monkeypatch):
    package = tmp_path / "package"
    info = package / "theirs-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1\n", "utf-8")
    (info / "entry_points.txt").write_text("[lmbench.models]\ntheirs = their_model:Model\n", "utf-8")
    source = "from lmbench.models.ngram import NGram as Model\n# family: see there\n"
    (package / "their_model.py").write_text(source, "utf-8")
    monkeypatch.syspath_prepend(package)
    rows = ROWS.replace('kind = "ngram"\norder = 2', 'kind = "theirs"\norder = 2')
    theirs = keys(tmp_path / "a", rows=rows)
    assert theirs == keys(tmp_path / "b", rows=rows) != keys(tmp_path / "c")
    (package / "their_model.py").write_text(source + "# edited\n", "utf-8")
    assert keys(tmp_path / "d", rows=rows) != theirs
    ours = keys(tmp_path / "e")
    assert ours == keys(tmp_path / "c")  # a plug-in concerns its own rows


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("kind = 'ngram'\nordr = 2", "has no field 'ordr'; did you mean 'order'"),
        ("kind = 'ngram'\norder = '2'", "order = '2' is not a whole number"),
        ("kind = 'ngram'\ncomponents = ['two', 'one']", "has no field 'components'"),
        ("kind = 'mixture'", "no mixture"),
        ("kind = 'mixture'\ncomponents = ['two']", "no mixture"),
        ("kind = 'mixture'\ncomponents = ['two', 'one']\niteration = 3", "did you mean 'iterations'"),
        ("kind = 'recurrent'\nepochs = 'x'", "epochs = 'x' is not a whole number"),
    ],
)
@pytest.mark.parametrize("quick", [False, True])
def test_fields_are_checked_before_the_text_is_read(tmp_path, row, said, quick):
    benchmark = write(tmp_path, rows=f"{ROWS}[rows.bad]\n{row}\n")
    (tmp_path / "train.txt").unlink()
    with pytest.raises(BadConfig, match=said):
        plan(benchmark, ["bad"], tmp_path / "out", quick=quick)
    assert not (tmp_path / "out").exists()


def test_seeds_are_at_least_one(tmp_path):
    with pytest.raises(BadConfig, match="--seeds 0"):
        plan(write(tmp_path), ["one"], tmp_path, seeds=0)


def test_quick_has_its_own_folder_and_fewer_epochs(tmp_path):
    rows = ROWS.replace("[rows.two]", "[quick]\nepochs = 1\n[rows.two]")
    planned = plan(write(tmp_path, rows=rows), ["net"], tmp_path / "out", quick=True)
    assert planned.folder == tmp_path / "out" / "tiny-quick"
    assert planned.todo[0].row.settings["epochs"] == 1


def test_fitted(ran):
    benchmark, out, *_ = ran
    assert runner.fitted(benchmark, "net", out / "tiny", 1).seed == 1
    assert runner.fitted(benchmark, "one", out / "tiny", 5).order == 1
    with pytest.raises(BadModel, match="has not been fitted here"):
        runner.fitted(benchmark, "fails", out / "tiny")
    with pytest.raises(BadConfig, match="did you mean 'two'"):
        runner.fitted(benchmark, "twoo", out / "tiny")


def test_a_stored_model_scores_as_the_run_did(ran):
    benchmark, out, *_ = ran
    planned = plan(benchmark, ["mix"], out)
    result = load_one(out / "tiny" / "facts" / "mix.seed0.json")
    test = planned.bench.yardstick.test
    scores = runner.fitted(benchmark, "mix", out / "tiny").log_probs(test)
    np.testing.assert_allclose(test.row_sums(scores), result.arrays["row_log_probs"], atol=1e-5)


def test_a_damaged_model_is_not_loaded(ran, tmp_path):
    _, out, *_ = ran
    for suffix in (".json", ".safetensors"):
        (tmp_path / f"one{suffix}").write_bytes((out / "tiny" / "models" / f"one{suffix}").read_bytes())
    store.load(tmp_path / "one")
    content = bytearray((tmp_path / "one.safetensors").read_bytes())
    content[-1] ^= 1
    (tmp_path / "one.safetensors").write_bytes(content)
    assert not store.intact(tmp_path / "one", json.loads((tmp_path / "one.json").read_text("utf-8"))["key"])
    with pytest.raises(BadModel, match="checksum"):
        store.load(tmp_path / "one")


def test_a_result_is_on_disk_what_it_was(tmp_path):
    result = Result(
        benchmark="b",
        row="a/b c",
        kind="ngram",
        family="ngram",
        config={"order": np.int64(3), "components": ["x"]},
        key="k",
        seed=2,
        metrics={"ppl": float("inf"), "low": float("-inf"), "bits": 1.25},
        costs={"fit_seconds": np.float64(0.5)},
        notes=("하나", "둘"),
        arrays={"row_log_probs": np.array([-np.inf, -1.5]), "row_tokens": np.array([3, 4])},
    )
    result.save(tmp_path)
    assert [path.name for path in sorted(Path(tmp_path).iterdir())] == [
        "a%2Fb%20c.seed2.json",
        "a%2Fb%20c.seed2.npz",
    ]
    (again,) = load_results(tmp_path)
    assert replace(again, arrays={}) == replace(result, arrays={})
    for name, array in result.arrays.items():
        np.testing.assert_array_equal(again.arrays[name], array)
        assert again.arrays[name].dtype == array.dtype
    with pytest.raises(ValueError, match=r"not JSON compliant|Out of range"):
        replace(result, metrics={"ppl": float("nan")}).save(tmp_path)


def test_a_file_that_a_row_reads_is_found_beside_the_benchmark_and_its_content_is_in_the_key(tmp_path):
    rows = ROWS.split("[rows.two]")[0] + "[rows.theirs]\nkind = 'arpa'\npath = 'toy.arpa'\n"
    benchmark = write(tmp_path, rows)
    content = (Path(__file__).parent.parent / "data" / "toy.arpa").read_text("utf-8")
    (tmp_path / "toy.arpa").write_text(content, "utf-8")
    planned = plan(benchmark, ["all"], tmp_path / "out")
    results = [event for event in runner.run(planned) if isinstance(event, Result)]
    assert results[0].error is None
    assert results[0].config == {"path": "toy.arpa"}  # as it was written, wherever that is
    assert "events are in the file" in results[0].notes[0]
    assert todo(plan(benchmark, ["all"], tmp_path / "out")) == []
    # in a data folder, the same content is the same row
    (tmp_path / "data").mkdir()
    (tmp_path / "toy.arpa").rename(tmp_path / "data" / "toy.arpa")
    assert todo(plan(benchmark, ["all"], tmp_path / "out", data=tmp_path / "data")) == []
    (tmp_path / "data" / "toy.arpa").write_text(content.replace("-0.739521848", "-0.739521849"), "utf-8")
    assert todo(plan(benchmark, ["all"], tmp_path / "out", data=tmp_path / "data")) == ["theirs"]
    with pytest.raises(BadText, match=r"no file .*toy\.arpa"):
        plan(benchmark, ["all"], tmp_path / "out")


def test_a_field_that_must_be_given_is_missed_before_anything_is_read(tmp_path):
    benchmark = write(tmp_path, ROWS.split("[rows.two]")[0] + "[rows.theirs]\nkind = 'arpa'\n")
    (tmp_path / "train.txt").unlink()
    with pytest.raises(BadConfig, match="row 'theirs' has no path, which it needs"):
        plan(benchmark, ["all"], tmp_path / "out")


def test_a_row_killed_in_training_goes_on_from_its_checkpoint_to_the_same_bits(ran, tmp_path):
    benchmark, whole, *_ = ran
    planned = plan(benchmark, ["net"], tmp_path)
    (job,) = planned.todo

    def die(epoch, _epochs, _nats):
        if epoch == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        execute(job, planned.bench, die)
    assert (tmp_path / "tiny" / "models" / "net.seed0.checkpoint").is_file()
    epochs = []
    result = execute(job, planned.bench, lambda epoch, *_: epochs.append(epoch))
    assert epochs == [2]
    assert not (tmp_path / "tiny" / "models" / "net.seed0.checkpoint").exists()
    undisturbed = load_one(whole / "tiny" / "facts" / "net.seed0.json")
    assert result.metrics == undisturbed.metrics
    # costs and the curve are of the whole fit, not of its last process
    seconds, perplexities = result.arrays["curve"].T
    np.testing.assert_array_equal(perplexities, undisturbed.arrays["curve"][:, 1])
    assert 0 < seconds[0] < seconds[1] <= result.costs["fit_seconds"]
    first, again = (store.load(folder / "tiny" / "models" / "net.seed0") for folder in (whole, tmp_path))
    assert all(np.array_equal(array, again.state()[name]) for name, array in first.state().items())


def test_a_device_that_is_not_there_fails_the_networks_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    planned = plan(write(tmp_path), ["two", "net"], tmp_path / "out", device="cuda")
    two, net = (execute(job, planned.bench, lambda *_: None) for job in planned.todo)
    assert two.error is None
    assert net.error == ("device cuda: torch finds no CUDA device here; use --device cpu, or a torch built for CUDA")


def test_a_row_that_diverges_keeps_its_last_good_epoch_and_the_others_go_on(tmp_path, monkeypatch):
    monkeypatch.setitem(SCHEDULES, "hold", lambda _, at: 1.0 if at.epoch < 2 else 1e37)
    rows = ROWS[: ROWS.index("[rows.mix]")].replace("epochs = 2", 'epochs = 3\nschedule = "hold"')
    planned = plan(write(tmp_path, rows), ["net", "one"], tmp_path / "out")
    results = {job.row.name: execute(job, planned.bench, lambda *_: None) for job in planned.todo}
    checkpoint = tmp_path / "out" / "tiny" / "models" / "net.seed0.checkpoint"
    assert results["one"].error is None
    assert "left the finite numbers in epoch 2" in results["net"].error
    assert results["net"].error.endswith(f"; the last good epoch is in {checkpoint}")
    assert checkpoint.is_file()


THEIRS = """
import os, signal, time
from dataclasses import dataclass
from lmbench.models.ngram import NGram

@dataclass
class Model(NGram):
    family = "ngram"
    end: str = ""
    def fit(self, train, valid):
        if self.end == "hang":
            time.sleep(600)
        if self.end == "exit":
            raise SystemExit(3)
        os.kill(os.getpid(), signal.Signals[self.end])
"""


def test_rows_that_hang_or_end_their_process_have_failed_and_the_others_go_on(tmp_path, monkeypatch, capfd):
    package = tmp_path / "package"
    info = package / "mortal_rows-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mortal_rows\nVersion: 1\n", "utf-8")
    (info / "entry_points.txt").write_text("[lmbench.models]\nmortal = mortal_rows:Model\n", "utf-8")
    (package / "mortal_rows.py").write_text(THEIRS, "utf-8")
    monkeypatch.syspath_prepend(package)
    ends = ("hang", "exit", "SIGKILL", "SIGSEGV")
    rows = ROWS[: ROWS.index("[rows.net]")] + "".join(
        f'[rows.{end}]\nkind = "mortal"\norder = 1\nsmoothing = "mle"\nend = "{end}"\n' for end in ends
    )
    rows += '[rows.mix]\nkind = "mixture"\ncomponents = ["two", "hang"]\n'
    planned = plan(write(tmp_path, rows), ["all"], tmp_path / "out")
    results = {event.row: event.error for event in runner.run(planned, row_limit=10) if isinstance(event, Result)}
    assert results["one"] is results["two"] is None
    assert results["hang"] == "ended after 10 s, its limit (--row-limit)"
    assert results["exit"].startswith("its process ended with exit code 3 without a result")
    assert results["SIGKILL"].startswith("its process was ended by SIGKILL; the system may have run out of memory")
    assert results["SIGSEGV"] == "its process was ended by SIGSEGV"
    assert results["mix"].startswith("its component hang failed")
    assert capfd.readouterr().err == ""
    assert set(todo(plan(planned.benchmark, ["all"], tmp_path / "out"))) == {*ends, "mix"}
