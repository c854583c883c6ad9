"""What a field may hold is said at the field: no number is without a range, and what is outside it is one line."""

from dataclasses import MISSING, fields, is_dataclass
from inspect import getmembers, isclass
from pathlib import Path
from typing import Annotated, get_args, get_origin

import pytest

from lmbench.bench import blanks, generate, probes, specs, unseen, variants
from lmbench.bench.benchmark import parse
from lmbench.errors import BadConfig
from lmbench.fields import Among, Between, Checked, Readable, check, fits, spelled, types
from lmbench.measures import published
from lmbench.models import construct, kinds, model_class
from lmbench.text.tokenizers import TOKENIZERS

OURS = sorted(kind for kind, point in kinds().items() if point.module.startswith("lmbench."))
TABLES = sorted(
    {
        member
        for module in (specs, variants, blanks, generate, unseen, probes, published)
        for _, member in getmembers(module, isclass)
        if issubclass(member, Checked) and is_dataclass(member)
    },
    key=lambda table: table.__name__,
)
CLASSES = {**{kind: model_class(kind) for kind in OURS}, **{table.__name__: table for table in TABLES}}
FIELDS = [(name, field.name) for name, cls in CLASSES.items() for field in fields(cls)]
IDS = [f"{name}.{field}" for name, field in FIELDS]
NEVER = (float("nan"), float("inf"), float("-inf"), 10**30, 10**400, -(10**30), object(), {"a": 1}, [[[]]])
"""What no field of any kind may hold."""
GIVEN = {
    "index": "i",
    "path": "p",
    "components": {},
    "rows": ("a",),
    "within": 0.1,
    "sizes": (1,),
    "trials": 1,
    "grid": {},
}


def leaves(hint):
    """The types a field is made of, annotations kept."""
    if get_origin(hint) is Annotated or not get_args(hint):
        return [hint]
    return [leaf for inner in get_args(hint) if inner is not Ellipsis for leaf in leaves(inner)]


def numbers(hint):
    return [leaf for leaf in leaves(hint) if (get_args(leaf) or (leaf,))[0] in (int, float)]


def needed(cls):
    return {
        field.name: GIVEN[field.name]
        for field in fields(cls)
        if field.default is MISSING and field.default_factory is MISSING
    }


def refused(name, field, value):
    """The one line that is said to a value, naming where it stands, the field and the range."""
    cls = CLASSES[name]
    with pytest.raises(BadConfig) as error:
        check(cls, {**needed(cls), field: value}, "mine.toml: here")
    told = str(error.value)
    assert told.startswith(f"mine.toml: here: {field} = ")
    assert "\n" not in told
    assert len(told) < 600
    return told


def test_there_are_fields():
    assert len(OURS) >= 10
    assert len(TABLES) >= 12
    assert len(FIELDS) > 100


@pytest.mark.parametrize(("name", "field"), FIELDS, ids=IDS)
def test_every_number_has_a_range_with_two_ends(name, field):
    for leaf in numbers(types(CLASSES[name])[field]):
        assert get_origin(leaf) is Annotated, "annotate it with Between or Among"
        (allowed,) = (item for item in leaf.__metadata__ if isinstance(item, (Between, Among)))
        if isinstance(allowed, Between):
            assert -(10**3) <= allowed.least < allowed.most <= 10**12


@pytest.mark.parametrize(("name", "field"), FIELDS, ids=IDS)
def test_what_is_outside_of_it_is_one_line_that_names_field_value_and_range(name, field):
    hint = types(CLASSES[name])[field]
    for value in NEVER:
        if not fits(value, hint):
            assert spelled(hint) in refused(name, field, value)
    if hint is not str and "dict" not in str(hint).lower():
        assert [value for value in NEVER if fits(value, hint)] == []
    for leaf in numbers(hint):
        if isinstance(allowed := leaf.__metadata__[0], Between):
            for value in (allowed.least - 1, allowed.most + 1, True):
                assert spelled(hint) in refused(
                    name, field, [value] if "tuple" in str(hint) and leaf is not hint else value
                )


