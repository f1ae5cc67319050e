"""Reads what a policy says of typical values: `typical` of a column, and `typical` of the dataset."""

from datetime import date
from fractions import Fraction
from itertools import pairwise
from typing import Any

from sandbox.catalog.model import Bounds, Column, Role, Type
from sandbox.catalog.typical import KeyValue, Relation, Typical, followed_order
from sandbox.policy import YamlText

EPOCH = date(1970, 1, 1)
THIN = 4.0
"""How fast values thin out towards the highest where the officer does not know this one nor the mean."""
ROOM = 1e-6
LEAST_THINNING, MOST_THINNING = 0.01, 1000.0
ORDERED = (Type.INTEGER, Type.NUMBER, Type.DATE, Type.TIMESTAMP)


def read_typical(source: YamlText, name: str, kind: Type, role: Role, said: Any, column: Column) -> Typical:
    """`said`: the column's specification, with `typical`. Raises `InvalidInput`: line, fault and remedy."""
    spec, path = said["typical"], ("columns", name, "typical")
    if role in (Role.UNIT, Role.HIDDEN):
        raise source.fault(
            f"{name} is {role}: its values are invented by themselves, or not at all.",
            *path,
            remedy="Remove `typical`.",
            zh=f"{name} 的用途为 {role}，其值不按典型值生成。",
            remedy_zh="请去掉 typical。",
        )
    if column.required and spec.get("empty", 0) > 0:
        raise source.fault(
            f"{name} is required, and a share of it is empty.",
            *path,
            "empty",
            remedy="Remove `empty`, or `required`.",
            zh=f"{name} 为必填，不能有空值比例。",
            remedy_zh="请去掉 empty 或 required。",
        )
    listed: tuple[KeyValue, ...] = ()
    if role is Role.KEY or kind is Type.BOOLEAN:
        values = column.values or (False, True)
        listed = tuple(value for value in values if isinstance(value, str | int | bool))
    points: tuple[tuple[float, float], ...] = ()
    thinning = 1.0
    numbers = {"lowest", "highest", "median", "mean", "quantiles"} & set(spec)
    if numbers and (listed or kind not in ORDERED):
        raise source.fault(
            f"`{min(numbers)}` is for numbers and dates, and {name} is {role} of type {kind}.",
            *path,
            min(numbers),
            remedy="Use `shares` for a key or a boolean, and `empty` for a text.",
            zh=f"{min(numbers)} 用于数值和日期，{name} 不是。",
            remedy_zh="取值或布尔请用 shares，文本只可用 empty。",
        )
    if numbers:
        points, thinning = _points(source, path, kind, spec, column.bounds)
    return Typical(
        known_from=str(spec["known_from"]),
        points=points,
        thinning=thinning,
        shares=_shares(source, path, spec["shares"], listed) if "shares" in spec else (),
        empty=float(spec["empty"]) if "empty" in spec else None,
        constant=bool(spec.get("constant", False)),
    )


