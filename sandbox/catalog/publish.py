"""Publishes a department's file as a dataset version: check, type, store encrypted, then register it with its
log entry."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet
from sqlalchemy import Row, func, insert, select, update

from sandbox.audit import Event, append
from sandbox.budgets import Account, Level, open_account
from sandbox.catalog.cleaning_steps import digest_of_steps
from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.catalog.lists import identifiers_of
from sandbox.catalog.model import DatasetPolicy, Version
from sandbox.catalog.notice import NoticeRule, PublishersWord, mark_published, require_announced
from sandbox.catalog.populations import Population
from sandbox.catalog.profile import Profile, profile
from sandbox.catalog.read_table import read_file
from sandbox.catalog.sweep import discard, owned, publishing, record
from sandbox.catalog.tables import dataset_versions, datasets
from sandbox.catalog.version_quality import Assess, Assessment, keep_report, note_outcomes, report_of
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
    quality: tuple[str, ...] = ()

    def advice(self) -> list[str]:
        return [*self.told, *self.profile.advice(), *self.quality]


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
    assess: Assess | None = None,
    word: PublishersWord = PublishersWord(),  # noqa: B008  # frozen
    notice: NoticeRule | None = None,
    given: FileFormat | None = None,
    registered: Callable[[Transaction, Version], None] = lambda _tx, _version: None,
) -> Published:
    """Publish a new version of a dataset. `sha256`: what the file must be, where it rested meanwhile.
    `assess` looks at the typed rows and may refuse them. `notice`: how long ahead a version that breaks
    questions is announced. `given`: how this file is built, where that is not what the policy says of its
    first one. `registered` is called within the transaction that registers the version: its refusal undoes
    it.

    Raises `InvalidInput` for a bad policy or file, `Forbidden` for anybody but an officer of the department,
    `Conflict` when another department has the name. Nothing is registered unless all of it is.
    """
    policy = repository.read(policy_text)
    grade = gate.grades.combine(
        [policy.grade, *(column.grade for column in (*policy.columns, *policy.inputs))]
    )
    decide_publish(gate, officer, policy)
    if policy.budget and policy.population not in populations:
        raise InvalidInput(
            f"The population {policy.population} has no budget.",
            remedy=f"Use one of {', '.join(populations)}, or have it added to policies/populations.yaml.",
        )
    _refuse_open_with_higher_columns(policy, grade)
    repository.lists.require_none(policy, {})
    with database.transaction() as tx:
        _require_own(tx, policy)  # before the lock: nobody else learns how long a publishing takes
    # one at a time for a dataset; and whoever sweeps the bucket waits for it (sweep.py)
    with database.lock(publishing(policy.dataset)):
        with database.transaction() as tx:
            before = _published_before(tx, policy, repository)
            known = last_report(tx, policy.dataset, officer)
            _require_announced(tx, notice, repository, gate, policy, word)
        ids = id_rule(policy, before)
        file_sha256 = digest_of(body)
        if sha256 not in (None, file_sha256):
            raise Unavailable(
                "The uploaded file is damaged in the object store.",
                code="storage_damaged",
                remedy="Upload it again.",
            )
        built = replace(policy, file=given) if given else policy
        rows = read_file(body, built, ids=ids, cleaner=repository.cleaner)
        del body
        if repository.lists.name_identifiers:
            kinds = identifiers_of(rows.table, policy, repository.schema.parent)
            repository.lists.require_none(policy, kinds)
        fit, number_of_rows = profile(rows.table, policy), rows.table.num_rows
        assessment = assess(rows, policy, before=known, now=datetime.now(UTC)) if assess else None
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
                assessment=assessment,
                word=word,
                notice=notice,
                registered=registered,
            )
        except BaseException:
            # what was not registered is nobody's; where this fails too, the next start sweeps it
            with suppress(CihuError):
                discard(database, store, name)
            raise
    return Published(version, fit, told, assessment.advice if assessment else ())


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


def last_report(tx: Transaction, dataset: str, officer: Principal) -> dict[str, Any] | None:
    """The quality report of the newest version, if it has one and this officer published it: what is measured
    beside it tells its figures."""
    latest = tx.execute(
        select(dataset_versions.c.number)
        .join(datasets, dataset_versions.c.dataset == datasets.c.name)
        .where(
            datasets.c.name == dataset,
            datasets.c.department == officer.organisation,
            dataset_versions.c.number == datasets.c.latest,
            dataset_versions.c.published_by == officer.id,
        )
    ).scalar_one_or_none()
    return None if latest is None else report_of(tx, dataset, latest)


def id_rule_of(tx: Transaction, policy: DatasetPolicy, repository: DatasetRepository) -> IdRule:
    """By which rule the ids of the next version are normalised."""
    return id_rule(policy, _published_before(tx, policy, repository))


def _published_before(
    tx: Transaction, policy: DatasetPolicy, repository: DatasetRepository
) -> DatasetPolicy | None:
    _refuse_ended(_require_own(tx, policy))
    last = last_number(tx, policy.dataset)
    return repository.version(tx, policy.dataset, last).policy if last else None


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
    assessment: Assessment | None,
    word: PublishersWord,
    notice: NoticeRule | None,
    registered: Callable[[Transaction, Version], None],
) -> Version:
    with database.transaction() as tx:
        # again: a large file takes minutes
        decide_publish(gate, load_principal(tx, officer.id, hold=True), policy)
        _require_announced(tx, notice, repository, gate, policy, word)
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
            notes=word.notes.strip(),
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
                notes=version.notes,
            )
        )
        mark_published(tx, read=repository.read_kept, grades=gate.grades, policy=policy, number=number)
        owned(tx, stored.name)
        if assessment:
            keep_report(tx, version.dataset, number, assessment.report)
        note_outcomes(tx, version.dataset, number)
        _open_budgets(tx, policy, populations)
        registered(tx, version)  # before the log is held: it may hold a row that others take first
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
                    **_steps_of(policy),
                    **({"urgent": word.urgent.strip()} if word.urgent.strip() else {}),
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
    return version


def _steps_of(policy: DatasetPolicy) -> dict[str, object]:
    """What the log tells of the cleaning steps: their verbs, and a digest of all that they say."""
    if not policy.steps:
        return {}
    return {
        "steps": [step.verb for step in policy.steps],
        "steps_sha256": digest_of_steps(policy.steps),
    }


def _require_announced(
    tx: Transaction,
    notice: NoticeRule | None,
    repository: DatasetRepository,
    gate: Gate,
    policy: DatasetPolicy,
    word: PublishersWord,
) -> None:
    latest = tx.execute(
        select(datasets.c.latest).where(datasets.c.name == policy.dataset)
    ).scalar_one_or_none()
    require_announced(
        tx,
        notice,
        read=repository.read_kept,
        grades=gate.grades,
        in_use=repository.version(tx, policy.dataset, latest).policy if latest else None,
        policy=policy,
        word=word,
    )


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
        every = (*policy.columns, *policy.inputs)
        named = [column.name for column in every if column.grade != policy.grade]
        raise InvalidInput(
            f"The dataset is graded {policy.grade}, but {', '.join(named)} is graded higher.",
            remedy="就高从严: grade the dataset as its highest column, or leave those columns out.",
        )


def _next_number(tx: Transaction, policy: DatasetPolicy, repository: DatasetRepository) -> int:
    known = tx.execute(select(datasets).where(datasets.c.name == policy.dataset).with_for_update()).first()
    _refuse_ended(known)
    if known is None:
        tx.execute(insert(datasets).values(name=policy.dataset, department=policy.department, latest=1))
        return 1
    if known.department != policy.department:
        raise _of_another(known)
    # by the last one that there was, though it was withdrawn: what was lost about its people goes on counting
    last = last_number(tx, policy.dataset)
    _refuse_other_people(repository.version(tx, policy.dataset, last).policy, policy)
    tx.execute(update(datasets).where(datasets.c.name == policy.dataset).values(latest=last + 1))
    return last + 1


def _require_own(tx: Transaction, policy: DatasetPolicy) -> Row[Any] | None:
    """The dataset, if there is one. Raises `Conflict` where it is another department's."""
    known = tx.execute(select(datasets).where(datasets.c.name == policy.dataset)).first()
    if known is not None and known.department != policy.department:
        raise _of_another(known)
    return known


