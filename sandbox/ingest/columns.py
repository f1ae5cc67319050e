"""Columns of one batch, read by their rules: text by its spelling,
typed Parquet columns by their exact values.

Most cells have the plainest spelling, and Arrow reads these all at once. The others are read one by one by
`spelling.py`; a dictionary-encoded column is read once for each of its different values.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.city_time import CITY_TIME_ZONE
from sandbox.ingest.limits import (
    DAY_MICROSECONDS,
    FIRST_DAY,
    FIRST_MICROSECOND,
    INT64,
    LARGEST_INTEGER,
    LAST_DAY,
    LAST_MICROSECOND,
)
from sandbox.ingest.model import Fault, FieldRules, Type
from sandbox.ingest.spelling import read_text
from sandbox.ingest.text_encoding import NO_TEXT
from sandbox.ingest.written import PLAIN as PLAIN_FORM
from sandbox.ingest.written import plain_booleans, plain_moments, plain_numbers

FAULTS = tuple(Fault)
CODE = {fault: code for code, fault in enumerate(FAULTS, start=1)}
ARROW_TYPE = {
    Type.INTEGER: pa.int64(),
    Type.NUMBER: pa.float64(),
    Type.TEXT: pa.string(),
    Type.BOOLEAN: pa.bool_(),
    Type.DATE: pa.date32(),
    Type.TIMESTAMP: pa.timestamp("us"),
}
STORED = ARROW_TYPE | {Type.DATE: pa.int32(), Type.TIMESTAMP: pa.int64()}

PLAIN = {
    Type.INTEGER: r"^-?[0-9]{1,15}$",
    Type.NUMBER: r"^-?[0-9]{1,30}(\.[0-9]{1,30})?$",
}
"""Spellings that Arrow reads exactly as `spelling.py` does."""
PLAIN_DAY = (
    r"^(?P<year>[0-9]{4})(?P<sign>[-/])(?P<month>[0-9]{1,2})(?P<again>[-/])(?P<day>[0-9]{1,2})"
    r"(?:[ T](?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})"
    r"(?::(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]{1,6}))?)?)?$"
)
PLAIN_SPELLING = {
    Type.INTEGER: plain_numbers,
    Type.NUMBER: plain_numbers,
    Type.BOOLEAN: plain_booleans,
    Type.DATE: plain_moments,
    Type.TIMESTAMP: plain_moments,
}
PLAIN_UNIT = r"^(-?[1-9][0-9]{0,14}|0)$"

Codes = npt.NDArray[np.int8]
"""For each cell 0, or the code of its fault."""
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Column:
    """`values` are empty where the cell is, or where it has a fault that rounding does not remedy."""

    values: pa.Array
    faults: Codes


class WrongType(Exception):
    """A Parquet column whose type cannot be that of the policy. `kind` names the type, in Arrow's word."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def read_column(array: pa.Array, rules: FieldRules) -> Column:
    """Read the cells of one batch. Raises `WrongType`."""
    if pa.types.is_dictionary(array.type):
        known = pc.min_max(array.indices).as_py()
        if known["min"] is not None and not 0 <= known["min"] <= known["max"] < len(array.dictionary):
            raise pa.ArrowIndexError("a damaged file points beyond its dictionary")
        distinct = read_column(array.dictionary, rules)
        kept = distinct.values
        if pa.types.is_string(kept.type) and distinct.faults.any():
            # an emptied text may keep its bytes, and Arrow reserves as many for each row that it is taken for
            kept = pa.array(kept.to_pylist(), kept.type)
        values = kept.take(array.indices)
        codes = np.append(distinct.faults, np.int8(0))
        return Column(values, codes[array.indices.fill_null(len(codes) - 1).to_numpy(zero_copy_only=False)])
    if pa.types.is_null(array.type):
        return Column(pa.nulls(len(array), ARROW_TYPE[rules.type]), np.zeros(len(array), np.int8))
    if (
        pa.types.is_string(array.type)
        or pa.types.is_large_string(array.type)
        or pa.types.is_string_view(array.type)
    ):
        return _texts(array, rules)
    reader = TYPED.get((_kind(array.type), rules.type))
    if reader is None:
        raise WrongType(_kind(array.type))
    return reader(array, rules)


def _kind(type: pa.DataType) -> str:
    """One word for a Parquet column's type.
    It quotes nothing of the file: names of nested fields could hold values."""
    for kind, is_kind in (
        ("boolean", pa.types.is_boolean),
        ("integer", pa.types.is_integer),
        ("number", pa.types.is_floating),
        ("decimal", pa.types.is_decimal),
        ("date", pa.types.is_date),
        ("timestamp", pa.types.is_timestamp),
        ("time of day", pa.types.is_time),
        ("duration", pa.types.is_duration),
        ("nested", pa.types.is_nested),
    ):
        if is_kind(type):
            return kind
    return "binary" if pa.types.is_binary(type) or pa.types.is_large_binary(type) else "unknown"


