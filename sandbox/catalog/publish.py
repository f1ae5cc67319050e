"""Publishes a department's file as a dataset version: check, type, store encrypted, then register it with its
log entry."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet
from sqlalchemy import Row, func, insert, select

from sandbox import notices
from sandbox.audit import Event, append
from sandbox.catalog.cleaning_steps import digest_of_steps
from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.catalog.lineage import Lineage
from sandbox.catalog.lists import ROWS_LOOKED_AT, identifiers_of
from sandbox.catalog.merge_rows import Merge, merged_with_last
from sandbox.catalog.model import DatasetPolicy, Version
from sandbox.catalog.notice import NoticeRule, PublishersWord, require_announced
from sandbox.catalog.opening import (
    OpeningAnswers,
    OpeningReview,
    OpeningState,
    ask_review,
    last_opened,
    planned_review,
    put_in_use,
    with_items,
)
from sandbox.catalog.opening_checks import Findings, look_at_nothing, look_at_policy, look_at_rows
from sandbox.catalog.populations import Population
from sandbox.catalog.profile import Profile, profile
from sandbox.catalog.read_table import read_sorted_file as read_file
from sandbox.catalog.retirement import is_retired
from sandbox.catalog.row_file import BucketOverflow, head_of, sorting_prefix, write_rows
from sandbox.catalog.sweep import discard, owned, publishing, record
from sandbox.catalog.tables import dataset_versions, datasets
from sandbox.catalog.version_quality import Assess, Assessment, keep_report, report_of, withheld_report
from sandbox.database import Database, Transaction
from sandbox.errors import CihuError, Conflict, InvalidInput, NotAuthenticated, Unavailable
from sandbox.identity import Principal, load_principal
from sandbox.ingest import IdRule, SortedRows, Source, StoredRows
from sandbox.ingest.file_format import FileFormat
from sandbox.ingest.file_parts import FileParts
from sandbox.ingest.known_ending import other_ending, require_known_ending
from sandbox.ingest.progress import QUIET, CountedSource, Progress
from sandbox.ingest.spool import Spool
from sandbox.memory_release import release_memory
from sandbox.policy import Gate, Resource
from sandbox.storage import ObjectVersion, RawStore

MOST_WAITING = 4
"""So many publishings of one dataset wait for the one that is at work: each keeps a thread of the service."""


@dataclass(frozen=True)
class Published:
    """`told` is what was done to cells and ids as they were read, for the publishing officer alone.
    `opening`: the review before it opens, where one is asked."""

    version: Version
    profile: Profile
    told: tuple[str, ...] = ()
    quality: tuple[str, ...] = ()
    opening: OpeningState | None = None

    @property
    def held(self) -> bool:
        return self.opening is not None and self.opening.held

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
    merge: Merge | None = None,
    registered: Callable[[Transaction, Version], None] = lambda _tx, _version: None,
    lineage: Lineage | None = None,
    blind: bool = False,
    automatic: Callable[[Transaction], object] | None = None,
    ready: Callable[[], None] = lambda: None,
    opening: OpeningAnswers | None,
    progress: Progress = QUIET,
) -> Published:
    """Publish a new version of a dataset. `sha256`: what the file must be, where it rested meanwhile.
    `assess` looks at the typed rows and may refuse them. `notice`: how long ahead a version that breaks
    questions is announced. `given`: how this file is built, where that is not what the policy says of its
    first one. `merge`: put the rows into the last version's. `registered` is called within the transaction
    that registers the version: its refusal undoes it. `lineage`: of rows that were derived from other
    datasets; `blind`: the officer may learn nothing of these rows, so that no finding depends on them.
    `automatic`: of rows that came by themselves; it is called while the dataset is held, before the version
    is registered, and raises where they may become none any more. `ready` is called when all is
    done but registering, or has failed: until it returns, whoever waits for the dataset waits. `opening`:
    what is answered already of the review before it opens; None: no review is asked. `progress` is told how
    far it is.

    The rows are read, sorted and written a batch at a time: a large file needs no more memory than a small
    one, but for a few bytes a row (ADR 0040).

    Raises `InvalidInput` for a bad policy or file, `Forbidden` for anybody but an officer of the department,
    `Conflict` when another department has the name. Nothing is registered unless all of it is.
    """
    policy = repository.read(policy_text)
    policy_text = repository.to_keep(policy_text)
    grade = gate.grades.combine(
        [policy.grade, *(column.grade for column in (*policy.columns, *policy.inputs))]
    )
    decide_publish(gate, officer, policy)
    _require_derived(policy, lineage)
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
    with database.lock(publishing(policy.dataset), waiting=MOST_WAITING), _also_failed(ready):
        with database.transaction() as tx:
            before = _published_before(tx, policy, repository)
            # what rows that come by themselves are measured beside, nobody reads
            known = last_report(tx, policy.dataset, officer, read_by_nobody=automatic is not None)
            _require_announced(tx, notice, repository, gate, policy, word)
            review = None if opening is None else planned_review(tx, repository, gate.grades, policy)
        ids = id_rule(policy, before)
        if not isinstance(body, bytes | FileParts):
            body = CountedSource(body, progress)
            progress.step("checking", body.size)
        file_sha256 = digest_of(body)
        _require_sound(file_sha256, sha256)
        with database.transaction() as tx:
            twin = None if lineage else _published_of(tx, file_sha256, officer)
        built = replace(policy, file=given) if given else policy
        told = _told_of_ending(body, built, automatic=automatic is not None)
        name = f"{policy.dataset}/{uuid4()}.parquet"
        waiting = BucketOverflow(store, sorting_prefix(name))
        spool = Spool(waiting)
        record(database, dataset=policy.dataset, object_names=(name, waiting.prefix))
        try:
            rows, stored, table, found = _stored(
                store,
                name,
                spool,
                body,
                built,
                ids,
                repository=repository,
                merge=merge,
                look=review is not None,
                blind=blind,
                progress=progress,
            )
            waiting.clear()
            del body
            if review is not None:
                review = with_items(review, repository, gate.grades, found)
            progress.step("assessing")
            fit = profile(table, policy)
            assessment = assess(table, policy, before=known, now=datetime.now(UTC)) if assess else None
            release_memory()
            ready()
            progress.step("registering")
            version, state = _register(
                database,
                policy,
                policy_text,
                stored,
                repository=repository,
                populations=populations,
                gate=gate,
                officer=officer,
                ids=ids,
                rows=table.count,
                file_sha256=file_sha256,
                assessment=assessment,
                word=word,
                notice=notice,
                registered=registered,
                lineage=lineage,
                automatic=automatic,
                held_rows=merge is None and automatic is None and lineage is None,
                review=review,
                opening=opening or OpeningAnswers(),
            )
        except BaseException:
            release_memory()
            _discard_unregistered(database, store, spool, (name, waiting.prefix))
            raise
    told = (*_told_of_twin(twin), *told, *rows.told)
    return Published(version, fit, told, assessment.advice if assessment else (), state)


def _require_sound(found: str, sha256: str | None) -> None:
    if sha256 not in (None, found):
        raise Unavailable(
            "The uploaded file is damaged in the object store.",
            code="storage_damaged",
            remedy="Upload it again; what a pull brought is fetched again by itself.",
            zh="上传的文件在对象存储中已损坏。",
            remedy_zh="请重新上传；由采集取得的文件会自动重新获取。",
        )


@contextmanager
def _also_failed(ready: Callable[[], None]) -> Iterator[None]:
    try:
        yield
    except Exception:
        ready()
        raise


def _discard_unregistered(database: Database, store: RawStore, spool: Spool, names: tuple[str, str]) -> None:
    """What was not registered is nobody's; where this fails too, the next start sweeps it."""
    spool.close()  # a run may still be on its way there
    with suppress(CihuError):
        for name in names:
            discard(database, store, name)