def read_relations(source: YamlText, said: Any, columns: tuple[Column, ...]) -> tuple[Relation, ...]:
    """Raises `InvalidInput`: line, fault and remedy."""
    known = {column.name: column for column in columns if column.role not in (Role.UNIT, Role.HIDDEN)}
    found: list[Relation] = []
    for place, spec in enumerate(said.get("typical", [])):
        path = ("typical", place)
        for name in (spec["column"], spec["on"]):
            if name not in known:
                raise source.fault(
                    f"{name} is no column of which rows are invented.",
                    *path,
                    remedy="Name a key, a measure or an attribute.",
                    zh=f"没有可生成的栏目 {name}。",
                    remedy_zh="请写用途为 key、measure 或 attribute 的栏目。",
                )
        column, on = known[spec["column"]], known[spec["on"]]
        if spec["column"] in {relation.column for relation in found}:
            raise source.fault(
                f"{column.name} follows a column already.",
                *path,
                remedy="Keep one of the two: a column follows one other.",
                zh=f"{column.name} 已随另一栏目变化。",
                remedy_zh="一个栏目只能随另一个栏目，请只保留一条。",
            )
        if column.typical is None or not column.typical.points:
            raise source.fault(
                f"{column.name} has no typical values that could follow {on.name}.",
                *path,
                remedy=f"Give {column.name} a `typical` with a median, a mean or quantiles.",
                zh=f"{column.name} 没有可随 {on.name} 变化的典型值。",
                remedy_zh=f"请为 {column.name} 写明 typical 的中位数、均值或分位数。",
            )
        medians: tuple[tuple[KeyValue, float], ...] = ()
        if "medians" in spec:
            medians = _medians(source, path, spec["medians"], column, on)
        elif on.typical is None or not on.typical.points:
            raise source.fault(
                f"{on.name} has no typical values, so there are no ranks to follow.",
                *path,
                remedy=f"Give {on.name} a `typical` too; for a key, use `medians`.",
                zh=f"{on.name} 没有典型值，无法按次序变化。",
                remedy_zh="请也为其写明 typical；取值栏目请用 medians。",
            )
        found.append(
            Relation(column.name, on.name, str(spec["known_from"]), spec.get("rank_correlation"), medians)
        )
        if followed_order(found) is None:
            raise source.fault(
                f"{column.name} follows {on.name}, which follows it in the end.",
                *path,
                remedy="Remove one of these relations.",
                zh=f"{column.name} 与 {on.name} 互相跟随。",
                remedy_zh="请去掉其中一条。",
            )
    return tuple(found)


def _points(
    source: YamlText, path: tuple[Any, ...], kind: Type, spec: Any, bounds: Bounds | None
) -> tuple[tuple[tuple[float, float], ...], float]:
    """The points of the distribution, and how values thin out after the last but one."""
    stated = [(0.5, spec["median"])] if "median" in spec else []
    stated += [(share, value) for share, value in spec.get("quantiles", [])]
    inner = sorted((float(share), _number(source, path, kind, value)) for share, value in stated)
    ends = [
        _number(source, path, kind, spec[end]) if end in spec else None if bounds is None else float(limit)
        for end, limit in (
            ("lowest", bounds.low if bounds else Fraction(0)),
            ("highest", bounds.high if bounds else Fraction(0)),
        )
    ]
    if None in ends:
        raise source.fault(
            "a column without bounds needs its `lowest` and its `highest` usual value here.",
            *path,
            remedy="Add both.",
            zh="没有上下界的栏目须写明通常的最小值（lowest）和最大值（highest）。",
            remedy_zh="请补充两者。",
        )
    points = [(0.0, ends[0] or 0.0), *inner, (1.0, ends[1] or 0.0)]
    if any(a[0] >= b[0] or a[1] > b[1] for a, b in pairwise(points)) or points[0][1] == points[-1][1]:
        raise source.fault(
            "the typical values do not ascend with their shares.",
            *path,
            remedy="Each share once, between 0 and 1, and values from `lowest` (or the bound) to `highest`.",
            zh="典型值未随比例递增。",
            remedy_zh="每个比例只写一次，介于 0 与 1 之间，值从 lowest（或下界）到 highest。",
        )
    if bounds is not None and not (float(bounds.low) <= points[0][1] and points[-1][1] <= float(bounds.high)):
        raise source.fault(
            "the typical values lie outside the bounds.",
            *path,
            remedy="Correct them, or the bounds.",
            zh="典型值超出上下界。",
            remedy_zh="请更正典型值或上下界。",
        )
    return tuple(points), _thinning(source, path, kind, spec, points)


