"""Is this SQL something that can be asked privately? An allow-list of constructs; the rest is refused by name and place."""

import re
from datetime import date
from fractions import Fraction
from typing import NoReturn

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from sandbox.errors import InvalidInput, Position, QueryRefused
from sandbox.queries.tree import (
    Afterwards,
    Aggregate,
    Aggregation,
    And,
    Between,
    Compare,
    Comparison,
    Condition,
    Having,
    In,
    Is,
    IsNull,
    Like,
    Literal,
    Name,
    Not,
    Or,
    Ordering,
    Output,
    Question,
)

LONGEST_SQL = 20_000
DEEPEST = 60
LONGEST_PATTERN = 100
NUMBER = re.compile(r"(?=.{1,40}$)\d*\.?\d*(?:[eE][+-]?\d{1,2})?")
SHAPE = "SELECT keys, COUNT(*), COUNT(DISTINCT unit), SUM(x), AVG(x) FROM dataset WHERE ... GROUP BY keys"

COMPARISONS: dict[type[exp.Expression], Comparison] = {
    exp.EQ: Comparison.EQUAL, exp.NEQ: Comparison.UNEQUAL, exp.LT: Comparison.LESS, exp.LTE: Comparison.AT_MOST,
    exp.GT: Comparison.MORE, exp.GTE: Comparison.AT_LEAST,
}
MIRRORED = {Comparison.LESS: Comparison.MORE, Comparison.MORE: Comparison.LESS,
            Comparison.AT_MOST: Comparison.AT_LEAST, Comparison.AT_LEAST: Comparison.AT_MOST}

REFUSED: dict[str, tuple[str, str, str]] = {
    # argument of SELECT: (its name, why it is refused, what to do instead)
    "with_": ("WITH", "one SELECT over one dataset can be asked.", "Write the question as one SELECT."),
    "joins": ("JOIN", "only one dataset can be asked at a time.", "Ask each dataset by itself."),
    "laterals": ("LATERAL", "only one dataset can be asked at a time.", "Ask the dataset by itself."),
    "distinct": ("SELECT DISTINCT", "it would show which values exist.", "Use GROUP BY on a key; all its public "
                 "values are shown."),
    "offset": ("OFFSET", "it would choose rows.", "Leave it out."),
    "qualify": ("QUALIFY", "it would choose rows by other people's rows.", "Leave it out."),
    "windows": ("WINDOW", "a window mixes the rows of several people.", "Use GROUP BY."),
    "sample": ("SAMPLE", "a random choice of rows breaks the privacy bound.", "Leave it out; the noise is added for you."),
    "pivots": ("PIVOT", "it would show which values exist.", "Use GROUP BY on a key."),
    "into": ("INTO", "nothing can be written.", "Leave it out."),
    "locks": ("FOR UPDATE", "nothing can be locked.", "Leave it out."),
}
ALLOWED = {"expressions", "from_", "where", "group", "having", "order", "limit", "kind", "hint"}
MOST_ROWS = 100_000


def parse(sql: str) -> Question:
    """Parse one question. Raises `QueryRefused` (construct, place, why, what instead) or `InvalidInput` (not SQL)."""
    return _Parser(sql).question()