def _texts(array: pa.Array, rules: FieldRules) -> Column:
    texts, faults = _unicode(array)
    if rules.empty_marks:
        bare = pc.utf8_trim_whitespace(texts) if rules.written.trimmed else texts
        marked = pc.is_in(bare, value_set=pa.array(sorted(rules.empty_marks), pa.string()))
        texts = pc.if_else(marked, pa.scalar(None, pa.string()), texts)
    if rules.type is Type.TEXT:
        for fault, wrong in (
            (Fault.TOO_LONG, pc.greater(pc.utf8_length(texts), rules.longest)),
            (Fault.NUL, pc.match_substring(texts, "\0")),
            (Fault.NOT_UNICODE, pc.match_substring(texts, NO_TEXT)),
        ):
            faults[_mask(wrong)] = CODE[fault]
        return Column(_emptied(texts, faults != 0), faults)
    if rules.written != PLAIN_FORM:
        texts = PLAIN_SPELLING[rules.type](texts, rules.written)
    texts = pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
    values, slow = _read_plain(texts, rules)
    places = np.flatnonzero(slow)
    if len(places):
        said = [read_text(text, rules) for text in texts.take(pa.array(places)).to_pylist()]
        faults[places] = [_code(one) for one in said]
        read = pa.array(
            [None if isinstance(one, Fault) else one[0] if isinstance(one, tuple) else one for one in said],
            STORED[rules.type],
        ).cast(ARROW_TYPE[rules.type])
        values = pc.replace_with_mask(values, pa.array(slow), read)
    return Column(values, faults)


def _code(said: object) -> int:
    """Of what `read_text` gave: a fault alone, a value with its fault, or a value."""
    fault = said[1] if isinstance(said, tuple) else said
    return CODE[fault] if isinstance(fault, Fault) else 0


def _read_plain(texts: pa.Array, rules: FieldRules) -> tuple[pa.Array, Mask]:
    """The values of all cells of the plainest spelling, and which cells have another."""
    there = _mask(pc.is_valid(texts))
    if rules.type in (Type.DATE, Type.TIMESTAMP):
        values, read = _plain_days(texts, rules.type)
        return values, there & ~read
    pattern = PLAIN_UNIT if rules.unit and rules.type is Type.INTEGER else PLAIN.get(rules.type)
    nothing = pa.nulls(len(texts), ARROW_TYPE[rules.type])
    if pattern is None:
        return nothing, there
    plain = _mask(pc.match_substring_regex(texts, pattern))
    return pc.cast(_emptied(texts, ~plain), ARROW_TYPE[rules.type]), there & ~plain


