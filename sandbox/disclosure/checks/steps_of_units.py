"""Finds results that are one unit's own by design: curves with a step for each unit, models with nearly as
many terms as units, effects of single units."""

import re
from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from sandbox.disclosure.checks.column_roles import Roles, folded
from sandbox.disclosure.checks.freedom import OBSERVATIONS, OBSERVATIONS_IN_TEXT, said_of
from sandbox.disclosure.checks.residuals import is_history
from sandbox.disclosure.checks.subject import Subject
from sandbox.disclosure.finding import Finding, asks, blocks

ENOUGH_STEPS, ENOUGH_TERMS = 12, 8
MOST_IMPLIED = 4000
ALONE = 0.8
CHANCE = 1e-6
GIVEN = re.compile(
    r".*(?:threshold|cut.?off|alpha|lambda|epoch|step|iter|bin|grid|time|age|year|month|date"
    r"|阈值|轮|年|月|日).*",
    re.IGNORECASE,
)
COEFFICIENT = re.compile(
    r"coef(?:ficient)?s?|estimates?|beta|b|effects?|log.?odds|odds.?ratio|or|hr|hazard.?ratio|系数|估计值|效应",
    re.IGNORECASE,
)
ERROR = re.compile(r"(?:std|standard)[._ ]?err(?:or)?|s\.?e\.?|stderr|bse|标准误", re.IGNORECASE)
OF_UNITS = re.compile(
    r".*(?:random|person|individual|subject|patient|unit|firm|household|resident)[_ .-]?"
    r"(?:effect|intercept|slope)s?.*|"
    r".*\b(?:blups?|ranef|u_?hat|u_i|alpha_i|bli?ue?s?)\b.*|.*(?:个体效应|随机效应|个体截距|随机截距).*",
    re.IGNORECASE,
)
INTERACTION = re.compile(r"\s*(?::|\*|#|×| x )\s*")


def curves(subject: Subject) -> Iterator[Finding]:
    """A curve's steps have the least count of units each, by the number of units or by its own steps."""
    least = subject.thresholds.minimum_count
    if least <= 1:
        return
    for roles in subject.tables:
        if is_history(roles):
            continue
        units = _units_of(subject, roles)
        for place in roles.numeric:
            name = roles.grid.header[place]
            if place in roles.counts or place in roles.labels or GIVEN.fullmatch(folded(name)):
                continue
            values = _curve(roles, place)
            if values is None:
                continue
            steps = len(np.unique(values)) - 1
            implied = _implied(values, roles.grid.column(place))
            if units is not None and units < steps * least:
                yield _finding(
                    roles, place, f"{steps} steps on {units:,} units", f"{units:,} 个个体却有 {steps} 级"
                )
                return
            if implied is not None and np.diff(np.unique(values)).min() * implied < least - 0.5:
                yield _finding(
                    roles,
                    place,
                    f"its steps are those of {implied:,} units",
                    f"其步长相当于 {implied:,} 个个体",
                )
                return


def single_steps(subject: Subject) -> Iterator[Finding]:
    """Two curves of one table that move by turns, never together: from row to row one unit is counted, in
    the one or in the other, as in a ROC curve with a point for each person."""
    if subject.thresholds.minimum_count <= 1:
        return
    for roles in subject.tables:
        if is_history(roles):
            continue
        curves = [
            (place, np.diff(values) != 0)
            for place in roles.numeric
            if place not in roles.counts and (values := _curve(roles, place)) is not None
        ]
        for (place, moves), (_, others) in combinations(curves, 2):
            alone = int((moves != others).sum())
            if (
                alone >= ENOUGH_STEPS
                and alone > ALONE * (moves | others).sum()
                and moves.any()
                and others.any()
            ):
                yield _finding(
                    roles,
                    place,
                    f"it and another one move by turns in {alone} rows",
                    f"与另一曲线在 {alone} 行中交替变化",
                )
                return


def _curve(roles: Roles, place: int) -> NDArray[np.float64] | None:
    """From 0 to 1 (or 100) or back, never turning; in the order in which it stands, or of its own."""
    values = [value for value in roles.numbers[place] if value is not None]
    if len(values) <= ENOUGH_STEPS or not all(0 <= value <= 100 for value in values):
        return None
    if all(value.denominator == 1 for value in values):
        return None  # whole numbers are labels, or counts
    numbers = np.array(values, dtype=np.float64)
    top = 100.0 if numbers.max() > 1 else 1.0
    if numbers.max() - numbers.min() < top / 2:
        return None
    steps = np.diff(numbers)
    if not ((steps >= 0).all() or (steps <= 0).all()):
        return None
    return numbers / top


def _implied(values: NDArray[np.float64], cells: list[str]) -> int | None:
    """The least number of units of which all are parts, if their digits show it."""
    gaps = np.diff(np.unique(values))
    if len(gaps) < ENOUGH_STEPS or gaps.max() <= gaps.min() * 1.05:
        return None  # steps all alike are a grid
    places = max(len(cell.strip().rstrip("%").partition(".")[2]) for cell in cells)
    open_ = 0.5 * 10.0**-places / (100 if any("%" in cell for cell in cells) else 1)
    inner = np.unique(values[(values > 0) & (values < 1)])
    of = np.arange(10, MOST_IMPLIED)
    chance = np.minimum(1.0, 2 * open_ * of + 1e-6)
    telling = of[len(inner) * np.log(chance) < np.log(CHANCE / MOST_IMPLIED)]
    for number in telling:
        parts = inner * number
        if (np.abs(parts - np.round(parts)) <= open_ * number + 1e-6).all():
            return int(number)
    return None


