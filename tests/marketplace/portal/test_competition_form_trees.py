"""The forms of a competition take every text that is YAML: what does not fit is told, and never ends in a
traceback."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.datastructures import FormData

from marketplace.portal.competitions.form_faults import FormFaults
from marketplace.portal.competitions.form_fields import STEPS, fields_of
from marketplace.portal.competitions.form_tree import MOST_VALUES, named, read_tree, value_at, write_text
from marketplace.portal.pages.competition_forms import (
    MOST_DATASETS,
    FormView,
    answered_tree,
    changed_tracks,
    dataset_rows,
    next_address,
    titled,
)
from sandbox.errors import CihuError, InvalidInput

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-9, 10**18), st.floats(-9, 9), st.sampled_from(("", "a", "5", "é"))
)
NAMES = sorted(
    {part for step in STEPS for field in fields_of(step) for part in field.pattern.split(".")} - {"#"}
)
NODES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
    ),
    max_leaves=12,
)
TRACK = st.dictionaries(
    st.sampled_from(sorted({field.pattern.split(".")[2] for field in fields_of("tracks")})), NODES, max_size=4
)
TREES = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("phases", "title", "teams", "eligibility", "competition", "rules"), NODES)
    | {"tracks": st.one_of(NODES, st.lists(st.one_of(TRACK, NODES), max_size=3))},
)
KNOWN = [
    {"phases": [{"id": ["a"]}, {"id": {"b": 1}}, {"kind": ["x"]}, None]},
    *({"tracks": odd} for odd in ("x", {"a": 1}, 5, None, [None], [[]], [{"datasets": 3}], True)),
    {"tracks": [{"id": ["a"], "jury": {"rounds": [{"rubric": [{"id": {}}]}, None]}, "board": {"metric": 1}}]},
    {"tracks": [{"entries": {"kinds": 5}, "datasets": [{"dataset": ["a"]}, 3]}]},
]


FAULT = {"path": "tracks.0", "message": {"en": "no", "zh": "no"}, "remedy": {"en": "", "zh": ""}}


def form_of(text: str) -> dict[str, Any]:
    return {"number": 1, "text": text, "revision": 1, "changed_by": "lin"}


def view_of(tree: Any) -> FormView:
    return FormView(form_of(""), tree, FormFaults({"faults": [FAULT], "boards": []}, tree), told=True)


def sent_back(view: FormView, step: str, track: int) -> FormData:
    """A form as a browser sends it: each input with what stands in it."""
    names = [field.pattern.replace("#", "0") for field in fields_of(step, track)]
    return FormData([(name, view.text(name)) for name in names] + [("tracks.0.datasets.0.dataset", "a")])


def through_all_steps(tree: Any) -> None:
    text = json.dumps(tree)
    titled(form_of(text))
    for step in STEPS:
        for track in (-1, 0, 1, 10**9):
            for fields in (FormData([]), sent_back(view_of(tree), step, min(max(track, 0), 1))):
                try:
                    changed, place = answered_tree(text, step, track, fields)
                except CihuError:
                    continue
                dataset_rows(value_at(changed, f"tracks.{place}.datasets"))
                look_through(view_of(changed), step, track)
                for go in ("add", "remove"):
                    changed_tracks(changed, track, go)
                assert read_tree(write_text(changed)) == changed


def look_through(view: FormView, step: str, track: int) -> None:
    next_address(view, step, track, "next")
    for field in fields_of(step):
        path = field.pattern.replace("#", "0")
        assert isinstance(view.text(path, field.kind), str)
        assert len(view.rows(path)) > len(view.chosen(path))
        view.wrong(path)


@pytest.mark.parametrize("tree", KNOWN, ids=json.dumps)
def test_odd_shapes_of_a_text_are_no_tracebacks(tree: Any) -> None:
    through_all_steps(tree)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(TREES)
def test_no_text_is_a_traceback(tree: Any) -> None:
    through_all_steps(tree)


def test_an_id_that_is_no_text_is_left_for_the_vault_to_refuse() -> None:
    tree = named(read_tree("phases: [{id: [a]}, {kind: board}, {kind: [x]}]"))
    assert [phase["id"] for phase in tree["phases"]] == [["a"], "board_1", "phase_1"]


def test_a_text_that_no_form_shows_is_not_replaced_by_the_form() -> None:
    long = json.dumps({"competition": "lake", "phases": [{}] * MOST_VALUES})
    for text in (long, "a: [", "- a"):
        with pytest.raises(InvalidInput):
            answered_tree(text, "about", 0, FormData([("competition", "x")]))


def test_a_track_asks_the_vault_for_as_many_datasets_as_it_may_have() -> None:
    assert len(dataset_rows([{"dataset": "a"}, {"dataset": ["b"]}, 3, {}] * 50)) == MOST_DATASETS
    assert dataset_rows(3) == dataset_rows(None) == []


def test_the_pages_take_odd_texts(person: Any) -> None:
    """Each through the pages of a real city: seen, and saved where a form shows it."""
    lin = person("lin")
    csrf = re.findall(r'name="csrf" value="([^"]+)"', lin.get("/competition-forms").text)[-1]

    def post(address: str, **fields: str) -> Any:
        return lin.client.post(address, data={"csrf": csrf, **fields})

    texts = [json.dumps({"competition": "odd", **tree}) for tree in KNOWN]
    other = "competition: odd\norganiser: {department: market}\n"
    made = post("/competition-forms", draft="")
    base = made.headers["location"].removesuffix("/about")
    for revision, text in enumerate([*texts, other]):
        seen = lin.get(f"{base}/finish").text
        number = re.findall(r'name="revision" value="([0-9]+)"', seen)[-1]
        kept = post(f"{base}/text", yaml=text, revision=number)
        assert kept.status_code == 303, (text, kept.text)
        for step in STEPS:
            page = lin.get(f"{base}/{step}?told=1")
            assert page.status_code == 200, (text, step, page.text)
        number = re.findall(r'name="revision" value="([0-9]+)"', page.text)[-1]
        step = ("tracks", "phases")[revision == 0]
        saved = post(f"{base}/{step}?track=0", revision=number, go="stay")
        assert saved.status_code == 303, (text, saved.text)
    assert lin.get("/competition-forms").status_code == 200
    broken = "competition: [odd"
    number = re.findall(r'name="revision" value="([0-9]+)"', lin.get(f"{base}/finish").text)[-1]
    refused = post(f"{base}/text", yaml=broken, revision=number)
    assert refused.status_code == 422 and broken in refused.text
    assert post(f"{base}/remove").status_code == 303
