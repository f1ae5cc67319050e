"""Tells officers and auditors which keys were called from networks that are new to them."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from marketplace.keys.networks import new_networks
from sandbox.database import Database
from sandbox.identity import Principal
from sandbox.policy import Gate, Resource


def market_risks(
    database: Database, *, gate: Gate, principal: Principal, window: timedelta
) -> dict[str, object]:
    """Of the last `window`: for officers of their department, for auditors everywhere. Raises `Refused`."""
    gate.require(principal, "read_risks", Resource("Risks", "risks", {"department": principal.organisation}))
    now = datetime.now(UTC)
    department = None if "auditor" in principal.roles else principal.organisation
    with database.transaction() as tx:
        found = new_networks(tx, since=now - window, department=department)
    return {"as_of": now, "window_days": window.days, "new_networks": [asdict(each) for each in found]}
