"""What a caller chooses goes into the SQL as a literal of its tree, and only if it was declared."""

import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp

from marketplace.products.model import Parameter, QueryDefinition
from marketplace.products.parameters import choose
from marketplace.products.template import bind, check_template
from sandbox.errors import InvalidInput

SQL = "SELECT year, COUNT(*) AS n FROM clinic.visits WHERE district = :place AND day >= :since GROUP BY year"


@given(st.text())
def test_any_text_stays_one_literal(text: str) -> None:
    bound = bind("SELECT COUNT(*) AS n FROM a.b WHERE c = :place", {"place": text})
    statements = sqlglot.parse(bound, dialect="duckdb")
    assert len(statements) == 1
    where = statements[0].args["where"].this
    assert isinstance(where, exp.EQ) and isinstance(where.expression, exp.Literal)
    assert where.expression.this == text and statements[0].find(exp.Placeholder, exp.Parameter) is None


@pytest.mark.parametrize(
    ("kind", "given_", "shown"),
    [
        ("integer", "-5", "-5"),
        ("boolean", "true", "TRUE"),
        ("number", "1.50", "1.50"),
        ("date", "2026-03-01", "CAST('2026-03-01' AS DATE)"),
        ("text", "o'x", "'o''x'"),
    ],
)
def test_each_type_has_its_literal(kind: str, given_: str, shown: str) -> None:
    allowed: dict[str, object] = {
        "integer": {"range": (-9, 9)},
        "number": {"range": ("-9", "9")},
        "date": {"range": ("2026-01-01", "2026-12-31")},
        "boolean": {"values": (True,)},
        "text": {"values": ("o'x",)},
    }[kind]
    parameter = Parameter(name="p", type=kind, **allowed)  # type: ignore[arg-type]
    assert bind("SELECT a FROM t WHERE a = :p", choose((parameter,), {"p": given_})) == (
        f"SELECT a FROM t WHERE a = {shown}"
    )


PLACE = Parameter(name="place", type="text", values=("north", "south"))
YEAR = Parameter(name="year", type="integer", range=(1, 5))


@pytest.mark.parametrize(
    "chosen",
    [
        {"place": "west", "year": "1"},
        {"place": "north' OR 1=1 --", "year": "1"},
        {"place": "north", "year": "6"},
        {"place": "north", "year": "1 OR 1=1"},
        {"place": "north", "year": "01"},
        {"place": "north", "year": "٣"},
        {"place": "north"},
        {"place": "north", "year": "1", "more": "x"},
        {"place": "NORTH", "year": "1"},
        {},
    ],
)
def test_only_declared_values_pass(chosen: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        choose((PLACE, YEAR), chosen)
    assert choose((PLACE, YEAR), {"place": "north", "year": "5"}) == {"place": "north", "year": 5}


@pytest.mark.parametrize(
    ("sql", "parameters"),
    [
        (SQL, ("place",)),
        (SQL, ("place", "since", "more")),
        ("SELECT 1; SELECT 2", ()),
        ("DROP TABLE x", ()),
        ("SELECT ? AS x", ()),
        ("not sql at all (", ()),
        ("SELECT 1 UNION SELECT 2", ()),
    ],
)
def test_a_template_that_does_not_fit_is_not_sold(sql: str, parameters: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput):
        check_template(
            QueryDefinition(
                sql=sql,
                epsilon="0.1",
                grant="1",
                parameters=tuple(Parameter(name=name, type="text", values=("x",)) for name in parameters),
            )
        )


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "text"},
        {"type": "text", "range": ("a", "b")},
        {"type": "integer", "values": ()},
        {"type": "integer", "values": (1,), "range": (1, 2)},
    ],
)
def test_a_parameter_says_exactly_what_may_be_chosen(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):  # pydantic's own error; its words are not ours
        Parameter(name="p", **wrong)  # type: ignore[arg-type]
