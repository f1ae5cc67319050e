"""Who is asking: accounts, organisations, teams, passwords, and the tokens that carry an identity between services."""

from sandbox.identity.accounts import change_password, create_account, disable_account, set_roles
from sandbox.identity.model import ROLES, Principal
from sandbox.identity.organisations import create_organisation, require_organisation
from sandbox.identity.principals import load_principal
from sandbox.identity.teams import create_team, join_team, leave_team, require_team

__all__ = [
    "ROLES",
    "Principal",
    "change_password",
    "create_account",
    "create_organisation",
    "create_team",
    "disable_account",
    "join_team",
    "leave_team",
    "load_principal",
    "require_organisation",
    "require_team",
    "set_roles",
]
