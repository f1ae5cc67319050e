"""Models of the library in sealed runs and their trials: who may read a model's file, and what is given."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import PurePosixPath

from sqlalchemy import Row

from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.catalog.grade import grade_of
from sandbox.city_time import city_date
from sandbox.database import Database, Transaction
from sandbox.errors import Conflict
from sandbox.identity import Principal
from sandbox.jobs.library import UsedModel
from sandbox.models.library import find_model, model_document, resource_of, status_of
from sandbox.policy import Gate
from sandbox.storage import ReleasedStore

CARD = "card.json"


@dataclass(frozen=True)
class SealedLibrary:
    """The library as runs use it (sandbox/jobs/library.py)."""

    database: Database
    repository: DatasetRepository
    gate: Gate
    released: ReleasedStore

    def usable(self, tx: Transaction, person: Principal, team: str, name: str, version: int) -> UsedModel:
        """Decided as a prediction by a member of this team is. Raises `NotFound`, `Refused`, `Conflict` for
        one that was retired."""
        row = find_model(tx, name, version)
        newest = [self.repository.last(tx, one["dataset"]) for one in row.inputs]
        grade = self.gate.grades.combine([row.grade, grade_of(self.gate, newest)])
        # what an officer may try, a run of another team may not read
        member = replace(person, teams=person.teams & {team}, roles=person.roles - {"officer"})
        self.gate.require(member, "predict_model", resource_of(row, grade=grade))
        require_not_retired(row)
        return UsedModel(name, version, row.sha256)

    def files(self, model: UsedModel) -> Mapping[str, bytes]:
        with self.database.transaction() as tx:
            row = find_model(tx, model.name, model.version)
            card = json.dumps(model_document(row), ensure_ascii=False, indent=1, default=str)
        # what the run was queued and logged with, whatever the row says now
        content = self.released.get(row.object_name, row.object_version, model.sha256)
        return {PurePosixPath(row.path).name: content, CARD: card.encode()}

    def file_for(self, person: Principal, name: str, version: int) -> bytes:
        """The model's file, for a trial by a member of its team. Raises as `usable`, and `Unavailable`."""
        with self.database.transaction() as tx:
            row = find_model(tx, name, version)
            self.usable(tx, person, row.team, name, version)
        return self.released.get(row.object_name, row.object_version, row.sha256)


def require_not_retired(row: Row[object]) -> None:
    """Raises `Conflict`."""
    if status_of(row, city_date(datetime.now(UTC))) == "retired":
        raise Conflict(
            f"Version {row.version} of {row.name} was retired; its last day was {row.last_day}.",
            code="model_retired",
            remedy="Use a newer version, or another model.",
            zh=f"{row.name} 的第 {row.version} 版已停用，最后一日为 {row.last_day}。",
            remedy_zh="请使用更新的版本或其他模型。",
        )
