"""What the operations on drafts work with."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.catalog.model import Version
from sandbox.catalog.notice import NoticeRule
from sandbox.catalog.populations import Population
from sandbox.catalog.version_quality import Assess
from sandbox.database import Database
from sandbox.drafts.files import OpenedFiles
from sandbox.drafts.names import load_header_words
from sandbox.drafts.progress import ProgressBoard
from sandbox.drafts.suggest import Rules
from sandbox.identity import Principal
from sandbox.ingest.code_lists import load_code_lists
from sandbox.ingest.recognition import load_identifier_rules
from sandbox.policy import Gate, Resource
from sandbox.storage import RawStore


@dataclass(frozen=True)
class DraftContext:
    """What the operations on drafts work with. `published` is called with each new version,
    `assess` with its rows before."""

    database: Database
    repository: DatasetRepository
    gate: Gate
    store: RawStore
    policies: Path
    populations: dict[str, Population]
    published: Callable[[Principal, Version], None]
    assess: Assess | None = None
    notice: NoticeRule | None = None
    progress: ProgressBoard = field(default_factory=ProgressBoard)
    opened: OpenedFiles = field(default_factory=OpenedFiles)

    @cached_property
    def rules(self) -> Rules:
        """A city that mounts its own policies flat (helm) may have no code lists: nothing is matched then."""
        codes = self.policies / "codes"
        return Rules(
            load_header_words(self.policies),
            load_identifier_rules(self.policies / "identifiers.yaml"),
            load_code_lists(codes) if codes.is_dir() else (),
            self.repository.elements,
        )

    def require_officer(self, officer: Principal) -> None:
        """Raises `Refused` for anybody who publishes no dataset of their organisation."""
        self.gate.require(
            officer,
            "publish",
            Resource("Dataset", "draft", {"department": officer.organisation, "grade": "2"}),
        )
