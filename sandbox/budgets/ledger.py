"""How is a loss charged? At all levels in one transaction, before data is touched; what is reserved is spent.

There is no way to give a loss back: a question that failed or crashed after its reservation stays charged,
because whether it failed could depend on the data.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from sandbox.budgets.model import Account, Level, Statement
from sandbox.budgets.tables import accounts, reservations
from sandbox.database import Transaction
from sandbox.errors import BudgetExhausted, NotFound
from sandbox.privacy import PrivacyLoss

LEVEL_ZH = {Level.GRANT: "授权", Level.DATASET: "数据集", Level.POPULATION: "人群"}
CHARGE = text(
    """
    UPDATE vault.budget_accounts SET picorho_spent = picorho_spent + :picorho, delta_spent = delta_spent + :delta
    WHERE level = :level AND key = :key
      AND picorho_spent + :picorho <= picorho_limit AND delta_spent + :delta <= delta_limit
    """
)


def open_account(tx: Transaction, account: Account, limit: PrivacyLoss) -> None:
    """Open an account, or raise or lower the limit of one that is open; what was spent stays spent.

    A limit below what is spent becomes what is spent: nothing more can be asked.
    """
    row = upsert(accounts).values(level=account.level.value, key=account.key, picorho_limit=limit.picorho,
                                  delta_limit=limit.delta_units)
    tx.execute(row.on_conflict_do_update(index_elements=["level", "key"], set_={
        "picorho_limit": func.greatest(accounts.c.picorho_spent, row.excluded.picorho_limit),
        "delta_limit": func.greatest(accounts.c.delta_spent, row.excluded.delta_limit)}))


def raise_limit(tx: Transaction, account: Account, limit: PrivacyLoss) -> None:
    """Open an account, or let one that is open have at least `limit` in all; never lowers it, never gives anything back."""
    row = upsert(accounts).values(level=account.level.value, key=account.key, picorho_limit=limit.picorho,
                                  delta_limit=limit.delta_units)
    tx.execute(row.on_conflict_do_update(index_elements=["level", "key"], set_={
        "picorho_limit": func.greatest(accounts.c.picorho_limit, row.excluded.picorho_limit),
        "delta_limit": func.greatest(accounts.c.delta_limit, row.excluded.delta_limit)}))


def reserve(tx: Transaction, *, id: UUID, grant: str, dataset: str, population: str, loss: PrivacyLoss,
            beside: Sequence[tuple[str, str]] = ()) -> None:
    """Charge `loss` at the three levels, or at none. Raises `BudgetExhausted` naming the first level without room.

    `beside`: the grants and datasets that are joined. Each is charged as much, and the population, which is the same, once.
    """
    for account in _accounts(grant, dataset, population, beside):
        charged = tx.execute(CHARGE, {"picorho": loss.picorho, "delta": loss.delta_units,
                                      "level": account.level.value, "key": account.key})
        if charged.rowcount != 1:
            raise _exhausted(account, loss, statement(tx, account).left)
    tx.execute(insert(reservations), [
        {"id": id, "grant": grant, "dataset": dataset, "population": population, "picorho": loss.picorho,
         "delta": loss.delta_units, "status": "reserved"},
        *({"id": id, "grant": other, "dataset": joined, "population": None, "picorho": loss.picorho,
           "delta": loss.delta_units, "status": "reserved"} for other, joined in beside)])


def require(tx: Transaction, *, grant: str, dataset: str, population: str, loss: PrivacyLoss,
            beside: Sequence[tuple[str, str]] = ()) -> None:
    """Whether `loss` would fit at all levels as they stand; charges nothing. Raises `BudgetExhausted` as `reserve` does."""
    for account in _accounts(grant, dataset, population, beside):
        left = statement(tx, account).left
        if not loss.fits_in(left):
            raise _exhausted(account, loss, left)


def _accounts(grant: str, dataset: str, population: str, beside: Sequence[tuple[str, str]]) -> list[Account]:
    """In the order in which everybody locks them: by level, and by key within one."""
    grants, datasets = {grant, *(other for other, _ in beside)}, {dataset, *(joined for _, joined in beside)}
    return [Account(level, key) for level, keys in ((Level.GRANT, grants), (Level.DATASET, datasets),
                                                    (Level.POPULATION, {population})) for key in sorted(keys)]


def _exhausted(account: Account, loss: PrivacyLoss, left: PrivacyLoss) -> BudgetExhausted:
    if loss.picorho <= left.picorho:
        return BudgetExhausted(
            f"The budget of this {account.level.value} ({account.key}) has no delta left for finding keys.",
            mend="Group by keys whose values are public or were found before.",
            zh=f"{LEVEL_ZH[account.level]}({account.key})已无 delta 可用于发现分组值。",
            mend_zh="请按公开的或已发现的分组值分组。")
    return BudgetExhausted(
        f"The budget of this {account.level.value} ({account.key}) has not enough left: the question costs "
        f"{loss.picorho} picorho, {left.picorho} are left.",
        mend="Ask with a smaller epsilon, ask something that was answered before (that is free), or request "
             "a larger budget.",
        zh=f"{LEVEL_ZH[account.level]}({account.key})的预算不足:本问需 {loss.picorho} picorho,"
           f"仅剩 {left.picorho}。",
        mend_zh="请减小 epsilon,或问已经回答过的问题(免费),或申请更大的预算。")


def settle(tx: Transaction, *, id: UUID) -> None:
    """Note that the answer left. Changes no amount."""
    tx.execute(update(reservations).where(reservations.c.id == id, reservations.c.status == "reserved")
               .values(status="settled", settled_at=func.now()))


def statement(tx: Transaction, account: Account) -> Statement:
    """An account as it stands. Raises `NotFound`."""
    row = tx.execute(select(accounts).where(accounts.c.level == account.level.value,
                                            accounts.c.key == account.key)).first()
    if row is None:
        raise NotFound(f"There is no budget for {account.level.value} {account.key}.",
                       zh=f"没有{LEVEL_ZH[account.level]} {account.key} 的预算。")
    return _statement(account, row)


def _statement(account: Account, row: Row[Any]) -> Statement:
    return Statement(account, PrivacyLoss(int(row.picorho_limit), int(row.delta_limit)),
                     PrivacyLoss(int(row.picorho_spent), int(row.delta_spent)))
