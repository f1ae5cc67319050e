"""The services and settings that reviews need."""

from dataclasses import dataclass, field

from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.database import Database
from sandbox.disclosure.decode import Decode
from sandbox.disclosure.taxonomy import Taxonomy
from sandbox.policy import Gate
from sandbox.reviews.raw_inputs import RawInputs
from sandbox.reviews.review_policy import ReviewPolicy
from sandbox.storage import QuarantineStore, ReleasedStore


@dataclass(frozen=True)
class ReviewContext:
    """The database, the catalogue, the rules, the two buckets between which reviewers stand,
    and what the checks need. `decode` reads what a program left."""

    database: Database
    repository: DatasetRepository
    gate: Gate
    policy: ReviewPolicy
    quarantine: QuarantineStore
    released: ReleasedStore
    taxonomy: Taxonomy
    raw: RawInputs
    decode: Decode
    low_risk: frozenset[str] = field(init=False)
    """Statbarns of low risk and their analyses: whatever a file can be declared as."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "low_risk", self.taxonomy.with_analyses(self.policy.low_risk))
