"""Finds shares that reveal how few of a group are concerned, or are not: 0.4 % of 500 units are two, though
the group is large enough."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from sandbox.disclosure.checks.column_roles import Roles, is_total, words_of
from sandbox.disclosure.checks.subject import Subject
from sandbox.disclosure.finding import Finding, asks, blocks

OF_UNITS = frozenset({"share", "percent", "pct", "percentage", "prop", "proportion", "rate"})
OF_UNITS_CHINESE = ("比例", "占比", "百分比")
OF_NO_UNITS = frozenset(
    {
        "change",
        "growth",
        "increase",
        "decrease",
        "diff",
        "difference",
        "mean",
        "average",
        "avg",
        "median",
        "index",
        "interest",
        "learning",
        "dropout",
        "decay",
        "discount",
        "tax",
        "error",
        "se",
        "sd",
        "std",
    }
)
OF_NO_UNITS_CHINESE = ("增长", "变化", "同比", "环比", "增幅", "平均", "均值", "税", "利率", "误差", "指数")
PER = frozenset({"1000", "10000", "100000", "1000000"})


def shares_with_few(subject: Subject) -> Iterator[Finding]:
    for roles in subject.tables:
        yield from _with_few(subject, roles)


def _with_few(subject: Subject, roles: Roles) -> Iterator[Finding]:
    least, off = subject.thresholds.minimum_count, Fraction(subject.thresholds.rounding_base, 2)
    behind = {
        row: count
        for row, count in _units_behind(subject, roles).items()
        if not any(map(is_total, roles.grid.rows[row]))
    }
    for place in roles.numeric:
        whole = whole_of(roles, place)
        shares = [
            _Share(roles.grid.rows[row][place], value, whole, count, off, row)
            for row, count in behind.items()
            if whole is not None and (value := roles.numbers[place][row]) is not None and 0 < value < whole
        ]
        few = [share for share in shares if share.fewer < least]
        if not few or (len(shares) > 1 and _parts_of_one(shares)):
            continue
        about = max(1, round(few[0].fewer))
        yield (blocks if len(shares) > 1 else asks)(
            "share_with_few",
            "small_group",
            f"{len(few)} shares are of fewer than {least} units: {few[0].cell[:20]} of its group is "
            f"about {about} in it, or outside it.",
            f"Merge groups or classes until at least {least} units are in each and outside it, or "
            "leave these shares out.",
            f"有 {len(few)} 个比例所涉不足 {least} 个个体：{few[0].cell[:20]} "
            f"约合该组之内或之外的 {about} 个。",
            f"请合并分组或类别，使每类之内与之外都至少有 {least} 个个体，或去掉这些比例。",
            where=roles.grid.cell(few[0].row, place),
        )


@dataclass(frozen=True)
class _Share:
    """So many of `whole`; the count of units beside it is rounded by at most `off`."""

    cell: str
    value: Fraction
    whole: int
    count: Fraction
    off: Fraction
    row: int

    @property
    def rounded(self) -> Fraction:
        return Fraction(1, 2 * 10 ** len(self.cell.strip().removesuffix("%").strip().partition(".")[2]))

    @property
    def fewer(self) -> Fraction:
        """The fewer of the units in it and those of its group outside it, at most."""
        return (
            (min(self.value, self.whole - self.value) + self.rounded) * (self.count + self.off) / self.whole
        )


def _parts_of_one(shares: list[_Share]) -> bool:
    """Whether the counts beside them may be those in the shares, not those that the shares are of:
    they add up, or all say the same whole."""
    whole, total = shares[0].whole, sum((share.value for share in shares), Fraction(0))
    if whole > 100:
        return False
    times = round(total / whole)
    adds_up = times > 0 and abs(total - times * whole) <= sum(share.rounded for share in shares)
    least = max((share.count - share.off) / (share.value + share.rounded) for share in shares)
    most = min(
        (
            (share.count + share.off) / (share.value - share.rounded)
            for share in shares
            if share.value > share.rounded
        ),
        default=least,
    )
    return adds_up or least <= most


def whole_of(roles: Roles, place: int) -> int | None:
    """What the shares of a column are parts of: 1, 100, or the number that its name states.
    None if it has no shares of units."""
    name, values = roles.grid.header[place], [value for value in roles.numbers[place] if value is not None]
    words = words_of(name)
    if (
        words & OF_NO_UNITS
        or any(word in name for word in OF_NO_UNITS_CHINESE)
        or any(value < 0 for value in values)
    ):
        return None
    if "per" in words and words & PER:
        return int(max(words & PER, key=int))
    percent = any("%" in cell for cell in roles.grid.column(place)) or any(value > 1 for value in values)
    if (
        not (words & OF_UNITS or "%" in name or any(word in name for word in OF_UNITS_CHINESE))
        or max(values, default=0) > 100
    ):
        return None
    return 100 if percent else 1


def _units_behind(subject: Subject, roles: Roles) -> dict[int, Fraction]:
    """How many units are behind each row, where it is stated once."""
    if len(roles.counts) == 1:
        counts = dict(enumerate(roles.numbers[roles.counts[0]]))
    elif subject.supporting is not None and not roles.counts and len(subject.supporting.counts) == 1:
        behind = subject.supporting.numbers[subject.supporting.counts[0]]
        counts = {row: behind[match] for row, match in subject.supported(roles).items()}
    else:
        counts = {}
    return {row: value for row, value in counts.items() if value is not None and value > 0}
