"""A file of probes: what is written is read, and what is not a file of probes says at which line."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmbench.errors import BadText
from lmbench.storage import sha256
from lmbench.text.probes import Crossed, Probe, Probes
from lmbench.text.probes_file import ProbesFile, fingerprint, of_part, read, write

words = st.text(st.characters(exclude_categories=("Cs",)), max_size=5)
some = st.lists(words, max_size=3).map(tuple)
counts = st.none() | st.integers(0, 9)
numbers = st.none() | st.floats(allow_nan=False, allow_infinity=False)
made_probes = st.builds(
    Probe, some, words, some, st.tuples(words, words), st.booleans(), words, st.none() | words, numbers, numbers,
    st.integers(1, 3), counts, counts, numbers,
)  # fmt: skip
made_crossed = st.builds(Crossed, some, words, words, words, words, words, some, numbers)
FILE = ProbesFile(
    Probes((Probe(("so", "a"), "b", ("b",), ("a", "b"), True, "near"),), (Crossed((), "a", "b", "c", "d", "far"),)),
    "0" * 64,
    {"found": {"pairs": 1}},
)


@settings(deadline=None, max_examples=60)
@given(st.lists(made_probes, max_size=4), st.lists(made_crossed, max_size=4), words)
def test_round_trip(tmp_path_factory, probes, crossed, print_):
    path = tmp_path_factory.mktemp("probes") / "x.jsonl"
    made = ProbesFile(Probes(tuple(probes), tuple(crossed)), print_, {"settings": {"seed": 1}})
    write(path, made)
    assert read(path) == made


@pytest.fixture
def lines(tmp_path):
    """The lines of FILE, and a way to read them changed; the checksum is made to fit."""
    path = tmp_path / "x.jsonl"
    write(path, FILE)
    whole = path.read_text("utf-8").splitlines()

    def changed(*body, **head):
        text = "".join(line + "\n" for line in body)
        first = {**json.loads(whole[0]), **head}
        del first["sha256"]
        said = json.dumps(first, ensure_ascii=False) + "\n"
        seal = head.get("sha256", sha256(((said if first["version"] != 1 else "") + text).encode()))
        path.write_text(json.dumps({**first, "sha256": seal}, ensure_ascii=False) + "\n" + text, "utf-8")
        return read(path)

    return whole[1:], changed


def without(line, name):
    (kind, item) = next(iter(json.loads(line).items()))
    del item[name]
    return json.dumps({kind: item})


def test_lines_unchanged_are_the_file(lines):
    body, changed = lines
    assert changed(*body) == changed(*body, version=1) == FILE


def test_a_header_that_was_changed_is_missed(tmp_path):
    path = tmp_path / "x.jsonl"
    write(path, FILE)
    first, *body = path.read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join([json.dumps({**json.loads(first), "fingerprint": "another"}) + "\n", *body]), "utf-8")
    with pytest.raises(BadText, match="line 1: its sha256"):
        read(path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda body: [body[0], body[1][:-1]], "line 3: not JSON"),
        (lambda body: [body[0], "3"], "line 3: not a JSON object"),
        (lambda body: ["", body[0], body[1]], "line 2: not JSON"),
        (lambda body: [body[0], '{"story": {}}'], "line 3: 'story' is no kind of probe"),
        (lambda body: [body[0], '{"probe": {}, "crossed": {}}'], "line 3: 'probe' is no kind"),
        (lambda body: [body[0], "{}"], "line 3: 'nothing' is no kind"),
        (lambda body: [without(body[0], "target"), body[1]], "line 2: the probe has no target"),
        (lambda body: [body[0], without(body[1], "b2")], "line 3: the crossed has no b2"),
        (lambda body: [body[0].replace('"held"', '"hold"'), body[1]], "line 2: a probe has no field 'hold'"),
        (lambda body: [body[0].replace("true", '"yes"'), body[1]], "line 2: held = 'yes' is no bool"),
        (lambda body: [body[0].replace('["a", "b"]', '["a"]'), body[1]], r"line 2: cell = \['a'\] is no tuple"),
        (lambda body: [body[0].replace('["so", "a"]', '"so a"'), body[1]], "line 2: context = 'so a' is no tuple"),
    ],
)
def test_a_malformed_line_is_named(lines, change, said):
    body, changed = lines
    with pytest.raises(BadText, match=said) as error:
        changed(*change(body))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ({"format": "words"}, "line 1: not the header"),
        ({"fingerprint": 3}, "line 1: not the header"),
        ({"version": 3}, "line 1: version 3, this program reads 2"),
        ({"sha256": "0"}, "line 1: its sha256 is not that of the file"),
    ],
)
def test_a_header_that_does_not_hold_is_named(lines, head, said):
    body, changed = lines
    with pytest.raises(BadText, match=said):
        changed(*body, **head)


def test_a_probe_that_was_lost_is_missed(tmp_path):
    path = tmp_path / "x.jsonl"
    write(path, FILE)
    path.write_text("".join(path.read_text("utf-8").splitlines(keepends=True)[:-1]), "utf-8")
    with pytest.raises(BadText, match="line 1: its sha256"):
        read(path)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"a b c\n", b"[]\n"])
def test_another_file_is_refused(tmp_path, content):
    path = tmp_path / "x.jsonl"
    path.write_bytes(content)
    with pytest.raises(BadText, match=r"line 1|cannot be read"):
        read(path)
    with pytest.raises(BadText, match="no file of probes"):
        read(tmp_path / "y.jsonl")


def test_fingerprints_tell_streams_apart():
    streams = [[["a", "b"]], [["a"], ["b"]], [["ab"]], [["b", "a"]], [["a", "b"], []], []]
    assert len({fingerprint(stream) for stream in streams}) == len(streams)


def test_a_part_of_a_text_has_the_probes_it_has_words_for():
    assert of_part(FILE.probes, {"so", "a", "b", "c", "d"}) == FILE.probes
    assert of_part(FILE.probes, {"so", "a", "b"}) == Probes(FILE.probes.probes)
    assert of_part(FILE.probes, {"a", "b", "c", "d"}) == Probes(crossed=FILE.probes.crossed)
