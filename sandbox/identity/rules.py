"""The rules of passwords, of wrong logins and of second factors, as values. `policies/identity.yaml`
sets them.

Sources: GB/T 22239-2019, 8.1.4.1 (identity authentication, level 3: complexity, regular change, limits
on failed logins, two kinds of authentication); NIST SP 800-63B-4 (length before composition); OWASP
device cookies (locking a pair of account and place instead of the account).
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

Administration = Literal["operator", "separated"]


@dataclass(frozen=True)
class PasswordRules:
    """A password that is not `long_enough` characters long needs letters of `kinds` kinds
    (small, capital, digit, other)."""

    shortest: int = 8
    long_enough: int = 15
    kinds: int = 3
    history: int = 5  # the last ones cannot be taken again, nor the present one
    longest_days: int = 0  # after which it must be replaced; 0: never


@dataclass(frozen=True)
class LoginLimits:
    """Wrong attempts within `window`: of one pair (account, place) until it is locked; of all strange places
    together until the account admits one attempt each `slow` seconds; of codes, by who knows the password."""

    pair: int = 5
    account: int = 20
    codes: int = 5
    window: timedelta = timedelta(minutes=10)
    slow: timedelta = timedelta(seconds=10)
    codes_window: timedelta = timedelta(minutes=30)


@dataclass(frozen=True)
class IdentityRules:
    """`second_factor_roles`: who has one of them and logs in with a password alone can only add a second
    factor. `administration`: "separated" takes accounts and roles from the operator (三员分立)."""

    passwords: PasswordRules = PasswordRules()
    logins: LoginLimits = LoginLimits()
    second_factor_roles: frozenset[str] = frozenset()
    invitation_life: timedelta = timedelta(hours=72)
    administration: Administration = "operator"

    @property
    def separated(self) -> bool:
        return self.administration == "separated"


DEFAULT = IdentityRules()
