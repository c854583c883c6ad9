"""Words that rows are trained without: which sentences go, from where, and where vectors may still read them."""

import json

import numpy as np
import pytest

from lmbench.bench import runner
from lmbench.bench.benchmark import load
from lmbench.bench.results import Result
from lmbench.bench.results import load as load_results
from lmbench.bench.unseen import WHOLE, UnseenSpec, unseen
from lmbench.errors import BadConfig
from lmbench.report.write import write as write_report
from lmbench.text.corpus import from_tokens
from lmbench.text.vocabulary import EOS

HOW, WHAT, WHO = (
    ["매우", "엄청", "무지", "아주"],
    ["춥다", "덥다", "배가 고프다", "목이 마르다"],
    ["나는", "너는", "그는"],
)
ALL = [f"{who} {how} {what}".split() for who in WHO for how in HOW for what in WHAT]
ORDER = [ALL[i] for i in np.random.default_rng(1).permutation(len(ALL))]
TRAIN, VALID, TEST = ORDER[:30], ORDER[30:38], ORDER[38:]
NET = 'kind = "recurrent"\ndim = 4\nhidden = 4\nepochs = 1\n'
ROWS = f"""
[rows.two]
kind = "ngram"
order = 2
[rows.net]
{NET}embeddings = "word2vec"
embedding_text = "{WHOLE}"
vector_epochs = 1
[rows.mix]
kind = "mixture"
components = ["two", "net"]
"""


def corpus(unit="sentence"):
    return from_tokens("tiny", {"train": TRAIN, "valid": VALID, "test": TEST}, unit=unit)


def has(text, word):
    return text.vocab.ids[word] in text.tokens


def test_no_sentence_with_a_word_of_the_group_is_left_and_no_other_goes():
    whole = corpus()
    found = unseen(UnseenSpec(words=(("무지", "춥다"), ("매우",))), whole)
    gone = [sum(not {"무지", "춥다"}.isdisjoint(row) for row in TRAIN), sum("매우" in row for row in TRAIN)]
    assert found.facts["groups"] == gone
    assert [len(part.train) for part in found.parts] == [len(TRAIN) - n for n in gone]
    for text in found.parts[0]:
        assert not has(text, "무지")
        assert not has(text, "춥다")
        assert has(text, "매우")
    assert [list(row) for row in found.parts[1].train] == [
        [*whole.vocab.encode(row), EOS] for row in TRAIN if "매우" not in row
    ]
    # the control loses as many as the larger group, drawn from all, and has all else as it was
    assert len(found.control.train) == len(TRAIN) - max(gone) == len(found.control.train_tokens)
    assert [list(row) for row in found.control.train] == [
        [*whole.vocab.encode(row), EOS] for row in found.control.train_tokens
    ]
    assert len(found.control.lines["train"]) == len(found.control.train)
    assert found.control.vocab is whole.vocab
    assert found.control.test is whole.test
    assert found.control.fingerprint != whole.fingerprint
    assert f"{max(gone)} were taken out at random" in found.control.warnings[-1]
    # test has every word of both groups, and what is asked is where
    words = [whole.vocab.events[i] for i in found.places.words]
    assert words == ["무지", "춥다", "매우"]
    for at, word in zip(found.places.at, found.places.word, strict=True):
        assert whole.vocab.events[whole.test.tokens[at]] == words[word]
    assert len(found.places.at) == sum(w in ("무지", "춥다", "매우") for row in TEST for w in row)


def test_words_by_rank_are_evenly_spaced_and_dealt_out():
    spec = UnseenSpec(groups=2, size=3, ranks=(1, 11), pattern="[가-힣]+", least=1)
    whole = corpus()
    found = unseen(spec, whole).facts
    may = [e for e in whole.vocab.events[2:] if any(e in row for row in TEST)]
    chosen = [may[i] for i in (0, 2, 4, 6, 8, 10)]  # of ranks 1 to 11, six
    assert sorted(item["word"] for item in found["words"]) == sorted(chosen)
    groups = [{item["word"] for item in found["words"] if item["group"] == group} for group in (1, 2)]
    for pair in (chosen[:2], chosen[2:4], chosen[4:]):  # neighbours go to different groups
        assert [len(group & set(pair)) for group in groups] == [1, 1]
    counts = {word: sum(row.count(word) for row in TRAIN) for word in chosen}
    total = sum(map(len, TRAIN)) + len(TRAIN)
    for item in found["words"]:
        assert item["unigram_bits"] == pytest.approx(-np.log2(counts[item["word"]] / total), abs=1e-4)
        assert whole.vocab.events[item["rank"] + EOS] == item["word"]
    assert unseen(spec, whole).facts == found
    hidden = unseen(UnseenSpec(groups=2, size=3, ranks=(1, 11), least=1, shown=False), whole).facts
    assert [item["rank"] for item in hidden["words"]] == [item["rank"] for item in found["words"]]
    assert not any(word in json.dumps(hidden, ensure_ascii=False) for word in whole.vocab.events[2:])


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"words": (("무치",),)}, "train has no 무치: there is nothing to be asked"),
        ({"words": (("무지",), ("무지",))}, "an empty group, or a word twice"),
        ({"words": (("무지",), ())}, "an empty group, or a word twice"),
        ({"words": (("나는", "너는", "그는"),)}, "leaves nothing of train or of valid"),
        ({"ranks": (1, 11)}, r"cannot choose 50 words at ranks \[1, 11\]"),
        ({"groups": 1, "size": 2, "ranks": (3,)}, "cannot choose 2 words at ranks"),
        ({"groups": 1, "size": 1, "ranks": (1, 9), "least": 1, "pattern": "x+"}, "0 words are of this pattern"),
    ],
)
def test_what_cannot_be_taken_out_is_refused(spec, said):
    with pytest.raises(BadConfig, match=said) as error:
        unseen(UnseenSpec(**spec), corpus())
    assert "\n" not in str(error.value)


