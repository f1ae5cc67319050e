"""Accounts, organisations, teams, passwords, and the tokens that carry an identity between services."""

from sandbox.identity.accounts import change_password, create_account, disable_account, set_roles
from sandbox.identity.audiences import KERNEL, PORTAL, VAULT, WORKSPACE
from sandbox.identity.issuer import TokenIssuer
from sandbox.identity.login import change_own_password, check_password, log_in
from sandbox.identity.model import ROLES, Principal
from sandbox.identity.organisations import create_organisation, require_organisation
from sandbox.identity.principals import load_principal
from sandbox.identity.revocations import (
    CHANNEL,
    Origin,
    login_claims,
    logins_revoked,
    require_unrevoked,
    revoke_logins,
    revoke_session,
    revoke_token,
    revoked,
)
from sandbox.identity.signing_keys import jwks
from sandbox.identity.teams import create_team, join_team, leave_team, require_team
from sandbox.identity.verifier import Claims, TokenVerifier

__all__ = [
    "CHANNEL",
    "KERNEL",
    "PORTAL",
    "ROLES",
    "VAULT",
    "WORKSPACE",
    "Claims",
    "Origin",
    "Principal",
    "TokenIssuer",
    "TokenVerifier",
    "change_own_password",
    "change_password",
    "check_password",
    "create_account",
    "create_organisation",
    "create_team",
    "disable_account",
    "join_team",
    "jwks",
    "leave_team",
    "load_principal",
    "log_in",
    "login_claims",
    "logins_revoked",
    "require_organisation",
    "require_team",
    "require_unrevoked",
    "revoke_logins",
    "revoke_session",
    "revoke_token",
    "revoked",
    "set_roles",
]
