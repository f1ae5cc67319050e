"""Decides whether SQL can be a declared query.
It is read and bound as a private question is, then only as far as it counts."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.catalog import Version
from sandbox.engines import Engine
from sandbox.errors import Position, QueryRefused
from sandbox.queries import Plan, bind, make_plan
from sandbox.queries.tree import NOWHERE, Aggregate, Aggregation, Expression, Name, Question, UnitKey
from sandbox.queries.types.scope import Scope
from sandbox.releases.prepare import read_question, scope_for

MOST_KEYS, MOST_MEASURES, MOST_NUMBERS = 5, 8, 1000
COLUMN = re.compile(r"[^\W\d]\w{0,59}")


@dataclass(frozen=True)
class DeclaredQuery:
    """A query that may be computed: `plan` may still miss the values of keys that no policy lists.
    `keys` and `measures` are the table's columns, in its order."""

    question: Question
    plan: Plan
    keys: tuple[str, ...]
    measures: tuple[tuple[str, Aggregate], ...]

    @property
    def versions(self) -> tuple[Version, ...]:
        """All that it reads: the dataset after FROM, then those that are joined or looked up in."""
        scope = self.plan.scope
        return (
            self.plan.version,
            *(table.version for table in (*scope.joined.values(), *scope.looked_up.values())),
        )


def read_query(sql: str, *, version_of: Callable[[str], Version], engine: Engine) -> DeclaredQuery:
    """Touches no data but open data's. Raises `QueryRefused`, `InvalidInput`, `NotFound`."""
    question = read_question(sql, version_of=version_of)
    version = version_of(question.dataset)
    scope = scope_for(question, version, version_of=version_of, engine=engine)
    bound = bind(question, scope)
    _check_afterwards(bound)
    named = {
        key: _column(output.name, key) for key in bound.keys for output in bound.outputs if output.of == key
    }
    for key in bound.keys:
        if key not in named:
            raise refusal(
                "GROUP BY",
                "a key is no column of the table, so its rows could not be told apart.",
                "Write every key after SELECT.",
                "有分组栏目不在表中，各行无法区分。",
                "请把每个分组栏目写在 SELECT 之后。",
            )
    measures = tuple(
        (_column(output.name, output.of), _count(output.of, scope))
        for output in bound.outputs
        if output.of not in bound.keys
    )
    if not measures:
        raise refusal(
            "A table without a count",
            "there is nothing to count.",
            "Ask for COUNT(*).",
            "没有要计的数。",
            "请问 COUNT(*)。",
            zh="没有计数的表",
        )
    plan = make_plan(bound, version, scope)
    check_size(plan, len(measures))
    return DeclaredQuery(bound, plan, tuple(named[key] for key in bound.keys), measures)


def check_size(plan: Plan, measures: int) -> None:
    """Raises `QueryRefused` for more numbers than can be protected from each other."""
    if len(plan.keys) > MOST_KEYS or measures > MOST_MEASURES or plan.cells * measures > MOST_NUMBERS:
        raise refusal(
            "A table",
            f"it has {len(plan.keys)} keys and {plan.cells} x {measures} numbers; at most {MOST_KEYS} keys, "
            f"{MOST_MEASURES} counts and {MOST_NUMBERS} numbers can be protected from each other.",
            "Group by fewer or coarser keys, or ask in parts.",
            f"共有 {len(plan.keys)} 个分组栏目、{plan.cells} × {measures} 个数；至多 {MOST_KEYS} 个栏目、"
            f"{MOST_MEASURES} 个计数、{MOST_NUMBERS} 个数，才能互相保护。",
            "请减少分组或分得更粗，或分几次申请。",
            zh="表",
        )


def _check_afterwards(question: Question) -> None:
    after = question.afterwards
    if after.sets:
        raise refusal(
            "ROLLUP, CUBE or GROUPING SETS",
            "margins are known wherever a table is.",
            "Leave it out: add up the released table.",
            "表既放行，边际合计即为已知。",
            "请去掉：由放行的表相加即得。",
            zh="ROLLUP、CUBE 或 GROUPING SETS",
        )
    # of what is grouped already
    for construct, there in (
        ("HAVING", after.having),
        ("ORDER BY", after.order),
        ("LIMIT", after.limit),
        ("QUALIFY", after.kept),
        ("GROUP BY", after.each),
    ):
        if there is not None and there != ():
            raise refusal(
                construct,
                "it would choose or order cells by their exact counts.",
                "Leave it out, and sort or filter the table once it is released.",
                "它会按精确计数挑选或排列单元格。",
                "请去掉；待表放行后再排序或筛选。",
            )


def _count(of: Expression, scope: Scope) -> Aggregate:
    """The output, if it is a count. Raises `QueryRefused`."""
    if isinstance(of, Aggregate) and of.aggregation is Aggregation.COUNT:
        return of
    unit = scope.policy.unit
    assert unit is not None, "bind refuses datasets without a unit"
    if isinstance(of, Aggregate) and of.aggregation is Aggregation.COUNT_DISTINCT:
        if of.of in (Name(unit.column), UnitKey(Name(unit.column))):
            return of
        raise refusal(
            "COUNT(DISTINCT ...)",
            "which values there are is not a count of units.",
            f"Use COUNT(DISTINCT {unit.column}), or GROUP BY the column.",
            "有哪些取值不是对保护对象的计数。",
            f"请用 COUNT(DISTINCT {unit.column})，或按该栏目分组。",
            position=of.position,
        )
    if isinstance(of, Aggregate):
        raise refusal(
            of.aggregation.value.upper(),
            "a declared table holds exact counts only.",
            "Ask for it with noise (cihu.sql), or in a sealed program; or count: COUNT(*), COUNT(x), "
            f"COUNT(DISTINCT {unit.column}).",
            "申报表只含精确计数。",
            "请用带噪声的提问（cihu.sql）或密封程序；或改为计数：COUNT(*)、COUNT(x)、"
            f"COUNT(DISTINCT {unit.column})。",
            position=of.position,
        )
    raise refusal(
        "An expression over counts",
        "it would tell exact counts by other words.",
        "Ask for the counts, and compute with the released table.",
        "它会以别的方式说出精确计数。",
        "请只问计数，待表放行后再计算。",
        zh="对计数的运算",
    )


def _column(name: str, of: Expression) -> str:
    if not COLUMN.fullmatch(name):
        raise refusal(
            f"The column {name[:40]!r}",
            "it is no plain name.",
            "Give it one with AS: letters, digits and _.",
            "它不是简单的名称。",
            "请用 AS 起名：字母、数字和 _。",
            position=getattr(of, "position", None),
            zh=f"栏目 {name[:40]!r}",
        )
    return name


def refusal(
    construct: str,
    why: str,
    instead: str,
    why_zh: str,
    instead_zh: str,
    *,
    position: Position | None = None,
    zh: str = "",
) -> QueryRefused:
    return QueryRefused(
        construct,
        why,
        instead=instead,
        why_zh=why_zh,
        instead_zh=instead_zh,
        position=None if position == NOWHERE else position,
        construct_zh=zh,
    )
