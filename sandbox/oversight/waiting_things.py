"""Finds what of each kind waits for an officer who may do it: what a named person can take on.

The same rules decide here as where it is done: the department, the gate, and that nobody is the second person
of their own work.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.dialects.postgresql import JSONB

from sandbox import notices
from sandbox.catalog.opening import WAITING as OPENING_WAITS
from sandbox.catalog.tables import opening_reviews, problem_reports
from sandbox.database import Transaction
from sandbox.demands.tables import demands
from sandbox.derivations.derivations import needs
from sandbox.derivations.tables import derivations
from sandbox.grants.model import RequestStatus
from sandbox.grants.tables import requests
from sandbox.identity import Principal
from sandbox.openings.openings import opening_document
from sandbox.oversight.risks import RiskContext, findings, note_told
from sandbox.oversight.taken_on import WaitingThing
from sandbox.oversight.waiting import OF_KIND
from sandbox.policy import Resource
from sandbox.pulls.pulls import last_attempt
from sandbox.pulls.tables import pulls
from sandbox.quality.permit import may_answer
from sandbox.reviews.context import ReviewContext
from sandbox.reviews.read import list_reviews

MOST = 10_000
THINGS_ALREADY = frozenset({"overdue_review", "overdue_opening", "overdue_problem"})
"""Risks of which the thing itself waits."""
OF_COMPETITIONS = frozenset({"competition", "appeal"})
KINDS = (
    "request",
    "review",
    "opening",
    "problem",
    "demand",
    "pull_to_agree",
    "pull_failed",
    "derivation",
    *OF_KIND,
    "risk",
)


@dataclass(frozen=True)
class VaultThings:
    """What waits in the vault."""

    risks: RiskContext
    reviews: ReviewContext

    def __call__(
        self, tx: Transaction, officer: Principal, kind: str, ids: Collection[str]
    ) -> Iterator[WaitingThing]:
        """Those of these ids that wait for the officer, who may do them."""
        if "officer" not in officer.roles or officer.kind != "person":
            return
        find = _FINDERS.get(kind, _second_persons)
        yield from (each for each in find(self, tx, officer, kind, ids) if each.id in ids)


def _requests(
    context: VaultThings, tx: Transaction, officer: Principal, kind: str, ids: Collection[str]
) -> Iterator[WaitingThing]:
    wanted = select(requests).where(
        requests.c.department == officer.organisation, requests.c.status == RequestStatus.ASKED.value
    )
    rows = [row for row in tx.execute(wanted) if str(row.id) in ids]
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
    context: VaultThings, tx: Transaction, officer: Principal, kind: str, ids: Collection[str]
) -> Iterator[WaitingThing]:
    for review, run in list_reviews(tx, context.risks.facts.gate, officer, limit=MOST):
        if str(review.id) in ids:  # whoever voted already, too: reviewers are blind to each other
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
            )


def _openings(
    context: VaultThings, tx: Transaction, officer: Principal, kind: str, ids: Collection[str]
) -> Iterator[WaitingThing]:
    """Where a question that is asked of the officer has no yes yet."""
    wanted = select(opening_reviews).where(
        opening_reviews.c.state == OPENING_WAITS, opening_reviews.c.department == officer.organisation
    )
    for row in tx.execute(wanted):
        if any(item["yours"] and not item.get("yes") for item in opening_document(row, officer)["items"]):
            name, object = f"{row.dataset}@{row.number}", f"dataset:{row.dataset}@{row.number}"
            about = f"opening:{row.id}"
            yield WaitingThing(
                kind, str(row.id), row.department, name, row.asked_at, object, about, _of(officer), row.due_at
            )


def _problems(
    context: VaultThings, tx: Transaction, officer: Principal, kind: str, ids: Collection[str]
) -> Iterator[WaitingThing]:
    wanted = select(problem_reports).where(
        problem_reports.c.outcome.is_(None), problem_reports.c.department == officer.organisation
    )
    for row in tx.execute(wanted):
        if may_answer(context.risks.facts.gate, officer, row.dataset, row.department):
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
    context: VaultThings, tx: Transaction, officer: Principal, kind: str, ids: Collection[str]
) -> Iterator[WaitingThing]:
    about = Resource("Demand", "open", {"department": officer.organisation})
    if not context.risks.facts.gate.decide(officer, "answer_demand", about).allowed:
        return
    wanted = select(demands).where(demands.c.state == "open", demands.c.department == officer.organisation)
    for row in tx.execute(wanted):
        object = f"demand:{row.id}"
        yield WaitingThing(
            kind, str(row.id), row.department, row.title, row.asked_at, object, object, _of(officer)
        )


def _pulls(
    context: VaultThings, tx: Transaction, officer: Principal, kind: str, ids: Collection[str]
) -> Iterator[WaitingThing]:
    """Those that wait for a second officer, and those that failed or were suspended: any officer sets them
    anew."""
    wanted = select(pulls).where(pulls.c.department == officer.organisation, pulls.c.state != "removed")
    for row in tx.execute(wanted).all():
        if row.dataset not in ids:
            continue
        since = _to_agree(row, officer) if kind == "pull_to_agree" else _failed(tx, row)
        if since is not None:
            object, about = f"dataset:{row.dataset}", f"pull:{row.dataset}"
            yield WaitingThing(
                kind, row.dataset, row.department, row.dataset, since, object, about, _of(officer)
            )


def _to_agree(row: Row[Any], officer: Principal) -> datetime | None:
    set_at: datetime = row.set_at
    return set_at if row.state == "waiting" and officer.id not in row.makers else None


def _failed(tx: Transaction, row: Row[Any]) -> datetime | None:
    if row.state == "waiting":
        return None
    last = last_attempt(tx, row.id)
    if row.state == "suspended" or (last is not None and last.outcome == "failed"):
        since: datetime = last.started_at if last is not None else row.set_at
        return since
    return None


def _derivations(
    context: VaultThings, tx: Transaction, officer: Principal, kind: str, ids: Collection[str]
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
    context: VaultThings, tx: Transaction, officer: Principal, kind: str, ids: Collection[str]
) -> Iterator[WaitingThing]:
    """What `waiting.py` lists."""
    for each in OF_KIND[kind](tx, officer):
        noun = "competition" if kind in OF_COMPETITIONS else "dataset"
        object = f"{noun}:{each['name']}"
        yield WaitingThing(
            kind, each["id"], officer.organisation, each["name"], each["since"], object, object, _of(officer)
        )


def _risks(
    context: VaultThings, tx: Transaction, officer: Principal, kind: str, ids: Collection[str]
) -> Iterator[WaitingThing]:
    """By the kind of finding, its thing and its name."""
    now, mine = datetime.now(UTC), officer.organisation
    for _, found in findings(tx, context.risks, [mine], now):
        note_told(tx, mine, found)
        for each in found:
            if each["kind"] not in THINGS_ALREADY:
                id = f"{each['kind']}:{each['subject']}:{each['object']}"
                about, since = f"risk:{mine}/{each['subject']}", each.get("told_at", now)
                yield WaitingThing(
                    kind, id, mine, each["object"], since, each["subject"], about, _of(officer)
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
