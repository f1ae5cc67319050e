"""Prepares a question: everything before data is touched, which is parse, decide, plan, price."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fractions import Fraction
from functools import cache, cached_property, partial
from typing import TypedDict

from sqlalchemy import select

from sandbox.catalog import Version
from sandbox.database import Transaction
from sandbox.engines import Engine
from sandbox.errors import Forbidden, InvalidInput, QueryRefused
from sandbox.grants import Grant, list_grants, load_grant, newest
from sandbox.grants.read import may_know, no_grant
from sandbox.identity import Principal, load_principal
from sandbox.policy import Resource, hidden_from_strangers
from sandbox.privacy import LEAST_EPSILON, MOST_EPSILON, ZERO, PrivacyLoss
from sandbox.queries import Plan, Price, bind, digest, digests, make_plan, parse, price_within
from sandbox.queries.plan.bounds_estimation import assumed, bounds_to_buy
from sandbox.queries.plan.cost import require_affordable
from sandbox.queries.tree import InPublic, Join, Question, names_in, walk
from sandbox.queries.types.scope import PrivateTable, PublicTable, Scope
from sandbox.releases.answer.bounding_bias import BoundingBias, bias_of
from sandbox.releases.context import AskContext
from sandbox.releases.contribution_histogram import ContributionHistogram, contribution_histogram
from sandbox.releases.estimated_bounds import bounds_bought
from sandbox.releases.predict import loss_for
from sandbox.releases.response_time import require_in_time
from sandbox.releases.selected_partitions import keys_found
from sandbox.releases.tables import released_totals
from sandbox.training.certificates import is_trained


class Charged(TypedDict):
    grant: str
    dataset: str
    population: str
    beside: list[tuple[str, str]]
    stated_at: Fraction


@dataclass(frozen=True)
class Prepared:
    """A question ready to be asked. `price` covers every total, whether it was released before or not."""

    sql: str
    grants: tuple[Grant, ...]  # on the dataset that is asked, and on each private one that is joined
    grade: str  # of the dataset and every column that the question may use, together (就高从严)
    plan: Plan
    price: Price
    digest: str
    contribution_histogram: tuple[ContributionHistogram | None, ...]
    """What bounding leaves out of each private dataset, in the order of the joins;
    None where no estimate was bought."""
    error: float | None = None  # the relative error that was asked for in place of an epsilon
    epsilon: Fraction | None = None  # that is offered; None where an error was asked for

    @property
    def units(self) -> float | None:
        """How many units the dataset has, about; None where that is not known."""
        return None if self.contribution_histogram[0] is None else self.contribution_histogram[0].units

    @property
    def grant(self) -> Grant:
        """That on the dataset which is asked."""
        return self.grants[0]

    @cached_property
    def bias(self) -> BoundingBias | None:
        """How far bounding may have moved the answer; None where that is not known."""
        return bias_of(
            self.plan, [None if one is None else one.beyond for one in self.contribution_histogram]
        )

    @property
    def charged(self) -> Charged:
        """Whom the ledger charges, and the delta at which it tells people a loss."""
        budget = self.version.policy.budget
        assert budget is not None, "bind refuses datasets without a unit, and those with one have a budget"
        return {
            "stated_at": budget.delta,
            "grant": self.grant.account.key,
            "dataset": self.version.dataset,
            "population": self.version.policy.population,
            "beside": [(grant.account.key, grant.dataset) for grant in self.grants[1:]],
        }

    @property
    def splits(self) -> frozenset[str]:
        """By which splits the rows of the private versions that it asks are filtered."""
        joined = (each.version for each in self.plan.scope.joined.values())
        return frozenset(each.split for each in (self.version, *joined) if each.policy.unit is not None)

    @property
    def version(self) -> Version:
        return self.plan.version

    @property
    def versions(self) -> frozenset[str]:
        """The names of all versions that it reads."""
        scope = self.plan.scope
        others = (*scope.joined.values(), *scope.looked_up.values())
        return frozenset((self.version.name, *(each.version.name for each in others)))


def prepare(
    context: AskContext,
    *,
    principal: Principal,
    sql: str,
    epsilon: Fraction | None,
    error: float | None = None,
    grant_id: int | None = None,
) -> Prepared:
    """Steps 1 to 4 of the DP gate, in their order; touches no data.

    Raises `QueryRefused`, `Forbidden` or `InvalidInput`.
    """
    question = read_question(sql, version_of=context.repository.usable)
    version = context.repository.usable(question.dataset)
    scope = scope_for(question, version, version_of=context.repository.usable, engine=context.engine)
    scope = _with_bounds(context, question, version, scope)
    bound = bind(question, scope)
    others = (*scope.joined.values(), *scope.looked_up.values())
    grade = context.gate.grades.combine(
        [
            version.policy.grade,
            *(table.version.policy.grade for table in others),
            *(scope.column(name).grade for name in names_in(bound)),
        ]
    )
    with context.database.transaction() as tx:
        grants = tuple(
            _grant(tx, context, principal, one, grant_id if one is version else None)
            for one in (version, *scope.private)
        )
        joined = [table.version for table in scope.joined.values() if isinstance(table, PrivateTable)]
        beyond = tuple(contribution_histogram(tx, one) for one in (version, *joined))
        for grant in grants:
            _decide(tx, context, principal, grant, grade)
    plan = make_plan(bound, version, scope)
    require_affordable(plan)
    require_in_time(plan)
    budget = version.policy.budget
    assert budget is not None, "bind refuses datasets without a unit, and those with one have a budget"
    if epsilon is not None and error is not None:
        raise InvalidInput(
            "Both an epsilon and an error are given.",
            remedy="Give one of them: each follows from the other.",
            zh="同时给了 epsilon 和 error。",
            remedy_zh="请只给其一：另一个由它得出。",
        )
    wanted = budget.question_epsilon if epsilon is None else epsilon
    if not LEAST_EPSILON <= wanted <= MOST_EPSILON:
        raise InvalidInput(
            "epsilon must lie between 0.000001 and 1000.",
            remedy="Common values are 0.05 to 1.",
            zh="epsilon 应在 0.000001 与 1000 之间。",
            remedy_zh="常用 0.05 至 1。",
        )
    if scope.unbought and error is not None:
        raise InvalidInput(
            "The bounds of a column are not known yet, so no error can be promised.",
            code="bounds_not_bought",
            remedy="Ask once with an epsilon: that buys them, and explain tells its price.",
            zh="某个栏目的边界尚不知道，无法承诺误差。",
            remedy_zh="请先用 epsilon 提问一次：边界由此买到，explain 会先告知价格。",
        )
    offered = wanted if error is None else None
    if not plan.discoveries:
        units = None if beyond[0] is None else beyond[0].units
        loss = budget.loss(wanted) if error is None or not plan.totals else loss_for(plan, error, units)
        price = price_within(plan, loss)
        prepared = Prepared(sql, grants, grade, plan, price, digest(plan), beyond, error, offered)
        return _kept_before(context, prepared, bound) if error is None else prepared
    loss = budget.loss(wanted, keys=len(plan.discoveries))
    prepared = Prepared(sql, grants, grade, plan, price_within(plan, loss), "", beyond, error, offered)
    return _with_found_keys(context, prepared, bound, error)


def _kept_before(context: AskContext, prepared: Prepared, bound: Question) -> Prepared:
    """The same question as it was understood before conditions were normalised,
    if all of it was answered then: it stays free."""
    plan = make_plan(bound, prepared.version, prepared.plan.scope, as_written=True)
    before = replace(
        prepared, plan=plan, price=price_within(plan, prepared.price.offered), digest=digest(plan)
    )
    if before.digest == prepared.digest:
        return prepared
    with context.database.transaction() as tx:
        answered = already_released(tx, before)
    return before if all(share.total.name in answered for share in before.price.shares) else prepared


def _with_bounds(context: AskContext, question: Question, version: Version, scope: Scope) -> Scope:
    """With the bounds that were bought of columns that have none in the policy;
    where they were not, with some that will do for the price."""
    wanted = bounds_to_buy(question, version, scope)
    if not wanted:
        return scope
    with context.database.transaction() as tx:
        bought = bounds_bought(tx, wanted, version)
    return assumed(replace(scope, bought=bought), tuple(one for one in wanted if one.of not in bought))


def _with_found_keys(
    context: AskContext, prepared: Prepared, bound: Question, error: float | None
) -> Prepared:
    """The same question with the values of its keys that were found before; some may still be unknown."""
    plan = prepared.plan
    least = {share.discovery: share.loss.picorho for share in prepared.price.keys} if error is None else None
    with context.database.transaction() as tx:
        found = keys_found(tx, plan, least)
    plan = make_plan(bound, plan.version, replace(plan.scope, found=found))
    require_in_time(plan)  # it has more cells now
    if error is None:
        prepared = replace(
            prepared, plan=plan, price=price_within(plan, prepared.price.offered), digest=digest(plan)
        )
        return prepared if plan.unknown else _kept_before(context, prepared, bound)
    if plan.unknown:
        raise InvalidInput(
            "The groups are not known yet, so no error can be promised for them.",
            code="keys_not_found",
            remedy="Ask once with an epsilon: that finds them, and explain tells its price.",
            zh="分组值尚未发现，无法承诺误差。",
            remedy_zh="请先用 epsilon 提问一次：分组值由此发现，explain 会先告知价格。",
        )
    of_totals = loss_for(plan, error, prepared.units)
    loss = PrivacyLoss(-(-of_totals.picorho * (len(plan.totals) + len(plan.discoveries)) // len(plan.totals)))
    return replace(prepared, plan=plan, price=price_within(plan, loss), digest=digest(plan))


def read_question(sql: str, *, version_of: Callable[[str], Version]) -> Question:
    """What is asked; of the private dataset, where an open one stands before it.

    Raises `QueryRefused`, `InvalidInput` or `NotFound`.
    """
    question = parse(sql)
    for dataset, number, position in question.pinned:
        if (current := version_of(dataset)).number != number:
            raise QueryRefused(
                f"{dataset}@{number}",
                f"only the current version can be asked: it is {current.name}.",
                instead=f"Write {dataset}, or {current.name}; what was answered of another version stays in "
                "your answers.",
                position=position,
                why_zh=f"只能问当前版本：{current.name}。",
                instead_zh=f"请写 {dataset} 或 {current.name}；对其他版本的回答仍在你的回答记录里。",
            )
    private = [
        dataset
        for dataset in (question.dataset, *(join.dataset for join in question.joins if not join.outer))
        if version_of(dataset).policy.unit is not None
    ]
    return parse(sql, asked=private[0]) if private and private[0] != question.dataset else question


def scope_for(
    question: Question, version: Version, *, version_of: Callable[[str], Version], engine: Engine
) -> Scope:
    """What a question can name: the columns of the dataset that it asks, of those that it joins,
    and of those it looks up in."""
    looked_up = {
        node.column.dataset: _looked_up(engine, version_of(node.column.dataset), node)
        for node in walk(question)
        if isinstance(node, InPublic)
    }
    joined = {join.name: _joined(engine, version_of(join.dataset), join) for join in question.joins}
    return Scope(version.policy, joined, looked_up=looked_up)


def _joined(engine: Engine, version: Version, join: Join) -> PublicTable | PrivateTable:
    if version.policy.unit is not None:
        return PrivateTable(version, join.outer)
    return _public(engine, version, outer=join.outer)


def _looked_up(engine: Engine, version: Version, node: InPublic) -> PublicTable:
    if version.policy.unit is not None:
        raise QueryRefused(
            f"IN (SELECT ... FROM {version.dataset})",
            "it is about people: which values it has is not public.",
            instead="Join it on the unit, or look up in an open dataset.",
            position=node.column.position,
            why_zh="它与个人有关：有哪些取值并不公开。",
            instead_zh="请按保护对象联表，或在开放数据集中查找。",
        )
    return _public(engine, version)


def _public(engine: Engine, version: Version, *, outer: bool = False) -> PublicTable:
    """What it tells is looked up once for a question, and not kept for the next one: how long that takes must
    not say what others asked before."""
    return PublicTable(
        version,
        cache(partial(engine.public_values, version)),
        cache(partial(engine.public_once, version)),
        outer,
        cache(partial(engine.public_extent, version)),
        cache(partial(engine.public_fan_out, version)),
        cache(partial(engine.public_has_empty, version)),
    )


def _grant(
    tx: Transaction, context: AskContext, principal: Principal, version: Version, grant_id: int | None
) -> Grant:
    if grant_id is not None:
        grant = load_grant(tx, grant_id)
        if grant.team not in principal.teams:
            with hidden_from_strangers(no_grant(grant_id), seen=may_know(principal, grant)):
                _decide(tx, context, principal, grant, version.policy.grade)
        if grant.dataset != version.dataset:
            raise InvalidInput(
                f"Grant {grant_id} is for {grant.dataset}, not {version.dataset}.",
                remedy="Name the grant of the dataset that you ask.",
                zh=f"授权 {grant_id} 属于 {grant.dataset}，而不是 {version.dataset}。",
                remedy_zh="请写所问数据集的授权编号。",
            )
        return grant
    seen = list_grants(tx, principal)
    own = [
        one for team in sorted(principal.teams) if (one := newest(seen, team=team, dataset=version.dataset))
    ]
    live = [one for one in own if one.live]
    if len(live) > 1:
        named = [f"{grant.id} ({grant.team})" for grant in live]
        raise InvalidInput(
            f"Several of your teams have a grant on {version.dataset}: {', '.join(named)}.",
            code="several_teams",
            remedy="Say for which team you ask, by its grant: grant=<number>, or --grant in a terminal.",
            zh=f"你有多个团队持有 {version.dataset} 的授权：{'、'.join(named)}。",
            remedy_zh="请用授权编号指明为哪个团队提问：grant=<编号>，终端中为 --grant。",
        )
    if not own:
        raise Forbidden(
            f"Your teams have no grant on {version.dataset}.",
            code="no_grant",
            remedy="Request access: cihu request, or the dataset's page in the portal.",
            zh=f"你所在的团队没有 {version.dataset} 的授权。",
            remedy_zh="请申报：cihu request，或门户的数据集页面。",
        )
    return live[0] if live else own[0]


def _decide(tx: Transaction, context: AskContext, principal: Principal, grant: Grant, grade: str) -> None:
    context.gate.require(
        principal,
        "ask",
        Resource(
            "Grant",
            str(grant.id),
            {
                "team": grant.team,
                "status": grant.status.value,
                "department": grant.department,
                "dataset": grant.dataset,
                "expires_at": int(grant.until.timestamp()),
                "purpose": grant.purpose,
                "grade": grade,
            },
        ),
        {
            "now": int(datetime.now(UTC).timestamp()),
            "way": "dp",
            "trained": is_trained(tx, principal, grant.certificate, grant.approved_at),
        },
    )


def confirm(tx: Transaction, context: AskContext, principal: Principal, prepared: Prepared) -> None:
    """Decide again, inside the transaction that charges or releases:
    the account and the grant as they are now.

    A question may have waited for its lock, or run for a minute, and a revocation must not lose that race:
    both are held until the transaction ends, so what is logged as released was logged before the revocation.
    Raises `Forbidden`, `NotAuthenticated`.
    """
    account = load_principal(tx, principal.id, hold=True)
    for grant in sorted(prepared.grants, key=lambda grant: grant.id):
        _decide(tx, context, account, load_grant(tx, grant.id, share=True), prepared.grade)


@dataclass(frozen=True)
class Released:
    """A total that left before: what it cost then, its noise scale and its noisy cells."""

    picorho: int
    scale: float
    cells: list[int]


def already_released(tx: Transaction, prepared: Prepared) -> dict[str, Released]:
    """The totals of this question that were released at least as precisely as now asked:
    free, by total's name."""
    found: dict[str, Released] = {}
    rows = tx.execute(
        select(released_totals)
        .where(released_totals.c.digest.in_(digests(prepared.plan)))
        .order_by(released_totals.c.picorho)
    )
    wanted = {share.total.name: share.loss.picorho for share in prepared.price.shares}
    for row in rows:
        if row.total in wanted and row.picorho >= wanted[row.total]:
            found[row.total] = Released(row.picorho, row.scale, list(row.cells))
    return found


def charge(prepared: Prepared, released: dict[str, Released]) -> PrivacyLoss:
    """What must be paid now: the shares of the totals that were not released before."""
    return PrivacyLoss(
        sum(share.loss.picorho for share in prepared.price.shares if share.total.name not in released)
    )


def charge_first(prepared: Prepared) -> PrivacyLoss:
    """What must be paid now for bounds of columns and values of keys that are not known yet."""
    keys = (share.loss for share in prepared.price.keys if share.discovery in prepared.plan.unknown)
    return sum((*(share.loss for share in prepared.price.bounds), *keys), ZERO)
