"""Classifies the columns of an output by name and cells: labels, counts of units, shares, or a statistic."""

import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache

from sandbox.disclosure.checks.numbers import is_suppressed, number_of
from sandbox.disclosure.files.opened import Grid

WORD = re.compile(r"[a-z]+|[\u4e00-\u9fff]+|\d+")
COUNT_WORDS = frozenset(
    {
        "n",
        "count",
        "counts",
        "cnt",
        "freq",
        "frequency",
        "frequencies",
        "num",
        "obs",
        "nobs",
        "observations",
        "persons",
        "people",
        "patients",
        "units",
        "households",
        "firms",
        "respondents",
        "records",
        "rows",
        "size",
        "cases",
        "residents",
        "users",
        "events",
        "deaths",
        "births",
        "individuals",
        "population",
        "sample",
        "subjects",
        "participants",
        "students",
        "employees",
        "customers",
        "clients",
        "headcount",
        "tally",
        "denominator",
    }
)
NUMBER_OF = re.compile(r"\s*(?:(?:total|the)\s+)?(?:numbers?|#)(?:[ _]?of[ _].*)?\s*", re.IGNORECASE)
COUNT_CHINESE = (
    "人数",
    "数量",
    "计数",
    "频数",
    "样本量",
    "户数",
    "企业数",
    "个数",
    "例数",
    "人次",
    "件数",
    "单位数",
    "频次",
)
COUNT_ENDING = re.compile(
    r"(?:样本|记录|观测|观察|病例|死亡|出生|事件|企业|公司|家庭|人口|条|家|[者员工人民户生童客])数(?:[（(][^（()）]*[)）])?"
    r"|(?:总|常住|户籍)?人口"
)
"""How a Chinese name of a count ends, or is."""
OF_EACH = re.compile("平均|均值|人均|每|率|占比|比例|百分|标准差|中位")
SHARE_WORDS = frozenset(
    {"share", "percent", "pct", "percentage", "prop", "proportion", "rate", "ratio", "fraction", "p"}
)
SHARE_CHINESE = ("比例", "占比", "百分比", "率")
STATISTIC_WORDS = frozenset(
    {
        "mean",
        "average",
        "avg",
        "sum",
        "std",
        "sd",
        "se",
        "var",
        "variance",
        "median",
        "min",
        "max",
        "coef",
        "coefficient",
        "error",
        "stderr",
        "lower",
        "upper",
        "ci",
        "value",
        "estimate",
        "score",
        "skew",
        "kurtosis",
        "t",
        "z",
        "spending",
        "income",
        "amount",
        "cost",
        "total",
        "top1",
        "top2",
        "df",
        "dof",
    }
)
STATISTIC_CHINESE = (
    "均值",
    "平均",
    "总和",
    "标准差",
    "方差",
    "中位数",
    "最小",
    "最大",
    "系数",
    "金额",
    "支出",
    "收入",
)
INDEX_NAMES = re.compile(r"|index|level_\d+|unnamed:?\s*_?\d*(_level_\d+)?", re.IGNORECASE)
LABEL_WORDS = frozenset(
    {
        "year",
        "month",
        "quarter",
        "week",
        "day",
        "date",
        "age",
        "sex",
        "gender",
        "site",
        "region",
        "area",
        "district",
        "city",
        "group",
        "category",
        "class",
        "code",
        "level",
        "band",
        "cluster",
        "bin",
        "period",
        "time",
        "grade",
        "type",
        "female",
        "male",
        "hour",
        "minute",
        "weekday",
        "decade",
        "line",
        "stop",
        "station",
        "zone",
        "ward",
        "tract",
        "stratum",
        "decile",
        "quintile",
        "quartile",
        "wave",
        "round",
        "fold",
        "arm",
        "adcode",
        "cohort",
        "fy",
        "icd",
        "isic",
        "naics",
        "postal",
        "postcode",
        "zip",
    }
)
SETTING_WORDS = frozenset(
    {
        "splits",
        "jobs",
        "clusters",
        "components",
        "estimators",
        "folds",
        "neighbors",
        "neighbours",
        "iter",
        "iterations",
        "layers",
        "bins",
        "features",
        "init",
        "classes",
        "quantiles",
        "repeats",
        "epochs",
        "parameters",
        "params",
        "columns",
        "files",
        "lines",
        "steps",
        "heads",
        "batch",
        "trees",
        "degree",
        "seeds",
        "outputs",
    }
)
LABEL_CHINESE = (
    "年",
    "月",
    "日",
    "地区",
    "区域",
    "年龄",
    "性别",
    "组",
    "类别",
    "等级",
    "类型",
    "时间",
    "代码",
    "编码",
    "邮编",
    "区划",
)
TOTALS = frozenset(
    {
        "total",
        "totals",
        "all",
        "sum",
        "overall",
        "grand total",
        "subtotal",
        "合计",
        "总计",
        "小计",
        "全部",
        "总数",
        "共计",
        "any",
        "everyone",
    }
)
DESCRIBE = frozenset(
    {
        "count",
        "mean",
        "std",
        "min",
        "max",
        "25%",
        "50%",
        "75%",
        "median",
        "sum",
        "n",
        "var",
        "sd",
        "average",
        "nobs",
    }
)


