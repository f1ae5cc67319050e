"""Drafts: a policy that is written for an uploaded file, saved at every step, until it is published.

Each saved state is a revision. Whoever saves names the revision that they read: what somebody else saved
meanwhile is never lost. A second person agrees to one revision, and a later one needs them anew.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, func, insert, select, update

from sandbox.catalog.former_holders import former_holders
from sandbox.catalog.model import DatasetPolicy, Role, Version
from sandbox.catalog.notice import PublishersWord
from sandbox.catalog.opening import OpeningAnswers, last_opened, planned_review, with_items
from sandbox.catalog.opening_checks import look_at_policy
from sandbox.catalog.opening_reasons import grade_to_review
from sandbox.catalog.publish import Published, decide_publish, id_rule_of, last_report, publish
from sandbox.catalog.read_table import read_file
from sandbox.catalog.schemas import AskedItemDocument
from sandbox.catalog.stand_in import stand_in
from sandbox.catalog.tables import dataset_versions, datasets
from sandbox.database import Transaction
from sandbox.drafts.check_policy import check_policy, names_the_header
from sandbox.drafts.context import DraftContext
from sandbox.drafts.contract import ContractDocument, contract_of
from sandbox.drafts.draft_text import editable
from sandbox.drafts.edit_policy import edited
from sandbox.drafts.files import file_document, file_of, give_file, source_of
from sandbox.drafts.inspect_file import MOST_SHOWN_ROWS, inspect_file, rows_document
from sandbox.drafts.keep_decisions import decided_notes, keep_decisions, left_behind
from sandbox.drafts.pattern import Pattern
from sandbox.drafts.predict import predict
from sandbox.drafts.preview_steps import invented_rows, own_rows, preview
from sandbox.drafts.schemas import (
    ColumnShapeDocument,
    DraftDocument,
    DraftSummary,
    RevisionDocument,
    RowsDocument,
    StepsPreviewDocument,
)
from sandbox.drafts.suggest import Suggested, rounded_up
from sandbox.drafts.tables import draft_files, draft_revisions, drafts
from sandbox.errors import Conflict, InvalidInput, NotFound, Unavailable
from sandbox.identity import Principal
from sandbox.ingest import Rows
from sandbox.ingest.file_format import DETECTED, FileFormat
from sandbox.ingest.header import clean
from sandbox.memory_release import release_memory
from sandbox.policy import YamlText

RESTORE = "dropped_columns.restore"
DATASET = re.compile(r"^dataset:\s*\"?([\w.]+)", re.MULTILINE)


def create(
    context: DraftContext,
    officer: Principal,
    file: UUID,
    given: FileFormat,
    *,
    like: str | None = None,
    next_of: str | None = None,
) -> DraftDocument:
    """Inspect a file and suggest a policy for it; `like`: that of this dataset; `next_of`: it is the next
    version of this dataset, with all that was decided for the last one. Raises `InvalidInput` where the file
    cannot be read, and `NotFound` where the department has no such dataset."""
    _require_one_pattern(like, next_of)
    with context.database.transaction() as tx:
        row = file_of(tx, file, officer)
        pattern = _pattern(tx, like, next_of, officer)
    if given == DETECTED and pattern is not None:
        given = _built_as_before(context, pattern)
    suggested, shape = _inspected(context, officer, row, given, pattern)
    with context.database.transaction() as tx:
        id = tx.execute(
            insert(drafts)
            .values(
                file=file,
                state="open",
                department=officer.organisation,
                revision=1,
                shape=shape,
            )
            .returning(drafts.c.id)
        ).scalar_one()
        _add_revision(tx, id, 1, suggested.text, officer, "")
        return _document(context, tx, _row(tx, id, officer), officer)


def _built_as_before(context: DraftContext, pattern: Pattern) -> FileFormat:
    """As the pattern's file, but for the rows at the end: those are looked for in each file. That all rows of
    a dataset are data was decided for its next version, too."""
    file = context.repository.read_kept(pattern.policy).file
    return file if pattern.same and file.notes == 0 else replace(file, notes=None)


def _inspected(
    context: DraftContext,
    officer: Principal,
    file: Row[tuple[object, ...]],
    given: FileFormat,
    pattern: Pattern | None,
) -> tuple[Suggested, dict[str, Any]]:
    source = source_of(context.store, file, context.opened)
    try:
        with context.progress.work(file.id, "draft") as progress:
            return inspect_file(
                context, officer, source, file.name, given, pattern=pattern, progress=progress
            )
    finally:
        release_memory()


def _pattern(tx: Transaction, like: str | None, next_of: str | None, officer: Principal) -> Pattern | None:
    name = like or next_of
    return Pattern(name, policy_of_own(tx, name, officer)[1], same=next_of is not None) if name else None


def _require_one_pattern(like: str | None, next_of: str | None) -> None:
    if like is not None and next_of is not None:
        raise InvalidInput(
            "A draft is like another dataset, or the next version of it.",
            remedy="Give `like` or `next_of`.",
            zh="草稿或仿照其他数据集，或是其下一版本。",
            remedy_zh="请只填写 like 或 next_of 之一。",
        )


def export_contract(context: DraftContext, officer: Principal, name: str) -> ContractDocument:
    """The policy of a dataset of the officer's department as a contract. Raises `NotFound`."""
    with context.database.transaction() as tx:
        number, policy = policy_of_own(tx, name, officer)
        lineage = context.repository.version(tx, name.lower(), number).lineage
    document = YamlText(policy, None, what="The policy").document
    return contract_of(document, version=number, lineage=lineage)