def _units_of(subject: Subject, roles: Roles) -> int | None:
    """The most that anything says: what the table or its supporting counts state, but no more than
    there are. Counts that go up and down by rows are of groups, and add up."""
    tables = [roles, *([subject.supporting] if subject.supporting else [])]
    stated: list[Fraction] = []
    for table in tables:
        for place in table.counts:
            counts = [value for value in table.numbers[place] if value]
            turns = counts not in (sorted(counts), sorted(counts, reverse=True))
            stated += [sum(counts, Fraction(0))] if turns else counts
    stated += [value for _, value in said_of(subject, OBSERVATIONS, OBSERVATIONS_IN_TEXT)]
    rows = max((raw.rows for raw in subject.raw.columns), default=None) if subject.raw is not None else None
    if not stated:
        return rows
    return int(max(stated)) if rows is None else min(int(max(stated)), rows)


def _finding(roles: Roles, place: int, what: str, zh: str) -> Finding:
    return blocks(
        "curve_step",
        "single_unit",
        f"The curve {roles.grid.header[place][:60]!r} steps at single units: {what}.",
        "Give the curve at fewer points of your own choice (a grid), so that each step has units enough.",
        f"曲线 {roles.grid.header[place][:60]!r} 逐个体变化：{zh}。",
        "请只在少数自选的点（网格）给出曲线，使每步有足够个体。",
        where=roles.grid.cell(0, place),
    )


# --- models


def parameters(subject: Subject) -> Iterator[Finding]:
    """Terms of a model: fewer than units allow, none without an error, none of a single unit."""
    per = subject.thresholds.units_per_parameter
    if per <= 0:
        return
    for roles in subject.tables:
        terms = next(
            (place for place in roles.numeric if COEFFICIENT.fullmatch(folded(roles.grid.header[place]))),
            None,
        )
        names = [" ".join(row[place] for place in roles.labels) for row in roles.grid.rows]
        yield from _of_single_units(roles, names)
        if terms is None:
            continue
        rows = len({row for row, value in enumerate(roles.numbers[terms]) if value is not None})
        units = _units_of(subject, roles)
        if units is not None and rows * per > units and rows >= ENOUGH_TERMS:
            yield blocks(
                "too_many_terms",
                "single_unit",
                f"The model has {rows} terms for {units:,} units: some are a unit's own.",
                f"Use fewer terms: at least {per} units for each.",
                f"模型有 {rows} 项，而个体仅 {units:,} 个：有的项就是某个个体。",
                f"请减少项数：每项至少 {per} 个个体。",
                where=roles.grid.where,
            )
        yield from _saturated(roles, terms, names)


def _of_single_units(roles: Roles, names: list[str]) -> Iterator[Finding]:
    titles = [roles.grid.where, *roles.grid.header]
    if len(roles.grid.rows) >= ENOUGH_TERMS and (
        any(OF_UNITS.fullmatch(title) for title in titles)
        or sum(OF_UNITS.fullmatch(name) is not None for name in names) >= ENOUGH_TERMS
    ):
        yield (asks if roles.counts else blocks)(
            "effects_of_units",
            "single_unit",
            f"{len(names)} effects of units stand here: each is what the model learned of one of them.",
            "Release the effects' variance, not the effects; effects of groups need the units behind each.",
            f"此处有 {len(names)} 个个体效应：每个都是模型对某一个体的估计。",
            "请输出效应的方差，而非效应本身；组的效应须给出各组个体数。",
            where=roles.grid.where,
        )


def _saturated(roles: Roles, terms: int, names: list[str]) -> Iterator[Finding]:
    """Interactions of three factors or more, and terms without an error, often stand on a single unit."""
    error = next(
        (place for place in roles.numeric if ERROR.fullmatch(folded(roles.grid.header[place]))), None
    )
    deep = [name for name in names if len(INTERACTION.split(name.strip())) > 2]
    bare: list[int] = []
    if error is not None:
        known = [value for value in roles.numbers[error] if value]
        usual: Fraction = sorted(known)[len(known) // 2] if known else Fraction(1)
        for row, value in enumerate(roles.numbers[error]):
            if roles.numbers[terms][row] and (not value or value > 100 * usual):
                bare.append(row)
    if deep or bare:
        which = deep[0] if deep else names[bare[0]]
        yield asks(
            "saturated_terms",
            "single_unit",
            f"{len(deep)} terms join three factors or more, {len(bare)} have no error or an enormous one, "
            f"such as {which[:60]!r}: they can stand on single units.",
            "Give the number of units of each such term, or leave these terms out.",
            f"有 {len(deep)} 项是三个以上因素的交互，{len(bare)} 项没有标准误或其极大，"
            f"例如 {which[:60]!r}：可能只基于个别个体。",
            "请给出这些项各自的个体数，或去掉它们。",
            where=roles.grid.where,
        )
