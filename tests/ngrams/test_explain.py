"""Why a word has its probability: the steps multiply to it, and what they say was seen was."""

import re
from collections import Counter, defaultdict

import numpy as np
import pytest
from toy import toy

from lmbench.models.ngram import NGram
from lmbench.ngrams.backoff import BackOff
from lmbench.ngrams.explain import Counted, Step, explain, table
from lmbench.ngrams.smoothing import METHODS, SHORTER
from lmbench.text.sentences import Sentences
from lmbench.text.vocabulary import Vocabulary

TEXT = [
    line.split() for line in ("나는 엄청 춥다", "나는 매우 춥다", "오늘은 무지 춥다", "나는 무지 잔다", "나는 춥다")
]
VOCAB = Vocabulary.build(TEXT)
TRAIN = Sentences.encode(TEXT, VOCAB)


def explained(line, **fields):
    model = NGram(**fields).fit(TRAIN, TRAIN)
    return model.explain(Sentences.encode([line.split()], VOCAB))


FIELDS = [{"order": n, "smoothing": method} for n in (1, 2, 3, 5) for method in METHODS]
FIELDS += [{"order": 4, "bits": 8}, {"order": 4, "bits": 32}, {"order": 4, "cutoffs": (0, 0, 1)}, {"entropy": 0.003}]


@pytest.mark.parametrize("fields", FIELDS, ids=str)
def test_the_factors_multiply_to_the_probability(fields):
    train, _, test = toy()
    model = NGram(**fields).fit(train, train)
    rng = np.random.default_rng(0)
    blind = [rng.integers(len(test.vocab), size=length) for length in (0, 1, 3, 9)]
    for batch in train, test, Sentences.of_rows([*test, *blind, [1, 1, 0]], test.vocab):
        explanations = model.explain(batch)
        np.testing.assert_allclose([e.p for e in explanations], np.exp(model.log_probs(batch)), rtol=1e-12, atol=0)
        assert [e.word for e in explanations] == batch.vocab.decode(batch.tokens)
        assert max(e.order for e in explanations) <= model.order


def recounted(rows, order):
    """{n-gram: occurrences} and {n-gram: words before it} of rows of words, each with one <s>; </s> is in them."""
    times, before = Counter(), defaultdict(set)
    for row in rows:
        words = ["<s>", *row]
        for end in range(2, len(words) + 1):
            for n in range(1, min(order, end) + 1):
                gram = tuple(words[end - n : end])
                times[gram] += 1
                if n < end:
                    before[gram].add(words[end - n - 1])
    return times, {gram: len(words) for gram, words in before.items()}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fields", [fields for fields in FIELDS if "smoothing" in fields], ids=str)
def test_what_is_counted_is_named_and_is_what_the_text_has(fields, stream):
    train, _, test = toy()
    if stream:
        train, test = (Sentences(t.vocab, t.tokens, np.array([0, t.n_tokens])) for t in (train, test))
    order, method = fields["order"], fields["smoothing"]
    model = NGram(**fields).fit(train, train)
    times, before = recounted([train.vocab.decode(row) for row in train], order)
    counts = {Counted.TIMES: times, Counted.CONTEXTS: before}
    for explanation in model.explain(Sentences.of_rows([*train, *test], train.vocab)):
        for step in explanation.steps:
            whole = len(step.context) == order - 1 or step.context[:1] == ("<s>",)
            assert step.counted is (Counted.TIMES if whole else SHORTER.get(method, Counted.TIMES))
            if step.counted is Counted.NOTHING:
                assert (step.count, step.total) == (None, None)
                continue
            known = counts[step.counted]
            assert step.count == known.get((*step.context, explanation.word), 0)
            assert step.total == sum(known.get((*step.context, word), 0) for word in train.vocab.events)


@pytest.mark.parametrize("method", METHODS)
def test_the_count_that_is_named_decides_the_probability(method):
    """Of words alone: equal counts have one probability, and of different ones no more than two share theirs."""
    train, *_ = toy()
    model = NGram(order=3, smoothing=method).fit(train, train)
    never = Sentences.of_rows([[word, word, word] for word in range(len(train.vocab))], train.vocab)
    found = {}
    for explanation in model.explain(never):
        last = explanation.steps[-1]
        if last.context == ():
            found.setdefault(last.count, set()).add(round(last.factor, 12))
    assert all(len(factors) == 1 for factors in found.values())
    assert len(set.union(*found.values())) >= len(found) - 1
    assert len(found) > 3 or method == "add_k"


@pytest.mark.parametrize("fields", FIELDS, ids=str)
def test_the_factors_that_are_printed_multiply_to_the_probability_that_is(fields):
    train, _, test = toy()
    shown, product = None, 1.0
    lines = table(NGram(**fields).fit(train, train).explain(test))[1:]
    for line in [line for line in lines if not line.startswith("distinct contexts:")]:
        head, factor = re.fullmatch(r"(.*?)(?:back off x|p =) (\S+)", line).groups()
        if not line.startswith(" "):
            shown, product = float(head.split()[1]), 1.0
        product *= float(factor)
        if "p = " in line:
            assert product == pytest.approx(shown, rel=0.03)  # three digits each