def _plain_days(texts: pa.Array, type: Type) -> tuple[pa.Array, Mask]:
    """Days and moments to the microsecond, written year first; and which cells are such. Others, and days
    that no month has, are left to the strict reader."""
    parts = pc.extract_regex(texts, PLAIN_DAY)
    found = _mask(pc.is_valid(parts))
    if not found.any():
        return pa.nulls(len(texts), ARROW_TYPE[type]), found

    def part(name: str, width: int = 0) -> npt.NDArray[np.int64]:
        digits = pc.utf8_rpad(parts.field(name).fill_null("0"), width, "0")
        digits = pc.if_else(pc.equal(digits, ""), "0", digits)
        numbers: npt.NDArray[np.int64] = pc.cast(digits, pa.int64()).to_numpy()
        return numbers

    year, month, day = part("year"), part("month"), part("day")
    months = (year - 1970) * 12 + month - 1
    first = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    after = (months + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    days = first + day - 1
    found &= (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1) & (days < after)
    found &= _mask(pc.equal(parts.field("sign"), parts.field("again")))
    hour, minute, second = part("hour"), part("minute"), part("second")
    of_day = ((hour * 60 + minute) * 60 + second) * 1_000_000 + part("fraction", 6)
    if type is Type.DATE:
        found &= of_day == 0  # another time is the strict reader's to report
        return pa.array(days.astype(np.int32), mask=~found).cast(pa.date32()), found
    found &= (hour <= 23) & (minute <= 59) & (second <= 59)
    moments = days * DAY_MICROSECONDS + of_day
    return pa.array(moments, mask=~found).cast(pa.timestamp("us")), found


def _unicode(array: pa.Array) -> tuple[pa.Array, Codes]:
    """As plain strings. Arrow does not check that a Parquet text is UTF-8."""
    faults = np.zeros(len(array), np.int8)
    texts = array if pa.types.is_string(array.type) else array.cast(pa.string())
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:
        raw = texts.cast(pa.binary()).to_pylist()
        good = [text if text is not None and _is_unicode(text) else None for text in raw]
        faults[[text is not None and kept is None for text, kept in zip(raw, good, strict=True)]] = CODE[
            Fault.NOT_UNICODE
        ]
        texts = pa.array(good, pa.binary()).cast(pa.string())
    return texts, faults


def _is_unicode(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _mask(condition: pa.Array) -> Mask:
    mask: Mask = pc.fill_null(condition, False).to_numpy(zero_copy_only=False)
    return mask


def _emptied(values: pa.Array, where: Mask) -> pa.Array:
    return pc.if_else(pa.array(where), pa.scalar(None, values.type), values) if where.any() else values


def _read(values: pa.Array, *wrong: tuple[Fault, Any]) -> Column:
    """`values` without wrong ones. The first fault of a cell is reported.
    What rounding corrects keeps its value."""
    faults = np.zeros(len(values), np.int8)
    for fault, condition in reversed(wrong):
        faults[_mask(condition)] = CODE[fault]
    lost = (faults != 0) & ~np.isin(faults, ROUNDABLE)
    return Column(_emptied(values, lost), faults)


ROUNDABLE = np.array([CODE[Fault.NOT_WHOLE], CODE[Fault.TIME_OF_DAY], CODE[Fault.TOO_FINE]], np.int8)


def _whole(array: pa.Array, rules: FieldRules) -> Column:
    too_large = (
        pc.greater(array, pa.scalar(INT64 - 1, pa.uint64())) if pa.types.is_uint64(array.type) else None
    )
    values = pc.cast(array, pa.int64(), safe=False)
    if too_large is None:
        too_large = pa.nulls(len(array), pa.bool_())
    outside = _outside(values, LARGEST_INTEGER) if rules.computed else pc.equal(values, -INT64)
    return _read(values, (Fault.TOO_LARGE, too_large), (Fault.TOO_LARGE, outside))


def _outside(values: pa.Array, most: int) -> pa.Array:
    return pc.or_(pc.less(values, -most), pc.greater(values, most))


def _whole_as_number(array: pa.Array, rules: FieldRules) -> Column:
    whole = _whole(array, FieldRules(rules.name, Type.INTEGER))
    return Column(pc.cast(whole.values, pa.float64()), whole.faults)


def _whole_as_text(array: pa.Array, rules: FieldRules) -> Column:
    return _texts(pc.cast(array, pa.string()), rules)


def _whole_as_boolean(array: pa.Array, rules: FieldRules) -> Column:
    values = pc.equal(pc.cast(array, pa.int64(), safe=False), 1)
    return _read(
        values,
        (
            Fault.NOT_A_VALUE,
            pc.invert(pc.is_in(array, value_set=pa.array([0, 1], array.type)))
            if array.null_count == 0
            else pc.and_(
                pc.is_valid(array), pc.invert(pc.is_in(array, value_set=pa.array([0, 1], array.type)))
            ),
        ),
    )


def _number(array: pa.Array, rules: FieldRules) -> Column:
    values = pc.cast(array, pa.float64())
    return _read(values, (Fault.NOT_FINITE, pc.invert(pc.is_finite(values))))


def _number_as_whole(array: pa.Array, rules: FieldRules) -> Column:
    values = pc.cast(array, pa.float64())
    # beyond 2**53 a DOUBLE does not say which integer was meant
    small = pc.and_(pc.is_finite(values), pc.invert(_outside(values, LARGEST_INTEGER)))
    kept = pc.if_else(small, values, pa.scalar(None, pa.float64()))
    rounded = pc.round(kept, round_mode="half_towards_infinity")
    return _read(
        pc.cast(rounded, pa.int64()),
        (Fault.NOT_FINITE, pc.invert(pc.is_finite(values))),
        (Fault.TOO_LARGE, pc.invert(small)),
        (Fault.NOT_WHOLE, pc.not_equal(kept, rounded)),
    )


def _decimal(array: pa.Array, rules: FieldRules) -> Column:
    # by its digits: Arrow's own cast multiplies by a power of ten, and so misses the nearest DOUBLE at times
    return _number(pc.cast(pc.cast(array, pa.string()), pa.float64()), rules)


def _decimal_as_whole(array: pa.Array, rules: FieldRules) -> Column:
    """By its digits: a decimal of 38 digits is exact, and may be too large."""
    return _texts(
        pa.array([None if value is None else f"{value:f}" for value in array.to_pylist()], pa.string()),
        FieldRules(rules.name, Type.INTEGER, computed=rules.computed),
    )


def _flag(array: pa.Array, rules: FieldRules) -> Column:
    return _read(array)


def _day(array: pa.Array, rules: FieldRules) -> Column:
    if pa.types.is_date64(array.type):
        return _day_of(pc.cast(pc.cast(array, pa.int64()), pa.timestamp("ms")))
    days = pc.cast(array, pa.int32())
    return _read(array, (Fault.YEAR, pc.or_(pc.less(days, FIRST_DAY), pc.greater(days, LAST_DAY))))


def _day_as_moment(array: pa.Array, rules: FieldRules) -> Column:
    day = _day(array, rules)
    return Column(pc.cast(day.values, pa.timestamp("us")), day.faults)


def _moment_as_day(array: pa.Array, rules: FieldRules) -> Column:
    return _day_of(_city_time(array))


def _day_of(moments: pa.Array) -> Column:
    column = _microseconds(moments)
    ticks = pc.cast(column.values, pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    days, rest = np.divmod(ticks, DAY_MICROSECONDS)
    faults = column.faults.copy()
    faults[(rest != 0) & ((faults == 0) | (faults == CODE[Fault.TOO_FINE]))] = CODE[Fault.TIME_OF_DAY]
    faults[faults == CODE[Fault.TOO_FINE]] = CODE[Fault.TIME_OF_DAY]
    values = pa.array(days.astype(np.int32)).cast(pa.date32())
    return Column(pc.if_else(pc.is_valid(column.values), values, pa.scalar(None, pa.date32())), faults)


def _moment(array: pa.Array, rules: FieldRules) -> Column:
    return _microseconds(_city_time(array))


def _city_time(array: pa.Array) -> pa.Array:
    """A moment with a zone as the city's clock shows it.
    Years that no clock has are left as they are, to be counted."""
    if array.type.tz is None:
        return array
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[array.type.unit]
    ticks = pc.cast(array, pa.int64())
    # the zone moves a moment by less than a day: within two days of the ends it is a fault, or
    # it is counted as one
    first, last = FIRST_DAY * 86_400 * per_second, (LAST_DAY + 1) * 86_400 * per_second - 1
    first, last = max(first, -INT64), min(last, INT64 - 1)
    outside = pc.or_(pc.less(ticks, first), pc.greater(ticks, last))
    inside = pc.if_else(outside, pa.scalar(None, array.type), array)
    local = pc.local_timestamp(inside.cast(pa.timestamp(array.type.unit, tz=CITY_TIME_ZONE)))
    return pc.if_else(outside, pc.cast(ticks, local.type), local)


def _microseconds(array: pa.Array) -> Column:
    ticks = pc.cast(array, pa.int64())
    scale = {"s": 10**6, "ms": 10**3, "us": 1, "ns": 0}[array.type.unit]
    first, last, fine = FIRST_MICROSECOND, LAST_MICROSECOND, pa.nulls(len(array), pa.bool_())
    if scale:
        first, last = -(-first // scale), last // scale
        outside = pc.or_(pc.less(ticks, first), pc.greater(ticks, last))
        inside = pc.if_else(outside, pa.scalar(None, pa.int64()), ticks)
        ticks = pc.multiply(inside, scale)
    else:
        numbers = ticks.fill_null(0).to_numpy(zero_copy_only=False)
        whole, rest = np.divmod(numbers, 1000)
        outside, fine = pa.nulls(len(array), pa.bool_()), pa.array(rest != 0)
        ticks = pc.if_else(pc.is_valid(array), pa.array(whole), pa.scalar(None, pa.int64()))
    return _read(pc.cast(ticks, pa.timestamp("us")), (Fault.YEAR, outside), (Fault.TOO_FINE, fine))


TYPED = {
    ("integer", Type.INTEGER): _whole,
    ("integer", Type.NUMBER): _whole_as_number,
    ("integer", Type.TEXT): _whole_as_text,
    ("integer", Type.BOOLEAN): _whole_as_boolean,
    ("number", Type.NUMBER): _number,
    ("number", Type.INTEGER): _number_as_whole,
    ("decimal", Type.NUMBER): _decimal,
    ("decimal", Type.INTEGER): _decimal_as_whole,
    ("boolean", Type.BOOLEAN): _flag,
    ("date", Type.DATE): _day,
    ("date", Type.TIMESTAMP): _day_as_moment,
    ("timestamp", Type.TIMESTAMP): _moment,
    ("timestamp", Type.DATE): _moment_as_day,
}
"""Which Parquet types can be read as which column, without a value being changed."""
