"""Reads the library: versions of models with their cards and lineage, and those that fit a search."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Row, func, or_, select

from sandbox.city_time import city_date
from sandbox.database import Transaction
from sandbox.errors import NotFound
from sandbox.jobs.model import Interface
from sandbox.models.schemas import ModelDocument, ModelInput, ModelLineage
from sandbox.models.tables import models
from sandbox.policy import Resource

LISTED = 200


def find_model(tx: Transaction, name: str, version: int, *, lock: bool = False) -> Row[Any]:
    """Raises `NotFound`."""
    wanted = select(models).where(models.c.name == name, models.c.version == version)
    row = tx.execute(wanted.with_for_update() if lock else wanted).first() if "\0" not in name else None
    if row is None:
        raise NotFound(
            f"The library has no version {version} of a model {name[:70]!r}.",
            code="model_not_found",
            remedy="List the models: cihu model list.",
            zh=f"模型库中没有模型“{name[:70]}”的第 {version} 版。",
            remedy_zh="可查看模型库：cihu model list。",
        )
    return row


def list_models(
    tx: Transaction, *, search: str = "", dataset: str = "", team: str = "", name: str = ""
) -> list[ModelDocument]:
    """The newest first. `search`: in names and cards, in either language, whatever the case."""
    wanted = select(models).order_by(models.c.registered_at.desc(), models.c.name, models.c.version.desc())
    for column, value in ((models.c.dataset, dataset), (models.c.team, team), (models.c.name, name)):
        if value:
            wanted = wanted.where(column == value)
    for word in search.split():
        found = (
            func.strpos(func.lower(text), word.lower()) > 0
            for text in (
                models.c.name,
                models.c.dataset,
                *(
                    models.c.card[part].astext
                    for part in ("title_en", "title_zh", "summary_en", "summary_zh")
                ),
            )
        )
        wanted = wanted.where(or_(*found))
    return [model_document(row) for row in tx.execute(wanted.limit(LISTED))]


def status_of(row: Row[Any], today: date) -> str:
    if row.last_day is None:
        return "registered"
    return "retiring" if today <= row.last_day else "retired"


def resource_of(row: Row[Any], *, grade: str = "") -> Resource:
    """What the gate wants to know about a model. `grade`: that of its data now, where it is known."""
    return Resource(
        "Model",
        f"{row.name}/{row.version}",
        {"team": row.team, "department": row.department, "grade": grade or row.grade},
    )


def interface_of(row: Row[Any]) -> Interface:
    return Interface(
        tuple(column["name"] for column in row.columns),
        {name: tuple(kind) if isinstance(kind, list) else kind for name, kind in row.predicts.items()},
    )


def model_document(row: Row[Any]) -> ModelDocument:
    lineage = ModelLineage(path=row.path, inputs=inputs_of(row.inputs))
    if row.run is not None:
        lineage["run"] = row.run
    if row.competition is not None:
        lineage |= {
            "competition": row.competition,
            "track": row.track,
            "entry": row.entry,
            "place": row.place,
        }
    same = (
        "name", "version", "team", "maintainer", "registered_by", "registered_at", "department", "dataset",
        "dataset_version", "grade", "sha256", "size", "columns", "predicts", "card", "privacy", "log_index",
    )  # fmt: skip
    document: dict[str, Any] = {
        **{name: getattr(row, name) for name in same},
        "lineage": lineage,
        "status": status_of(row, city_date(datetime.now(UTC))),
    }
    if row.last_day is not None:
        document["retirement"] = {"last_day": row.last_day, "reason": row.retired_reason}
    return document  # type: ignore[return-value]  # made of a row's columns


def inputs_of(stored: Sequence[Any]) -> list[ModelInput]:
    return [ModelInput(dataset=one["dataset"], version=one["version"]) for one in stored]
