"""What a release changes for a program that called the one before is computed from both."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow
import pytest

from marketplace.licences.entitlements import delivered
from marketplace.products.compatibility import (
    compare_releases,
    effect_of,
    for_prices_by_the_byte,
    schema_hash,
    schema_of,
)
from marketplace.products.model import Definition, Parameter, QueryDefinition, RowsDefinition
from marketplace.products.release import Release, in_effect
from sandbox.policy import Gate

GRADES = Gate(Path(__file__).parents[3] / "policies").grades
SCHEMA = {"name": "string", "year": "int32", "score": "float"}
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def rows(
    columns: tuple[str, ...] = tuple(SCHEMA), keys: tuple[str, ...] = ("year",), page_rows: int = 100
) -> RowsDefinition:
    types = {"year": "integer", "name": "text"}
    return RowsDefinition.model_validate(
        {
            "object": "o",
            "version_id": "v",
            "columns": columns,
            "keys": {key: types[key] for key in keys},
            "page_rows": page_rows,
        }
    )


def query(**changes: object) -> QueryDefinition:
    parameter = Parameter(name="district", type="text", values=("north", "south"))
    return QueryDefinition.model_validate(
        {"sql": "SELECT 1", "epsilon": "0.1", "grant": "7", "parameters": (parameter,), **changes}
    )


def kinds(
    before: tuple[Definition, dict[str, str], str], after: tuple[Definition, dict[str, str], str]
) -> tuple[str, list[str]]:
    changes = compare_releases(before, after, GRADES)
    assert all(each.en and each.zh for each in changes)
    return effect_of(changes).value, [f"{each.kind} {each.column}".strip() for each in changes]


BEFORE = (rows(), SCHEMA, "1")


@pytest.mark.parametrize(
    ("after", "effect", "changes"),
    [
        (BEFORE, "compatible", []),
        ((rows(), SCHEMA | {"more": "string"}, "1"), "additive", ["column_added more"]),
        (
            (rows(("name", "year")), {"name": "string", "year": "int32"}, "1"),
            "breaking",
            ["column_dropped score"],
        ),
        ((rows(), SCHEMA | {"year": "int64"}, "1"), "compatible", ["type_widened year"]),
        ((rows(), SCHEMA | {"year": "int16"}, "1"), "breaking", ["type_changed year"]),
        ((rows(), SCHEMA | {"score": "string"}, "1"), "breaking", ["type_changed score"]),
        ((rows(), SCHEMA | {"name": "large_string"}, "1"), "compatible", ["type_widened name"]),
        ((rows(keys=("name",)), SCHEMA, "1"), "breaking", ["key_changed year", "key_added name"]),
        ((rows(keys=("year", "name")), SCHEMA, "1"), "additive", ["key_added name"]),
        ((rows(page_rows=10), SCHEMA, "1"), "breaking", ["page_shortened"]),
        ((rows(page_rows=1000), SCHEMA, "1"), "breaking", ["page_lengthened"]),
        ((rows(), dict(reversed(SCHEMA.items())), "1"), "breaking", ["columns_moved"]),
        ((rows(), {"more": "string"} | SCHEMA, "1"), "breaking", ["columns_moved", "column_added more"]),
        ((rows(), SCHEMA, "2"), "breaking", ["grade_raised"]),
        ((query(), {}, "1"), "breaking", ["kind_changed"]),
    ],
)
def test_each_change_of_rows_has_its_effect(
    after: tuple[Definition, dict[str, str], str], effect: str, changes: list[str]
) -> None:
    assert kinds(BEFORE, after) == (effect, changes)


@pytest.mark.parametrize(
    ("after", "effect", "changes"),
    [
        (query(), "compatible", []),
        (query(epsilon="0.2"), "breaking", ["epsilon_changed"]),
        (query(epsilon="0.05"), "breaking", ["epsilon_changed"]),
        (query(sql="SELECT 2"), "breaking", ["question_changed"]),
        (query(parameters=()), "breaking", ["parameter_dropped district"]),
        (
            query(parameters=({"name": "district", "type": "text", "values": ["north", "south", "east"]},)),
            "additive",
            ["parameter_widened district"],
        ),
        (
            query(parameters=({"name": "district", "type": "text", "values": ["north"]},)),
            "breaking",
            ["parameter_changed district"],
        ),
    ],
)
def test_each_change_of_a_query_has_its_effect(
    after: QueryDefinition, effect: str, changes: list[str]
) -> None:
    assert kinds((query(), {}, "1"), (after, {}, "1")) == (effect, changes)


def test_what_makes_an_answer_larger_breaks_a_buyer_who_pays_by_the_byte() -> None:
    larger = SCHEMA | {"year": "int64", "more": "string"}
    changes = compare_releases(BEFORE, (rows(), larger, "1"), GRADES)
    assert effect_of(changes).value == "additive"
    paid = for_prices_by_the_byte(changes)
    assert {each.effect.value for each in paid} == {"breaking"} and len(paid) == len(changes) == 2


def test_the_hash_is_of_what_a_program_relies_on() -> None:
    table = pyarrow.table({"name": ["x"], "year": pyarrow.array([1], pyarrow.int32()), "score": [1.0]})
    schema = schema_of(table, rows())
    assert schema == {"name": "string", "year": "int32", "score": "double"}
    assert schema_hash(rows(), schema) == schema_hash(rows().model_copy(update={"version_id": "w"}), schema)
    assert schema_hash(rows(), schema) != schema_hash(rows(), SCHEMA)
    assert schema_hash(rows(keys=("name",)), schema) != schema_hash(rows(), schema)


def release(number: int, *, in_days: int = -1, dropped: bool = False) -> Release:
    effective_at = NOW + timedelta(days=in_days)
    return Release(
        number * 10, "p", number, rows(), SCHEMA, "-", "1", "additive", [], "", "zhou", NOW, effective_at,
        NOW if dropped else None, number,
    )  # fmt: skip


def test_a_licence_delivers_its_pin_or_the_newest_release_in_effect() -> None:
    found = [release(1), release(2), release(3, in_days=14), release(4, dropped=True)]
    assert [each.status_at(NOW) for each in found] == ["released", "released", "announced", "dropped"]
    for pin, number in ((None, 2), (10, 1), (20, 2)):
        now = delivered(found, pin, NOW)
        assert now is not None and now.number == number
    after = in_effect(found, NOW + timedelta(days=15))
    assert after is not None and after.number == 3
    assert delivered(found, 99, NOW) is None and delivered([], None, NOW) is None