def _stored(
    store: RawStore,
    name: str,
    spool: Spool,
    body: bytes | Source,
    policy: DatasetPolicy,
    ids: IdRule,
    *,
    repository: DatasetRepository,
    merge: Merge | None,
    look: bool,
    blind: bool,
    progress: Progress,
) -> tuple[SortedRows, ObjectVersion, StoredRows, Findings]:
    """Read the file, and store its rows under this name. What must not be kept is refused before.
    `look`: whether the first rows are looked at for the review before the version opens."""
    progress.step("reading", 0 if isinstance(body, bytes) else body.size)
    rows = read_file(body, policy, ids=ids, cleaner=repository.cleaner, spool=spool, progress=progress)
    if merge is not None:
        rows = merged_with_last(repository, store, rows, policy, merge, spool)
    head, rows = head_of(rows, ROWS_LOOKED_AT)
    if repository.lists.name_identifiers and not blind:
        kinds = identifiers_of(head, policy, repository.schema.parent)
        repository.lists.require_none(policy, kinds)
    found: Findings = {}
    if look:
        told = look_at_nothing(policy) if blind else look_at_rows(head, policy, repository.schema.parent)
        found = look_at_policy(policy, repository.lists) | told
    progress.step("writing")
    stored, table = write_rows(store, name, rows, progress=progress)
    return rows, stored, table, found


