"""Attributes are compared by public classes; nothing is told of a version that another officer published."""

from collections import Counter
from datetime import date
from uuid import uuid4

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from sandbox.catalog.model import Type
from sandbox.catalog.publish import last_report, publish
from sandbox.catalog.tables import quality_classes
from sandbox.identity import create_account
from sandbox.quality.assess import Assessor
from sandbox.quality.attribute_classes import EMPTY, attribute_classes
from sandbox.quality.drift import stability_index
from story import POLICY, Story, rows_csv

STEADY, MOVED = 0.1, 0.25
DRIFT = POLICY + "expect:\n  - {drift: note, at_most: 0.1}\n"


def spread(kind: Type, values: list[object], of: pa.DataType) -> dict[str, list[object]]:
    found = attribute_classes(kind, pa.array(values, of))
    assert found is not None
    return found


@settings(max_examples=60, deadline=None)
@given(st.lists(st.none() | st.text("0aé王·", max_size=40)))
def test_a_text_is_in_the_class_of_its_kind_and_length(values: list[str | None]) -> None:
    found = spread(Type.TEXT, list(values), pa.string())
    assert dict(zip(found["labels"], found["counts"], strict=True)) == {
        label: Counter(map(class_of, values))[label] for label in found["labels"]
    }


def class_of(text: str | None) -> str:
    if text is None:
        return EMPTY
    letters = set(text)
    kind = "*"
    for name, of in (("9", "0"), ("a", "aé"), ("汉", "王")):
        if letters and letters <= set(of):
            kind = name
    spans = ((0, 0, "0"), (1, 1, "1"), (2, 3, "2–3"), (4, 7, "4–7"), (8, 15, "8–15"), (16, 31, "16–31"))
    length = next((name for low, high, name in spans if low <= len(text) <= high), "32–")
    return f"{kind} {length}"


def test_numbers_and_days_have_classes_that_no_row_decides() -> None:
    found = spread(Type.NUMBER, [0.0, 0.0001, 5.0, -5.0, 5e300, None, 1e6], pa.float64())
    counts = dict(zip(found["labels"], found["counts"], strict=True))
    assert counts["0"] == 2 and counts["1 – 10"] == counts["-(1 – 10)"] == 1
    assert counts["1e+12 – …"] == counts["1e+06 – 1e+09"] == counts[EMPTY] == 1
    assert sum(found["counts"]) == 7
    days = spread(Type.DATE, [date(2026, 11, 30), date(2026, 12, 6), None], pa.date32())
    assert [days["counts"][place] for place in (0, 6, 7)] == [1, 1, 1]


def test_a_column_that_is_filled_with_something_else_has_moved() -> None:
    phones = [f"1391234{n % 10_000:04}" for n in range(2000)]
    names = [("王小明", "李华")[n % 2] for n in range(2000)]
    before, same, other = (
        spread(Type.TEXT, list(values), pa.string()) for values in (phones, phones[::-1][:1500], names)
    )
    assert (stability_index(same, before) or 0.0) < STEADY
    assert (stability_index(other, before) or 0.0) > MOVED


def published(story: Story, officer: str, policy: str = DRIFT) -> list[str]:
    return publish(
        story.database,
        repository=story.repository,
        store=story.store,
        gate=story.gate,
        populations=story.populations,
        officer=story.principal(officer),
        policy_text=policy,
        body=rows_csv(40),
        assess=Assessor(),
        opening=None,
    ).advice()


def test_a_colleagues_version_is_not_compared_and_the_officer_is_told(story: Story) -> None:
    with story.database.transaction() as tx:
        create_account(
            tx, account_id="sun", display_name="sun", organisation="health", roles=["officer"], by="system"
        )
    published(story, "lin")
    with story.database.transaction() as tx:
        own = last_report(tx, "clinic.visits", story.principal("lin"))
        withheld = last_report(tx, "clinic.visits", story.principal("sun"))
    assert own is not None and any(
        "distribution" in each for each in own["columns"] if each["name"] == "note"
    )
    assert withheld == {"withheld": {"version": 1, "published_by": "lin"}, "classes": {}}

    advice = published(story, "sun")
    assert any("published it" in each and "Rule 1 was not checked" in each for each in advice)
    assert not any("population stability" in each for each in advice)


def test_of_a_colleagues_version_the_classes_that_were_bought_are_public(story: Story) -> None:
    with story.database.transaction() as tx:
        create_account(
            tx, account_id="sun", display_name="sun", organisation="health", roles=["officer"], by="system"
        )
    published(story, "lin")
    with story.database.transaction() as tx:
        tx.execute(
            insert(quality_classes).values(
                id=uuid4(),
                dataset="clinic.visits",
                number=1,
                picorho=1,
                status="released",
                bought_by="lin",
                about={"completeness": [{"column": "cost", "at_least": 0.8, "at_most": 0.95}]},
            )
        )
        withheld = last_report(tx, "clinic.visits", story.principal("sun"))
    assert withheld is not None and withheld["classes"] == {"cost": [0.8, 0.95]}
