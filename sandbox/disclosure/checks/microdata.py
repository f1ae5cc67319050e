"""Finds tables whose rows are single units."""

from collections.abc import Iterator

from sandbox.disclosure.checks.column_roles import Roles
from sandbox.disclosure.checks.subject import Subject
from sandbox.disclosure.finding import Finding, asks, blocks

KNOWN_NAMES = 3
FEW_ALIKE = 5
REMEDY = (
    "Release aggregates: counts, averages or a model, not rows of units.",
    "请输出汇总结果（计数、均值或模型），而非逐个体的行。",
)


def microdata(subject: Subject) -> Iterator[Finding]:
    rules = subject.thresholds
    for roles in subject.tables:
        rows, names = len(roles.grid.rows), roles.grid.header
        if len(names) > rules.most_columns:
            yield asks(
                "wide_table",
                "microdata",
                f"The table has {len(names)} columns; few tables need more than {rules.most_columns}.",
                "Leave out what is not needed, or explain each.",
                f"表格有 {len(names)} 列，通常不超过 {rules.most_columns} 列。",
                "请去掉不需要的列，或逐一说明。",
                where=roles.grid.where,
            )
        known = [] if subject.raw is None else [name for name in names if subject.raw.is_column(name)]
        private = [] if subject.raw is None else [name for name in known if not subject.raw.is_key(name)]
        if (
            len(known) >= KNOWN_NAMES
            and private
            and rows >= min(20, rules.microdata_rows)
            and not roles.counts
        ):
            yield _finding(
                "row_per_unit",
                f"{rows} rows with the raw data's columns ({', '.join(known[:4])}) and without "
                "counts: each may be a unit.",
                f"有 {rows} 行使用原始列名（{', '.join(known[:4])}）且没有计数，可能每行一个个体。",
                roles,
            )
        elif rows >= rules.microdata_rows and not roles.counts and _distinct(roles):
            yield _finding(
                "row_per_unit",
                f"{rows} rows, hardly any alike, and no counts: each may be a unit.",
                f"有 {rows} 行，几乎互不相同，且没有计数，可能每行一个个体。",
                roles,
            )
        elif roles.counts and (again := _again(roles)):
            yield (blocks if again >= max(FEW_ALIKE, rows // 10) else asks)(
                "group_repeated",
                "microdata",
                f"{again} of {rows} rows say of the same group as another row: each may be a unit, "
                "whatever its count says.",
                "Write each group once, with all its units in one count; or add the column "
                "that tells the rows apart.",
                f"{rows} 行中有 {again} 行所述的组与别的行相同：无论计数如何，每行可能是一个个体。",
                "请把每组写成一行并合并计数，或补上能区分各行的列。",
                where=roles.grid.where,
            )


def long_lists(subject: Subject) -> Iterator[Finding]:
    """JSON's long lists of numbers: a column of microdata, or bytes."""
    for where, length in subject.opened.lists:
        if length >= subject.thresholds.microdata_rows:
            yield blocks(
                "row_per_unit",
                "microdata",
                f"The list {where!r} has {length} numbers: each may be a unit.",
                REMEDY[0],
                f"列表 {where!r} 有 {length} 个数值，可能每个对应一个个体。",
                REMEDY[1],
                where=where,
            )
        else:
            yield asks(
                "long_list",
                "microdata",
                f"The list {where!r} has {length} numbers.",
                "Say what each of them stands for.",
                f"列表 {where!r} 有 {length} 个数值。",
                "请说明每个数值代表什么。",
                where=where,
            )


def _again(roles: Roles) -> int:
    """How many rows are another row again in all but their counts."""
    places = [place for place in range(len(roles.grid.header)) if place not in roles.counts]
    return (
        len(roles.grid.rows) - len({tuple(row[place] for place in places) for row in roles.grid.rows})
        if places
        else 0
    )


def _distinct(roles: Roles) -> bool:
    """Whether the table's rows of measured values are nearly all different."""
    places = [place for place in roles.numeric if place not in roles.labels] or list(roles.numeric)
    rows = [tuple(row[place] for place in places) for row in roles.grid.rows]
    return not places or len(set(rows)) * 10 >= len(rows) * 5


def _finding(code: str, message: str, zh: str, roles: Roles) -> Finding:
    return blocks(code, "microdata", message, REMEDY[0], zh, REMEDY[1], where=roles.grid.where)
