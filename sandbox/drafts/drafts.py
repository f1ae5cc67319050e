"""Drafts: a policy that is written for an uploaded file, saved at every step, until it is published.

Each saved state is a revision. Whoever saves names the revision that they read: what somebody else saved
meanwhile is never lost. A second person agrees to one revision, and a later one needs them anew.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Row, func, insert, select, update

from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.catalog.model import DatasetPolicy, Version
from sandbox.catalog.populations import Population
from sandbox.catalog.publish import Published, decide_publish, publish
from sandbox.catalog.stand_in import stand_in
from sandbox.catalog.tables import datasets
from sandbox.database import Database, Transaction
from sandbox.drafts.edit_policy import edited
from sandbox.drafts.files import file_document, file_of, source_of
from sandbox.drafts.names import load_header_words
from sandbox.drafts.predict import predict
from sandbox.drafts.schemas import (
    DraftDocument,
    DraftSummary,
    FormatDocument,
    ProblemDocument,
    RevisionDocument,
    RowsDocument,
)
from sandbox.drafts.suggest import Rules, Suggested, rounded_up, suggest
from sandbox.drafts.tables import draft_files, draft_revisions, drafts
from sandbox.errors import Conflict, InvalidInput, NotFound
from sandbox.identity import Principal
from sandbox.ingest import FieldRules, Source, Type, open_file
from sandbox.ingest.code_lists import load_code_lists
from sandbox.ingest.csv_rows import CsvFile
from sandbox.ingest.excel_rows import ExcelFile
from sandbox.ingest.file_format import FileFormat, Format
from sandbox.ingest.inference import inspect
from sandbox.ingest.json_rows import JsonFile
from sandbox.ingest.parquet_rows import ParquetFile
from sandbox.ingest.read import File
from sandbox.ingest.recognition import load_identifier_rules
from sandbox.policy import Faulty, Gate, Resource
from sandbox.storage import RawStore

SECOND_PERSON_FROM = "4"
"""A dataset of this grade or a higher one is published by two officers."""
MOST_PROBLEMS = 20
MOST_SHOWN_ROWS = 100
NO_NAME = re.compile(r"\w+\.data(_[0-9]+)?")
LINE = re.compile(r"line (\d+): (.*)", re.DOTALL)


@dataclass(frozen=True)
class DraftContext:
    """What the operations on drafts work with. `published` is called with each new version."""

    database: Database
    repository: DatasetRepository
    gate: Gate
    store: RawStore
    policies: Path
    populations: dict[str, Population]
    published: Callable[[Principal, Version], None]

    @cached_property
    def rules(self) -> Rules:
        """A city that mounts its own policies flat (helm) may have no code lists: nothing is matched then."""
        codes = self.policies / "codes"
        return Rules(
            load_header_words(self.policies),
            load_identifier_rules(self.policies / "identifiers.yaml"),
            load_code_lists(codes) if codes.is_dir() else (),
        )

    def require_officer(self, officer: Principal) -> None:
        """Raises `Refused` for anybody who publishes no dataset of their organisation."""
        self.gate.require(
            officer,
            "publish",
            Resource("Dataset", "draft", {"department": officer.organisation, "grade": "2"}),
        )


def create(context: DraftContext, officer: Principal, file: UUID, given: FileFormat) -> DraftDocument:
    """Inspect a file and suggest a policy for it. Raises `InvalidInput` where it cannot be read."""
    with context.database.transaction() as tx:
        row = file_of(tx, file, officer)
    suggested, shape = _inspected(context, officer, source_of(context.store, row), row.name, given)
    with context.database.transaction() as tx:
        id = tx.execute(
            insert(drafts)
            .values(
                file=file,
                state="open",
                department=officer.organisation,
                owner=officer.id,
                revision=1,
                shape=shape,
            )
            .returning(drafts.c.id)
        ).scalar_one()
        _add_revision(tx, id, 1, suggested.text, officer, "")
        return _document(context, tx, _row(tx, id, officer))


def inspect_again(
    context: DraftContext, officer: Principal, id: int, revision: int, given: FileFormat
) -> DraftDocument:
    """Read the file in another way, and suggest the policy anew."""
    with context.database.transaction() as tx:
        row = _open(tx, id, officer, revision)
        stored = _file_row(tx, row)
    suggested, shape = _inspected(context, officer, source_of(context.store, stored), stored.name, given)
    with context.database.transaction() as tx:
        row = _open(tx, id, officer, revision, hold=True)
        tx.execute(update(drafts).where(drafts.c.id == id).values(shape=shape))
        return _saved(context, tx, row, suggested.text, officer, "read again")


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
        text = edited(_policy(tx, row), changes)
        return _saved(context, tx, row, text, officer, ", ".join(changes)[:200])


def reassign(context: DraftContext, officer: Principal, id: int, to: Principal, note: str) -> DraftDocument:
    """Give a draft to a colleague, who goes on with it. The rows stay with the officer who uploaded them."""
    if to.organisation != officer.organisation or "officer" not in to.roles:
        raise no_colleague(to.id)
    with context.database.transaction() as tx:
        row = _open(tx, id, officer, None, hold=True)
        tx.execute(update(drafts).where(drafts.c.id == id).values(owner=to.id))
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
        wrote = set(
            tx.execute(select(draft_revisions.c.saved_by).where(draft_revisions.c.draft == id)).scalars()
        )
        if officer.id in wrote:
            raise Conflict(
                "You wrote on this draft, so you cannot be its second person.",
                code="own_draft",
                remedy="Ask another officer of your department.",
                zh="您参与编写了该草稿，不能作为复核人。",
                remedy_zh="请本部门另一位数据专员复核。",
            )
        tx.execute(update(drafts).where(drafts.c.id == id).values(second_person=officer.id))
        return _document(context, tx, _row(tx, id, officer))


def publish_draft(context: DraftContext, officer: Principal, id: int, revision: int) -> Published:
    """Publish the dataset, or a new version of it. Raises `InvalidInput` with what keeps it back."""
    with context.database.transaction() as tx:
        row = _open(tx, id, officer, revision)
        stored, text = _file_row(tx, row), _policy(tx, row)
    policy = context.repository.read(text)
    decide_publish(context.gate, officer, policy)
    if _needs_second(context, policy) and not row.second_person:
        raise Conflict(
            f"A dataset of grade {policy.grade} is published by two officers.",
            code="second_person_needed",
            remedy="Let another officer of your department look at the draft and agree.",
            zh=f"{policy.grade} 级数据集须由两位数据专员发布。",
            remedy_zh="请本部门另一位数据专员查看草稿并同意。",
        )
    done = publish(
        context.database,
        repository=context.repository,
        store=context.store,
        gate=context.gate,
        populations=context.populations,
        officer=officer,
        policy_text=text,
        body=source_of(context.store, stored),
    )
    with context.database.transaction() as tx:
        tx.execute(
            update(drafts)
            .where(drafts.c.id == id)
            .values(
                state="published",
                published_dataset=done.version.dataset,
                published_version=done.version.number,
                updated_at=datetime.now(UTC),
            )
        )
    context.published(officer, done.version)
    return done


def drop(context: DraftContext, officer: Principal, id: int) -> None:
    with context.database.transaction() as tx:
        row = _open(tx, id, officer, None, hold=True)
        tx.execute(update(drafts).where(drafts.c.id == row.id).values(state="dropped"))


def read(context: DraftContext, officer: Principal, id: int) -> DraftDocument:
    with context.database.transaction() as tx:
        return _document(context, tx, _row(tx, id, officer))


def list_drafts(context: DraftContext, officer: Principal) -> list[DraftSummary]:
    """The drafts of the officer's department, the newest first."""
    with context.database.transaction() as tx:
        rows = tx.execute(
            select(drafts, draft_files.c.name.label("file_name"))
            .join(draft_files, draft_files.c.id == drafts.c.file)
            .where(drafts.c.department == officer.organisation, drafts.c.state != "dropped")
            .order_by(drafts.c.updated_at.desc())
        ).all()
        return [
            DraftSummary(
                id=row.id,
                state=row.state,
                dataset=row.published_dataset or row.shape["dataset"],
                owner=row.owner,
                file=row.file_name,
                updated_at=row.updated_at,
            )
            for row in rows
        ]


