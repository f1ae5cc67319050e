"""Defines the audiences of tokens: who may issue a token for each, and how long it may live."""

from typing import NamedTuple

VAULT = "cihu:vault"  # a person to the vault: by the portal on their behalf, or by their command line
WORKSPACE = "cihu:workspace"  # the hub to the vault, for one person's workspace
KERNEL = "cihu:kernel"  # a sealed kernel to the vault, over its socket
PORTAL = "cihu:portal"  # a command line to the portal's API

MINUTE, HOUR = 60, 3600


class Rule(NamedTuple):
    """`issuer` None: whoever signs. A token for an audience from another issuer is no token for it."""

    issuer: str | None
    longest_seconds: int


RULES: dict[str, Rule] = {
    VAULT: Rule("portal", 15 * MINUTE),
    WORKSPACE: Rule("portal", 12 * HOUR),
    KERNEL: Rule("vault", 10 * MINUTE),
    PORTAL: Rule("portal", 15 * MINUTE),
}
OTHER = Rule(None, HOUR)  # an OpenID client, named by its client id

LONGEST_SECONDS = max(rule.longest_seconds for rule in (*RULES.values(), OTHER))


def rule_for(audience: str) -> Rule:
    return RULES.get(audience, OTHER)
