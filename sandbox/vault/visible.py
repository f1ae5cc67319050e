"""Says which things of the vault somebody may see now: by the same rule as the page or the list of each. For
notices: of what somebody may see no more, they are told nothing."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.exc import NoResultFound

from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.catalog.resource import dataset_resource
from sandbox.catalog.tables import opening_reviews, problem_reports
from sandbox.catalog.versions import seen_row
from sandbox.competitions.tables import competitions
from sandbox.database import Database, Transaction
from sandbox.demands.tables import demands
from sandbox.errors import CihuError
from sandbox.grants import load_grant, load_request
from sandbox.grants.read import may_see
from sandbox.identity import Principal
from sandbox.jobs import load_run
from sandbox.jobs.read import load_own_run
from sandbox.policy import Gate, Resource
from sandbox.pulls.tables import pulls
from sandbox.reviews.permit import may_review
from sandbox.reviews.read import load_review

LARGEST = 2**31 - 1


@dataclass(frozen=True)
class Sight:
    """What a rule needs: who looks, with which rules, in which transaction."""

    tx: Transaction
    person: Principal
    gate: Gate
    repository: DatasetRepository


def visible_things(
    database: Database, gate: Gate, repository: DatasetRepository, person: Principal, things: Iterable[str]
) -> list[str]:
    """Those of the things ("request:12", "dataset:schools", …) that the person may see, in their order. What
    is no thing, or there no more, is not visible."""
    with database.transaction() as tx:
        sight = Sight(tx, person, gate, repository)
        return [each for each in dict.fromkeys(things) if _visible(sight, each)]


def _visible(sight: Sight, thing: str) -> bool:
    noun, _, name = thing.partition(":")
    rule = RULES.get(noun)
    if rule is None or (noun in NUMBERED and not _is_number(name)):
        return False
    try:
        return rule(sight, name)
    except (CihuError, NoResultFound, ValueError):
        return False  # it is not there, or not for them


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdigit() and len(name) <= 10 and 0 < int(name) <= LARGEST


def _request(sight: Sight, name: str) -> bool:
    return may_see(sight.person, load_request(sight.tx, int(name)))


def _grant(sight: Sight, name: str) -> bool:
    return may_see(sight.person, load_grant(sight.tx, int(name)))


def _run(sight: Sight, name: str) -> bool:
    return bool(load_own_run(sight.tx, sight.person, UUID(name)))


def _review(sight: Sight, name: str) -> bool:
    review = load_review(sight.tx, UUID(name))
    return may_review(sight.tx, sight.gate, sight.person, review, load_run(sight.tx, review.run)).allowed


def _dataset(sight: Sight, name: str) -> bool:
    dataset = seen_row(sight.tx, sight.gate, sight.person, name)
    version = sight.repository.last(sight.tx, dataset.name)
    return sight.gate.decide(sight.person, "see", dataset_resource(version)).allowed


def _competition(sight: Sight, name: str) -> bool:
    row = sight.tx.execute(select(competitions).where(competitions.c.name == name)).one()
    return row.announced_at is not None or any(
        _is_officer_of(sight.person, each) for each in (row.department, *row.departments)
    )


def _problem(sight: Sight, name: str) -> bool:
    row = _one(sight, problem_reports, name)
    return row.reported_by == sight.person.id or _is_officer_of(sight.person, row.department)


def _opening(sight: Sight, name: str) -> bool:
    return _is_officer_of(sight.person, _one(sight, opening_reviews, name).department)


def _demand(sight: Sight, name: str) -> bool:
    """Everybody who is logged in may read the list."""
    return bool(_one(sight, demands, name))


def _pull(sight: Sight, name: str) -> bool:
    departments = sight.tx.scalars(select(pulls.c.department).where(pulls.c.dataset == name))
    return any(_is_officer_of(sight.person, each) for each in departments)


def _responsibility(sight: Sight, name: str) -> bool:
    """Its notice is for its person alone, and the page lists one's own."""
    return "officer" in sight.person.roles


def _risk(sight: Sight, name: str) -> bool:
    """Of the risk watch of a department, or of all."""
    about = Resource("Risks", "risks", {"department": name.partition("/")[0]})
    return sight.gate.decide(sight.person, "read_risks", about).allowed


def _one(sight: Sight, table: Any, name: str) -> Row[Any]:
    row = sight.tx.execute(select(table).where(table.c.id == int(name))).first()
    if row is None:
        raise ValueError(name)
    return row


def _is_officer_of(person: Principal, department: str) -> bool:
    return "officer" in person.roles and person.organisation == department


RULES: Mapping[str, Callable[[Sight, str], bool]] = {
    "request": _request,
    "grant": _grant,
    "run": _run,
    "review": _review,
    "dataset": _dataset,
    "competition": _competition,
    "problem": _problem,
    "opening": _opening,
    "demand": _demand,
    "pull": _pull,
    "responsibility": _responsibility,
    "risk": _risk,
}
NUMBERED = frozenset({"request", "grant", "problem", "opening", "demand", "responsibility"})
