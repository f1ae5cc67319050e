"""The services and settings that runs need."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.database import Database
from sandbox.declared import DeclaredContext
from sandbox.disclosure.taxonomy import Taxonomy
from sandbox.errors import Unavailable
from sandbox.jobs.library import Library
from sandbox.policy import Gate
from sandbox.storage import QuarantineStore, RawStore

MIB = 1024 * 1024


@dataclass(frozen=True)
class RunContext:
    """The database, the catalogue, the rules, the two buckets, where runs lie while they run,
    and with what they run."""

    database: Database
    repository: DatasetRepository
    gate: Gate
    raw: RawStore
    quarantine: QuarantineStore
    folder: Path  # private to the vault; emptied when it starts
    python: Path  # of the kernels' environment
    lock: Path  # from which that environment was installed
    places: int = 4  # how many run at once
    memory_bytes: int = 2048 * MIB  # of each
    declared: DeclaredContext | None = None  # without it no declared query is taken
    sealer: str = "bubblewrap"  # or "gvisor"
    taxonomy: Taxonomy | None = None  # the rules of outputs; without them no recipe is taken
    library: Library | None = None  # of models that runs may read

    @property
    def most_of_a_team(self) -> int:
        """How many places one team may hold: half, so that another always finds one when its turn comes."""
        return max(1, self.places // 2)

    def environment_sha256(self) -> str:
        try:
            return hashlib.sha256(self.lock.read_bytes()).hexdigest()
        except OSError as error:
            raise Unavailable(
                "The lock of the kernels' environment is not there, so a run could not be recorded.",
                remedy="For the operator: set CIHU_KERNEL_LOCK.",
                internal=type(error).__name__,
            ) from error
