"""Lists what waits for somebody, the most urgent first, and what changed for them: the start page.

    officer   orders, and what the vault says in one answer: requests, reviews, checklists, problems,
              demands, pulls, derivations, pushes, ends, competitions, appeals, what the risk watch found
    operator  orders, companies to verify
    team      runs that ended or came back, requests without an answer, announcements of its datasets
    company   offers to accept, invoices that are due

What waits has a deadline (policies/deadlines.yaml, or the vault's own) and somebody who is responsible:
whoever has taken it on, else a department. What cannot be read is said, and hides nothing else.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Literal
from urllib.parse import quote

from sqlalchemy import select

from marketplace.invoices.tables import invoices
from marketplace.licences.tables import licences
from marketplace.orders.tables import orders
from marketplace.portal.named_persons import TAKE_ON, NamedPersons
from marketplace.portal.vault_life import VaultLife
from marketplace.vault import Answer, Vault, listed
from sandbox.database import Database
from sandbox.errors import CihuError, Forbidden, NotFound
from sandbox.identity import Principal
from sandbox.oversight.deadlines import Deadlines
from sandbox.oversight.taken_on import waiting_list

Whose = Literal["all", "mine", "nobody"]
MOST_CHANGES = 10
RECENT = timedelta(days=14)
"""So long a run that ended waits for its author: what was never asked for is not wanted."""


@dataclass(frozen=True)
class Task:
    """Something that waits. `since`: when it began to wait; `due`: until when it should be done; `who` is
    responsible: a department, a company or a person. `risk`: the kind is one of the risk watch. `id`: by
    which somebody can take it on; empty where it is one person's alone. `named`: who has taken it on."""

    kind: str
    name: str
    link: str
    since: datetime | None = None
    due: datetime | None = None
    who: str = ""
    risk: bool = False
    id: str = ""
    named: Answer | None = None

    @property
    def key(self) -> tuple[str, str]:
        return ("risk" if self.risk else self.kind), self.id

    @property
    def page(self) -> str:
        """Where it is taken on, handed over and given back."""
        return "/waiting/" + "/".join(quote(each, safe="") for each in self.key)

    @property
    def overdue(self) -> bool:
        return self.due is not None and self.due < datetime.now(UTC)

    @property
    def order(self) -> tuple[bool, bool, datetime]:
        """What is late comes first, then what is a risk, then what waits longest."""
        return not self.overdue, not self.risk, self.since or self.due or datetime.now(UTC)


@dataclass(frozen=True)
class StartPage:
    """`own` waits for the reader, `others` for somebody else. `unread`: kinds that could not be read.
    `approved`: orders of the reader's company that others approved of late. `whose`: which of `own`
    are shown; None for those who take nothing on."""

    own: tuple[Task, ...]
    others: tuple[Task, ...]
    changes: tuple[Answer, ...]
    unread: tuple[str, ...]
    approved: tuple[Task, ...] = ()
    whose: Whose | None = None


DECIDED_AS = {"own_request": "request", "own_order": "order"}
"""What somebody waits for has the deadline of whoever decides."""
LINKS = {
    "request": "/queue/requests/{id}",
    "review": "/reviews/{id}",
    "opening": "/openings/{id}",
    "problem": "/problems",
    "demand": "/demands",
    "pull_to_agree": "/pulls",
    "pull_failed": "/pulls",
    "derivation": "/derivations",
    "order": "/queue",
    "company": "/companies",
    "risk": "/risks",
    "push": "/pushes/{name}/{id}",
    "push_credential": "/pushes?dataset={name}",
    "lifecycle_step": "/datasets/{name}/versions",
    "competition": "/competitions/{name}/manage",
    "appeal": "/competitions/{name}/manage#appeal-{id}",
}
NUMBERED = frozenset({"request", "problem", "order"})
"""Kinds whose number people name them by."""

Part = Callable[[], Iterable[Task]]
EndedRun = tuple[Answer, datetime, bool]
"""A run, when it ended, and whether its files are in review."""


