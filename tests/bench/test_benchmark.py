"""Benchmarks as data: what a file may say, and what is said to a file that may not."""

from pathlib import Path

import pytest

from lmbench.bench.benchmark import builtin, cut_down, load, parse
from lmbench.bench.runner import _check
from lmbench.bench.specs import CorpusSpec
from lmbench.errors import BadConfig

ROWS = {
    "two": {"kind": "ngram", "order": 2},
    "three": {"kind": "ngram", "order": 3},
    "net": {"kind": "recurrent"},
    "mix": {"kind": "mixture", "components": ["two", "net"]},
    "mix-of-mix": {"kind": "mixture", "components": ["mix", "three"]},
}
GOOD = {"corpus": {"train": "a.txt"}, "rows": ROWS}


def read(table=GOOD, **changes):
    return parse({**table, **changes}, "mine", Path(), "mine.toml")


def names(rows):
    return [row.name for row in rows]


def test_defaults():
    found = read()
    assert found.title == "mine"
    assert found.corpus == CorpusSpec(train="a.txt")
    assert found.row("mix").components == ("two", "net")
    assert found.row("two").settings == {"order": 2}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"titel": "x"}, "unknown key 'titel'; did you mean 'title'"),
        ({"title": 3}, "title = 3 is not a text"),
        ({"corpus": {"train": "a", "min_cuont": 2}}, "no key 'min_cuont'; did you mean 'min_count'"),
        ({"corpus": {"train": "a", "min_count": "2"}}, "min_count = '2' is not a whole number"),
        ({"corpus": {"train": "a", "min_count": True}}, "min_count = True is not a whole number"),
        ({"corpus": {}}, "either builtin or train"),
        ({"corpus": {"train": "a", "builtin": "hungry"}}, "either builtin or train"),
        ({"corpus": {"train": "a", "test_documents": "ids"}}, "has test_documents and no test they could be of"),
        ({"corpus": {"train": "a", "test": "b", "test_document": "ids"}}, "did you mean 'test_documents'"),
        ({"corpus": "a.txt"}, "not a table"),
        ({"quick": {"epoch": 1}}, "no key 'epoch'; did you mean 'epochs'"),
        ({"sparsity": {"tokenisers": []}}, "no key 'tokenisers'; did you mean 'tokenizers'"),
        ({"sparsity": {"tokenizers": "kiwi"}}, "tokenizers = 'kiwi' is not"),
        ({"compare": "other"}, "compare = 'other' is not a list of other benchmarks' names"),
        ({"compare": ["mine"]}, "compare = ['mine'] is not a list of other benchmarks' names"),
        ({"compare": ["../other"]}, "is not a list of other benchmarks' names"),
        ({"rows": {}}, "has no rows"),
        ({"rows": {"a": {"kind": "ngrma"}}}, "no model kind 'ngrma'; did you mean 'ngram'"),
        ({"rows": {"a": {"order": 2}}}, "row 'a' has no kind"),
        ({"rows": {"a": 3}}, "row 'a' has no kind"),
        ({"rows": {"all": {"kind": "ngram"}}}, "rename it"),
        ({"rows": {"a/b": {"kind": "ngram"}}}, "rename it"),
        ({"rows": {"a b": {"kind": "ngram"}}}, "rename it"),
        ({"rows": {"": {"kind": "ngram"}}}, "rename it"),
        ({"rows": {"m": {"kind": "mixture", "components": "two"}}}, "not a list"),
        ({"rows": {"m": {"kind": "mixture", "components": ["two"]}, "two": ROWS["two"]}}, "no row above 'm'"),
        ({"rows": {"m": {"kind": "mixture", "components": ["m"]}}}, "no row above 'm'"),
    ],
)
def test_an_error_names_the_file_or_the_nearest_name(changes, said):
    with pytest.raises(BadConfig) as error:
        read(**changes)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_corpus_is_needed():
    with pytest.raises(BadConfig, match=r"has no \[corpus\]"):
        parse({"rows": ROWS}, "mine", Path(), "mine.toml")


@pytest.mark.parametrize("name", ["mkn-5+lstm", "한글_1", "a.b", "A-1"])
def test_names_a_row_may_have(name):
    assert names(read(rows={name: {"kind": "ngram"}}).rows) == [name]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (["two"], ["two"]),
        (["three", "two"], ["two", "three"]),
        (["ngram"], ["two", "three"]),
        (["mix"], ["two", "net", "mix"]),
        (["mix-of-mix"], list(ROWS)),
        (["mixture"], list(ROWS)),
        (["recurrent", "net"], ["net"]),
        (["all"], list(ROWS)),
    ],
)
def test_select_takes_components_along_in_file_order(asked, found):
    assert names(read().select(asked)) == found


def test_select_suggests():
    with pytest.raises(BadConfig, match="no row or family of mine 'thre'; did you mean 'three'"):
        read().select(["two", "thre"])


def test_families_in_file_order():
    found = {family: names(rows) for family, rows in read().families().items()}
    assert found == {"ngram": ["two", "three"], "recurrent": ["net"], "mixture": ["mix", "mix-of-mix"]}


def test_cut_down_has_a_name_of_its_own_and_less_text():
    small = cut_down(read(quick={"train_lines": 7}, compare=["other"]))
    assert (small.name, small.compare) == ("mine-quick", ("other-quick",))
    assert (small.corpus.train_lines, small.corpus.valid_lines) == (7, 500)


@pytest.mark.parametrize("name", list(builtin()))
def test_what_comes_with_lmbench_loads_and_every_row_can_be_made(name):
    found = load(name)
    assert found.rows
    _check(found.rows)


def test_benchmarks_that_are_compared_are_there_and_point_at_each_other():
    pairs = {(name, other) for name in builtin() for other in load(name).compare}
    assert pairs
    assert pairs == {(other, name) for name, other in pairs}


def test_load_suggests():
    with pytest.raises(BadConfig, match="no benchmark 'hungyr'; did you mean 'hungry'"):
        load("hungyr")


@pytest.mark.parametrize(
    ("content", "said"), [(None, "cannot be read"), (b"a = = 1", "is not TOML"), (b"title = '\xff'", "is not TOML")]
)
def test_a_file_that_is_no_benchmark(tmp_path, content, said):
    path = tmp_path / "bad.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadConfig, match=said) as error:
        load(str(path))
    assert str(path) in str(error.value)


def test_load_knows_its_folder(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("[corpus]\ntrain = 'a.txt'\n[rows.a]\nkind = 'ngram'\n", "utf-8")
    found = load(str(path))
    assert (found.name, found.folder) == ("mine", tmp_path)
