"""Every sentence of a report reads as a sentence, whatever there is one, two or none of."""

import re
from dataclasses import replace

import made
import made_diagnosis
import pytest
import test_report_audit
import test_report_generated

from lmbench.report import numbers
from lmbench.report.compare import Comparison
from lmbench.report.document import render
from lmbench.report.facts import read
from lmbench.report.markdown import escape
from lmbench.report.tables import COLUMNS
from lmbench.wording import agreeing, counted

ONE = {"kn-3": made.MODELS["kn-3"]}
TWO = {name: made.MODELS[name] for name in ("kn-3", "lstm")}
REFERENCES = {name: made.MODELS[name] for name in ("floor", "truth")}
SINGULAR = {
    "is",
    "was",
    "has",
    "as",
    "less",
    "this",
    "its",
    "across",
    "always",
    "us",
    "does",
    "makes",
    "of",
    "and",
    "pass",
}
NOUNS = (
    "row|model|sentence|token|word|pair|probe|seed|check|finding|family|document|block|character|line|group|place|event"
    "|network|time|unit|setting|cluster|segment"
)
FAULTS = {
    "one of many": rf"(?<![\w.,−/-])(?<!− )1 (?!(?:{'|'.join(SINGULAR)})\b)(?:[a-z-]+s\b(?!-)|[a-z]+ (?:{NOUNS})s\b)",
    "many of one": rf"(?<![\w.,/-])(?:[2-9]|[1-9][\d,]*\d) (?:{NOUNS})\b(?![-’'])",
    "none of some": rf"(?<![\w.,])0 (?:of|(?:{NOUNS})s)\b",
    "one are": r"(?<![\w.,])1 [a-z-]+ (?:are|were|have|do)\b",
    "many is": rf"(?<![\w.,])(?:[2-9]|[1-9][\d,]*\d) (?:{NOUNS})s (?:is|was|has|does)\b",
    "double space": r"\S  +\S",
    "nothing in brackets": r"\(\s*\)|\[\s*\]|“\s*”",
    "no number": r"\bnan\b|\bNone\b(?! (?:of|is|are)\b)|\binf\b",
    "a hole": r" [,;:](?:\s|$)| \.(?:\s|$)|,,|, and ,|\.\.(?!\.)|: ?\.|\bof \.|\bfamilies \.|\( | \)",
    "one family": r"\bfamilies [\w-]+ \(\d+\) (?:was|were)\b",
}


def prose(page):
    """The lines of a page that are sentences, without code spans and the contents of files."""
    inside = False
    for line in page.splitlines():
        inside ^= line.startswith("```")
        if line and not inside and not line.startswith(("|", "#", "![", "```", "<")):
            yield re.sub(r"``.*?``|`[^`]*`", "`x`", line)


def faults(page):
    found = [(name, line) for line in prose(page) for name, pattern in FAULTS.items() if re.search(pattern, line)]
    for line in prose(page):
        bare = re.sub(r"\\.", "", line)
        found += [("unbalanced", line) for a, b in ("()", "[]", "“”") if bare.count(a) != bare.count(b)]
    cells = [cell.strip() for line in page.splitlines() if line.startswith("|") for cell in line.split("|")]
    return found + [("a cell", cell) for cell in cells if re.fullmatch(r"nan|None|inf|-inf|\[\]|\(\)", cell)]


def first_seed(result):
    return replace(result, seed=None)


def probes(n, crossed):
    asked = made.probes()
    return {"probes": asked["probes"][:n], "crossed": asked["crossed"][:crossed]}


def asked_of(n, crossed):
    """Results of so many probes."""

    def edit(result):
        arrays = {name: values[:n] if name.startswith("probe_") else values for name, values in result.arrays.items()}
        if "crossed_log_probs" in arrays:
            arrays["crossed_log_probs"] = arrays["crossed_log_probs"][:crossed]
        return replace(result, arrays=arrays)

    return edit


def one_sentence(result):
    arrays = {name: values[:1] if name.startswith("row_") else values for name, values in result.arrays.items()}
    return replace(result, arrays=arrays)


def without_probes(result):
    arrays = {k: v for k, v in result.arrays.items() if not k.startswith(("probe_", "crossed_", "story_"))}
    metrics = {k: v for k, v in result.metrics.items() if not re.match(r"c\d_?", k)}
    return replace(result, arrays=arrays, metrics=metrics)


