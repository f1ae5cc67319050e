"""What each verb makes of cells: of empty ones, of Unicode, of numbers at the ends, of leap days."""

from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pytest

from cleaned_files import cleaned, csv_of, one_column, policy_of
from sandbox.catalog.cleaning_steps import band_labels
from sandbox.errors import InvalidInput
from sandbox.ingest import IdRule

TEXT = {"role": "attribute", "type": "text"}
NUMBER = {"role": "attribute", "type": "number"}
INTEGER = {"role": "attribute", "type": "integer"}


def x_after(kind: str, cells: list[Any], step: dict[str, Any], **spec: Any) -> list[Any]:
    return list(one_column(kind, cells, [step], **spec).column("x").to_pylist())


def made(kind: str, cells: list[Any], step: dict[str, Any], into: str) -> list[Any]:
    table = one_column(kind, cells, [step], into={"y": {"role": "attribute", "type": into}})
    return list(table.column("y").to_pylist())


@pytest.mark.parametrize(
    ("kind", "step", "cells", "after"),
    [
        (
            "text",
            {"trim": "x"},
            ["  a b ", "\u3000李\u00a0", "\ufeff\u200bz\u200d", " \t ", None, "é"],
            ["a b", "李", "z", None, None, "é"],
        ),
        ("text", {"case": "upper", "columns": ["x"]}, ["aß", "ǆ", "é", None], ["Aẞ", "Ǆ", "É", None]),
        ("text", {"case": "lower", "columns": "x"}, ["AÉΣ", "ＡＢ"], ["aéσ", "ａｂ"]),
        (
            "text",
            {"truncate": "x", "characters": 2},
            ["湖北省", "👩‍⚕️x", "a", None],
            ["湖北", "👩\u200d", "a", None],
        ),
        ("text", {"generalise": "x", "digits": 4}, ["420204", "42", None], ["4202", "42", None]),
        ("text", {"fill": "x", "with": "无"}, ["a", None], ["a", "无"]),
        ("integer", {"fill": "x", "with": -1}, [2**53, None], [2**53, -1]),
        ("boolean", {"fill": "x", "with": False}, ["true", None], [True, False]),
        (
            "date",
            {"fill": "x", "with": "2024-02-29"},
            [None, "2023-01-01"],
            [date(2024, 2, 29), date(2023, 1, 1)],
        ),
        ("integer", {"limit": "x", "low": 0, "high": 100}, [-5, 0, 100, 2**53, None], [0, 0, 100, 100, None]),
        ("integer", {"limit": "x", "high": 2**53}, [2**53, -(2**53)], [2**53, -(2**53)]),
        ("number", {"limit": "x", "low": 0.1}, ["-1e300", "0.05", "0.1", "1e300"], [0.1, 0.1, 0.1, 1e300]),
        (
            "date",
            {"generalise": "x", "to": "month"},
            ["2024-02-29", "0001-01-31", "9999-12-31", None],
            [date(2024, 2, 1), date(1, 1, 1), date(9999, 12, 1), None],
        ),
        (
            "date",
            {"generalise": "x", "to": "quarter"},
            ["2024-02-29", "2023-12-31"],
            [date(2024, 1, 1), date(2023, 10, 1)],
        ),
        ("date", {"generalise": "x", "to": "year"}, ["2024-02-29"], [date(2024, 1, 1)]),
        (
            "timestamp",
            {"generalise": "x", "to": "month"},
            ["2024-02-29 23:59:59.999999", "1969-12-31 23:59:59"],
            [datetime(2024, 2, 1), datetime(1969, 12, 1)],  # the city's clock
        ),
        (
            "text",
            {"map": "x", "values": {"男": "m", "女": "f", "?": None}, "others": "keep"},
            ["男", "女", "?", "其他", None],
            ["m", "f", None, "其他", None],
        ),
        ("text", {"map": "x", "values": {"a": "b"}, "others": "empty"}, ["a", "c", None], ["b", None, None]),
        (
            "integer",
            {"map": "x", "values": {"-1": 0, "9007199254740992": 1}, "others": "keep"},
            [-1, 2**53, 5],
            [0, 1, 5],
        ),
        (
            "boolean",
            {"map": "x", "values": {"true": False}, "others": "keep"},
            ["true", "false"],
            [False, False],
        ),
        ("date", {"map": "x", "values": {"1900-01-01": None}, "others": "keep"}, ["1900-01-01"], [None]),
        ("text", {"map": "x", "values": {"a": "b"}, "others": "drop"}, ["a", "c", None], ["b", None]),
        ("integer", {"drop_rows": "x > 120 OR x IS NULL"}, [120, 121, None], [120]),
        ("integer", {"drop_rows": "x <> 3"}, [3, 4, None], [3, None]),
        ("text", {"drop_rows": "x LIKE '%测试%'"}, ["测试员", "李"], ["李"]),
    ],
)
def test_a_verb_changes_cells_one_by_one(
    kind: str, step: dict[str, Any], cells: list[Any], after: list[Any]
) -> None:
    assert x_after(kind, cells, step) == after


