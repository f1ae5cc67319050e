"""Reads the rules of a policy (`expect:`), each fault with its line."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from sandbox.catalog.expectations import Check, Expectation
from sandbox.catalog.model import Column, Role
from sandbox.errors import InvalidInput
from sandbox.ingest.model import Type
from sandbox.policy import YamlText

DATED = (Type.DATE, Type.TIMESTAMP)

NEEDS: Mapping[Check, tuple[str, ...]] = {
    Check.IN_LIST: ("list",),
    Check.WITHIN_DAYS: ("days",),
    Check.DRIFT: ("at_most",),
}
TAKES: Mapping[Check, frozenset[str]] = {
    Check.RULE: frozenset({"at_least"}),
    Check.COMPLETE: frozenset({"at_least"}),
    Check.UNIQUE: frozenset({"at_least"}),
    Check.IN_LIST: frozenset({"at_least", "list"}),
    Check.WITHIN_DAYS: frozenset({"days"}),
    Check.ROWS: frozenset(),
    Check.DRIFT: frozenset({"at_most"}),
}
EVERY = frozenset({"else", "name"})


RuleCheck = Callable[[Expectation, tuple[Column, ...]], None]
"""Raises `InvalidInput` for a rule whose condition is not about one row of these columns, or whose code list
there is not."""


def read_expectation(
    source: YamlText, place: int, said: Mapping[str, Any], columns: tuple[Column, ...]
) -> Expectation:
    """The rule at `expect[place]`. Raises `InvalidInput` with its line."""
    check = _check_of(source, place, said)
    expectation = Expectation(
        check,
        columns=_columns_of(check, said),
        condition=str(said["rule"]) if check is Check.RULE else "",
        code_list=str(said.get("list", "")),
        at_least=_at_least(check, said),
        at_most=_at_most(check, said),
        stops=said.get("else", "warn") == "stop",
        name_zh=str(said["name"]["zh"]) if "name" in said else "",
        name_en=str(said["name"]["en"]) if "name" in said else "",
    )
    _check_columns(source, place, expectation, columns)
    limits = expectation.at_least, expectation.at_most
    if check is Check.ROWS and limits[0] is not None and limits[1] is not None and limits[0] > limits[1]:
        raise source.fault(
            "`at_least` is more than `at_most`.", "expect", place, "rows", remedy="Exchange them."
        )
    return expectation


def _check_of(source: YamlText, place: int, said: Mapping[str, Any]) -> Check:
    named = [check for check in Check if check.value in said]
    if len(named) != 1:
        raise source.fault(
            f"a rule checks one thing, and this one {'none' if not named else 'several'}.",
            "expect",
            place,
            remedy=f"Write exactly one of {', '.join(check.value for check in Check)}.",
        )
    check = named[0]
    for needed in NEEDS.get(check, ()):
        if needed not in said:
            raise source.fault(
                f"`{check}` needs `{needed}`.", "expect", place, check.value, remedy=f"Add `{needed}`."
            )
    if foreign := sorted(said.keys() - TAKES[check] - EVERY - {check.value}):
        raise source.fault(
            f"`{foreign[0]}` says nothing of `{check}`.",
            "expect",
            place,
            foreign[0],
            remedy="Remove it, or write another rule.",
        )
    if check is Check.ROWS and not said["rows"]:
        raise source.fault(
            "`rows` has no limit.", "expect", place, "rows", remedy="Add `at_least` or `at_most`."
        )
    return check


def _columns_of(check: Check, said: Mapping[str, Any]) -> tuple[str, ...]:
    match check:
        case Check.RULE | Check.ROWS:
            return ()
        case Check.UNIQUE:
            return tuple(map(str, said["unique"]))
    return (str(said[check.value]),)


def _at_least(check: Check, said: Mapping[str, Any]) -> Fraction | None:
    match check:
        case Check.ROWS:
            return Fraction(said["rows"]["at_least"]) if "at_least" in said["rows"] else None
        case Check.WITHIN_DAYS | Check.DRIFT:
            return None
    return Fraction(str(said.get("at_least", 1)))


def _at_most(check: Check, said: Mapping[str, Any]) -> Fraction | None:
    match check:
        case Check.ROWS:
            return Fraction(said["rows"]["at_most"]) if "at_most" in said["rows"] else None
        case Check.WITHIN_DAYS:
            return Fraction(said["days"])
        case Check.DRIFT:
            return Fraction(str(said["at_most"]))
    return None


def _check_columns(
    source: YamlText, place: int, expectation: Expectation, columns: tuple[Column, ...]
) -> None:
    known = {column.name: column for column in columns}
    for name in expectation.columns:
        if name not in known:
            raise source.fault(
                f"there is no column {name}.",
                "expect",
                place,
                expectation.check.value,
                remedy=f"Use one of {', '.join(known)}.",
            )
    of = known[expectation.columns[0]] if expectation.columns else None
    if expectation.check is Check.WITHIN_DAYS and of is not None and of.type not in DATED:
        raise source.fault(
            f"{of.name} is {of.type}, and has no newest day.",
            "expect",
            place,
            "within_days",
            remedy="Name a column of dates or timestamps.",
        )
    hidden = of is not None and of.role in (Role.UNIT, Role.HIDDEN)
    drifts = of is not None and (not hidden or of.type is Type.BOOLEAN)
    if expectation.check is Check.DRIFT and of is not None and not drifts:
        raise source.fault(
            f"{of.name} is {of.role}, and has no public classes that could be compared.",
            "expect",
            place,
            "drift",
            remedy="Name a key, a measure or an attribute.",
        )


def check_rule(
    source: YamlText, place: int, check: RuleCheck, expectation: Expectation, columns: tuple[Column, ...]
) -> None:
    """Raises `InvalidInput` with the line of a rule that cannot be looked at."""
    try:
        check(expectation, columns)
    except InvalidInput as refused:
        at = expectation.check.value
        fault = source.fault(refused.message, "expect", place, at, remedy=refused.remedy)
        fault.zh, fault.remedy_zh = refused.zh, refused.remedy_zh
        raise fault from None
