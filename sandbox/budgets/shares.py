"""Fair shares of a dataset's and a population's budget:
what a grant may spend is held for it at both, until it ends.

The shares of all grants that hold, and all that was spent, are never more than the limit. So a question
within its grant's share is never refused for what others asked, and no refusal and no figure that a
team sees says how much others have left. Where too little is left to promise, the approval is refused,
and not later a question.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from sandbox.budgets.ledger import as_statement, statement
from sandbox.budgets.model import Account, Level, Statement
from sandbox.budgets.tables import accounts
from sandbox.database import Transaction
from sandbox.errors import Conflict, NotFound
from sandbox.privacy import PrivacyLoss


class ShareTooLarge(Conflict):
    """More than can be promised: of this dataset's or population's budget the account
    can have `left` in all."""

    code = "budget_promised"

    def __init__(self, level: Account, left: PrivacyLoss) -> None:
        super().__init__(
            f"The budget of the {level.level.value} {level.key} has not so much left that "
            "is not promised already."
        )
        self.level, self.left = level, left


def give_share(
    tx: Transaction, account: Account, *, dataset: str, population: str, picorho: int
) -> Statement:
    """Let a grant's account have `picorho` in all, and as large a part of the delta;
    hold what it has not spent.

    An account that holds a larger share keeps it. Where less delta is left than that part, it gets what is
    left. Raises `ShareTooLarge`, and changes nothing, where not so much rho can be promised.
    """
    blank = {"level": account.level.value, "key": account.key, "picorho_limit": 0, "delta_limit": 0}
    tx.execute(upsert(accounts).values(**blank).on_conflict_do_nothing())
    row = lock(tx, account)
    own, holds = as_statement(account, row), row.dataset is not None
    levels = [
        as_statement(level, lock(tx, level))
        for level in (Account(Level.DATASET, dataset), Account(Level.POPULATION, population))
    ]
    before = own.left if holds else PrivacyLoss(0)
    rho = max(picorho, own.limit.picorho if holds else own.spent.picorho)
    part = min(level.limit.delta_units * picorho // max(1, level.limit.picorho) for level in levels)
    delta = max(part, own.limit.delta_units if holds else own.spent.delta_units)
    delta = min(
        delta, *(own.spent.delta_units + before.delta_units + level.left.delta_units for level in levels)
    )
    more = rho - own.spent.picorho - before.picorho, delta - own.spent.delta_units - before.delta_units
    for level in levels:
        if more[0] > level.left.picorho:
            raise ShareTooLarge(
                level.account, PrivacyLoss(level.left.picorho + own.spent.picorho + before.picorho)
            )
    for level in levels:
        _hold(tx, level.account, *more)
    tx.execute(
        update(accounts)
        .where(*_of(account))
        .values(picorho_limit=rho, delta_limit=delta, dataset=dataset, population=population)
    )
    return Statement(account, PrivacyLoss(rho, delta), own.spent)


@dataclass(frozen=True)
class ShareIncrease:
    """What a share would take more of a level, in picorho, and how much the account can have there in all."""

    level: Statement
    picorho: int
    most: int


def share_increase(
    tx: Transaction, account: Account | None, *, dataset: str, population: str, picorho: int
) -> list[ShareIncrease]:
    """What `give_share` would hold more as things stand, of the dataset and of the population.
    Changes nothing. `account`: None for one that is still to be opened."""
    row = None if account is None else tx.execute(select(accounts).where(*_of(account))).first()
    spent = own = left = 0
    if row is not None and account is not None:
        standing, holds = as_statement(account, row), row.dataset is not None
        spent = standing.spent.picorho
        own = standing.limit.picorho if holds else spent
        left = standing.left.picorho if holds else 0
    more = max(picorho, own) - spent - left
    return [
        ShareIncrease(level, more, level.left.picorho + spent + left)
        for level in (
            statement(tx, Account(Level.DATASET, dataset)),
            statement(tx, Account(Level.POPULATION, population)),
        )
    ]


def let_go(tx: Transaction, account: Account) -> None:
    """Hold nothing for a grant any more: what it has not spent can be promised to others.
    What it spent stays spent."""
    row = lock(tx, account)
    if row.dataset is None:
        return
    left = as_statement(account, row).left
    for level in (Account(Level.DATASET, row.dataset), Account(Level.POPULATION, row.population)):
        _hold(tx, level, -left.picorho, -left.delta_units)
    tx.execute(update(accounts).where(*_of(account)).values(dataset=None, population=None))


def lower_share(tx: Transaction, account: Account, most: PrivacyLoss) -> None:
    """Let a grant's account have at most `most` in all from now on; what it spent already it keeps. What it
    may not spend any more can be promised to others."""
    row = lock(tx, account)
    if row.dataset is None:
        return
    own = as_statement(account, row)
    rho = min(own.limit.picorho, max(own.spent.picorho, most.picorho))
    delta = min(own.limit.delta_units, max(own.spent.delta_units, most.delta_units))
    for level in (Account(Level.DATASET, row.dataset), Account(Level.POPULATION, row.population)):
        _hold(tx, level, rho - own.limit.picorho, delta - own.limit.delta_units)
    tx.execute(update(accounts).where(*_of(account)).values(picorho_limit=rho, delta_limit=delta))


def _hold(tx: Transaction, account: Account, picorho: int, delta: int) -> None:
    tx.execute(
        update(accounts)
        .where(*_of(account))
        .values(picorho_held=accounts.c.picorho_held + picorho, delta_held=accounts.c.delta_held + delta)
    )


def lock(tx: Transaction, account: Account) -> Row[Any]:
    """Nobody else changes the account until the transaction ends. Lock by level, as the ledger does."""
    row = tx.execute(select(accounts).where(*_of(account)).with_for_update()).first()
    if row is None:
        raise NotFound(
            f"There is no budget for {account.level.value} {account.key}.", zh=f"没有 {account.key} 的预算。"
        )
    return row


def _of(account: Account) -> tuple[Any, Any]:
    return accounts.c.level == account.level.value, accounts.c.key == account.key
