"""Text that can be stored, shown and compared: what everybody types or uploads goes
through one of these types.

`PlainText` has no NUL and no lone surrogate, which no database and no file can hold, and is in Unicode's form
NFC, so that what looks the same is the same. `ExactText` is as it was sent (programs, passwords), and has
neither sign. Lengths stand at each field, and a body's length bounds them all.
"""

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator

LONGEST = 100_000
NO_TEXT = re.compile("[\0\ud800-\udfff]")
REMEDY = "Remove the NUL characters and the broken surrogates: they are no text."
REMEDY_ZH = "请去掉空字符（NUL）和不成对的代理字符：它们不是文字。"


def is_text(said: str) -> bool:
    """Whether it can be stored: without NUL, and Unicode in full."""
    return NO_TEXT.search(said) is None


def exact(said: str) -> str:
    """As it is. Raises `ValueError`, whose words are shown to the sender."""
    if not is_text(said):
        raise ValueError(f"not plain text. {REMEDY}")
    if len(said) > LONGEST:
        raise ValueError(f"longer than {LONGEST} characters")
    return said


def plain(said: str) -> str:
    """In the form NFC. Raises `ValueError`."""
    return unicodedata.normalize("NFC", exact(said))


PlainText = Annotated[str, AfterValidator(plain)]
ExactText = Annotated[str, AfterValidator(exact)]
