"""The services and settings that answering needs."""

from dataclasses import dataclass

from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.database import Database
from sandbox.engines import Engine
from sandbox.policy import Gate


@dataclass(frozen=True)
class AskContext:
    """The ledger's database, the catalogue, the rules, and the engine that computes on raw rows."""

    database: Database
    repository: DatasetRepository
    gate: Gate
    engine: Engine
