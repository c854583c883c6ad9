"""Leaks that were planted are each found, with what to do about them; a clean text has none."""

from itertools import pairwise

import numpy as np
import pytest

from lmbench.bench.audit import audit, warnings
from lmbench.bench.benchmark import load
from lmbench.bench.prepare import gather
from lmbench.text.probes import Crossed, Probe, Probes

WORDS = [a + b + "다" for a in "가나다라마바사아자차" for b in "강논달림몽별송연집철"]


def sentences(n, seed):
    """n sentences of 11 to 15 of the words drawn at random: none is like another."""
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, size)) for size in rng.integers(11, 16, n)]


TRAIN, VALID, TEST = sentences(600, 0), sentences(80, 1), sentences(100, 2)


def found(folder, corpus="", rows="", story="", probes=None, splits=True, **texts):
    """The findings of a benchmark on these texts."""
    texts = {"train": TRAIN, "valid": VALID, "test": TEST, **texts}
    for name, lines in texts.items():
        (folder / f"{name}.txt").write_text("\n".join(lines) + "\n", "utf-8")
    given = 'train = "train.txt"\n' + ('valid = "valid.txt"\ntest = "test.txt"\n' if splits else "")
    (folder / "planted.toml").write_text(
        f'{story}\n[corpus]\n{given}{corpus}\n[rows.two]\nkind = "ngram"\norder = 2\n{rows}', "utf-8"
    )
    benchmark = load(str(folder / "planted.toml"))
    gathered = gather(benchmark, None, folder / "cache", benchmark.files("embedding_text"))
    return audit(benchmark, gathered.corpus, gathered.texts, probes or gathered.probes)


def one(facts):
    """The one finding, as a log says it."""
    assert len(facts["findings"]) == 1, [finding["fact"] for finding in facts["findings"]]
    return warnings(facts)[0]


VECTORS = '[rows.net]\nkind = "recurrent"\nembeddings = "word2vec"\nembedding_text = "other.txt"\n'


def test_a_clean_text_has_no_finding(tmp_path):
    facts = found(tmp_path, rows=VECTORS, other=sentences(50, 3) + TRAIN)
    assert facts["findings"] == []
    assert facts["notes"] == []
    assert not any(check["found"] for check in facts["checks"])


def test_a_split_made_here_has_no_finding(tmp_path):
    assert found(tmp_path, splits=False, train=[*TRAIN, *TRAIN[:300]])["findings"] == []


def chat(n, seed):
    """n lines as in a chat: short answers said again and again with other marks, longer ones among them."""
    rng = np.random.default_rng(seed)
    short = [f"{word} {more}".strip() for word in ("yes", "no", "ok", "hello", "thanks", "bye") for more in ("", "now")]
    answers = [form(line) + mark for line in short for form in (str, str.title) for mark in ("", ".", "?", "!", "...")]
    often = 1 / np.arange(1, len(answers) + 1)
    said = rng.choice(rng.permutation(answers), n, p=often / often.sum())
    return [line if rng.random() < 0.6 else " ".join(rng.choice(WORDS, 6)) for line in said.tolist()]


@pytest.mark.parametrize("seed", range(6))
def test_a_chat_that_is_split_here_has_none_though_its_short_lines_are_alike(tmp_path, seed):
    facts = found(tmp_path, f"seed = {seed}", splits=False, train=chat(1500, seed))
    near = [check for check in facts["checks"] if check["what"] == "nearly the same"]
    assert all(check["found"] and check["usual"] for check in near)  # "Yes." and "Yes?"
    assert facts["findings"] == []


def test_lines_of_a_chat_that_were_copied_are_found_all_the_same(tmp_path):
    test = chat(400, 8)
    copied = [line + "!" for line in test if len(line) > 20][:40]
    clean = {"train": chat(1500, 7), "valid": chat(200, 9), "test": test}
    assert "nearly the same" not in {check["what"] for check in found(tmp_path, **clean)["checks"] if check["leak"]}
    facts = found(tmp_path, **{**clean, "train": [*clean["train"], *copied]})
    assert {"nearly the same"} <= {check["what"] for check in facts["checks"] if check["leak"]}


def test_the_built_in_text_has_none_though_its_grammar_repeats_sentences(tmp_path):
    benchmark = load("hungry")
    gathered = gather(benchmark, None, tmp_path)
    facts = audit(benchmark, gathered.corpus, gathered.texts, gathered.probes)
    assert facts["findings"] == []
    shared = next(check for check in facts["checks"] if check["where"] == "train and test")
    assert shared["found"] > 700  # independent draws of one small language, as often as train has its own again
    assert abs(shared["found"] / shared["of"] - shared["usual"]) < 0.02


def test_words_that_only_test_has(tmp_path):
    said = one(found(tmp_path, 'extra_words = ["무지", "감자"]', test=[*TEST, "무지 " + TEST[0]]))
    assert "1 words of the vocabulary occur in test and in no other text" in said
    assert "leave these words out of extra_words" in said


def test_words_that_another_text_has_too_are_no_leak(tmp_path):
    assert not found(tmp_path, 'extra_words = ["무지"]', VECTORS, test=[*TEST, "무지 " + TEST[0]], other=["무지 좋다"])[
        "findings"
    ]