def _told_of_ending(body: bytes | Source, policy: DatasetPolicy, *, automatic: bool) -> tuple[str, ...]:
    """What is told of the rows that are left out at the file's end, where they are not what the policy says.
    Of rows that come by themselves nobody would be told. Raises `InvalidInput` then."""
    if automatic:
        require_known_ending(body, policy.file)
        return ()
    other = other_ending(body, policy.file) if policy.file.notes else None
    return () if other is None else (other.told,)


def _published_of(tx: Transaction, file_sha256: str, officer: Principal) -> str | None:
    """The version that this officer published of the same bytes, if there is one. Of others' it is not told:
    a guess of their rows could be tried."""
    row = tx.execute(
        select(dataset_versions.c.dataset, dataset_versions.c.number)
        .join(datasets, datasets.c.name == dataset_versions.c.dataset)
        .where(
            dataset_versions.c.file_sha256 == file_sha256,
            dataset_versions.c.published_by == officer.id,
            dataset_versions.c.publisher_held_rows,
            datasets.c.department == officer.organisation,
        )
        .order_by(dataset_versions.c.published_at.desc())
        .limit(1)
    ).first()
    return None if row is None else f"{row.dataset}, version {row.number}"


def _told_of_twin(version: str | None) -> tuple[str, ...]:
    same = f"this file is the same, byte for byte, as the one that you published as {version}"
    return (same,) if version else ()


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


def last_report(
    tx: Transaction, dataset: str, officer: Principal, *, read_by_nobody: bool = False
) -> dict[str, Any] | None:
    """The quality report of the newest version, if it has one and this officer published it from a file: what
    is measured beside it tells its figures. Of rows that the officer never held, what everybody may know
    (`withheld_report`); unless what is measured is `read_by_nobody`."""
    latest = tx.execute(
        select(
            dataset_versions.c.number,
            dataset_versions.c.published_by,
            dataset_versions.c.publisher_held_rows,
        )
        .join(datasets, dataset_versions.c.dataset == datasets.c.name)
        .where(
            datasets.c.name == dataset,
            datasets.c.department == officer.organisation,
            dataset_versions.c.number == datasets.c.latest,
        )
    ).first()
    if latest is None:
        return None
    held = latest.published_by == officer.id and (latest.publisher_held_rows or read_by_nobody)
    if not held:
        return withheld_report(tx, dataset, latest.number, latest.published_by)
    return report_of(tx, dataset, latest.number)


def id_rule_of(tx: Transaction, policy: DatasetPolicy, repository: DatasetRepository) -> IdRule:
    """By which rule the ids of the next version are normalised."""
    return id_rule(policy, _published_before(tx, policy, repository))


def _published_before(
    tx: Transaction, policy: DatasetPolicy, repository: DatasetRepository
) -> DatasetPolicy | None:
    _refuse_ended(_require_own(tx, policy))
    return last_opened(tx, repository, policy.dataset)


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
    lineage: Lineage | None,
    automatic: Callable[[Transaction], object] | None,
    held_rows: bool,
    review: OpeningReview | None,
    opening: OpeningAnswers,
) -> tuple[Version, OpeningState | None]:
    with database.transaction() as tx:
        # again: a large file takes minutes
        decide_publish(gate, load_principal(tx, officer.id, hold=True), policy)
        _require_announced(tx, notice, repository, gate, policy, word)
        number = _next_number(tx, policy, repository)
        if automatic is not None:
            automatic(tx)
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
            lineage=lineage,
            publisher_held_rows=held_rows,
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
                # of derived rows nobody held a file, and a guess of them must not be recognised
                file_sha256=None if lineage else file_sha256,
                published_by=officer.id,
                published_at=version.published_at,
                notes=version.notes,
                lineage=lineage.record if lineage else None,
                publisher_held_rows=held_rows,
            )
        )
        owned(tx, stored.name)
        owned(tx, sorting_prefix(stored.name))
        if assessment:
            keep_report(tx, version.dataset, number, assessment.report)
        state = _opened_or_held(tx, repository, gate, populations, version, review, opening, word)
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
                    **_lineage_of(lineage),
                    **({"urgent": word.urgent.strip()} if word.urgent.strip() else {}),
                    **_opening_of(review, state),
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
            to=[notices.officers(policy.department)],
            about=f"dataset:{version.dataset}",
        )
    return version, state


