"""Finds what of each kind waits for an officer who may do it: what a named person can take on.

The same rules decide here as where it is done: the department, the gate, and that nobody is the second person
of their own work.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from sqlalchemy import ColumnElement, Row, Text, any_, cast, func, select, true
from sqlalchemy.dialects.postgresql import JSONB

from sandbox import notices
from sandbox.catalog.opening import WAITING as OPENING_WAITS
from sandbox.catalog.tables import opening_reviews, problem_reports
from sandbox.database import Transaction, array_of
from sandbox.demands.tables import demands
from sandbox.derivations.derivations import needs
from sandbox.derivations.tables import derivations
from sandbox.grants.model import RequestStatus
from sandbox.grants.tables import requests
from sandbox.identity import Principal
from sandbox.openings.openings import opening_document
from sandbox.oversight.risk_alerts import raised
from sandbox.oversight.risks import RiskContext
from sandbox.oversight.second_persons import OF_KIND
from sandbox.oversight.taken_on import WaitingThing
from sandbox.oversight.waiting_kinds import VaultKind
from sandbox.policy import Resource
from sandbox.pulls.pulls import last_attempts
from sandbox.pulls.tables import pulls
from sandbox.quality.permit import answerable
from sandbox.reviews.context import ReviewContext
from sandbox.reviews.read import list_reviews
from sandbox.reviews.views import has_voted

MOST = 10_000
THINGS_ALREADY = frozenset({"overdue_review", "overdue_opening", "overdue_problem"})
"""Risks of which the thing itself waits."""
OF_COMPETITIONS = frozenset({"competition", "appeal"})
KINDS: tuple[str, ...] = get_args(VaultKind)


@dataclass(frozen=True)
class VaultThings:
    """What waits in the vault."""

    risks: RiskContext
    reviews: ReviewContext

    def __call__(
        self, tx: Transaction, officer: Principal, kind: str, ids: Collection[str] | None
    ) -> Iterator[WaitingThing]:
        """Those of these ids, or all, that wait for the officer, who may do them."""
        if "officer" not in officer.roles or officer.kind != "person":
            return
        find = _FINDERS.get(kind, _second_persons)
        yield from (each for each in find(self, tx, officer, kind, ids) if ids is None or each.id in ids)


def _of_ids(column: ColumnElement[Any], ids: Collection[str] | None) -> ColumnElement[bool]:
    return true() if ids is None else cast(column, Text) == any_(array_of(ids))


def _requests(
    context: VaultThings, tx: Transaction, officer: Principal, kind: str, ids: Collection[str] | None
) -> Iterator[WaitingThing]:
    wanted = select(requests).where(
        requests.c.department == officer.organisation,
        requests.c.status == RequestStatus.ASKED.value,
        _of_ids(requests.c.id, ids),
    )
    rows = tx.execute(wanted).all()
    asked = [
        Resource("Request", str(row.id), {"department": row.department, "team": row.team}) for row in rows
    ]
    decisions = context.risks.facts.gate.decide_all(officer, "decide_request", asked)
    for row, decision in zip(rows, decisions, strict=True):
        if decision.allowed:
            object = f"request:{row.id}"
            yield WaitingThing(
                kind,
                str(row.id),
                row.department,
                f"{row.dataset} ← {row.team}",
                row.asked_at,
                object,
                object,
                _of(officer),
            )


def _reviews(
    context: VaultThings, tx: Transaction, officer: Principal, kind: str, ids: Collection[str] | None
) -> Iterator[WaitingThing]:
    """Also what the officer has voted on: reviewers are blind to each other."""
    for review, run in list_reviews(tx, context.risks.facts.gate, officer, limit=MOST, ids=ids):
        yield WaitingThing(
            kind,
            str(review.id),
            officer.organisation,
            f"{run.name} · {review.team}",
            review.requested_at,
            f"review:{review.id}",
            f"review:{review.id}",
            notices.ALL_OFFICERS,
            review.due_at,
            done=has_voted(review, officer),
        )


def _openings(
    context: VaultThings, tx: Transaction, officer: Principal, kind: str, ids: Collection[str] | None
) -> Iterator[WaitingThing]:
    """Where a question that is asked of the officer has no yes yet."""
    wanted = select(opening_reviews).where(
        opening_reviews.c.state == OPENING_WAITS,
        opening_reviews.c.department == officer.organisation,
        _of_ids(opening_reviews.c.id, ids),
    )
    for row in tx.execute(wanted):
        if any(item["yours"] and not item.get("yes") for item in opening_document(row, officer)["items"]):
            name, object = f"{row.dataset}@{row.number}", f"dataset:{row.dataset}@{row.number}"
            about = f"opening:{row.id}"
            yield WaitingThing(
                kind, str(row.id), row.department, name, row.asked_at, object, about, _of(officer), row.due_at
            )


def _problems(
    context: VaultThings, tx: Transaction, officer: Principal, kind: str, ids: Collection[str] | None
) -> Iterator[WaitingThing]:
    wanted = select(problem_reports).where(
        problem_reports.c.outcome.is_(None),
        problem_reports.c.department == officer.organisation,
        _of_ids(problem_reports.c.id, ids),
    )
    rows, gate = tx.execute(wanted).all(), context.risks.facts.gate
    allowed = answerable(gate, officer, [row.dataset for row in rows], officer.organisation)
    for row in rows:
        if row.dataset in allowed:
            object, about = f"dataset:{row.dataset}", f"problem:{row.id}"
            yield WaitingThing(
                kind,
                str(row.id),
                row.department,
                row.dataset,
                row.reported_at,
                object,
                about,
                _of(officer),
                row.due_at,
            )


def _demands(
    context: VaultThings, tx: Transaction, officer: Principal, kind: str, ids: Collection[str] | None
) -> Iterator[WaitingThing]:
    about = Resource("Demand", "open", {"department": officer.organisation})
    if not context.risks.facts.gate.decide(officer, "answer_demand", about).allowed:
        return
    wanted = select(demands).where(
        demands.c.state == "open",
        demands.c.department == officer.organisation,
        _of_ids(demands.c.id, ids),
    )
    for row in tx.execute(wanted):
        object = f"demand:{row.id}"
        yield WaitingThing(
            kind, str(row.id), row.department, row.title, row.asked_at, object, object, _of(officer)
        )


def _pulls(
    context: VaultThings, tx: Transaction, officer: Principal, kind: str, ids: Collection[str] | None
) -> Iterator[WaitingThing]:
    """Those that wait for a second officer, and those that failed or were suspended: any officer sets them
    anew."""
    wanted = select(pulls).where(
        pulls.c.department == officer.organisation,
        pulls.c.state == "waiting"
        if kind == "pull_to_agree"
        else pulls.c.state.not_in(("waiting", "removed")),
        _of_ids(pulls.c.dataset, ids),
    )
    rows = tx.execute(wanted).all()
    last = last_attempts(tx, [row.id for row in rows]) if kind == "pull_failed" else {}
    for row in rows:
        since = _to_agree(row, officer) if kind == "pull_to_agree" else _failed(row, last.get(row.id))
        if since is not None:
            object, about = f"dataset:{row.dataset}", f"pull:{row.dataset}"
            yield WaitingThing(
                kind, row.dataset, row.department, row.dataset, since, object, about, _of(officer)
            )


def _to_agree(row: Row[Any], officer: Principal) -> datetime | None:
    set_at: datetime = row.set_at
    return None if officer.id in row.makers else set_at


def _failed(row: Row[Any], last: Row[Any] | None) -> datetime | None:
    if row.state == "suspended" or (last is not None and last.outcome == "failed"):
        since: datetime = last.started_at if last is not None else row.set_at
        return since
    return None


def _derivations(
    context: VaultThings, tx: Transaction, officer: Principal, kind: str, ids: Collection[str] | None
) -> Iterator[WaitingThing]:
    mine = officer.organisation
    reads = derivations.c.inputs.contains(
        func.jsonb_build_array(func.jsonb_build_object("department", mine)).cast(JSONB)
    )
    wanted = select(derivations).where(
        derivations.c.state == "waiting", (derivations.c.department == mine) | reads
    )
    for row in tx.execute(wanted).all():
        missing = any(
            each["department"] == mine
            and officer.id not in each["agreed"]
            and len(each["agreed"]) < each["officers"]
            for each in needs(tx, row)
        )
        if missing and officer.id not in row.makers:
            object = f"dataset:{row.dataset}"
            yield WaitingThing(kind, row.dataset, mine, row.dataset, row.set_at, object, object, _of(officer))


def _second_persons(
    context: VaultThings, tx: Transaction, officer: Principal, kind: str, ids: Collection[str] | None
) -> Iterator[WaitingThing]:
    """What `second_persons.py` finds."""
    for each in OF_KIND[kind](tx, officer):
        noun = "competition" if kind in OF_COMPETITIONS else "dataset"
        object = f"{noun}:{each.name}"
        yield WaitingThing(
            kind, each.id, officer.organisation, each.name, each.since, object, object, _of(officer)
        )


def _risks(
    context: VaultThings, tx: Transaction, officer: Principal, kind: str, ids: Collection[str] | None
) -> Iterator[WaitingThing]:
    """What the risk watch told, and still finds when it looks: by the kind, the thing and its name."""
    mine = officer.organisation
    for each in raised(tx, context.risks, mine):
        if each.kind not in THINGS_ALREADY:
            id, about = f"{each.kind}:{each.subject}:{each.object}", f"risk:{mine}/{each.subject}"
            yield WaitingThing(
                kind, id, mine, each.object, each.raised_at, each.subject, about, _of(officer), each.due
            )


def _of(officer: Principal) -> str:
    return notices.officers(officer.organisation)


_FINDERS: Mapping[str, Callable[..., Iterator[WaitingThing]]] = {
    "request": _requests,
    "review": _reviews,
    "opening": _openings,
    "problem": _problems,
    "demand": _demands,
    "pull_to_agree": _pulls,
    "pull_failed": _pulls,
    "derivation": _derivations,
    "risk": _risks,
}
