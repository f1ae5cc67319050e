"""Keeps the text of a competition while an organiser still writes it: with its faults, after each step, for
all officers of the department.

It is no draft yet: nobody agrees to it. The draft is made of it by `competitions.write_draft`.
"""

from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from sandbox.competitions.context import CompetitionContext
from sandbox.competitions.schemas import CompetitionForm, CompetitionFormSummary
from sandbox.competitions.tables import competition_forms
from sandbox.database import Transaction
from sandbox.errors import Conflict, NotFound, TooMany
from sandbox.identity import Principal

MOST_FORMS = 100


def list_forms(context: CompetitionContext, officer: Principal) -> list[CompetitionFormSummary]:
    """Those of the officer's department, the newest first."""
    context.require_organiser(officer, "any", officer.organisation)
    wanted = (
        select(competition_forms)
        .where(competition_forms.c.department == officer.organisation)
        .order_by(competition_forms.c.changed_at.desc(), competition_forms.c.id.desc())
    )
    with context.database.transaction() as tx:
        return [_summary(row) for row in tx.execute(wanted).all()]


def begin(context: CompetitionContext, officer: Principal, text: str) -> CompetitionForm:
    """Keep a new text. Raises `TooMany` beyond what a department may have."""
    context.require_organiser(officer, "any", officer.organisation)
    department = officer.organisation
    with context.database.transaction() as tx:
        kept = select(func.count()).where(competition_forms.c.department == department)
        if (tx.scalar(kept) or 0) >= MOST_FORMS:
            raise TooMany(
                f"Your department keeps {MOST_FORMS} competitions that are being written.",
                code="too_many_competition_forms",
                remedy="Remove some of them first.",
                zh=f"本部门正在编写的大赛已达 {MOST_FORMS} 个。",
                remedy_zh="请先删除其中一些。",
            )
        return _shown(
            tx.execute(
                insert(competition_forms)
                .values(
                    department=department,
                    text=text,
                    revision=1,
                    changed_by=officer.id,
                    changed_at=context.clock(),
                )
                .returning(competition_forms)
            ).one()
        )


def read_form(context: CompetitionContext, officer: Principal, number: int) -> CompetitionForm:
    """Raises `NotFound`, also for another department's."""
    context.require_organiser(officer, "any", officer.organisation)
    with context.database.transaction() as tx:
        return _shown(_own(tx, officer, number))


def keep(
    context: CompetitionContext, officer: Principal, number: int, text: str, revision: int
) -> CompetitionForm:
    """Replace the text of a revision. Raises `NotFound`, `Conflict` where somebody changed it meanwhile."""
    context.require_organiser(officer, "any", officer.organisation)
    with context.database.transaction() as tx:
        row = _own(tx, officer, number, lock=True)
        if row.revision != revision:
            raise Conflict(
                f"{row.changed_by} has changed this meanwhile.",
                code="competition_form_changed",
                remedy="Read it again, and make your change in the new text.",
                zh=f"{row.changed_by} 已在此期间更改了内容。",
                remedy_zh="请重新打开，在新的内容上修改。",
            )
        return _shown(
            tx.execute(
                update(competition_forms)
                .where(competition_forms.c.id == number)
                .values(text=text, revision=revision + 1, changed_by=officer.id, changed_at=context.clock())
                .returning(competition_forms)
            ).one()
        )


def remove(context: CompetitionContext, officer: Principal, number: int) -> None:
    """Raises `NotFound`."""
    context.require_organiser(officer, "any", officer.organisation)
    with context.database.transaction() as tx:
        _own(tx, officer, number, lock=True)
        tx.execute(delete(competition_forms).where(competition_forms.c.id == number))


def _own(tx: Transaction, officer: Principal, number: int, *, lock: bool = False) -> Row[Any]:
    wanted = select(competition_forms).where(
        competition_forms.c.id == number, competition_forms.c.department == officer.organisation
    )
    row = tx.execute(wanted.with_for_update() if lock else wanted).first()
    if row is None:
        raise NotFound(
            f"Your department writes no competition {number}.",
            code="competition_form_not_found",
            remedy="List those that are being written.",
            zh=f"本部门没有编号为 {number} 的待完成大赛。",
            remedy_zh="可查看正在编写的大赛列表。",
        )
    return row


def _summary(row: Row[Any]) -> CompetitionFormSummary:
    return CompetitionFormSummary(
        number=row.id, revision=row.revision, changed_by=row.changed_by, changed_at=row.changed_at
    )


def _shown(row: Row[Any]) -> CompetitionForm:
    return CompetitionForm(
        number=row.id,
        revision=row.revision,
        changed_by=row.changed_by,
        changed_at=row.changed_at,
        text=row.text,
    )
