"""Every kind of model obeys every law."""

from functools import partial

import pytest
from infini import infini_index
from laws import LAWS, Case
from settings import RECURRENT, SETTINGS
from toy import hungry_toy, toy

from lmbench.models import kinds, reconstruct
from lmbench.ngrams.smoothing import METHODS

ROWS = [(kind, fields) for kind, rows in SETTINGS.items() for fields in rows]


def label(row):
    kind, fields = row
    told = [f"{name}={value}" for name, value in fields.items() if name not in {*RECURRENT, "components", "path"}]
    return "-".join([kind, *told, *fields.get("components", ())])


@pytest.fixture(scope="module", params=ROWS, ids=label)
def case(request, tmp_path_factory):
    kind, fields = request.param
    train, valid, test = hungry_toy() if kind == "grammar" else toy()
    if kind == "infini_gram":
        fields = {**fields, "index": infini_index(train, tmp_path_factory.mktemp("index"))}
    return Case(partial(reconstruct, {"kind": kind, "fields": fields}), train, valid, test)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_law(case, law):
    law(case)


def test_every_built_in_kind_is_tried():
    built_in = {kind for kind, point in kinds().items() if point.module.startswith("lmbench.models.")}
    assert built_in == set(SETTINGS), "a kind without settings obeys no law: add it to tests/settings.py"


def test_every_smoothing_method_is_tried():
    assert {fields["smoothing"] for fields in SETTINGS["ngram"]} == set(METHODS)


def test_only_stupid_backoff_is_no_distribution():
    complete = [(kind, fields) for kind, fields in ROWS if kind != "infini_gram"]  # which needs an index to be made
    scores = [fields for kind, fields in complete if not reconstruct({"kind": kind, "fields": fields}).normalised]
    assert scores == [row for row in SETTINGS["ngram"] if row["smoothing"] == "stupid_backoff" and row["order"] > 1]
