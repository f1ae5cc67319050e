"""A column's new name reaches every place that names it, and a column that was left out comes back."""

import pytest

from sandbox.drafts.edit_policy import edited
from sandbox.drafts.rename_in_sql import renamed_in_sql
from sandbox.errors import InvalidInput
from sandbox.policy import YamlText

POLICY = """
dataset: health.visits
columns:
  person: {role: unit, type: text}
  year: {role: attribute, type: integer, source: 年}
  day: {role: attribute, type: date}
  late: {role: attribute, type: boolean}
steps:
  - drop_rows: "year < 1900 OR EXTRACT(year FROM day) <> year"
  - {derive: late, as: "CASE WHEN Year > 2020 AND 'year' <> '' THEN TRUE ELSE FALSE END"}
expect:
  - {rule: "year BETWEEN 1900 AND 2100", else: stop}
  - {complete: year}
"""
SQL = {
    'a + A * "a"': "b + b * b",
    "UPPER(a) = 'a' AND year(day) = 1": "UPPER(b) = 'a' AND year(day) = 1",
    "a.b = 3": "a.b = 3",
    "病人 = 1 AND a = 2": "病人 = 1 AND b = 2",
    "this is (no": "this is (no",
}


def document(text: str) -> dict[str, object]:
    return dict(YamlText(text, None, what="The policy").document)


@pytest.mark.parametrize("sql", SQL)
def test_only_the_column_is_renamed_in_an_expression(sql: str) -> None:
    assert renamed_in_sql(sql, "a", "b") == SQL[sql]


@pytest.mark.parametrize(("new", "written"), [("order", '"order"'), ("年份", '"年份"'), ("a b", '"a b"')])
def test_a_name_that_sql_cannot_take_is_quoted(new: str, written: str) -> None:
    assert renamed_in_sql("a > 1", "a", new) == f"{written} > 1"


def test_a_rename_reaches_steps_rules_and_derived_columns() -> None:
    policy = document(edited(POLICY, {"columns.year.name": "jahr"}))
    assert policy["steps"] == [
        {"drop_rows": "jahr < 1900 OR EXTRACT(year FROM day) <> jahr"},
        {"derive": "late", "as": "CASE WHEN jahr > 2020 AND 'year' <> '' THEN TRUE ELSE FALSE END"},
    ]
    assert policy["expect"] == [{"rule": "jahr BETWEEN 1900 AND 2100", "else": "stop"}, {"complete": "jahr"}]


def test_a_column_that_was_left_out_comes_back_as_it_was() -> None:
    without = edited(POLICY, {"columns.year.drop": True})
    assert document(without)["dropped_columns"] == ["年"]
    back = document(edited(without, {"dropped_columns.restore": "年"}, before=[without, POLICY]))
    assert "dropped_columns" not in back
    assert back["columns"]["year"] == {"role": "attribute", "type": "integer", "source": "年"}  # type: ignore[index]


def test_of_a_column_that_nothing_is_known_of_the_header_is_enough() -> None:
    text = POLICY + "dropped_columns: [Area Name]\n"
    back = document(edited(text, {"dropped_columns.restore": "Area Name"}, before=[text]))
    assert back["columns"]["area_name"] == {"role": "attribute", "type": "text", "source": "Area Name"}  # type: ignore[index]


def test_what_was_not_left_out_does_not_come_back() -> None:
    with pytest.raises(InvalidInput):
        edited(POLICY, {"dropped_columns.restore": "年"})
