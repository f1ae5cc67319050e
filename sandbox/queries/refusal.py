"""Refuses an expression that cannot be asked: by its own SQL and place, in both languages."""

from sandbox.catalog.model import Type
from sandbox.errors import Position, QueryRefused
from sandbox.queries.describe import wording, wording_zh
from sandbox.queries.tree import NOWHERE, Expression, walk

TYPE_ZH = {
    Type.TEXT: "文本",
    Type.INTEGER: "整数",
    Type.NUMBER: "数值",
    Type.BOOLEAN: "布尔值",
    Type.DATE: "日期",
    Type.TIMESTAMP: "时间",
}
KIND_ZH = {"person": "人", "household": "家庭", "firm": "企业"}
"""Whom a dataset protects (`PrivacyUnit.kind`)."""


def refused(
    expression: Expression, why: str, instead: str, why_zh: str, instead_zh: str, *, said: str = "{}"
) -> QueryRefused:
    """`said` is the text around the expression's SQL, such as `GROUP BY {}`."""
    return QueryRefused(
        said.format(wording(expression)),
        why,
        instead=instead,
        position=place_of(expression),
        construct_zh=said.format(wording_zh(expression)),
        why_zh=why_zh,
        instead_zh=instead_zh,
    )


def place_of(expression: Expression) -> Position | None:
    """Where the first name or value of an expression stands."""
    for node in walk(expression):
        position = getattr(node, "position", NOWHERE)
        if isinstance(position, Position) and position != NOWHERE:
            return position
    return None