def policy_of_own(tx: Transaction, name: str, officer: Principal) -> tuple[int, str]:
    """The number and the policy's text of the newest version of a dataset of the officer's department."""
    chosen = (
        select(dataset_versions.c.number, dataset_versions.c.policy)
        .join(datasets, dataset_versions.c.dataset == datasets.c.name)
        .where(
            dataset_versions.c.number == datasets.c.latest,
            datasets.c.name == name.lower(),
            datasets.c.department == officer.organisation,
        )
    )
    row = tx.execute(chosen).first() if name.isprintable() else None
    if row is None:
        raise NotFound(
            f"Your department has no dataset {name if name.isprintable() else ascii(name)}.",
            remedy="Name one that it has published: cihu datasets.",
            zh=f"您的部门没有数据集 {name if name.isprintable() else ascii(name)}。",
            remedy_zh="请填写本部门已发布的数据集。",
        )
    return int(row.number), str(row.policy)


def inspect_again(
    context: DraftContext,
    officer: Principal,
    id: int,
    revision: int,
    given: FileFormat,
    *,
    detect_notes: bool = False,
) -> DraftDocument:
    """Read the file in another way, and suggest the policy anew. What was decided stays, where it fits.
    `detect_notes`: whatever was decided, the rows at the end are looked for. Raises `InvalidInput` where the
    policy's text is not good enough to tell what was decided."""
    with context.database.transaction() as tx:
        row = _open(tx, id, officer, revision)
        stored = _own_file(tx, row, officer)
        pattern = _pattern(tx, row.shape.get("like"), row.shape.get("next_of"), officer)
        now = editable(_policy(tx, row))
        before = editable(row.shape.get("suggested") or _earlier_policies(tx, id)[-1])
    decided = None
    if given.notes is None and not detect_notes:
        decided = decided_notes(before, now, row.shape.get("notes_said"))
    if stays := decided is None or _same_sheet(given, now, row.shape):
        given = replace(given, notes=given.notes if decided is None else decided)
    suggested, shape = _inspected(context, officer, stored, given, pattern)
    shape["suggested"] = suggested.text
    if not stays:
        left_behind(suggested, "file.notes", str(decided))
    keep_decisions(suggested, before=before, now=now)
    shape["suggestions"] = [dict(suggestion) for suggestion in suggested.suggestions]
    with context.database.transaction() as tx:
        row = _open(tx, id, officer, revision, hold=True)
        tx.execute(update(drafts).where(drafts.c.id == id).values(shape=shape))
        row = _row(tx, id, officer)
        return _saved(context, tx, row, suggested.text, officer, "read again")


def _same_sheet(given: FileFormat, policy: Mapping[str, Any], shape: Mapping[str, Any]) -> bool:
    """Whether a workbook's sheet is the one that was read last; another one has an end of its own."""
    file = policy.get("file")
    if given.sheet is None:
        return not (isinstance(file, dict) and "sheet" in file)
    return bool(clean(given.sheet) == shape["format"].get("sheet"))


def save(
    context: DraftContext, officer: Principal, id: int, revision: int, policy: str, note: str
) -> DraftDocument:
    with context.database.transaction() as tx:
        return _saved(context, tx, _open(tx, id, officer, revision, hold=True), policy, officer, note)


