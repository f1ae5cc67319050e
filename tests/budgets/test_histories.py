"""Random histories of all that happens to budgets, on a real Postgres, beside a model that computes each
account anew from everything that was ever charged (tests/support/budget_model.py).

Grants are asked for, approved, revoked and expire; teams are merged; questions are reserved, settled, cut off
by a crash, and rolled back; officers buy, and fail; limits are raised and lowered; people are split, scored,
and whole again; and any two of these at once. After each step every account is what the model says, and what
was refused left no trace.

`make audit-budgets` runs as many as are asked for: CIHU_BUDGET_HISTORIES and CIHU_BUDGET_SEED.
"""

import json
import os
import random
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import partial
from math import inf, log, log1p
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, text

from budget_model import BudgetModel, Key, Loss, fits, minus
from sandbox.budgets import (
    Account,
    Level,
    Part,
    ShareTooLarge,
    begin_split,
    end_split,
    open_account,
    refusal,
    reserve,
    reserve_part,
    settle,
)
from sandbox.budgets.tables import accounts, reservations
from sandbox.catalog.tables import stand_ins
from sandbox.errors import BudgetExhausted, Conflict, Unavailable
from sandbox.grants import approve, expire_due, list_grants, load_grant, request_access, revoke
from sandbox.grants.model import GrantStatus
from sandbox.identity import create_team, join_team
from sandbox.identity.teams import merge_teams
from sandbox.policy.model import Refused
from sandbox.privacy import PrivacyLoss
from sandbox.releases.endpoints import grant_budgets
from sandbox.releases.officer_purchase import Made, OfficerPurchase
from story import POLICY, Story

HISTORIES = int(os.environ.get("CIHU_BUDGET_HISTORIES", "4"))
SEED = int(os.environ.get("CIHU_BUDGET_SEED", "11"))
STEPS = 45

TEAMS = ("lake", "river", "hill")
DATASETS = ("clinic.visits", "clinic.wards")
DELTAS = {"clinic.visits": Fraction("1e-6"), "clinic.wards": Fraction("1e-9")}
EPSILONS = ("4", "4", "3.5", "1.25", "0.3", "0.000001")
Outcome = tuple[str, Any]


@dataclass(frozen=True)
class Step:
    """`act` does it to the vault, and gives how it ended and what it made; `expect` does it to the model."""

    name: str
    act: Callable[[], Outcome]
    expect: Callable[[BudgetModel, Any], str]


class Cut(Exception):
    """The process ends before the transaction commits."""


def outcome(act: Callable[[], Any]) -> Outcome:
    """How an action ended, in the model's words."""
    try:
        return "ok", act()
    except BudgetExhausted as refused:
        [account] = re.findall(r"\(([^)]+)\)", refused.message)
        return f"exhausted {account}", None
    except ShareTooLarge as refused:
        return f"budget_promised {refused.level.level.value}", None
    except Conflict as refused:
        [level, *_] = [*re.findall(r"budget of the (\w+)", refused.message), ""]
        return f"{refused.code} {level}".strip(), None
    except Refused as refused:
        return refused.code, None


