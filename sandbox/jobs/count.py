"""Carries out a declared query by the vault's own engine.
There is no seal, because none of the analyst's code runs."""

import time
from collections.abc import Callable

from sandbox.catalog.grade import grade_of
from sandbox.database import Transaction
from sandbox.declared import compute, read_query
from sandbox.declared.table_files import table_files
from sandbox.declared.table_store import keep
from sandbox.errors import QueryRefused
from sandbox.jobs.claim import Claimed
from sandbox.jobs.context import RunContext
from sandbox.jobs.outbox import Collected
from sandbox.jobs.sealed_run import Ending

Keep = Callable[[Transaction], None]


def count(context: RunContext, claimed: Claimed, seconds: float) -> tuple[Ending, Keep | None]:
    """Its end, with table.csv and counts.csv, and the units behind its numbers, to be kept with it.
    Raises whatever failed."""
    assert context.declared is not None, "without it no declared query is queued"
    began = time.monotonic()
    versions = {version.dataset: version for version in claimed.versions}
    rules = context.declared.rules(grade_of(context.gate, claimed.versions))
    query = read_query(
        claimed.run.program.files[claimed.run.program.entry],
        version_of=versions.__getitem__,
        engine=context.declared.engine,
    )
    try:
        table = compute(query, context.declared.engine, context.declared.digests, rules, seconds=seconds)
    except (
        QueryRefused
    ) as refused:  # which values there are depends on the rows: so it is reported in quarantine only
        said = f"{refused.message}\n{refused.remedy}\n".encode()
        return Ending("itself", 1, time.monotonic() - began, said, Collected()), None
    files = table_files(table, rules)
    ending = Ending("itself", 0, time.monotonic() - began, b"", Collected(files))
    return ending, lambda tx: keep(tx, claimed.run.id, query.plan.version, table, context.declared.digests.id)
