"""Lists the disguised forms of a text: forms that a person can read back and that a plain search does not
find.

Both sides use this: the index adds `disguised_forms` of each rare text, and a file's texts are looked up by
`candidates_in`. A disguise with a secret of the analyst's (a salt, an offset) is beyond it: `coded_labels`
looks for what such codes share.
"""

import base64
import binascii
import codecs
import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterator
from urllib.parse import unquote

LEAST_SIGNS = 6
DIGEST_SIGNS = 10
DIGESTS = ("md5", "sha1", "sha256")
TOKEN = re.compile(r"[\w+/=%~^*#@!$&.:-]{6,400}")
HEX = re.compile(r"[0-9a-f]{10,}")
DIGITS = re.compile(rf"\d{{{LEAST_SIGNS},}}")
SPELLED = {
    name: str(number)
    for number, names in enumerate(
        (
            ("zero", "oh", "零", "〇"),
            ("one", "一", "壹"),
            ("two", "二", "贰"),
            ("three", "三", "叁"),
            ("four", "四", "肆"),
            ("five", "五", "伍"),
            ("six", "六", "陆"),
            ("seven", "七", "柒"),
            ("eight", "八", "捌"),
            ("nine", "九", "玖"),
        )
    )
    for name in names
}
SPELLED_DIGIT = re.compile(
    "|".join(rf"\b{name}\b" if name.isascii() else name for name in SPELLED), re.IGNORECASE
)
APART = re.compile(r"(?<![^\W_])[^\W_](?:[ ,.\-_]+[^\W_]){5,}(?![^\W_])")
GAPS = re.compile(r"(?<=\d)[ ,.\-_]+(?=\d)")


def compact(text: str) -> str:
    """Its letters and digits alone."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", text).casefold() if sign.isalnum())


def disguised_forms(text: str) -> list[str]:
    """The forms under which a raw text is known besides itself;
    none for a text too short to mean somebody."""
    bare = compact(text)
    made = [
        f"h:{hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest()[:DIGEST_SIGNS]}"
        for name in DIGESTS
    ]
    if len(bare) >= LEAST_SIGNS:
        made.append("c:" + bare)
        made += ["c:" + run for run in DIGITS.findall(bare) if run != bare]
    return made


def run_of(form: str) -> str:
    """The digits of a text's form that has nothing else: a number like it may stand anywhere by chance."""
    return form[2:] if form[:2] in ("t:", "c:") and form[2:].isdecimal() and form.isascii() else ""


def candidates_in(text: str) -> Iterator[str]:
    """Forms to look up, of every long token and of what the text says when its spelling is undone."""
    for token in TOKEN.findall(text):
        yield from _of_token(token)
        for said in _decoded(token):
            yield "c:" + compact(said)
            yield from (
                "c:" + compact(part) for part in re.split(r"[\s,;、,。;|]+", said) if len(compact(part)) > 1
            )
            yield from ("t:" + part for part in re.split(r"[\s,;、,。;|]+", said.casefold()) if len(part) > 1)
    plain = SPELLED_DIGIT.sub(lambda match: SPELLED[match.group().lower()], text)
    if plain != text or GAPS.search(text):
        yield from ("c:" + run for run in DIGITS.findall(GAPS.sub("", plain)))
    yield from ("c:" + compact(match.group()) for match in APART.finditer(text))


def _of_token(token: str) -> Iterator[str]:
    bare = compact(token)
    if len(bare) < LEAST_SIGNS:
        return
    for form in (bare, bare[::-1], codecs.encode(bare, "rot13")):
        yield "c:" + form
    for run in DIGITS.findall(bare):
        yield "c:" + run
        yield "c:" + run[::-1]
    for run in HEX.findall(bare):
        yield "h:" + run[:DIGEST_SIGNS]


def _decoded(token: str) -> Iterator[str]:
    """What the token says if it is text in base16, 32, 64, 85 or a URL's escapes."""
    for decode in _DECODERS:
        try:
            said = decode(token).decode("utf-8")
        except (ValueError, binascii.Error):
            continue
        if len(said) > 1 and said.isprintable():
            yield said


def _padded(token: str, of: int) -> str:
    bare = token.rstrip("=")
    return bare + "=" * (-len(bare) % of)


_DECODERS: tuple[Callable[[str], bytes], ...] = (
    bytes.fromhex,
    lambda token: base64.b64decode(
        _padded(token, 4), altchars=b"-_" if set(token) & set("-_") else None, validate=True
    ),
    lambda token: base64.b32decode(_padded(token.upper(), 8)),
    base64.b85decode,
    lambda token: unquote(token, errors="strict").encode() if "%" in token else b"",
)
