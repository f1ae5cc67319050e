"""Steps that cannot be carried out are told before a row is read: each at its line, all at once, in both
languages."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaned_files import CLEANER, SCHEMA, policy_of, policy_text
from sandbox.catalog.policy_file import read_policy
from sandbox.catalog.step_file import FIELDS
from sandbox.errors import InvalidInput
from sandbox.policy import PolicyFaults

COLUMNS: dict[str, dict[str, Any]] = {
    "word": {"role": "attribute", "type": "text", "longest": 5},
    "whole": {"role": "attribute", "type": "integer"},
    "day": {"role": "attribute", "type": "date"},
    "cost": {"role": "measure", "type": "number", "bounds": [0, 10], "step": 1},
    "new": {"role": "attribute", "type": "text"},
}
MAKES_NEW = {"derive": "new", "as": "UPPER(word)"}


@pytest.mark.parametrize(
    ("step", "says"),
    [
        ({"trim": "whole"}, "is for text"),
        ({"trim": "nowhere"}, "is no column"),
        ({"trim": ["word"], "case": "upper"}, "has one verb"),
        ({"into": "new"}, "has one verb"),
        ({"trim": "new"}, "made by a later step"),
        ({"case": "upper"}, "needs `columns`"),
        ({"case": "title", "columns": ["word"]}, "none of upper, lower"),
        ({"map": "word", "values": {"a": 1}, "others": "keep"}, "not of the type"),
        ({"map": "word", "values": {"a": "longer than five"}, "others": "keep"}, "not of the type"),
        ({"map": "whole", "values": {"a": 1}, "others": "keep"}, "not of the type"),
        ({"map": "whole", "values": {"1": 1, "01": 2}, "others": "keep"}, "stands twice"),
        ({"map": "cost", "values": {"1": 1}, "others": "keep"}, "is for"),
        ({"map": "whole", "values": {"1": "a"}, "others": "keep", "into": "other"}, "cannot be kept"),
        ({"map": "word", "values": {"a": "b"}}, "needs `others`"),
        ({"map": "person", "values": {"a": "b"}, "others": "keep"}, "who is protected"),
        ({"fill": "whole", "with": "1"}, "not of the type"),
        ({"fill": "day", "with": "2023-02-29"}, "not of the type"),
        ({"fill": "person", "with": "nobody"}, "who is protected"),
        ({"drop_rows": "word"}, "no condition"),
        ({"drop_rows": "COUNT(*) > 1"}, "rows of several people"),
        ({"drop_rows": "whole > '1'"}, "other"),
        ({"deduplicate": ["word"]}, "several people"),
        ({"derive": "new", "as": "'a'"}, "is there already"),
        ({"derive": "missing", "as": "'a'"}, "not among the columns"),
        ({"derive": "other", "as": "whole"}, "the expression is integer"),
        ({"derive": "other", "as": "LN(whole)"}, "not defined"),
        ({"derive": "other", "as": "CAST(word AS INTEGER)"}, ""),
        ({"parse": "whole", "into": "other"}, "is for text"),
        ({"generalise": "whole"}, "one of `bands`"),
        ({"generalise": "whole", "bands": [1, 2]}, "column of their own"),
        ({"generalise": "whole", "bands": [2, 1], "into": "other"}, "not ascending"),
        ({"generalise": "whole", "bands": [1], "into": "person"}, "who is protected"),
        ({"generalise": "whole", "to": "year"}, "is for date"),
        ({"generalise": "day", "to": "week"}, "none of month, quarter, year"),
        ({"generalise": "day", "to": "year", "into": "other"}, "makes date"),
        ({"pseudonym": "whole"}, "is a text"),
        ({"pseudonym": "day"}, "is for"),
        ({"truncate": "word", "characters": 0}, "characters"),
        ({"truncate": "person", "characters": 2}, "who is protected"),
        ({"limit": "whole"}, "needs `low` or `high`"),
        ({"limit": "whole", "low": 3, "high": 1}, "not above"),
        ({"limit": "whole", "low": 0.5}, "are whole"),
        ({"limit": "word", "low": 1}, "is for integer or number"),
    ],
)  # fmt: skip
def test_a_step_that_cannot_be_carried_out_is_told_with_its_remedy(step: dict[str, Any], says: str) -> None:
    columns = COLUMNS | ({"other": COLUMNS["new"]} if "other" in step.values() else {})
    with pytest.raises(InvalidInput) as refusal:
        policy_of(columns, [step, MAKES_NEW])
    assert says in refusal.value.message and refusal.value.remedy
    if "step 1" in refusal.value.message:
        assert isinstance(refusal.value, PolicyFaults)
        assert all(fault.zh and fault.remedy_zh for fault in refusal.value.faults)


def test_all_faults_are_told_at_once_at_their_lines() -> None:
    text = policy_text(COLUMNS, []).replace(
        '"steps": []',
        '"steps": [\n{"trim": "nowhere"},\n{"derive": "new", "as": "NOW()"},\n{"case": "upper", "columns": '
        '["new"]},\n{"limit": "word", "low": 1}\n]',
    )
    with pytest.raises(PolicyFaults) as refusal:
        read_policy(text, schema=SCHEMA, cleaner=CLEANER)
    lines = [fault.message.partition(":")[0] for fault in refusal.value.faults]
    assert lines == ["The policy, line 2", "The policy, line 3", "The policy, line 5"]


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"word": COLUMNS["word"] | {"keep": False}}, "role is hidden"),
        ({"new": COLUMNS["new"] | {"source": "New"}}, "no `source`"),
    ],
)
def test_what_a_column_says_of_itself_fits_its_steps(columns: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        policy_of(COLUMNS | columns, [MAKES_NEW])


def test_a_policy_without_a_column_of_the_file_is_refused() -> None:
    unit = {"row_is_unit": True, "kind": "person"}
    text = policy_text({"new": COLUMNS["new"]}, [{"derive": "new", "as": "'a'"}], unit=unit)
    document = json.loads(text)
    del document["columns"]["person"]
    with pytest.raises(InvalidInput, match="none is read from the file"):
        read_policy(json.dumps(document), schema=SCHEMA, cleaner=CLEANER)


NAMES = st.sampled_from([*COLUMNS, "person", "nowhere", ""])
JSON = st.one_of(
    NAMES,
    st.lists(NAMES, max_size=3),
    st.none(),
    st.booleans(),
    st.integers(-(2**60), 2**60),
    st.floats(),
    st.text(max_size=8),
    st.dictionaries(st.text(max_size=4), st.one_of(st.integers(), st.text(max_size=4)), max_size=2),
    st.sampled_from(["whole > 1", "word || word", "1 / whole", "SUM(whole)", "(SELECT 1)", "word[", "'"]),
)
FIELD_NAMES = sorted({*FIELDS, *(name for fields in FIELDS.values() for part in fields for name in part)})


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(JSON, st.dictionaries(st.sampled_from(FIELD_NAMES), JSON, max_size=4)), max_size=4))
def test_any_steps_are_read_or_refused_in_words(steps: list[Any]) -> None:
    try:
        policy_of(COLUMNS, [*steps, MAKES_NEW])
    except InvalidInput as refused:
        assert refused.remedy  # noqa: PT017  # it may also be read
