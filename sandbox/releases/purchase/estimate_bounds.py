"""Buys bounds that no policy has: before the question that needs them, for every question after it
(purchase.py)."""

from typing import Any

from sqlalchemy import insert, select

from sandbox.budgets import require
from sandbox.catalog import Version
from sandbox.database import Transaction
from sandbox.identity import Principal
from sandbox.privacy import ZERO, PrivacyLoss
from sandbox.queries import digest_of_keys, digests_of_keys
from sandbox.queries.plan.price import BoundsPrice
from sandbox.releases.context import AskContext
from sandbox.releases.noise import bounds_found
from sandbox.releases.prepare import Prepared, charge, charge_first
from sandbox.releases.purchase.purchase import Purchase, buy
from sandbox.releases.tables import bought_bounds


def find_bounds(context: AskContext, principal: Principal, prepared: Prepared) -> PrivacyLoss:
    """Buy the bounds of each column of a question that has none yet; returns what was paid.

    The whole question must fit in the budget before any of it is bought. Raises as `buy` does.
    """
    paid = ZERO
    with context.database.transaction() as tx:
        require(tx, **prepared.charged, loss=charge(prepared, {}) + charge_first(prepared))
    for share in prepared.price.bounds:
        digest = digest_of_keys(share.bounds, prepared.version)
        with context.database.lock(f"bounds:{digest}"):
            with context.database.transaction() as tx:  # somebody else may have bought them while we waited
                known = tx.execute(
                    select(bought_bounds.c.digest).where(
                        bought_bounds.c.digest.in_(digests_of_keys(share.bounds, prepared.version))
                    )
                ).first()
            if known is None:
                buy(context, principal, prepared, _purchase(share, prepared.version, digest))
                paid += share.loss
    return paid


def _purchase(share: BoundsPrice, version: Version, digest: str) -> Purchase:
    def found(units: Any) -> dict[str, Any]:
        told = bounds_found(share, units)
        return {"bounds": None if told is None else [str(told[0]), str(told[1])]}

    def keep(tx: Transaction, told: dict[str, Any]) -> None:
        low, high = told["bounds"] or (None, None)
        tx.execute(
            insert(bought_bounds).values(
                digest=digest, picorho=share.loss.picorho, scale=share.scale, low=low, high=high
            )
        )

    column = share.bounds.of.text
    return Purchase(
        share.bounds,
        digest,
        f"SELECT MIN({column}), MAX({column}) FROM {version.dataset}",
        share.loss,
        {"bounds": share.bounds.name, "sensitivity": share.bounds.sensitivity, "scale": repr(share.scale)},
        found,
        keep,
    )
