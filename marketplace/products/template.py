"""Builds the SQL of a call of a query product (sandbox/queries/template.py)."""

from collections.abc import Mapping

from marketplace.products.model import QueryDefinition, Scalar
from sandbox.queries.template import bind_template, require_declared


def check_template(definition: QueryDefinition) -> None:
    """Every parameter is declared once and stands in the SQL. Raises `InvalidInput`."""
    require_declared(definition.sql, [parameter.name for parameter in definition.parameters])


def bind(sql: str, chosen: Mapping[str, Scalar]) -> str:
    """The SQL with each parameter's value as a literal. The values were checked by `parameters.choose`."""
    return bind_template(sql, chosen)
