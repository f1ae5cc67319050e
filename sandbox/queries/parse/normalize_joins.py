"""Rewrites joins in other words as JOIN ... ON and LEFT JOIN.

`FROM a, b WHERE a.x = b.x` is `FROM a JOIN b ON a.x = b.x`, and `FROM a RIGHT JOIN b` is
`FROM b LEFT JOIN a`.
"""

from sqlglot import exp


def bracketed_joins(statement: exp.Expression) -> None:
    """Say `(a JOIN b USING (x)) AS q` as `(SELECT * FROM a JOIN b USING
    (x)) AS q`; without a name as `a JOIN b` itself."""
    for node in list(statement.find_all(exp.Subquery)):
        table = node.this
        if not isinstance(table, exp.Table):
            continue
        joins = table.args.get("joins") or []
        table.set("joins", None)
        source, select = node.parent, node.parent and node.parent.parent
        if not node.alias and isinstance(source, exp.From) and isinstance(select, exp.Select):
            source.set("this", table)
            select.set("joins", [*joins, *(select.args.get("joins") or [])])
        elif not node.alias and not joins:
            node.replace(table)
        else:
            inner = exp.select("*").from_(table, copy=False)
            inner.set("joins", joins)
            node.set("this", inner)


def plain_joins(select: exp.Select) -> None:
    """Rewrite the joins of a SELECT. What cannot be rewritten stays, and is refused where it stands."""
    source, joins = select.args.get("from_"), select.args.get("joins") or []
    if source is None or not joins:
        return
    if (joins[0].args.get("side") or "").upper() == "RIGHT":
        first = source.this
        source.set("this", joins[0].this)
        joins[0].set("this", first)
        joins[0].set("side", "LEFT")
    before = {source.this.alias_or_name.lower()}
    for join in joins:
        name = join.this.alias_or_name.lower()
        if not (
            join.args.get("on") or join.args.get("using") or join.args.get("side") or join.args.get("method")
        ):
            _take_from_where(select, join, name, before)
        before.add(name)


def _take_from_where(select: exp.Select, join: exp.Join, name: str, before: set[str]) -> None:
    """What WHERE says of a column of `name` and one of a table before it is what they are joined on."""
    where = select.args.get("where")
    parts = (
        []
        if where is None
        else list(where.this.flatten())
        if isinstance(where.this, exp.And)
        else [where.this]
    )
    its = [part for part in parts if _joins(part.unnest(), name, before)]
    if not its or (join.args.get("kind") or "").upper() not in ("", "CROSS", "INNER"):
        return
    rest = [part for part in parts if all(part is not one for one in its)]
    join.set("kind", None)
    join.set("on", exp.and_(*its, copy=False))
    select.set("where", exp.Where(this=exp.and_(*rest, copy=False)) if rest else None)


def _joins(part: exp.Expr, name: str, before: set[str]) -> bool:
    sides = (
        [side.table.lower() for side in (part.left, part.right) if isinstance(side, exp.Column)]
        if (isinstance(part, exp.EQ))
        else []
    )
    return len(sides) == 2 and name in sides and bool({*sides} & before)