def test_a_word_that_test_lacks_and_a_stream_are_refused():
    lacking = from_tokens("tiny", {"train": TRAIN, "valid": VALID, "test": [row for row in TEST if "무지" not in row]})
    with pytest.raises(BadConfig, match="test has no 무지"):
        unseen(UnseenSpec(words=(("무지",),)), lacking)
    with pytest.raises(BadConfig, match="a stream has none apart"):
        unseen(UnseenSpec(words=(("무지",),)), corpus("stream"))


def write(folder, table='words = [["무지"], ["매우", "춥다"]]', train=TRAIN):
    for name, rows in (("train", train), ("valid", VALID), ("test", TEST)):
        (folder / f"{name}.txt").write_text("".join(" ".join(row) + "\n" for row in rows), "utf-8")
    files = "".join(f'{name} = "{name}.txt"\n' for name in ("train", "valid", "test"))
    (folder / "tiny.toml").write_text(f"[corpus]\n{files}[unseen]\n{table}\n{ROWS}", "utf-8")
    return load(str(folder / "tiny.toml"))


def plan(folder, **given):
    return runner.plan(write(folder, **given), ["all"], out=folder / "out", side_by_side=1)


def test_keys_that_are_none_are_refused(tmp_path):
    with pytest.raises(BadConfig, match="no key 'gruops'; did you mean 'groups'"):
        write(tmp_path, table="gruops = 2")


def test_vectors_read_the_whole_train_but_no_sentence_of_test(tmp_path):
    planned = plan(tmp_path, train=[*TRAIN, *TEST])
    text = planned.bench.find(WHOLE).read_text("utf-8").splitlines()
    assert text == [" ".join(row) for row in TRAIN]


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    planned = plan(tmp_path_factory.mktemp("ran"))
    return planned, [event for event in runner.run(planned) if isinstance(event, Result)]


def test_a_run_trains_each_row_without_each_group_and_the_report_tells_it(ran):
    planned, events = ran
    stems = [job.stem for job in planned.todo]
    rows = ["two", "net.seed0", "mix.seed0"]
    assert stems == [*rows, *(f"{r.split('.')[0]}.without{g}{r[3:]}" for g in (1, 2) for r in rows)]
    assert len({job.key for job in planned.todo}) == 9
    results = {(event.row, event.without): event for event in events}
    assert all(result.error is None for result in results.values())
    stored = {(result.row, result.without): result for result in load_results(planned.folder / "facts")}
    assert stored.keys() == results.keys()
    assert not plan(planned.folder.parents[1]).todo
    # the mixture has parts that were trained on what it is: its word is between theirs
    for group in (1, 2):
        two, net, mix = (results[row, group].arrays["word_log_probs"] for row in ("two", "net", "mix"))
        assert ((np.minimum(two, net) - 1e-9 <= mix) & (mix <= np.maximum(two, net) + 1e-9)).all()
    # counts have not read 무지 where it was taken out, and have in the control and in the other group
    at = np.repeat([0, 1, 2], [item["places"] for item in json_of(planned)["unseen"]["words"]]) == 0
    muji = {group: results["two", group].arrays["word_log_probs"][at].mean() for group in (0, 1, 2)}
    assert muji[1] < min(muji[0], muji[2]) - 0.5
    assert (results["two", 2].arrays["word_choice"][~at] == 0.5).all()
    write_report(planned.folder)
    report = (planned.folder / "report.md").read_text("utf-8")
    section = report.split("## The unseen word")[1].split("\n## ")[0]
    assert "3 words, 2 groups: 무지, 매우 and 춥다." in section
    assert f"| net | train without it + {WHOLE} |" in section
    assert "| two | train without it |" in section
    assert "They do not, chance being 0.500:" in section
    assert "not run for every row" not in section
    assert (planned.folder / "figures" / "unseen_word.png").stat().st_size > 1000
    lines = (planned.folder / "unseen_words.csv").read_text("utf-8").splitlines()
    assert len(lines) == 1 + 3 * 3
    # what the rows of the other tables are is the control
    assert f"| two | ngram | train | **{results['two', 0].metrics['ppl']:.3f}**"[:20] in report


def json_of(planned):
    return planned.facts


def test_a_group_that_was_not_run_yet_is_left_out_of_the_means(ran):
    planned, _ = ran  # the last test that asks for it
    for path in (planned.folder / "facts").glob("*.without2*.json"):
        path.unlink()
    write_report(planned.folder)
    section = (planned.folder / "report.md").read_text("utf-8").split("## The unseen word")[1].split("\n## ")[0]
    assert "nan" not in section
    assert "Groups that were not run for every row: 2." in section
    two = next(line for line in section.splitlines() if line.startswith("| two |")).split("|")
    (stored,) = (r for r in load_results(planned.folder / "facts") if (r.row, r.without) == ("two", 1))
    word = json_of(planned)["unseen"]["words"][0]
    mean = -stored.arrays["word_log_probs"][: word["places"]].mean() / np.log(2)
    assert two[4].split()[0] == f"{mean:.3f}"
