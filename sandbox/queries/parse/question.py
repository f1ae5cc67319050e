"""Parses SQL that can be asked privately. SELECTs become one question: subqueries and CTEs are taken in."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

from sqlglot import exp

from sandbox.errors import QueryRefused
from sandbox.queries.parse import answer_windows
from sandbox.queries.parse.allowed_clauses import refuse_others
from sandbox.queries.parse.exists import join_as_exists
from sandbox.queries.parse.expressions import Reader
from sandbox.queries.parse.grouping_sets import grouping_sets
from sandbox.queries.parse.normalize_joins import bracketed_joins, plain_joins
from sandbox.queries.parse.own_rows import looked_up, own_rows, window
from sandbox.queries.parse.post_processing import arranged, from_groups, over_groups, post_process
from sandbox.queries.parse.quantile_lists import one_by_one
from sandbox.queries.parse.relations import CHOSEN, Groups, Relation, Rows
from sandbox.queries.parse.sources import From, Sources
from sandbox.queries.parse.sql_text import SHAPE, SqlText, plain
from sandbox.queries.parse.syntax import check_syntax
from sandbox.queries.tree import (
    Afterwards,
    Aggregate,
    Expression,
    InPublic,
    Literal,
    Name,
    Output,
    Question,
    rewritten,
    walk,
)

MOST_SELECTS = 50


def parse(sql: str, *, asked: str = "") -> Question:
    """Parse one question. Raises `QueryRefused` (construct, place, why, what instead) or `InvalidInput`
    (not SQL).

    `asked` is the dataset that comes first of those that are joined, wherever it is written.
    """
    return _Parser(SqlText(sql), asked).question()


class _OwnRows:
    """Subqueries and windows over a unit's own rows, inside one SELECT."""

    def __init__(self, parser: "_Parser", scope: Sources, known: Mapping[str, Relation]) -> None:
        self.parser, self.scope, self.known = parser, scope, known
        self.rows: Rows | None = None  # those that the SELECT list is about

    def among(self, node: exp.In, of: Expression) -> Expression:
        """`unit IN (SELECT unit FROM ...)`, or `x IN (SELECT column FROM an open dataset WHERE ...)`."""
        query = node.args["query"]
        found = self.parser.subquery(query.this if isinstance(query, exp.Subquery) else query, self.known)
        if (column := looked_up(found, besides=self.scope.dataset)) is not None:
            return InPublic(of, *column)
        rows = own_rows(self.parser.text, node, found)
        if len(rows.names) != 1 or next(iter(rows.names.values())) != rows.unit:
            self.parser.text.refuse(
                node,
                "its subquery has more columns than the one that is looked up.",
                "Write IN (SELECT unit FROM ...).",
                "它的子查询不止所查找的一个栏目。",
                "请写 IN (SELECT 标识 FROM ...)。",
            )
        return rows.matched(of).there

    def window(self, node: exp.Window, read: Callable[[exp.Expression], Expression]) -> Expression:
        of_groups = self.rows is None or any(
            isinstance(part, exp.AggFunc)
            for argument in node.this.iter_expressions()
            for part in argument.walk()
        )
        return (
            answer_windows.window(self.parser.text, node, read)
            if of_groups
            else window(self.parser.text, node, read, self.rows)
        )


