"""Buys the values of a key: before the question that needs them, for every question from then on
(purchase.py)."""

from datetime import date
from typing import Any

from sqlalchemy import insert

from sandbox.budgets import require
from sandbox.database import Transaction
from sandbox.identity import Principal
from sandbox.privacy import ZERO, PrivacyLoss
from sandbox.queries import digest_of_keys
from sandbox.queries.describe import wording
from sandbox.queries.plan.price import PartitionPrice
from sandbox.releases.context import AskContext
from sandbox.releases.noise import values_told
from sandbox.releases.prepare import Prepared, charge, charge_first
from sandbox.releases.purchase.purchase import Purchase, buy
from sandbox.releases.selected_partitions import keys_found
from sandbox.releases.tables import found_keys


def find_keys(context: AskContext, principal: Principal, prepared: Prepared) -> PrivacyLoss:
    """Buy the values of each key of a question that is not known yet; returns what was paid.

    The whole question must fit in the budget before any of it is bought. Raises as `buy` does.
    """
    paid = ZERO
    with context.database.transaction() as tx:
        require(tx, **prepared.charged, loss=charge(prepared, {}) + charge_first(prepared))
    for share in prepared.price.keys:
        if share.discovery not in prepared.plan.unknown:
            continue
        with context.database.lock(f"keys:{digest_of_keys(share.discovery, prepared.version)}"):
            with context.database.transaction() as tx:  # somebody else may have bought them while we waited
                known = keys_found(
                    tx, prepared.plan, {one.discovery: one.loss.picorho for one in prepared.price.keys}
                )
            if share.discovery.of not in known:
                buy(context, principal, prepared, _purchase(share, prepared))
                paid += share.loss
    return paid


def _purchase(share: PartitionPrice, prepared: Prepared) -> Purchase:
    digest = digest_of_keys(share.discovery, prepared.version)

    def found(units: Any) -> dict[str, Any]:
        return {
            "values": [
                value.isoformat() if isinstance(value, date) else value for value in values_told(share, units)
            ]
        }

    def keep(tx: Transaction, told: dict[str, Any]) -> None:
        tx.execute(
            insert(found_keys).values(
                digest=digest,
                picorho=share.loss.picorho,
                scale=share.scale,
                threshold=share.threshold,
                values=told["values"],
            )
        )

    return Purchase(
        share.discovery,
        digest,
        f"SELECT DISTINCT {wording(share.discovery.of)} FROM {prepared.version.dataset}",
        share.loss,
        {
            "keys": share.discovery.name,
            "sensitivity": share.discovery.sensitivity,
            "scale": repr(share.scale),
            "threshold": share.threshold,
        },
        found,
        keep,
    )
