"""Cleaned versions: what is stored, who their people are, with whom they are joined, how they are drafted."""

from typing import Any

import pyarrow.parquet
import pytest

from cleaned_files import csv_of, policy_of, policy_text
from sandbox.catalog.model import Version
from sandbox.catalog.read_table import read_file
from sandbox.catalog.stand_in import stand_in
from sandbox.drafts.edit_policy import edited
from sandbox.errors import Conflict, InvalidInput, QueryRefused, Unavailable
from sandbox.ingest import IdRule
from sandbox.ingest.identifiers import normalised
from sandbox.policy import YamlText
from sandbox.queries import bind, parse
from sandbox.queries.types.scope import PrivateTable, Scope
from story import VERSION, Story

TEXT = {"role": "attribute", "type": "text"}
CARD = {"card": TEXT | {"role": "hidden", "keep": False}}
AGE = {
    "age": {"role": "hidden", "type": "integer", "keep": False},
    "band": {"role": "key", "type": "text", "values": ["0-17", "18+"], "required": True},
}
BANDS = {"generalise": "age", "bands": [0, 18], "into": "band"}
ROWS = csv_of([["card", "age"], *([f"id{n}", n % 40] for n in range(60))])


def steps_with(**pseudonym: str) -> list[dict[str, Any]]:
    return [{"pseudonym": "card", "into": "person", **pseudonym}, BANDS]


def test_a_version_holds_what_the_steps_made_and_no_input(story: Story) -> None:
    text = policy_text(CARD | AGE, steps_with())
    done = story.publish(ROWS, text)
    body = story.store.get(done.version.object_name, done.version.object_version)
    table = pyarrow.parquet.read_table(pyarrow.BufferReader(body))
    assert table.column_names == ["person", "band"]
    assert b"id1" not in body and normalised("id1").encode() not in body
    assert any("step 2, generalise band: 60 cells were made" in line for line in done.advice())
    version = story.repository.current("clinic.cleaned")
    assert version.policy.steps == done.version.policy.steps
    again = story.publish(ROWS, text)
    assert again.version.number == 2 and again.version.sha256 == done.version.sha256


def test_a_dataset_keeps_its_people_whatever_else_its_steps_become(story: Story) -> None:
    story.publish(ROWS, policy_text(CARD | AGE, steps_with(shared_as="people")))
    for other in (steps_with(), steps_with(shared_as="others")):
        with pytest.raises(Conflict, match="make the ids of its people"):
            story.publish(ROWS, policy_text(CARD | AGE, other))
    columns = AGE | {"person": TEXT | {"role": "unit", "source": "card"}}
    with pytest.raises(Conflict, match="make the ids of its people"):
        story.publish(ROWS, policy_text(columns, [BANDS]))
    more = [*steps_with(shared_as="people"), {"drop_rows": "age > 30"}]
    assert story.publish(ROWS, policy_text(CARD | AGE, more)).version.number == 2


def test_where_ids_are_exact_the_steps_that_trim_them_stay(story: Story) -> None:
    unit = {"column": "person", "kind": "person", "max_rows": 4, "ids": "exact"}
    body = csv_of([["person"], ["a"], ["a "], ["A"]])

    def people(steps: list[dict[str, Any]], **more: Any) -> int:
        done = story.publish(body, policy_text({}, steps, **({"unit": unit} | more)))
        stored = story.store.get(done.version.object_name, done.version.object_version)
        table = pyarrow.parquet.read_table(pyarrow.BufferReader(stored))
        return len(set(table.column("person").to_pylist()))

    assert people([{"trim": "person"}]) == 2
    with pytest.raises(Conflict, match="make the ids of its people"):
        people([])
    assert people([], unit=unit | {"ids": "normalised"}) == 1


def test_without_a_cleaner_no_row_is_stored_as_it_was() -> None:
    policy = policy_of(CARD | AGE, steps_with())
    with pytest.raises(Unavailable):
        read_file(ROWS, policy, ids=IdRule.NORMALISED)


def test_stand_in_rows_are_of_the_columns_after_the_steps() -> None:
    policy = policy_of(CARD | AGE, steps_with())
    rows = stand_in(Version("clinic.cleaned", 1, policy, "o", "v", "s", "lin", VERSION.published_at))
    assert rows.column_names == ["person", "band"]
    assert set(rows.column("band").to_pylist()) == {"0-17", "18+"}


@pytest.mark.parametrize(("shared", "joined"), [("people", True), ("others", False), (None, False)])
def test_only_pseudonyms_of_one_key_are_joined(shared: str | None, joined: bool) -> None:
    def version(dataset: str, steps: list[dict[str, Any]]) -> Version:
        policy = policy_of(CARD | AGE, steps, dataset=dataset)
        return Version(dataset, 1, policy, "o", "v", "s", "lin", VERSION.published_at)

    one = version("clinic.one", steps_with(shared_as="people"))
    other = version("clinic.two", steps_with(**({"shared_as": shared} if shared else {})))
    question = parse(
        "SELECT a.band, COUNT(*) FROM clinic.one AS a JOIN clinic.two AS b ON a.person = b.person "
        "GROUP BY a.band"
    )
    scope = Scope(one.policy, joined={question.joins[0].name: PrivateTable(other)})
    if joined:
        bind(question, scope)
    else:
        with pytest.raises(QueryRefused, match="pseudonyms of one key"):
            bind(question, scope)


def test_steps_are_added_moved_renamed_and_taken_out_of_a_draft() -> None:
    text = policy_text({"name": TEXT, "age": AGE["age"]}, [])
    text = edited(text, {"steps.add": {"trim": ["name"]}})
    text = edited(text, {"columns.band.make": {"type": "text", "role": "attribute"}, "steps.add": BANDS})
    text = edited(text, {"steps.move": [2, 1], "columns.name.name": "called", "columns.band.name": "class"})
    document = YamlText(text, None, what="The policy").document
    assert document["steps"] == [BANDS | {"into": "class"}, {"trim": ["called"]}]
    assert document["columns"]["called"]["source"] == "name"
    assert "source" not in document["columns"]["class"]
    document = YamlText(edited(text, {"steps.remove": 1}), None, what="The policy").document
    assert document["steps"] == [{"trim": ["called"]}] and "class" not in document["columns"]
    assert "steps" not in YamlText(edited(text, {"steps": None}), None, what="The policy").document
    for wrong in ({"steps.remove": 3}, {"steps.move": [0, 1]}, {"steps.add": 1}, {"steps.up": 1}):
        with pytest.raises(InvalidInput):
            edited(text, wrong)
