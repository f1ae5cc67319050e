"""What parts of a split lost: the whole is charged the largest of them, not their sum.

The parts of a committed split are disjoint sets of people, and which of them a person is in depends on that
person alone (ADR 0054). So a person loses what was lost of one part: parallel composition (McSherry, "Privacy
Integrated Queries", SIGMOD 2009, Theorem 4; for zCDP it follows in the same way).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert

from sandbox.budgets.model import Account
from sandbox.budgets.tables import accounts, population_splits, split_parts
from sandbox.database import Transaction
from sandbox.privacy import ZERO, PrivacyLoss


class Part(StrEnum):
    TRAIN = "train"
    LIVE = "live"
    FINAL = "final"


@dataclass(frozen=True)
class Added:
    """By how much the largest of all parts grew, and the largest of those that are scored."""

    increase: PrivacyLoss
    of_scored: PrivacyLoss


def largest(parts: Mapping[Part, PrivacyLoss]) -> PrivacyLoss:
    """What the whole lost: in each currency the most that any part did."""
    return PrivacyLoss(
        max((one.picorho for one in parts.values()), default=0),
        max((one.delta_units for one in parts.values()), default=0),
    )


def added(parts: Mapping[Part, PrivacyLoss], part: Part, loss: PrivacyLoss) -> Added:
    """What a loss of one part adds to the whole."""
    after = {**parts, part: parts.get(part, ZERO) + loss}
    of_train = {Part.TRAIN: ZERO}
    scored, scored_after = {**parts, **of_train}, {**after, **of_train}
    return Added(_more(largest(parts), largest(after)), _more(largest(scored), largest(scored_after)))


def _more(before: PrivacyLoss, after: PrivacyLoss) -> PrivacyLoss:
    return PrivacyLoss(after.picorho - before.picorho, after.delta_units - before.delta_units)


def split_of(tx: Transaction, population: str, *, hold: bool = True) -> UUID | None:
    """The split of a population that is committed. `hold`: it is not opened before the transaction ends."""
    committed = select(population_splits.c.id).where(
        population_splits.c.population == population, population_splits.c.state == "committed"
    )
    return tx.execute(committed.with_for_update(read=True) if hold else committed).scalar_one_or_none()


def lock_account(tx: Transaction, account: Account) -> None:
    """Hold an account until the transaction ends."""
    tx.execute(
        select(accounts.c.key)
        .where(accounts.c.level == account.level.value, accounts.c.key == account.key)
        .with_for_update()
    )


def parts_of(tx: Transaction, account: Account, split: UUID) -> dict[Part, PrivacyLoss]:
    """What was lost of the parts at a dataset or a population."""
    rows = tx.execute(
        select(split_parts).where(
            split_parts.c.split == split,
            split_parts.c.level == account.level.value,
            split_parts.c.key == account.key,
        )
    )
    return {Part(row.part): PrivacyLoss(int(row.picorho), int(row.delta)) for row in rows}


def add_to_part(tx: Transaction, account: Account, split: UUID, part: Part, loss: PrivacyLoss) -> Added:
    """Note a loss of a part at a dataset or a population, and say what it adds to the whole. The account is
    locked until the transaction ends; that it is charged what was added is for the caller."""
    lock_account(tx, account)
    found = added(parts := parts_of(tx, account, split), part, loss)
    now = parts.get(part, ZERO) + loss
    row = upsert(split_parts).values(
        split=split,
        level=account.level.value,
        key=account.key,
        part=part.value,
        picorho=now.picorho,
        delta=now.delta_units,
    )
    tx.execute(
        row.on_conflict_do_update(
            index_elements=["split", "level", "key", "part"],
            set_={"picorho": row.excluded.picorho, "delta": row.excluded.delta},
        )
    )
    return found
