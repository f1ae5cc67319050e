"""Is this SQL something that can be asked privately? SELECTs become one question: subqueries and CTEs are taken in."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from sqlglot import exp

from sandbox.errors import QueryRefused
from sandbox.queries import across
from sandbox.queries.expressions import Reader
from sandbox.queries.own_rows import own_rows, window
from sandbox.queries.quantile_lists import one_by_one
from sandbox.queries.relations import CHOSEN, Groups, Relation, Rows, says_across
from sandbox.queries.sql_text import SHAPE, SqlText, plain
from sandbox.queries.tree import (
    Across,
    Afterwards,
    Aggregate,
    And,
    Case,
    Compare,
    Comparison,
    Expression,
    Join,
    Literal,
    Name,
    Ordering,
    Output,
    PerUnit,
    Question,
    both,
    members,
    walk,
)
from sandbox.queries.wording import wording, wording_zh

REFUSED: dict[str, tuple[str, str, str, str, str]] = {
    # argument of SELECT: (its name, why it is refused, what to do instead, both in Chinese)
    "laterals": ("LATERAL", "it makes rows from rows in ways that cannot be bounded.", "Join on equal columns.",
                 "它由行生成行,数量无法限定。", "请按相等的栏目联表。"),
    "distinct": ("SELECT DISTINCT ON", "it would show which values exist.", "Use GROUP BY on a key; all its public "
                 "values are shown.", "它会显示有哪些取值。", "请用 GROUP BY 分组:公开的取值都会显示。"),
    "windows": ("WINDOW", "windows have no names here.", "Write each out: OVER (...).",
                "此处窗口没有名称。", "请逐个写出:OVER (...)。"),
    "sample": ("SAMPLE", "a random choice of rows breaks the privacy bound.", "Leave it out; the noise is added for you.",
               "随机抽取行会破坏隐私的界限。", "请去掉:噪声会自动加入。"),
    "pivots": ("PIVOT", "it would show which values exist.", "Use GROUP BY on a key.",
               "它会显示有哪些取值。", "请用 GROUP BY 分组。"),
    "into": ("INTO", "nothing can be written.", "Leave it out.", "不能写入任何内容。", "请去掉。"),
    "locks": ("FOR UPDATE", "nothing can be locked.", "Leave it out.", "不能加锁。", "请去掉。"),
}
ALLOWED = {"expressions", "from_", "where", "group", "having", "order", "limit", "offset", "joins", "with_", "qualify"}
MOST_ROWS = 100_000
MOST_SELECTS = 50


def parse(sql: str) -> Question:
    """Parse one question. Raises `QueryRefused` (construct, place, why, what instead) or `InvalidInput` (not SQL)."""
    return _Parser(SqlText(sql)).question()


class _Scope:
    """What names mean inside one SELECT: its sources by alias, the first of which is the one that is asked."""

    def __init__(self, text: SqlText, first: Relation, aliases: frozenset[str]) -> None:
        self.text = text
        self.first = first
        self.aliases = aliases
        self.joined: dict[str, Rows] = {}

    @property
    def datasets(self) -> set[str]:
        """The datasets that stand after FROM by their own names."""
        return {rows.dataset for rows in (self.first, *self.joined.values()) if isinstance(rows, Rows)}

    def resolve(self, column: exp.Column) -> Expression:
        whole = f"{column.db}.{column.table}".lower()  # schema.dataset.column
        if not isinstance(column.this, exp.Identifier) or (column.db and (column.catalog or whole not in self.datasets)):
            self.text.refuse(column, "it is not a column's name.", "Name one column.", "这不是栏目的名称。", "请写一个栏目名。")
        name, table, position = column.name.lower(), column.table.lower(), self.text.position(column)
        if table in self.joined:
            return self._of_joined(self.joined[table], name, column)
        if table and table not in self.aliases:
            self.text.refuse(column, f"there is no {column.table} after FROM.", "Name the column alone.",
                             f"FROM 之后没有 {column.table}。", "请只写栏目名。")
        if name in self.first.names:
            return self.first.names[name]
        if not self.first.open:
            if not table:
                for rows in self.joined.values():
                    if name in rows.names or rows.open:
                        return self._of_joined(rows, name, column)
            self.text.refuse(column, "the subquery after FROM has no such column.",
                             f"It has: {', '.join(self.first.names) or 'none'}.",
                             "FROM 之后的子查询没有这个栏目。", f"现有:{', '.join(self.first.names) or '无'}。")
        return Name(name, "" if table or not self.joined else "?", position)

    def _of_joined(self, rows: Rows, name: str, column: exp.Column) -> Expression:
        if name in rows.names:
            return rows.names[name]
        if not rows.open:
            self.text.refuse(column, "the subquery that is joined has no such column.", f"It has: {', '.join(rows.names)}.",
                             "所联的子查询没有这个栏目。", f"现有:{', '.join(rows.names)}。")
        return Name(name, rows.dataset, self.text.position(column))


class _OwnRows:
    """Subqueries and windows over a unit's own rows, inside one SELECT."""

    def __init__(self, parser: "_Parser", scope: _Scope, known: Mapping[str, Relation]) -> None:
        self.parser, self.scope, self.known = parser, scope, known
        self.rows: Rows | None = None  # those that the SELECT list is about

    def among(self, node: exp.In, of: Expression) -> Expression:
        """`unit IN (SELECT unit FROM ...)`."""
        query = node.args["query"]
        found = self.parser.subquery(query.this if isinstance(query, exp.Subquery) else query, self.known)
        rows = own_rows(self.parser.text, node, found)
        if len(rows.names) != 1 or next(iter(rows.names.values())) != rows.unit:
            self.parser.text.refuse(node, "its subquery has more columns than the one that is looked up.",
                                    "Write IN (SELECT unit FROM ...).", "它的子查询不止所查找的一个栏目。",
                                    "请写 IN (SELECT 标识 FROM ...)。")
        return rows.matched(of).there

    def window(self, node: exp.Window, read: Callable[[exp.Expression], Expression]) -> Expression:
        of_groups = self.rows is None or any(isinstance(part, exp.AggFunc) for argument in node.this.iter_expressions()
                                             for part in argument.walk())
        return across.window(self.parser.text, node, read) if of_groups else window(self.parser.text, node, read, self.rows)


