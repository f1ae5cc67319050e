"""What can be declared: counts, and nothing else;
every refusal says what, where, why and what instead, in both languages."""

import pytest

from sandbox.declared.read_query import DeclaredQuery, read_query
from sandbox.errors import QueryRefused
from story import VERSION


def read(sql: str) -> DeclaredQuery:
    return read_query(sql, version_of=lambda _: VERSION, engine=None)  # type: ignore[arg-type]  # no open data is asked of it


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT COUNT(*) AS n FROM clinic.visits",
        (
            "SELECT district, year, COUNT(*) AS n, COUNT(DISTINCT person) AS people, COUNT(cost) AS "
            "paid FROM clinic.visits "
            "WHERE visits > 2 AND note LIKE 'n%' GROUP BY district, year"
        ),
        (
            "SELECT CASE WHEN visits > 5 THEN 'many' ELSE 'few' END AS how, COUNT(*) FILTER (WHERE smoker) "
            "AS n FROM clinic.visits "
            "GROUP BY how"
        ),
        "SELECT note, COUNT(*) AS n FROM clinic.visits GROUP BY note",
        (
            "SELECT often, COUNT(*) AS people FROM (SELECT person, COUNT(*) >= 3 AS often "
            "FROM clinic.visits GROUP BY person) "
            "GROUP BY often"
        ),
        "SELECT year(day) AS year_of, COUNT(*) AS n FROM clinic.visits GROUP BY 1",
    ],
)
def test_counts_can_be_declared(sql: str) -> None:
    assert read(sql).versions == (VERSION,)


@pytest.mark.parametrize(
    ("sql", "construct"),
    [
        ("SELECT SUM(cost) AS s FROM clinic.visits", "SUM"),
        ("SELECT AVG(visits) AS a FROM clinic.visits", "AVG"),
        ("SELECT MAX(visits) AS m FROM clinic.visits", "MAX"),
        ("SELECT MEDIAN(visits) AS m FROM clinic.visits", "QUANTILE"),
        ("SELECT COUNT(DISTINCT note) AS notes FROM clinic.visits", "COUNT(DISTINCT ...)"),
        (
            "SELECT district, COUNT(*) AS n FROM clinic.visits GROUP BY district HAVING COUNT(*) > 100",
            "HAVING",
        ),
        ("SELECT district, COUNT(*) AS n FROM clinic.visits GROUP BY district ORDER BY n", "ORDER BY"),
        ("SELECT district, COUNT(*) AS n FROM clinic.visits GROUP BY district LIMIT 1", "LIMIT"),
        ("SELECT COUNT(*) * 2 AS n FROM clinic.visits", "An expression over counts"),
        ("SELECT COUNT(*) AS n FROM clinic.visits GROUP BY district", "GROUP BY"),
        ("SELECT DISTINCT district FROM clinic.visits", "A table without a count"),
        ('SELECT COUNT(*) AS "=1+1" FROM clinic.visits', "The column '=1+1'"),
        ("SELECT secret, COUNT(*) AS n FROM clinic.visits GROUP BY secret", "The column secret"),
        ("SELECT person, COUNT(*) AS n FROM clinic.visits GROUP BY person", "GROUP BY person"),
        ("SELECT COUNT(*) AS n FROM clinic.visits WHERE person = 'p1'", "person here"),
        (
            "SELECT floor(cost) AS c, floor(visits) AS v, COUNT(*) AS n FROM clinic.visits GROUP BY 1, 2",
            "A table",
        ),
    ],
)
def test_what_is_no_count_is_refused_by_name(sql: str, construct: str) -> None:
    with pytest.raises(QueryRefused) as refused:
        read(sql)
    assert refused.value.construct == construct
    assert refused.value.remedy and refused.value.zh != refused.value.message and refused.value.remedy_zh
