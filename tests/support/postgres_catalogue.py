"""Reads what stands in a database, from Postgres itself: columns, constraints, indexes, row policies,
functions, rights."""

from typing import Any

from sqlalchemy import text

from sandbox.database import Transaction, roles
from sandbox.database.roles import VERSION_TABLE

SCHEMAS = sorted(roles.SCHEMAS)

QUESTIONS = {
    "columns": """
        SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
               pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum)
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
             LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped""",  # noqa: E501
    "constraints": """
        SELECT n.nspname, c.relname, k.conname, pg_get_constraintdef(k.oid)
        FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE true""",  # noqa: E501
    "indexes": "SELECT schemaname AS nspname, tablename AS relname, indexdef FROM pg_indexes WHERE true",
    "row security": """
        SELECT n.nspname, c.relname, c.relrowsecurity, c.relforcerowsecurity
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r'""",
    "policies": """
        SELECT schemaname AS nspname, tablename AS relname, policyname, permissive, roles, cmd, qual, with_check
        FROM pg_policies WHERE true""",  # noqa: E501
    "functions": """
        SELECT n.nspname, p.proname AS relname, pg_get_functiondef(p.oid), p.prosecdef, p.proconfig::text
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.prokind = 'f'""",
}


def catalogue(tx: Transaction) -> dict[str, set[tuple[Any, ...]]]:
    """All that a migration makes, but for its own version table."""
    found = {}
    for what, question in QUESTIONS.items():
        asked = text(
            f"SELECT * FROM ({question}) AS asked WHERE nspname = ANY(:schemas) AND relname <> :version"
        )
        rows = tx.execute(asked, {"schemas": SCHEMAS, "version": VERSION_TABLE})
        found[what] = {tuple(map(str, row)) for row in rows}
    return found


def rights(tx: Transaction) -> set[tuple[str, str, str, str]]:
    """Every right that anybody but the owner has on a schema, table, sequence or function of ours:
    place, kind, whom, right.

    Rights on single columns would be shown as rights of their table with the column's name after it.
    """
    rows = tx.execute(
        text("""
        SELECT place, kind, CASE WHEN grantee = 0 THEN 'everybody' ELSE grantee::regrole::text END, privilege_type FROM (
            SELECT n.nspname AS schema, n.nspname AS place, 'schema' AS kind, n.nspowner AS owner, a.grantee, a.privilege_type
            FROM pg_namespace n, aclexplode(n.nspacl) a
            UNION ALL
            SELECT n.nspname, n.nspname || '.' || c.relname, c.relkind::text, c.relowner, a.grantee, a.privilege_type
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) a
            UNION ALL
            SELECT n.nspname, n.nspname || '.' || c.relname || '.' || t.attname, 'column', c.relowner, a.grantee, a.privilege_type
            FROM pg_attribute t JOIN pg_class c ON c.oid = t.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace,
                 aclexplode(t.attacl) a
            UNION ALL
            SELECT n.nspname, p.oid::regprocedure::text, 'function', p.proowner, a.grantee, a.privilege_type
            FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace,
                 aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
        ) AS granted WHERE schema = ANY(:schemas) AND grantee <> owner"""),  # noqa: E501
        {"schemas": SCHEMAS},
    )
    return {(str(place), str(kind), str(whom), str(right)) for place, kind, whom, right in rows}
