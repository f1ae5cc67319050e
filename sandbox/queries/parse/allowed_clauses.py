"""Lists the clauses of a SELECT that can be asked. Every other clause is refused by its name."""

from sqlglot import exp

from sandbox.errors import Position, QueryRefused
from sandbox.queries.parse.sql_text import SqlText, plain

REFUSED: dict[str, tuple[str, str, str, str, str]] = {
    # argument of SELECT: (its name, why it is refused, what to do instead, both in Chinese)
    "laterals": (
        "LATERAL",
        "it makes rows from rows in ways that cannot be bounded.",
        "Join on equal columns.",
        "它由行生成行，数量无法限定。",
        "请按相等的栏目联表。",
    ),
    "distinct": (
        "SELECT DISTINCT ON",
        "it would show which values exist.",
        "Use GROUP BY on a key; all its public values are shown.",
        "它会显示有哪些取值。",
        "请用 GROUP BY 分组：公开的取值都会显示。",
    ),
    "windows": (
        "WINDOW",
        "windows have no names here.",
        "Write each out: OVER (...).",
        "此处窗口没有名称。",
        "请逐个写出：OVER (...)。",
    ),
    "sample": (
        "SAMPLE",
        "a random choice of rows breaks the privacy bound.",
        "Leave it out; the noise is added for you.",
        "随机抽取行会破坏隐私的界限。",
        "请去掉：噪声会自动加入。",
    ),
    "pivots": (
        "PIVOT",
        "it would show which values exist.",
        "Use GROUP BY on a key.",
        "它会显示有哪些取值。",
        "请用 GROUP BY 分组。",
    ),
    "into": ("INTO", "nothing can be written.", "Leave it out.", "不能写入任何内容。", "请去掉。"),
    "locks": ("FOR UPDATE", "nothing can be locked.", "Leave it out.", "不能加锁。", "请去掉。"),
}
ALLOWED = {
    "expressions",
    "from_",
    "where",
    "group",
    "having",
    "order",
    "limit",
    "offset",
    "joins",
    "with_",
    "qualify",
}


def refuse_others(text: SqlText, select: exp.Select) -> None:
    """Raises `QueryRefused` for the first clause that cannot be asked."""
    for clause, value in select.args.items():
        if not value or clause in ALLOWED or (clause == "distinct" and plain(value)):
            continue
        place = value[0] if isinstance(value, list) else value
        raise refusal(
            clause,
            "it cannot be asked.",
            "Leave it out.",
            "不能这样提问。",
            "请去掉。",
            text.position(place) if isinstance(place, exp.Expression) else None,
        )


def refusal(
    clause: str, why: str, instead: str, why_zh: str, instead_zh: str, position: Position | None
) -> QueryRefused:
    """Of a clause, by its own reason where it has one."""
    name, why, instead, why_zh, instead_zh = REFUSED.get(
        clause, (clause.rstrip("_").upper(), why, instead, why_zh, instead_zh)
    )
    return QueryRefused(name, why, instead=instead, position=position, why_zh=why_zh, instead_zh=instead_zh)