@pytest.mark.parametrize(
    ("kind", "step", "cells", "into", "after"),
    [
        (
            "integer",
            {"generalise": "x", "bands": [0, 18, 65, 66], "into": "y"},
            [-1, 0, 17, 18, 64, 65, 66, 2**53, None],
            "text",
            ["<0", "0-17", "0-17", "18-64", "18-64", "65", "66+", "66+", None],
        ),
        (
            "number",
            {"generalise": "x", "bands": [0, 0.5, 1], "into": "y"},
            ["-0.1", "0", "0.5", "0.99", "1e300"],
            "text",
            ["<0", "0-<0.5", "0.5-<1", "0.5-<1", "1+"],
        ),
        (
            "text",
            {"map": "x", "values": {"男": 1, "女": 2}, "others": "empty", "into": "y"},
            ["男", "x"],
            "integer",
            [1, None],
        ),
        (
            "timestamp",
            {"generalise": "x", "to": "year", "into": "y"},
            ["2024-02-29 12:00:00"],
            "date",
            [date(2024, 1, 1)],
        ),
        ("text", {"generalise": "x", "digits": 2, "into": "y"}, ["420204"], "text", ["42"]),
        ("text", {"parse": "x", "into": "y"}, ["2024-02-29", " ", None], "date", None),
        ("integer", {"derive": "y", "as": "x"}, [2**53, -(2**53), None], "integer", [2**53, -(2**53), None]),
        ("integer", {"derive": "y", "as": "x / 0"}, [1], "number", None),
        ("integer", {"derive": "y", "as": "100 / x"}, [0, 8, None], "number", [None, 12.5, None]),
        ("number", {"derive": "y", "as": "ROUND(x)"}, ["2.5", "-2.5"], "integer", [3, -3]),
        (
            "date",
            {"derive": "y", "as": "DATE_PART('year', x)"},
            ["2024-02-29", None],
            "integer",
            [2024, None],
        ),
        (
            "date",
            {"derive": "y", "as": "x >= '2024-02-29'"},
            ["2024-02-29", "2024-02-28"],
            "boolean",
            [True, False],
        ),
        (
            "text",
            {"derive": "y", "as": "CASE WHEN x = 'a' THEN '甲' ELSE UPPER(x) END"},
            ["a", "b", None],
            "text",
            ["甲", "B", None],
        ),
        ("integer", {"derive": "y", "as": "x * 1.5"}, [10**15], "number", [1.5e15]),
    ],
)
def test_a_verb_makes_a_column(
    kind: str, step: dict[str, Any], cells: list[Any], into: str, after: list[Any] | None
) -> None:
    if after is None:
        with pytest.raises(InvalidInput):
            made(kind, cells, step, into)
    else:
        assert made(kind, cells, step, into) == after


