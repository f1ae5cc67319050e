"""What a file's columns are, decided on every cell: types, how values are written, and classes of the rest.

Each way of reading a column (`CANDIDATES`) is tried on each batch by the reader itself, so a column that is
suggested as a date is read as one. A way that does not fit is given up early. Nothing here leaves the vault
as it is: the caller shows classes and rounded figures.
"""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.ingest.ahead import THREADS
from sandbox.ingest.columns import WrongType, read_column
from sandbox.ingest.headers import HeaderTerms, HeaderText
from sandbox.ingest.limits import LARGEST_INTEGER, LIMITS, Limits
from sandbox.ingest.model import FieldRules, Type
from sandbox.ingest.progress import QUIET, Progress
from sandbox.ingest.read import File
from sandbox.ingest.signs import Bytes, Signs
from sandbox.ingest.value_hashes import Hashes, text_hashes
from sandbox.ingest.written import PLAIN, DateOrder, Written

EMPTY_MARKS = frozenset(
    [
        "NA",
        "N/A",
        "n/a",
        "na",
        "#N/A",
        "#DIV/0!",
        "#VALUE!",
        "#REF!",
        "#NAME?",
        "#NUM!",
        "#NULL!",
        "NULL",
        "null",
        "Null",
        "None",
        "none",
        "NaN",
        "nan",
        "-",
        "--",
        "---",
        "—",
        "——",
        "/",
        "\\N",
        ".",
        "..",
        "...",
        "…",
        "?",
        "*",
        "无",
        "空",
        "缺失",
        "暂无",
        "未知",
        "不详",
        "无数据",
        "missing",
        "Missing",
        "unknown",
        "Unknown",
        "UNKNOWN",
    ]
)
"""What people write into an empty cell. It is suggested to the officer, never taken for missing by itself."""
ONE_UNIT = tuple(
    tuple(signs.split())
    for signs in [
        "¥ ￥ 元 人民币 RMB CNY",
        "万元",
        "亿元",
        "$ USD US$",
        "€ EUR",
        "£ GBP",
        "岁",
        "人",
        "万人",
        "户",
        "家",
        "辆",
        "件",
        "次",
        "个",
        "天",
        "kg KG 千克 公斤",
        "cm 厘米",
        "mm 毫米",
        "m 米",
        "km 公里",
        "℃ °C",
        "㎡ m² 平方米",
        "km² 平方公里 平方千米",
        "亩",
        "公顷",
        "吨",
        "万吨",
        "小时",
        "分钟",
    ]
)
"""Signs beside numbers, a unit a group: a column with several units is no column of numbers."""
SIGNS = tuple(sign for signs in ONE_UNIT for sign in signs)
TRUTHS = tuple(
    (pair.split("/")[0], pair.split("/")[1])
    for pair in [
        "true/false",
        "TRUE/FALSE",
        "True/False",
        "yes/no",
        "Yes/No",
        "YES/NO",
        "y/n",
        "Y/N",
        "t/f",
        "T/F",
        "是/否",
        "有/无",
        "对/错",
        "√/×",
        "真/假",
        "on/off",
    ]
)
TRUTH_WORDS = frozenset(word for pair in TRUTHS for word in pair)
SAMPLE = 20_000
KNOWN_VALUES = 300
"""A column with at most so many different texts has them kept for code lists and booleans."""
LONGEST_SEEN = 4001
"""One character more than a text may have."""
SMALLEST = 8192
PROBE = 100
"""So many different texts of a batch are read first: most ways do not fit at all."""
MOST_UNFIT = 0.02
"""A way of reading that leaves out more is none."""
LEADING_ZEROS = r"^\s*[0０][0-9０-９]+\s*$"
LONG_NUMBER = r"^\s*[-+]?[0-9０-９]{16,}(?:\.0*)?\s*$"
"""More digits than a DOUBLE keeps (2^53 has 16): a number of a card or a person, and no quantity."""
TRIMMED = Written(trimmed=True)
NUMBERS = (Type.INTEGER, Type.NUMBER)
COUNTED = (DateOrder.EXCEL, DateOrder.EXCEL_1904, DateOrder.UNIX_SECONDS, DateOrder.UNIX_MILLISECONDS)


@dataclass(frozen=True)
class Way:
    """A way of reading a column. `hints`: it is tried only where the header has one of these words."""

    type: Type
    written: Written = PLAIN
    hints: HeaderTerms | None = None


