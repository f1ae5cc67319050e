"""Publishes a department's file as a dataset version: check, type, store encrypted, then register it with its
log entry."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet
from sqlalchemy import insert, select, update

from sandbox.audit import Event, append
from sandbox.budgets import Account, Level, open_account
from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.catalog.model import DatasetPolicy, Version
from sandbox.catalog.populations import Population
from sandbox.catalog.profile import Profile, profile
from sandbox.catalog.read_table import read_file
from sandbox.catalog.sweep import discard, owned, publishing, record
from sandbox.catalog.tables import dataset_versions, datasets
from sandbox.database import Database, Transaction
from sandbox.errors import CihuError, Conflict, InvalidInput, Unavailable
from sandbox.identity import Principal, load_principal
from sandbox.ingest import IdRule, Source
from sandbox.ingest.file_format import FileFormat
from sandbox.policy import Gate, Resource
from sandbox.storage import ObjectVersion, RawStore


@dataclass(frozen=True)
class Published:
    """`told` is what was done to cells and ids as they were read, for the publishing officer alone."""

    version: Version
    profile: Profile
    told: tuple[str, ...] = ()

    def advice(self) -> list[str]:
        return [*self.told, *self.profile.advice()]


def publish(
    database: Database,
    *,
    repository: DatasetRepository,
    store: RawStore,
    gate: Gate,
    populations: dict[str, Population],
    officer: Principal,
    policy_text: str,
    body: bytes | Source,
    sha256: str | None = None,
    given: FileFormat | None = None,
    registered: Callable[[Transaction, Version], None] = lambda _tx, _version: None,
) -> Published:
    """Publish a new version of a dataset. `sha256`: what the file must be, where it rested meanwhile.
    `given`: how this file is built, where that is not what the policy says of its first one.
    `registered` is called within the transaction that registers the version: its refusal undoes it.

    Raises `InvalidInput` for a bad policy or file, `Forbidden` for anybody but an officer of the department,
    `Conflict` when another department has the name. Nothing is registered unless all of it is.
    """
    policy = repository.read(policy_text)
    grade = gate.grades.combine([policy.grade, *(column.grade for column in policy.columns)])
    decide_publish(gate, officer, policy)
    if policy.budget and policy.population not in populations:
        raise InvalidInput(
            f"The population {policy.population} has no budget.",
            remedy=f"Use one of {', '.join(populations)}, or have it added to policies/populations.yaml.",
        )
    _refuse_open_with_higher_columns(policy, grade)
    # one at a time for a dataset; and whoever sweeps the bucket waits for it (sweep.py)
    with database.lock(publishing(policy.dataset)):
        with database.transaction() as tx:
            before = _published_before(tx, policy, repository)
        ids = id_rule(policy, before)
        file_sha256 = digest_of(body)
        if sha256 not in (None, file_sha256):
            raise Unavailable(
                "The uploaded file is damaged in the object store.",
                code="storage_damaged",
                remedy="Upload it again.",
            )
        rows = read_file(body, replace(policy, file=given) if given else policy, ids=ids)
        del body
        fit, number_of_rows = profile(rows.table, policy), rows.table.num_rows
        parquet = to_parquet(rows.table)
        told = rows.told
        del rows
        name = f"{policy.dataset}/{uuid4()}.parquet"
        record(database, dataset=policy.dataset, object_name=name)
        try:
            stored = store.put(name, parquet)
            version = _register(
                database,
                policy,
                policy_text,
                stored,
                repository=repository,
                populations=populations,
                gate=gate,
                officer=officer,
                ids=ids,
                rows=number_of_rows,
                file_sha256=file_sha256,
                registered=registered,
            )
        except BaseException:
            # what was not registered is nobody's; where this fails too, the next start sweeps it
            with suppress(CihuError):
                discard(database, store, name)
            raise
    return Published(version, fit, told)


def id_rule(policy: DatasetPolicy, before: DatasetPolicy | None) -> IdRule:
    """How ids are normalised: as the policy says, or as before, so that a dataset keeps its people.
    Raises `Conflict`."""
    if before is None:
        return policy.ids or IdRule.NORMALISED
    rule = policy.ids or before.ids or IdRule.EXACT
    if before.ids is IdRule.NORMALISED and rule is IdRule.EXACT:
        # one protected person would become several, each with a protection of its own
        raise Conflict(
            f"{policy.dataset} was published with `ids: normalised`.",
            remedy="Keep it, or publish it under another name.",
            zh=f"{policy.dataset} 以 ids: normalised 发布过。",
            remedy_zh="请保持不变，或以其他名称发布。",
        )
    return rule


def _published_before(
    tx: Transaction, policy: DatasetPolicy, repository: DatasetRepository
) -> DatasetPolicy | None:
    latest = tx.execute(
        select(datasets.c.latest).where(datasets.c.name == policy.dataset)
    ).scalar_one_or_none()
    return None if latest is None else repository.version(tx, policy.dataset, latest).policy


def _register(
    database: Database,
    policy: DatasetPolicy,
    policy_text: str,
    stored: ObjectVersion,
    *,
    repository: DatasetRepository,
    populations: dict[str, Population],
    gate: Gate,
    officer: Principal,
    ids: IdRule,
    rows: int,
    file_sha256: str,
    registered: Callable[[Transaction, Version], None],
) -> Version:
    with database.transaction() as tx:
        # again: a large file takes minutes
        decide_publish(gate, load_principal(tx, officer.id, hold=True), policy)
        number = _next_number(tx, policy, repository)
        version = Version(
            dataset=policy.dataset,
            number=number,
            policy=replace(policy, ids=ids),
            object_name=stored.name,
            object_version=stored.version_id,
            sha256=stored.sha256,
            published_by=officer.id,
            published_at=datetime.now(UTC),
        )
        tx.execute(
            insert(dataset_versions).values(
                dataset=version.dataset,
                number=number,
                policy=policy_text,
                object_name=stored.name,
                object_version=stored.version_id,
                sha256=stored.sha256,
                rows=rows,
                id_rule=ids.value,
                file_sha256=file_sha256,
                published_by=officer.id,
                published_at=version.published_at,
            )
        )
        owned(tx, stored.name)
        _open_budgets(tx, policy, populations)
        append(
            tx,
            Event(
                "dataset.published",
                officer.id,
                f"dataset:{version.name}",
                {
                    "department": policy.department,
                    "grade": policy.grade,
                    "population": policy.population,
                    "policy_sha256": hashlib.sha256(policy_text.encode()).hexdigest(),
                    **(
                        {
                            "delta": str(policy.budget.delta),
                            "dataset_epsilon": str(policy.budget.dataset_epsilon),
                            "unit": policy.unit.column,
                            "max_rows": policy.unit.max_rows,
                        }
                        if policy.budget and policy.unit
                        else {}
                    ),
                },
            ),
        )
        registered(tx, version)
    return version


def decide_publish(gate: Gate, officer: Principal, policy: DatasetPolicy) -> None:
    """Raises `Refused`."""
    gate.require(
        officer,
        "publish",
        Resource("Dataset", policy.dataset, {"department": policy.department, "grade": policy.grade}),
    )


def digest_of(body: bytes | Source) -> str:
    """SHA-256 of the officer's file."""
    if isinstance(body, bytes):
        return hashlib.sha256(body).hexdigest()
    digest = hashlib.sha256()
    with body.open() as stream:
        while part := stream.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()