def _thinning(
    source: YamlText, path: tuple[Any, ...], kind: Type, spec: Any, points: list[tuple[float, float]]
) -> float:
    (share, begin), (_, end) = points[-2:]
    if "mean" not in spec:
        return 1.0 if "highest" in spec or len(points) == 2 else THIN
    mean = _number(source, path, kind, spec["mean"])
    below = sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in pairwise(points[:-1]))
    of_last = (mean - below) / (1 - share)
    if begin < of_last < end:
        thinning = (end - begin) / (of_last - begin) - 1
        if LEAST_THINNING <= thinning <= MOST_THINNING:
            return thinning
    least, most = below + (1 - share) * begin, below + (1 - share) * end
    raise source.fault(
        f"the mean does not go with the other values: with these it lies between {least:g} and {most:g}.",
        *path,
        "mean",
        remedy="Correct the mean, or leave it out.",
        zh=f"均值与其他值不符：按这些值，均值介于 {least:g} 与 {most:g} 之间。",
        remedy_zh="请更正或去掉均值。",
    )


def _number(source: YamlText, path: tuple[Any, ...], kind: Type, value: Any) -> float:
    """A value as a number; a day or a moment by what has passed since 1970."""
    dated = kind in (Type.DATE, Type.TIMESTAMP)
    if dated and isinstance(value, str):
        try:
            days = (date.fromisoformat(value) - EPOCH).days
        except ValueError:
            days = None
        if days is not None:
            return float(days if kind is Type.DATE else days * 86_400)
    if dated or isinstance(value, str | bool):
        raise source.fault(
            f"{value!r} is not of type {kind}.",
            *path,
            remedy='Write days as "2024-06-30", and numbers without quotes.',
            zh=f"{value!r} 不是 {kind} 类型。",
            remedy_zh='日期请写 "2024-06-30"，数字不加引号。',
        )
    return float(value)


def _shares(
    source: YamlText, path: tuple[Any, ...], said: Any, listed: tuple[KeyValue, ...]
) -> tuple[tuple[KeyValue, float], ...]:
    """Of all values; those that the officer does not name share what is left evenly."""
    named = {_text(value): value for value in listed}
    if foreign := [text for text in said if _text(text) not in named]:
        raise source.fault(
            f"{foreign[0]!r} is none of the column's values.",
            *path,
            "shares",
            remedy="Name values of the key; for a boolean, true and false.",
            zh=f"{foreign[0]!r} 不是该栏目的取值。",
            remedy_zh="请写该栏目的取值；布尔为 true 与 false。",
        )
    given = {_text(text): float(share) for text, share in said.items()}
    left, others = 1 - sum(given.values()), len(named) - len(given)
    if left < -ROOM or (others == 0 and abs(left) > ROOM):
        raise source.fault(
            f"the shares add up to {sum(given.values()):g}, and not to 1.",
            *path,
            "shares",
            remedy="Correct them; what you leave out shares the rest.",
            zh=f"各比例之和为 {sum(given.values()):g}，不是 1。",
            remedy_zh="请更正；未写明的取值平分余下部分。",
        )
    return tuple(
        (value, given[text] if text in given else max(left, 0.0) / others) for text, value in named.items()
    )


def _medians(
    source: YamlText, path: tuple[Any, ...], said: Any, column: Column, on: Column
) -> tuple[tuple[KeyValue, float], ...]:
    values = on.values or ((False, True) if on.type is Type.BOOLEAN else ())
    named = {_text(value): value for value in values if isinstance(value, str | int | bool)}
    assert column.typical is not None, "it was looked at"
    low, high = column.typical.points[0][1], column.typical.points[-1][1]
    found = []
    for text, said_of in said.items():
        if _text(text) not in named:
            raise source.fault(
                f"{text!r} is none of the values of {on.name}.",
                *path,
                "medians",
                remedy=f"`medians` is for each value of a key: name those of {on.name}.",
                zh=f"{text!r} 不是 {on.name} 的取值。",
                remedy_zh=f"请写 {on.name} 的取值。",
            )
        median = _number(source, path, column.type, said_of)
        if not low <= median <= high:
            raise source.fault(
                f"the median {said_of} lies outside the typical values of {column.name}.",
                *path,
                "medians",
                remedy="Correct it, or these.",
                zh=f"中位数 {said_of} 超出 {column.name} 的典型值范围。",
                remedy_zh="请更正。",
            )
        found.append((named[_text(text)], median))
    return tuple(found)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
