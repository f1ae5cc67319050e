"""How a column's values are written, where it is not the plain way, and the plain spelling of each.

A policy declares the form of a whole column: a text such as 1/5/2024, or 1.500, has one meaning only by it.
What does not have the declared form, and is not plain either, stays as it is, so the strict reader counts it.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import pyarrow as pa
import pyarrow.compute as pc

from sandbox.city_time import CITY_TIME_ZONE
from sandbox.ingest.limits import DAY_MICROSECONDS

MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january", "feb february", "mar march", "apr april", "may", "jun june", "jul july",
            "aug august", "sep sept september", "oct october", "nov november", "dec december",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
EXCEL_EPOCH_DAYS = {"excel": -25_569, "excel 1904": -24_107}
"""The day 0 of a workbook's calendar, counted from 1970-01-01. Excel has a day that never was, 1900-02-29:
days before it are not read."""
FIRST_EXCEL_DAY, LAST_EXCEL_DAY = 61, 2_958_465
NO_FORM = "?"
"""Stands before a text that has a plain spelling of another meaning, so that it counts as not fitting."""


class DateOrder(StrEnum):
    """In which order a date's parts stand, or what its number counts."""

    YEAR_FIRST = "year month day"  # 2024-1-5, 2024/1/5, 2024.1.5, 2024年1月5日, 20240105
    DAY_FIRST = "day month year"  # 5/1/2024, 5.1.2024, 5 Jan 2024
    MONTH_FIRST = "month day year"  # 1/5/2024, Jan 5, 2024
    YEAR_MONTH = "year month"  # 2024-01, 2024年1月, 202401: the month's first day
    EXCEL = "excel"  # 45296: days, and parts of a day
    EXCEL_1904 = "excel 1904"
    UNIX_SECONDS = "unix seconds"
    UNIX_MILLISECONDS = "unix milliseconds"


@dataclass(frozen=True)
class Written:
    """The form of a column's values. Every field at its default: the plain spellings alone.

    `decimal`, `thousands`: the signs in numbers. `percent`: a number with % is a hundredth of what stands
    there. `signs`: currency signs and units of measurement that may stand before or after a number.
    `zones`: a moment with a zone becomes the city's clock's. `true`, `false`: the words of a boolean.
    `trimmed`: spaces around a value, full-width digits and other forms of compatibility (Unicode's NFKC) are
    taken for the plain ones.
    """

    dates: DateOrder | None = None
    zones: bool = False
    decimal: str = "."
    thousands: str = ""
    percent: bool = False
    signs: tuple[str, ...] = ()
    true: tuple[str, ...] = ()
    false: tuple[str, ...] = ()
    trimmed: bool = False


PLAIN = Written()
CLOCK = (
    r"(?:[T ]?\s*(?P<before>上午|下午|中午|凌晨|晚上|[AaPp][Mm])?\s*(?P<hour>[0-9]{1,2})[:时点]"
    r"(?P<minute>[0-9]{1,2})"
    r"(?:[:分](?P<second>[0-9]{1,2})(?:[.,](?P<fraction>[0-9]{1,9}))?秒?)?分?\s*(?P<after>[AaPp]\.?[Mm]\.?)?"
    r"\s*(?P<zone>Z|z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2}|[+-][0-9]{2})?)?"
)
WEEKDAY = r"(?:\s*[(（]?(?:星期|周|礼拜)[一二三四五六日天][)）]?)?"
DATES = {
    DateOrder.YEAR_FIRST: (
        r"(?P<year>[0-9]{4})\s*[-/.年]\s*(?P<month>[0-9]{1,2})\s*[-/.月]\s*(?P<day>[0-9]{1,2})\s*[日号]?",
        r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})",
    ),
    DateOrder.DAY_FIRST: (
        r"(?:[A-Za-z]{3,9},\s*)?(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?\s*[-/. ]\s*"
        r"(?P<month>[0-9]{1,2}|[A-Za-z]{3,9})\.?"
        r"\s*[-/., ]\s*(?P<year>[0-9]{4})",
    ),
    DateOrder.MONTH_FIRST: (
        r"(?P<month>[0-9]{1,2})\s*[-/.]\s*(?P<day>[0-9]{1,2})\s*[-/.]\s*(?P<year>[0-9]{4})",
        r"(?:[A-Za-z]{3,9},\s*)?(?P<month>[A-Za-z]{3,9})\.?\s*(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?"
        r"\s*,?\s*(?P<year>[0-9]{4})",
    ),
    DateOrder.YEAR_MONTH: (
        r"(?P<year>[0-9]{4})\s*[-/.年]\s*(?P<month>[0-9]{1,2})\s*月?(?P<day>)",
        r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>)",
    ),
}  # fmt: skip
COMPACT_CLOCK = (
    r"(?:\s?(?P<hour>[0-9]{2})(?P<minute>[0-9]{2})(?P<second>[0-9]{2})"
    r"(?P<fraction>)(?P<zone>)(?P<before>)(?P<after>))"
)


