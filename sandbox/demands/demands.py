"""Makes, answers and lists demands. A demand is words of its asker; it gives no right to anything."""

from typing import Any, cast

from sqlalchemy import Row, func, insert, select, update

from sandbox import notices
from sandbox.audit import Event, append
from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.catalog.resource import require_seen
from sandbox.database import Database, Transaction
from sandbox.demands.schemas import DemandDocument, DemandState
from sandbox.demands.tables import demands
from sandbox.errors import InvalidInput, NotFound, TooMany
from sandbox.identity import Principal
from sandbox.identity.organisations import require_organisation
from sandbox.policy import Gate, Resource

MOST_OPEN = 20  # of one person
LISTED = 500


def make_demand(
    database: Database, gate: Gate, asker: Principal, *, title: str, purpose: str, department: str
) -> DemandDocument:
    """Ask a department for data that the catalogue has not. Raises `Refused`, `NotFound`, `TooMany`."""
    gate.require(asker, "make_demand", Resource("Demand", "new", {"department": department}))
    for what, what_zh, text in (("title", "标题", title), ("purpose", "用途", purpose)):
        if not text.strip():
            raise InvalidInput(
                f"The {what} is empty.",
                remedy="Say which data you need, and what for.",
                zh=f"{what_zh}为空。",
                remedy_zh="请说明需要什么数据、作何用途。",
            )
    with database.transaction() as tx:
        require_organisation(tx, department)
        waiting = select(func.count()).where(demands.c.asked_by == asker.id, demands.c.state == "open")
        if tx.execute(waiting).scalar_one() >= MOST_OPEN:
            raise TooMany(
                f"You have {MOST_OPEN} demands that are not answered yet.",
                code="too_many_demands",
                remedy="Wait for an answer.",
                zh=f"您已有 {MOST_OPEN} 项需求尚未答复。",
                remedy_zh="请等待答复。",
            )
        row = tx.execute(
            insert(demands)
            .values(
                title=title.strip(),
                purpose=purpose.strip(),
                department=department,
                state="open",
                asked_by=asker.id,
                organisation=asker.organisation,
            )
            .returning(demands)
        ).one()
        append(
            tx,
            Event(
                "demand.made",
                asker.id,
                f"demand:{row.id}",
                {"department": department, "title": title.strip()},
            ),
            to=[notices.officers(department)],
        )
    return _document(row)


def answer_demand(
    database: Database,
    repository: DatasetRepository,
    gate: Gate,
    officer: Principal,
    id: int,
    *,
    state: DemandState,
    answer: str,
    dataset: str | None,
) -> DemandDocument:
    """Answer a demand of one's department. It may be answered again: planned first, met later."""
    if (state == "met") != (dataset is not None):
        raise InvalidInput(
            "A demand that is met names the dataset that meets it, and no other does.",
            remedy="Give `dataset` with `met`.",
            zh="已满足的需求须指明相应的数据集，其他状态不填。",
            remedy_zh="请在“已满足”时填写数据集。",
        )
    with database.transaction() as tx:
        row = _row(tx, id)
    gate.require(officer, "answer_demand", Resource("Demand", str(id), {"department": row.department}))
    met_by = None
    if dataset is not None:
        version = repository.current(dataset)
        require_seen(gate, officer, version)
        met_by = version.dataset
    with database.transaction() as tx:
        row = tx.execute(
            update(demands)
            .where(demands.c.id == id)
            .values(
                state=state,
                answer=answer.strip(),
                dataset=met_by,
                answered_by=officer.id,
                answered_at=func.now(),
            )
            .returning(demands)
        ).one()
        append(
            tx,
            Event(
                "demand.answered",
                officer.id,
                f"demand:{id}",
                {"state": state, "answer": answer.strip(), "dataset": met_by},
            ),
            to=[notices.person(row.asked_by)],
        )
    return _document(row)


def list_demands(database: Database, *, department: str | None) -> list[DemandDocument]:
    """The newest first: everybody who is logged in may read the list."""
    query = select(demands).order_by(demands.c.id.desc()).limit(LISTED)
    with database.transaction() as tx:
        rows = tx.execute(query if department is None else query.where(demands.c.department == department))
        return [_document(row) for row in rows]


def _row(tx: Transaction, id: int) -> Row[Any]:
    row = tx.execute(select(demands).where(demands.c.id == id).with_for_update()).first()
    if row is None:
        raise NotFound(
            f"There is no demand {id}.",
            remedy="Look at the demand list: cihu demands, or its page.",
            zh=f"没有需求 {id}。",
            remedy_zh="可在需求清单中查看。",
        )
    return row


def _document(row: Row[Any]) -> DemandDocument:
    return cast("DemandDocument", dict(row._mapping))
