"""What the operations on pulls work with."""

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.database import Database
from sandbox.drafts.context import DraftContext
from sandbox.sources.source_list import DataSource


@dataclass(frozen=True)
class PullContext:
    """Drafts' context, and the sources by name."""

    drafting: DraftContext
    sources: Mapping[str, DataSource]

    @property
    def database(self) -> Database:
        return self.drafting.database