class World:
    """The vault as its users reach it, as far as budgets are concerned."""

    def __init__(self, story: Story) -> None:
        self.story, self.database = story, story.database
        story.publish()
        story.publish(policy=POLICY.replace("clinic.visits", "clinic.wards").replace("1e-6", "1e-9"))
        with self.database.transaction() as tx:
            for team in TEAMS[1:]:
                create_team(tx, team_id=team, display_name=team, by="system")
                join_team(tx, team_id=team, account_id="wang", by="system")
        self.officer, self.analyst = story.principal("lin"), story.principal("wang")
        self.versions = {name: story.repository.usable(name) for name in DATASETS}

    def begin(self, chance: random.Random) -> BudgetModel:
        """Empty accounts, as after publishing."""
        with self.database.transaction() as tx:
            tx.execute(
                text(
                    "TRUNCATE vault.budget_accounts, vault.budget_reservations, vault.split_parts,"
                    " vault.population_splits, vault.grants, vault.requests, vault.stand_ins CASCADE"
                )
            )
            tx.execute(text("UPDATE identity.teams SET merged_into = NULL"))
        model = BudgetModel("residents")
        for name, version in self.versions.items():
            budget = version.policy.budget
            assert budget is not None
            limit = budget.limit(budget.dataset_epsilon)
            self.limit(("dataset", name), (limit.picorho, limit.delta_units)).act()
            model.open(("dataset", name), (limit.picorho, limit.delta_units))
        whole = self.story.populations["residents"].limit
        share = chance.choice([1, 2, 6])  # where it is small, the population refuses and not the dataset
        self.limit(model.whole, (whole.picorho // share, whole.delta_units)).act()
        model.open(model.whole, (whole.picorho // share, whole.delta_units))
        return model

    # steps

    def limit(self, account: Key, limit: Loss) -> Step:
        def act() -> None:
            with self.database.transaction() as tx:
                open_account(tx, Account(Level(account[0]), account[1]), PrivacyLoss(*limit))

        def expect(model: BudgetModel, _: object) -> str:
            model.open(account, limit)
            return "ok"

        return Step(f"limit {account} {limit}", partial(outcome, act), expect)

    def approve(self, team: str, dataset: str, epsilon: str) -> Step:
        version = self.versions[dataset]
        assert version.policy.budget is not None
        picorho = version.policy.budget.limit(Fraction(epsilon)).picorho

        def act() -> int:
            request = request_access(
                self.database,
                gate=self.story.gate,
                principal=self.analyst,
                version=version,
                team=team,
                purpose="to try what budgets bear",
                epsilon=Decimal(epsilon),
                until=datetime.now(UTC) + timedelta(days=9),
            )
            return approve(
                self.database,
                gate=self.story.gate,
                officer=self.officer,
                request_id=request.id,
                version=version,
            ).id

        def expect(model: BudgetModel, id: Any) -> str:
            return model.approve(-1 if id is None else id, team, dataset, picorho)

        return Step(f"approve {team} {dataset} {epsilon}", partial(outcome, act), expect)

    def revoke(self, id: int) -> Step:
        """Of one that ends at the same time the rules say that it is not live."""

        def act() -> None:
            revoke(
                self.database, gate=self.story.gate, officer=self.officer, grant_id=id, reason="it is over"
            )

        def expect(model: BudgetModel, _: object) -> str:
            ended = model.end(id)
            return "grant_ended_already" if ended == "ended" else ended

        return Step(f"revoke {id}", partial(outcome, act), expect)

    def expire(self, id: int) -> Step:
        def act() -> None:
            with self.database.transaction() as tx:
                tx.execute(
                    text("UPDATE vault.grants SET until = now() - interval '1 second' WHERE id = :id"),
                    {"id": id},
                )
            expire_due(self.database)

        def expect(model: BudgetModel, _: object) -> str:
            model.end(id)
            return "ok"

        return Step(f"expire {id}", partial(outcome, act), expect)

    def merge(self, team: str, into: str) -> Step:
        def act() -> None:
            with self.database.transaction() as tx:
                merge_teams(tx, team_id=team, into=into, by="system")

        def expect(model: BudgetModel, _: object) -> str:
            if {team, into} & model.merged:
                return "team_merged"
            model.merged.add(team)
            return "ok"

        return Step(f"merge {team} {into}", partial(outcome, act), expect)

    def ask(self, ids: list[int], loss: Loss, ending: str, *, alone: bool = True) -> Step:
        """`ending`: settled, cut (after it was reserved, so it stays), or undone (before it was)."""

        def act() -> Outcome:
            asked, id = self._asked(ids, loss), uuid4()
            if asked is None:
                return "no grant", None
            with self.database.transaction() as tx:
                told = refusal(tx, **asked)
                splits = {self.story.repository.usable(name).split for name in DATASETS}
            ended = outcome(partial(self._reserve, id, ids, asked, splits, undone=ending == "undone"))
            if alone:
                assert (told is None) == (ended[0] == "ok"), "what is said before is what happens"
            if ended == ("ok", None) and ending == "settled":
                with self.database.transaction() as tx:
                    settle(tx, id=id)
            return ended if ended[1] is None else ended[1]

        def expect(model: BudgetModel, _: object) -> str:
            return model.ask(ids, loss, kept=ending != "undone")

        return Step(f"ask {ids} {loss} {ending}", act, expect)

    def _asked(self, ids: list[int], loss: Loss) -> dict[str, Any] | None:
        with self.database.transaction() as tx:
            grants = [load_grant(tx, id) for id in ids]
        if not all(grant.live for grant in grants):
            return None
        first, *others = grants
        return {
            "grant": first.account.key,
            "dataset": first.dataset,
            "population": "residents",
            "beside": [(one.account.key, one.dataset) for one in others],
            "loss": PrivacyLoss(*loss),
        }

    def _reserve(
        self, id: UUID, ids: list[int], asked: dict[str, Any], splits: set[str], *, undone: bool
    ) -> Outcome | None:
        try:
            with self.database.transaction() as tx:
                # as the gate decides again (releases/prepare.py)
                if any(load_grant(tx, one, share=True).status is not GrantStatus.LIVE for one in sorted(ids)):
                    return "no grant", None
                reserve(tx, id=id, **asked, prepared_for=splits)
                if undone:
                    raise Cut
        except Cut:
            pass
        return None

    def purchase(self, dataset: str, epsilon: str, *, succeeds: bool) -> Step:
        budget = self.versions[dataset].policy.budget
        assert budget is not None
        loss = budget.loss(Fraction(epsilon))

        def make(*_: object) -> Made:
            if not succeeds:
                raise ArithmeticError
            return Made({})

        kind = OfficerPurchase(
            table=stand_ins,
            subject="stand-in",
            event="stand_in",
            require=lambda *_: None,
            check=lambda *_: None,
            make=make,
            is_open=lambda _: pytest.fail("it is about people"),
            bought_already=lambda _: Conflict("bought", code="bought"),
            failed=lambda *_: Unavailable("failed"),
        )

        def act() -> None:
            with failing():
                kind.buy(self.story.context, officer=self.officer, dataset=dataset, epsilon=Fraction(epsilon))

        def expect(model: BudgetModel, _: object) -> str:
            return model.purchase("stand-in", dataset, (loss.picorho, 0), succeeds=succeeds)

        return Step(f"purchase {dataset} {epsilon} {succeeds}", partial(outcome, act), expect)

    def begin_split(self, dataset: str, live: Loss, final: Loss) -> Step:
        id = uuid4()

        def act() -> None:
            with self.database.transaction() as tx:
                begin_split(
                    tx,
                    id=id,
                    dataset=dataset,
                    population="residents",
                    live=PrivacyLoss(*live),
                    final=PrivacyLoss(*final),
                )

        def expect(model: BudgetModel, _: object) -> str:
            return model.begin(str(id), dataset, {"live": live, "final": final})

        return Step(f"begin split {dataset} {live} {final}", partial(outcome, act), expect)

    def score(self, split: str, part: str, loss: Loss) -> Step:
        def act() -> None:
            with self.database.transaction() as tx:
                reserve_part(tx, id=uuid4(), split=UUID(split), part=Part(part), loss=PrivacyLoss(*loss))

        return Step(
            f"score {part} {loss}", partial(outcome, act), lambda model, _: model.score(split, part, loss)
        )

    def end_split(self, split: str) -> Step:
        def act() -> None:
            with self.database.transaction() as tx:
                end_split(tx, UUID(split))

        return Step("end split", partial(outcome, act), lambda model, _: model.finish(split))

    # what is looked at

    def document(self) -> dict[Key, tuple[Loss, Loss, Loss, str]]:
        with self.database.transaction() as tx:
            rows = list(tx.execute(select(accounts)))
        return {
            (row.level, row.key): (
                (int(row.picorho_limit), int(row.delta_limit)),
                (int(row.picorho_spent), int(row.delta_spent)),
                (int(row.picorho_held), int(row.delta_held)),
                row.dataset or "",
            )
            for row in rows
        }

    def reserved(self) -> dict[Key, Loss]:
        """By grant, purchase and part, what its reservations sum up to."""
        of = reservations.c
        sums = select(of.grant, func.sum(of.picorho).label("picorho"), func.sum(of.delta).label("delta"))
        with self.database.transaction() as tx:
            return {
                ("split" if row.grant.endswith(("/live", "/final")) else "grant", row.grant): (
                    int(row.picorho),
                    int(row.delta),
                )
                for row in tx.execute(sums.group_by(of.grant))
            }

    def told(self, who: str) -> list[dict[str, Any]]:
        asker = self.analyst if who == "analyst" else self.officer
        with self.database.transaction() as tx:
            return grant_budgets(tx, self.story.repository, asker, list_grants(tx, asker))


@contextmanager
def failing() -> Iterator[None]:
    """A purchase that failed after it was charged: its loss stays."""
    try:
        yield
    except Unavailable as failed:
        if failed.message != "failed":
            raise


def one_step(chance: random.Random, model: BudgetModel, world: World, *, alone: bool = True) -> Step:
    kinds = ["approve"] * 3 + ["ask"] * 8 + ["join"] * 2 + ["purchase", "limit", "split", "score", "score"]
    kind = chance.choice([*kinds, "end", "end", "merge" if chance.random() < 0.5 else "ask"])
    dataset = chance.choice(DATASETS)
    if kind in ("ask", "join") and model.live:
        return a_question(chance, model, world, joined=kind == "join", alone=alone)
    if kind == "end" and model.live:
        several = [one for one in model.live if [each.account for each in model.live].count(one.account) > 1]
        id = max(several, key=lambda one: one.given).id if several else chance.choice(model.live).id
        return chance.choice([world.revoke, world.expire])(id)
    if kind == "merge":
        return world.merge(*chance.sample(TEAMS, 2))
    if kind == "purchase":
        return world.purchase(dataset, chance.choice(["0.1", "1", "3", "8"]), succeeds=chance.random() < 0.2)
    if kind == "limit":
        level = chance.choice([("dataset", dataset), model.whole])
        times = chance.choice([0, 50, 90, 110, 200])
        rho, delta = model.limits[level]
        return world.limit(level, (rho * times // 100, delta * times // 100))
    if kind == "split" and (model.split is None or chance.random() < 0.2):
        room = model.left(("dataset", dataset))
        return world.begin_split(dataset, some(chance, room), some(chance, room))
    if kind in ("split", "score") and (split := model.split) is not None:
        if kind == "split":
            return world.end_split(split.id)
        part = chance.choice(["live", "final"])
        account = "split", f"{split.id}/{part}"
        return world.score(split.id, part, some(chance, minus(model.limits[account], model.spent(account))))
    return world.approve(chance.choice(TEAMS), dataset, chance.choice(EPSILONS))


def a_question(chance: random.Random, model: BudgetModel, world: World, *, joined: bool, alone: bool) -> Step:
    first = chance.choice(model.live)
    team = first.account[1].split("/", 1)[0]
    others = [
        one for one in model.live if one.dataset != first.dataset and one.account[1].startswith(f"{team}/")
    ]
    ids = [first.id, chance.choice(others).id] if joined and others else [first.id]
    loss = some(chance, model.left_of_grant(first.account))
    ending = chance.choice(["settled", "settled", "cut", "undone"])
    return world.ask(ids, loss, ending, alone=alone)


def some(chance: random.Random, room: Loss) -> Loss:
    """A loss around what there is room for: all of it, one unit more, a little, or nothing of a currency."""
    rho, delta = (
        chance.choice([left, left + 1, left // 2, left // 9, left // 9, 1]) if left else chance.choice([0, 1])
        for left in room
    )
    return rho, chance.choice([0, 0, delta])


def both_orders(
    model: BudgetModel, steps: list[Step], ended: list[Outcome]
) -> list[tuple[BudgetModel, list[str]]]:
    """What the model becomes, whichever of two steps was first."""
    found = []
    for order in ([0, 1], [1, 0]):
        after, said = deepcopy(model), ["", ""]
        for place in order:
            if ended[place][0] == "split_meanwhile":  # the people were split between reading and charging
                said[place] = "split_meanwhile"
            else:
                said[place] = steps[place].expect(after, ended[place][1])
        found.append((after, said))
    return found


@dataclass
class History:
    world: World
    model: BudgetModel
    told: list[str] = field(default_factory=list)

    def take(self, step: Step) -> None:
        self.told.append(step.name)
        before = self.world.document()
        ended, value = step.act()
        expected = step.expect(self.model, value)
        assert ended == expected, self._shown()
        self.check(before)

    def take_both(self, steps: list[Step], pool: ThreadPoolExecutor) -> None:
        self.told.append(" AND ".join(step.name for step in steps))
        before = self.world.document()
        ended = [one.result() for one in [pool.submit(step.act) for step in steps]]
        now, kinds = self.world.document(), [kind for kind, _ in ended]
        for model, said in both_orders(self.model, steps, ended):
            if said == kinds and model.document() == now:
                self.model = model
                break
        else:
            raise AssertionError(f"neither order ends so: {ended}\n{self._shown()}")
        self.check(before)

    def check(self, before: dict[Key, tuple[Loss, Loss, Loss, str]]) -> None:
        now = self.world.document()
        assert now == self.model.document(), self._shown()
        for key, (limit, spent, held, _) in now.items():
            assert fits((spent[0] + held[0], spent[1] + held[1]), limit), self._shown()
            assert key not in before or fits(before[key][1], spent), f"{key} was given back\n{self._shown()}"
        reserved = {key: loss for key, loss in self.world.reserved().items() if loss != (0, 0)}
        spent_of = {
            key: spent
            for key, (_, spent, _, _) in now.items()
            if key[0] in ("grant", "split") and spent != (0, 0)
        }
        assert reserved == spent_of, self._shown()

    def look(self) -> None:
        """What people are told: never less than what was lost, and of a team's own alone to the team."""
        for who in ("analyst", "officer"):
            told = self.world.told(who)
            json.dumps(told, allow_nan=False)
            for grant in told:
                delta = DELTAS[grant["dataset"]]
                own = self.model.spent(("grant", f"{grant['team']}/{grant['dataset']}"))
                for level in grant["levels"]:
                    key = level["level"], level["key"]
                    spent = own if who == "analyst" or key[0] == "grant" else self.model.spent(key)
                    limit = self.model.limits[key]
                    assert level["picorho_spent"] == spent[0]
                    if limit[0]:
                        assert Fraction(level["percent_used"]) >= Fraction(100 * spent[0], limit[0])
                    epsilon = level["epsilon_spent"]
                    assert (epsilon is None) == (least_epsilon(spent, delta) == inf)
                    assert epsilon is None or epsilon >= least_epsilon(spent, delta) - 1e-9, self._shown()

    def _shown(self) -> str:
        real, said = self.world.document(), self.model.document()
        other = {key: (real.get(key), said.get(key)) for key in real | said if real.get(key) != said.get(key)}
        return "\n".join([*self.told, f"the vault, and the model: {other}"])


def least_epsilon(loss: Loss, delta: Fraction) -> float:
    """Canonne, Kamath and Steinke 2020, Corollary 13, written down anew. The least over a grid of orders is
    larger than the least of all by less than a thousandth of it."""
    left, rho = delta - Fraction(loss[1], 10**24), loss[0] / 1e12
    if left <= 0:
        return inf
    if rho == 0:
        return 0.0
    best = (log(1 / left) / rho) ** 0.5
    orders = [1 + best * 0.01 * 1.05**step for step in range(200)]
    found = min(rho * order + log1p(-1 / order) - log(left * order) / (order - 1) for order in orders)
    return max(0.0, found * 0.999)


@pytest.fixture
def world(story: Story) -> World:
    return World(story)


def test_every_account_is_what_was_ever_charged(world: World) -> None:
    with ThreadPoolExecutor(2) as pool:
        for number in range(HISTORIES):
            chance = random.Random(f"{SEED} {number}")
            history = History(world, world.begin(chance), [f"history {SEED} {number}"])
            for place in range(STEPS):
                if chance.random() < 0.25:
                    pair = [one_step(chance, history.model, world, alone=False) for _ in range(2)]
                    history.take_both(pair, pool)
                else:
                    history.take(one_step(chance, history.model, world))
                if place % 9 == 8:
                    history.look()