DAY_WORDS = HeaderTerms(
    ("日期", "时间", "生日", "出生", "=日"),
    ("date", "datetime", "timestamp", "day", "dob", "birthday", "=time", "created", "updated", "created at"),
)
MOMENT_WORDS = HeaderTerms(
    ("日期", "时间", "时刻"),
    ("date", "datetime", "timestamp", "time", "ts", "epoch", "created", "updated", "at"),
)
MONTH_WORDS = HeaderTerms(("月份", "年月", "=月", "期间"), ("month", "period", "yearmonth"))
ORDERS = (DateOrder.YEAR_FIRST, DateOrder.MONTH_FIRST, DateOrder.DAY_FIRST)
CANDIDATES = (
    Way(Type.INTEGER),
    Way(Type.NUMBER),
    *(
        Way(type, replace(TRIMMED, **form))
        for form in (
            {},
            {"thousands": ","},
            {"thousands": " "},
            {"thousands": "'"},
            {"decimal": ",", "thousands": "."},
            {"decimal": ",", "thousands": " "},
            {"signs": SIGNS},
            {"signs": SIGNS, "thousands": ","},
            {"signs": SIGNS, "decimal": ",", "thousands": "."},
            {"percent": True},
            {"percent": True, "thousands": ","},
            {"percent": True, "decimal": ","},
        )
        for type in ((Type.INTEGER, Type.NUMBER) if "percent" not in form else (Type.NUMBER,))
    ),
    *(
        Way(type, written)
        for type in (Type.DATE, Type.TIMESTAMP)
        for written in (
            PLAIN,
            *(Written(dates=order, trimmed=True) for order in ORDERS),
            *(Written(dates=order, zones=True, trimmed=True) for order in ORDERS),
        )
    ),
    Way(Type.DATE, Written(dates=DateOrder.YEAR_MONTH, trimmed=True)),
    Way(Type.DATE, Written(dates=DateOrder.EXCEL), DAY_WORDS),
    Way(Type.TIMESTAMP, Written(dates=DateOrder.EXCEL), DAY_WORDS),
    Way(Type.TIMESTAMP, Written(dates=DateOrder.UNIX_SECONDS), MOMENT_WORDS),
    Way(Type.TIMESTAMP, Written(dates=DateOrder.UNIX_MILLISECONDS), MOMENT_WORDS),
)


@dataclass
class ColumnShape:
    """A column of a file, of the vault alone. `unfit`: cells that do not fit `type` as it is `written`.
    `values`: all different texts, where they are few; `sample`: some. `different` is about right, and exact
    up to 8,000. `low` and `high`: the range of numbers, `near` the one that leaves out one in a hundred."""

    label: str
    type: Type
    written: Written
    empty_marks: tuple[str, ...]
    rows: int
    empty: int
    unfit: int
    different: int
    values: tuple[str, ...]
    sample: pa.Array
    longest: int
    low: float | None = None
    high: float | None = None
    near: tuple[float, float] | None = None
    ambiguous: bool = False  # day and month, or the two decimal signs, cannot be told apart by the rows
    leading_zeros: bool = False
    kind: str = ""  # of a column that cannot be kept, such as nested


Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Readings:
    unfit: int
    low: float | None
    high: float | None


@dataclass
class Tried:
    way: Way
    unfit: int = 0
    seen: int = 0
    low: float | None = None
    high: float | None = None

    def includes(self, plain: Way) -> bool:
        """Whether each cell that is read in the plain way is read in this way, too."""
        way, form = self.way, self.way.written
        if form.percent or form.dates in COUNTED:
            return False
        if plain.type is Type.INTEGER:
            return way.type in (Type.INTEGER, Type.NUMBER)
        if plain.type is Type.NUMBER:
            return way.type is Type.NUMBER and form.decimal == "."
        if plain.type is Type.DATE:
            return way.type in (Type.DATE, Type.TIMESTAMP) and form.dates is not DateOrder.YEAR_MONTH
        return way.type is Type.TIMESTAMP


