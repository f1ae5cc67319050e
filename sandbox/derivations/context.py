"""What the operations on derivations work with."""

from dataclasses import dataclass

from sandbox.database import Database
from sandbox.drafts.context import DraftContext

GRAIN_SECONDS = 30.0


@dataclass(frozen=True)
class DerivationContext:
    """Drafts' context. `grain_seconds`: a derivation of others' rows ends at whole multiples of it after its
    begin, so that how long it took tells little of them."""

    drafting: DraftContext
    grain_seconds: float = GRAIN_SECONDS

    @property
    def database(self) -> Database:
        return self.drafting.database