def desk_of(
    person: Principal,
    vault: Vault,
    database: Database,
    deadlines: Deadlines,
    named: NamedPersons,
    whose: Whose = "all",
) -> StartPage:
    """The desk of a person, by their roles."""
    own, others, unread = list[Task](), list[Task](), list[str]()
    ended = cache(lambda: _ended_runs(person, vault))  # both parts read them
    for tasks, parts in (
        (own, _own_parts(person, vault, database, named, ended)),
        (others, _others(person, vault, database, ended)),
    ):
        for name, part in parts.items():
            try:
                tasks.extend(_dated(each, deadlines) for each in part())
            except Forbidden:
                pass  # nothing waits there for who may not read it
            except CihuError:
                unread.append(name)
    changes: list[Answer] = []
    try:
        changes = VaultLife(vault).my_announcements(person.id)[:MOST_CHANGES]
    except Forbidden:
        pass  # such as a company that is not verified yet
    except CihuError:
        unread.append("announcements")
    shown = [task for task in own if _is(task, person, whose)]
    ordered = [tuple(sorted(tasks, key=lambda task: task.order)) for tasks in (shown, others)]
    approved = _approved(person, database) if person.roles & {"buyer", "owner"} else ()
    return StartPage(
        ordered[0],
        ordered[1],
        tuple(changes),
        tuple(unread),
        tuple(approved),
        whose if TAKE_ON & person.roles else None,
    )


def _is(task: Task, person: Principal, whose: Whose) -> bool:
    """What nobody can take on is one person's alone: the reader's."""
    if whose == "mine":
        return not task.id or (task.named is not None and task.named["account"] == person.id)
    return whose == "all" or (bool(task.id) and task.named is None)


def link_of(kind: str, id: str, name: str) -> str:
    """The page where something that waits is done. Raises `NotFound`."""
    if kind not in LINKS:
        raise NotFound("There is no such kind of thing.", zh="没有此类事项。")
    return LINKS[kind].format(name=quote(name, safe=""), id=quote(id, safe=""))


def _dated(task: Task, deadlines: Deadlines) -> Task:
    """With the deadline of its kind, where it has none of its own."""
    kind = "risk" if task.risk else DECIDED_AS.get(task.kind, task.kind)
    return task if task.due else replace(task, due=deadlines.due(kind, task.since))


def _own_parts(
    person: Principal,
    vault: Vault,
    database: Database,
    named: NamedPersons,
    ended: Callable[[], Sequence[EndedRun]],
) -> dict[str, Part]:
    """What waits for the person, by the names that `unread` has."""
    parts: dict[str, Part] = {}
    if "officer" in person.roles:
        parts["waiting"] = lambda: _waiting(listed(vault.get(person.id, "/v1/waiting")))
    if TAKE_ON & person.roles:
        parts["orders"] = lambda: _waiting({**each} for each in waiting_list(named.market, person))
    if person.teams:
        parts["runs"] = lambda: _runs(ended)
    if person.roles & {"buyer", "owner"}:
        parts["offers"] = lambda: _offered(person, database)
    if person.roles & {"finance", "owner"}:
        parts["invoices"] = lambda: _invoices(person, database)
    return parts


def _others(
    person: Principal, vault: Vault, database: Database, ended: Callable[[], Sequence[EndedRun]]
) -> dict[str, Part]:
    """What others are to do for the person."""
    parts: dict[str, Part] = {}
    if person.teams:
        parts["own_requests"] = lambda: _own_requests(person, vault)
        parts["runs_in_review"] = lambda: _in_review(ended)
    if person.roles & {"buyer", "owner"}:
        parts["own_orders"] = lambda: _placed(person, database)
    return parts


def _own_requests(person: Principal, vault: Vault) -> Iterator[Task]:
    for each in vault.requests(person.id, status="asked"):
        if each["team"] in person.teams:
            name = f"#{each['id']} {each['dataset']}"
            yield Task("own_request", name, "/requests", moment_of(each["asked_at"]), who=each["department"])


