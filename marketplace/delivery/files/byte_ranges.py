"""Reads which part of a file is wanted (RFC 9110, section 14). Pure."""

import re
from dataclasses import dataclass

ONE = re.compile(r"bytes\s*=\s*(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Part:
    """The bytes from `start` to before `end`. `whole`: no part was asked for, or what was asked for is
    answered with everything."""

    start: int
    end: int
    whole: bool = False


def wanted_part(range: str | None, if_range: str | None, *, size: int, etag: str) -> Part | None:
    """What to send; None if the part lies outside the file (416).

    Several parts at once, another unit, and what cannot be read are answered with the whole file, as the
    standard allows. So is a part of what is another file by now (`If-Range`).
    """
    found = ONE.fullmatch(range.strip()) if range else None
    if found is None or (if_range is not None and if_range.strip() != etag):
        return Part(0, size, whole=True)
    first, last, suffix = found.groups()
    if suffix is not None:
        many = min(int(suffix), size)
        return Part(size - many, size) if many else None
    start, end = int(first), min(int(last), size - 1) + 1 if last else size
    if last and int(last) < start:
        return Part(0, size, whole=True)  # no range at all
    return Part(start, end) if start < size else None
