"""Questions on open data alone are answered as they are: no noise, no price, no grant.
Answers have the shape of every other."""

import hashlib
import math
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sandbox.api_schema import exact_in_json
from sandbox.audit import Event, append
from sandbox.catalog import Version
from sandbox.catalog.resource import require_seen
from sandbox.engines.open_query import OpenRows
from sandbox.errors import NotFound, QueryRefused
from sandbox.identity import Principal
from sandbox.queries.parse.open_question import datasets_named, open_sql, versions_named
from sandbox.queries.parse.sql_text import SqlText
from sandbox.releases.context import AskContext

FREE = {
    "picorho": 0,
    "rho": 0.0,
    "epsilon": 0.0,
    "delta": 0.0,
    "percent_of_grant": 0.0,
    "grant_percent_used": 0.0,
}
NOTES = {
    "notes": ["It is about open data alone: the numbers are exact, at no cost, and no grant is needed."],
    "notes_zh": ["它只涉及开放数据：数字是精确的，不花费预算，也不需要授权。"],
}
WHOLE = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "UHUGEINT",
)
TYPES = {
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "VARCHAR": "text",
    **dict.fromkeys(WHOLE, "integer"),
}
NUMBERS = ("DOUBLE", "FLOAT", "DECIMAL", *WHOLE)


def open_versions(sql: str, *, version_of: Callable[[str], Version]) -> tuple[Version, ...]:
    """The open datasets that a question is about, if it is about no other; else none.
    Raises as parsing does."""
    try:
        versions = tuple(version_of(name) for name in sorted(datasets_named(SqlText(sql))))
    except NotFound:  # a private question says better what is wrong with it
        return ()
    return versions if all(version.policy.unit is None for version in versions) else ()


def answer_openly(
    context: AskContext, *, principal: Principal, sql: str, versions: Sequence[Version]
) -> dict[str, Any]:
    """Answer it exactly, and log that it was. Raises `InvalidInput`, `Forbidden`."""
    found = _found(context, principal, sql, versions)
    id, at = uuid4(), datetime.now(UTC)
    answer: dict[str, Any] = {
        "answer_id": str(id),
        "dataset": versions[0].dataset,
        "version": versions[0].number,
        "grant": None,
        "open": True,
        "sql": sql,
        "answered_at": at.isoformat(),
        "stored": False,
        "columns": _columns(found),
        "rows": [[_shown(value) for value in row] for row in found.rows],
        "errors": [{} for _ in found.rows],
        "price": dict(FREE),
        **NOTES,
    }
    with context.database.transaction() as tx:
        index = append(
            tx,
            Event(
                "query.answered_openly",
                principal.id,
                f"question:{id}",
                {
                    "datasets": [version.name for version in versions],
                    "rows": len(found.rows),
                    "sql_sha256": hashlib.sha256(sql.encode()).hexdigest(),
                },
            ),
        )
    return answer | {"log_index": index}


def explain_openly(
    context: AskContext, *, principal: Principal, sql: str, versions: Sequence[Version]
) -> dict[str, Any]:
    """What `explain` says of it: it costs nothing, and nothing is far off.
    It is run, because that is the check."""
    found = _found(context, principal, sql, versions)
    return {
        "dataset": versions[0].dataset,
        "version": versions[0].number,
        "grant": None,
        "open": True,
        "stored": True,
        "epsilon": 0.0,
        "delta": 0.0,
        "rho": 0.0,
        "picorho": 0,
        "totals": [],
        "keys": [],
        "bounds": [],
        "bounding": [],
        "bounding_zh": [],
        "outputs": [
            {
                "name": name,
                "kind": "computed",
                "totals": [],
                "picorho": 0,
                "epsilon": 0.0,
                "standard_error": 0.0,
                "plus_minus_95": 0.0,
                "percent_of_a_typical_cell": 0.0,
                "noise_in_units": 0.0,
                "for_a_cell_of_rows": None,
                "at_worst": False,
            }
            for name, _ in found.columns
        ],
        "cells": len(found.rows),
        "typical_rows_a_cell": None,
        "budget": {"enough": True, "such_questions_left": None},
        "percent_used_after": {},
        "answer_takes_seconds": 0.0,
        **NOTES,
    }


def _found(context: AskContext, principal: Principal, sql: str, versions: Sequence[Version]) -> OpenRows:
    for version in versions:
        require_seen(context.gate, principal, version)
    text = SqlText(sql)
    mark = secrets.token_hex(8)  # so that no name in a question can be one of these
    asked = {version.dataset: f"open_{mark}_{place}" for place, version in enumerate(versions)}
    _check_versions(text, versions)
    safe = open_sql(text, asked)
    return context.engine.answer_openly(safe, {asked[version.dataset]: version for version in versions})


def _check_versions(text: SqlText, versions: Sequence[Version]) -> None:
    current = {version.dataset: version for version in versions}
    for dataset, number in versions_named(text):
        if number != str(current[dataset].number):
            raise QueryRefused(
                f"{dataset}@{number}",
                f"only the current version can be asked: it is {current[dataset].name}.",
                instead=f"Write {dataset}.",
                why_zh=f"只能问当前版本：{current[dataset].name}。",
                instead_zh=f"请写 {dataset}。",
            )


def _columns(found: OpenRows) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "kind": "computed" if kind.partition("(")[0] in NUMBERS else "key",
            "type": TYPES.get(
                kind.partition("(")[0], "number" if kind.partition("(")[0] in NUMBERS else "text"
            ),
        }
        for name, kind in found.columns
    ]


def _shown(value: Any) -> Any:
    """A value as JSON says it; a number that JSON has not is empty."""
    match value:
        case bool() | int() | str() | None:
            return exact_in_json(value)
        case float():
            return value if math.isfinite(value) else None
    return str(value)