def _needed(signs: Signs, written: Written) -> Written:
    """The part of the form that makes a difference here."""
    if signs.whole and not written.percent and written.dates is None:
        return PLAIN
    if written.dates not in (None, *COUNTED) or written.zones:
        return replace(written, zones=written.zones and signs.zone)
    there = {",": signs.comma, ".": True, "'": signs.quote, " ": signs.gap, "": False}
    kept = signs.bracket or there[written.thousands]
    return replace(
        written,
        thousands=written.thousands if kept else "",
        signs=written.signs if signs.beside or signs.bracket else (),
        trimmed=written.trimmed and signs.loose,
    )


@dataclass
class Inspection:
    """Of one column, while the file is read."""

    label: str
    rows: int = 0
    empty: int = 0
    longest: int = 0
    leading_zeros: bool = False
    long_numbers: bool = False
    padded: int = 0
    tried: list[Tried] = field(default_factory=list)
    marks: dict[str, int] = field(default_factory=dict)
    values: dict[str, None] | None = field(default_factory=dict)
    smallest: Hashes = field(default_factory=lambda: np.empty(0, np.uint64))
    parts: list[pa.Array] = field(default_factory=list)
    kept: int = 0
    low: float | None = None
    high: float | None = None
    typed: Type | None = None
    kind: str = ""

    def __post_init__(self) -> None:
        header = HeaderText.of(self.label)
        self.tried = [Tried(way) for way in CANDIDATES if way.hints is None or way.hints.name(header)]

    def see(self, column: pa.Array) -> None:
        self.rows += len(column)
        if self.kind:
            return
        if not _is_text(column.type):
            self._see_typed(column.dictionary_decode() if pa.types.is_dictionary(column.type) else column)
            return
        different, counts = _counted(column)
        if len(different) and pc.max(pc.binary_length(different)).as_py() > LONGEST_SEEN:
            different = pc.utf8_slice_codeunits(different, 0, LONGEST_SEEN)
        known = Bytes.of(different)
        bare = pc.utf8_trim_whitespace(different) if known.spaced else different
        blank = pc.equal(bare, "").to_numpy(zero_copy_only=False)
        self.empty += column.null_count + int(counts[blank].sum())
        marked = pc.is_in(bare, value_set=_marks()).to_numpy(zero_copy_only=False)
        for mark, count in zip(bare.filter(pa.array(marked)).to_pylist(), counts[marked], strict=True):
            self.marks[mark] = self.marks.get(mark, 0) + int(count)
        # a blank cell, or a mark with spaces around it, is empty only where spaces are trimmed
        apart = pc.not_equal(bare, different).to_numpy(zero_copy_only=False)
        self.padded += int(counts[(blank | marked) & apart].sum())
        if (blank | marked).any():
            different, counts = different.filter(pa.array(~(blank | marked))), counts[~(blank | marked)]
            known = Bytes.of(different)
        if not len(different):
            return
        self.longest = max(self.longest, int(pc.max(pc.utf8_length(different)).as_py()))
        self._remember(different)
        # such a column is a text, however its cells could be read
        self.leading_zeros = self.leading_zeros or _has_leading_zeros(different, known)
        self.long_numbers = self.long_numbers or _has_long_numbers(different)
        if self.leading_zeros or self.long_numbers:
            self.tried = []
        else:
            self._try(different, counts, known)

    def _see_typed(self, column: pa.Array) -> None:
        type = _typed(column.type)
        if type is None:
            self.kind = "nested" if pa.types.is_nested(column.type) else str(column.type)
            return
        self.typed, self.empty = type, self.empty + column.null_count
        self._remember(pc.cast(pc.unique(column.drop_null()), pa.string()))
        if type in (Type.INTEGER, Type.NUMBER):
            self.low, self.high = _wider((self.low, self.high), _range(column))

    def _remember(self, different: pa.Array) -> None:
        hashes = text_hashes(different)
        if len(self.smallest) == SMALLEST:
            hashes = hashes[hashes < self.smallest[-1]]
        # the least hashes tell how many there are (Bar-Yossef et al., 2002: k minimum values)
        self.smallest = np.unique(np.concatenate([self.smallest, hashes]))[:SMALLEST]
        if self.kept < SAMPLE:
            self.parts.append(different[: SAMPLE - self.kept])
            self.kept += len(self.parts[-1])
        if self.values is not None:
            self.values |= dict.fromkeys(different[: KNOWN_VALUES + 1].to_pylist())
            if len(self.values) > KNOWN_VALUES:
                self.values = None

    def _try(self, different: pa.Array, counts: Counts, known: Bytes) -> None:
        seen, alive = int(counts.sum()), []
        fitted: Way | None = None
        limits: tuple[float | None, float | None] = (None, None)
        signs = Signs.of(different, known, PROBE)
        if not signs.digit:
            self.tried = []
            return
        read: dict[tuple[Type, Written], Readings | None] = {}
        for tried in self.tried:
            tried.seen += seen
            if fitted is None or not tried.includes(fitted):
                if (
                    tried.way.type not in NUMBERS
                    and tried.way.written.dates not in COUNTED
                    and not signs.year
                ):
                    continue
                key = tried.way.type, _needed(signs, tried.way.written)
                if key not in read:
                    read[key] = self._readings(
                        different, counts, FieldRules(self.label, key[0], written=key[1])
                    )
                readings = read[key]
                if readings is None:
                    continue
                wrong = readings.unfit
                tried.unfit += wrong
                if tried.unfit > max(2, MOST_UNFIT * tried.seen):
                    continue
                limits = (readings.low, readings.high) if tried.way.type in NUMBERS else limits
                if not wrong and tried.way.written == PLAIN:
                    fitted = tried.way
            alive.append(tried)
            if tried.way.type in NUMBERS:
                tried.low, tried.high = _wider((tried.low, tried.high), limits)
        self.tried = alive

    def _readings(
        self, different: pa.Array, counts: npt.NDArray[np.int64], rules: FieldRules
    ) -> Readings | None:
        """What a way makes of a batch; None: it fits hardly any of its first texts."""
        probe = read_column(different[:PROBE], rules).faults
        if np.count_nonzero(probe) > len(probe) / 2 + 2:
            return None
        column = read_column(different, rules)
        low, high = _range(column.values) if rules.type in NUMBERS else (None, None)
        return Readings(int(counts[column.faults != 0].sum()), low, high)

    def shape(self) -> ColumnShape:
        type, written, unfit, ambiguous = self._decided()
        typed = type is not Type.TEXT
        values = tuple(self.values or ()) if self.values is not None else ()
        sample = pa.concat_arrays(self.parts) if self.parts else pa.array([], pa.string())
        number = type in (Type.INTEGER, Type.NUMBER)
        return ColumnShape(
            self.label,
            type,
            written,
            tuple(sorted(self.marks)) if typed else (),
            self.rows,
            self.empty + (sum(self.marks.values()) if typed else 0),
            unfit,
            self._different() + (0 if typed else len(self.marks)),
            values,
            sample,
            self.longest,
            self.low if number else None,
            self.high if number else None,
            _near(sample, FieldRules(self.label, type, written=written)) if number else None,
            ambiguous,
            self.leading_zeros,
            self.kind,
        )

    def _different(self) -> int:
        if len(self.smallest) < SMALLEST:
            return len(self.smallest)
        return int((SMALLEST - 1) / (float(self.smallest[-1]) / 2.0**64))

    def _decided(self) -> tuple[Type, Written, int, bool]:
        """The type: the plainest way that fits all cells, else the one that fits nearly all."""
        if self.typed is not None:
            ends = [abs(end) for end in (self.low, self.high) if end is not None]
            large = self.typed is Type.INTEGER and max(ends, default=0) > LARGEST_INTEGER
            return Type.TEXT if large else self.typed, PLAIN, 0, False
        if self.kind or (not self.parts and not self.marks):
            return Type.TEXT, PLAIN, 0, False
        for words in (self.marks.keys() & TRUTH_WORDS, set[str]()):  # 无 is the mate of 有, or a mark
            if self.values and (truth := _truth({*self.values, *words})):
                self.marks = {mark: count for mark, count in self.marks.items() if mark not in words}
                return Type.BOOLEAN, self._trimmed(truth), 0, False
        if not self.parts or self.leading_zeros or self.long_numbers or not self.tried:
            return Type.TEXT, PLAIN, 0, False
        fitting = [tried for tried in self.tried if not tried.unfit] or [
            tried for tried in self.tried if tried.unfit <= MOST_UNFIT * tried.seen
        ]
        if not fitting:
            return Type.TEXT, PLAIN, 0, False
        least = min(fitting, key=lambda tried: (tried.unfit, CANDIDATES.index(tried.way)))
        self.low, self.high = least.low, least.high
        best = self._preferred(fitting, least)
        written = best.way.written
        if written.signs:
            seen = self._signs()
            if len({unit for unit in ONE_UNIT for sign in seen if sign in unit}) != 1:
                return Type.TEXT, PLAIN, 0, False
            written = replace(written, signs=seen)
        return best.way.type, self._trimmed(written), best.unfit, _ambiguous(fitting, best)

    def _trimmed(self, written: Written) -> Written:
        return replace(written, trimmed=True) if self.padded else written

    def _preferred(self, fitting: list[Tried], least: Tried) -> Tried:
        """A number of eight digits that is a day in each row is one; counted days need the header's word."""
        serial_time = Way(Type.TIMESTAMP, Written(dates=DateOrder.EXCEL), DAY_WORDS)
        if least.way == Way(Type.NUMBER) and self.low is not None and self.high is not None:
            inside = 20_000 <= self.low <= self.high <= 65_000
            return next((tried for tried in fitting if inside and tried.way == serial_time), least)
        if least.way.type is not Type.INTEGER:
            return least
        ways = {(tried.way.type, tried.way.written.dates): tried for tried in reversed(fitting)}
        day = ways.get((Type.DATE, DateOrder.YEAR_FIRST))
        within = self.low is not None and self.high is not None
        if day and within and 19_000_101 <= self.low <= self.high <= 21_001_231:  # type: ignore[operator]
            return day
        moment = ways.get((Type.TIMESTAMP, DateOrder.YEAR_FIRST))
        if moment and within and 19e12 <= self.low <= self.high <= 21.01e12:  # type: ignore[operator]
            return moment
        month = ways.get((Type.DATE, DateOrder.YEAR_MONTH))
        named = MONTH_WORDS.name(HeaderText.of(self.label))
        if month and named and within and 190_001 <= self.low <= self.high <= 210_012:  # type: ignore[operator]
            return month
        serial = ways.get((Type.DATE, DateOrder.EXCEL))
        if serial and within and 20_000 <= self.low <= self.high <= 65_000:  # type: ignore[operator]
            return serial
        seconds = ways.get((Type.TIMESTAMP, DateOrder.UNIX_SECONDS))
        if seconds and within and 5e8 <= self.low <= self.high <= 4e9:  # type: ignore[operator]
            return seconds
        milliseconds = ways.get((Type.TIMESTAMP, DateOrder.UNIX_MILLISECONDS))
        if milliseconds and within and 5e11 <= self.low <= self.high <= 4e12:  # type: ignore[operator]
            return milliseconds
        return least

    def _signs(self) -> tuple[str, ...]:
        """The signs that stand beside the column's numbers; where not all texts are kept, those that mean the
        same, too."""
        texts = pa.chunked_array(self.parts)
        beside = r"(?:^\s*[-+(]?\s*{0}\s*[-+0-9０-９.(]|[0-9０-９.,%)]\s*{0}\s*\)?\s*$)"
        seen = {
            sign
            for sign in SIGNS
            if pc.any(pc.match_substring_regex(texts, beside.format(re.escape(sign)))).as_py()
        }
        if self.kept >= SAMPLE:
            seen |= {sign for unit in ONE_UNIT if seen & set(unit) for sign in unit}
        return tuple(sign for sign in SIGNS if sign in seen)


