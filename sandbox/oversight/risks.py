"""Looks for what is out of the ordinary: budgets that end early, refused attempts, many questions, what is
overdue, and teams near a limit.

Everything comes from the ledger, the log and the tables of what people did. Nothing is read of rows, of
answers or of files in quarantine, so that nothing shows here that was not paid for.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, Select, and_, any_, func, or_, select, text
from sqlalchemy.dialects.postgresql import distinct_on

from sandbox.audit.listing import first_index_at
from sandbox.audit.tables import entries, openings
from sandbox.budgets import Account, Level, Statement, statements
from sandbox.budgets.ledger import as_statement
from sandbox.budgets.tables import accounts
from sandbox.catalog.dataset_index import indexed, refresh_index
from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.catalog.opening import WAITING as OPENING_WAITS
from sandbox.catalog.tables import dataset_index, opening_reviews, problem_reports
from sandbox.database import Transaction, array_of, numbers_of
from sandbox.disclosure.taxonomy import Taxonomy
from sandbox.grants.model import MARKETPLACE, GrantStatus, account_key
from sandbox.grants.read import LARGEST_NUMBER
from sandbox.grants.tables import grants
from sandbox.identity import Principal
from sandbox.identity.tables import team_members
from sandbox.jobs.tables import runs
from sandbox.oversight.request_facts import OversightContext
from sandbox.oversight.risk_limits import RiskLimits
from sandbox.oversight.schemas import RiskFinding, RiskKind, RisksDocument
from sandbox.oversight.tables import EVERYWHERE, risk_alerts
from sandbox.policy import Resource
from sandbox.releases.tables import questions
from sandbox.reviews.capacity_ledger import capacities_told
from sandbox.reviews.model import WAITING
from sandbox.reviews.tables import reviews

UPDATE_DAYS = {"daily": 1, "weekly": 7, "monthly": 31, "quarterly": 92, "half_yearly": 184, "yearly": 366}
"""By `catalogue.updates` of a policy: within so many days a new version should come."""
GRACE = 1.5
"""A version is overdue when one and a half times its period are over: a holiday is no finding."""


Pair = tuple[str, str]
"""A team, and a department that it works with."""


@dataclass(frozen=True)
class RiskContext:
    """What the risk watch works with."""

    facts: OversightContext
    limits: RiskLimits
    taxonomy: Taxonomy


class LiveGrant(NamedTuple):
    """What the watch needs of a grant."""

    id: int
    team: str
    dataset: str
    department: str
    approved_at: datetime
    until: datetime


@dataclass(frozen=True)
class Scope:
    """What whoever looks may see: `department`, or everything where it is None, with its live grants.
    `refusals`: of the window, of all teams with all departments."""

    repository: DatasetRepository
    department: str | None
    grants: tuple[LiveGrant, ...]
    refusals: Mapping[Pair, int]
    now: datetime

    def datasets(self, query: Select[Any]) -> Select[Any]:
        """A query of the index, of the datasets that may be seen."""
        found = indexed(self.repository, query)
        own = self.department is None
        return found if own else found.where(dataset_index.c.department == self.department)

    def has(self, department: str) -> bool:
        return self.department is None or department == self.department

    @property
    def teams(self) -> list[str]:
        return sorted({grant.team for grant in self.grants if grant.team != MARKETPLACE})


def risks(context: RiskContext, asker: Principal, *, now: datetime | None = None) -> RisksDocument:
    """What is out of the ordinary: for officers of their department, for auditors everywhere. Raises
    `Forbidden`."""
    everywhere = "auditor" in asker.roles
    about = Resource("Risks", "risks", {"department": asker.organisation})
    context.facts.gate.require(asker, "read_risks", about)
    now = now or datetime.now(UTC)
    department = None if everywhere else asker.organisation
    refresh_index(context.facts.repository)
    with context.facts.database.transaction() as tx:
        found = [finding for _, each in findings(tx, context, [department], now) for finding in each]
        note_told(tx, department or EVERYWHERE, found)
    document = RisksDocument(as_of=now, limits=asdict(context.limits), findings=found)  # type: ignore[typeddict-item]
    return document if department is None else document | {"department": department}


def note_told(tx: Transaction, scope: str, found: Iterable[RiskFinding]) -> None:
    told = {
        (row.kind, row.department, row.subject, row.object): row.raised_at
        for row in tx.execute(select(risk_alerts).where(risk_alerts.c.scope == scope))
    }
    for each in found:
        key = each["kind"], each["department"], each["subject"], each["object"]
        if key in told:
            each["told_at"] = told[key]


def findings(
    tx: Transaction, context: RiskContext, departments: Iterable[str | None], now: datetime
) -> Iterator[tuple[str | None, list[RiskFinding]]]:
    """What is out of the ordinary for each of these departments, and everywhere for None. The index of the
    datasets is as it was refreshed."""
    repository, limits = context.facts.repository, context.limits
    departments = list(departments)
    wanted = select(*(grants.c[name] for name in LiveGrant._fields)).where(*_live(now))
    if None not in departments:
        wanted = wanted.where(grants.c.department == any_(array_of([each for each in departments if each])))
    live = [LiveGrant(*row) for row in tx.execute(wanted)]
    refusals = Counter[Pair]()
    for pair, times in _refusals(tx, repository, now, now - timedelta(days=limits.window_days)):
        refusals[pair] += times
    for department in departments:
        own = tuple(grant for grant in live if department is None or grant.department == department)
        scope = Scope(repository, department, own, refusals, now)
        yield (
            department,
            [
                *_burn(tx, scope, limits),
                *_promised(tx, scope, limits),
                *_refused(scope, limits),
                *_many_questions(tx, scope, limits),
                *_near_capacity(tx, scope, context),
                *_overdue_reviews(tx, scope),
                *_overdue_openings(tx, scope),
                *_overdue_problems(tx, scope),
                *_overdue_updates(tx, scope),
            ],
        )


def _live(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return grants.c.status == GrantStatus.LIVE.value, grants.c.until > now


def _found(
    kind: RiskKind,
    subject: str,
    object: str,
    department: str,
    *,
    value: float | None = None,
    limit: float | None = None,
    since: datetime | None = None,
) -> RiskFinding:
    finding = RiskFinding(kind=kind, subject=subject, object=object, department=department)
    if value is not None:
        finding["value"] = round(value, 2)
    if limit is not None:
        finding["limit"] = limit
    if since is not None:
        finding["since"] = since
    return finding


def _burn(tx: Transaction, scope: Scope, limits: RiskLimits) -> Iterator[RiskFinding]:
    """Grants whose budget would be used up before their date, at the rate since they were approved. Grants of
    a team on a dataset share an account: the first of them stands for it."""
    used_up = 100 * accounts.c.picorho_spent >= limits.burn_percent * accounts.c.picorho_limit
    rows = tx.execute(select(accounts).where(accounts.c.level == Level.GRANT.value, used_up)).all()
    known = {row.key: as_statement(Account(Level.GRANT, row.key), row) for row in rows}
    first: dict[str, LiveGrant] = {}
    for grant in sorted(scope.grants if known else ()):
        if (key := account_key(grant.team, grant.dataset, grant.id)) in known:
            first.setdefault(key, grant)
    for key, grant in first.items():
        used = known[key].percent_used
        passed = scope.now - grant.approved_at
        if used < limits.burn_percent or passed <= timedelta(0):
            continue
        ends = grant.approved_at + passed * (100 / used)
        if ends < grant.until:
            name = f"{grant.team} → {grant.dataset}"
            yield _found(
                "budget_burn", f"grant:{grant.id}", name, grant.department, value=used, limit=100, since=ends
            )


def _promised(tx: Transaction, scope: Scope, limits: RiskLimits) -> Iterator[RiskFinding]:
    """Datasets and populations of whose budget little is left to promise."""
    index = dataset_index.c
    owners = {(Level.DATASET, row.dataset): row.department for row in _nearly_promised(tx, scope, limits)}
    rows = tx.execute(
        scope.datasets(select(index.population, index.department))
        .where(index.budget.is_not(None))
        .ext(distinct_on(index.population))
        .order_by(index.population, index.dataset.desc())
    )
    owners |= {(Level.POPULATION, row.population): row.department for row in rows}
    watched = {Account(level, key): department for (level, key), department in owners.items()}
    known = statements(tx, watched)
    for account, department in sorted(watched.items(), key=lambda pair: (pair[0].level, pair[0].key)):
        taken = _taken_percent(known[account])
        if taken >= limits.promised_percent:
            subject = f"{account.level.value}:{account.key}"
            yield _found(
                "budget_promised",
                subject,
                account.key,
                department,
                value=taken,
                limit=limits.promised_percent,
            )


def _nearly_promised(tx: Transaction, scope: Scope, limits: RiskLimits) -> Sequence[Row[Any]]:
    """The datasets of whose budget so much is taken, by the same reckoning as `_taken_percent`."""
    index, taken = dataset_index.c, accounts.c.picorho_spent + accounts.c.picorho_held
    own = and_(accounts.c.level == Level.DATASET.value, accounts.c.key == index.dataset)
    least = limits.promised_percent * func.greatest(1, accounts.c.picorho_limit)
    seen = scope.datasets(select(index.dataset, index.department)).where(index.budget.is_not(None))
    return tx.execute(seen.join(accounts, own).where(100 * taken >= least)).all()


def _taken_percent(standing: Statement) -> float:
    limit = max(1, standing.limit.picorho)
    return 100 * (standing.spent.picorho + standing.held.picorho) / limit


def _refused(scope: Scope, limits: RiskLimits) -> Iterator[RiskFinding]:
    """Teams whose members were refused often in their work for a department: questions before any data was
    touched, and deeds by a policy."""
    pairs = {(grant.team, grant.department) for grant in scope.grants if grant.team != MARKETPLACE}
    for team, department in sorted(pairs):
        if (count := scope.refusals.get((team, department), 0)) >= limits.refused_attempts:
            yield _found(
                "refused_attempts",
                f"team:{team}",
                team,
                department,
                value=count,
                limit=limits.refused_attempts,
            )


def _refusals(
    tx: Transaction, repository: DatasetRepository, now: datetime, since: datetime
) -> Iterator[tuple[Pair, int]]:
    """Numbers of refusals, each number with the team and the department that they belong to: of the grant
    that the refusal names, or the only ones that its person works for. Others are of no team."""
    rows = tx.execute(
        select(
            text("(content::jsonb ->> 'actor') AS actor"),
            text("(content::jsonb ->> 'subject') AS subject"),
            text("(content::jsonb -> 'payload' ->> 'grant') AS named"),
            func.count().label("times"),
        )
        .select_from(entries.join(openings, openings.c.index == entries.c.index))
        .where(text("(entry::jsonb ->> 'kind') IN ('query.refused', 'decision.refused')"))
        .where(entries.c.index >= first_index_at(tx, since))
        .group_by(text("actor"), text("subject"), text("named"))
    ).all()
    if not rows:
        return
    members: dict[str, set[str]] = {}
    for account, team in tx.execute(
        select(team_members.c.account, team_members.c.team).where(
            team_members.c.account.in_({row.actor for row in rows})
        )
    ):
        members.setdefault(account, set()).add(team)
    of_grant = {f"grant:{row.id}": (row.team, row.department) for row in _named_grants(tx, rows)}
    pairs = select(grants.c.team, grants.c.department).distinct().where(*_live(now))
    of_members = {team for teams in members.values() for team in teams}
    live = tx.execute(pairs.where(grants.c.team == any_(array_of(of_members)))).all()
    departments = _departments_of(tx, repository, {row.subject.removeprefix("dataset:") for row in rows})
    for row in rows:
        teams = members.get(row.actor, set())
        named = of_grant.get(row.subject) or of_grant.get(f"grant:{row.named}")
        if named is not None and named[0] in teams:
            yield named, row.times
            continue
        department = departments.get(row.subject.removeprefix("dataset:"))
        works_for = {
            (grant.team, grant.department)
            for grant in live
            if grant.team in teams and department in (None, grant.department)
        }
        if len(works_for) == 1:
            yield works_for.pop(), row.times


def _named_grants(tx: Transaction, refusals: Iterable[Row[Any]]) -> Iterator[Any]:
    """The grants that these refusals name, as their subject or beside it."""
    named = {row.subject.removeprefix("grant:") for row in refusals} | {row.named for row in refusals}
    ids = {int(each) for each in named if each and each.isascii() and each.isdigit() and len(each) <= 10}
    wanted = numbers_of([id for id in ids if id <= LARGEST_NUMBER])
    yield from tx.execute(
        select(grants.c.id, grants.c.team, grants.c.department).where(grants.c.id == any_(wanted))
    )


def _departments_of(tx: Transaction, repository: DatasetRepository, names: Collection[str]) -> dict[str, str]:
    """The departments of those of these datasets that are offered."""
    index = dataset_index.c
    wanted = indexed(repository, select(index.dataset, index.department)).where(
        index.dataset == any_(array_of(names))
    )
    return {row.dataset: row.department for row in tx.execute(wanted)}


def _many_questions(tx: Transaction, scope: Scope, limits: RiskLimits) -> Iterator[RiskFinding]:
    """Teams that asked many times their own average in the last 24 hours, of the grants that are seen."""
    day = scope.now - timedelta(days=1)
    since = scope.now - timedelta(days=limits.window_days)
    of_grants = {grant.id: grant.team for grant in scope.grants if grant.team != MARKETPLACE}
    rows = tx.execute(
        select(
            questions.c.grant,
            func.count().filter(questions.c.asked_at > day).label("last"),
            func.count().filter(questions.c.asked_at <= day).label("before"),
        )
        .where(questions.c.grant == any_(numbers_of(of_grants)), questions.c.asked_at > since)
        .group_by(questions.c.grant)
    )
    last, before = Counter[str](), Counter[str]()
    for row in rows:
        last[of_grants[row.grant]] += row.last
        before[of_grants[row.grant]] += row.before
    for team, asked in sorted(last.items()):
        usual = limits.questions_factor * before[team] / (limits.window_days - 1)
        if asked >= limits.questions_least and asked > usual:
            most = max(float(limits.questions_least), round(usual, 1))
            yield _found(
                "many_questions", f"team:{team}", team, _department(scope, team), value=asked, limit=most
            )


def _near_capacity(tx: Transaction, scope: Scope, context: RiskContext) -> Iterator[RiskFinding]:
    """Teams that reviews and boards could have told almost as much as the limit of a grade allows."""
    share = context.limits.capacity_percent
    for (team, grade), told in sorted(capacities_told(tx, context.taxonomy, scope.teams).items()):
        shares = [
            100 * spent / limit
            for spent, limit in ((told.bits, told.limit_bits), (told.files, told.limit_files))
            if limit
        ]
        if shares and max(shares) >= share:
            yield _found(
                "near_capacity",
                f"team:{team}",
                f"{team} · {grade}",
                _department(scope, team),
                value=max(shares),
                limit=share,
            )


def _overdue_reviews(tx: Transaction, scope: Scope) -> Iterator[RiskFinding]:
    rows = tx.execute(
        select(reviews.c.id, reviews.c.due_at, reviews.c.team, runs.c.inputs)
        .join(runs, runs.c.id == reviews.c.run)
        .where(reviews.c.state.in_([state.value for state in WAITING]), reviews.c.due_at < scope.now)
        .order_by(reviews.c.due_at)
    ).all()
    read_by = {read["dataset"] for row in rows for read in row.inputs}
    departments = _departments_of(tx, scope.repository, read_by)
    seen = {name: department for name, department in departments.items() if scope.has(department)}
    for row in rows:
        own = sorted({seen[read["dataset"]] for read in row.inputs if read["dataset"] in seen})
        if own:
            yield _found("overdue_review", f"review:{row.id}", row.team, own[0], since=row.due_at)


def _overdue_openings(tx: Transaction, scope: Scope) -> Iterator[RiskFinding]:
    rows = tx.execute(
        select(opening_reviews)
        .where(opening_reviews.c.state == OPENING_WAITS, opening_reviews.c.due_at < scope.now)
        .order_by(opening_reviews.c.due_at)
    )
    for row in rows:
        if scope.has(row.department):
            name = f"{row.dataset}@{row.number}"
            yield _found("overdue_opening", f"opening:{row.id}", name, row.department, since=row.due_at)


def _overdue_problems(tx: Transaction, scope: Scope) -> Iterator[RiskFinding]:
    rows = tx.execute(
        select(problem_reports.c.id, problem_reports.c.dataset, problem_reports.c.department)
        .add_columns(problem_reports.c.due_at)
        .where(problem_reports.c.outcome.is_(None), problem_reports.c.due_at < scope.now)
        .order_by(problem_reports.c.due_at)
    )
    for row in rows:
        if scope.has(row.department):
            yield _found(
                "overdue_problem", f"problem:{row.id}", row.dataset, row.department, since=row.due_at
            )


def _overdue_updates(tx: Transaction, scope: Scope) -> Iterator[RiskFinding]:
    """Datasets whose policy says how often they come, and of which no version came."""
    index = dataset_index.c
    wanted = scope.datasets(select(index.dataset, index.department, index.updates, index.published_at))
    for row in tx.execute(wanted.where(overdue(scope.now)).order_by(index.dataset)):
        since = row.published_at + _patience(row.updates)
        yield _found("overdue_update", f"dataset:{row.dataset}", row.dataset, row.department, since=since)


def overdue_since(
    tx: Transaction, repository: DatasetRepository, names: Collection[str]
) -> dict[str, datetime]:
    """Of those of these datasets of which the policy says how often they come."""
    index = dataset_index.c
    wanted = indexed(repository, select(index.dataset, index.updates, index.published_at)).where(
        index.dataset == any_(array_of(names)), index.updates.in_(UPDATE_DAYS)
    )
    found = tx.execute(wanted) if names else ()
    return {row.dataset: row.published_at + _patience(row.updates) for row in found}


def _patience(updates: str) -> timedelta:
    """After how long a version is overdue."""
    return timedelta(days=GRACE * UPDATE_DAYS[updates])


def overdue(now: datetime) -> ColumnElement[bool]:
    """Rows of the index whose dataset should have a newer version by now."""
    index = dataset_index.c
    late = (and_(index.updates == each, index.published_at < now - _patience(each)) for each in UPDATE_DAYS)
    return or_(*late)


def _department(scope: Scope, team: str) -> str:
    """Whose officers look at the team: the first that gave it a grant."""
    return min((grant.id, grant.department) for grant in scope.grants if grant.team == team)[1]
