"""Shows what each cleaning step of a draft makes of some rows: the officer's own, or invented ones."""

from dataclasses import replace
from datetime import UTC, datetime

import pyarrow as pa

from sandbox.catalog.cleaner import Cleaner
from sandbox.catalog.cleaning_steps import MapValues
from sandbox.catalog.model import Column, DatasetPolicy, KeyValue, Role, Version
from sandbox.catalog.stand_in import stand_in
from sandbox.drafts.inspect_file import rows_document
from sandbox.drafts.schemas import StepPreviewDocument, StepsPreviewDocument
from sandbox.ingest import Source
from sandbox.ingest.read import first_rows

MOST_INVENTED = 1000


def own_rows(source: Source, policy: DatasetPolicy, count: int) -> pa.Table:
    """The first rows of the file by the policy's columns, in the file's order."""
    fields = [column.rules for column in policy.file_columns]
    return first_rows(source, fields, count, given=policy.file)


def invented_rows(policy: DatasetPolicy, officer: str, count: int) -> pa.Table:
    """Rows of the file's shape, made from the policy alone."""
    columns = tuple(_shown(column, policy) for column in policy.file_columns)
    shape = replace(
        policy, columns=columns, about_rows=min(max(policy.about_rows, count), MOST_INVENTED), steps=()
    )
    version = Version(policy.dataset, 0, shape, "", "", "0" * 64, officer, datetime.now(UTC))
    return stand_in(version).slice(0, count)


def preview(cleaner: Cleaner, table: pa.Table, policy: DatasetPolicy, *, own: bool) -> StepsPreviewDocument:
    """The rows before the steps, and after each of them; after the last one as they will be stored."""
    stored = [column.name for column in policy.stored_columns]
    return StepsPreviewDocument(
        rows="own" if own else "invented",
        before=rows_document(table),
        steps=[
            StepPreviewDocument(
                number=number,
                verb=done.step.verb,
                changed=done.cells,
                left_out=done.rows,
                after=rows_document(after.select(stored) if number == len(policy.steps) else after),
            )
            for number, (after, done) in enumerate(cleaner.preview(table, policy), start=1)
        ],
    )


def _shown(column: Column, policy: DatasetPolicy) -> Column:
    """A column of the file as it is invented: hidden ones are seen here, and have what a map lists."""
    role = Role.ATTRIBUTE if column.role is Role.HIDDEN else column.role
    listed: tuple[KeyValue, ...] = tuple(
        value
        for step in policy.steps
        if isinstance(step, MapValues) and step.column == column.name
        for value, _ in step.values
        if isinstance(value, str | int | bool)
    )
    return replace(column, role=role, values=listed or column.values)
