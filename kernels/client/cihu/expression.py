"""Pandas-like expressions as SQL: an Ibis table without rows and without an engine, which only compiles.

Nothing runs here: Ibis refuses to execute an unbound table, and no engine is installed.
`cihu.sql(expression)` asks the vault.
"""

from typing import Any

from cihu.messages import say
from cihu.problem import CihuError

TYPES = {
    "integer": "int64",
    "number": "float64",
    "text": "string",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp",
}
DIALECT = "duckdb"


def ibis_module() -> Any:
    try:
        import ibis  # a second: only for those who use it
    except ImportError:
        raise CihuError(say("no_ibis"), code="no_ibis", remedy=say("no_ibis_mend")) from None
    return ibis


def table_of(document: dict[str, Any]) -> Any:
    """An Ibis table with the columns that may be asked, from a dataset's entry in the catalogue."""
    name = str(document["name"])
    schema = {
        column["name"]: TYPES[column["type"]] for column in document["columns"] if column["role"] != "hidden"
    }
    database, _, own = name.partition(".")
    return ibis_module().table(schema, name=own, database=database)


def sql_of(expression: Any) -> str:
    """The SQL of an expression. Raises `CihuError` for one that is about other tables, or has no SQL."""
    ibis = ibis_module()
    if not isinstance(expression, ibis.Expr):
        raise CihuError(
            say("bad_question", given=type(expression).__name__),
            code="invalid_input",
            remedy=say("bad_question_mend"),
        )
    from ibis.expr import operations

    for other in expression.op().find(operations.PhysicalTable):
        if not isinstance(other, operations.UnboundTable) or not other.namespace.database:
            raise CihuError(
                say("own_rows", name=repr(getattr(other, "name", "?"))),
                code="not_a_dataset",
                remedy=say("own_rows_mend"),
            )
    try:
        return str(ibis.to_sql(expression.op().replace(_population_correlation).to_expr(), dialect=DIALECT))
    except (ibis.common.exceptions.IbisError, NotImplementedError) as refused:
        raise CihuError(
            say("not_sql", why=str(refused)), code="not_sql", remedy=say("not_sql_mend")
        ) from None


def _population_correlation(node: Any, arguments: dict[str, Any] | None) -> Any:
    """Of a sample and of a population the correlation is the same number; Ibis writes the second one only."""
    from ibis.expr import operations

    arguments = arguments or dict(zip(node.__argnames__, node.__args__, strict=True))
    if isinstance(node, operations.Correlation):
        arguments = {**arguments, "how": "pop"}
    return node.__recreate__(arguments)