class _Parser:
    def __init__(self, text: SqlText) -> None:
        self.text = text
        self.selects = 0

    def question(self) -> Question:
        found = self._query(self.text.statement, {})
        if isinstance(found, Rows):
            raise QueryRefused("A question without an aggregate", "a row's own value is never shown.",
                               instead="Ask for COUNT(*), SUM(x), AVG(x) and the like.",
                               construct_zh="没有聚合的问题", why_zh="从不显示某一行自己的值。",
                               instead_zh="请问 COUNT(*)、SUM(x)、AVG(x) 等。")
        return found.as_question()

    def subquery(self, node: exp.Expression, known: Mapping[str, Relation]) -> Relation:
        """What a part of the question in brackets stands for."""
        return self._query(node, known)

    def _query(self, node: exp.Expression, known: Mapping[str, Relation]) -> Relation:
        """One SELECT, with the CTEs `known` around it."""
        self.selects += 1
        if self.selects > MOST_SELECTS:
            raise QueryRefused("A question", f"it has more than {MOST_SELECTS} SELECTs.", instead="Ask a simpler one.",
                               construct_zh="问题", why_zh=f"SELECT 超过 {MOST_SELECTS} 个。", instead_zh="请问得简单一些。")
        if isinstance(node, exp.Subquery) and plain(node, "this", "alias"):
            return self._query(node.this, known)
        if isinstance(node, exp.SetOperation):
            self.text.refuse(node, "rows or answers are not put together.",
                             "Ask each SELECT by itself; for parts of one dataset write WHERE this OR that.",
                             "不能把几组行或几个回答合在一起。", "请逐个提问;同一数据集的几部分请写 WHERE 甲 OR 乙。")
        if not isinstance(node, exp.Select):
            self.text.refuse(node, "only a SELECT can be asked.", f"Ask for example: {SHAPE}.",
                             "只能用 SELECT 提问。", f"例如:{SHAPE}。")
        self._refuse_clauses(node)
        known = dict(known)
        for cte in self._ctes(node):
            known[cte.alias.lower()] = self._renamed(cte, self._query(cte.this, known))
        scope = self._sources(node, known)
        where, order, limit = node.args.get("where"), node.args.get("order"), node.args.get("limit")
        having, group, inner = node.args.get("having"), node.args.get("group"), scope.first
        own = _OwnRows(self, scope, known)
        reader = Reader(self.text, scope.resolve, own)
        if isinstance(scope.first, Groups) and not self._aggregates(node, own):
            if node.args.get("distinct"):
                self.text.refuse(node.args["distinct"], "released groups are not put together.", "Leave out DISTINCT.",
                                 "已发布的分组不能再合并。", "请去掉 DISTINCT。")
            return self._post_process(node, scope.first, reader)
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
                self.text.refuse(clause, "it would choose rows by other people's rows.", "Leave it out.",
                                 "它会按他人的行来挑选行。", "请去掉。")
            star = any(isinstance(item, exp.Star) for item in node.expressions)
            names = {output.name.lower(): output.of for output in outputs}
            return replace(rows, names={**rows.names, **names} if star else names, open=rows.open and star)
        keys = self._distinct(node, outputs) if distinct else self._keys(group, outputs, reader)
        groups = Groups(rows, keys, outputs)
        for output in outputs:
            self._from_groups(output.of, groups)
        groups = self._arranged(node, groups, reader, having)
        if isinstance(inner, Groups) and inner.rows.per_unit is not None:  # units' rows were grouped already
            return self._over_groups(groups, inner.rows.per_unit)
        return groups

    def _ctes(self, node: exp.Select) -> list[exp.CTE]:
        with_ = node.args.get("with_")
        if with_ is None:
            return []
        if with_.args.get("recursive"):
            self.text.refuse(with_, "it could go on for as long as the data says.", "Leave out RECURSIVE.",
                             "它运行多久取决于数据。", "请去掉 RECURSIVE。")
        return list(with_.expressions)

    def _renamed(self, cte: exp.CTE, found: Relation) -> Relation:
        """WITH name(a, b) AS (...): its columns by these names."""
        names = [column.name for column in cte.args["alias"].args.get("columns") or []]
        if not names:
            return found
        if found.open or len(names) != len(found.names) or len({name.lower() for name in names}) != len(names):
            self.text.refuse(cte, "these are not the names of its columns, one for each.", "Name them in the SELECT with AS.",
                             "这些名称与它的栏目不一一对应。", "请在 SELECT 里用 AS 命名。")
        if isinstance(found, Groups):
            return replace(found, outputs=tuple(Output(name, output.of) for name, output in zip(
                names, found.outputs, strict=True)))
        return replace(found, names=dict(zip((name.lower() for name in names), found.names.values(), strict=True)))

    def _refuse_clauses(self, select: exp.Select) -> None:
        for clause, value in select.args.items():
            if not value or clause in ALLOWED or (clause == "distinct" and plain(value)):
                continue
            name, why, instead, why_zh, instead_zh = REFUSED.get(clause, (
                clause.rstrip("_").upper(), "it cannot be asked.", "Leave it out.", "不能这样提问。", "请去掉。"))
            place = value[0] if isinstance(value, list) else value
            raise QueryRefused(name, why, instead=instead, why_zh=why_zh, instead_zh=instead_zh,
                               position=self.text.position(place) if isinstance(place, exp.Expression) else None)

    # --- FROM

    def _sources(self, select: exp.Select, known: Mapping[str, Relation]) -> _Scope:
        source = select.args.get("from_")
        if source is None:
            raise QueryRefused("A question without FROM", "there is nothing to ask.", instead="Name a dataset after FROM.",
                               construct_zh="没有 FROM 的问题", why_zh="没有可问的数据。",
                               instead_zh="请在 FROM 之后写数据集名。")
        scope = _Scope(self.text, *self._source(source.this, known))
        for join in select.args.get("joins") or []:
            self._join(join, scope, known)
        return scope

    def _source(self, node: exp.Expression, known: Mapping[str, Relation]) -> tuple[Relation, frozenset[str]]:
        if isinstance(node, exp.Subquery):
            return self._query(node, known), frozenset({node.alias.lower()} - {""})
        if not isinstance(node, exp.Table) or not isinstance(node.this, exp.Identifier):
            self.text.refuse(node, "only a dataset's name can stand after FROM.", "Ask one dataset by its name.",
                             "FROM 之后只能是数据集名。", "请按名称问一个数据集。")
        extra = [name for name, value in node.args.items() if value and name not in ("this", "db", "alias", "joins")]
        if extra:
            clause, why, instead, why_zh, instead_zh = REFUSED.get(extra[0], (
                extra[0].upper(), "it cannot stand after FROM.", "Ask one dataset by its name.",
                "不能写在 FROM 之后。", "请按名称问一个数据集。"))
            raise QueryRefused(clause, why, instead=instead, position=self.text.position(node), why_zh=why_zh,
                               instead_zh=instead_zh)
        alias = node.args.get("alias")
        if alias is not None and alias.args.get("columns"):
            self.text.refuse(alias, "columns cannot be named anew.", "Use the columns' own names.",
                             "不能给栏目重新命名。", "请用栏目原名。")
        aliases = frozenset({node.name.lower(), node.alias.lower()} - {""})
        if not node.db and node.name.lower() in known:
            return known[node.name.lower()], aliases
        if not node.db:
            raise QueryRefused(f"The dataset {node.name}", "its name has two parts.",
                               instead="Write schema.name, such as health.visits.", position=self.text.position(node),
                               construct_zh=f"数据集 {node.name}", why_zh="数据集名由两部分组成。",
                               instead_zh="请写全名,例如 health.visits。")
        return Rows(f"{node.db}.{node.name}".lower()), aliases

    def _join(self, join: exp.Join, scope: _Scope, known: Mapping[str, Relation]) -> None:
        position = self.text.position(join)
        side, kind = (join.args.get("side") or "").upper(), (join.args.get("kind") or "").upper()
        if "NATURAL" in (join.args.get("method") or "").upper():
            raise QueryRefused("NATURAL JOIN", "which columns it joins on depends on every name in both datasets.",
                               instead="Write JOIN ... USING (column).", position=position,
                               why_zh="它按哪些栏目联表取决于两边的所有名称。", instead_zh="请写 JOIN ... USING (栏目)。")
        known_kind = side in ("", "LEFT") and kind in ("", "INNER", "OUTER")
        if not known_kind or not plain(join, "this", "on", "using", "side", "kind"):
            raise QueryRefused(f"{side} {kind} JOIN".strip().replace("  ", " "), "only JOIN and LEFT JOIN can be asked.",
                               instead="Join on equal columns: an open dataset, or one about the same units on the unit.",
                               position=position, why_zh="只能用 JOIN 和 LEFT JOIN。", instead_zh="请按相等的栏目联表。")
        right, aliases = self._source(join.this, known)
        if isinstance(right, Groups):
            self._join_own(join, scope, right, aliases, outer=side == "LEFT")
            return
        if not isinstance(right, Rows) or right.where or right.joins or right.per_unit:
            raise QueryRefused("JOIN", "what is joined must be a dataset as it is.",
                               instead="Name the dataset after JOIN; filter in WHERE.", position=position,
                               why_zh="所联的须是原样的数据集。", instead_zh="请在 JOIN 之后写数据集名,在 WHERE 里筛选。")
        if not isinstance(scope.first, Rows) or scope.first.per_unit:
            raise QueryRefused("JOIN", "groups of rows cannot be joined.", instead="Join first, then group.", position=position,
                               why_zh="分组后的行不能联表。", instead_zh="请先联表,再分组。")
        if any(known_join.dataset == right.dataset for known_join in scope.first.joins) or right.dataset == scope.first.dataset:
            raise QueryRefused("JOIN", f"{right.dataset} is there already.", instead="Join each dataset once.", position=position,
                               why_zh=f"{right.dataset} 已在问题中。", instead_zh="每个数据集只联一次。")
        pairs = self._using(join, scope, right) if join.args.get("using") else self._on(join, scope, right, aliases)
        scope.joined |= dict.fromkeys(aliases, right)
        scope.first = replace(scope.first, joins=(*scope.first.joins, Join(
            right.dataset, tuple(left for left, _ in pairs), tuple(name for _, name in pairs), side == "LEFT", position)))

    def _join_own(self, join: exp.Join, scope: _Scope, right: Groups, aliases: frozenset[str], *, outer: bool) -> None:
        """JOIN (SELECT unit, SUM(x) AS s FROM ... GROUP BY unit): values of the unit beside what is there of it."""
        position = self.text.position(join)
        if isinstance(scope.first, Groups):
            if scope.first.arranged:
                self.text.refuse(join, *CHOSEN)
            if scope.first.rows.per_unit:
                raise QueryRefused("JOIN", "groups of groups cannot be joined.", instead="Join first, then group.",
                                   position=position, why_zh="对分组的再分组不能联表。", instead_zh="请先联表,再分组。")
            scope.first = scope.first.as_rows()
        rows = own_rows(self.text, join, right)
        named, its = Rows(rows.dataset, rows.names, open=False), replace(rows.unit, dataset="its own")
        if using := join.args.get("using"):
            sides: list[tuple[Expression, Expression]] = [(scope.resolve(exp.Column(this=one.copy())), its) for one in using
                     if rows.names.get(one.name.lower()) == rows.unit]
        else:
            on = join.args.get("on")
            together = _Scope(self.text, scope.first, scope.aliases)
            told = {name: its if of == rows.unit else of for name, of in rows.names.items()}
            together.joined = {**scope.joined, **dict.fromkeys(aliases, replace(named, names=told))}
            condition = Reader(self.text, together.resolve).read(on) if on is not None else None
            sides = [(condition.left, condition.right)] if isinstance(condition, Compare) and (
                condition.comparison is Comparison.EQUAL) else []
        by = [left if right == its else right for left, right in sides if (left == its) != (right == its)]
        if len(by) != 1 or len(join.args.get("using") or [1]) != 1:
            raise QueryRefused("JOIN with groups of rows", "what is grouped can be joined on the unit it is grouped by alone.",
                               instead="Write JOIN (SELECT unit, SUM(x) AS s FROM dataset GROUP BY unit) AS g "
                                       "ON t.unit = g.unit.", position=position,
                               why_zh="分组后的行只能按其分组的保护对象标识来联。",
                               instead_zh="请写 JOIN (SELECT 标识, SUM(x) AS s FROM 数据集 GROUP BY 标识) AS g "
                                          "ON t.标识 = g.标识。")
        beside = rows.matched(by[0])
        names = {name: Case(((beside.there, of),), None) if outer and of != rows.unit else of
                 for name, of in beside.names.items()}
        scope.joined |= dict.fromkeys(aliases, replace(named, names=names))
        if not outer:
            scope.first = scope.first.filtered(beside.there)

    def _using(self, join: exp.Join, scope: _Scope, right: Rows) -> list[tuple[Expression, Name]]:
        pairs: list[tuple[Expression, Name]] = []
        for identifier in join.args["using"]:
            left = scope.resolve(exp.Column(this=identifier.copy()))
            pairs.append((left, Name(identifier.name.lower(), right.dataset, self.text.position(identifier))))
        return pairs

    def _on(self, join: exp.Join, scope: _Scope, right: Rows, aliases: frozenset[str]) -> list[tuple[Expression, Name]]:
        on = join.args.get("on")
        if on is None:
            raise QueryRefused("JOIN without ON", "every row would meet every row.",
                               instead="Write JOIN ... ON a.column = b.column, not in WHERE.",
                               position=self.text.position(join), construct_zh="没有 ON 的 JOIN",
                               why_zh="每一行会与所有的行相联。",
                               instead_zh="请写 JOIN ... ON a.栏目 = b.栏目,不要写在 WHERE 里。")
        together = _Scope(self.text, scope.first, scope.aliases)
        together.joined = {**scope.joined, **dict.fromkeys(aliases, right)}
        condition = Reader(self.text, together.resolve).read(on)
        return [self._pair(part, right, join) for part in (condition.parts if isinstance(condition, And) else (condition,))]

    def _pair(self, condition: Expression, right: Rows, join: exp.Join) -> tuple[Expression, Name]:
        """The two sides of `a.x = b.y`, what is joined last."""
        if isinstance(condition, Compare) and condition.comparison is Comparison.EQUAL:
            for left, other in ((condition.left, condition.right), (condition.right, condition.left)):
                own = any(isinstance(name, Name) and name.dataset == right.dataset for name in walk(left))
                if isinstance(other, Name) and other.dataset == right.dataset and not own:
                    return left, other
        raise QueryRefused("JOIN ON", "only equal columns can join, and each side must say its table.",
                           instead="Write ON a.column = b.column.", position=self.text.position(join),
                           why_zh="只能按相等的栏目联表,且两边都要写明所属的表。", instead_zh="请写 ON a.column = b.column。")

    # --- SELECT and GROUP BY

    def _aggregates(self, select: exp.Select, own: _OwnRows) -> bool:
        """Whether a SELECT groups or aggregates by itself, subqueries aside."""
        if select.args.get("group"):
            return True
        reader = Reader(self.text, lambda column: Name(column.name), own)
        outputs = [reader.read(item.this if isinstance(item, exp.Alias) else item) for item in select.expressions
                   if not isinstance(item, exp.Star) and not _is_all_of(item)]
        return any(isinstance(node, Aggregate) for output in outputs for node in walk(output))

    def _outputs(self, select: exp.Select, scope: _Scope, reader: Reader) -> tuple[Output, ...]:
        outputs: list[Output] = []
        for item in [one for written in select.expressions for one in one_by_one(written)]:
            if isinstance(item, exp.Star) or _is_all_of(item):
                star = item if isinstance(item, exp.Star) else item.this
                if not plain(star):
                    self.text.refuse(item, "EXCLUDE, REPLACE and RENAME cannot be asked.", "Name the columns.",
                                     "不能用 EXCLUDE、REPLACE 和 RENAME。", "请写出各栏目名。")
                if isinstance(scope.first, Rows) and scope.first.open and not self._inside(select):
                    self.text.refuse(item, "a row's own values are never shown.",
                                     "Ask for aggregates, such as COUNT(*) or AVG(x).",
                                     "从不显示某一行自己的值。", "请问聚合,例如 COUNT(*) 或 AVG(x)。")
                outputs += [Output(name, of) for name, of in scope.first.names.items()]
                continue
            inner = item.this if isinstance(item, exp.Alias) else item
            of = reader.read(inner)
            name = item.alias if isinstance(item, exp.Alias) else _default_name(of, inner)
            if not isinstance(item, exp.Alias | exp.Column):
                alike = sum(output.name == name or output.name.startswith(f"{name}_") for output in outputs)
                name = f"{name}_{alike + 1}" if alike else name
            outputs.append(Output(name, of))
        names = [output.name.lower() for output in outputs]
        for name in names:
            if names.count(name) > 1:
                raise QueryRefused(f"The name {name}", "two columns of the answer have it.",
                                   instead="Give one of them another name with AS.", construct_zh=f"名称 {name}",
                                   why_zh="回答中有两个栏目同名。", instead_zh="请用 AS 给其中一个另起名称。")
        return tuple(outputs)

    def _inside(self, select: exp.Select) -> bool:
        return select.parent is not None

    def _distinct(self, node: exp.Select, outputs: tuple[Output, ...]) -> tuple[Expression, ...]:
        """SELECT DISTINCT a, b is GROUP BY a, b."""
        for output in outputs:
            if any(isinstance(part, Aggregate) for part in walk(output.of)):
                self.text.refuse(node.args["distinct"], "there is one row for each group anyway.", "Leave out DISTINCT.",
                                 "每个分组本来就只有一行。", "请去掉 DISTINCT。")
        return tuple(dict.fromkeys(output.of for output in outputs))

    def _keys(self, group: exp.Group | None, outputs: tuple[Output, ...], reader: Reader) -> tuple[Expression, ...]:
        if group is None:
            return ()
        if group.args.get("all"):
            found = [output.of for output in outputs if not any(isinstance(node, Aggregate) for node in walk(output.of))]
            return tuple(dict.fromkeys(found))
        for name, value in group.args.items():
            if value and name != "expressions":
                raise QueryRefused(f"GROUP BY {name.upper()}", "subtotals cannot be asked yet.",
                                   instead="Ask a second question with fewer keys.", position=self.text.position(group),
                                   why_zh="尚不能问小计。", instead_zh="请另问一个分组较少的问题。")
        keys: list[Expression] = []
        for node in group.expressions:
            if isinstance(node, exp.Literal) and not node.is_string and node.this.isdigit():
                place = int(node.this)
                if not 1 <= place <= len(outputs) or any(isinstance(part, Aggregate) for part in walk(outputs[place - 1].of)):
                    self.text.refuse(node, "it does not count to a key of the SELECT list.", "Name the column.",
                                     "SELECT 列表的这个位置不是可分组的栏目。", "请写栏目名。")
                key = outputs[place - 1].of
            else:
                alias = next((output.of for output in outputs if isinstance(node, exp.Column) and not node.table
                              and output.name.lower() == node.name.lower()), None)
                # a name that was given to an expression over the column of that name means the column, as in the engine
                named = alias is not None and not any(isinstance(part, Aggregate) or (
                    isinstance(part, Name) and part.text == node.name.lower()) for part in walk(alias))
                key = alias if alias is not None and named else self._rows_only(reader.read(node), node)
            if isinstance(key, Literal):
                self.text.refuse(node, "a value written out is the same for every row.", "Group by a column.",
                                 "直接写出的值对每一行都相同。", "请按栏目分组。")
            if key not in keys:
                keys.append(key)
        return tuple(keys)

    def _rows_only(self, found: Expression, node: exp.Expression) -> Expression:
        if any(isinstance(part, Aggregate) for part in walk(found)):
            self.text.refuse(node, "an aggregate cannot choose rows.", "Use HAVING.", "聚合不能用来挑选行。", "请用 HAVING。")
        return found

    def _from_groups(self, expression: Expression, groups: Groups) -> None:
        """Whether an output is made of keys and aggregates alone: a row's own value is never shown."""
        if expression in groups.keys or isinstance(expression, Aggregate | Literal):
            return
        if isinstance(expression, Name):
            raise QueryRefused(f"The column {expression.text}", "a row's own value is never shown.",
                               instead="Put it in GROUP BY, or in an aggregate such as AVG.", position=expression.position,
                               construct_zh=f"栏目 {expression.text}", why_zh="从不显示某一行自己的值。",
                               instead_zh="请放入 GROUP BY,或放入 AVG 等聚合。")
        parts = members(expression)
        if not parts and not isinstance(expression, Across):
            raise QueryRefused(wording(expression), "a row's own value is never shown.",
                               instead="Put it in GROUP BY, or in an aggregate such as AVG.",
                               construct_zh=wording_zh(expression), why_zh="从不显示某一行自己的值。",
                               instead_zh="请放入 GROUP BY,或放入 AVG 等聚合。")
        for part in parts:
            self._from_groups(part, groups)

    # --- after the release

    def _post_process(self, select: exp.Select, groups: Groups, reader: Reader) -> Groups:
        """A SELECT over groups that adds nothing to be aggregated: it works on what is released."""
        where, after = select.args.get("where"), groups.afterwards
        if after.cut and (where or any(select.args.get(clause) for clause in ("order", "offset", "qualify"))):
            self.text.refuse(select, "it sorts or filters what a LIMIT has cut.", "Put ORDER BY and LIMIT in the last SELECT.",
                             "它对 LIMIT 截取之后的结果排序或筛选。", "请把 ORDER BY 和 LIMIT 放在最后的 SELECT 里。")
        scope = _Scope(self.text, groups, frozenset())
        if where:
            after = self._filtered(groups, reader.read(where.this))
        outputs = self._outputs(select, scope, reader)
        windows = {part for part in walk(outputs) if isinstance(part, Across)} - {
            part for part in walk(groups.outputs) if isinstance(part, Across)}
        if windows and (after.cut or after.kept is not None or after.each is not None):
            self.text.refuse(select, "its window is over what another window, a LIMIT or an aggregate of groups has left.",
                             "Compute it from the answer, at no cost.",
                             "其中的窗口建立在另一窗口、LIMIT 或分组聚合的结果之上。", "请由回答算出,不再花费。")
        return self._arranged(select, replace(groups, outputs=outputs, afterwards=after), reader, None)

    def _filtered(self, groups: Groups, condition: Expression) -> Afterwards:
        """What is said across groups is said of those that were there before it was looked at."""
        after = groups.afterwards
        late = after.each is not None or after.kept is not None or says_across((groups.outputs, condition))
        return replace(after, kept=both(after.kept, condition)) if late else replace(after, having=both(after.having, condition))

    def _over_groups(self, groups: Groups, per_unit: PerUnit) -> Groups:
        found = across.over_groups(groups.as_question(), per_unit)
        return Groups(replace(groups.rows, per_unit=per_unit), found.keys, found.outputs, found.afterwards)

    def _arranged(self, select: exp.Select, groups: Groups, reader: Reader, having: exp.Having | None) -> Groups:
        """HAVING, ORDER BY and LIMIT: on released numbers only."""
        order, limit = select.args.get("order"), select.args.get("limit")
        after = groups.afterwards
        if having:
            condition = self._released(having.this, groups, reader)
            after = replace(after, kept=both(after.kept, condition)) if says_across(condition) else replace(
                after, having=both(after.having, condition))
        if qualify := select.args.get("qualify"):
            after = replace(after, kept=both(after.kept, self._released(qualify.this, groups, reader)))
        if order:
            after = replace(after, order=tuple(one for node in order.expressions for one in self._ordering(node, groups, reader)))
        if limit is not None:
            fetch = isinstance(limit, exp.Fetch) and plain(limit, "count", "limit_options", "direction")
            if not fetch and (not isinstance(limit, exp.Limit) or not plain(limit, "expression")):
                self.text.refuse(limit, "it takes a whole number.", "Write LIMIT 10.", "此处应是整数。", "例如 LIMIT 10。")
            size = self.text.whole(limit.args["count"] if fetch else limit.expression, least=0, most=MOST_ROWS)
            after = replace(after, limit=size if after.limit is None else min(size, after.limit))
        if offset := select.args.get("offset"):
            after = replace(after, offset=self.text.whole(offset.expression, least=0, most=MOST_ROWS))
        return replace(groups, afterwards=after)

    def _ordering(self, node: exp.Expression, groups: Groups, reader: Reader) -> list[Ordering]:
        if not isinstance(node, exp.Ordered) or node.args.get("with_fill"):
            self.text.refuse(node, "it cannot stand in ORDER BY.", "Name a column of the answer.",
                             "不能写在 ORDER BY 里。", "请写回答中的栏目名。")
        descending = bool(node.args.get("desc"))
        if isinstance(node.this, exp.Var) and node.this.name.upper() == "ALL":  # by every column of the answer
            return [Ordering(output.of, descending) for output in groups.outputs]
        return [Ordering(self._released(node.this, groups, reader), descending)]

    def _released(self, node: exp.Expression, groups: Groups, reader: Reader) -> Expression:
        """An expression over the answer: its columns by name or place, its keys, aggregates written out."""
        if isinstance(node, exp.Literal) and not node.is_string and node.this.isdigit():
            place = int(node.this)
            if 1 <= place <= len(groups.outputs):
                return groups.outputs[place - 1].of
        by_name = groups.names

        def resolve(column: exp.Column) -> Expression:
            if not column.table and column.name.lower() in by_name and not within.inside_aggregate:
                return by_name[column.name.lower()]
            return reader.resolve(column)

        within = Reader(self.text, resolve, reader.own)
        found = within.read(node)
        self._from_groups(found, groups)
        return found


def _is_all_of(item: exp.Expression) -> bool:
    """Whether it is `t.*`."""
    return isinstance(item, exp.Column) and isinstance(item.this, exp.Star)


def _default_name(of: Expression, written: exp.Expression) -> str:
    if isinstance(written, exp.Column):
        return written.name.lower()
    if isinstance(of, Name):
        return of.text
    if isinstance(of, Aggregate) and of.fraction is None:
        return of.aggregation.value + (f"_{of.of.text}" if isinstance(of.of, Name) else "")
    return written.sql(dialect="duckdb").lower()[:60]
