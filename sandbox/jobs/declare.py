"""Submits a declared query: read, decided, recorded with its exact SQL, logged and queued, as a program
is."""

import hashlib

import duckdb

from sandbox.declared import read_query
from sandbox.errors import Unavailable
from sandbox.identity import Principal
from sandbox.jobs.context import RunContext
from sandbox.jobs.disclosure_time import checked_limit
from sandbox.jobs.model import Program, Run, RunKind
from sandbox.jobs.program import check_texts, checked_name, program_sha256
from sandbox.jobs.submit import queue

ENTRY = "table.sql"
ENVIRONMENT = f"duckdb=={duckdb.__version__}\n"
"""With what it is computed: a run records the SHA-256 of this text, as that of a program records its lock."""


def declare(
    context: RunContext,
    *,
    principal: Principal,
    name: str,
    sql: str,
    limit_seconds: int,
    team: str | None = None,
) -> Run:
    """Queue a declared query. Touches no data.
    Raises `QueryRefused`, `InvalidInput`, `Forbidden`, `NotFound`, `TooMany`; then nothing is queued."""
    if context.declared is None:
        raise Unavailable("This vault computes no declared queries.", zh="本服务不计算申报表。")
    name, limit = checked_name(name), checked_limit(limit_seconds)
    files = {ENTRY: sql}
    check_texts(files)
    query = read_query(sql, version_of=context.repository.usable, engine=context.declared.engine)
    return queue(
        context,
        principal=principal,
        kind=RunKind.TABLE,
        name=name,
        versions=query.versions,
        program=Program(ENTRY, files, program_sha256(ENTRY, files)),
        limit_seconds=limit,
        team=team,
        environment_sha256=hashlib.sha256(ENVIRONMENT.encode()).hexdigest(),
    )
