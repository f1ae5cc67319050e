"""SQL that could mix people, or that is more than a derivation may be, is refused with what to do instead."""

import pytest

from derived_people import find
from sandbox.derivations.read_sql import read_derivation
from sandbox.errors import InvalidInput

REFUSED = {
    "SELECT person, ward FROM clinic.visits": "names the version",
    "SELECT person, diagnosis FROM clinic.visits@1": "no such column",
    "SELECT ward FROM clinic.visits@1": "the unit's own column",
    "SELECT person, person AS again FROM clinic.visits@1": "the unit's own column",
    "SELECT person, LEFT(person, 6) AS region FROM clinic.visits@1": "who somebody is",
    "SELECT person, MAX(person) AS m FROM clinic.visits@1 GROUP BY person": "who somebody is",
    "SELECT person FROM clinic.visits@1 WHERE person = 'A'": "who somebody is",
    "SELECT person, SUM(cost) OVER () AS s FROM clinic.visits@1": "a window mixes",
    "SELECT ward AS person, COUNT(*) AS n FROM clinic.visits@1 GROUP BY ward": "for each unit alone",
    "SELECT person, COUNT(*) AS n FROM clinic.visits@1 GROUP BY person, ward": "for each unit alone",
    "SELECT person, ward FROM clinic.visits@1 GROUP BY person": "several rows",
    "SELECT person, COUNT(*) AS n FROM clinic.visits@1": "for each unit alone",
    "SELECT person, MEDIAN(cost) AS m FROM clinic.visits@1 GROUP BY person": "none of the aggregates",
    "SELECT person FROM clinic.visits@1 ORDER BY person": "a derivation has",
    "SELECT person FROM clinic.visits@1 LIMIT 5": "a derivation has",
    "SELECT DISTINCT person FROM clinic.visits@1": "a derivation has",
    "SELECT person FROM clinic.visits@1 UNION SELECT person FROM bus.taps@1": "a derivation has",
    "SELECT person FROM clinic.visits@1 QUALIFY ROW_NUMBER() OVER () < 5": "a derivation has",
    "WITH a AS (SELECT person FROM clinic.visits@1) SELECT person FROM a": "a derivation has",
    "SELECT * FROM clinic.visits@1": "it has no name",
    "SELECT person, year AS x, cost AS x FROM clinic.visits@1": "called x already",
    'SELECT person, year AS "a.b" FROM clinic.visits@1': "letters, digits",
    'SELECT "a.b".person FROM clinic.visits@1 AS "a.b"': "letters, digits",
    'SELECT person, year AS "#0" FROM clinic.visits@1': "letters, digits",
    "SELECT person, cost * 2 FROM clinic.visits@1": "it has no name",
    "SELECT person FROM clinic.visits@1 WHERE cost": "neither true nor false",
    "SELECT person, RANDOM() AS r FROM clinic.visits@1": "same every time",
    "SELECT v.person FROM clinic.visits@1 v JOIN bus.taps@1 t USING (person)": "each would meet each",
    "SELECT v.person FROM clinic.visits@1 v JOIN city.register@1 r ON v.year = r.born": "units alone",
    "SELECT v.person FROM clinic.visits@1 v JOIN city.register@1 r ON v.person = r.person AND r.born > 3": (
        "on their units alone"
    ),
    "SELECT v.person FROM clinic.visits@1 v CROSS JOIN city.register@1 r": "only JOIN and LEFT JOIN",
    "SELECT v.person FROM clinic.visits@1 v, city.register@1 r": "on their units alone",
    "SELECT v.person FROM clinic.visits@1 v FULL JOIN city.register@1 r USING (person)": "only JOIN",
    "SELECT person FROM clinic.visits@1 WHERE cost > (SELECT MAX(cost) FROM clinic.visits@1)": "a subquery",
    "SELECT person FROM clinic.visits@1 WHERE person IN (SELECT person FROM bus.taps@1)": "a subquery",
    "DELETE FROM clinic.visits@1": "a derivation has",
    "SELECT person FROM read_csv('/etc/passwd')": "names the version",
}


@pytest.mark.parametrize("sql", REFUSED)
def test_refused(sql: str) -> None:
    with pytest.raises(InvalidInput, match=REFUSED[sql]) as refused:
        read_derivation(sql, find)
    assert refused.value.remedy and refused.value.zh and refused.value.remedy_zh


def test_what_a_column_comes_from_is_known() -> None:
    relation = read_derivation(
        "SELECT v.person, t.n, CASE WHEN v.cost > 5 THEN v.ward END AS ward FROM clinic.visits@1 v "
        "JOIN (SELECT person, SUM(fare) AS n FROM bus.taps@1 WHERE hour = 3 GROUP BY person) t "
        "USING (person) WHERE v.day IS NOT NULL",
        find,
    )
    assert {column.name: set(column.origins) for column in relation.columns} == {
        "person": {("clinic.visits", "person")},
        "n": {("bus.taps", "fare")},
        "ward": {("clinic.visits", "cost"), ("clinic.visits", "ward")},
    }
    assert relation.filters == {("clinic.visits", "day"), ("bus.taps", "hour")}
    assert relation.most_rows == 4
