"""Calls a submitted predictor on given rows, in a fresh seal. Its predictions lie in quarantine.

This is for scoring (a competition): the rows may be others than those of the dataset's version, with the
columns that the predictor declared. The columns that are to be predicted stay with the scorer.
"""

import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pyarrow as pa

from sandbox.catalog import Version
from sandbox.errors import InvalidInput
from sandbox.jobs.cancellation import Cancellation
from sandbox.jobs.context import RunContext
from sandbox.jobs.disclosure_time import COLLECTING_SECONDS, GRACE_SECONDS, next_moment
from sandbox.jobs.inputs import as_given
from sandbox.jobs.model import Run
from sandbox.jobs.perform import perform
from sandbox.jobs.predictor import OUTPUT
from sandbox.jobs.quarantine import files_of, put_files
from sandbox.storage import ObjectVersion

_places = threading.Lock()
"""One at a time beside the queue's places: whoever scores many predictors waits here,
not on the machine's memory."""


@dataclass(frozen=True)
class Predicted:
    """`predictions` lies in the quarantine bucket (Parquet:
    one row for each row, in their order, a column for each name that it declared, by their names).

    None if they are not what the predictor declared; `fault` then says why, and is about the rows: it is for
    who may see quarantine, never for the team. `files` is all that it left, with log.txt and exit.json.
    """

    id: UUID
    predictions: ObjectVersion | None
    fault: str
    files: dict[str, ObjectVersion]


def predict_rows(
    context: RunContext, *, predictor: Run, version: Version, rows: pa.Table, limit_seconds: int
) -> Predicted:
    """Call the predictor on `rows`, of columns of `version`'s policy.
    It returns when the limit is over, however soon it ended.

    Raises `InvalidInput` for a run that is no predictor, or rows without its columns; `Unavailable` if
    quarantine cannot be written. Whether this may be done is for the caller to decide.
    """
    interface = predictor.interface
    if interface is None:
        raise InvalidInput(
            f"The run {predictor.id} is no predictor.",
            remedy="Submit one: kind: predictor in cihu.yaml.",
            zh=f"运行 {predictor.id} 不是预测程序。",
            remedy_zh="请提交预测程序：cihu.yaml 中写 kind: predictor。",
        )
    if missing := [name for name in interface.columns if name not in rows.column_names]:
        raise InvalidInput(
            f"The rows have no column {missing[0]!r}, which the predictor declared.",
            remedy="Give it the columns of the dataset that it was submitted for.",
            zh=f"缺少预测程序声明的栏目 {missing[0]!r}。",
            remedy_zh="请提供提交时数据集的栏目。",
        )
    given = as_given(rows.select(list(interface.columns)), version.policy, version.number)
    id, never = uuid4(), Cancellation()
    with _places:
        told = datetime.now(UTC) + timedelta(seconds=limit_seconds + GRACE_SECONDS)

        def seconds() -> float:
            return min(float(limit_seconds), (told - datetime.now(UTC)).total_seconds() - COLLECTING_SECONDS)

        try:
            ending = perform(
                context,
                name=str(id),
                program=predictor.program,
                interface=interface,
                inputs=[given],
                limit_seconds=limit_seconds,
                seconds=seconds,
                cancelled=never,
            )
            stored = put_files(context.quarantine, id, files_of(ending))
            never.wait_until(next_moment(told, datetime.now(UTC)))
        finally:
            never.close()
    valid = ending.predictions == "valid" and ending.how == "itself" and ending.status == 0
    fault = (
        ""
        if valid
        else ending.predictions
        if ending.predictions not in ("", "valid")
        else f"it ended: {ending.how}"
    )
    return Predicted(id, stored[OUTPUT] if valid else None, fault, stored)
