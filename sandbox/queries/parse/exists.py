"""Rewrites EXISTS as IN, over the one column which its subquery's rows share with the rows around it.

SEMI JOIN and ANTI JOIN (as Ibis writes them) are EXISTS and NOT EXISTS in other words.
"""

from sqlglot import exp

from sandbox.queries.parse.sql_text import plain


def join_as_exists(select: exp.Select) -> None:
    """Say each SEMI JOIN and ANTI JOIN of a SELECT in its WHERE."""
    joins, where = select.args.get("joins") or [], select.args.get("where")
    conditions = [where.this] if where else []
    others = []
    for join in joins:
        kind, on = join.args.get("kind"), _on(join, select)
        if kind not in ("SEMI", "ANTI") or on is None or not plain(join, "this", "on", "using", "kind"):
            others.append(join)
            continue
        there = exp.Exists(this=exp.select("1").from_(join.this.copy()).where(on.copy()))
        conditions.append(there if kind == "SEMI" else exp.Not(this=there))
    if len(others) < len(joins):
        select.set("where", exp.Where(this=exp.and_(*conditions)))
        select.set("joins", others)


def _on(join: exp.Join, select: exp.Select) -> exp.Expr | None:
    """Its condition, with that of USING written out."""
    columns, source = join.args.get("using"), select.args.get("from_")
    if not columns or source is None:
        return join.args.get("on")
    its, first = join.this.alias_or_name, source.this.alias_or_name
    return exp.and_(
        *(
            exp.EQ(this=exp.column(column.copy(), its), expression=exp.column(column.copy(), first))
            for column in columns
        )
    )


def as_in(node: exp.Exists) -> exp.In | None:
    """`EXISTS (SELECT ... FROM t WHERE t.x = x AND ...)` as `x IN (SELECT t.x FROM t WHERE ...)`;
    None for anything else.

    Inside, the columns of the rows around it are those that say a table which does not stand there.
    """
    select = node.this.this if isinstance(node.this, exp.Subquery) else node.this
    if not isinstance(select, exp.Select) or not plain(
        select, "expressions", "from_", "where", "joins", "distinct"
    ):
        return None
    source, where = select.args.get("from_"), select.args.get("where")
    if source is None or where is None:
        return None
    tables = {one.this.alias_or_name.lower() for one in (source, *select.args.get("joins", ()))}
    parts = list(where.this.flatten()) if isinstance(where.this, exp.And) else [where.this]
    shared = [(part, sides) for part in parts if (sides := _sides(part, tables))]
    rest = [part for part in parts if all(part is not one for one, _ in shared)]
    if len(shared) != 1 or any(
        _outside(column, tables) for part in rest for column in part.find_all(exp.Column)
    ):
        return None
    ((_, (its, theirs)),) = shared
    inner = select.copy()
    inner.set("expressions", [its.copy()])
    inner.set("distinct", None)
    inner.set("where", exp.Where(this=exp.and_(*rest, copy=True)) if rest else None)
    return exp.In(this=theirs.copy(), query=exp.Subquery(this=inner))


def _sides(part: exp.Expr, tables: set[str]) -> tuple[exp.Column, exp.Column] | None:
    """Of `t.x = y.z`: that of the subquery, that of the rows around it."""
    part = part.unnest()
    if isinstance(part, exp.EQ) and isinstance(part.left, exp.Column) and isinstance(part.right, exp.Column):
        for its, theirs in ((part.left, part.right), (part.right, part.left)):
            if not _outside(its, tables) and _outside(theirs, tables):
                return its, theirs
    return None


def _outside(column: exp.Column, tables: set[str]) -> bool:
    return bool(column.table) and column.table.lower() not in tables
