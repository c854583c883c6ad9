"""Names become those of files: what would be another's file, or outside the folder of reports, is refused unread."""

from pathlib import Path

import pytest

from lmbench.bench.benchmark import builtin, load, parse
from lmbench.bench.names import LONGEST, check_benchmark, check_row, check_unit
from lmbench.bench.results import file_stem
from lmbench.errors import BadConfig

NEVER = (
    "",
    ".",
    "..",
    "...",
    ".hidden",
    "-x",
    "a/b",
    "../a",
    "a\\b",
    "a b",
    "a\n",
    "a\0",
    "가" * 100,
    "x" * 300,
    "a:b",
    "~",
)
CHECKS = {
    "row": lambda name: check_row(name, "f.toml", ("all",)),
    "benchmark": lambda name: check_benchmark(name, "f.toml"),
    "unit": lambda name: check_unit(name, "f.toml"),
}


def one_line(error):
    assert "\n" not in str(error.value)
    assert str(error.value).startswith("f.toml: ")


@pytest.mark.parametrize("what", CHECKS)
@pytest.mark.parametrize("name", NEVER)
def test_what_no_file_can_be_called_nothing_is(what, name):
    with pytest.raises(BadConfig) as error:
        CHECKS[what](name)
    one_line(error)


@pytest.mark.parametrize("what", CHECKS)
@pytest.mark.parametrize("name", ["mkn-5+lstm", "한글_1", "a.b", "A-1", "x" * LONGEST, "a.seedling", "seed0"])
def test_what_files_can_be_called_so_can_these(what, name):
    CHECKS[what](name)


@pytest.mark.parametrize(
    "name",
    [
        "benchmark",
        "sentences",
        "Benchmark",
        "SENTENCES",
        "a.seed0",
        "a.SEED12",
        "x.without1",
        "x.without1.seed0",
        "all",
    ],
)
def test_a_row_cannot_be_called_as_a_file_of_ours(name):
    with pytest.raises(BadConfig) as error:
        check_row(name, "f.toml", ("all",))
    one_line(error)


@pytest.mark.parametrize("name", ["facts", "models", "Figures"])
def test_a_unit_cannot_be_called_as_a_folder_of_every_benchmark(name):
    with pytest.raises(BadConfig):
        check_unit(name, "f.toml")


def test_no_two_rows_have_a_file_in_common():
    """Whatever names are let through: the files of one row, under any seed and group, are no other's."""
    let = ["a", "b", "a.b", "a.seed", "a.seedx", "a.without", "a+1", "+a", "a.seed0x"]
    for name in let:
        check_row(name, "f.toml", ())
    stems = [file_stem(name, seed, group) for name in let for seed in (None, 0, 1) for group in (0, 1)]
    assert len(set(stems)) == len(stems)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ({"ngram": "ngram"}, "'ngram' already stands for other rows"),
        ({"a": "cache", "NGRAM": "cache"}, "'NGRAM' already stands"),
        ({"a": "ngram", "A": "ngram"}, "'a' and 'A' differ in case alone"),
        ({"é": "ngram", "e\N{COMBINING ACUTE ACCENT}": "ngram"}, "rename"),
    ],
)
def test_names_that_clash_are_refused_before_anything_is_read(rows, said):
    tables = {name: {"kind": kind} for name, kind in rows.items()}
    with pytest.raises(BadConfig, match=said):
        parse({"corpus": {"train": "nowhere.txt"}, "rows": tables}, "mine", Path(), "f.toml")


@pytest.mark.parametrize(
    "name", ["...toml", "..toml", ".hidden.toml", "-x.toml", "a b.toml", f"{'x' * 200}.toml", "my-quick.toml"]
)
def test_a_benchmark_file_is_called_as_a_folder_can_be(tmp_path, name):
    path = tmp_path / name
    path.write_text("[corpus]\ntrain = 'a.txt'\n[rows.a]\nkind = 'ngram'\n", "utf-8")
    with pytest.raises(BadConfig) as error:
        load(str(path))
    assert "\n" not in str(error.value)


def test_what_comes_with_lmbench_has_such_names():
    for name in builtin():
        assert load(name).rows
