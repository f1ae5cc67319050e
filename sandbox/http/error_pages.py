"""The page of the documentation that explains an error code: a problem's `type` refers to it."""

import re

FOLDER = "/help/errors"
NAME = re.compile(r"[a-z0-9-]{1,80}")


def page_name(code: str) -> str:
    """The name of a code's page. Codes of keys are in capitals, and two of them are spelled
    as a code of the tree of errors is in small letters."""
    return ("key-" if code.isupper() else "") + code.lower().replace("_", "-")


def page_address(code: str) -> str:
    """A reference to the page, relative to the service that answers (RFC 3986, section 4.2)."""
    return f"{FOLDER}/{page_name(code)}"