def to_parquet(table: pa.Table) -> bytes:
    buffer = pa.BufferOutputStream()
    pyarrow.parquet.write_table(table, buffer, compression="zstd", store_schema=False)
    return bytes(memoryview(buffer.getvalue()))


def _refuse_open_with_higher_columns(policy: DatasetPolicy, grade: str) -> None:
    if policy.unit is None and grade != policy.grade:
        named = [column.name for column in policy.columns if column.grade != policy.grade]
        raise InvalidInput(
            f"The dataset is graded {policy.grade}, but {', '.join(named)} is graded higher.",
            remedy="就高从严: grade the dataset as its highest column, or leave those columns out.",
        )


def _next_number(tx: Transaction, policy: DatasetPolicy, repository: DatasetRepository) -> int:
    known = tx.execute(select(datasets).where(datasets.c.name == policy.dataset).with_for_update()).first()
    if known is None:
        tx.execute(insert(datasets).values(name=policy.dataset, department=policy.department, latest=1))
        return 1
    if known.department != policy.department:
        raise Conflict(f"{policy.dataset} belongs to {known.department}.", remedy="Choose another name.")
    _refuse_other_people(repository.version(tx, policy.dataset, known.latest).policy, policy)
    tx.execute(update(datasets).where(datasets.c.name == policy.dataset).values(latest=known.latest + 1))
    return int(known.latest) + 1


def _open_budgets(tx: Transaction, policy: DatasetPolicy, populations: dict[str, Population]) -> None:
    """All versions of a dataset share one budget: publishing again gives nothing back."""
    if policy.budget:
        open_account(
            tx, Account(Level.DATASET, policy.dataset), policy.budget.limit(policy.budget.dataset_epsilon)
        )
        open_account(tx, Account(Level.POPULATION, policy.population), populations[policy.population].limit)


def _refuse_other_people(before: DatasetPolicy, now: DatasetPolicy) -> None:
    """A new version protects the same people: what was lost about them must go on counting."""
    said = [
        (
            policy.population,
            policy.unit.column if policy.unit else "",
            policy.unit.kind if policy.unit else "",
            policy.made_ids,
            policy.budget.delta if policy.budget else None,
        )
        for policy in (before, now)
    ]
    if said[0] != said[1]:
        raise Conflict(
            f"{now.dataset} was published with another population, unit or delta.",
            remedy="Keep them as they were, or publish it under another name.",
        )
