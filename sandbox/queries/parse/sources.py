"""Reads what stands after FROM and JOIN, and resolves the names beside it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NoReturn

from sqlglot import exp

from sandbox.errors import QueryRefused
from sandbox.queries.parse.allowed_clauses import refusal
from sandbox.queries.parse.expressions import Reader
from sandbox.queries.parse.own_rows import own_rows
from sandbox.queries.parse.relations import CHOSEN, Groups, Relation, Rows, standing_as
from sandbox.queries.parse.sql_text import SqlText, plain
from sandbox.queries.tree import (
    And,
    Case,
    Compare,
    Comparison,
    Expression,
    IsNull,
    Join,
    Literal,
    Name,
    Not,
    UnitValue,
    both,
    names_in,
    walk,
)

LONGEST_NUMBER = 9
Known = Mapping[str, Relation]
"""The CTEs around a SELECT, by name."""


class Sources:
    """What names mean inside one SELECT: its sources by alias, the first of which is
    the one that is asked."""

    def __init__(self, text: SqlText, first: Relation, aliases: frozenset[str]) -> None:
        self.text = text
        self.first = first
        self.aliases = aliases
        self.joined: dict[str, Rows] = {}
        self.several = isinstance(first, Rows) and bool(first.joins)
        """Whether the first has the columns of several datasets: it is a subquery that joins."""

    def copy(self) -> "Sources":
        other = Sources(self.text, self.first, self.aliases)
        other.joined, other.several = dict(self.joined), self.several
        return other

    @property
    def dataset(self) -> str:
        """The dataset that is asked."""
        return (self.first.rows if isinstance(self.first, Groups) else self.first).dataset

    @property
    def datasets(self) -> set[str]:
        """The datasets that stand after FROM by their own names."""
        return {rows.dataset for rows in (self.first, *self.joined.values()) if isinstance(rows, Rows)}

    @property
    def open_datasets(self) -> tuple[str, ...]:
        """The datasets all of whose columns can be named."""
        found = []
        for rows in (self.first, *self.joined.values()):
            if isinstance(rows, Rows) and rows.open:
                found += [rows.dataset, *(join.dataset for join in rows.joins)]
        return tuple(dict.fromkeys(dataset.partition("#")[0] for dataset in found))

    def computes(self, name: str) -> bool:
        """Whether a source has a column of this name that a subquery gave it."""
        return any(name in rows.names for rows in (self.first, *self.joined.values()))

    def resolve(self, column: exp.Column) -> Expression:
        whole = f"{column.db}.{column.table}".lower()  # schema.dataset.column
        if not isinstance(column.this, exp.Identifier) or (
            column.db and (column.catalog or whole not in self.datasets)
        ):
            self.text.refuse(
                column,
                "it is not a column's name.",
                "Name one column.",
                "这不是栏目的名称。",
                "请写一个栏目名。",
            )
        name, table, position = column.name.lower(), column.table.lower(), self.text.position(column)
        if table in self.joined:
            return self.of_joined(self.joined[table], name, column)
        if table and table not in self.aliases:
            self.text.refuse(
                column,
                f"there is no {column.table} after FROM.",
                "Name the column alone.",
                f"FROM 之后没有 {column.table}。",
                "请只写栏目名。",
            )
        if name in self.first.names:
            return self.first.names[name]
        if not self.first.open:
            if not table:
                for rows in self.joined.values():
                    if name in rows.names or rows.open:
                        return self.of_joined(rows, name, column)
            self.text.refuse(
                column,
                "the subquery after FROM has no such column.",
                f"It has: {', '.join(self.first.names) or 'none'}.",
                "FROM 之后的子查询没有这个栏目。",
                f"现有：{', '.join(self.first.names) or '无'}。",
            )
        if table:
            return Name(name, "?" if self.several else "", position)
        computed = dict.fromkeys(rows.names[name] for rows in self.joined.values() if name in rows.names)
        if len(computed) > 1:
            self.text.refuse(
                column,
                "several of the joined subqueries have it.",
                "Write its table before it: t.column.",
                "所联的几个子查询都有它。",
                "请在前面写明所属的表：t.column。",
            )
        beside = self.several or bool(computed) or any(rows.open for rows in self.joined.values())
        return Name(name, "?" if beside else "", position, next(iter(computed), None))

    def of_joined(self, rows: Rows, name: str, column: exp.Column) -> Expression:
        if name in rows.names:
            return rows.names[name]
        if not rows.open:
            self.text.refuse(
                column,
                "the subquery that is joined has no such column.",
                f"It has: {', '.join(rows.names)}.",
                "所联的子查询没有这个栏目。",
                f"现有：{', '.join(rows.names)}。",
            )
        return Name(name, rows.dataset, self.text.position(column))


class From:
    """Reads what stands after FROM; `query` reads a subquery, and the dataset `asked` comes first."""

    def __init__(self, text: SqlText, query: Callable[[exp.Expression, Known], Relation], asked: str) -> None:
        self.text = text
        self.query = query
        self.asked = asked

    def read(self, select: exp.Select, known: Known) -> Sources:
        source = select.args.get("from_")
        if source is None:
            raise QueryRefused(
                "A question without FROM",
                "there is nothing to ask.",
                instead="Name a dataset after FROM.",
                construct_zh="没有 FROM 的问题",
                why_zh="没有可问的数据。",
                instead_zh="请在 FROM 之后写数据集名。",
            )
        first, joins = self._source(source.this, known), select.args.get("joins") or []
        if self.asked and isinstance(first[0], Rows) and first[0].dataset != self.asked:
            joins = self._asked_first(source, joins, known)
            first = self._source(source.this, known)
        scope = Sources(self.text, *first)
        for join in joins:
            self._join(join, scope, known)
        return scope

    def _asked_first(self, source: exp.From, joins: list[exp.Join], known: Known) -> list[exp.Join]:
        """`FROM open JOIN asked ON ...` is `FROM asked JOIN open ON ...`; the joins in their order then."""
        for join in joins:
            found, _ = self._source(join.this, known)
            if isinstance(found, Rows) and found.dataset == self.asked and not join.args.get("side"):
                first = source.this
                source.set("this", join.this)
                join.set("this", first)
                return [join, *(other for other in joins if other is not join)]
        return joins

    def _source(self, node: exp.Expression, known: Known) -> tuple[Relation, frozenset[str]]:
        if isinstance(node, exp.Subquery):
            return self.query(node, known), frozenset({node.alias.lower()} - {""})
        if not isinstance(node, exp.Table) or not isinstance(node.this, exp.Identifier):
            self.text.refuse(
                node,
                "only a dataset's name can stand after FROM.",
                "Ask one dataset by its name.",
                "FROM 之后只能是数据集名。",
                "请按名称问一个数据集。",
            )
        extra = [
            name
            for name, value in node.args.items()
            if value and name not in ("this", "db", "alias", "joins")
        ]
        if extra:
            raise refusal(
                extra[0],
                "it cannot stand after FROM.",
                "Ask one dataset by its name.",
                "不能写在 FROM 之后。",
                "请按名称问一个数据集。",
                self.text.position(node),
            )
        alias = node.args.get("alias")
        if alias is not None and alias.args.get("columns"):
            self.text.refuse(
                alias,
                "columns cannot be named anew.",
                "Use the columns' own names.",
                "不能给栏目重新命名。",
                "请用栏目原名。",
            )
        name, version = _version(self.text, node)
        aliases = frozenset({(node.alias or name).lower()})
        if version is not None:
            self.text.pinned[f"{node.db}.{name}".lower(), version] = self.text.position(node)
        if not node.db and node.name.lower() in known:
            return known[node.name.lower()], aliases
        if not node.db:
            raise QueryRefused(
                f"The dataset {node.name}",
                "its name has two parts.",
                instead="Write schema.name, such as health.visits.",
                position=self.text.position(node),
                construct_zh=f"数据集 {node.name}",
                why_zh="数据集名由两部分组成。",
                instead_zh="请写全名，例如 health.visits。",
            )
        return Rows(f"{node.db}.{name}".lower()), aliases

    def _join(self, join: exp.Join, scope: Sources, known: Known) -> None:
        position = self.text.position(join)
        side, kind = (join.args.get("side") or "").upper(), (join.args.get("kind") or "").upper()
        if "NATURAL" in (join.args.get("method") or "").upper():
            raise QueryRefused(
                "NATURAL JOIN",
                "which columns it joins on depends on every name in both datasets.",
                instead="Write JOIN ... USING (column).",
                position=position,
                why_zh="它按哪些栏目联表取决于两边的所有名称。",
                instead_zh="请写 JOIN ... USING (栏目)。",
            )
        known_kind = side in ("", "LEFT") and kind in ("", "INNER", "OUTER")
        if not known_kind or not plain(join, "this", "on", "using", "side", "kind"):
            raise QueryRefused(
                f"{side} {kind} JOIN".strip().replace("  ", " "),
                "only JOIN and LEFT JOIN can be asked.",
                instead="Join on equal columns: an open dataset, or one about the same units on the unit.",
                position=position,
                why_zh="只能用 JOIN 和 LEFT JOIN。",
                instead_zh="请按相等的栏目联表。",
            )
        right, aliases = self._source(join.this, known)
        if aliases & {*scope.aliases, *scope.joined}:
            raise QueryRefused(
                "JOIN",
                f"something else is called {join.this.alias_or_name} there already.",
                instead="Give it a name of its own: JOIN ... AS b.",
                position=position,
                why_zh=f"已有别的表叫 {join.this.alias_or_name}。",
                instead_zh="请另起名称：JOIN ... AS b。",
            )
        if isinstance(right, Groups):
            self._join_own(join, scope, right, aliases, outer=side == "LEFT")
            return
        if not isinstance(scope.first, Rows) or scope.first.per_unit:
            raise QueryRefused(
                "JOIN",
                "groups of rows cannot be joined.",
                instead="Join first, then group.",
                position=position,
                why_zh="分组后的行不能联表。",
                instead_zh="请先联表，再分组。",
            )
        if (
            right.joins
            or right.per_unit
            or any(isinstance(node, UnitValue) for node in walk((right.where, *right.names.values())))
        ):
            raise QueryRefused(
                "JOIN",
                "what is joined joins, or groups, in turn.",
                position=position,
                instead="Join the datasets one after the other; filter in WHERE.",
                why_zh="所联的本身含有联表或分组。",
                instead_zh="请逐个联接数据集，在 WHERE 里筛选。",
            )
        self._beside(join, scope, right, aliases, outer=side == "LEFT")

    def _beside(
        self, join: exp.Join, scope: Sources, right: Rows, aliases: frozenset[str], *, outer: bool
    ) -> None:
        """A dataset, or some of its rows, beside the rows of the first."""
        assert isinstance(scope.first, Rows), "groups are refused before"
        before = [scope.first.dataset, *(known_join.dataset for known_join in scope.first.joins)].count(
            right.dataset
        )
        placed = standing_as(right, f"{right.dataset}#{before + 1}" if before else right.dataset)
        pairs, others = (
            (self._using(join, scope, placed), [])
            if join.args.get("using")
            else self._on(join, scope, placed, aliases, outer=outer)
        )
        its = Join(
            right.dataset,
            placed.dataset,
            tuple(left for left, _ in pairs),
            tuple(name for _, name in pairs),
            outer,
            position=self.text.position(join),
        )
        condition = both(placed.where, And(tuple(others)) if others else None)
        if outer:  # it chooses which rows are partners; where there is none, what was computed is empty too
            its, there = replace(its, where=condition), Not(IsNull(pairs[0][1]))
            placed = replace(
                placed,
                names={
                    name: of if isinstance(of, Name) else Case(((there, of),), None)
                    for name, of in placed.names.items()
                },
            )
        scope.joined |= dict.fromkeys(aliases, placed)
        shared = {name.text: left for left, name in pairs} if join.args.get("using") else {}
        scope.first = replace(
            scope.first, joins=(*scope.first.joins, its), names={**shared, **scope.first.names}
        )
        if not outer:
            scope.first = scope.first.filtered(condition)

    def _join_own(
        self, join: exp.Join, scope: Sources, right: Groups, aliases: frozenset[str], *, outer: bool
    ) -> None:
        """JOIN (SELECT unit, SUM(x) AS s FROM ...
        GROUP BY unit): values of the unit beside what is there of it."""
        position = self.text.position(join)
        if isinstance(scope.first, Groups):
            if scope.first.arranged:
                self.text.refuse(join, *CHOSEN)
            if scope.first.rows.per_unit:
                raise QueryRefused(
                    "JOIN",
                    "groups of groups cannot be joined.",
                    instead="Join first, then group.",
                    position=position,
                    why_zh="对分组的再分组不能联表。",
                    instead_zh="请先联表，再分组。",
                )
            scope.first = scope.first.as_rows()
        rows = own_rows(self.text, join, right)
        named, its = Rows(rows.dataset, rows.names, open=False), replace(rows.unit, dataset="its own")
        if using := join.args.get("using"):
            sides: list[tuple[Expression, Expression]] = [
                (scope.resolve(exp.Column(this=one.copy())), its)
                for one in using
                if rows.names.get(one.name.lower()) == rows.unit
            ]
        else:
            on = join.args.get("on")
            together = scope.copy()
            told = {name: its if of == rows.unit else of for name, of in rows.names.items()}
            together.joined = {**scope.joined, **dict.fromkeys(aliases, replace(named, names=told))}
            condition = Reader(self.text, together.resolve).read(on) if on is not None else None
            sides = (
                [(condition.left, condition.right)]
                if isinstance(condition, Compare) and (condition.comparison is Comparison.EQUAL)
                else []
            )
        by = [left if right == its else right for left, right in sides if (left == its) != (right == its)]
        if len(by) != 1 or len(join.args.get("using") or [1]) != 1:
            raise QueryRefused(
                "JOIN with groups of rows",
                "what is grouped can be joined on the unit it is grouped by alone.",
                instead="Write JOIN (SELECT unit, SUM(x) AS s FROM dataset GROUP BY unit) AS g "
                "ON t.unit = g.unit.",
                position=position,
                why_zh="分组后的行只能按其分组的保护对象标识来联。",
                instead_zh="请写 JOIN (SELECT 标识, SUM(x) AS s FROM 数据集 GROUP BY 标识) AS g "
                "ON t.标识 = g.标识。",
            )
        beside = rows.matched(by[0])
        # its unit is that beside which it stands; of an outer join, whatever it has is empty
        # where it has nothing
        its_own = {name: by[0] if of == rows.unit else of for name, of in beside.names.items()}
        names = {name: Case(((beside.there, of),), None) if outer else of for name, of in its_own.items()}
        scope.joined |= dict.fromkeys(aliases, replace(named, names=names))
        if not outer:
            scope.first = scope.first.filtered(beside.there)

    def _using(self, join: exp.Join, scope: Sources, right: Rows) -> list[tuple[Expression, Name]]:
        columns = [exp.Column(this=identifier.copy()) for identifier in join.args["using"]]
        return [
            self._pair(
                Compare(
                    Comparison.EQUAL,
                    scope.resolve(column),
                    scope.of_joined(right, column.name.lower(), column),
                ),
                right,
                join,
            )
            for column in columns
        ]

    def _on(
        self, join: exp.Join, scope: Sources, right: Rows, aliases: frozenset[str], *, outer: bool
    ) -> tuple[list[tuple[Expression, Name]], list[Expression]]:
        """The columns that are equal, and what else must hold."""
        on = join.args.get("on")
        if on is None:
            raise QueryRefused(
                "JOIN without ON",
                "every row would meet every row.",
                instead="Write JOIN ... ON a.column = b.column, each with its table.",
                position=self.text.position(join),
                construct_zh="没有 ON 的 JOIN",
                why_zh="每一行会与所有的行相联。",
                instead_zh="请写 JOIN ... ON a.栏目 = b.栏目，各写明所属的表。",
            )
        together = scope.copy()
        together.joined = {**scope.joined, **dict.fromkeys(aliases, right)}
        condition = Reader(self.text, together.resolve).read(on)
        parts = condition.parts if isinstance(condition, And) else (condition,)
        pairs = [pair for part in parts if (pair := _equal(part, right)) is not None]
        others = [part for part in parts if _equal(part, right) is None]
        if not pairs or (outer and any(name.dataset != right.dataset for name in names_in(tuple(others)))):
            self._not_equal(join)
        return pairs, others

    def _pair(self, condition: Expression, right: Rows, join: exp.Join) -> tuple[Expression, Name]:
        return _equal(condition, right) or self._not_equal(join)

    def _not_equal(self, join: exp.Join) -> NoReturn:
        raise QueryRefused(
            "JOIN ON",
            "it joins on equal columns only, each side with its table; beside them a LEFT JOIN can "
            "choose among the rows that are joined.",
            instead="Write ON a.column = b.column AND b.other > 1.",
            position=self.text.position(join),
            why_zh="只能按相等的栏目联表，且两边都要写明所属的表；此外 LEFT JOIN 只能筛选所联的行。",
            instead_zh="请写 ON a.column = b.column AND b.other > 1。",
        )


def _version(text: SqlText, table: exp.Table) -> tuple[str, int | None]:
    """A dataset's name, and the number of its version where it is asked for by number: `name@2`."""
    name, at, number = table.name.rpartition("@")
    if not at:
        return table.name, None
    if not name or not (number.isascii() and number.isdigit()) or len(number) > LONGEST_NUMBER:
        text.refuse(
            table,
            "what stands after @ is not the number of a version.",
            "Write schema.name, or schema.name@2.",
            "@ 之后不是版本号。",
            "请写 schema.name，或 schema.name@2。",
        )
    return name, int(number)


def _equal(condition: Expression, right: Rows) -> tuple[Expression, Name] | None:
    """The two sides of `a.x = b.y`, what is joined last; None if it says something else."""
    if isinstance(condition, Compare) and condition.comparison is Comparison.EQUAL:
        for left, other in ((condition.left, condition.right), (condition.right, condition.left)):
            own = any(isinstance(name, Name) and name.dataset == right.dataset for name in walk(left))
            if (
                isinstance(other, Name)
                and other.dataset == right.dataset
                and not own
                and not isinstance(left, Literal)
            ):
                return left, other
    return None
