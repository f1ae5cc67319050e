"""Opens the privacy account of a licence of free SQL, and says what is left of it.

The account is a grant of the marketplace's in the vault, with the budget that the licence's offer sold
(ADR 0018). An officer of the department opens it: the vault decides by that person, as for every grant. It
is opened once, whoever asks how often, and closed once the licence is over.
"""

import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from marketplace.licences.find import find_licence, lock_licence, may_know, no_licence
from marketplace.licences.model import Licence
from marketplace.licences.tables import licences
from marketplace.products.find import find_product
from marketplace.vault import SERVICE, Vault
from sandbox.audit import Event, append
from sandbox.chores import Chore
from sandbox.city_time import city_date
from sandbox.database import Database, try_lock_name
from sandbox.errors import CihuError, Conflict, InvalidInput
from sandbox.identity import Principal
from sandbox.policy import Gate, Resource, hidden_from_strangers

LONGEST = timedelta(days=365)  # the vault's grants end within a year
SECONDS = 300.0
log = logging.getLogger("cihu.portal")


@dataclass(frozen=True)
class PrivacyAccount:
    """What a licence may spend: `epsilon` was sold. `percent_used` is in zCDP, in which the ledger counts;
    None until the account is opened."""

    licence: int
    epsilon: str
    opened: bool
    percent_used: float | None = None
    epsilon_spent: float | None = None
    until: str | None = None


def open_privacy_account(
    database: Database, *, gate: Gate, vault: Vault, principal: Principal, licence_id: int
) -> Licence:
    """Raises `Forbidden`, `NotFound`, `Conflict`, `InvalidInput`, and what the vault refuses with."""
    with database.lock(f"privacy_account:{licence_id}"):
        with database.transaction() as tx:
            licence = find_licence(tx, licence_id)
            with hidden_from_strangers(no_licence(licence_id), seen=may_know(principal, licence)):
                resource = Resource("Licence", str(licence.id), licence.cedar)
                gate.require(principal, "open_privacy_account", resource)
            dataset = find_product(tx, licence.product).dataset
        epsilon = budget_sold(licence)
        if licence.privacy_grant is not None:
            return licence
        if licence.status not in ("live", "suspended"):
            raise Conflict(
                f"The licence is {licence.status}.",
                code="wrong_status",
                remedy="Only a licence that is not over gets a privacy account.",
                zh="许可已结束。",
                remedy_zh="只有未结束的许可才能开立隐私账户。",
            )
        grant = grant_for(vault, principal, licence, dataset=dataset, epsilon=epsilon)
        with database.transaction() as tx:
            lock_licence(tx, licence.id)
            tx.execute(update(licences).where(licences.c.id == licence.id).values(privacy_grant=grant))
            append(
                tx,
                Event(
                    kind="licence.privacy_account_opened",
                    actor=principal.id,
                    subject=f"licence:{licence.id}",
                    payload={"grant": grant, "epsilon": epsilon, "dataset": dataset},
                ),
            )
        return replace(licence, privacy_grant=grant)


def budget_sold(licence: Licence) -> str:
    """Raises `InvalidInput` if the licence has none."""
    sold = licence.document.terms.privacy_budget if licence.document else None
    if sold is None:
        raise InvalidInput(
            "The licence was sold without a privacy budget.",
            code="no_privacy_budget",
            remedy="Only licences of free SQL have one.",
            zh="该许可不含隐私预算。",
            remedy_zh="只有自由查询的许可才有隐私预算。",
        )
    return sold


def grant_for(vault: Vault, principal: Principal, licence: Licence, *, dataset: str, epsilon: str) -> str:
    """The grant of the licence's account: one that was made and not written down is taken up again."""
    purpose = f"free SQL of the organisation {licence.organisation} under the licence {licence.id}"
    known = [each for each in vault.grants(SERVICE) if each.get("purpose") == purpose]
    live = next((each for each in known if each.get("status") == "live"), None)
    if live is not None:
        return str(live["id"])
    asked = next(
        (each for each in vault.requests(SERVICE, status="asked") if each.get("purpose") == purpose), None
    )
    until = min(city_date(licence.ends_at - timedelta(seconds=1)), city_date(datetime.now(UTC) + LONGEST))
    asked = asked or vault.make_request(
        SERVICE, dataset=dataset, team=SERVICE, epsilon=epsilon, until=until.isoformat(), purpose=purpose
    )
    return str(vault.approve(principal.id, str(asked["id"]))["id"])


def close_privacy_accounts(database: Database, vault: Vault) -> list[str]:
    """End the grants of licences that are over, so that what they did not spend is the dataset's again; gives
    them. Raises what the vault refuses with."""
    with database.transaction() as tx:
        over = set(
            tx.scalars(
                select(licences.c.privacy_grant).where(
                    licences.c.privacy_grant.is_not(None), licences.c.status.not_in(("live", "suspended"))
                )
            )
        )
    if not over:
        return []
    live = {str(each["id"]) for each in vault.grants(SERVICE) if each.get("status") == "live"}
    closed = sorted(over & live)
    for grant in closed:
        vault.revoke_grant(SERVICE, grant, "the licence is over")
    return closed


class ClosingJob(Chore):
    """Closes privacy accounts every few minutes, in one portal at a time."""

    def __init__(self, database: Database, vault: Vault, *, seconds: float = SECONDS) -> None:
        super().__init__(seconds=seconds, name="privacy accounts", log=log)
        self.database, self.vault = database, vault

    def run(self) -> None:
        """Once; nothing if another portal is at it."""
        with self.database.transaction() as lock:
            if try_lock_name(lock, "market.privacy accounts job"):
                close_privacy_accounts(self.database, self.vault)


def account_of(vault: Vault, licence: Licence) -> PrivacyAccount:
    """Raises `InvalidInput` if the licence has none, and what the vault refuses with."""
    sold = budget_sold(licence)
    if licence.privacy_grant is None:
        return PrivacyAccount(licence.id, sold, opened=False)
    found: list[dict[str, Any]] = [
        each
        for each in vault.budgets(SERVICE, grant=licence.privacy_grant)
        if str(each["grant"]) == licence.privacy_grant
    ]
    own = next(level for level in found[0]["levels"] if level["level"] == "grant")
    return PrivacyAccount(
        licence.id, sold, True, own["percent_used"], own["epsilon_spent"], found[0]["until"]
    )


def opened_with_approval(
    database: Database, *, gate: Gate, vault: Vault, principal: Principal, licence_id: int
) -> bool | None:
    """Open the account as a part of an approval, where whoever approves may. None: no budget was sold.
    False: it is still to be opened."""
    with database.transaction() as tx:
        licence = find_licence(tx, licence_id)
    if licence.document is None or licence.document.terms.privacy_budget is None:
        return None
    try:
        open_privacy_account(database, gate=gate, vault=vault, principal=principal, licence_id=licence_id)
    except CihuError:
        return False
    return True
