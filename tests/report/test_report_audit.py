"""The audit in a report: leaks with their remedies, checks beside what is usual, nothing where facts are older."""

from __future__ import annotations

import made

from lmbench.report import audit
from lmbench.report.facts import read
from lmbench.report.write import write

CHECKS = [
    {"what": "the same line", "where": "train and test", "found": 30, "of": 120, "usual": 0.05, "leak": True},
    {"what": "nearly the same", "where": "test in a|b", "found": 3, "of": 90, "usual": 0.04, "leak": False},
    {"what": "a word only test has", "where": "the vocabulary", "found": 0, "of": 0, "usual": None, "leak": False},
]
LEAK = {"fact": "30 of the 120 lines", "found": 30, "of": 120, "remedy": "split <again>", "examples": ["나는 *잔다*"]}
FOUND = {"quoted": True, "checks": CHECKS, "findings": [LEAK], "notes": ["x.vec was not checked"]}


def section(folder, found):
    return audit.section(read(made.build(folder, models={}, audit=found)))


def test_a_leak_is_told_with_what_to_do_and_an_example(tmp_path):
    said = section(tmp_path, FOUND)
    assert said.startswith("## Audit\n\n1 of 3 checks found that test")
    assert "- **Leak**: 30 of the 120 lines. To mend it: split &lt;again>. Such as “나는 \\*잔다\\*”." in said
    assert "| the same line | train and test | 30 | 120 | 25.0 % | 5.0 % | **leak** |" in said
    assert "| nearly the same | test in a\\|b | 3 | 90 | 3.3 % | 4.0 % | no leak |" in said
    assert "| a word only test has | the vocabulary | 0 | 0 | – | – | none |" in said
    assert said.endswith("- x.vec was not checked")


def test_without_a_leak_that_is_what_it_says(tmp_path):
    said = section(tmp_path, {**FOUND, "findings": [], "notes": []})
    assert "None of 3 checks found that test" in said
    assert "Leak" not in said


def test_a_leak_of_a_text_that_may_not_be_shown_has_no_example(tmp_path):
    assert "Such as" not in section(tmp_path, {**FOUND, "quoted": False, "findings": [{**LEAK, "examples": []}]})


def test_older_facts_have_no_section_and_no_table(tmp_path):
    folder = made.build(tmp_path, models={})
    write(folder)
    assert "## Audit" not in (folder / "report.md").read_text("utf-8")
    assert not (folder / "audit.csv").exists()


def test_every_check_is_in_the_table_of_the_folder(tmp_path):
    folder = made.build(tmp_path, models={}, audit=FOUND)
    write(folder)
    assert (folder / "audit.csv").read_text("utf-8").splitlines()[1].split(",")[:4] == [
        "the same line", "train and test", "30", "120"
    ]  # fmt: skip