class _Parser:
    """The text is needed throughout, to say where things stand."""

    def __init__(self, sql: str) -> None:
        if not sql.strip():
            raise InvalidInput("The question is empty.", mend=f"Ask for example: {SHAPE}.")
        if len(sql) > LONGEST_SQL:
            raise InvalidInput(f"The question is longer than {LONGEST_SQL} characters.", mend="Ask a shorter one.")
        self.sql = sql
        self.known_as: frozenset[str] = frozenset()  # what may stand before a column's name

    def question(self) -> Question:
        select = self._select()
        self._refuse_clauses(select)
        dataset = self._dataset(select)
        outputs = tuple(self._output(item) for item in select.expressions)
        names = [output.name for output in outputs]
        for name in names:
            if names.count(name) > 1:
                raise QueryRefused(f"The name {name}", "two columns of the answer have it.",
                                   instead="Give one of them another name with AS.")
        keys = self._keys(select.args.get("group"), outputs)
        for output in outputs:
            if isinstance(output.of, Name) and output.of not in keys:
                raise QueryRefused(f"The column {output.of.text}", "a row's own value is never shown.",
                                   instead="Put it in GROUP BY, or in an aggregate such as AVG.",
                                   position=output.of.position)
        if not any(isinstance(output.of, Aggregate) for output in outputs):
            raise QueryRefused("A question without an aggregate", "a row's own value is never shown.",
                               instead="Ask for COUNT(*), COUNT(DISTINCT unit), SUM(x) or AVG(x).")
        where = select.args.get("where")
        return Question(dataset=dataset, outputs=outputs,
                        where=self._condition(where.this, 0) if where else None, keys=keys,
                        afterwards=self._afterwards(select, outputs))

    def _select(self) -> exp.Select:
        try:
            statements = sqlglot.parse(self.sql, read="duckdb")
        except SqlglotError as error:
            fault = (getattr(error, "errors", None) or [{}])[0]
            line, column = fault.get("line") or 1, fault.get("col") or 1
            raise InvalidInput(f"This is not SQL that can be read (near line {line}, column {column}).",
                               code="not_sql", mend=f"Ask for example: {SHAPE}.") from error
        except RecursionError as error:
            raise InvalidInput("The question is nested too deeply.", mend="Ask a simpler one.") from error
        if len(statements) != 1 or statements[0] is None:
            raise QueryRefused("Several statements", "one question is asked at a time.", instead="Send them one by one.")
        statement = statements[0]
        if not isinstance(statement, exp.Select):
            assert isinstance(statement, exp.Expression)
            self._refuse(statement, "only a SELECT can be asked.", f"Ask for example: {SHAPE}.")
        return statement

    def _refuse_clauses(self, select: exp.Select) -> None:
        for clause, value in select.args.items():
            if not value or clause in ALLOWED:
                continue
            name, why, instead = REFUSED.get(clause, (clause.rstrip("_").upper(), "it cannot be asked.", "Leave it out."))
            place = value[0] if isinstance(value, list) else value
            raise QueryRefused(name, why, instead=instead,
                               position=self._position(place) if isinstance(place, exp.Expression) else None)
        if select.args.get("kind") or select.args.get("hint"):
            raise QueryRefused("A hint or a SELECT AS", "it cannot be asked.", instead="Leave it out.")

    def _dataset(self, select: exp.Select) -> str:
        source = select.args.get("from_")
        if source is None:
            raise QueryRefused("A question without FROM", "there is nothing to ask.", instead="Name a dataset after FROM.")
        table = source.this
        if not isinstance(table, exp.Table) or not isinstance(table.this, exp.Identifier):
            self._refuse(table, "only a dataset's name can stand after FROM.", "Ask one dataset by its name.")
        extra = [name for name, value in table.args.items() if value and name not in ("this", "db", "alias")]
        if extra:
            clause, why, instead = REFUSED.get(extra[0], (extra[0].upper(), "it cannot stand after FROM.",
                                                          "Ask one dataset by its name."))
            raise QueryRefused(clause, why, instead=instead, position=self._position(table))
        if not table.db:
            raise QueryRefused(f"The dataset {table.name}", "its name has two parts.",
                               instead="Write schema.name, such as health.visits.", position=self._position(table))
        alias = table.args.get("alias")
        if alias is not None and alias.args.get("columns"):
            self._refuse(alias, "columns cannot be named anew.", "Use the columns' own names.")
        self.known_as = frozenset({table.name.lower(), table.alias.lower()} - {""})
        return f"{table.db}.{table.name}".lower()

    def _output(self, item: exp.Expression) -> Output:
        if isinstance(item, exp.Star):
            self._refuse(item, "a row's own values are never shown.", "Ask for aggregates, such as COUNT(*) or AVG(x).")
        inner = item.this if isinstance(item, exp.Alias) else item
        of = self._name(inner) if isinstance(inner, exp.Column) else self._aggregate(inner)
        return Output(name=item.alias if isinstance(item, exp.Alias) else _default_name(of), of=of)

    def _aggregate(self, node: exp.Expression) -> Aggregate:
        position = self._position(node)
        match node:
            case exp.Count(this=exp.Star() as star, expressions=[]) if _plain(star):
                return Aggregate(Aggregation.COUNT, None, position)
            case exp.Count(this=exp.Distinct(expressions=[exp.Column() as column]), expressions=[]):
                return Aggregate(Aggregation.COUNT_DISTINCT, self._name(column), position)
            case exp.Count(this=exp.Column() as column, expressions=[]):
                return Aggregate(Aggregation.COUNT, self._name(column), position)
            case exp.Sum(this=exp.Column() as column):
                return Aggregate(Aggregation.SUM, self._name(column), position)
            case exp.Avg(this=exp.Column() as column):
                return Aggregate(Aggregation.AVG, self._name(column), position)
            case exp.Count() | exp.Sum() | exp.Avg():
                raise QueryRefused(f"{_what(node)} of an expression", "its bounds are not known.",
                                   instead="Aggregate a column by its name; policies give columns their bounds.",
                                   position=position)
        return self._refuse(node, "it is not an aggregate that can be answered privately.",
                            "Ask for COUNT(*), COUNT(x), COUNT(DISTINCT unit), SUM(x) or AVG(x).")

    def _keys(self, group: exp.Group | None, outputs: tuple[Output, ...]) -> tuple[Name, ...]:
        if group is None:
            return ()
        for name, value in group.args.items():
            if value and name != "expressions":
                raise QueryRefused(f"GROUP BY {name.upper()}", "subtotals cannot be asked yet.",
                                   instead="Ask a second question with fewer keys.", position=self._position(group))
        keys: list[Name] = []
        for node in group.expressions:
            if isinstance(node, exp.Literal) and not node.is_string and node.this.isdigit():
                place = int(node.this)
                if not 1 <= place <= len(outputs) or not isinstance(outputs[place - 1].of, Name):
                    self._refuse(node, "it does not count to a key of the SELECT list.", "Name the column.")
                key = outputs[place - 1].of
                assert isinstance(key, Name)
            elif isinstance(node, exp.Column):
                key = self._name(node)
            else:
                self._refuse(node, "only a column with public values can be grouped by.", "Group by a key column.")
            if key not in keys:
                keys.append(key)
        return tuple(keys)

    def _afterwards(self, select: exp.Select, outputs: tuple[Output, ...]) -> Afterwards:
        """HAVING, ORDER BY and LIMIT: on released numbers only, so each names a column of the answer."""
        having, order, limit = (select.args.get(clause) for clause in ("having", "order", "limit"))
        return Afterwards(having=self._having(having.this, outputs) if having else (),
                          order=tuple(self._ordering(node, outputs) for node in order.expressions) if order else (),
                          limit=self._limit(limit) if limit else None)

    def _having(self, node: exp.Expression, outputs: tuple[Output, ...]) -> tuple[Having, ...]:
        if isinstance(node, exp.Paren):
            return self._having(node.this, outputs)
        if isinstance(node, exp.And):
            return self._having(node.this, outputs) + self._having(node.expression, outputs)
        if type(node) not in COMPARISONS:
            self._refuse(node, "HAVING compares columns of the answer with numbers.",
                         "Write for example HAVING n > 100 AND mean < 3.")
        left, right, comparison = node.this, node.expression, COMPARISONS[type(node)]
        if isinstance(left, exp.Literal | exp.Neg):
            left, right, comparison = right, left, MIRRORED.get(comparison, comparison)
        value = self._literal(right).value
        if isinstance(value, bool) or not isinstance(value, int | Fraction):
            self._refuse(right, "HAVING compares with numbers.", "Write a number.")
        return (Having(self._output_named(left, outputs), comparison, Fraction(value)),)

    def _ordering(self, node: exp.Expression, outputs: tuple[Output, ...]) -> Ordering:
        if not isinstance(node, exp.Ordered) or node.args.get("with_fill"):
            self._refuse(node, "it cannot stand in ORDER BY.", "Name a column of the answer.")
        return Ordering(self._output_named(node.this, outputs), bool(node.args.get("desc")))

    def _limit(self, node: exp.Expression) -> int:
        size = self._literal(node.expression).value if _plain(node, "expression") and node.expression else None
        if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size <= MOST_ROWS:
            self._refuse(node, "it takes a whole number.", "Write LIMIT 10.")
        return size

    def _output_named(self, node: exp.Expression, outputs: tuple[Output, ...]) -> str:
        """Which column of the answer is meant: by its name, its place, or written out again."""
        if isinstance(node, exp.Literal) and not node.is_string and node.this.isdigit():
            place = int(node.this)
            if 1 <= place <= len(outputs):
                return outputs[place - 1].name
        elif isinstance(node, exp.Column):
            name = self._name(node)
            for output in outputs:
                if output.name.lower() == name.text or output.of == name:
                    return output.name
        elif isinstance(node, exp.Func):
            aggregate = self._aggregate(node)
            for output in outputs:
                if output.of == aggregate:
                    return output.name
        return self._refuse(node, "it is not a column of the answer.", "Put it in the SELECT list and name it with AS.")

    def _condition(self, node: exp.Expression, depth: int) -> Condition:
        if depth > DEEPEST:
            raise QueryRefused("WHERE", f"it is nested more than {DEEPEST} deep.", instead="Ask a simpler question.")
        match node:
            case exp.Paren():
                return self._condition(node.this, depth + 1)
            case exp.And() | exp.Or():
                kind = And if isinstance(node, exp.And) else Or
                sides = [self._condition(side, depth + 1) for side in (node.this, node.expression)]
                parts: list[Condition] = []
                for side in sides:
                    parts.extend(side.parts if isinstance(side, kind) else [side])
                return kind(tuple(parts))
            case exp.Not():
                return Not(self._condition(node.this, depth + 1))
            case exp.In() if not node.expressions and not node.args.get("query"):
                self._refuse(node, "an empty list is equal to nothing.", "List at least one value.")
            case exp.Is(this=exp.Column() as column, expression=exp.Null()):
                return IsNull(self._name(column))
            case exp.Between(this=exp.Column() as column) if not node.args.get("symmetric"):
                return Between(self._name(column), self._literal(node.args["low"]), self._literal(node.args["high"]))
            case exp.In(this=exp.Column() as column) if node.expressions and _plain(node, "this", "expressions"):
                return In(self._name(column), tuple(self._literal(value) for value in node.expressions))
            case exp.Like(this=exp.Column() as column) if _plain(node, "this", "expression"):
                return Like(self._name(column), self._pattern(node.expression))
            case exp.Column():
                return Is(self._name(node))
        if type(node) in COMPARISONS:
            return self._compare(node, COMPARISONS[type(node)])
        return self._refuse(node, "it cannot stand in WHERE.",
                            "Compare columns with values: =, <>, <, <=, >, >=, BETWEEN, IN, LIKE, IS NULL, AND, OR, NOT.")

    def _compare(self, node: exp.Expression, comparison: Comparison) -> Compare:
        left, right = node.this, node.expression
        if not isinstance(left, exp.Column) and isinstance(right, exp.Column):
            left, right, comparison = right, left, MIRRORED.get(comparison, comparison)
        if not isinstance(left, exp.Column):
            self._refuse(left, "a comparison needs a column on one side.", "Write column = value.")
        return Compare(comparison, self._name(left),
                       self._name(right) if isinstance(right, exp.Column) else self._literal(right))

    def _literal(self, node: exp.Expression) -> Literal:
        position = self._position(node)
        match node:
            case exp.Literal(is_string=True):
                return Literal(node.this, position)
            case exp.Literal():
                return Literal(_number(node.this, position), position)
            case exp.Neg(this=exp.Literal(is_string=False) as number):
                return Literal(-_number(number.this, position), position)
            case exp.Boolean():
                return Literal(bool(node.this), position)
            case exp.Cast(this=exp.Literal(is_string=True) as said) if node.to.is_type("date"):
                try:
                    return Literal(date.fromisoformat(said.this), position)
                except ValueError:
                    self._refuse(said, "it is not a date.", "Write DATE '2026-01-31'.")
        return self._refuse(node, "only a value written out can stand here.",
                            "Write a number, a 'text', TRUE, FALSE or DATE '2026-01-31'.")

    def _pattern(self, node: exp.Expression) -> Literal:
        """Only % in a pattern: with _ the engine's matcher backtracks, and how long it takes tells about a row."""
        pattern = self._literal(node)
        if isinstance(pattern.value, str) and ("_" in pattern.value or len(pattern.value) > LONGEST_PATTERN):
            self._refuse(node, f"a pattern may hold % but not _, and at most {LONGEST_PATTERN} characters.",
                         "Use % for what may vary.")
        return pattern

    def _name(self, column: exp.Column) -> Name:
        if not isinstance(column.this, exp.Identifier) or column.args.get("db"):
            self._refuse(column, "it is not a column's name.", "Name one column.")
        if column.table and column.table.lower() not in self.known_as:
            self._refuse(column, f"there is no {column.table} after FROM.", "Name the column alone.")
        return Name(column.name.lower(), self._position(column))

    def _refuse(self, node: exp.Expression, why: str, instead: str) -> NoReturn:
        raise QueryRefused(_what(node), why, instead=instead, position=self._position(node))

    def _position(self, node: exp.Expression) -> Position:
        starts = [part.meta["start"] for part in node.walk() if "start" in part.meta]
        start = min(starts, default=0)
        before = self.sql[:start]
        return Position(before.count("\n") + 1, start - (before.rfind("\n") + 1) + 1)