def answer(
    context: DraftContext, officer: Principal, id: int, revision: int, changes: Mapping[str, Any]
) -> DraftDocument:
    """Change single values of the policy (`edit_policy.edited`)."""
    with context.database.transaction() as tx:
        row = _open(tx, id, officer, revision, hold=True)
        before = _earlier_policies(tx, id) if RESTORE in changes else ()
        text = edited(_policy(tx, row), changes, before=before)
        return _saved(context, tx, row, text, officer, ", ".join(changes)[:200])


def _earlier_policies(tx: Transaction, id: int) -> list[str]:
    """The texts of a draft's revisions, the newest first."""
    of = select(draft_revisions.c.policy).where(draft_revisions.c.draft == id)
    return list(tx.execute(of.order_by(draft_revisions.c.number.desc())).scalars())


def reassign(context: DraftContext, officer: Principal, id: int, to: Principal, note: str) -> DraftDocument:
    """Give a draft and its file to a colleague, who goes on with it."""
    if to.organisation != officer.organisation or "officer" not in to.roles:
        raise no_colleague(to.id)
    with context.database.transaction() as tx:
        row = _open(tx, id, officer, None, hold=True)
        give_file(tx, _own_file(tx, row, officer).id, to)
        return _saved(context, tx, row, _policy(tx, row), officer, f"handed to {to.id}. {note}".strip())


def no_colleague(account: str) -> InvalidInput:
    return InvalidInput(
        f"{account} is no officer of your department.",
        remedy="Name a colleague who publishes for it.",
        zh=f"{account} 不是本部门的数据专员。",
        remedy_zh="请填写本部门的数据专员。",
    )


def agree(context: DraftContext, officer: Principal, id: int, revision: int) -> DraftDocument:
    """A second officer of the department agrees to what stands there now."""
    with context.database.transaction() as tx:
        _open(tx, id, officer, revision, hold=True)
        if officer.id in _makers(tx, id):
            raise Conflict(
                "You wrote on this draft, or handed it over, so you cannot be its second person.",
                code="own_draft",
                remedy="Ask another officer of your department.",
                zh="您编写或移交了该草稿，不能作为复核人。",
                remedy_zh="请本部门另一位数据专员复核。",
            )
        tx.execute(update(drafts).where(drafts.c.id == id).values(second_person=officer.id))
        return _document(context, tx, _row(tx, id, officer), officer)


def _makers(tx: Transaction, id: int) -> frozenset[str]:
    """Who wrote on a draft, or handed it over."""
    wrote = tx.execute(select(draft_revisions.c.saved_by).where(draft_revisions.c.draft == id)).scalars()
    return frozenset(wrote) | former_holders(tx, "draft", id)


def publish_draft(
    context: DraftContext,
    officer: Principal,
    id: int,
    revision: int,
    word: PublishersWord = PublishersWord(),  # noqa: B008  # frozen
    confirmed: frozenset[str] = frozenset(),
) -> Published:
    """Publish the dataset, or a new version of it. `confirmed`: what the officer answers with yes of the
    review before it opens. Raises `InvalidInput` with what keeps it back."""
    with context.database.try_lock(f"draft:{id}"):  # two requests for one revision make one version
        return _publish(context, officer, id, revision, word, confirmed)


def _publish(
    context: DraftContext,
    officer: Principal,
    id: int,
    revision: int,
    word: PublishersWord,
    confirmed: frozenset[str],
) -> Published:
    with context.database.transaction() as tx:
        row = _open(tx, id, officer, revision)
        stored, text = _own_file(tx, row, officer), _policy(tx, row)
        makers = _makers(tx, id)
    policy = context.repository.read(text)
    decide_publish(context.gate, officer, policy)
    with context.database.transaction() as tx:
        needed = needs_second_person(context, tx, policy)
        before = last_opened(tx, context.repository, policy.dataset)
    if needed and not row.second_person:
        grade = grade_to_review(before, policy, context.gate.grades)
        raise Conflict(
            f"A dataset with data of grade {grade} is published by two officers.",
            code="second_person_needed",
            remedy="Let another officer of your department look at the draft and agree.",
            zh=f"含 {grade} 级数据的数据集须由两位数据专员发布。",
            remedy_zh="请本部门另一位数据专员查看草稿并同意。",
        )
    with context.progress.work(stored.id, "publish") as progress:
        done = publish(
            context.database,
            repository=context.repository,
            store=context.store,
            gate=context.gate,
            populations=context.populations,
            officer=officer,
            policy_text=text,
            body=source_of(context.store, stored, context.opened),
            sha256=stored.sha256,
            assess=context.assess,
            word=word,
            notice=context.notice,
            registered=partial(_mark_published, id),
            opening=OpeningAnswers(confirmed, row.second_person, makers),
            progress=progress,
        )
        if not done.held:
            # the version stands; what follows is loaded and measured for questions
            progress.step("measuring")
            context.published(officer, done.version)
    return done


