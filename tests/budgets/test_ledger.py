"""The ledger never overspends and never forgets, with real concurrency on a real Postgres."""

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from sandbox.budgets import Account, Level, open_account, reserve, settle, statement
from sandbox.budgets.tables import reservations
from sandbox.database import Database
from sandbox.errors import BudgetExhausted
from sandbox.privacy import PrivacyLoss

ACCOUNTS = (Account(Level.GRANT, "1"), Account(Level.DATASET, "a.b"), Account(Level.POPULATION, "all"))


def open_all(database: Database, grant: int, dataset: int, population: int) -> None:
    with database.transaction() as tx:
        for account, limit in zip(ACCOUNTS, (grant, dataset, population), strict=True):
            open_account(tx, account, PrivacyLoss(limit))


def take(database: Database, picorho: int) -> bool:
    try:
        with database.transaction() as tx:
            reserve(tx, id=uuid4(), grant="1", dataset="a.b", population="all", loss=PrivacyLoss(picorho))
    except BudgetExhausted:
        return False
    return True


def spent(database: Database) -> list[int]:
    with database.transaction() as tx:
        return [statement(tx, account).spent.picorho for account in ACCOUNTS]


def test_two_hundred_at_once_on_the_last_of_a_budget_spend_it_exactly(database: Database) -> None:
    open_all(database, 1000, 700, 10_000)
    barrier = threading.Barrier(32)

    def ask(number: int) -> bool:
        if number < 32:
            barrier.wait()
        return take(database, 7)

    with ThreadPoolExecutor(32) as pool:
        won = sum(pool.map(ask, range(200)))
    assert won == 100
    assert spent(database) == [700, 700, 700]
    with database.transaction() as tx:
        assert tx.execute(select(func.sum(reservations.c.picorho))).scalar_one() == 700


@pytest.mark.parametrize(
    ("limits", "names"), [((5, 10, 10), "grant"), ((10, 5, 10), "dataset"), ((10, 10, 5), "population")]
)
def test_no_level_is_charged_unless_all_are(
    database: Database, limits: tuple[int, int, int], names: str
) -> None:
    open_all(database, *limits)
    with pytest.raises(BudgetExhausted, match=names), database.transaction() as tx:
        reserve(tx, id=uuid4(), grant="1", dataset="a.b", population="all", loss=PrivacyLoss(6))
    assert spent(database) == [0, 0, 0]


def test_a_join_charges_both_grants_and_both_datasets_and_the_population_once(database: Database) -> None:
    open_all(database, 10, 10, 10)
    others = (Account(Level.GRANT, "2"), Account(Level.DATASET, "c.d"))
    with database.transaction() as tx:
        for account in others:
            open_account(tx, account, PrivacyLoss(5))
        reserve(
            tx,
            id=uuid4(),
            grant="1",
            dataset="a.b",
            population="all",
            beside=[("2", "c.d")],
            loss=PrivacyLoss(4),
        )
    assert spent(database) == [4, 4, 4]
    with database.transaction() as tx:
        assert [statement(tx, account).spent.picorho for account in others] == [4, 4]
    with pytest.raises(BudgetExhausted, match="2"), database.transaction() as tx:
        reserve(
            tx,
            id=uuid4(),
            grant="1",
            dataset="a.b",
            population="all",
            beside=[("2", "c.d")],
            loss=PrivacyLoss(4),
        )
    assert spent(database) == [4, 4, 4]


def test_settling_changes_no_amount(database: Database) -> None:
    open_all(database, 10, 10, 10)
    id = uuid4()
    with database.transaction() as tx:
        reserve(tx, id=id, grant="1", dataset="a.b", population="all", loss=PrivacyLoss(4))
        settle(tx, id=id)
        settle(tx, id=id)
    assert spent(database) == [4, 4, 4]


def test_opening_an_account_again_gives_nothing_back(database: Database) -> None:
    open_all(database, 10, 10, 10)
    assert take(database, 8)
    open_all(database, 10, 10, 10)
    assert spent(database) == [8, 8, 8]
    open_all(database, 3, 10, 10)  # a limit below what is spent becomes what is spent
    assert not take(database, 1)


def test_postgres_itself_refuses_to_overspend(database: Database) -> None:
    open_all(database, 10, 10, 10)
    with pytest.raises(DBAPIError, match="rho_.*within_limit"), database.transaction() as tx:
        tx.execute(text("UPDATE vault.budget_accounts SET picorho_spent = 11"))
