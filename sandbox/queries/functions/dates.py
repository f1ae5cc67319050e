"""YEAR and the other parts of dates, DATE_TRUNC and DATE_DIFF: of the years 1 to 9999."""

from sandbox.catalog.model import Type
from sandbox.queries.functions.construct import DATE, MOMENT, TIMESTAMP, Construct, Result, SqlWriter, fixed
from sandbox.queries.functions.literals import told_years, within_years
from sandbox.queries.tree import DateDiff, DatePart, DateTrunc, Grain, Part

CALENDAR = 128
"""Steps of a way through the calendar."""

WITHIN_YEARS = (Part.YEAR, Part.WEEK)
"""Parts that are empty outside of the years 1 to 9999: a year has four digits, and the week of the first DATE
raises.
"""

OF_A_TIME = (Part.HOUR, Part.MINUTE, Grain.HOUR)
"""Those of a timestamp only."""


def part_sql(node: DatePart, sql: SqlWriter) -> str:
    at, kind = sql.value(node.of), sql.type_of(node.of)
    if node.part not in WITHIN_YEARS:
        return f"CAST({node.part.value}({at}) AS DOUBLE)"
    return (
        f"CASE WHEN {told_years(at, kind)} THEN "
        f"CAST({node.part.value}({within_years(at, kind)}) AS DOUBLE) END"
    )


def trunc_sql(node: DateTrunc, sql: SqlWriter) -> str:
    at, kind = sql.value(node.of), sql.type_of(node.of)
    whole = "TIMESTAMP" if node.grain is Grain.HOUR else "DATE"
    cut = f"CAST(date_trunc('{node.grain.value}', {within_years(at, kind)}) AS {whole})"
    return f"CASE WHEN {told_years(at, kind)} THEN {cut} END"


def diff_sql(node: DateDiff, sql: SqlWriter) -> str:
    days = [sql.value(node.start), sql.value(node.end)]
    told = " AND ".join(told_years(day, Type.DATE) for day in days)
    first, last = (within_years(day, Type.DATE) for day in days)
    return f"CASE WHEN {told} THEN CAST(date_diff('{node.grain.value}', {first}, {last}) AS DOUBLE) END"


CONSTRUCTS = (
    *(
        Construct(
            part.value.upper(),
            DatePart,
            (TIMESTAMP if part in OF_A_TIME else MOMENT,),
            Result.NUMERIC,
            "Empty outside of the years 1 to 9999." if part in WITHIN_YEARS else "Empty of an infinity.",
            fixed,
            lambda _, __: CALENDAR,
            part_sql,
            part,
            said=2 if part in WITHIN_YEARS else 1,
        )
        for part in Part
    ),
    *(
        Construct(
            f"DATE_TRUNC('{grain.value}', x)",
            DateTrunc,
            (TIMESTAMP if grain in OF_A_TIME else MOMENT,),
            Type.TIMESTAMP if grain is Grain.HOUR else Type.DATE,
            "Empty outside of the years 1 to 9999.",
            fixed,
            lambda _, __: CALENDAR,
            trunc_sql,
            grain,
            said=2,
        )
        for grain in Grain
    ),
    *(
        Construct(
            f"DATE_DIFF('{grain.value}', x, y)",
            DateDiff,
            (DATE, DATE),
            Result.NUMERIC,
            "Empty where either is outside of the years 1 to 9999.",
            fixed,
            lambda _, __: 2 * CALENDAR,
            diff_sql,
            grain,
            said=2,
        )
        for grain in Grain
    ),
)