class _Parser:
    def __init__(self, text: SqlText, asked: str) -> None:
        self.text = text
        self.asked = asked
        self.selects = 0
        check_syntax(text)
        bracketed_joins(text.statement)

    def question(self) -> Question:
        found = self._query(self.text.statement, {})
        if isinstance(found, Rows):
            raise QueryRefused(
                "A question without an aggregate",
                "a row's own value is never shown.",
                instead="Ask for COUNT(*), SUM(x), AVG(x) and the like.",
                construct_zh="没有聚合的问题",
                why_zh="从不显示某一行自己的值。",
                instead_zh="请问 COUNT(*)、SUM(x)、AVG(x) 等。",
            )
        pinned = tuple(
            (dataset, number, position) for (dataset, number), position in self.text.pinned.items()
        )
        question = found.as_question()
        self.text.check_size(self.text.size_of(question))
        named = tuple((name, datasets, position) for (name, datasets), position in self.text.named.items())
        return replace(question, pinned=pinned, named=named)

    def subquery(self, node: exp.Expression, known: Mapping[str, Relation]) -> Relation:
        """What a part of the question in brackets stands for."""
        return self._query(node, known)

    def _query(self, node: exp.Expression, known: Mapping[str, Relation]) -> Relation:
        """One SELECT, with the CTEs `known` around it."""
        self.selects += 1
        if self.selects > MOST_SELECTS:
            raise QueryRefused(
                "A question",
                f"it has more than {MOST_SELECTS} SELECTs.",
                instead="Ask a simpler one.",
                construct_zh="问题",
                why_zh=f"SELECT 超过 {MOST_SELECTS} 个。",
                instead_zh="请问得简单一些。",
            )
        if isinstance(node, exp.Subquery) and plain(node, "this", "alias"):
            return self._query(node.this, known)
        if isinstance(node, exp.SetOperation):
            self.text.refuse(
                node,
                "these are several questions, each with a price of its own.",
                "Ask each SELECT by itself and put the answers under each other: "
                "pandas.concat([a.df, b.df]). For parts of one dataset one question is often enough: "
                "GROUP BY CASE ... END, or WHERE this OR that.",
                "这是几个问题，各有各的价格。",
                "请逐个提问，再把回答上下拼接：pandas.concat([a.df, b.df])。同一数据集的几部分常可一次问完："
                "GROUP BY CASE WHEN 条件 THEN '甲' ELSE '乙' END，或 WHERE 甲 OR 乙。",
            )
        if not isinstance(node, exp.Select):
            self.text.refuse(
                node,
                "only a SELECT can be asked.",
                f"Ask for example: {SHAPE}.",
                "只能用 SELECT 提问。",
                f"例如：{SHAPE}。",
            )
        refuse_others(self.text, node)
        plain_joins(node)
        join_as_exists(node)
        known = dict(known)
        for cte in self._ctes(node):
            known[cte.alias.lower()] = self._renamed(cte, self._query(cte.this, known))
        scope = From(self.text, self._query, self.asked).read(node, known)
        where, order, limit = node.args.get("where"), node.args.get("order"), node.args.get("limit")
        having, group, inner = node.args.get("having"), node.args.get("group"), scope.first
        own = _OwnRows(self, scope, known)
        reader = Reader(self.text, scope.resolve, own)
        if isinstance(scope.first, Groups) and not self._aggregates(node, own):
            if node.args.get("distinct"):
                self.text.refuse(
                    node.args["distinct"],
                    "released groups are not put together.",
                    "Leave out DISTINCT.",
                    "已发布的分组不能再合并。",
                    "请去掉 DISTINCT。",
                )
            return post_process(
                self.text, node, scope.first, reader, lambda: self._outputs(node, scope, reader)
            )
        if isinstance(scope.first, Groups):
            if scope.first.arranged:
                self.text.refuse(node, *CHOSEN)
            scope.first = scope.first.as_rows()
        rows = scope.first.filtered(self._rows_only(reader.read(where.this), where)) if where else scope.first
        own.rows = None if group or having else rows  # a window is over what WHERE leaves
        outputs = self._outputs(node, scope, reader)
        distinct = bool(node.args.get("distinct")) and not group and not having
        of_groups = any(isinstance(part, Aggregate) for output in outputs for part in walk(output.of))
        if not (group or having or distinct or of_groups):
            for clause in filter(None, (order, limit, node.args.get("offset"), node.args.get("qualify"))):
                self.text.refuse(
                    clause,
                    "it would choose rows by other people's rows.",
                    "Leave it out.",
                    "它会按他人的行来挑选行。",
                    "请去掉。",
                )
            star = any(isinstance(item, exp.Star) for item in node.expressions)
            names = {output.name.lower(): output.of for output in outputs}
            return replace(rows, names={**rows.names, **names} if star else names, open=rows.open and star)
        if node.args.get("distinct") and group:
            self._distinct_groups(node, group, outputs, reader, scope)
        keys, sets = (
            (self._distinct(node, outputs), ()) if distinct else self._keys(group, outputs, reader, scope)
        )
        outputs = _as_grouped(outputs, keys)
        groups = Groups(rows, keys, outputs, Afterwards(sets))
        for output in outputs:
            from_groups(output.of, groups)
        groups = arranged(self.text, node, groups, reader, having)
        if isinstance(inner, Groups) and inner.rows.per_unit is not None:  # units' rows were grouped already
            return over_groups(groups, inner.rows.per_unit)
        return groups

    def _ctes(self, node: exp.Select) -> list[exp.CTE]:
        with_ = node.args.get("with_")
        if with_ is None:
            return []
        if with_.args.get("recursive"):
            self.text.refuse(
                with_,
                "it could go on for as long as the data says.",
                "Leave out RECURSIVE.",
                "它运行多久取决于数据。",
                "请去掉 RECURSIVE。",
            )
        return list(with_.expressions)

    def _renamed(self, cte: exp.CTE, found: Relation) -> Relation:
        """WITH name(a, b) AS (...): its columns by these names."""
        names = [column.name for column in cte.args["alias"].args.get("columns") or []]
        if not names:
            return found
        if (
            found.open
            or len(names) != len(found.names)
            or len({name.lower() for name in names}) != len(names)
        ):
            self.text.refuse(
                cte,
                "these are not the names of its columns, one for each.",
                "Name them in the SELECT with AS.",
                "这些名称与它的栏目不一一对应。",
                "请在 SELECT 里用 AS 命名。",
            )
        if isinstance(found, Groups):
            return replace(
                found,
                outputs=tuple(
                    Output(name, output.of) for name, output in zip(names, found.outputs, strict=True)
                ),
            )
        return replace(
            found, names=dict(zip((name.lower() for name in names), found.names.values(), strict=True))
        )

    # --- SELECT and GROUP BY

    def _aggregates(self, select: exp.Select, own: _OwnRows) -> bool:
        """Whether a SELECT groups or aggregates by itself, subqueries aside."""
        if select.args.get("group"):
            return True
        reader = Reader(self.text, lambda column: Name(column.name), own)
        outputs = [
            reader.read(item.this if isinstance(item, exp.Alias) else item)
            for item in select.expressions
            if not isinstance(item, exp.Star) and not _is_all_of(item)
        ]
        self.text.check_size(self.text.size_of(tuple(outputs)))  # before they are walked
        return any(isinstance(node, Aggregate) for output in outputs for node in walk(output))

    def _outputs(self, select: exp.Select, scope: Sources, reader: Reader) -> tuple[Output, ...]:
        outputs: list[Output] = []
        names: list[str] = []
        parts = 0
        for item in [one for written in select.expressions for one in one_by_one(written)]:
            if isinstance(item, exp.Star) or _is_all_of(item):
                star = item if isinstance(item, exp.Star) else item.this
                if not plain(star):
                    self.text.refuse(
                        item,
                        "EXCLUDE, REPLACE and RENAME cannot be asked.",
                        "Name the columns.",
                        "不能用 EXCLUDE、REPLACE 和 RENAME。",
                        "请写出各栏目名。",
                    )
                if isinstance(scope.first, Rows) and scope.first.open and not self._inside(select):
                    self.text.refuse(
                        item,
                        "a row's own values are never shown.",
                        "Ask for aggregates, such as COUNT(*) or AVG(x).",
                        "从不显示某一行自己的值。",
                        "请问聚合，例如 COUNT(*) 或 AVG(x)。",
                    )
                outputs += [Output(name, of) for name, of in scope.first.names.items()]
                names += scope.first.names
                continue
            inner = item.this if isinstance(item, exp.Alias) else item
            of = reader.read(inner)
            name = item.alias if isinstance(item, exp.Alias) else _default_name(of, inner)
            if not isinstance(item, exp.Alias | exp.Column):
                numbered = f"{name}_"
                alike = len([known for known in names if known == name or known.startswith(numbered)])
                name = f"{name}_{alike + 1}" if alike else name
            outputs.append(Output(name, of))
            names.append(name)
            parts += self.text.size(of)
            self.text.check_size(parts)
        for name, times in Counter(output.name.lower() for output in outputs).items():
            if times > 1:
                raise QueryRefused(
                    f"The name {name}",
                    "two columns of the answer have it.",
                    instead="Give one of them another name with AS.",
                    construct_zh=f"名称 {name}",
                    why_zh="回答中有两个栏目同名。",
                    instead_zh="请用 AS 给其中一个另起名称。",
                )
        return tuple(outputs)

    def _inside(self, select: exp.Select) -> bool:
        return select.parent is not None

    def _distinct(self, node: exp.Select, outputs: tuple[Output, ...]) -> tuple[Expression, ...]:
        """SELECT DISTINCT a, b is GROUP BY a, b."""
        for output in outputs:
            if any(isinstance(part, Aggregate) for part in walk(output.of)):
                self.text.refuse(
                    node.args["distinct"],
                    "there is one row for each group anyway.",
                    "Leave out DISTINCT.",
                    "每个分组本来就只有一行。",
                    "请去掉 DISTINCT。",
                )
        return tuple(dict.fromkeys(output.of for output in outputs))

    def _distinct_groups(
        self,
        node: exp.Select,
        group: exp.Group,
        outputs: tuple[Output, ...],
        reader: Reader,
        scope: Sources,
    ) -> None:
        """Groups whose keys are all shown are different anyway."""
        keys, _ = self._keys(group, outputs, reader, scope)
        shown = {output.of for output in _as_grouped(outputs, keys)}
        if any(key not in shown for key in keys):
            self.text.refuse(
                node.args["distinct"],
                "several groups are alike in what is shown of them.",
                "Show every key of GROUP BY, or group by what is shown alone.",
                "几个分组所显示的内容相同。",
                "请显示 GROUP BY 的每个栏目，或只按所显示的栏目分组。",
            )

    def _keys(
        self, group: exp.Group | None, outputs: tuple[Output, ...], reader: Reader, scope: Sources
    ) -> tuple[tuple[Expression, ...], tuple[tuple[Expression, ...], ...]]:
        """All keys; and the sets of them, where it groups by several."""
        if group is None:
            return (), ()
        if group.args.get("all"):
            found = [
                output.of
                for output in outputs
                if not any(isinstance(node, Aggregate) for node in walk(output.of))
            ]
            return tuple(dict.fromkeys(found)), ()
        sets = grouping_sets(self.text, group, lambda node: self._key(node, outputs, reader, scope))
        return tuple(dict.fromkeys(key for keys in sets for key in keys)), sets if len(sets) > 1 else ()

    def _key(
        self, node: exp.Expression, outputs: tuple[Output, ...], reader: Reader, scope: Sources
    ) -> Expression:
        if isinstance(node, exp.Literal) and not node.is_string and node.this.isdigit():
            place = int(node.this)
            if not 1 <= place <= len(outputs) or any(
                isinstance(part, Aggregate) for part in walk(outputs[place - 1].of)
            ):
                self.text.refuse(
                    node,
                    "it does not count to a key of the SELECT list.",
                    "Name the column.",
                    "SELECT 列表的这个位置不是可分组的栏目。",
                    "请写栏目名。",
                )
            key = outputs[place - 1].of
        else:
            alias = next(
                (
                    output.of
                    for output in outputs
                    if isinstance(node, exp.Column)
                    and not node.table
                    and output.name.lower() == node.name.lower()
                ),
                None,
            )
            name = node.name.lower()
            # a column under its own name is it; a name that was given to an expression over the column of
            # that name means the column, as in the engine
            own = isinstance(alias, Name) and alias.text == name
            of_it = any(isinstance(part, Aggregate) or _called(part, name) for part in walk(alias))
            named = alias is not None and not scope.computes(name) and (own or not of_it)
            if named and not own:
                self.text.named[name, scope.open_datasets] = self.text.position(node)
            key = alias if alias is not None and named else self._rows_only(reader.read(node), node)
        if isinstance(key, Literal):
            self.text.refuse(
                node,
                "a value written out is the same for every row.",
                "Group by a column.",
                "直接写出的值对每一行都相同。",
                "请按栏目分组。",
            )
        return key

    def _rows_only(self, found: Expression, node: exp.Expression) -> Expression:
        if any(isinstance(part, Aggregate) for part in walk(found)):
            self.text.refuse(
                node,
                "an aggregate cannot choose rows.",
                "Use HAVING.",
                "聚合不能用来挑选行。",
                "请用 HAVING。",
            )
        return found


def _is_all_of(item: exp.Expression) -> bool:
    """Whether it is `t.*`."""
    return isinstance(item, exp.Column) and isinstance(item.this, exp.Star)


def _called(part: object, name: str) -> bool:
    return isinstance(part, Name) and part.text == name


def _as_grouped(outputs: tuple[Output, ...], keys: tuple[Expression, ...]) -> tuple[Output, ...]:
    """A key that SELECT names without its table, though GROUP BY names it, is that key."""
    named = {key.text: key for key in keys if isinstance(key, Name)}

    def rule(node: object) -> object:
        if isinstance(node, Aggregate):
            return replace(node)  # what is inside is of rows
        if isinstance(node, Name) and node.dataset == "?" and node.computed is None and node not in keys:
            return named.get(node.text, node)
        return node

    found: tuple[Output, ...] = rewritten(outputs, rule)
    return found


def _default_name(of: Expression, written: exp.Expression) -> str:
    if isinstance(written, exp.Column):
        return written.name.lower()
    if isinstance(of, Name):
        return of.text
    if isinstance(of, Aggregate) and of.fraction is None:
        return of.aggregation.value + (f"_{of.of.text}" if isinstance(of.of, Name) else "")
    return written.sql(dialect="duckdb").lower()[:60]
