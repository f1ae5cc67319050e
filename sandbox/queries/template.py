"""Builds the SQL of a question with parameters: the template's tree with literals put where its parameters
stand. No text is ever pasted."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import sqlglot
from sqlglot import exp

from sandbox.errors import InvalidInput

DIALECT = "duckdb"

Scalar = bool | int | Decimal | float | date | str


def read_template(sql: str) -> exp.Expression:
    """The tree of a template: exactly one SELECT. Raises `InvalidInput`."""
    try:
        statements = sqlglot.parse(sql, dialect=DIALECT)
    except (sqlglot.errors.SqlglotError, RecursionError) as error:
        raise InvalidInput(
            "The SQL cannot be read.",
            remedy="Write one SELECT; parameters as :name.",
            internal=str(error),
            zh="无法读取该 SQL。",
            remedy_zh="请写一条 SELECT，参数写作 :名称。",
        ) from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Select):
        raise InvalidInput(
            "The SQL is not one SELECT.",
            remedy="Write one SELECT; parameters as :name.",
            zh="该 SQL 不是一条 SELECT。",
            remedy_zh="请写一条 SELECT，参数写作 :名称。",
        )
    return statements[0]


def placeholders(tree: exp.Expression) -> set[str]:
    """The names of the parameters in a tree. Raises `InvalidInput` for one without a name."""
    names = {place.name for place in tree.find_all(exp.Placeholder, exp.Parameter)}
    if "" in names or "?" in names:
        raise InvalidInput(
            "A parameter in the SQL has no name.",
            remedy="Write it as :name.",
            zh="SQL 中有一个参数没有名称。",
            remedy_zh="请写作 :名称。",
        )
    return names


def require_declared(sql: str, names: list[str]) -> None:
    """Every parameter is declared once and stands in the SQL. Raises `InvalidInput`."""
    if len(set(names)) < len(names):
        raise InvalidInput(
            "A parameter is declared twice.",
            remedy="Declare each once.",
            zh="有参数重复声明。",
            remedy_zh="每个参数只声明一次。",
        )
    found = placeholders(read_template(sql))
    if strange := sorted(found ^ set(names)):
        what = "is not declared" if strange[0] in found else "does not stand in the SQL"
        raise InvalidInput(
            f"The parameter {strange[0]!r} {what}.",
            remedy="Declare exactly the :names of the SQL.",
            zh=f"参数“{strange[0]}”{'未声明' if strange[0] in found else '未在 SQL 中使用'}。",
            remedy_zh="请恰好声明 SQL 中的各个 :名称。",
        )


def bind_template(sql: str, chosen: Mapping[str, Scalar]) -> str:
    """The SQL with each parameter's value as a literal. The values were checked before."""

    def put(node: exp.Expression) -> exp.Expression:
        return literal(chosen[node.name]) if isinstance(node, exp.Placeholder | exp.Parameter) else node

    tree = read_template(sql)
    try:
        return str(tree.transform(put).sql(dialect=DIALECT))
    except RecursionError as error:
        raise InvalidInput(
            "The SQL is nested too deeply.",
            remedy="Write it with fewer brackets inside each other.",
            internal=str(error),
            zh="该 SQL 嵌套过深。",
            remedy_zh="请减少括号的嵌套层数。",
        ) from error


def literal(value: Scalar) -> exp.Expression:
    """A value as a node of the tree."""
    match value:
        case bool():
            return exp.Boolean(this=value)
        case int() | Decimal() | float():
            whole = abs(value) if isinstance(value, int) else format(abs(Decimal(str(value))), "f")
            number = exp.Literal.number(str(whole))
            return exp.Neg(this=number) if value < 0 else number
        case date():
            return exp.Cast(this=exp.Literal.string(value.isoformat()), to=exp.DataType.build("date"))
        case _:
            return exp.Literal.string(value)
