"""What do reviews need?"""

from dataclasses import dataclass

from sandbox.catalog import Shelf
from sandbox.database import Database
from sandbox.policy import Gate
from sandbox.reviews.raw_inputs import RawInputs
from sandbox.reviews.review_policy import ReviewPolicy
from sandbox.reviews.taxonomy import Taxonomy
from sandbox.storage import QuarantineStore, ReleasedStore


@dataclass(frozen=True)
class ReviewDesk:
    """The database, the catalogue, the rules, the two buckets between which reviewers stand, and what the checks need."""

    database: Database
    shelf: Shelf
    gate: Gate
    policy: ReviewPolicy
    quarantine: QuarantineStore
    released: ReleasedStore
    taxonomy: Taxonomy
    raw: RawInputs
