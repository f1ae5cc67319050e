"""Restricts the names of accounts, organisations and teams to plain ASCII ones that cannot be mistaken for
another."""

import re
import unicodedata

from sandbox.errors import InvalidInput

PATTERN = re.compile(r"[a-z][a-z0-9-]{1,31}")
# words that the log uses for nobody in particular
RESERVED = frozenset({"anonymous", "public", "system", "unknown"})
DISPLAY_LENGTH = 80  # characters


def is_id(text: str) -> bool:
    return PATTERN.fullmatch(text) is not None


def check_id(text: str, *, what: str) -> str:
    """`text`, if it can be the id of a `what` ("account", "team"). Raises `InvalidInput`.

    ASCII only: a Cyrillic "а" in "chаn" would make two accounts that nobody can tell apart.
    """
    if text in RESERVED:
        raise InvalidInput(f"The {what} id {text!r} is reserved.", remedy="Choose another.")
    if is_id(text):
        return text
    strange = next((letter for letter in text if not letter.isascii()), None)
    why = (
        f" It holds {unicodedata.name(strange, 'a character')} (U+{ord(strange):04X}), which is not ASCII."
        if strange
        else ""
    )
    raise InvalidInput(
        f"{text[:40]!a} cannot be the id of an {what}."
        if what[0] in "aeiou"
        else f"{text[:40]!a} cannot be the id of a {what}.",
        remedy=f"Use 2 to 32 of a-z, 0-9 and '-', beginning with a letter.{why}",
    )


def check_display_name(text: str, *, what: str) -> str:
    """`text` in NFC, if people can read it.
    Raises `InvalidInput` for empty, too long, or invisible characters."""
    name = unicodedata.normalize("NFC", text).strip()
    # Cc and Cf hold line ends and the marks that turn the direction of text: both can make a
    # name read as another
    invisible = any(
        unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} for letter in name
    )
    if not name or len(name) > DISPLAY_LENGTH or invisible:
        raise InvalidInput(
            f"The name of the {what} cannot be shown.",
            remedy=f"Use 1 to {DISPLAY_LENGTH} visible characters.",
        )
    return name
