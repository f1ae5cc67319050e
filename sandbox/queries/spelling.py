"""Spells a text in upper or lower case, or without the spaces around it, as the engine does it."""

from sandbox.queries.tree import Spelling

SPACES = "".join(map(chr, (0x20, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000)))
"""What TRIM takes away: the spaces of Unicode (category Zs), and no tab or end of line."""


def spelled(spelling: Spelling, value: str) -> str:
    """As the engine does it, which gives each letter one letter: tried for every character there is."""
    match spelling:
        case Spelling.LOWER:
            return "".join(letter.lower()[0] for letter in value)
        case Spelling.UPPER:
            return "".join(map(_upper, value))
        case Spelling.TRIM:
            return value.strip(SPACES)
        case Spelling.LTRIM:
            return value.lstrip(SPACES)
        case Spelling.RTRIM:
            return value.rstrip(SPACES)


def _upper(letter: str) -> str:
    """Where its upper case is several letters, that of its titles; where these are several too, itself."""
    if letter == "ß":
        return "ẞ"
    return next((one for one in (letter.upper(), letter.title()) if len(one) == 1), letter)