def corpus(**changes):
    return {**made.benchmark([])["corpus"], **changes}


def listed(*names):
    """Rows of a benchmark without the one that failed and the one that is missing."""
    return {"rows": [{"row": n, "kind": made.MODELS[n][0], "family": made.MODELS[n][1]} for n in names]}


def documents(n):
    return corpus(test_documents=" ".join(str(i * n // made.SENTENCES) for i in range(made.SENTENCES)))


SMALL_LABORATORY = {name: lines[:1] for name, lines in made.laboratory().items()}
CASES = {
    "all": {},
    "nothing": {"models": {}},
    "nothing planned": {"models": {}, "rows": []},
    "one row": {"models": ONE},
    "one row and no other planned": {"models": ONE, **listed("kn-3")},
    "two rows": {"models": TWO},
    "one family": {"models": {name: made.MODELS[name] for name in ("unigram", "kn-2", "kn-3", "mle-3")}},
    "one row that is impossible": {"models": {"mle-3": made.MODELS["mle-3"]}},
    "references alone": {"models": REFERENCES},
    "a score alone": {"models": {"stupid": made.MODELS["stupid"]}},
    "one row and the references": {"models": ONE | REFERENCES},
    "one seed": {"edit": lambda result: replace(result, seed=None if result.seed is None else 0), "seeds": [0]},
    "no seeds": {"edit": first_seed, "seeds": [0]},
    "one probe": {"probes": probes(1, 1), "edit": asked_of(1, 1)},
    "two probes": {"probes": probes(2, 2), "edit": asked_of(2, 2), "models": TWO},
    "no probes": {"probes": probes(0, 0), "edit": without_probes, "headline": None, "story": {"sentences": []}},
    "one sentence of test": {"edit": one_sentence, "models": ONE | REFERENCES},
    "a stream": {"corpus": corpus(unit="stream")},
    "two documents": {"corpus": documents(2)},
    "one document": {"corpus": documents(1)},
    "an extra word": {"corpus": corpus(extra_words=["피자"])},
    "two extra words": {"corpus": corpus(extra_words=["피자", "치킨"]), "models": TWO},
    "little measured": {"laboratory": SMALL_LABORATORY, "sparsity": made.benchmark([])["sparsity"][:1]},
    "no laboratory": {"laboratory": {}, "sparsity": []},
    "one token": {"corpus": corpus(n_events=1, n_test_tokens=1, warnings=["1 line is empty"]), "models": {}},
}


AUDIT = {"checks": test_report_audit.CHECKS[:1], "findings": [test_report_audit.LEAK], "notes": []}
MINING = {
    "found": {
        "pairs": 1,
        "a": 1,
        "b": 1,
        "unseen_share": 0.5,
        "off_cells": 1,
        "false_zeros": 0.1,
        "sentences_removed": 1,
    },
    "settings": {"attested": 1, "documents": 1, "min_count": 1, "expected": 1.0, "pairs": 1},
    "reserve": {"lines": 1, "documents": 1},
}
LINE = {"way": "scores", "accuracy_at_1": 0.5, "accuracy_at_10": 1.0, "bits_per_blank": 2.0, "ppl_of_blanks": 4.0}
BLANKS = {"dim": 8, "window": 1, "epochs": 1, "positions": 1, "ways": [LINE], "answers": []}
SECTIONS = {
    "an audit of one check that found something": {"audit": AUDIT},
    "an audit of one check that found nothing": {"audit": {**AUDIT, "findings": []}},
    "one mined pair": {"mining": MINING},
    "one pair that was taken out": {"mining": {**MINING, "settings": {**MINING["settings"], "control": True}}},
    "one blank": {"blanks": BLANKS},
}


def page(folder, models=made.MODELS, edit=lambda result: result, said=0, diagnosed=False, **fields):
    """The report of such a run. said: sentences that a row has generated; diagnosed: whether it has a diagnosis."""
    made.build(folder, models, edit, **fields)
    if diagnosed:
        made_diagnosis.build(folder)
    if said:
        test_report_generated.speak(
            folder, test=SPOKEN, kn_3={**SPOKEN, **test_report_generated.ROUNDS, "sentences": said}
        )
    facts = read(folder)
    return render(facts, Comparison(facts), [])


SPOKEN = {**test_report_generated.TEXT, **dict.fromkeys(("sentences", "pairs", "pairs_said", "times_said"), 1)}
MORE = {"a diagnosis": {"diagnosed": True}, "one generated sentence": {"said": 1}, "two generated": {"said": 2}}


@pytest.mark.parametrize("case", [*CASES, *SECTIONS, *MORE])
def test_every_sentence_of_a_small_report_reads(case, tmp_path):
    assert faults(page(tmp_path, **(CASES | SECTIONS | MORE)[case])) == []


@pytest.mark.parametrize(
    ("sentence", "name"),
    [
        ("1 language models were trained.", "one of many"),
        ("On 1,204 token of test.", "many of one"),
        ("0 of 3 rows failed.", "none of some"),
        ("1 row have no result.", "one are"),
        ("In all 18 rows is a fault.", "many is"),
        ("There are  two.", "double space"),
        ("The rows () failed.", "nothing in brackets"),
        ("It is nan bits.", "no number"),
        ("How much is new: .", "a hole"),
        ("Two rows (one of them.", "unbalanced"),
        ("of the families ngram (2) were trained", "one family"),
    ],
)
def test_the_law_sees_what_it_is_about(sentence, name):
    assert name in {found for found, _ in faults(sentence)}


def headers(page):
    """Section -> the titles of its tables' columns of numbers, table by table; what it says of titles."""
    tables, says, section = [], {}, ""
    lines = page.splitlines()
    for line, rule in zip(lines, [*lines[1:], ""], strict=True):
        if line.startswith("#"):
            section = line.strip("# ")
        if re.fullmatch(r"\|( -+:? \|)+", rule):
            cells, rules = (re.split(r"(?<!\\) ?\| ?", one)[1:-1] for one in (line, rule))
            tables.append((section, [c for c, r in zip(cells, rules, strict=True) if r.endswith(":") and c]))
        if found := re.match(r"- \*\*(.+?)\*\*: (.*)", line):
            for title in [found[1]] if found[1] in {c for _, t in tables for c in t} else found[1].split(", "):
                says.setdefault(title, {}).setdefault(section, found[2])
    return tables, says


def test_one_title_is_one_quantity(tmp_path):
    """Two tables may share a title if they explain it in the same words, or if it is a metric of COLUMNS in both."""
    shown = page(tmp_path, said=2, diagnosed=True, audit=AUDIT, blanks=BLANKS)
    tables, says = headers(shown)
    story = {escape(word) for sentence in made.STORY for word in [*sentence, "</s>"]}
    metrics = {column.title for column in COLUMNS.values()}
    places = {}
    for section, titles in tables:
        assert len(titles) == len(set(titles)), f"two columns of one table in {section!r} have one title"
        for title in titles:
            places.setdefault(re.sub(r" \[95 %\]$", "", title), set()).add(section)
    assert len(places) > 60
    for title, sections in places.items():
        if title in story:
            continue
        said = set(says.get(title, {}).values())
        assert len(said) <= 1, f"{title!r} is explained as {said}"
        unexplained = sections - set(says.get(title, {}))
        assert len(sections) == 1 or title in metrics or not unexplained, f"{title!r} stands in {sections}"


def test_the_headline_has_a_name_of_its_own(tmp_path):
    """coverage@100 is the mean over the probes wherever it is said, headline@100 one pair's."""
    shown = page(tmp_path, said=2)
    row = next(row for row in read(tmp_path).scored if row.name == "lstm")
    ours = {name: numbers.share(row.mean(name)) for name in ("c4", "c4_headline")}
    assert ours["c4"] != ours["c4_headline"]
    for line in shown.splitlines():
        if "`lstm`" in line and "coverage@100" in line and "against" in line:
            assert f"coverage@100 {ours['c4']} against" in line or f"against {ours['c4']}" in line
    main = next(line for line in shown.splitlines() if line.startswith("| row | family"))
    assert "(headline@100)" in main
    assert "coverage@100" not in main
    found = next(line for line in shown.splitlines() if line.startswith("| lstm | recurrent"))
    assert f" {ours['c4_headline']} " in found
    assert f" {ours['c4']} " not in found


def test_counted():
    assert [counted(n, "row") for n in (0, 1, 2, 1234)] == ["no rows", "1 row", "2 rows", "1,234 rows"]
    assert [counted(n, "pass", "passes") for n in (0, 1, 2)] == ["no passes", "1 pass", "2 passes"]
    assert [agreeing(n, "is", "are") for n in (0, 1, 2)] == ["are", "is", "are"]
