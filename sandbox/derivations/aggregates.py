"""Writes the aggregates of a derivation: each is one value of a unit's rows, exact, and the same in whichever
order the rows are read."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox.catalog.model import Column, Role, Type, Words
from sandbox.cleaning.expressions import fitted_to_rows, row_sql
from sandbox.derivations.refusals import COMPUTED_UNIT, NO_AGGREGATE, NOT_AGGREGATED
from sandbox.errors import QueryRefused
from sandbox.queries.describe import wording, wording_zh
from sandbox.queries.plan.bind import fitted
from sandbox.queries.tree import Aggregate, Aggregation, Expression, Name, names_in, rewritten
from sandbox.queries.types.scope import Scope
from sandbox.queries.types.value_ranges import range_of

LARGEST_ADDED = "1e200"
"""A number beyond it, or none, counts as empty in sums: the engine refuses to add infinities up."""
COMPUTED = "#"
"""With it begin the names of aggregates, and no column's."""
NUMERIC = (Type.INTEGER, Type.NUMBER)
OF_ANYTHING = (Aggregation.MIN, Aggregation.MAX, Aggregation.COUNT, Aggregation.COUNT_DISTINCT)


@dataclass
class UnitAggregates:
    """The aggregates of one level. `columns`: as the level's expressions see them; `sql`: how each is
    computed of rows `r`; `read`: of which columns of the rows."""

    scope: Scope
    unit: str
    units: frozenset[str]
    columns: list[Column] = field(default_factory=list)
    sql: dict[str, str] = field(default_factory=dict)
    read: dict[str, frozenset[str]] = field(default_factory=dict)
    _known: dict[Expression, Name] = field(default_factory=dict)

    def take(self, expression: Expression) -> Expression:
        """The expression with a name in the place of each aggregate. Raises `QueryRefused` for one that there
        is not, and for a column that is neither aggregated nor the unit."""
        found: Expression = rewritten(expression, self._named)
        own = {name.text for name in names_in(found)} - self.sql.keys()
        if own - {self.unit}:
            raise _refused(expression, NOT_AGGREGATED)
        return found

    def _named(self, node: Any) -> Any:
        if not isinstance(node, Aggregate):
            return node
        if node not in self._known:
            self._known[node] = self._added(node)
        return self._known[node]

    def _added(self, node: Aggregate) -> Name:
        name = f"{COMPUTED}{len(self.sql)}"
        self.read[name] = frozenset(each.text for each in names_in(node)) or frozenset({self.unit})
        if {each.text for each in names_in(node)} & self.units and node.aggregation is not Aggregation.COUNT:
            raise _refused(node, COMPUTED_UNIT)
        whole: Aggregate = rewritten(node, lambda part: fitted(part, self.scope))
        of = fitted_to_rows(whole.of, self.scope) if whole.of is not None else None
        kind = range_of(of, self.scope).type if of is not None else Type.INTEGER
        self.sql[name] = self._written(replace(whole, of=of), kind)
        result = {
            Aggregation.MIN: kind,
            Aggregation.MAX: kind,
            Aggregation.COUNT: Type.INTEGER,
            Aggregation.COUNT_DISTINCT: Type.INTEGER,
        }.get(node.aggregation, Type.NUMBER)
        self.columns.append(Column(name, Role.ATTRIBUTE, result, Words("", ""), ""))
        return Name(name, "", node.position)

    def _written(self, node: Aggregate, kind: Type) -> str:
        if node.of is None:
            return "count(*)"
        value = self._value(node.of)
        if node.aggregation not in OF_ANYTHING and kind not in NUMERIC:
            raise _refused(node, NO_AGGREGATE)
        # added up in the order of the values: a sum of DOUBLE depends on its order
        added = f"CASE WHEN abs({value}) <= {LARGEST_ADDED} THEN {value} END"
        forms: Mapping[Aggregation, str] = {
            Aggregation.COUNT: f"count({value})",
            Aggregation.COUNT_DISTINCT: f"count(DISTINCT {value})",
            Aggregation.MIN: f"min({value})",
            Aggregation.MAX: f"max({value})",
            Aggregation.SUM: f"sum({added} ORDER BY {added})",
            Aggregation.AVG: f"sum({added} ORDER BY {added}) / nullif(count({added}), 0)",
        }
        if node.aggregation not in forms:
            raise _refused(node, NO_AGGREGATE)
        return forms[node.aggregation]

    def _value(self, of: Expression) -> str:
        return row_sql(of, self.scope)


def _refused(expression: Expression, why: tuple[str, str, str, str]) -> QueryRefused:
    because, instead, because_zh, instead_zh = why
    return QueryRefused(
        wording(expression),
        because,
        instead=instead,
        position=getattr(expression, "position", None),
        construct_zh=wording_zh(expression),
        why_zh=because_zh,
        instead_zh=instead_zh,
    )
