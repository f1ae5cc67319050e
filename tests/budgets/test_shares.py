"""Fair shares: no sequence of one team's questions changes whether another's question within
its share is charged.

Random histories of approvals, questions, joins and ends are run on a real Postgres beside a model that knows
of each team its own share alone; then at once, by many threads.
"""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

import pytest
from sqlalchemy import text

from sandbox.budgets import (
    Account,
    Level,
    ShareTooLarge,
    Statement,
    give_share,
    let_go,
    open_account,
    refusal,
    reserve,
    statement,
)
from sandbox.database import Database
from sandbox.errors import BudgetExhausted
from sandbox.privacy import PrivacyLoss

POPULATION = Account(Level.POPULATION, "all")
DATASETS = (Account(Level.DATASET, "a.a"), Account(Level.DATASET, "b.b"))
TEAMS = ("lake", "river", "hill", "town")


def opened(database: Database, *, dataset: int = 1000, population: int = 1500, delta: int = 1000) -> None:
    with database.transaction() as tx:
        tx.execute(text("TRUNCATE vault.budget_accounts, vault.budget_reservations"))
        open_account(tx, POPULATION, PrivacyLoss(population, delta))
        for account in DATASETS:
            open_account(tx, account, PrivacyLoss(dataset, delta))


def grant(team: str, dataset: Account) -> Account:
    return Account(Level.GRANT, f"{team}/{dataset.key}")


def give(database: Database, team: str, dataset: Account, picorho: int) -> Statement:
    with database.transaction() as tx:
        return give_share(tx, grant(team, dataset), dataset=dataset.key, population="all", picorho=picorho)


def ask(
    database: Database, team: str, dataset: Account, loss: PrivacyLoss, beside: tuple[Account, ...] = ()
) -> bool:
    asked = {
        "grant": grant(team, dataset).key,
        "dataset": dataset.key,
        "population": "all",
        "loss": loss,
        "beside": [(grant(team, other).key, other.key) for other in beside],
    }
    with database.transaction() as tx:
        told = refusal(tx, **asked)  # type: ignore[arg-type]
    stop = None
    try:
        with database.transaction() as tx:
            reserve(tx, id=uuid4(), **asked)  # type: ignore[arg-type]
    except BudgetExhausted as exhausted:
        stop = exhausted
    assert str(told) == str(stop), "what is said before is what happens"
    assert stop is None or "this grant" in stop.message, "only the grant's own level ever refuses"
    return stop is None


def at(database: Database, account: Account) -> Statement:
    with database.transaction() as tx:
        return statement(tx, account)


@pytest.mark.parametrize("seed", range(5))
def test_whether_a_question_is_charged_depends_on_its_own_teams_share_alone(
    database: Database, seed: int
) -> None:
    chance = random.Random(seed)
    opened(database)
    shares: dict[Account, PrivacyLoss] = {}  # of each account that holds one
    spent: Counter[Account] = Counter()
    spent_delta: Counter[Account] = Counter()
    answers: Counter[bool] = Counter()
    for _ in range(250):
        team, dataset = chance.choice(TEAMS), chance.choice(DATASETS)
        account = grant(team, dataset)
        match chance.choice(["give", "ask", "ask", "ask", "ask", "join", "end"]):
            case "give":
                wanted, before = (
                    chance.randint(1, 500),
                    {level: at(database, level) for level in (dataset, POPULATION)},
                )
                own = shares[account].picorho if account in shares else spent[account]
                more = max(wanted, own) - own
                if all(more <= level.left.picorho for level in before.values()):
                    shares[account] = give(database, team, dataset, wanted).limit
                    assert shares[account].picorho == max(wanted, own)
                else:
                    with pytest.raises(ShareTooLarge) as short:
                        give(database, team, dataset, wanted)
                    assert short.value.left.picorho == own + before[short.value.level].left.picorho < wanted
            case "end" if account in shares and chance.random() < 0.5:
                with database.transaction() as tx:
                    let_go(tx, account)
                del shares[account]
            case "ask" | "join" as kind:
                asked = DATASETS if kind == "join" else (dataset,)
                if not all(grant(team, one) in shares for one in asked):
                    continue  # without a live grant nobody gets as far as the ledger
                loss = PrivacyLoss(chance.randint(1, 120), chance.choice([0, 0, chance.randint(1, 60)]))
                fits = all(
                    spent[grant(team, one)] + loss.picorho <= shares[grant(team, one)].picorho
                    and spent_delta[grant(team, one)] + loss.delta_units
                    <= shares[grant(team, one)].delta_units
                    for one in asked
                )
                assert ask(database, team, asked[0], loss, tuple(asked[1:])) == fits
                answers[fits] += 1
                if fits:
                    for one in asked:
                        spent[grant(team, one)] += loss.picorho
                        spent_delta[grant(team, one)] += loss.delta_units
        for level in (*DATASETS, POPULATION):
            held = [
                share for held, share in shares.items() if level is POPULATION or held.key.endswith(level.key)
            ]
            names = [name for name in shares if level is POPULATION or name.key.endswith(level.key)]
            now = at(database, level)
            assert now.held.picorho == sum(one.picorho for one in held) - sum(spent[name] for name in names)
            assert now.held.delta_units == sum(one.delta_units for one in held) - sum(
                spent_delta[name] for name in names
            )
            assert now.left.picorho >= 0 and now.left.delta_units >= 0
    assert answers[True] and answers[False]