def needs_second_person(context: DraftContext, tx: Transaction, policy: DatasetPolicy) -> bool:
    """By the grade that it has, or that it lowers."""
    grades = context.gate.grades
    if context.repository.opening.needs_second_person(grades, policy):
        return True
    review = planned_review(tx, context.repository, grades, policy)
    return review is not None and review.needs_second_person


def reopen_draft(tx: Transaction, dataset: str, number: int) -> None:
    """The draft of a version that was refused to open can be corrected and published again."""
    tx.execute(
        update(drafts)
        .where(
            drafts.c.published_dataset == dataset,
            drafts.c.published_version == number,
            drafts.c.state == "published",
        )
        .values(
            state="open",
            published_dataset=None,
            published_version=None,
            second_person=None,
            updated_at=func.now(),
        )
    )


def _mark_published(id: int, tx: Transaction, version: Version) -> None:
    tx.execute(
        update(drafts)
        .where(drafts.c.id == id)
        .values(
            state="published",
            published_dataset=version.dataset,
            published_version=version.number,
            updated_at=datetime.now(UTC),
        )
    )


def typed_rows(
    context: DraftContext, officer: Principal, id: int
) -> tuple[DatasetPolicy, Rows, dict[str, Any] | None]:
    """The rows of a draft's file as its policy reads them, for the officer whose file it is, and the quality
    report of the dataset's last version. Raises `InvalidInput` while the policy has faults."""
    with context.database.transaction() as tx:
        row = _open(tx, id, officer, None)
        stored, policy = _own_file(tx, row, officer), context.repository.read(_policy(tx, row))
        decide_publish(context.gate, officer, policy)
        ids, before = id_rule_of(tx, policy, context.repository), last_report(tx, policy.dataset, officer)
    cleaner = context.repository.cleaner
    # whoever drafts chooses the rows: with the published keys they could try values on pseudonyms
    rows = read_file(
        source_of(context.store, stored), policy, ids=ids, cleaner=cleaner and cleaner.with_one_time_keys()
    )
    return policy, rows, before


def drop(context: DraftContext, officer: Principal, id: int) -> None:
    with context.database.transaction() as tx:
        row = _open(tx, id, officer, None, hold=True)
        tx.execute(update(drafts).where(drafts.c.id == row.id).values(state="dropped"))


def read(context: DraftContext, officer: Principal, id: int) -> DraftDocument:
    with context.database.transaction() as tx:
        return _document(context, tx, _row(tx, id, officer), officer)


def list_drafts(context: DraftContext, officer: Principal) -> list[DraftSummary]:
    """The drafts of the officer's department, the newest first."""
    with context.database.transaction() as tx:
        rows = tx.execute(
            select(
                drafts,
                draft_files.c.name.label("file_name"),
                draft_files.c.uploaded_by,
                draft_revisions.c.policy,
            )
            .join(draft_files, draft_files.c.id == drafts.c.file)
            .join(
                draft_revisions,
                and_(draft_revisions.c.draft == drafts.c.id, draft_revisions.c.number == drafts.c.revision),
            )
            .where(drafts.c.department == officer.organisation, drafts.c.state != "dropped")
            .order_by(drafts.c.updated_at.desc())
        ).all()
        return [
            DraftSummary(
                id=row.id,
                state=row.state,
                dataset=row.published_dataset or _named(row.policy) or row.shape["dataset"],
                owner=row.uploaded_by,
                file=row.file_name,
                updated_at=row.updated_at,
            )
            for row in rows
        ]


def _as_the_policy_has_them(
    columns: list[dict[str, Any]], policy: DatasetPolicy | None
) -> list[ColumnShapeDocument]:
    """What was seen of each column, with the name, type, role and grade that it has now.
    A column that is dropped is left out."""
    if policy is None:
        return [ColumnShapeDocument(**column) for column in columns]  # type: ignore[typeddict-item]
    now = {column.rules.label: column for column in policy.file_columns}
    return [
        ColumnShapeDocument(
            **column  # type: ignore[typeddict-item]
            | {"name": of.name, "type": of.type.value, "role": of.role.value, "grade": of.grade}
        )
        for column in columns
        if (of := now.get(column["source"])) is not None
    ]


