"""Accounts, organisations, teams, passwords, and the tokens that carry an identity between services."""

from sandbox.identity.accounts import (
    change_password,
    create_account,
    disable_account,
    disable_accounts,
    enable_account,
    set_roles,
)
from sandbox.identity.audiences import KERNEL, PORTAL, VAULT, WORKSPACE
from sandbox.identity.issuer import TokenIssuer
from sandbox.identity.login import (
    Login,
    Source,
    change_own_password,
    check_password,
    give_code,
    log_in,
    unlock_account,
    what_login_needs,
)
from sandbox.identity.login_uses import forget_uses, last_uses, note_use
from sandbox.identity.model import ADMINISTRATORS, ROLES, Principal
from sandbox.identity.organisations import create_organisation, require_organisation
from sandbox.identity.principals import live_officers, live_people, load_principal
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
from sandbox.identity.rules import IdentityRules
from sandbox.identity.secret_box import SecretBox
from sandbox.identity.secret_file import read_secret
from sandbox.identity.signing_keys import jwks
from sandbox.identity.teams import create_team, join_team, leave_team, require_team
from sandbox.identity.verifier import Claims, TokenVerifier

__all__ = [
    "ADMINISTRATORS",
    "CHANNEL",
    "KERNEL",
    "PORTAL",
    "ROLES",
    "VAULT",
    "WORKSPACE",
    "Claims",
    "IdentityRules",
    "Login",
    "Origin",
    "Principal",
    "SecretBox",
    "Source",
    "TokenIssuer",
    "TokenVerifier",
    "change_own_password",
    "change_password",
    "check_password",
    "create_account",
    "create_organisation",
    "create_team",
    "disable_account",
    "disable_accounts",
    "enable_account",
    "forget_uses",
    "give_code",
    "join_team",
    "jwks",
    "last_uses",
    "leave_team",
    "live_officers",
    "live_people",
    "load_principal",
    "log_in",
    "login_claims",
    "logins_revoked",
    "note_use",
    "read_secret",
    "require_organisation",
    "require_team",
    "require_unrevoked",
    "revoke_logins",
    "revoke_session",
    "revoke_token",
    "revoked",
    "set_roles",
    "unlock_account",
    "what_login_needs",
]