def stand_in_rows(context: DraftContext, officer: Principal, id: int, count: int) -> RowsDocument:
    """Invented rows as analysts will see them. Raises `InvalidInput` while the policy has faults."""
    with context.database.transaction() as tx:
        policy = context.repository.read(_policy(tx, _row(tx, id, officer)))
    version = Version(policy.dataset, 0, policy, "", "", "0" * 64, officer.id, datetime.now(UTC))
    small = replace(version, policy=replace(policy, about_rows=min(max(policy.about_rows, count), 1000)))
    return _rows_document(stand_in(small).slice(0, min(count, MOST_SHOWN_ROWS)))


def first_rows(
    context: DraftContext, officer: Principal, file: UUID, given: FileFormat, count: int
) -> RowsDocument:
    """The first rows of a file as they are read, for the officer who uploaded it."""
    with context.database.transaction() as tx:
        row = file_of(tx, file, officer)
    opened = open_file(source_of(context.store, row), given)
    labels = [label for label in opened.names if label not in getattr(opened, "nested", ())]
    fields = {label: FieldRules(label, Type.TEXT, source=label) for label in labels}
    batch = next(iter(opened.batches(fields)), None)
    if batch is None:
        return RowsDocument(columns=list(labels), rows=[])
    table = pa.Table.from_batches([batch.slice(0, min(count, MOST_SHOWN_ROWS))])
    return _rows_document(table)