def plain_numbers(texts: pa.Array, written: Written) -> pa.Array:
    """Numbers in the plain spelling: ASCII digits, `.`, `-`. `12 %` becomes `12e-2`."""
    texts = _trimmed(texts, written)
    if written.signs:
        known = {unicodedata.normalize("NFKC", sign) if written.trimmed else sign for sign in written.signs}
        signs = "|".join(re.escape(sign) for sign in sorted(known, key=len, reverse=True))
        texts = pc.replace_substring_regex(texts, rf"^([-+]?)\s*(?:{signs})\s*([-+]?)", r"\1\2")
        texts = pc.replace_substring_regex(texts, rf"([0-9.%])\s*(?:{signs})$", r"\1")
    if written.signs or written.thousands:
        texts = pc.replace_substring_regex(texts, r"^\(\s*([0-9].*)\)$", r"-\1")  # as accountants write it
    if written.trimmed:
        texts = pc.replace_substring_regex(texts, r"^\+", "")
    texts = _separated(texts, written)
    if written.percent:
        number = r"^(-?[0-9]+(?:\.[0-9]+)?)"
        shares = pc.match_substring_regex(texts, rf"{number}\s*%$")
        zero = pc.match_substring_regex(texts, r"^-?0+(\.0+)?$")
        shifted = pc.replace_substring_regex(texts, rf"{number}\s*%$", r"\1e-2")
        texts = pc.if_else(pc.or_(shares, zero), shifted, _without_form(texts))
    return texts


def _separated(texts: pa.Array, written: Written) -> pa.Array:
    if not written.thousands and written.decimal == ".":
        return texts
    point, group = re.escape(written.decimal), re.escape(written.thousands)
    tail = r"\s*%?"
    fraction = rf"(?:{point}[0-9]+)?"
    whole = rf"(?:[0-9]{{1,3}}(?:{group}[0-9]{{3}})+|[0-9]+)" if written.thousands else "[0-9]+"
    if written.thousands == ",":
        # people also part by four digits (万), and by two and three (India)
        whole = (
            r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,4}(?:,[0-9]{4})+|[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}|[0-9]+)"
        )
    formed = pc.match_substring_regex(texts, rf"^-?(?:{whole}{fraction}|{point}[0-9]+){tail}$")
    cleared = texts
    if written.thousands:
        cleared = pc.replace_substring(cleared, written.thousands, "")
    if written.decimal != ".":
        cleared = pc.replace_substring(cleared, written.decimal, ".")
    # 1.5 where the comma is the decimal sign is no plain number: it may have been meant as 15
    return pc.if_else(formed, cleared, _without_form(texts) if written.decimal != "." else texts)


def plain_booleans(texts: pa.Array, written: Written) -> pa.Array:
    texts = _trimmed(texts, written)
    if not (written.true or written.false):
        return texts
    words = {True: written.true, False: written.false}
    plain = _without_form(texts)
    for value, spelled in words.items():
        known = pc.is_in(texts, value_set=pa.array(spelled, pa.string()))
        plain = pc.if_else(known, "true" if value else "false", plain)
    return plain


def plain_moments(texts: pa.Array, written: Written) -> pa.Array:
    """Days and moments as `2024-01-05` and `2024-01-05 08:03:00`, by the declared order."""
    texts = _trimmed(texts, written)
    match written.dates:
        case None:
            pass
        case DateOrder.EXCEL | DateOrder.EXCEL_1904:
            texts = _counted(texts, EXCEL_EPOCH_DAYS[written.dates], DAY_MICROSECONDS)
        case DateOrder.UNIX_SECONDS:
            texts = _counted(texts, 0, 1_000_000, utc=True)
        case DateOrder.UNIX_MILLISECONDS:
            texts = _counted(texts, 0, 1_000, utc=True)
        case _:
            texts = _ordered(texts, written.dates)
    return _in_city(texts) if written.zones else texts