def _waiting(found: Iterable[Answer]) -> Iterator[Task]:
    """What the vault or the market says that waits. A finding of the risk watch is known by its own kind."""
    for each in found:
        kind, id, name = each["kind"], each["id"], each["name"]
        risk = kind == "risk"
        yield Task(
            id.partition(":")[0] if risk else kind,
            f"#{id} {name}" if kind in NUMBERED else name,
            link_of(kind, id, name),
            moment_of(each["since"]),
            moment_of(each.get("due_at")),
            each["department"],
            risk=risk,
            id=id,
            named=each.get("taken_on"),
        )


def _runs(ended: Callable[[], Sequence[EndedRun]]) -> Iterator[Task]:
    for each, at, in_review in ended():
        if not in_review:
            yield Task(f"run_{each['state']}", each["name"], f"/runs/{each['id']}", at)


def _in_review(ended: Callable[[], Sequence[EndedRun]]) -> Iterator[Task]:
    """Runs of the person's whose files a reviewer is looking at."""
    for each, at, in_review in ended():
        if in_review:
            yield Task("run_in_review", each["name"], f"/runs/{each['id']}", at)


def _ended_runs(person: Principal, vault: Vault) -> list[EndedRun]:
    return [(each, at, _is_in_review(each, person, vault)) for each, at in _ended(person, vault)]


def _ended(person: Principal, vault: Vault) -> Iterator[tuple[Answer, datetime]]:
    """The person's runs that ended of late, and when."""
    for each in vault.runs(person.id):
        at = moment_of(each["told_at"] or each["ended_at"] or each["submitted_at"])
        mine = each["submitted_by"] == person.id and at is not None and at > datetime.now(UTC) - RECENT
        if mine and at and each["state"] in ("finished", "returned", "interrupted"):
            yield each, at


def _is_in_review(run: Answer, person: Principal, vault: Vault) -> bool:
    if run["state"] == "interrupted":
        return False
    asked = vault.run_release(person.id, str(run["id"]))
    return asked is not None and asked["state"] == "open"


def _offered(person: Principal, database: Database) -> list[Task]:
    return _orders_with(person, database, "offered", "offer", who=person.organisation)


def _placed(person: Principal, database: Database) -> list[Task]:
    return _orders_with(person, database, "placed", "own_order")


def _approved(person: Principal, database: Database) -> list[Task]:
    """The licences that came of orders, the newest first."""
    wanted = (
        select(orders.c.id, orders.c.product, orders.c.decided_at, licences.c.id.label("licence"))
        .join(licences, licences.c.order == orders.c.id)
        .where(
            orders.c.organisation == person.organisation,
            orders.c.status == "approved",
            orders.c.decided_at > datetime.now(UTC) - RECENT,
        )
        .order_by(orders.c.decided_at.desc())
        .limit(MOST_CHANGES)
    )
    with database.transaction() as tx:
        found = tx.execute(wanted).all()
    return [
        Task("approved", f"#{row.id} {row.product}", f"/licences/{row.licence}", row.decided_at)
        for row in found
    ]


def _orders_with(
    person: Principal, database: Database, status: str, kind: str, *, who: str = ""
) -> list[Task]:
    """`who`: the seller where it is not given. An offer waits since the seller made it."""
    wanted = select(orders).where(orders.c.organisation == person.organisation, orders.c.status == status)
    with database.transaction() as tx:
        found = tx.execute(wanted.order_by(orders.c.placed_at, orders.c.id)).all()
    return [
        Task(
            kind,
            f"#{row.id} {row.product}",
            f"/orders/{row.id}",
            row.decided_at or row.placed_at,
            who=who or row.department,
        )
        for row in found
    ]


def _invoices(person: Principal, database: Database) -> list[Task]:
    wanted = select(invoices).where(
        invoices.c.organisation == person.organisation, invoices.c.status == "final"
    )
    with database.transaction() as tx:
        found = tx.execute(wanted.order_by(invoices.c.id)).mappings().all()
    return [
        Task(
            "invoice",
            f"{row['department']} {row['month']}",
            f"/invoices/{row['id']}",
            due=row["due_at"],
            who=row["organisation"],
        )
        for row in found
    ]


def moment_of(text: Any) -> datetime | None:
    if isinstance(text, str):
        text = datetime.fromisoformat(text)
    if not isinstance(text, datetime):
        return None
    return text if text.tzinfo else text.replace(tzinfo=UTC)