@cache
def _marks() -> pa.Array:
    """Made when it is needed: at its first array pyarrow looks for pandas, which a service leaves out."""
    return pa.array(sorted(EMPTY_MARKS), pa.string())


def inspect(file: File, *, limits: Limits = LIMITS, progress: Progress = QUIET) -> list[ColumnShape]:
    """Look at every cell of every column. Raises `InvalidInput` where the file cannot be read."""
    nested: frozenset[str] = getattr(file, "nested", frozenset())
    labels = [label for label in file.names if label not in nested]
    columns = {label: Inspection(label) for label in file.names}
    for label in nested:
        columns[label].kind = "nested"
    rows = 0
    fields = {label: FieldRules(label, Type.TEXT, source=label) for label in labels}
    with ThreadPoolExecutor(THREADS) as pool:
        for batch in file.batches(fields):
            rows += len(batch)
            # each column is looked at by itself
            seen = [pool.submit(columns[label].see, batch.column(label)) for label in labels]
            for each in seen:
                each.result()
            progress.rows(rows)
            if rows > limits.rows:
                break
    return [column.shape() for column in columns.values()]


def _counted(column: pa.Array) -> tuple[pa.Array, Counts]:
    """The different texts of a batch that are not null, as they come, and how often each stands there."""
    if pa.types.is_dictionary(column.type) and pa.types.is_string(column.type.value_type):
        places = column.indices.drop_null().to_numpy()
        known = column.dictionary
        if (
            len(known) <= len(places)
            and len(places)
            and 0 <= int(places.min()) <= int(places.max()) < len(known)
        ):
            counts = np.bincount(places, minlength=len(known))
            if counts.all() and not known.null_count:
                return known, counts
    texts = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
    counted = pc.value_counts(pc.cast(texts, pa.string()).drop_null())
    return counted.field("values"), counted.field("counts").to_numpy()