def _trimmed(texts: pa.Array, written: Written) -> pa.Array:
    if not written.trimmed:
        return texts
    if not bool(pc.all(pc.string_is_ascii(texts)).as_py() in (True, None)):
        texts = pc.utf8_normalize(texts, "NFKC")
        for other in "\N{MINUS SIGN}\N{EN DASH}":
            texts = pc.replace_substring(texts, other, "-")
    return pc.utf8_trim_whitespace(texts)


def _without_form(texts: pa.Array) -> pa.Array:
    """A cell of nothing but spaces is empty in any form."""
    return pc.if_else(pc.equal(texts, ""), texts, pc.binary_join_element_wise(NO_FORM, texts, ""))


def _ordered(texts: pa.Array, order: DateOrder) -> pa.Array:
    plain, left = texts, pc.is_valid(texts)
    for pattern in DATES[order]:
        clocks = (CLOCK, COMPACT_CLOCK) if "[0-9]{4})(?P<month>" in pattern else (CLOCK,)
        for clock in clocks:
            parts = pc.extract_regex(texts, rf"^{pattern}{WEEKDAY}{clock}{WEEKDAY}$")
            here = pc.and_(pc.is_valid(parts), left)
            if not pc.any(here).as_py():
                continue
            plain = pc.if_else(here, _assembled(parts), plain)
            left = pc.and_not(left, here)
    return plain


def _assembled(parts: pa.StructArray) -> pa.Array:
    part = {name: parts.field(name) for name in ("year", "month", "day", "hour", "minute", "second")}
    fraction, zone = parts.field("fraction"), parts.field("zone")
    named = pc.match_substring_regex(part["month"], "^[A-Za-z]")
    if pc.any(named).as_py():
        number = pc.index_in(pc.utf8_lower(part["month"]), value_set=pa.array(list(MONTHS)))
        spelled = pa.array([str(month) for month in MONTHS.values()]).take(number)
        part["month"] = pc.if_else(named, pc.fill_null(spelled, "99"), part["month"])
    part["day"] = pc.if_else(pc.equal(part["day"], ""), "1", part["day"])
    timed = pc.not_equal(part["hour"], "")
    part["hour"] = _on_24_hours(part["hour"], parts.field("before"), parts.field("after"))
    two = {name: pc.utf8_lpad(text, 2, "0") for name, text in part.items() if name != "year"}
    day = pc.binary_join_element_wise(part["year"], two["month"], two["day"], "-")
    clock = pc.binary_join_element_wise(two["hour"], two["minute"], two["second"], ":")
    clock = pc.if_else(pc.equal(fraction, ""), clock, pc.binary_join_element_wise(clock, fraction, "."))
    moment = pc.binary_join_element_wise(day, clock, " ")
    return pc.if_else(timed, pc.binary_join_element_wise(moment, zone, ""), day)


def _on_24_hours(hour: pa.Array, before: pa.Array, after: pa.Array) -> pa.Array:
    half = pc.utf8_lower(pc.replace_substring(pc.binary_join_element_wise(before, after, ""), ".", ""))
    if not pc.any(pc.not_equal(half, "")).as_py():
        return hour
    number = pc.cast(pc.if_else(pc.equal(hour, ""), "0", hour), pa.int64())
    late = pc.is_in(half, value_set=pa.array(["pm", "下午", "晚上"]))
    noon = pc.equal(half, "中午")
    early = pc.is_in(half, value_set=pa.array(["am", "上午", "凌晨"]))
    twelve = pc.equal(number, 12)
    shifted = pc.if_else(pc.and_(late, pc.less(number, 12)), pc.add(number, 12), number)
    shifted = pc.if_else(pc.and_(noon, pc.less(number, 11)), pc.add(number, 12), shifted)
    shifted = pc.if_else(pc.and_(early, twelve), pa.scalar(0, pa.int64()), shifted)
    return pc.if_else(pc.equal(half, ""), hour, pc.cast(shifted, pa.string()))


