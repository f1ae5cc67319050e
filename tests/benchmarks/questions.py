"""What is everybody asked? Ten questions in SQL that plain DuckDB and Cihu both read."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Question:
    """`keys`: how many of the first columns name the group; the others are values."""

    name: str
    about: str
    sql: str
    keys: int


FIRST = (
    Question("q1", "count by district", "SELECT district, COUNT(*) AS n FROM city.taps GROUP BY district", 1),
    Question(
        "q2",
        "count, sum, mean by district and hour",
        "SELECT district, hour, COUNT(*) AS n, SUM(fare) AS total, AVG(fare) AS mean FROM city.taps "
        "GROUP BY district, hour",
        2,
    ),
    Question("q3", "count by 2000 stops", "SELECT stop, COUNT(*) AS n FROM city.taps GROUP BY stop", 1),
    Question("q4", "distinct cards", "SELECT COUNT(DISTINCT card) AS cards FROM city.taps", 0),
    Question("q5", "median age", "SELECT MEDIAN(age) AS middle FROM city.taps", 0),
)

SECOND = (
    Question(
        "q6",
        "mean fare in the morning by district",
        "SELECT district, AVG(fare) AS mean FROM city.taps WHERE hour BETWEEN 7 AND 9 GROUP BY district",
        1,
    ),
    Question(
        "q7",
        "old people's taps by hour, half a month",
        "SELECT hour, COUNT(*) AS n, SUM(fare) AS total FROM city.taps "
        "WHERE age >= 60 AND day >= DATE '2026-09-15' GROUP BY hour",
        1,
    ),
    Question(
        "q8",
        "children's cards by district",
        "SELECT district, COUNT(DISTINCT card) AS cards FROM city.taps WHERE age < 18 GROUP BY district",
        1,
    ),
    Question(
        "q9",
        "count, mean by the public table's zone",
        "SELECT zone, COUNT(*) AS n, AVG(fare) AS mean FROM city.taps "
        "JOIN city.stops ON taps.stop = stops.stop GROUP BY zone",
        1,
    ),
    Question(
        "q10",
        "mean of what a card spends",
        "SELECT AVG(total) AS mean FROM (SELECT card, SUM(fare) AS total FROM city.taps "
        "GROUP BY card) AS spent",
        0,
    ),
)

QUESTIONS = FIRST + SECOND