def _has_leading_zeros(texts: pa.Array, known: Bytes) -> bool:
    if not known.spaced:
        texts = texts.filter(pc.starts_with(texts, "0"))
    return bool(pc.any(pc.match_substring_regex(texts, LEADING_ZEROS)).as_py())


def _has_long_numbers(texts: pa.Array) -> bool:
    texts = texts.filter(pc.greater_equal(pc.binary_length(texts), 16))
    return bool(pc.any(pc.match_substring_regex(texts, LONG_NUMBER)).as_py())


def _range(numbers: pa.Array) -> tuple[float | None, float | None]:
    found = pc.min_max(pc.cast(numbers, pa.float64(), safe=False))
    return found["min"].as_py(), found["max"].as_py()


def _wider(
    one: tuple[float | None, float | None], other: tuple[float | None, float | None]
) -> tuple[float | None, float | None]:
    lows, highs = ([end for end in ends if end is not None] for ends in zip(one, other, strict=True))
    return min(lows, default=None), max(highs, default=None)


def _truth(texts: set[str]) -> Written | None:
    trimmed = {text.strip() for text in texts}
    for true, false in TRUTHS:
        if trimmed <= {true, false} and (len(trimmed) == 2 or true in ("是", "true", "yes", "√")):
            plain = true.lower() in ("true", "yes", "y", "t") and trimmed == texts
            if plain:
                return PLAIN
            return Written(true=(true,), false=(false,), trimmed=trimmed != texts)
    return None


