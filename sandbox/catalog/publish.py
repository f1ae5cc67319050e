"""How does a department's file become a dataset? Check, type, store encrypted, then register it with its log entry."""

import hashlib
import io
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet
from sqlalchemy import insert, select, update

from sandbox.audit import Event, append
from sandbox.budgets import Account, Level, open_account
from sandbox.catalog.model import DatasetPolicy, Version
from sandbox.catalog.populations import Population
from sandbox.catalog.profile import Profile, profile
from sandbox.catalog.read_table import read_table
from sandbox.catalog.shelf import Shelf
from sandbox.catalog.tables import dataset_versions, datasets
from sandbox.database import Database, Transaction
from sandbox.errors import Conflict, InvalidInput
from sandbox.identity import Principal, load_principal
from sandbox.policy import Gate, Resource
from sandbox.storage import RawStore


@dataclass(frozen=True)
class Published:
    version: Version
    profile: Profile


def publish(database: Database, *, shelf: Shelf, store: RawStore, gate: Gate, populations: dict[str, Population],
            officer: Principal, policy_text: str, body: bytes) -> Published:
    """Publish a new version of a dataset.

    Raises `InvalidInput` for a bad policy or file, `Forbidden` for anybody but an officer of the department,
    `Conflict` when another department has the name. Nothing is registered unless all of it is.
    """
    policy = shelf.read(policy_text)
    grade = gate.grades.combine([policy.grade, *(column.grade for column in policy.columns)])
    decide_publish(gate, officer, policy)
    if policy.budget and policy.population not in populations:
        raise InvalidInput(f"The population {policy.population} has no budget.",
                           mend=f"Use one of {', '.join(populations)}, or have it added to policies/populations.yaml.")
    _refuse_open_with_higher_columns(policy, grade)
    table = read_table(body, policy)
    fit = profile(table, policy)
    parquet = to_parquet(table)
    stored = store.put(f"{policy.dataset}/{hashlib.sha256(parquet).hexdigest()}.parquet", parquet)
    with database.transaction() as tx:
        decide_publish(gate, load_principal(tx, officer.id, hold=True), policy)  # again: a large file takes minutes
        number = _next_number(tx, policy, shelf)
        version = Version(dataset=policy.dataset, number=number, policy=policy, object_name=stored.name,
                          object_version=stored.version_id, sha256=stored.sha256, published_by=officer.id,
                          published_at=datetime.now(UTC))
        tx.execute(insert(dataset_versions).values(
            dataset=version.dataset, number=number, policy=policy_text, object_name=stored.name,
            object_version=stored.version_id, sha256=stored.sha256, rows=table.num_rows,
            published_by=officer.id, published_at=version.published_at))
        _open_budgets(tx, policy, populations)
        append(tx, Event("dataset.published", officer.id, f"dataset:{version.name}", {
            "department": policy.department, "grade": policy.grade, "population": policy.population,
            "policy_sha256": hashlib.sha256(policy_text.encode()).hexdigest(),
            **({"delta": str(policy.budget.delta), "dataset_epsilon": str(policy.budget.dataset_epsilon),
                "unit": policy.unit.column, "max_rows": policy.unit.max_rows} if policy.budget and policy.unit else {})}))
    return Published(version, fit)


def decide_publish(gate: Gate, officer: Principal, policy: DatasetPolicy) -> None:
    """Raises `Refused`."""
    gate.require(officer, "publish", Resource("Dataset", policy.dataset, {
        "department": policy.department, "grade": policy.grade}))


def to_parquet(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(table, buffer, compression="zstd", store_schema=False)
    return buffer.getvalue()


def _refuse_open_with_higher_columns(policy: DatasetPolicy, grade: str) -> None:
    if policy.unit is None and grade != policy.grade:
        named = [column.name for column in policy.columns if column.grade != policy.grade]
        raise InvalidInput(f"The dataset is graded {policy.grade}, but {', '.join(named)} is graded higher.",
                           mend="就高从严: grade the dataset as its highest column, or leave those columns out.")


def _next_number(tx: Transaction, policy: DatasetPolicy, shelf: Shelf) -> int:
    known = tx.execute(select(datasets).where(datasets.c.name == policy.dataset).with_for_update()).first()
    if known is None:
        tx.execute(insert(datasets).values(name=policy.dataset, department=policy.department, latest=1))
        return 1
    if known.department != policy.department:
        raise Conflict(f"{policy.dataset} belongs to {known.department}.", mend="Choose another name.")
    _refuse_other_people(shelf.version(tx, policy.dataset, known.latest).policy, policy)
    tx.execute(update(datasets).where(datasets.c.name == policy.dataset).values(latest=known.latest + 1))
    return int(known.latest) + 1


def _open_budgets(tx: Transaction, policy: DatasetPolicy, populations: dict[str, Population]) -> None:
    """All versions of a dataset share one budget: publishing again gives nothing back."""
    if policy.budget:
        open_account(tx, Account(Level.DATASET, policy.dataset), policy.budget.limit(policy.budget.dataset_epsilon))
        open_account(tx, Account(Level.POPULATION, policy.population), populations[policy.population].limit)


def _refuse_other_people(before: DatasetPolicy, now: DatasetPolicy) -> None:
    """A new version protects the same people: what was lost about them must go on counting."""
    said = [(policy.population, policy.unit.column if policy.unit else "", policy.unit.kind if policy.unit else "",
             policy.budget.delta if policy.budget else None) for policy in (before, now)]
    if said[0] != said[1]:
        raise Conflict(f"{now.dataset} was published with another population, unit or delta.",
                       mend="Keep them as they were, or publish it under another name.")
