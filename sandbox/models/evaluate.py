"""Evaluates a model on rows in a fresh seal: without network, without anything writable but its outbox,
within bounds of memory and time. What is executed is ours (kernels/client/cihu/model_entry.py)."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet

from sandbox.api_schema import exact_in_json
from sandbox.catalog.stand_in import marked_parquet
from sandbox.competitions.entries.model_entry import model_program
from sandbox.errors import Conflict, TooMany, Unavailable
from sandbox.jobs.cancellation import Cancellation
from sandbox.jobs.model import Interface
from sandbox.jobs.perform import GivenRows, perform
from sandbox.jobs.predictor import OUTPUT
from sandbox.models.context import ModelContext
from sandbox.models.rows import ModelColumn

LIMIT_SECONDS = 20
PATIENCE_SECONDS = 30.0
"""For one of the places."""
INPUT = "rows.given"


def evaluate(
    context: ModelContext,
    *,
    path: str,
    content: bytes,
    columns: Sequence[ModelColumn],
    interface: Interface,
    table: pa.Table,
) -> list[dict[str, Any]]:
    """A prediction for each row, by the declared name.

    Raises `Conflict` where the model gave none, whatever the reason; `TooMany` where no place came free;
    `Unavailable` where no seal could be made."""
    program = model_program(path, content, interface)
    shapes = {column["name"]: {"type": column["type"], "required": column["required"]} for column in columns}
    mark = {"dataset": INPUT, "version": 1, "columns": shapes}
    given = GivenRows(INPUT, marked_parquet(table, mark), table.num_rows)
    with _place(context):
        never = Cancellation()
        try:
            ending = perform(
                context.sealed,
                name=str(uuid4()),
                program=program,
                interface=interface,
                inputs=[given],
                limit_seconds=LIMIT_SECONDS,
                seconds=lambda: float(LIMIT_SECONDS),
                cancelled=never,
            )
        finally:
            never.close()
    if ending.how == "not_started":
        raise Unavailable(
            "The model could not be sealed.",
            code="model_not_started",
            remedy="Try again later; if it lasts, tell the operator.",
            zh="无法启动密封预测。",
            remedy_zh="请稍后再试；如持续出现，请联系运营人员。",
            internal=ending.said.decode(errors="replace")[-200:],
        )
    if ending.predictions != "valid" or ending.how != "itself" or ending.status != 0:
        raise model_failed()
    table = pyarrow.parquet.read_table(io.BytesIO(ending.outbox.files[OUTPUT]))
    return [{name: exact_in_json(value) for name, value in row.items()} for row in table.to_pylist()]


@contextmanager
def _place(context: ModelContext) -> Iterator[None]:
    """Raises `TooMany` where no place comes free in time, or too many wait for one."""
    busy = TooMany(
        "Other predictions are being made.",
        code="models_busy",
        remedy="Try again in a moment; it cost nothing.",
        zh="正在进行其他预测。",
        remedy_zh="请稍后再试；本次不收费。",
    )
    if not context.waiting.acquire(blocking=False):
        raise busy
    try:
        if not context.places.acquire(timeout=PATIENCE_SECONDS):
            raise busy
        try:
            yield
        finally:
            context.places.release()
    finally:
        context.waiting.release()


def model_failed() -> Conflict:
    """The same for all reasons: what a model does with a row is between its maintainer and its caller."""
    return Conflict(
        "The model gave no prediction for these rows.",
        code="model_failed",
        remedy="It costs nothing. Send values like those that its card names; if it lasts, tell its "
        "maintainer.",
        zh="模型未能对这些行作出预测。",
        remedy_zh="本次不收费。请发送模型卡所述范围内的取值；如持续出现，请联系维护人。",
    )