def _ambiguous(fitting: list[Tried], best: Tried) -> bool:
    """Two orders of day and month, or two decimal signs, fit all cells, and are not the same reading."""
    written = best.way.written
    if written.dates in (DateOrder.MONTH_FIRST, DateOrder.DAY_FIRST):
        other = {DateOrder.MONTH_FIRST, DateOrder.DAY_FIRST} - {written.dates}
        return any(tried.way.written.dates in other for tried in fitting)
    if best.way == Way(Type.NUMBER):  # 1.234 in each cell: three decimals, or thousands
        return any(tried.way.type is Type.INTEGER and tried.way.written.thousands == "." for tried in fitting)
    if written.thousands and best.way.type is Type.INTEGER:
        return any(
            tried.way.type is Type.NUMBER and tried.way.written.decimal == written.thousands
            for tried in fitting
        )
    return False


def _near(sample: pa.Array, rules: FieldRules) -> tuple[float, float] | None:
    try:
        column = read_column(sample, rules)
    except WrongType:
        return None
    numbers = pc.cast(column.values, pa.float64(), safe=False).drop_null().to_numpy()
    if not len(numbers):
        return None
    low, high = np.quantile(numbers, [0.005, 0.995])
    return float(low), float(high)


def _is_text(type: pa.DataType) -> bool:
    known = pa.types
    if known.is_dictionary(type):
        return _is_text(type.value_type)
    return bool(known.is_string(type) or known.is_large_string(type) or known.is_string_view(type))


def _typed(type: pa.DataType) -> Type | None:
    known = pa.types
    for test, found in (
        (known.is_boolean, Type.BOOLEAN),
        (known.is_integer, Type.INTEGER),
        (known.is_floating, Type.NUMBER),
        (known.is_decimal, Type.NUMBER),
        (known.is_date, Type.DATE),
        (known.is_timestamp, Type.TIMESTAMP),
        (known.is_null, Type.TEXT),
    ):
        if test(type):
            return found
    return None
