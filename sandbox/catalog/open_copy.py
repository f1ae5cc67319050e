"""Writes the open copy of a dataset as Parquet to the product bucket, only where the grades allow open
sale."""

import io
from dataclasses import dataclass
from hashlib import sha256

import pyarrow.parquet

from sandbox.audit import Event, append
from sandbox.catalog.model import Role, Version
from sandbox.catalog.policy_file import OPEN_GRADE
from sandbox.catalog.publish import to_parquet
from sandbox.database import Database
from sandbox.errors import InvalidInput
from sandbox.identity import Principal
from sandbox.policy import Gate, Resource
from sandbox.storage import ProductStore, RawStore


@dataclass(frozen=True)
class OpenCopy:
    """What was copied: which object of the product bucket, with which columns, at which grade."""

    object: str
    version_id: str
    columns: tuple[str, ...]
    rows: int
    grade: str


def open_copy(
    database: Database,
    *,
    raw: RawStore,
    products: ProductStore,
    gate: Gate,
    officer: Principal,
    version: Version,
    columns: list[str] | None,
) -> OpenCopy:
    """Copy the named columns (all that are not hidden, by default) of a version into the product bucket.

    The grade that decides is that of the dataset and of all copied columns together (就高从严).
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
    gate.require(
        officer,
        "sell_openly",
        Resource(
            "Dataset",
            version.dataset,
            {"department": policy.department, "grade": grade, "open": policy.grade == OPEN_GRADE},
        ),
    )
    table = pyarrow.parquet.read_table(io.BytesIO(raw.get(version.object_name, version.object_version)))
    body = to_parquet(table.select([column.name for column in chosen]))
    stored = products.put(f"{version.dataset}/{version.number}/{sha256(body).hexdigest()}.parquet", body)
    with database.transaction() as tx:
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
                },
            ),
        )
    return OpenCopy(
        stored.name, stored.version_id, tuple(column.name for column in chosen), table.num_rows, grade
    )
