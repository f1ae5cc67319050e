"""Resolves a name after FROM, or a subquery, to the rows, or groups of rows, of one dataset."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sandbox.queries.tree import (
    Afterwards,
    Aggregate,
    AnswerWindow,
    Expression,
    Join,
    Name,
    Output,
    PerUnit,
    Question,
    UnitAggregate,
    UnitKey,
    both,
    rewritten,
    walk,
)

CHOSEN = (
    "ROLLUP, LIMIT, ORDER BY or a window in a subquery would make or choose rows by other people's rows.",
    "Leave them out there.",
    "子查询里的 ROLLUP、LIMIT、ORDER BY 或窗口会按他人的行来产生或挑选行。",
    "请在子查询里去掉它们。",
)


@dataclass(frozen=True)
class Rows:
    """Rows to be asked: of a dataset, filtered and computed with, joined with public tables,
    or one for each unit's group.

    `names` are the columns that were computed or renamed; where `open`, every other name is a column
    of the dataset's own.
    """

    dataset: str
    names: Mapping[str, Expression] = field(default_factory=dict)
    open: bool = True
    where: Expression | None = None
    joins: tuple[Join, ...] = ()
    per_unit: PerUnit | None = None

    def filtered(self, condition: Expression | None) -> "Rows":
        if self.per_unit:
            return replace(self, per_unit=replace(self.per_unit, where=both(self.per_unit.where, condition)))
        return replace(self, where=both(self.where, condition))


@dataclass(frozen=True)
class Groups:
    """Rows in groups, with their aggregates: an answer, if it is asked so;
    or one row for each unit, to be asked further."""

    rows: Rows
    keys: tuple[Expression, ...]
    outputs: tuple[Output, ...]
    afterwards: Afterwards = field(default_factory=Afterwards)

    @property
    def names(self) -> Mapping[str, Expression]:
        return {output.name.lower(): output.of for output in self.outputs}

    @property
    def open(self) -> bool:
        return False

    @property
    def arranged(self) -> bool:
        """Whether what is there of one group depends on others."""
        after = self.afterwards
        return bool(
            after.sets or after.cut or after.order or after.kept or after.each is not None
        ) or says_across(self.outputs)

    def as_question(self) -> Question:
        rows = self.rows
        return Question(
            rows.dataset, self.outputs, rows.where, self.keys, rows.joins, rows.per_unit, self.afterwards
        )

    def as_rows(self) -> Rows:
        """One row for each unit and group, if the unit is among the keys (bind looks):
        its aggregates are then values."""
        having = self.afterwards.having
        return replace(
            self.rows,
            open=False,
            names={name: self._of_unit(of) for name, of in self.names.items()},
            per_unit=PerUnit(self.keys, None if having is None else self._of_unit(having)),
        )

    def _of_unit(self, expression: Expression) -> Expression:
        def rule(node: Expression) -> Expression:
            if isinstance(node, Aggregate):
                return UnitAggregate(node.aggregation, node.of, node.by, node.fraction, node.position)
            return UnitKey(node) if node in self.keys else node

        found: Expression = rewritten(expression, rule)
        return found


def standing_as(rows: Rows, name: str) -> Rows:
    """A dataset, or some of its rows, whose own columns say the name under which it stands beside others."""

    def rule(node: object) -> object:
        return Name(node.text, name, node.position) if isinstance(node, Name) and not node.dataset else node

    return replace(
        rows,
        dataset=name,
        where=rewritten(rows.where, rule),
        names={known: rewritten(of, rule) for known, of in rows.names.items()},
    )


def says_across(what: object) -> bool:
    """Whether a value over several groups of the answer is in it."""
    return any(isinstance(part, AnswerWindow) for part in walk(what))


Relation = Rows | Groups
