"""What does Cihu say? The gate's own steps from SQL to the noisy table, without HTTP,
ledger and the wait for the moment."""

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from benchmarks.contestants.turn import Ask, take_turns
from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.database import Database
from sandbox.engines.duckdb import DuckDBEngine
from sandbox.identity import load_principal
from sandbox.policy import Gate
from sandbox.releases import AskContext
from sandbox.releases.answer.answer_table import table
from sandbox.releases.noise import add_noise
from sandbox.releases.prepare import prepare
from sandbox.storage import RawStore


def open_cihu(settings: Mapping[str, Any]) -> Ask:
    """The version that the benchmark's ground published, loaded as the vault loads it when it starts."""
    database, policies = Database(settings["database_url"]), Path(settings["policies"])
    engine = DuckDBEngine(RawStore(**settings["raw_store"]))
    context = AskContext(database, DatasetRepository(database, policies), Gate(policies), engine)
    engine.warm(context.repository.current("city.taps"))
    with database.transaction() as tx:
        wang = load_principal(tx, "wang")
    epsilon = Fraction(settings["epsilon"])

    def ask(_: str, sql: str) -> list[list[Any]]:
        prepared = prepare(context, principal=wang, sql=sql, epsilon=epsilon, grant_id=None)
        exact = engine.totals(prepared.plan, seconds=600, computing_seconds=600)
        noisy = {
            share.total.name: (share.scale, add_noise(share, exact[share.total]))
            for share in prepared.price.shares
        }
        return list(table(prepared.plan, noisy)["rows"])

    return ask


if __name__ == "__main__":
    take_turns(open_cihu)