def _counted(texts: pa.Array, first_day: int, microseconds: int, *, utc: bool = False) -> pa.Array:
    """Numbers that count days or seconds, as moments; a whole day has no time. `utc`: they count from a
    moment of UTC, and the city's clock shows another."""
    numbers = pc.match_substring_regex(texts, r"^-?[0-9]{1,13}(\.[0-9]{1,15})?$")
    values = pc.cast(pc.if_else(numbers, texts, pa.scalar(None, pa.string())), pa.float64())
    if microseconds == DAY_MICROSECONDS:
        there = pc.and_(pc.greater_equal(values, FIRST_EXCEL_DAY), pc.less(values, LAST_EXCEL_DAY + 1))
        values = pc.if_else(there, values, pa.scalar(None, pa.float64()))
    # a serial number is exact to about 2 microseconds: its time is a whole millisecond
    ticks = pc.cast(pc.round(pc.multiply(values, microseconds / 1000)), pa.int64())
    ticks = pc.add(pc.multiply(ticks, 1000), first_day * DAY_MICROSECONDS)
    limit = 253_402_300_800_000_000
    inside = pc.and_(pc.greater_equal(ticks, -limit), pc.less(ticks, limit))
    moments = pc.cast(pc.if_else(inside, ticks, pa.scalar(None, pa.int64())), pa.timestamp("us"))
    if utc:
        moments = pc.local_timestamp(pc.cast(moments, pa.timestamp("us", tz=CITY_TIME_ZONE)))
    filled = pc.cast(moments, pa.int64()).fill_null(1).to_numpy(zero_copy_only=False)
    whole = filled % DAY_MICROSECONDS == 0
    spelled = pc.if_else(
        pa.array(whole), pc.strftime(moments, "%Y-%m-%d"), pc.strftime(moments, "%Y-%m-%d %H:%M:%S")
    )
    unclear = pc.if_else(numbers, _without_form(texts), texts)
    return pc.if_else(pc.is_valid(spelled), spelled, unclear)


ZONED = (
    r"^(?P<moment>[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?)"
    r" ?(?P<zone>Z|z|UTC|GMT|[+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?)$"
)
OFFSET = r"^(?P<sign>[+-])(?P<hours>[0-9]{2}):?(?P<minutes>[0-9]{0,2})$"


def _in_city(texts: pa.Array) -> pa.Array:
    """Moments with a zone as the city's clock shows them."""
    parts = pc.extract_regex(texts, ZONED)
    zoned = pc.is_valid(parts)
    if not pc.any(zoned).as_py():
        return texts
    moments = _moments(parts.field("moment"))
    # such as a day that no month has: without its zone, so that the strict reader says what is wrong with it
    impossible = pc.and_(zoned, pc.is_null(moments))
    texts = pc.if_else(impossible, parts.field("moment"), texts)
    zoned = pc.and_(zoned, pc.is_valid(moments))
    offset = pc.extract_regex(parts.field("zone"), OFFSET)
    hours, minutes = (
        pc.cast(pc.if_else(pc.equal(text, ""), "0", text), pa.int64())
        for text in (offset.field("hours"), offset.field("minutes"))
    )
    shift = pc.multiply(pc.add(pc.multiply(hours, 60), minutes), 60_000_000)
    shift = pc.if_else(pc.equal(offset.field("sign"), "-"), pc.negate(shift), shift)
    shift = pc.fill_null(pc.if_else(pc.is_valid(offset), shift, 0), 0)
    utc = pc.cast(pc.subtract(pc.cast(moments, pa.int64()), shift), pa.timestamp("us"))
    local = pc.local_timestamp(pc.cast(utc, pa.timestamp("us", tz=CITY_TIME_ZONE)))
    return pc.if_else(zoned, pc.strftime(local, "%Y-%m-%d %H:%M:%S"), texts)


def _moments(texts: pa.Array) -> pa.Array:
    """Moments of the form of `ZONED`; nothing where there is no such day or time."""
    try:
        return pc.cast(texts, pa.timestamp("us"))
    except pa.ArrowInvalid:
        return pa.array([_moment(text) for text in texts.to_pylist()], pa.timestamp("us"))


def _moment(text: str | None) -> datetime | None:
    try:
        return None if text is None else datetime.fromisoformat(text)
    except ValueError:
        return None
