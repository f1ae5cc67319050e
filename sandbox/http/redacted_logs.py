"""Log records without secrets: no query string, no token, cookie or password of a header
is ever written down.

Every record of a process goes through here, whichever library makes it and whichever handler writes it: a
library that logs an address is nobody's mistake to find. What follows a `?` in an address is a person's own
business even where it is no secret.
"""

import logging
import re
import traceback

HIDDEN = "[hidden]"
RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # an address's query, whatever it holds: `/path?name=value`, `https://host/?token=…`,
    # `?name` alone after a path
    (re.compile(r"(?<=[\w/.\-~%:\])])\?(?=[\w.~%\-+]*=)[^\s\"'<>`)\]}]*"), f"?{HIDDEN}"),
    (re.compile(r"(/[\w.~%\-]+/?)\?[^\s\"'<>`)\]}]+"), rf"\1?{HIDDEN}"),
    # the value of a header that opens something
    (re.compile(r"(?i)\b(bearer|basic|token)(\s+)[\w.~+/\-]{16,}=*"), rf"\1\2{HIDDEN}"),
    (
        re.compile(
            r"(?i)([\"']?\b(?:set-cookie|cookie|authorization|x-xsrftoken|x-csrf-token)\b[\"']?\s*[:=]\s*)([\"'][^\"']*[\"']|[^\n\"']+)"
        ),
        rf"\1{HIDDEN}",
    ),
    (
        re.compile(
            r"(?i)\b((?:access_|api_|id_|refresh_)?token|client_secret|password|passwd|secret|code_verifier)"
            r"(\"?'?\s*[=:]\s*\"?'?)[^\s\"'&,;)}\]]{6,}"
        ),
        rf"\1\2{HIDDEN}",
    ),
    # how every JWT looks, and a database's address with a password
    (re.compile(r"eyJ[\w\-]{8,}\.[\w\-]+\.[\w\-]*"), HIDDEN),
    # our own keys and links (sandbox/identity/scannable_secret.py), wherever they stand
    (re.compile(r"\bch[a-z]_[0-9A-Za-z]{38}(?![0-9A-Za-z])"), HIDDEN),
    (re.compile(r"(://[^\s:/@]+:)[^\s@/]+(@)"), rf"\1{HIDDEN}\2"),
)


# each rule needs one of these: most lines have none, and one look is enough for them
SUSPECT = re.compile(
    r"[?@]|bearer|basic|token|cookie|authorization|secret|passw|code_verifier|eyj|ch[a-z]_", re.IGNORECASE
)


def redacted(text: str) -> str:
    if SUSPECT.search(text) is None:
        return text
    for pattern, instead in RULES:
        text = pattern.sub(instead, text)
    return text


class RedactedRecord(logging.LogRecord):
    """A record whose text is redacted, and its traceback's too."""

    def __init__(self, *given: object, **named: object) -> None:
        super().__init__(*given, **named)  # type: ignore[arg-type]
        if self.exc_info and self.exc_info[0] is not None:
            self.exc_text = redacted("".join(traceback.format_exception(*self.exc_info)).rstrip())

    def getMessage(self) -> str:  # noqa: N802  # logging's name
        return redacted(super().getMessage())


def redact_logs() -> None:
    """For every record that this process makes from now on."""
    logging.setLogRecordFactory(RedactedRecord)
