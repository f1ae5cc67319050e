"""Restricts the names of objects to plain ones, so that no name can leave its folder or surprise a shell, a
URL or a log."""

import re

from sandbox.errors import InvalidInput

LONGEST = 512
PLAIN = re.compile(r"[a-z0-9][a-z0-9._=-]*(/[a-z0-9][a-z0-9._=-]*)*")


def checked_name(name: str) -> str:
    """`name` itself, if it is lower-case parts of letters, digits, `.`, `_`, `=`, `-`, joined by `/`;
    else `InvalidInput`."""
    if len(name) > LONGEST or not PLAIN.fullmatch(name):
        raise InvalidInput(
            f"An object cannot be called {name[:80]!r}.",
            code="object_name",
            remedy="Use lower-case letters, digits and . _ = - in parts joined by /, "
            f"each beginning with a letter or digit, {LONGEST} characters at most.",
        )
    return name
