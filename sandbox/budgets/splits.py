"""The accounts of a split: one for live and one for final, and what is held for them at the dataset and the
population until the split is opened. All that is asked meanwhile is about train people."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, insert, select, update

from sandbox.budgets.ledger import as_statement, charge, exhausted, open_account, statement
from sandbox.budgets.model import Account, Level
from sandbox.budgets.parts import Part, add_to_part, largest, parts_of, split_of
from sandbox.budgets.shares import ShareTooLarge, lock
from sandbox.budgets.tables import accounts, population_splits, reservations
from sandbox.database import Transaction
from sandbox.errors import Conflict, NotFound
from sandbox.privacy import PrivacyLoss


def part_account(split: UUID, part: Part) -> Account:
    """The account of the scores on one part."""
    return Account(Level.SPLIT, f"{split}/{part.value}")


def require_unsplit(tx: Transaction, population: str, *, hold: bool = True) -> None:
    """Raises `Conflict` where the population is split already. `hold`: one that is being opened is waited
    for."""
    if split_of(tx, population, hold=hold) is not None:
        raise Conflict(
            f"The population {population} is split already: parts of two splits would overlap.",
            code="population_split",
            remedy="Wait until the other split is opened, or use its parts.",
            zh=f"人群 {population} 已有生效的划分：两个划分的部分会重叠。",
            remedy_zh="请等待另一划分公开，或使用它的各部分。",
        )


def begin_split(
    tx: Transaction, *, id: UUID, dataset: str, population: str, live: PrivacyLoss, final: PrivacyLoss
) -> None:
    """Open the accounts of a split's parts, and hold the larger of them at the dataset and the population.
    Raises `Conflict` where the population is split already, `ShareTooLarge` where not so much is left."""
    levels = (Account(Level.DATASET, dataset), Account(Level.POPULATION, population))
    require_unsplit(tx, population)  # before the accounts, as whoever charges or opens a split holds it first
    states = [as_statement(level, lock(tx, level)) for level in levels]
    require_unsplit(tx, population, hold=False)  # one that was made meanwhile is committed by now
    held = largest({Part.LIVE: live, Part.FINAL: final})
    for state in states:
        if not held.fits_in(state.left):
            raise ShareTooLarge(state.account, state.left)
    tx.execute(
        insert(population_splits).values(
            id=id,
            population=population,
            dataset=dataset,
            state="committed",
            picorho_held=held.picorho,
            delta_held=held.delta_units,
        )
    )
    for part, limit in ((Part.LIVE, live), (Part.FINAL, final)):
        open_account(tx, part_account(id, part), limit)
    for level in levels:
        _hold(tx, level, held.picorho, held.delta_units)


def end_split(tx: Transaction, id: UUID) -> None:
    """Everybody sees all people again, and what its parts did not spend is promised to nobody any more.
    Raises `Conflict` for a split that is opened already."""
    row = _committed(tx, id)
    for level in (Account(Level.DATASET, row.dataset), Account(Level.POPULATION, row.population)):
        lock(tx, level)
        parts = parts_of(tx, level, id)
        spent = largest({part: lost for part, lost in parts.items() if part is not Part.TRAIN})
        _hold(tx, level, spent.picorho - int(row.picorho_held), spent.delta_units - int(row.delta_held))
    tx.execute(
        update(population_splits)
        .where(population_splits.c.id == id)
        .values(state="opened", opened_at=func.now())
    )


def reserve_part(tx: Transaction, *, id: UUID, split: UUID, part: Part, loss: PrivacyLoss) -> None:
    """Charge a score on `part` (live or final): its own account in full, the dataset and the population by
    what it adds to the largest part. Raises `BudgetExhausted` where the part has not so much left."""
    if part is Part.TRAIN:
        raise ValueError("train people are charged by the questions about them")
    row = _committed(tx, split)
    own = part_account(split, part)
    if charge(tx, own, loss, held=PrivacyLoss(0)) is None:
        raise exhausted(own, loss, statement(tx, own).left, None)
    for level in (Account(Level.DATASET, row.dataset), Account(Level.POPULATION, row.population)):
        more = add_to_part(tx, level, split, part, loss)
        if charge(tx, level, more.increase, held=more.of_scored) is None:
            raise exhausted(level, loss, statement(tx, level).left, None)
    tx.execute(
        insert(reservations).values(
            id=id,
            grant=own.key,
            dataset=row.dataset,
            population=row.population,
            picorho=loss.picorho,
            delta=loss.delta_units,
            status="reserved",
        )
    )


def _committed(tx: Transaction, id: UUID) -> Row[Any]:
    row = tx.execute(select(population_splits).where(population_splits.c.id == id).with_for_update()).first()
    if row is None:
        raise NotFound(
            "There is no such split.",
            remedy="Look up its id in the log: split.committed.",
            zh="没有这个划分。",
            remedy_zh="请在日志中查看其编号：split.committed。",
        )
    if row.state != "committed":
        raise Conflict(
            "This split is opened: its parts are not scored any more.",
            code="split_opened",
            remedy="Make a new split for a new competition.",
            zh="该划分已公开，不再评分。",
            remedy_zh="请为新的大赛建立新的划分。",
        )
    return row


def _hold(tx: Transaction, account: Account, picorho: int, delta: int) -> None:
    tx.execute(
        update(accounts)
        .where(accounts.c.level == account.level.value, accounts.c.key == account.key)
        .values(picorho_held=accounts.c.picorho_held + picorho, delta_held=accounts.c.delta_held + delta)
    )