def _rows_document(table: pa.Table) -> RowsDocument:
    columns = [
        [None if value is None else str(value)[:200] for value in column.to_pylist()]
        for column in table.columns
    ]
    return RowsDocument(
        columns=list(table.column_names), rows=[list(row) for row in zip(*columns, strict=True)]
    )


def _inspected(
    context: DraftContext, officer: Principal, source: Source, name: str, given: FileFormat
) -> tuple[Suggested, dict[str, Any]]:
    file = open_file(source, given)
    shapes = inspect(file)

    def rows_of_unit(label: str) -> int:
        return _rows_of_unit(open_file(source, given), label)

    suggested = suggest(
        shapes,
        context.rules,
        file_name=name,
        department=officer.organisation,
        rows_of_unit=rows_of_unit,
    )
    with context.database.transaction() as tx:
        suggested.policy["dataset"] = _own_name(tx, suggested.policy["dataset"])
    stated = _stated_format(given)
    if stated:
        suggested.policy["file"] = stated
    return suggested, {
        "dataset": suggested.policy["dataset"],
        "format": dict(format_document(file)),
        "rows": max((shape.rows for shape in shapes), default=0),
        "columns": [dict(column) for column in suggested.columns],
        "suggestions": [dict(suggestion) for suggestion in suggested.suggestions],
    }


def _own_name(tx: Transaction, name: str) -> str:
    """A file whose name has no letter that a dataset's can have is called `data`: so are others. Such a name
    must not make it a version of another file's dataset."""
    if not NO_NAME.fullmatch(name):
        return name
    taken = set(tx.execute(select(datasets.c.name)).scalars())
    return next(
        each for number in count(1) if (each := name if number == 1 else f"{name}_{number}") not in taken
    )


def _rows_of_unit(file: File, label: str) -> int:
    """How many rows a unit may have so that one row in a hundred is beyond, rounded up."""
    fields = {label: FieldRules(label, Type.TEXT, unit=True, source=label)}
    parts = [pc.cast(batch.column(0), pa.string()) for batch in file.batches(fields)]
    counted = pc.value_counts(pa.chunked_array(parts).drop_null()).field("counts").to_numpy()
    rows, most = int(counted.sum()), 1
    while rows and int((counted - most).clip(min=0).sum()) > rows / 100:
        most = rounded_up(most + 1)
    return most


def _stated_format(given: FileFormat) -> dict[str, Any]:
    """What the officer said of the file; the rest is detected anew for each version."""
    stated = {
        name: getattr(given, name)
        for name in ("encoding", "separator", "sheet", "header_row", "header_rows")
        if getattr(given, name) is not None
    }
    if given.format is not None:
        stated["format"] = given.format.value
    if given.notes:
        stated["notes"] = given.notes
    return stated


def format_document(file: File) -> FormatDocument:
    """How a file is built, as it was detected."""
    header = file.header
    document = FormatDocument(
        format=FORMATS[type(file)].value,
        header_row=header.first + 1 if header.rows else 0,
        header_rows=header.rows,
        columns=list(file.names),
    )
    match file:
        case CsvFile():
            document |= {
                "encoding": file.encoding.name,
                "damaged": file.encoding.damaged,
                "separator": file.separator,
            }
        case JsonFile():
            document |= {"encoding": file.encoding.name, "damaged": file.encoding.damaged}
        case ExcelFile():
            document |= {"sheet": file.sheet, "sheets": file.sheets}
    return document


FORMATS: dict[type[File], Format] = {
    CsvFile: Format.CSV,
    ExcelFile: Format.EXCEL,
    JsonFile: Format.JSON,
    ParquetFile: Format.PARQUET,
}