def test_what_an_expression_gives_that_does_not_fit_is_counted_and_never_quoted() -> None:
    step = {"derive": "y", "as": "x * x"}
    with pytest.raises(InvalidInput, match="1 are too large") as refusal:
        made("integer", [3, 10**15 + 7], step, "integer")
    assert "1000000000000007" not in str(refusal.value)
    spec = {"role": "attribute", "type": "integer", "unfit": "empty"}
    assert one_column("integer", [3, 10**15], [step], into={"y": spec}).column("y").to_pylist() == [9, None]
    spec["unfit"] = "drop"
    assert one_column("integer", [3, 10**15], [step], into={"y": spec}).column("y").to_pylist() == [9]
    long = {"derive": "y", "as": "x || x"}
    with pytest.raises(InvalidInput, match="1 are longer"):
        made("text", ["a" * 3000, "b"], long, "text")


def test_a_parsed_text_is_read_as_a_file_is() -> None:
    spec = {"role": "attribute", "type": "date", "written": {"dates": "year month day"}, "unfit": "empty"}
    card = ["42020419900101123X", "420204202302301234", "12", None]
    steps = [{"derive": "born", "as": "SUBSTRING(x, 7, 8)"}, {"parse": "born", "into": "y"}]
    table = one_column(
        "text", card, steps, into={"born": TEXT | {"role": "hidden", "keep": False}, "y": spec}
    )
    assert table.column("y").to_pylist() == [date(1990, 1, 1), None, None, None]
    assert table.column_names == ["person", "x", "y"]


@pytest.mark.parametrize(("keep", "days"), [("first", ["1", "3", "4", "5"]), ("last", ["2", "3", "4", "5"])])
def test_of_rows_alike_the_first_or_the_last_stays(keep: str, days: list[str]) -> None:
    policy = policy_of({"site": TEXT, "day": TEXT}, [{"deduplicate": ["person", "site"], "keep": keep}])
    rows = [["person", "site", "day"], ["a", "n", "1"], ["A ", "n", "2"], ["a", None, "3"], ["b", "n", "4"]]
    rows += [["b", None, "5"], ["b", None, "5"]]
    table = cleaned(policy, csv_of(rows)).table
    assert sorted(table.column("day").to_pylist()) == days


def test_a_filled_column_may_be_required_and_one_that_a_step_empties_is_refused() -> None:
    required = {"role": "attribute", "type": "text", "required": True}
    policy = policy_of({"x": required}, [{"fill": "x", "with": "?"}])
    assert cleaned(policy, csv_of([["person", "x"], ["p", None]])).table.column("x").to_pylist() == ["?"]
    policy = policy_of({"x": required}, [{"map": "x", "values": {"a": "b"}, "others": "empty"}])
    with pytest.raises(InvalidInput, match="column x: of its cells 1 are empty"):
        cleaned(policy, csv_of([["person", "x"], ["p", "a"], ["q", "secret"]]))
    policy = policy_of({"x": required | {"unfit": "drop"}}, [{"trim": "x"}])
    rows = cleaned(policy, csv_of([["person", "x"], ["p", " a"], ["q", "  "]]))
    assert rows.table.column("x").to_pylist() == ["a"] and "1 rows were left out after the steps" in rows.told


def test_steps_that_leave_no_row_are_refused() -> None:
    policy = policy_of({"x": INTEGER}, [{"drop_rows": "x > 0"}])
    with pytest.raises(InvalidInput, match="leave no row"):
        cleaned(policy, csv_of([["person", "x"], ["p", 1]]))


def test_pseudonyms_are_of_the_normalised_id_and_become_the_unit() -> None:
    card = {"card": {"role": "hidden", "type": "text", "keep": False}}
    policy = policy_of(card, [{"pseudonym": "card", "into": "person"}])
    body = csv_of([["card"], ["42020419900101123x"], [" 42020419900101123X"], ["４２"], ["42"]])
    for ids in IdRule:
        people = cleaned(policy, body, ids=ids).table.column("person").to_pylist()
        assert len(set(people)) == 2 and all(len(person) == 32 for person in people)
        assert people == sorted(people) and not any(person == "42" for person in people)
    with pytest.raises(InvalidInput, match="person: of its cells 1 are empty"):
        cleaned(policy, csv_of([["card"], ["a"], ["\u200b"]]))