def _named(policy: str) -> str:
    """The dataset's name by the text of a policy that may have faults."""
    found = DATASET.search(policy)
    return found[1] if found else ""


def stand_in_rows(context: DraftContext, officer: Principal, id: int, count: int) -> RowsDocument:
    """Invented rows as analysts will see them. Raises `InvalidInput` while the policy has faults."""
    with context.database.transaction() as tx:
        policy = context.repository.read(_policy(tx, _row(tx, id, officer)))
    version = Version(policy.dataset, 0, policy, "", "", "0" * 64, officer.id, datetime.now(UTC))
    small = replace(version, policy=replace(policy, about_rows=min(max(policy.about_rows, count), 1000)))
    return rows_document(stand_in(small).slice(0, min(count, MOST_SHOWN_ROWS)))


def preview_steps(
    context: DraftContext, officer: Principal, id: int, count: int, *, own: bool
) -> StepsPreviewDocument:
    """What the cleaning steps make of the first rows: of the officer's own file, or of invented ones, which
    a colleague may see, too. Raises `InvalidInput` while the policy has faults."""
    with context.database.transaction() as tx:
        row = _row(tx, id, officer)
        stored = _own_file(tx, row, officer) if own else None
        text = _policy(tx, row)
    policy, cleaner = context.repository.read(text), context.repository.cleaner
    if cleaner is None:
        raise Unavailable(
            "Nothing here carries out cleaning steps.",
            remedy="Ask the operator.",
            zh="此处无法执行清洗步骤。",
            remedy_zh="请联系运营人员。",
        )
    count = min(count, MOST_SHOWN_ROWS)
    if stored is not None:
        rows = own_rows(source_of(context.store, stored), policy, count)
    else:
        rows = invented_rows(policy, officer.id, count)
    return preview(cleaner, rows, policy, own=own)


def _document(context: DraftContext, tx: Transaction, row: Row[Any], officer: Principal) -> DraftDocument:
    text, stored = _policy(tx, row), _file_row(tx, row)
    owns = stored.uploaded_by == officer.id
    policy, problems = check_policy(context, text, row.shape)
    file, form, columns = file_document(tx, stored, row.department), row.shape["format"], row.shape["columns"]
    if not owns:
        file |= {"sha256": "", "bytes": rounded_up(file["bytes"])}
        form = {name: value for name, value in form.items() if name != "sheets"}
        columns = [column | {"unfit": min(column["unfit"], 1)} for column in columns]
    document = DraftDocument(
        id=row.id,
        state=row.state,
        dataset=policy.dataset if policy else row.shape["dataset"],
        department=row.department,
        owner=stored.uploaded_by,
        file=file,
        format=form,
        rows=row.shape["rows"] if owns else rounded_up(max(row.shape["rows"], 1)),
        policy=text,
        revision=row.revision,
        revisions=[
            RevisionDocument(number=one.number, saved_by=one.saved_by, saved_at=one.saved_at, note=one.note)
            for one in tx.execute(
                select(draft_revisions)
                .where(draft_revisions.c.draft == row.id)
                .order_by(draft_revisions.c.number)
            )
        ],
        columns=_as_the_policy_has_them(columns, policy),
        suggestions=[
            suggestion for suggestion in row.shape["suggestions"] if owns or not suggestion["from_rows"]
        ],
        problems=problems,
        predictions=predict(policy) if policy else [],
        needs_second_person=policy is not None and needs_second_person(context, tx, policy),
        opening=_asked_items(context, tx, policy, row.shape["columns"]) if policy else [],
    )
    if row.second_person:
        document["second_person"] = row.second_person
    if row.published_version is not None:
        document["version"] = row.published_version
    return document


def _asked_items(
    context: DraftContext, tx: Transaction, policy: DatasetPolicy, shapes: list[dict[str, Any]]
) -> list[AskedItemDocument]:
    """What will be asked before the version opens, as far as the policy and what was seen in the file tell.
    The rows are looked at again as they are published."""
    grades, repository = context.gate.grades, context.repository
    review = planned_review(tx, repository, grades, policy)
    if review is None:
        return []
    held = {shape["source"] for shape in shapes if shape.get("identifier")}
    shown = [column for column in policy.columns if column.role not in (Role.HIDDEN, Role.UNIT)]
    found = look_at_policy(policy, repository.lists)
    found["identifiers"] = tuple(column.name for column in shown if column.rules.label in held)
    items = with_items(review, repository, grades, found).items
    return [AskedItemDocument(**item) for item in items]  # type: ignore[typeddict-item]  # as they are kept


