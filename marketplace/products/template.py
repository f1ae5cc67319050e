"""Builds the SQL of a call: the template's tree with literals put where its parameters stand.
No text is ever pasted."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import sqlglot
from sqlglot import exp

from marketplace.products.model import QueryDefinition, Scalar
from sandbox.errors import InvalidInput

DIALECT = "duckdb"


def read_template(sql: str) -> exp.Expression:
    """The tree of a template: exactly one SELECT. Raises `InvalidInput`."""
    try:
        statements = sqlglot.parse(sql, dialect=DIALECT)
    except sqlglot.errors.SqlglotError as error:
        raise InvalidInput(
            "The product's SQL cannot be read.",
            remedy="Write one SELECT; parameters as :name.",
            internal=str(error),
        ) from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Select):
        raise InvalidInput(
            "The product's SQL is not one SELECT.", remedy="Write one SELECT; parameters as :name."
        )
    return statements[0]


def placeholders(tree: exp.Expression) -> set[str]:
    """The names of the parameters in a tree. Raises `InvalidInput` for one without a name."""
    names = {place.name for place in tree.find_all(exp.Placeholder, exp.Parameter)}
    if "" in names or "?" in names:
        raise InvalidInput("A parameter in the product's SQL has no name.", remedy="Write it as :name.")
    return names


def check_template(definition: QueryDefinition) -> None:
    """Every parameter is declared once and stands in the SQL. Raises `InvalidInput`."""
    names = [parameter.name for parameter in definition.parameters]
    if len(set(names)) < len(names):
        raise InvalidInput("A parameter is declared twice.")
    found = placeholders(read_template(definition.sql))
    if strange := sorted(found ^ set(names)):
        what = "is not declared" if strange[0] in found else "does not stand in the SQL"
        raise InvalidInput(
            f"The parameter {strange[0]!r} {what}.", remedy="Declare exactly the :names of the SQL."
        )


def bind(sql: str, chosen: Mapping[str, Scalar]) -> str:
    """The SQL with each parameter's value as a literal. The values were checked by `parameters.choose`."""

    def put(node: exp.Expression) -> exp.Expression:
        return literal(chosen[node.name]) if isinstance(node, exp.Placeholder | exp.Parameter) else node

    return str(read_template(sql).transform(put).sql(dialect=DIALECT))


def literal(value: Scalar) -> exp.Expression:
    """A value as a node of the tree."""
    match value:
        case bool():
            return exp.Boolean(this=value)
        case int() | Decimal():
            number = exp.Literal.number(
                format(abs(value), "f") if isinstance(value, Decimal) else str(abs(value))
            )
            return exp.Neg(this=number) if value < 0 else number
        case date():
            return exp.Cast(this=exp.Literal.string(value.isoformat()), to=exp.DataType.build("date"))
        case _:
            return exp.Literal.string(value)