def test_a_share_of_delta_is_as_large_a_part_as_that_of_rho(database: Database) -> None:
    opened(database, dataset=1000, population=2000, delta=1000)
    assert give(database, "lake", DATASETS[0], 400).limit == PrivacyLoss(400, 200)
    assert give(database, "river", DATASETS[0], 400).limit == PrivacyLoss(400, 200)
    with pytest.raises(ShareTooLarge) as short:
        give(database, "hill", DATASETS[0], 201)
    assert short.value.level == DATASETS[0] and short.value.left == PrivacyLoss(200)
    assert give(database, "hill", DATASETS[0], 200).limit == PrivacyLoss(200, 100)


def test_a_team_that_spends_all_its_delta_leaves_the_others_theirs(database: Database) -> None:
    """The attack: new expressions at a small epsilon use up the delta, for every team, for ever."""
    opened(database)
    for team in ("lake", "river"):
        give(database, team, DATASETS[0], 300)
    while ask(database, "lake", DATASETS[0], PrivacyLoss(1, 10)):
        pass
    assert at(database, grant("lake", DATASETS[0])).left.delta_units < 10
    assert at(database, grant("lake", DATASETS[0])).left.picorho > 250
    share = at(database, grant("river", DATASETS[0])).left
    for _ in range(share.delta_units // 10):
        assert ask(database, "river", DATASETS[0], PrivacyLoss(1, 10))


def test_what_an_ended_grant_did_not_spend_can_be_promised_again_and_what_it_spent_not(
    database: Database,
) -> None:
    opened(database, dataset=1000, population=5000)
    give(database, "lake", DATASETS[0], 1000)
    assert ask(database, "lake", DATASETS[0], PrivacyLoss(300))
    with pytest.raises(ShareTooLarge):
        give(database, "river", DATASETS[0], 1)
    with database.transaction() as tx:
        let_go(tx, grant("lake", DATASETS[0]))
        let_go(tx, grant("lake", DATASETS[0]))  # twice is once
    assert give(database, "river", DATASETS[0], 700).left.picorho == 700
    with pytest.raises(ShareTooLarge):
        give(database, "lake", DATASETS[0], 301)
    assert give(database, "lake", DATASETS[0], 300).left.picorho == 0, "a new grant gives nothing back"


def test_a_lower_limit_of_a_dataset_breaks_no_promise(database: Database) -> None:
    opened(database)
    give(database, "lake", DATASETS[0], 600)
    assert ask(database, "lake", DATASETS[0], PrivacyLoss(100))
    with database.transaction() as tx:
        open_account(tx, DATASETS[0], PrivacyLoss(50, 1))
    assert at(database, DATASETS[0]).left.picorho == 0
    assert ask(database, "lake", DATASETS[0], PrivacyLoss(500))


def test_at_once_every_team_spends_exactly_its_share_while_grants_come_and_go(database: Database) -> None:
    """Four teams, far more questions than fit, and shares given and let go beside them:
    each is told yes as often as it fits."""
    opened(database, dataset=2000, population=3000)
    prices = {"lake": 7, "river": 11, "hill": 13}
    for team in prices:
        give(database, team, DATASETS[0], 400)
    barrier = Barrier(16)

    def one(number: int) -> str:
        if number < 16:
            barrier.wait(60)
        if number % 8 == 7:
            give(database, "town", DATASETS[number // 8 % 2], 100)
            ask(database, "town", DATASETS[number // 8 % 2], PrivacyLoss(1))
            with database.transaction() as tx:
                let_go(tx, grant("town", DATASETS[number // 8 % 2]))
            return "town"
        team = tuple(prices)[number % 3]
        return team if ask_at_once(database, team, prices[team]) else "refused"

    with ThreadPoolExecutor(16) as pool:
        told = Counter(pool.map(one, range(400)))
    assert {team: told[team] for team in prices} == {team: 400 // price for team, price in prices.items()}
    dataset = at(database, DATASETS[0])
    own = [at(database, grant(team, DATASETS[0])) for team in prices]
    town = [at(database, grant("town", account)) for account in DATASETS]
    assert dataset.spent.picorho == sum(one.spent.picorho for one in (*own, town[0]))
    assert dataset.held.picorho == sum(one.left.picorho for one in own)
    assert at(database, POPULATION).spent.picorho == sum(one.spent.picorho for one in (*own, *town))


def ask_at_once(database: Database, team: str, picorho: int) -> bool:
    try:
        with database.transaction() as tx:
            reserve(
                tx,
                id=uuid4(),
                grant=grant(team, DATASETS[0]).key,
                dataset=DATASETS[0].key,
                population="all",
                loss=PrivacyLoss(picorho),
            )
    except BudgetExhausted:
        return False
    return True
