"""Writes the open copy of a dataset as Parquet to the product bucket, only where the grades allow open
sale."""

import io
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import pyarrow as pa
import pyarrow.parquet
from sqlalchemy import Row, insert, select

from sandbox.audit import Event, append
from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.catalog.model import Role, Version
from sandbox.catalog.opening import (
    OPENED,
    WAITING,
    OpeningAnswers,
    OpeningReview,
    ask_review,
    with_items,
)
from sandbox.catalog.opening_checks import look_at_policy, look_at_rows
from sandbox.catalog.policy_file import OPEN_GRADE
from sandbox.catalog.publish import to_parquet
from sandbox.catalog.sweep import publishing
from sandbox.catalog.tables import open_copies, opening_reviews
from sandbox.database import Database, Transaction
from sandbox.errors import Conflict, Forbidden, InvalidInput
from sandbox.identity import Principal
from sandbox.policy import Gate, Resource
from sandbox.storage import ProductStore, RawStore


@dataclass(frozen=True)
class OpenCopy:
    """What was copied: which object of the product bucket, with which columns, at which grade.
    `column_grades`: of each column by itself, as the copied version grades it."""

    object: str
    version_id: str
    columns: tuple[str, ...]
    rows: int
    grade: str
    column_grades: dict[str, str]


def open_copy(
    database: Database,
    *,
    raw: RawStore,
    products: ProductStore,
    gate: Gate,
    officer: Principal,
    version: Version,
    columns: list[str] | None,
    repository: DatasetRepository,
    confirmed: frozenset[str] = frozenset(),
) -> OpenCopy:
    """Copy the named columns (all that are not hidden, by default) of a version into the product bucket.

    The grade that decides is that of the dataset and of all copied columns together (就高从严). `confirmed`:
    what the officer answers with yes of the review before it. Raises `Conflict` while the review waits.
    """
    policy = version.policy
    offered = [column for column in policy.columns if column.role is not Role.HIDDEN]
    chosen = [column for column in offered if columns is None or column.name in columns]
    unknown = [name for name in columns or [] if name not in {column.name for column in offered}]
    if unknown or not chosen:
        raise InvalidInput(
            f"{version.dataset} has no column {', '.join(unknown) or '(none was named)'} to open.",
            remedy=f"It has: {', '.join(column.name for column in offered)}.",
        )
    grade = gate.grades.combine([policy.grade, *(column.grade for column in chosen)])
    resource = Resource(
        "Dataset",
        version.dataset,
        {"department": policy.department, "grade": grade, "open": policy.grade == OPEN_GRADE},
    )
    try:
        gate.require(officer, "sell_openly", resource)
    except Forbidden as refused:
        if policy.unit is None or refused.code not in OF_THE_DATA:
            raise
        raise _of_people(refused.code) from None
    table = pyarrow.parquet.read_table(io.BytesIO(raw.rows(version)))
    names = tuple(column.name for column in chosen)
    table = table.select(list(names))
    review = _reviewed(database, repository, gate, officer, version, table, grade, confirmed)
    body = to_parquet(table)
    stored = products.put(f"{version.dataset}/{version.number}/{sha256(body).hexdigest()}.parquet", body)
    with database.transaction() as tx:
        tx.execute(
            insert(open_copies).values(
                dataset=version.dataset,
                number=version.number,
                columns=list(names),
                rows=table.num_rows,
                grade=grade,
                object_name=stored.name,
                object_version=stored.version_id,
            )
        )
        append(
            tx,
            Event(
                "dataset.opened",
                officer.id,
                f"dataset:{version.name}",
                {
                    "columns": [column.name for column in chosen],
                    "grade": grade,
                    "object": stored.name,
                    "sha256": stored.sha256,
                    "review": review,
                },
            ),
        )
    graded = {column.name: column.grade for column in chosen}
    return OpenCopy(stored.name, stored.version_id, names, table.num_rows, grade, graded)


OF_THE_DATA = ("grade_not_for_open_sale", "not_declared_open")
"""The rules that refuse for what the data are, not for who asks."""


def _of_people(code: str) -> Forbidden:
    """The grade follows from what the data are about: that is what the officer reads."""
    return Forbidden(
        "These data are about people or firms that are protected, so their rows do not leave.",
        code=code,
        remedy="Offer it as a query with differential privacy instead.",
        zh="这些数据涉及受保护的个人、家庭或企业，原始记录不得流出。",
        remedy_zh="可改为以差分隐私查询的形式提供。",
    )


def _reviewed(
    database: Database,
    repository: DatasetRepository,
    gate: Gate,
    officer: Principal,
    version: Version,
    table: pa.Table,
    grade: str,
    confirmed: frozenset[str],
) -> int:
    """The review by which these columns may be copied: one that was decided, or a new one that needs nobody.
    Raises `Conflict` while a person must answer."""
    columns = tuple(table.column_names)
    second = repository.opening.asks_second_person(gate.grades, grade)
    planned = OpeningReview("open_copy", ("open_copy",), grade, second, columns=columns)
    policy = replace(
        version.policy, columns=tuple(one for one in version.policy.columns if one.name in columns)
    )
    found = look_at_policy(policy, repository.lists)
    found |= look_at_rows(table, policy, repository.schema.parent)
    planned = with_items(planned, repository, gate.grades, found)
    with database.lock(publishing(version.dataset)), database.transaction() as tx:
        known = _known_review(tx, version, columns)
        if known is not None and known.state == OPENED:
            return int(known.id)
        if known is None:
            state = ask_review(
                tx,
                planned,
                repository.opening,
                version,
                asked_by=officer.id,
                answers=OpeningAnswers(confirmed),
            )
            append(
                tx,
                Event(
                    "version.opening_asked",
                    officer.id,
                    f"dataset:{version.name}",
                    {"review": state.id, "columns": list(columns), "held": state.held},
                ),
            )
            if not state.held:
                return state.id
        waits = known.id if known is not None else state.id
    raise Conflict(
        f"The open copy waits for its review {waits}.",
        code="opening_waits",
        remedy="Answer what is asked (cihu openings), and open the copy again.",
        zh=f"开放副本尚待安全审查 {waits}。",
        remedy_zh="请完成安全审查后再次制作开放副本。",
    )


def _known_review(tx: Transaction, version: Version, columns: tuple[str, ...]) -> Row[Any] | None:
    """The newest review of a copy of exactly these columns that waits or was decided for it."""
    rows = tx.execute(
        select(opening_reviews)
        .where(
            opening_reviews.c.dataset == version.dataset,
            opening_reviews.c.number == version.number,
            opening_reviews.c.kind == "open_copy",
            opening_reviews.c.state.in_([OPENED, WAITING]),
        )
        .order_by(opening_reviews.c.id.desc())
    )
    return next((row for row in rows if row.columns == list(columns)), None)