def _opened_or_held(
    tx: Transaction,
    repository: DatasetRepository,
    gate: Gate,
    populations: dict[str, Population],
    version: Version,
    review: OpeningReview | None,
    opening: OpeningAnswers,
    word: PublishersWord,
) -> OpeningState | None:
    """The version is in use, unless its review waits for somebody."""
    state = None
    if review is not None:
        state = ask_review(
            tx,
            review,
            repository.opening,
            version,
            asked_by=version.published_by,
            answers=replace(opening, agreed_by=_live_officer(tx, opening.agreed_by, version.policy)),
            urgent=word.urgent.strip(),
        )
    if state is None or not state.held:
        put_in_use(tx, repository, gate.grades, populations, version.dataset, version.number)
    return state


def _live_officer(tx: Transaction, account: str | None, policy: DatasetPolicy) -> str | None:
    """Who agreed to the draft, if they are an officer of the department still."""
    if account is None:
        return None
    try:
        officer = load_principal(tx, account)
    except NotAuthenticated:
        return None
    own = officer.organisation == policy.department and "officer" in officer.roles
    return account if own else None


def _opening_of(review: OpeningReview | None, state: OpeningState | None) -> dict[str, object]:
    if review is None or state is None:
        return {}
    decision = "held" if state.held else "opened"
    return {"opening": {"review": state.id, "reasons": list(review.reasons), "decision": decision}}


def _steps_of(policy: DatasetPolicy) -> dict[str, object]:
    """What the log tells of the cleaning steps: their verbs, and a digest of all that they say."""
    if not policy.steps:
        return {}
    return {
        "steps": [step.verb for step in policy.steps],
        "steps_sha256": digest_of_steps(policy.steps),
    }


def _lineage_of(lineage: Lineage | None) -> dict[str, object]:
    """What the log tells of a derivation: the versions that it read, and a digest of its SQL."""
    if lineage is None:
        return {}
    return {"derived_from": [each.name for each in lineage.inputs], "derive_sha256": lineage.sql_sha256}


def _require_derived(policy: DatasetPolicy, lineage: Lineage | None) -> None:
    """Rows of a file are not published as derived ones. Raises `InvalidInput`."""
    if bool(policy.derive) != (lineage is not None):
        raise InvalidInput(
            f"The policy of {policy.dataset} derives its rows from other datasets: it takes no file.",
            code="derived_dataset",
            remedy="Use `cihu derive`, or POST /v1/derivations; or remove `derive` from the policy.",
            zh=f"{policy.dataset} 的策略由其他数据集派生，不接受文件。",
            remedy_zh="请使用 cihu derive 或 POST /v1/derivations；或从策略中去掉 derive。",
        )


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
        tx.execute(insert(datasets).values(name=policy.dataset, department=policy.department, latest=0))
        return 1
    if known.department != policy.department:
        raise _of_another(known)
    # by the last one that there was, though it was withdrawn: what was lost about its people goes on counting
    before = last_opened(tx, repository, policy.dataset)
    if before is not None:
        _refuse_other_people(before, policy)
    return last_number(tx, policy.dataset) + 1


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
    if known is not None and is_retired(known.retires_at):
        raise Conflict(
            f"{known.name} is retired, and gets no new version.",
            code="dataset_retired",
            remedy="Publish it under another name.",
            zh=f"{known.name} 已停用，不再发布新版本。",
            remedy_zh="请以其他名称发布。",
        )


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
            bool(policy.derive),  # the ids of derived rows are those of their inputs
        )
        for policy in (before, now)
    ]
    if said[0] != said[1]:
        raise Conflict(
            f"{now.dataset} was published with another population, unit or delta, or with other steps that "
            "make the ids of its people; or it was derived, and is not any more, or the reverse.",
            remedy="Keep them as they were, or publish it under another name.",
        )
