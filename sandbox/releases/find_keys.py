"""How are a key's values bought? As a question of its own, by the same steps as any other, before the one that needs them."""

from datetime import date
from uuid import UUID, uuid4

from sqlalchemy import insert, update

from sandbox.audit import Event, append
from sandbox.budgets import require, reserve, settle
from sandbox.identity import Principal
from sandbox.privacy import ZERO, PrivacyLoss
from sandbox.queries import digest_of_keys
from sandbox.queries.price import KeyShare
from sandbox.queries.wording import wording
from sandbox.releases.desk import Desk
from sandbox.releases.failure import failed
from sandbox.releases.found_keys import keys_found
from sandbox.releases.moment import allowance_for_keys, limit_seconds, until_due
from sandbox.releases.noise import values_told
from sandbox.releases.prepare import Prepared, confirm
from sandbox.releases.tables import found_keys, questions


def find_keys(desk: Desk, principal: Principal, prepared: Prepared) -> PrivacyLoss:
    """Buy the values of each key of a question that is not known yet; returns what was paid.

    The whole question must fit in the budget before any of it is bought. Raises `BudgetExhausted`, `Forbidden` before data
    is touched; `Unavailable` with code "query_failed" after.
    """
    version, paid = prepared.version, ZERO
    with desk.database.transaction() as tx:
        require(tx, **prepared.charged, loss=prepared.price.loss)
    for share in prepared.price.keys:
        if share.discovery not in prepared.plan.unknown:
            continue
        with desk.database.lock(f"keys:{digest_of_keys(share.discovery, version)}"):
            with desk.database.transaction() as tx:  # somebody else may have bought them while we waited
                known = keys_found(tx, prepared.plan, {one.discovery: one.loss.picorho for one in prepared.price.keys})
            if share.discovery.of not in known:
                _buy(desk, principal, prepared, share)
                paid += share.loss
    return paid


def _buy(desk: Desk, principal: Principal, prepared: Prepared, share: KeyShare) -> None:
    id, digest = uuid4(), digest_of_keys(share.discovery, prepared.version)
    _reserve(desk, principal, prepared, share, id, digest)
    allowance = allowance_for_keys(prepared.plan, share.discovery)
    try:
        with desk.engine.place():
            desk.engine.warm(prepared.version)
            with until_due(allowance):
                units = desk.engine.units_by_value(share.discovery, prepared.version, seconds=limit_seconds(allowance))
                values = [value.isoformat() if isinstance(value, date) else value for value in values_told(share, units)]
        with desk.database.transaction() as tx:
            tx.execute(insert(found_keys).values(digest=digest, picorho=share.loss.picorho, scale=share.scale,
                                                 threshold=share.threshold, values=values))
            settle(tx, id=id)
            tx.execute(update(questions).where(questions.c.id == id).values(status="released"))
            append(tx, Event("query.released", principal.id, f"question:{id}", {
                "dataset": prepared.version.name, "grant": prepared.grant.id, "digest": digest,
                "picorho": share.loss.picorho, "delta_units": share.loss.delta_units, "keys": len(values)}))
    except Exception as failure:  # noqa: BLE001  # as in ask.py: all failures after data was touched look the same
        raise failed(desk.database, principal, id, failure) from None


def _reserve(desk: Desk, principal: Principal, prepared: Prepared, share: KeyShare, id: UUID, digest: str) -> None:
    version, grant = prepared.version, prepared.grant
    with desk.database.transaction() as tx:
        confirm(tx, desk, principal, prepared)
        reserve(tx, id=id, grant=grant.account.key, dataset=version.dataset, population=version.policy.population,
                loss=share.loss)  # its values are of this dataset alone, whatever is joined
        tx.execute(insert(questions).values(
            id=id, digest=digest, version=version.name, grant=grant.id, asked_by=principal.id, picorho=share.loss.picorho,
            sql=f"SELECT DISTINCT {wording(share.discovery.of)} FROM {version.dataset}", status="asked"))
        append(tx, Event("query.asked", principal.id, f"question:{id}", {
            "dataset": version.name, "grant": grant.id, "digest": digest, "picorho": share.loss.picorho,
            "delta_units": share.loss.delta_units, "keys": share.discovery.name, "sensitivity": share.discovery.sensitivity,
            "scale": repr(share.scale), "threshold": share.threshold}))