def _plain(node: exp.Expression, *allowed: str) -> bool:
    """Whether a node has nothing but the allowed arguments: what is not looked at must not be there."""
    return not any(value for name, value in node.args.items() if name not in allowed)


def _number(text: str, position: Position) -> int | Fraction:
    try:
        # looked at before it is built: 1e99999999 would take minutes to become a number
        if not NUMBER.fullmatch(text):
            raise ValueError
        number = Fraction(text)
    except ValueError:
        raise QueryRefused(f"The number {text[:40]}", "it cannot be read.", instead="Write a decimal number.",
                           position=position) from None
    if abs(number) >= 2**53:
        raise QueryRefused(f"The number {text[:40]}", "it is too large to compare exactly.",
                           instead="Use numbers below 2**53.", position=position)
    return int(number) if number.denominator == 1 and "." not in text and "e" not in text.lower() else number


def _what(node: exp.Expression) -> str:
    """The construct's own name, as the analyst would write it."""
    if isinstance(node, exp.IgnoreNulls | exp.RespectNulls):
        return _what(node.this)
    if isinstance(node, exp.Anonymous):
        return f"{str(node.this).upper()}()"
    if isinstance(node, exp.Func):
        return f"{node.sql_name()}()"
    if isinstance(node, exp.Star):
        return "SELECT *"
    if isinstance(node, exp.SetOperation):
        return type(node).__name__.upper()
    if isinstance(node, exp.Subquery | exp.Query):
        return "A subquery"
    return type(node).__name__.upper()


def _default_name(of: Name | Aggregate) -> str:
    if isinstance(of, Name):
        return of.text
    return of.aggregation.value + (f"_{of.column.text}" if of.column else "")
