"""Reads an account as it is now. It is read at every request, so that withdrawn rights are gone at once."""

from sqlalchemy import func, select

from sandbox.database import Transaction
from sandbox.errors import NotAuthenticated
from sandbox.identity.model import Principal
from sandbox.identity.names import is_id
from sandbox.identity.tables import account_roles, accounts, team_members


def load_principal(tx: Transaction, account_id: str, *, hold: bool = False) -> Principal:
    """The principal of a live account. Raises `NotAuthenticated`, in the same words for unknown and disabled.

    `hold`: nobody may take anything from the account until this transaction ends (`hold_account`).
    """
    if hold:
        hold_account(tx, account_id, share=True)
    account = (
        tx.execute(select(accounts).where(accounts.c.id == account_id)).one_or_none()
        if is_id(account_id)
        else None
    )
    if account is None or account.disabled_at is not None:
        raise NotAuthenticated("There is no such account, or it was disabled.", remedy="Ask the operator.")
    roles = tx.scalars(select(account_roles.c.role).where(account_roles.c.account == account_id))
    teams = tx.scalars(select(team_members.c.team).where(team_members.c.account == account_id))
    return Principal(
        id=account.id,
        display_name=account.display_name,
        organisation=account.organisation,
        roles=frozenset(roles),
        teams=frozenset(teams),
        kind=account.kind,
    )


def hold_account(tx: Transaction, account_id: str, *, share: bool = False) -> None:
    """Wait until nobody else holds the account, and hold it until the transaction ends.
    Whoever changes it does so alone; whoever only decides by it shares. A lock of Postgres and not of the
    row: the vault may not lock rows of identity."""
    key = func.hashtextextended(f"identity.account {account_id}", 0)
    tx.execute(select(func.pg_advisory_xact_lock_shared(key) if share else func.pg_advisory_xact_lock(key)))