def _of_another(known: Row[Any]) -> Conflict:
    return Conflict(
        f"{known.name} belongs to {known.department}.",
        remedy="Choose another name.",
        zh=f"{known.name} 属于 {known.department}。",
        remedy_zh="请换一个名称。",
    )


def last_number(tx: Transaction, dataset: str) -> int:
    """The number of the last version, whether it is in use or withdrawn; 0 where there is none."""
    newest = select(func.max(dataset_versions.c.number)).where(dataset_versions.c.dataset == dataset)
    return int(tx.execute(newest).scalar_one() or 0)


def _refuse_ended(known: Row[Any] | None) -> None:
    """A dataset that is retired or erased gets no version. Raises `Conflict`."""
    if known is not None and known.erased_at is not None:
        raise Conflict(
            f"{known.name} was erased, and its name is not used again.",
            code="dataset_erased",
            remedy="Choose another name: what was lost about the erased dataset's people goes on counting.",
            zh=f"{known.name} 已被删除，其名称不再使用。",
            remedy_zh="请使用其他名称：被删除数据集中人员的隐私损失继续计算。",
        )
    if known is not None and known.retires_at is not None and known.retires_at <= datetime.now(UTC):
        raise Conflict(
            f"{known.name} is retired, and gets no new version.",
            code="dataset_retired",
            remedy="Publish it under another name.",
            zh=f"{known.name} 已停用，不再发布新版本。",
            remedy_zh="请以其他名称发布。",
        )


def _open_budgets(tx: Transaction, policy: DatasetPolicy, populations: dict[str, Population]) -> None:
    """All versions of a dataset share one budget: publishing again gives nothing back."""
    if policy.budget:
        open_account(
            tx, Account(Level.DATASET, policy.dataset), policy.budget.limit(policy.budget.dataset_epsilon)
        )
        open_account(tx, Account(Level.POPULATION, policy.population), populations[policy.population].limit)


def _refuse_other_people(before: DatasetPolicy, now: DatasetPolicy) -> None:
    """A new version protects the same people: what was lost about them must go on counting."""
    exact = (now.ids or before.ids) is IdRule.EXACT
    said = [
        (
            policy.population,
            policy.unit.column if policy.unit else "",
            policy.unit.kind if policy.unit else "",
            policy.made_ids,
            policy.budget.delta if policy.budget else None,
            policy.id_steps(exact=exact),
        )
        for policy in (before, now)
    ]
    if said[0] != said[1]:
        raise Conflict(
            f"{now.dataset} was published with another population, unit or delta, or with other steps that "
            "make the ids of its people.",
            remedy="Keep them as they were, or publish it under another name.",
        )