@pytest.mark.parametrize(("name", "field"), FIELDS, ids=IDS)
def test_a_default_is_in_its_own_range(name, field):
    (own,) = (item for item in fields(CLASSES[name]) if item.name == field)
    default = own.default_factory() if own.default_factory is not MISSING else own.default
    assert default is MISSING or is_dataclass(default) or fits(default, types(CLASSES[name])[field])


@pytest.mark.parametrize("kind", OURS)
def test_a_model_made_in_python_is_held_to_the_same(kind):
    cls = model_class(kind)
    for field, hint in types(cls).items():
        if field not in needed(cls) and numbers(hint):
            with pytest.raises(BadConfig, match=f"{field} = nan is not"):
                cls(**needed(cls), **{field: float("nan")})
            with pytest.raises(BadConfig, match=f"row 'a': {field} = nan is not .*list {kind}"):
                construct(kind, {**needed(cls), field: float("nan")}, "row 'a'")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"story": "abc"}, "story = 'abc' is not a list"),
        ({"story": [1]}, "story = [1] is not a list"),
        ({"corpus": {"train": "a", "min_count": -1}}, "min_count = -1 is not a whole number from 1"),
        ({"corpus": {"train": "a", "unit": "streams"}}, "did you mean 'stream'"),
        ({"corpus": {"train": "a", "tokenizer": "word"}}, "did you mean 'words'"),
        ({"corpus": {"train": "a", "vocab_size": 2}}, "vocab_size = 2 is not"),
        ({"corpus": {"train": "a", "extra_words": ["two words"]}}, "extra_words = ['two words'] is not"),
        ({"corpus": {"train": "a", "extra_words": [""]}}, "one word"),
        ({"corpus": {"train": ""}}, "train = '' is not the name of a file"),
        ({"quick": {"epochs": 0}}, "epochs = 0 is not"),
        ({"unseen": {"pattern": "("}}, "a regular expression"),
        ({"blanks": {"window": 0}}, "window = 0 is not"),
        ({"generated": {"sentences": -1}}, "sentences = -1 is not"),
        ({"published": {"a": {"ppl": float("nan")}}}, "ppl = nan is not"),
        ({"curve": {"sizes": [0, 5]}}, "sizes = [0, 5] is not"),
        ({"search": {"trials": 0, "grid": {}}}, "trials = 0 is not"),
        ({"equal": {"seconds": {"rows": ["a"], "within": float("inf")}}}, "within = inf is not"),
        ({"units": {"u": {"tokenizer": "word"}}}, "did you mean 'words'"),
        ({"probes": {"mine": {"reserve": "r", "min_count": 0}}}, "min_count = 0 is not"),
        ({"probes": {"remove": {"share": 2.0}}}, "share = 2.0 is not"),
    ],
)
def test_tables_of_a_benchmark_are_held_to_their_fields_and_the_error_names_the_file(table, said):
    good = {"corpus": {"train": "a.txt"}, "rows": {"a": {"kind": "ngram"}}}
    with pytest.raises(BadConfig) as error:
        parse({**good, **table}, "mine", Path(), "mine.toml")
    told = str(error.value)
    assert told.startswith("mine.toml: ")
    assert said in told
    assert "\n" not in told


def test_what_is_allowed_is_spelled_and_near_names_are_suggested():
    assert spelled(Annotated[int, Between(1, 1000)] | None) == "a whole number from 1 to 1,000 or left out"
    assert spelled(Annotated[float, Between(0, 1, below=True)]) == "a number from 0 and below 1"
    assert spelled(Annotated[float, Between(0, 1, above=True)]) == "a number above 0 and up to 1"
    assert spelled(tuple[Annotated[str, Among(("a", "b"))], ...]) == "a list, each item one of a, b"
    assert spelled(Annotated[str, Readable(int, "digits")]) == "digits"
    assert "kiwi" in TOKENIZERS
