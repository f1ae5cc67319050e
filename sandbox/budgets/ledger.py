"""Charges a loss at all levels in one transaction, before data is touched. What is reserved is spent.

While a population is split, a dataset and a population are charged the largest of what was lost of the parts
(parts.py): whoever is in one part is in no other.

There is no way to give a loss back: a question that failed or crashed after its reservation stays charged,
because whether it failed could depend on the data.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any
from uuid import UUID

from sqlalchemy import Row, any_, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from sandbox.budgets.model import Account, Level, Statement
from sandbox.budgets.parts import Part, add_to_part, lock_account, split_of
from sandbox.budgets.tables import accounts, reservations
from sandbox.database import Transaction, array_of
from sandbox.errors import BudgetExhausted, Conflict, NotFound
from sandbox.privacy import ZERO, PrivacyLoss, epsilon_of

LEVEL_ZH = {Level.GRANT: "授权", Level.SPLIT: "划分部分", Level.DATASET: "数据集", Level.POPULATION: "人群"}
CHARGE = text(
    """
    UPDATE vault.budget_accounts
    SET picorho_spent = picorho_spent + :picorho, picorho_held = picorho_held - :picorho_held,
        delta_spent = delta_spent + :delta, delta_held = delta_held - :delta_held
    WHERE level = :level AND key = :key
      AND picorho_spent + :picorho + picorho_held - :picorho_held <= picorho_limit
      AND delta_spent + :delta + delta_held - :delta_held <= delta_limit
    RETURNING dataset, population
    """
)


def open_account(tx: Transaction, account: Account, limit: PrivacyLoss) -> None:
    """Open an account, or raise or lower the limit of one that is open;
    what was spent stays spent, what is promised promised.

    A limit below these becomes what is spent and promised: nothing more can be given.
    """
    row = upsert(accounts).values(
        level=account.level.value, key=account.key, picorho_limit=limit.picorho, delta_limit=limit.delta_units
    )
    tx.execute(
        row.on_conflict_do_update(
            index_elements=["level", "key"],
            set_={
                "picorho_limit": func.greatest(
                    accounts.c.picorho_spent + accounts.c.picorho_held, row.excluded.picorho_limit
                ),
                "delta_limit": func.greatest(
                    accounts.c.delta_spent + accounts.c.delta_held, row.excluded.delta_limit
                ),
            },
        )
    )


def raise_limit(tx: Transaction, account: Account, limit: PrivacyLoss) -> None:
    """Open an account, or let one that is open have at least `limit` in all;
    never lowers it, never gives anything back."""
    row = upsert(accounts).values(
        level=account.level.value, key=account.key, picorho_limit=limit.picorho, delta_limit=limit.delta_units
    )
    tx.execute(
        row.on_conflict_do_update(
            index_elements=["level", "key"],
            set_={
                "picorho_limit": func.greatest(accounts.c.picorho_limit, row.excluded.picorho_limit),
                "delta_limit": func.greatest(accounts.c.delta_limit, row.excluded.delta_limit),
            },
        )
    )


def reserve(
    tx: Transaction,
    *,
    id: UUID,
    grant: str,
    dataset: str,
    population: str,
    loss: PrivacyLoss,
    beside: Sequence[tuple[str, str]] = (),
    stated_at: Fraction | None = None,
    prepared_for: Collection[str] | None = None,
) -> None:
    """Charge `loss` at the three levels, or at none. Raises `BudgetExhausted` naming the first level without
    room, and `Conflict` where the population was split, or its split opened, since the question was prepared.

    `prepared_for`: of each version that is asked its `split`, by which its rows are filtered; every question
    about rows gives it.

    `beside`: the grants and datasets that are joined. Each is charged as much, and the population, which is
    the same, once. `stated_at`: the delta at which a refusal tells people the epsilon. What a grant spends of
    its share is no longer held for it, so that a grant with a share is never refused for what others spent.
    """
    shares: dict[Account, int] = {}  # how many of the grants have their share held there
    levels = _accounts(grant, dataset, population, beside)
    split = split_of(tx, population)  # before the accounts, as whoever charges its parts holds it
    for account in levels:  # a split is committed with these held: from here on none is
        lock_account(tx, account)
    if split is None and split_of(tx, population, hold=False) is not None:
        raise _split_meanwhile()
    if prepared_for is not None and set(prepared_for) != {"" if split is None else str(split)}:
        raise _split_meanwhile()
    for account in levels:
        more = loss
        if split is not None and account.level is not Level.GRANT:
            more = add_to_part(tx, account, split, Part.TRAIN, loss).increase
        charged = charge(tx, account, more, held=loss.times(shares.get(account, 0)))
        if charged is None:
            raise exhausted(account, loss, statement(tx, account).left, stated_at)
        if charged.dataset is not None:
            for held in (
                Account(Level.DATASET, charged.dataset),
                Account(Level.POPULATION, charged.population),
            ):
                shares[held] = shares.get(held, 0) + 1
    tx.execute(
        insert(reservations),
        [
            {
                "id": id,
                "grant": grant,
                "dataset": dataset,
                "population": population,
                "picorho": loss.picorho,
                "delta": loss.delta_units,
                "status": "reserved",
            },
            *(
                {
                    "id": id,
                    "grant": other,
                    "dataset": joined,
                    "population": None,
                    "picorho": loss.picorho,
                    "delta": loss.delta_units,
                    "status": "reserved",
                }
                for other, joined in beside
            ),
        ],
    )


def _split_meanwhile() -> Conflict:
    return Conflict(
        "The people of this dataset were split, or seen as a whole again, since the question was prepared.",
        code="split_meanwhile",
        remedy="Ask again; nothing was charged.",
        zh="准备提问之后，该人群已划分或划分已公开。",
        remedy_zh="请重新提问；未扣费。",
    )


def charge(tx: Transaction, account: Account, loss: PrivacyLoss, *, held: PrivacyLoss) -> Row[Any] | None:
    """Spend `loss` of an account, and hold so much less there; None where it has no room. Where the grant
    has its share held stands in what is returned."""
    return tx.execute(
        CHARGE,
        {
            "picorho": loss.picorho,
            "delta": loss.delta_units,
            "picorho_held": held.picorho,
            "delta_held": held.delta_units,
            "level": account.level.value,
            "key": account.key,
        },
    ).first()


def require(
    tx: Transaction,
    *,
    grant: str,
    dataset: str,
    population: str,
    loss: PrivacyLoss,
    beside: Sequence[tuple[str, str]] = (),
    stated_at: Fraction | None = None,
) -> None:
    """Whether `loss` would fit as things stand; charges nothing.
    Raises `BudgetExhausted` as `reserve` would."""
    refused = refusal(
        tx, grant=grant, dataset=dataset, population=population, loss=loss, beside=beside, stated_at=stated_at
    )
    if refused is not None:
        raise refused


def refusal(
    tx: Transaction,
    *,
    grant: str,
    dataset: str,
    population: str,
    loss: PrivacyLoss,
    beside: Sequence[tuple[str, str]] = (),
    stated_at: Fraction | None = None,
) -> BudgetExhausted | None:
    """Why `loss` would be refused as things stand; None where it would be charged."""
    whom = {"grant": grant, "dataset": dataset, "population": population, "beside": beside}
    return refusal_of_all(tx, [({**whom, "stated_at": stated_at}, loss)])


def refusal_of_all(
    tx: Transaction, charges: Iterable[tuple[Mapping[str, Any], PrivacyLoss]]
) -> BudgetExhausted | None:
    """Why these losses would not all be charged as things stand; None where they would. Each comes with what
    `refusal` takes beside it; an account pays the sum of those that it is charged."""
    sums: dict[Account, PrivacyLoss] = {}
    stated_at = {}
    for whom, loss in charges:
        at = {name: value for name, value in whom.items() if name != "stated_at"}
        for account in _looked_at(tx, **at):
            sums[account] = sums.get(account, ZERO) + loss
            stated_at[account] = whom["stated_at"]
    for account, loss in sums.items():
        left = statement(tx, account).left
        if not loss.fits_in(left):
            return exhausted(account, loss, left, stated_at[account])
    return None


def _looked_at(
    tx: Transaction, *, grant: str, dataset: str, population: str, beside: Sequence[tuple[str, str]]
) -> list[Account]:
    """What a grant's share has room for, its dataset and population have too: these are looked at only for
    accounts without one."""
    accounts = _accounts(grant, dataset, population, beside)
    grants = [account for account in accounts if account.level is Level.GRANT]
    if all(_row(tx, account).dataset is not None for account in grants):
        return grants
    return accounts


def _accounts(grant: str, dataset: str, population: str, beside: Sequence[tuple[str, str]]) -> list[Account]:
    """In the order in which everybody locks them: by level, and by key within one."""
    grants, datasets = {grant, *(other for other, _ in beside)}, {dataset, *(joined for _, joined in beside)}
    return [
        Account(level, key)
        for level, keys in (
            (Level.GRANT, grants),
            (Level.DATASET, datasets),
            (Level.POPULATION, {population}),
        )
        for key in sorted(keys)
    ]


def exhausted(
    account: Account, loss: PrivacyLoss, left: PrivacyLoss, stated_at: Fraction | None
) -> BudgetExhausted:
    """The refusal of a loss that an account has no room for."""
    level_zh = LEVEL_ZH[account.level]
    if account.level is not Level.GRANT:  # how much of it is whose is nobody's business here
        return BudgetExhausted(
            f"The budget of this {account.level.value} ({account.key}) has not enough left that "
            "is not promised already.",
            remedy="Ask for less, or have its budget raised.",
            zh=f"{level_zh}（{account.key}）的预算中，尚未许出的部分不足。",
            remedy_zh="请减少所需，或申请提高其预算。",
        )
    if loss.picorho <= left.picorho:
        costs, rest = f"{float(loss.delta):.3g}", f"{float(left.delta):.3g}"
        return BudgetExhausted(
            f"The budget of this grant ({account.key}) has not enough delta left: finding the "
            f"groups costs delta {costs}, {rest} is left.",
            code="delta_exhausted",
            remedy=(
                "Group by keys whose values are public or were found before (both cost no delta), or "
                "request a larger budget."
            ),
            zh=f"授权（{account.key}）剩余的 delta 不足：发现分组值需 delta {costs}，仅剩 {rest}。",
            remedy_zh="请按公开的或已发现的分组值分组（都不花费 delta），或申请更大的预算。",
        )
    costs, rest = _said(loss, stated_at), _said(PrivacyLoss(left.picorho), stated_at)
    return BudgetExhausted(
        f"The budget of this grant ({account.key}) has not enough left: the question costs "
        f"{costs}, {rest} is left.",
        remedy=(
            "Ask with a smaller epsilon, ask something that was answered before (that is free), or request "
            "a larger budget."
        ),
        zh=f"授权（{account.key}）的预算不足：本问需 {costs}，仅剩 {rest}。",
        remedy_zh="请减小 epsilon，或问已经回答过的问题（免费），或申请更大的预算。",
    )


def _said(loss: PrivacyLoss, stated_at: Fraction | None) -> str:
    """A loss as people say it: the epsilon that it is by itself, which is what one question can ask for."""
    rho = f"rho {float(loss.rho):.4g}"
    return (
        rho
        if stated_at is None
        else f"epsilon {epsilon_of(PrivacyLoss(loss.picorho), stated_at):.4g} ({rho})"
    )


def settle(tx: Transaction, *, id: UUID) -> None:
    """Note that the answer left. Changes no amount."""
    tx.execute(
        update(reservations)
        .where(reservations.c.id == id, reservations.c.status == "reserved")
        .values(status="settled", settled_at=func.now())
    )


def statement(tx: Transaction, account: Account) -> Statement:
    """An account as it stands. Raises `NotFound`."""
    return as_statement(account, _row(tx, account))


def statements(tx: Transaction, wanted: Collection[Account]) -> dict[Account, Statement]:
    """Accounts as they stand, read at once. Raises `NotFound`."""
    found: dict[Account, Statement] = {}
    for level in {account.level for account in wanted}:
        of_level = {account.key: account for account in wanted if account.level is level}
        rows = tx.execute(
            select(accounts).where(
                accounts.c.level == level.value, accounts.c.key == any_(array_of(of_level))
            )
        )
        found |= {of_level[row.key]: as_statement(of_level[row.key], row) for row in rows}
    for account in wanted:
        if account not in found:
            raise _no_account(account)
    return found


def _row(tx: Transaction, account: Account) -> Row[Any]:
    row = tx.execute(
        select(accounts).where(accounts.c.level == account.level.value, accounts.c.key == account.key)
    ).first()
    if row is None:
        raise _no_account(account)
    return row


def _no_account(account: Account) -> NotFound:
    return NotFound(
        f"There is no budget for {account.level.value} {account.key}.",
        zh=f"没有{LEVEL_ZH[account.level]} {account.key} 的预算。",
    )


def as_statement(account: Account, row: Row[Any]) -> Statement:
    return Statement(
        account,
        PrivacyLoss(int(row.picorho_limit), int(row.delta_limit)),
        PrivacyLoss(int(row.picorho_spent), int(row.delta_spent)),
        PrivacyLoss(int(row.picorho_held), int(row.delta_held)),
    )
