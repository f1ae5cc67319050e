"""Predictions by a registered model, for its team, officers of its data, and the marketplace's callers."""

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.catalog.grade import grade_of
from sandbox.errors import Conflict
from sandbox.identity import Principal
from sandbox.jobs.kernel_pauses import paused_until
from sandbox.models.context import ModelContext
from sandbox.models.evaluate import evaluate
from sandbox.models.library import find_model, interface_of, resource_of
from sandbox.models.rows import typed_rows
from sandbox.models.schemas import ModelPredictions
from sandbox.models.sealed_use import require_not_retired


def predict(
    context: ModelContext, person: Principal, name: str, version: int, rows: Sequence[Mapping[str, Any]]
) -> ModelPredictions:
    """A prediction for each row. Nothing of the rows is kept.
    Raises `Forbidden`, `NotFound`, `InvalidInput`, `Conflict`, `TooMany`, `Unavailable`."""
    with context.database.transaction() as tx:
        row = find_model(tx, name, version)
        newest = [context.runs.repository.last(tx, one["dataset"]) for one in row.inputs]
        paused = paused_until(tx, person.id) if person.teams else None
    # data that was graded higher since makes the model as high
    grade = context.gate.grades.combine([row.grade, grade_of(context.gate, newest)])
    context.gate.require(person, "predict_model", resource_of(row, grade=grade))
    if paused is not None:
        # a seal that the team begins and ends as it likes would be a clock beside its run
        raise Conflict(
            f"A sealed run of your team reads raw rows until {paused.isoformat(timespec='seconds')}.",
            code="team_paused",
            remedy="Predict after that.",
            zh="您所在团队的密封运行正在读取原始数据。",
            remedy_zh="请在其结束后再预测。",
        )
    require_not_retired(row)
    table = typed_rows(row.columns, rows)
    content = context.reviews.released.get(row.object_name, row.object_version, row.sha256)
    made = evaluate(
        context,
        path=row.path,
        content=content,
        columns=row.columns,
        interface=interface_of(row),
        table=table,
    )
    return ModelPredictions(model=name, version=version, predictions=made)
