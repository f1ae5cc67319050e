"""Announces the retirement of a model's version, with notice: it predicts until its last day."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import update

from sandbox.audit import Event, append
from sandbox.city_time import city_date
from sandbox.errors import Conflict, InvalidInput
from sandbox.identity import Principal
from sandbox.models.context import ModelContext
from sandbox.models.library import find_model, model_document, resource_of
from sandbox.models.schemas import ModelDocument, RetireModel
from sandbox.models.tables import models

NOTICE_DAYS = 30


def retire_model(
    context: ModelContext, person: Principal, name: str, version: int, wanted: RetireModel
) -> ModelDocument:
    """Raises `Forbidden`, `NotFound`, `Conflict`, `InvalidInput` for a notice that is too short."""
    with context.database.transaction() as tx:
        row = find_model(tx, name, version, lock=True)
        context.gate.require(person, "retire_model", resource_of(row))
        first = city_date(datetime.now(UTC)) + timedelta(days=NOTICE_DAYS)
        last_day = wanted.last_day or first
        if row.last_day is not None and row.last_day <= last_day:  # an earlier day may still be announced
            raise Conflict(
                f"The retirement of {name} version {version} is announced for {row.last_day}.",
                code="model_retiring",
                remedy="Nothing is to be done, unless it is to end earlier: name that day.",
                zh=f"{name} 第 {version} 版已公告于 {row.last_day} 停用。",
                remedy_zh="无需再次操作；如需提前停用，请写明更早的日期。",
            )
        if last_day < first:
            raise InvalidInput(
                f"Callers are told {NOTICE_DAYS} days ahead.",
                code="notice_too_short",
                remedy=f"Its last day can be {first.isoformat()} or later.",
                zh=f"停用须提前 {NOTICE_DAYS} 天告知调用方。",
                remedy_zh=f"最后一日不得早于 {first.isoformat()}。",
            )
        changed = tx.execute(
            update(models)
            .where(models.c.name == name, models.c.version == version)
            .values(last_day=last_day, retired_by=person.id, retired_reason=wanted.reason.strip())
            .returning(models)
        ).one()
        append(
            tx,
            Event(
                "model.retired",
                person.id,
                f"model:{name}/{version}",
                {"last_day": last_day.isoformat(), "reason": wanted.reason.strip()},
            ),
        )
        return model_document(changed)
