"""Finds shares that reveal a small group's size, or a suppressed count."""

from collections.abc import Iterator
from fractions import Fraction

from sandbox.disclosure.checks.column_roles import Roles
from sandbox.disclosure.checks.numbers import is_suppressed
from sandbox.disclosure.checks.subject import Subject
from sandbox.disclosure.finding import Finding, asks, blocks

TELLING_PLACES = 4
FEWER_PLACES, ENOUGH_SHARES = 3, 5
"""A share in thousandths is one of few units' by chance in about one of forty; five of six are not."""


def few_shares(subject: Subject) -> Iterator[Finding]:
    for roles in subject.tables:
        for place in roles.shares:
            yield from _of_few(roles, place, subject.thresholds.minimum_count)
        yield from _beside_suppressed(roles)


def _of_few(roles: Roles, place: int, least: int) -> Iterator[Finding]:
    """0.66667 is two of three; one such share may be chance, most of a column is not."""
    cells = [
        (row, cell)
        for row, cell in enumerate(roles.grid.column(place))
        if roles.numbers[place][row] not in (None, 0, 1)
    ]
    few = _few(roles, place, cells, least, TELLING_PLACES)
    if not few and len(cells) >= ENOUGH_SHARES:
        few = _few(roles, place, cells, least, FEWER_PLACES)
        few = few if len(few) * 6 >= len(cells) * 5 else []
    if not few:
        return
    row, of = few[0]
    surely = len(few) > 1 and len(few) * 2 > len(cells)
    yield (blocks if surely else asks)(
        "share_of_few",
        "small_group",
        f"{len(few)} shares are those of few units, such as "
        f"{roles.grid.rows[row][place][:20]}: so many of {of}.",
        f"Leave out shares of fewer than {least} units; round the others to two places.",
        f"有 {len(few)} 个比例像是由少数个体得出，例如 {roles.grid.rows[row][place][:20]}（分母为 {of}）。",
        f"请去掉不足 {least} 个个体的比例，其余保留两位小数。",
        where=roles.grid.cell(row, place),
    )


def _few(
    roles: Roles, place: int, cells: list[tuple[int, str]], least: int, places: int
) -> list[tuple[int, int]]:
    """Rows with a share of few units, and of how many."""
    return [
        (row, of)
        for row, cell in cells
        if (of := _denominator(cell, roles.numbers[place][row], least, places)) is not None
    ]


def _denominator(cell: str, value: Fraction | None, least: int, telling: int) -> int | None:
    """The smallest number of units that gives this share to all its decimals,
    if that is few and not seen at once."""
    written = cell.strip().removesuffix("%").strip()
    places = len(written.partition(".")[2])
    if value is None or not 0 < value < 100:
        return None
    share, shown = (value / 100, places + 2) if "%" in cell or value > 1 else (value, places)
    # a thousandth is no round share by itself: 0.333 is not
    round_enough = 10**TELLING_PLACES // 5 if telling == TELLING_PLACES else 10 ** (telling - 1)
    if shown < telling or (share.denominator <= round_enough and share.denominator in _ROUND):
        return None
    near = share.limit_denominator(max(least - 1, 1))
    off = abs(near - share)
    return near.denominator if near.denominator > 2 and off <= Fraction(1, 2 * 10**shown) else None


_ROUND = frozenset({1, 2, 4, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000})


def _beside_suppressed(roles: Roles) -> Iterator[Finding]:
    for row, cells in enumerate(roles.grid.rows):
        hidden = any(
            place not in roles.labels and is_suppressed(cells[place]) and cells[place].strip()
            for place in roles.counts
        )
        shown = next((place for place in roles.shares if roles.numbers[place][row] is not None), None)
        if hidden and shown is not None and len(roles.counts) == 1:
            yield blocks(
                "suppressed_cell_revealed",
                "differencing",
                "A count is suppressed, and its share stands beside it.",
                "Suppress the share too.",
                "计数已隐去，但旁边仍有其占比。",
                "请同时隐去占比。",
                where=roles.grid.cell(row, shown),
            )