def test_vectors_that_have_read_test(tmp_path):
    facts = found(tmp_path, rows=VECTORS, other=[*sentences(50, 3), TEST[7]])
    said = one(facts)
    assert "embedding_text 'other.txt' has 1 of the 100 sentences of test in it" in said
    assert "take these lines out of it, or give another text" in said
    assert facts["findings"][0]["examples"] == (TEST[7],)


def test_lines_of_test_in_train(tmp_path):
    said = one(found(tmp_path, train=[*TRAIN, TEST[3], TEST[4]]))
    assert said.startswith("2 of the 100 lines of test are lines of train too")
    assert "remove duplicates before the text is split, or give only train" in said


def test_lines_of_test_in_a_train_that_repeats_itself(tmp_path):
    short = [f"{a} {b}" for a in WORDS[:20] for b in WORDS[:10]]  # said again and again, in test as in train
    clean = {"train": TRAIN + short * 2, "test": TEST + short[:60]}
    assert not found(tmp_path, **clean)["findings"]
    said = one(found(tmp_path, train=[*clean["train"], *TEST[:80]], test=clean["test"]))
    assert "80 of its 100 lines of 40 characters or more among them" in said


def test_lines_of_test_in_train_but_for_case_space_and_a_letter(tmp_path):
    edited = [line.replace(" ", "  ", 1) + "!" for line in TEST[:10]] + [line[:-1] + "x" for line in TEST[10:20]]
    facts = found(tmp_path, train=[*TRAIN, *edited])
    said = one(facts)
    assert said.startswith("20 of the 100 lines of test that train does not have as they are are lines of train but")
    assert "split by document" in said
    assert facts["findings"][0]["examples"][0] == f"{TEST[0]} | {TEST[0]}!"


def test_lines_of_test_inside_longer_lines_of_train(tmp_path):
    longer = [f"{before} {line} {after}" for before, line, after in zip(TRAIN, TEST[:20], TRAIN[50:], strict=False)]
    said = one(found(tmp_path, train=[*TRAIN, *longer]))
    assert "20 of the 100 lines of test" in said
    assert "stand word for word inside longer lines of train" in said
    assert "take these lines out of train" in said


def probe(a, b, held=True):
    return Probe((a,), b, (b,), (a, b), held, "near")


def test_probes_that_train_answers(tmp_path):
    (a, b, c), words = TRAIN[0].split()[:3], {pair for line in TRAIN for pair in pairwise(line.split())}
    free = next(w for w in WORDS if (a, w) not in words)
    cross = Crossed((), a, b, a, free, "near")
    assert not found(tmp_path, probes=Probes((probe(a, free), probe(b, c, held=False))))["findings"]
    said = one(found(tmp_path, probes=Probes((probe(a, b), probe(a, free)), (cross,))))
    assert said.startswith("2 of 3 probes do not hold on train's tokens")
    assert "make the probes again from the tokens that models are trained on" in said


def test_a_story_whose_end_is_in_train(tmp_path):
    said = one(found(tmp_path, story=f'story = ["{TRAIN[0]}", "{TRAIN[1]}"]'))
    assert "last sentence of the story, which nothing should have seen, is 1 lines of train" in said


def test_tuning_on_test(tmp_path):
    facts = found(tmp_path, valid=TEST[::-1])
    said = one(facts)
    assert "valid has the same lines as test: what is chosen on valid" in said
    assert "give valid a text of its own" in said


def test_a_part_of_test_in_valid(tmp_path):
    said = one(found(tmp_path, valid=[*VALID, *TEST[:9]]))
    assert said.startswith("9 of the 100 lines of test are lines of valid too")


def test_a_file_that_valid_and_test_were_taken_out_of_as_text_for_vectors(tmp_path):
    facts = found(tmp_path, rows=VECTORS, splits=False, other=TRAIN)
    assert [finding["found"] for finding in facts["findings"]] == [60, 60]
    of_test, of_valid = warnings(facts)
    assert "60 of the 60 sentences of test in it" in of_test
    assert "other.txt has 60 of the 60 lines of valid that train does not have" in of_valid
    assert "where valid and test were taken out of train's file, that file is no text to give" in of_valid


def test_test_that_is_train(tmp_path):
    said = one(found(tmp_path, test=TRAIN[::-1]))
    assert said.startswith("test has the same lines as train: its numbers say how well models remember")


def test_valid_that_is_train_is_a_note(tmp_path):
    facts = found(tmp_path, valid=TRAIN[:50])
    assert facts["findings"] == []
    assert facts["notes"][0].startswith("every line of valid is also a line of train: no leak of test")


def test_a_file_of_vectors_is_said_not_to_have_been_checked(tmp_path):
    rows = '[rows.net]\nkind = "recurrent"\nembeddings = "file"\nvector_file = "some.vec"\n'
    facts = found(tmp_path, rows=rows)
    assert facts["findings"] == []
    assert facts["notes"][0].startswith("the vectors of some.vec were not checked")


def test_no_line_is_shown_of_a_text_that_may_not_be(tmp_path):
    facts = found(tmp_path, "quoted = false", train=[*TRAIN, *TEST[:9]])
    assert facts["findings"][0]["found"] == 9
    assert all(not finding["examples"] for finding in facts["findings"])
    assert not any(line in repr(facts) for line in TEST)