def _document(context: DraftContext, tx: Transaction, row: Row[Any]) -> DraftDocument:
    text = _policy(tx, row)
    policy, problems = checked(context, text, row.shape["columns"])
    document = DraftDocument(
        id=row.id,
        state=row.state,
        dataset=policy.dataset if policy else row.shape["dataset"],
        department=row.department,
        owner=row.owner,
        file=file_document(tx, _file_row(tx, row)),
        format=row.shape["format"],
        rows=row.shape["rows"],
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
        columns=row.shape["columns"],
        suggestions=row.shape["suggestions"],
        problems=problems,
        predictions=predict(policy) if policy else [],
        needs_second_person=policy is not None and _needs_second(context, policy),
    )
    if row.second_person:
        document["second_person"] = row.second_person
    if row.published_version is not None:
        document["version"] = row.published_version
    return document


def checked(
    context: DraftContext, text: str, columns: list[dict[str, Any]]
) -> tuple[DatasetPolicy | None, list[ProblemDocument]]:
    """The policy, or None; and all that keeps it from being published, at most `MOST_PROBLEMS` of them."""
    try:
        policy = context.repository.read(text)
    except InvalidInput as refused:
        faults = refused.faults if isinstance(refused, Faulty) else (refused,)
        problems = [_problem(fault) for fault in faults]
        if len(problems) > MOST_PROBLEMS:
            more = len(problems) - MOST_PROBLEMS
            problems = [
                *problems[:MOST_PROBLEMS],
                ProblemDocument(line=0, message=f"And {more} more.", remedy="Correct these first."),
            ]
        return None, problems
    unfit = {column["source"]: column["unfit"] for column in columns if column["unfit"]}
    lines = text.splitlines()
    problems = []
    for column in policy.file_columns:
        cells = unfit.get(column.rules.label, 0)
        if cells and column.unfit.value == "refuse" and column.type is not Type.TEXT:
            line = next(
                (n for n, line in enumerate(lines, 1) if line.strip().startswith(f"{column.name}:")), 1
            )
            problems.append(
                ProblemDocument(
                    line=line,
                    message=f"In {column.name}, {cells} cells do not fit the type {column.type.value}.",
                    remedy="Say what becomes of them: `unfit: empty` or `unfit: drop`; or make it a text.",
                    message_zh=f"栏目 {column.name} 有 {cells} 个单元格不符合类型。",
                    remedy_zh="请选择置空（unfit: empty）或去掉所在行（unfit: drop），或改为文本。",
                )
            )
    if policy.budget and policy.population not in context.populations:
        problems.append(
            ProblemDocument(
                line=1,
                message=f"The population {policy.population} has no budget.",
                remedy=f"Use one of {', '.join(context.populations)}.",
                message_zh=f"人群 {policy.population} 没有预算。",
                remedy_zh=f"可用：{'、'.join(context.populations)}。",
            )
        )
    return policy, problems[:MOST_PROBLEMS]


def _problem(fault: InvalidInput) -> ProblemDocument:
    found = LINE.search(fault.message)
    problem = ProblemDocument(
        line=int(found[1]) if found else 1,
        message=found[2] if found else fault.message,
        remedy=fault.remedy,
    )
    if fault.zh:
        problem |= {"message_zh": fault.zh, "remedy_zh": fault.remedy_zh}
    return problem


def _needs_second(context: DraftContext, policy: DatasetPolicy) -> bool:
    grades = context.gate.grades
    return grades.combine([policy.grade, SECOND_PERSON_FROM]) == policy.grade


def _saved(
    context: DraftContext, tx: Transaction, row: Row[Any], policy: str, officer: Principal, note: str
) -> DraftDocument:
    number = row.revision + 1
    _add_revision(tx, row.id, number, policy, officer, note)
    tx.execute(
        update(drafts)
        .where(drafts.c.id == row.id)
        .values(revision=number, second_person=None, updated_at=func.now())
    )
    return _document(context, tx, _row(tx, row.id, officer))


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


def _file_row(tx: Transaction, row: Row[Any]) -> Row[Any]:
    return tx.execute(select(draft_files).where(draft_files.c.id == row.file)).one()


def _row(tx: Transaction, id: int, officer: Principal, *, hold: bool = False) -> Row[Any]:
    """A draft of the officer's department. Raises `NotFound`, also for another department's."""
    chosen = select(drafts).where(drafts.c.id == id, drafts.c.department == officer.organisation)
    row = tx.execute(chosen.with_for_update() if hold else chosen).first()
    if row is None:
        raise NotFound(
            f"Your department has no draft {id}.",
            remedy="GET /v1/drafts lists those that it has.",
            zh=f"您的部门没有草稿 {id}。",
            remedy_zh="可在草稿列表中查看。",
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
