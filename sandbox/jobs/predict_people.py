"""Calls a predictor on people one by one, each in a fresh process within one seal
(kernels/client/cihu/people.py).

`predict_rows` calls it once on all rows, and so a prediction may depend on who else is among them. Here it
depends on that person's rows alone, which is what a score with noise for one person needs. What comes back is
for the vault's process alone: it goes to no bucket, no log and nobody's eyes.
"""

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet

from sandbox.catalog import Version
from sandbox.errors import InvalidInput
from sandbox.jobs.cancellation import Cancellation
from sandbox.jobs.context import RunContext
from sandbox.jobs.inputs import as_given
from sandbox.jobs.model import Interface, Program
from sandbox.jobs.perform import FedPeople, perform
from sandbox.jobs.predictor import OUTPUT

START_SECONDS = 10.0
"""Of the limit, for starting and for loading packages; the rest is shared by all people alike."""
LEAST_SECONDS = 0.1
OVERHEAD_SECONDS = 0.15
"""Of each person, outside of the person's own time: a process is made, killed and torn down. Measured: 0.09 s
for one that has filled all the memory that it may."""
TOO_LARGE_STATUS = 3
"""Of the first process in the seal (kernels/client/cihu/people.py), in which nothing of a team's is run."""
ANSWER_SECONDS = 0.01
"""Of each person: the answer is read and checked."""


@dataclass(frozen=True)
class PeoplePredicted:
    """`predictions`: of each predicted name a list for each person, an item a row, None where there is none.
    None as a whole where the seal itself failed; `fault` then says why, for operators alone. `fed`: whether
    the rows were given before: then how it ended could follow from them. `too_large`: what the program loads
    was measured before any row was there, and does not fit the seal."""

    predictions: dict[str, list[list[object]]] | None
    fault: str
    fed: bool = True
    too_large: bool = False


def seconds_a_person(limit_seconds: int, people: int) -> float:
    """What each person's prediction may take, so that all together stay within the limit. Raises
    `InvalidInput` where that is less than a process takes to start."""
    seconds = (limit_seconds - START_SECONDS) / max(1, people) - OVERHEAD_SECONDS - ANSWER_SECONDS
    if seconds < LEAST_SECONDS:
        least = int(people * (LEAST_SECONDS + OVERHEAD_SECONDS + ANSWER_SECONDS) + START_SECONDS) + 1
        raise InvalidInput(
            f"{limit_seconds} seconds are too few for {people} people.",
            code="limit_too_short",
            remedy=f"Declare at least {least} seconds.",
            zh=f"{limit_seconds} 秒不足以为 {people} 人逐一预测。",
            remedy_zh=f"请至少声明 {least} 秒。",
        )
    return seconds


def predict_people(
    context: RunContext,
    *,
    program: Program,
    interface: Interface,
    version: Version,
    rows: pa.Table,
    people: Sequence[int],
    limit_seconds: int,
    seconds: Callable[[], float] | None = None,
    cancelled: Cancellation | None = None,
) -> PeoplePredicted:
    """`rows`: the people's rows, each person's together; `people`: how many rows each has.

    Raises `InvalidInput` for a limit that is too short, or rows without the declared columns."""
    if missing := [name for name in interface.columns if name not in rows.column_names]:
        raise InvalidInput(
            f"The rows have no column {missing[0]!r}, which the predictor declared.",
            remedy="Declare columns of the competition's dataset.",
            zh=f"缺少预测程序声明的栏目 {missing[0]!r}。",
            remedy_zh="请声明大赛数据集的栏目。",
        )
    given = as_given(rows.select(list(interface.columns)), version.policy, version.number)
    head = json.dumps({"people": list(people), "bytes": len(given.parquet)}).encode()
    feed = len(head).to_bytes(8, "big") + head + given.parquet
    bell = cancelled or Cancellation()
    own = seconds_a_person(limit_seconds, len(people))
    try:
        ending = perform(
            context,
            name=str(uuid4()),
            program=program,
            interface=interface,
            inputs=[],
            limit_seconds=limit_seconds,
            seconds=seconds or (lambda: float(limit_seconds)),
            cancelled=bell,
            people=FedPeople(feed, rows.num_rows, own, own + OVERHEAD_SECONDS),
        )
    finally:
        if cancelled is None:
            bell.close()
    if ending.predictions != "valid" or ending.how != "itself" or ending.status != 0:
        fault = f"{ending.how} {ending.status} {ending.predictions} {ending.said[-2000:]!r}"
        too_large = ending.how == "itself" and ending.status == TOO_LARGE_STATUS
        return PeoplePredicted(None, fault, fed=ending.how != "not_started", too_large=too_large)
    table = pyarrow.parquet.read_table(io.BytesIO(ending.outbox.files[OUTPUT]))
    columns = {name: table.column(name).to_pylist() for name in table.column_names}
    return PeoplePredicted({name: _by_person(values, people) for name, values in columns.items()}, "")


def _by_person(values: list[object], people: Sequence[int]) -> list[list[object]]:
    found, start = [], 0
    for size in people:
        found.append(values[start : start + size])
        start += size
    return found