@lru_cache(maxsize=2**17)
def folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip().casefold()


def words_of(name: str) -> set[str]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", unicodedata.normalize("NFKC", name))
    return set(WORD.findall(spaced.casefold().replace("_", " ")))


@lru_cache(maxsize=2**17)
def is_total(label: str) -> bool:
    return folded(label).strip(" *:()") in TOTALS


def names_count(name: str) -> bool:
    said = words_of(name)
    if said & SETTING_WORDS:
        return False
    if said & {
        "mean",
        "average",
        "avg",
        "std",
        "sd",
        "per",
        "rate",
        "percent",
        "pct",
        "share",
        "min",
        "max",
        "median",
    }:
        return False
    if said >= {"at", "risk"} or said & COUNT_WORDS or NUMBER_OF.fullmatch(name):
        return True
    if OF_EACH.search(name):
        return False
    ending = re.search(rf"(?:{COUNT_ENDING.pattern})$", name.strip())
    return ending is not None or any(word in name for word in COUNT_CHINESE)


def names_share(name: str) -> bool:
    return "%" in name or bool(words_of(name) & SHARE_WORDS) or any(word in name for word in SHARE_CHINESE)


def names_statistic(name: str) -> bool:
    return bool(words_of(name) & STATISTIC_WORDS) or any(word in name for word in STATISTIC_CHINESE)


def names_label(name: str) -> bool:
    return (
        INDEX_NAMES.fullmatch(name.strip()) is not None
        or bool(words_of(name) & LABEL_WORDS)
        or any(word in name for word in LABEL_CHINESE)
    )


@dataclass(frozen=True)
class Roles:
    """The columns of one grid, by place. `keys` are names that the inputs' policies give to public keys."""

    grid: Grid
    keys: frozenset[str]
    all_counts: bool  # declared as counts: every whole number that is no label is one

    @cached_property
    def numbers(self) -> tuple[tuple[Fraction | None, ...], ...]:
        """By column."""
        return tuple(
            tuple(number_of(cell) for cell in self.grid.column(place))
            for place in range(len(self.grid.header))
        )

    @cached_property
    def numeric(self) -> tuple[int, ...]:
        """Columns with a number, and nothing else but suppressed cells."""
        return tuple(
            place
            for place, values in enumerate(self.numbers)
            if any(value is not None for value in values)
            and all(
                value is not None or is_suppressed(cell)
                for value, cell in zip(values, self.grid.column(place), strict=True)
            )
        )

    @cached_property
    def counts(self) -> tuple[int, ...]:
        """Columns that count units."""
        header = self.grid.header
        named = [place for place in self.numeric if names_count(header[place]) and self._whole(place)]
        if not self.all_counts:
            return tuple(named)
        # labels stand left of the first count
        left = min(named, default=0)
        return tuple(
            place
            for place in self.numeric
            if place in named
            or (
                place > left - 1
                and not self._label(place)
                and self._whole(place)
                and (not named or place > left)
                and not names_share(header[place])
                and not self._named_statistic(place, header)
            )
        )

    def _named_statistic(self, place: int, header: tuple[str, ...]) -> bool:
        return names_statistic(header[place]) and not is_total(header[place])

    @cached_property
    def shares(self) -> tuple[int, ...]:
        return tuple(
            place
            for place in self.numeric
            if place not in self.counts
            and (names_share(self.grid.header[place]) or any("%" in cell for cell in self.grid.column(place)))
        )

    @cached_property
    def labels(self) -> tuple[int, ...]:
        """Columns that say which group a row is: what is no number, and numbers that are known keys."""
        return tuple(
            place
            for place in range(len(self.grid.header))
            if place not in self.counts and (place not in self.numeric or self._label(place))
        )

    def _label(self, place: int) -> bool:
        name = self.grid.header[place]
        if folded(name) in self.keys:
            return True
        if INDEX_NAMES.fullmatch(name.strip()) and name.strip() and not self._numbers_rows(place):
            return False  # an index number, or whatever an author calls so
        if names_label(name) and not names_count(name):
            return True
        # a first column of distinct numbers before others: what a cross-tabulation is grouped by
        values = self.numbers[place]
        return (
            self.all_counts
            and place == 0
            and len(self.numeric) > 1
            and not names_count(name)
            and len(values) > 1
            and (len(set(values)) == len(values) and all(value is not None for value in values))
        )

    def _numbers_rows(self, place: int) -> bool:
        """Whether it numbers its rows, each group's for itself, as pandas writes an index."""
        values = [value for value in self.numbers[place] if value is not None]
        return all(value.denominator == 1 and 0 <= value <= len(values) for value in values)

    def _whole(self, place: int) -> bool:
        return all(value is None or (value.denominator == 1 and value >= 0) for value in self.numbers[place])


def upright(grid: Grid) -> Grid:
    """A grid whose first column names statistics (as pandas' describe writes it) with the
    statistics as columns."""
    if len(grid.header) > 1 and len(grid.rows) > 1:
        named = sum(folded(cell) in DESCRIBE for cell in grid.column(0))
        if named >= 2 and named * 2 >= len(grid.rows):
            return grid.transposed()
    return grid
