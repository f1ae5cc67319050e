"""Who is this account now? Read at every request, so that what was taken away is gone at once."""

from sqlalchemy import select

from sandbox.database import Transaction
from sandbox.errors import NotAuthenticated
from sandbox.identity.model import Principal
from sandbox.identity.names import is_id
from sandbox.identity.tables import account_roles, accounts, team_members


def load_principal(tx: Transaction, account_id: str) -> Principal:
    """The principal of a live account. Raises `NotAuthenticated`, in the same words for unknown and disabled."""
    account = tx.execute(select(accounts).where(accounts.c.id == account_id)).one_or_none() if is_id(account_id) else None
    if account is None or account.disabled_at is not None:
        raise NotAuthenticated("There is no such account, or it was disabled.", mend="Ask the operator.")
    roles = tx.scalars(select(account_roles.c.role).where(account_roles.c.account == account_id))
    teams = tx.scalars(select(team_members.c.team).where(team_members.c.account == account_id))
    return Principal(id=account.id, display_name=account.display_name, organisation=account.organisation,
                     roles=frozenset(roles), teams=frozenset(teams), kind=account.kind)
