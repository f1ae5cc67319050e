"""Continues a walk over pages: a cursor names the licence, the release, the question and the place, and is
signed. The pages of one walk are of one release, also when a newer one took effect on the way."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace

import orjson

from marketplace.delivery.rows import AFTER, COUNT, CURSOR, LIMIT, Wish
from marketplace.delivery.signed_text import Signer
from sandbox.errors import InvalidInput

NOT_ASKED = (CURSOR, LIMIT, COUNT, AFTER)


def next_cursor(
    signer: Signer, given: Mapping[str, str], *, licence: int, release: int, place: int | None
) -> str | None:
    """The cursor of the page that begins at `place`; None at the end."""
    return None if place is None else signer.sign([licence, release, question(given), place])


def continued(signer: Signer, wish: Wish, given: Mapping[str, str], *, licence: int) -> Wish:
    """The wish at the place of its cursor, if it has one. Raises `InvalidInput` for a cursor that is not of
    this licence and this question."""
    if CURSOR not in given:
        return wish
    parts = signer.read(given[CURSOR])
    if parts is None or AFTER in given or parts[:1] + parts[2:3] != [licence, question(given)]:
        raise bad_cursor()
    _, release, _, place = parts
    assert isinstance(release, int) and isinstance(place, int)
    return replace(wish, after=place, release=release)


def question(given: Mapping[str, str]) -> str:
    """A digest of what is asked, whatever the page."""
    asked = sorted((name, text) for name, text in given.items() if name not in NOT_ASKED)
    return hashlib.sha256(orjson.dumps(asked)).hexdigest()[:16]


def bad_cursor() -> InvalidInput:
    return InvalidInput(
        "This cursor is not of this question.",
        code="bad_cursor",
        remedy=f"Send {CURSOR} as the page before gave it, with the same parameters, or begin again.",
        zh="此游标与本次查询不符。",
        remedy_zh=f"请按上一页给出的 {CURSOR} 与相同参数发送，或去掉它重新开始。",
    )