def _saved(
    context: DraftContext, tx: Transaction, row: Row[Any], policy: str, officer: Principal, note: str
) -> DraftDocument:
    number = row.revision + 1
    _add_revision(tx, row.id, number, policy, officer, note)
    if row.shape["header_unsure"] and names_the_header(context, policy, row.shape):
        tx.execute(
            update(drafts).where(drafts.c.id == row.id).values(shape=row.shape | {"header_unsure": False})
        )
    tx.execute(
        update(drafts)
        .where(drafts.c.id == row.id)
        .values(revision=number, second_person=None, updated_at=func.now())
    )
    return _document(context, tx, _row(tx, row.id, officer), officer)


def _add_revision(tx: Transaction, id: int, number: int, policy: str, officer: Principal, note: str) -> None:
    tx.execute(
        insert(draft_revisions).values(
            draft=id, number=number, policy=policy, note=note[:500], saved_by=officer.id
        )
    )


def _policy(tx: Transaction, row: Row[Any]) -> str:
    return str(
        tx.execute(
            select(draft_revisions.c.policy).where(
                draft_revisions.c.draft == row.id, draft_revisions.c.number == row.revision
            )
        ).scalar_one()
    )


def _own_file(tx: Transaction, row: Row[Any], officer: Principal) -> Row[Any]:
    """The draft's file, for the officer whose it is. Raises `Conflict` for a colleague: whoever reads it
    in ways of their own choice learns what stands in it."""
    stored = _file_row(tx, row)
    if stored.uploaded_by != officer.id:
        raise Conflict(
            f"The file of this draft is {stored.uploaded_by}'s. Only they read it again, publish it or give "
            "it to others.",
            code="file_of_another",
            remedy=f"Ask {stored.uploaded_by} to do it, or to hand the draft over to you.",
            zh=f"该草稿的文件属于 {stored.uploaded_by}，只有其本人可重新读取、发布或转交。",
            remedy_zh=f"请由 {stored.uploaded_by} 操作，或请其把草稿转交给您。",
        )
    return stored


def _file_row(tx: Transaction, row: Row[Any]) -> Row[Any]:
    return tx.execute(select(draft_files).where(draft_files.c.id == row.file)).one()


def _row(tx: Transaction, id: int, officer: Principal, *, hold: bool = False) -> Row[Any]:
    """A draft of the officer's department. Raises `NotFound`, also for another department's, and `Conflict`
    for a colleague while the names of its columns may be a row of values."""
    chosen = select(drafts).where(drafts.c.id == id, drafts.c.department == officer.organisation)
    row = tx.execute(chosen.with_for_update() if hold else chosen).first()
    if row is None:
        raise NotFound(
            f"Your department has no draft {id}.",
            remedy="List those that it has: cihu drafts, or their page.",
            zh=f"您的部门没有草稿 {id}。",
            remedy_zh="可在草稿列表中查看。",
        )
    owner = _file_row(tx, row).uploaded_by
    if row.shape["header_unsure"] and owner != officer.id:
        raise Conflict(
            f"{owner} has still to confirm the row of the names.",
            code="header_unconfirmed",
            remedy="Ask them to say in which row of the file the names stand.",
            zh=f"{owner} 尚未确认列名所在的行。",
            remedy_zh="请其说明列名在文件的第几行。",
        )
    return row


def _open(
    tx: Transaction, id: int, officer: Principal, revision: int | None, *, hold: bool = False
) -> Row[Any]:
    """Raises `Conflict` unless the draft is open and stands at the revision that the caller read."""
    row = _row(tx, id, officer, hold=hold)
    if row.state != "open":
        raise Conflict(
            f"Draft {id} is {row.state}.",
            code="draft_closed",
            remedy="Upload the file again for a new version.",
            zh=f"草稿 {id} 已{'发布' if row.state == 'published' else '放弃'}。",
            remedy_zh="如需新版本，请重新上传文件。",
        )
    if revision is not None and revision != row.revision:
        raise Conflict(
            f"Draft {id} stands at revision {row.revision}; you read revision {revision}.",
            code="draft_changed",
            remedy="Read it again, and repeat your change.",
            zh=f"草稿 {id} 已是第 {row.revision} 版，您读取的是第 {revision} 版。",
            remedy_zh="请重新读取后再修改。",
        )
    return row