def test_the_number_of_a_unit_is_a_pseudonym_too() -> None:
    policy = policy_of(
        {"n": INTEGER | {"role": "hidden", "keep": False}}, [{"pseudonym": "n", "into": "person"}]
    )
    people = cleaned(policy, csv_of([["n"], [7], [7], [8]])).table.column("person").to_pylist()
    assert len(set(people)) == 2


def test_who_shares_a_name_has_the_same_pseudonyms_in_one_department_alone() -> None:
    card, body = {"card": TEXT | {"role": "hidden"}}, csv_of([["card"], ["a"]])

    def person(shared: str = "", **more: str) -> str:
        step = {"pseudonym": "card", "into": "person"} | ({"shared_as": shared} if shared else {})
        return str(cleaned(policy_of(card, [step], **more), body).table.column("person")[0])

    assert person("people") == person("people", dataset="clinic.other")
    assert person("people") != person("people", department="market")
    assert len({person(), person(dataset="clinic.other"), person("people"), person("others")}) == 4


def test_a_later_step_sees_what_an_earlier_one_made() -> None:
    steps = [
        {"derive": "y", "as": "x + 1"},
        {"limit": "y", "high": 5},
        {"derive": "z", "as": "y * 2"},
        {"drop_rows": "z = 10"},
    ]
    table = one_column("integer", [1, 9], steps, into={"y": NUMBER, "z": NUMBER})
    assert table.to_pylist() == [{"person": "P00", "x": 1, "y": 2.0, "z": 4.0}]


def test_what_each_step_did_is_told_to_the_officer() -> None:
    policy = policy_of(
        {"x": TEXT},
        [{"trim": "x"}, {"drop_rows": "x = 'b'"}, {"map": "x", "values": {"a": "c"}, "others": "keep"}],
    )
    told = cleaned(policy, csv_of([["person", "x"], ["P", " a"], ["Q", "b"], ["R", "z"]])).told
    assert told == (
        "step 1, trim x: 1 cells changed",
        "step 2, drop_rows: 1 rows were left out",
        "step 3, map x: 1 cells changed",
    )


@pytest.mark.parametrize("kind", ["row", "nobody", "columns"])
def test_steps_also_serve_datasets_without_a_column_of_ids(kind: str) -> None:
    columns = {
        "name": TEXT,
        "born": {"role": "attribute", "type": "date"},
        "person": TEXT | {"role": "attribute"},
    }
    unit: dict[str, Any] | None = {
        "row": {"row_is_unit": True, "kind": "person"},
        "columns": {"columns": ["name", "born"], "kind": "person", "max_rows": 3},
        "nobody": None,
    }[kind]
    more = {"unit": unit} if unit else {"unit": None, "grade": "1", "population": None, "budget": None}
    policy = policy_of(columns, [{"trim": ["name", "person"]}], **more)
    rows = [["person", "name", "born"], ["x ", " 李 ", "2000-02-29"], ["x", "李", "2000-02-29"]]
    table = cleaned(policy, csv_of(rows)).table
    assert table.column("name").to_pylist() == ["李", "李"]
    if kind == "columns":
        assert len(set(table.column("unit_id").to_pylist())) == 1
    if kind == "row":
        assert len(set(table.column("row_id").to_pylist())) == 2


def test_labels_of_bands_are_known_before_any_row() -> None:
    policy = policy_of(
        {
            "x": INTEGER | {"keep": False, "role": "hidden"},
            "y": {"role": "key", "type": "text", "values": ["0-17", "18-64", "65+"]},
        },
        [{"generalise": "x", "bands": [0, 18, 65], "into": "y"}],
    )
    assert band_labels(policy.steps[0].edges, whole=True) == ("<0", "0-17", "18-64", "65+")  # type: ignore[union-attr]
    table = cleaned(policy, csv_of([["person", "x"], ["p", 3]])).table
    assert table.schema == pa.schema([("person", pa.string()), ("y", pa.string())])