def test_what_was_seen():
    # after 나는: 엄청, 매우, 무지, 춥다, once each; after 무지: 춥다, 잔다; words: 14, and 5 </s>
    steps = explained("나는 무지 춥다", order=3, smoothing="witten_bell")[2].steps
    assert steps[0] == Step(("나는", "무지"), True, pytest.approx(1 / 2), 0, 1)
    assert (steps[1].context, steps[1].known, steps[1].count, steps[1].total) == (("무지",), True, 1, 2)
    assert len(steps) == 2
    start = explained("무지", order=3, smoothing="witten_bell")[0]
    assert [(s.context, s.count, s.total) for s in start.steps] == [(("<s>",), 0, 5), ((), 2, 19)]
    assert start.ngram == ("무지",)


def test_maximum_likelihood_pays_with_everything():
    explanation = explained("나는 무지 춥다", order=3, smoothing="mle")[2]
    assert explanation.p == 0
    assert [step.factor for step in explanation.steps] == [0, 0.5]


def test_a_context_never_seen_costs_nothing():
    steps = explained("매우 엄청 춥다", order=3)[2].steps
    assert steps[0] == Step(("매우", "엄청"), False, 1.0, 0, 0)
    assert steps[1].context == ("엄청",)


def test_what_is_left_out_may_have_been_seen():
    steps = explained("나는 무지 잔다", order=3, smoothing="witten_bell", cutoffs=(0, 1))[2].steps
    assert steps[0] == Step(("나는", "무지"), False, 1.0, None, None)
    assert steps[1].count is None
    assert steps[1].total == 2
    assert steps[2].count == 1


def test_contexts_that_were_left_out_cannot_be_counted():
    steps = explained("나는 무지 잔다", order=3, cutoffs=(0, 1))[2].steps
    assert [(step.count, step.total) for step in steps[1:]] == [(None, None)] * 2
    assert {step.counted for step in steps[1:]} == {Counted.CONTEXTS}


def test_without_counts_there_is_still_a_way():
    steps = explained("나는 무지 춥다", order=3, smoothing="witten_bell", counts=False)[2].steps
    assert [(step.count, step.total) for step in steps] == [(0, None), (None, None)]
    bare = NGram(order=3).fit(TRAIN, TRAIN).backoff_
    bare = BackOff(bare.index, bare.log_p, bare.log_gamma)
    steps = explain(bare, Sentences.encode([["나는", "무지", "춥다"]], VOCAB))[2].steps
    assert [(step.count, step.total) for step in steps] == [(None, None), (None, None)]


def test_counts_are_kept_in_the_file():
    batch = Sentences.encode([["나는", "무지", "춥다"]], VOCAB)
    model = NGram(order=3).fit(TRAIN, TRAIN)
    assert NGram(order=3).restore(VOCAB, model.state()).explain(batch) == model.explain(batch)


def test_the_table_stands_in_columns_of_the_terminal():
    lines = table(explained("나는 무지 춥다 짜장면", order=3, smoothing="mle"))
    assert lines == [
        "word   p                        in the training text",
        "나는   0.8    after <s>         4 of 5 times          p = 0.8",
        "무지   0.25   after <s> 나는    1 of 4 times          p = 0.25",
        "춥다   0      after 나는 무지   never in 1 time       back off x 0",
        "              after 무지        1 of 2 times          p = 0.5",
        "<unk>  0      after 무지 춥다   never in 1 time       back off x 0",
        "              after 춥다        never in 4 times      back off x 0",
        "              alone             never in 19 times     p = 0",
        "</s>   0.263  after 춥다 <unk>  context never seen    back off x 1",
        "              after <unk>       context never seen    back off x 1",
        "              alone             5 of 19 times         p = 0.263",
    ]


def test_the_table_says_where_contexts_are_counted():
    lines = table(explained("나는 무지 춥다", order=3))
    assert [line.split("  ", 3)[-1].strip() for line in lines[1:4]] == [
        "4 of 5 times              p = 0.536",
        "1 of 4 times              p = 0.22",
        "never in 1 time           back off x 0.5",
    ]
    # before 무지 춥다 stands 오늘은, before 무지 잔다 나는
    assert lines[4].split("  ", 3)[-1].split(maxsplit=2)[2].startswith("1 of 2 distinct contexts  p = ")
    assert lines[-1].startswith("distinct contexts: the different words before an n-gram")
    assert not any("distinct" in line for line in table(explained("나는 무지 춥다", order=3, smoothing="katz")))


def test_the_table_of_a_model_that_cannot_tell():
    steps = [
        line.split("  ", 3)[-1]
        for line in table(explained("나는 무지 잔다", order=3, smoothing="witten_bell", cutoffs=(0, 1)))
    ]
    assert any("context not listed" in line for line in steps)
    assert any("not listed in 2 times" in line for line in steps)
