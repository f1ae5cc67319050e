"""Looks which rules of the policy the rows keep, with counts, for the publishing officer alone."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sandbox.catalog.expectations import Check, Expectation
from sandbox.catalog.locked_duckdb import shut_connection
from sandbox.catalog.model import Column, DatasetPolicy
from sandbox.errors import InvalidInput
from sandbox.ingest import ReadableRows
from sandbox.ingest.code_lists import CodeList
from sandbox.ingest.rows import parts
from sandbox.quality.conditions import check_condition, columns_in, condition_sql
from sandbox.quality.measures import repeated_rows, share

MOST_SHOWN = 20


def check_rules(
    rows: ReadableRows,
    policy: DatasetPolicy,
    columns: Mapping[str, Mapping[str, Any]],
    *,
    code_lists: Sequence[CodeList],
    today: date,
) -> list[dict[str, Any]]:
    """Each rule with what it found. `columns`: what was measured of each (measures.py, drift.py)."""
    conditions = _conditions(rows, policy)
    results = []
    for place, rule in enumerate(policy.expectations):
        found = conditions.get(place) or _found(rows, rule, columns, code_lists, today)
        results.append(
            {"place": place, "check": rule.check.value, "stops": rule.stops} | _words(rule) | found
        )
    return results


def check_rule(rule: Expectation, columns: tuple[Column, ...], *, code_lists: Sequence[CodeList]) -> None:
    """Raises `InvalidInput` for a condition that is not about one row, and a code list that there is not."""
    if rule.check is Check.RULE:
        check_condition(rule.condition, columns)
    if rule.check is Check.IN_LIST:
        _code_list(rule, code_lists)


def refuse_broken(results: Sequence[Mapping[str, Any]]) -> None:
    """Raise `InvalidInput` where a rule that stops a version is not kept; it has counts and no values."""
    broken = [result for result in results if result["stops"] and not result["kept"]]
    if not broken:
        return
    raise InvalidInput(
        "The rows do not keep "
        + "; ".join(f"rule {one['place'] + 1} ({one['en']}): {told(one)}" for one in broken[:MOST_SHOWN])
        + ".",
        code="quality_rule",
        remedy="Correct the rows, or the rule under `expect` in the policy; with `else: warn` it "
        "stops no version.",
        zh="数据不符合"
        + "；".join(
            f"第 {one['place'] + 1} 条规则（{one['zh']}）：{told_zh(one)}" for one in broken[:MOST_SHOWN]
        )
        + "。",
        remedy_zh="请改正数据，或改正策略中 expect 的规则；else: warn 的规则只提示，不拒绝。",
    )


def told(result: Mapping[str, Any]) -> str:
    """What was found, in words."""
    match result["check"]:
        case Check.ROWS:
            return f"there are {result['found']} rows"
        case Check.WITHIN_DAYS:
            return (
                "no row has a day"
                if result["found"] is None
                else f"the newest day is {result['found']} days old"
            )
        case Check.DRIFT:
            return f"the population stability index is {result['found']:.3f}"
    return f"{result['failing']} of {result['checked']} rows do not"


def told_zh(result: Mapping[str, Any]) -> str:
    match result["check"]:
        case Check.ROWS:
            return f"共 {result['found']} 行"
        case Check.WITHIN_DAYS:
            return "没有任何日期" if result["found"] is None else f"最新日期距今 {result['found']} 天"
        case Check.DRIFT:
            return f"群体稳定性指数为 {result['found']:.3f}"
    return f"{result['checked']} 行中有 {result['failing']} 行不符合"


def _words(rule: Expectation) -> dict[str, Any]:
    """What the rule is called, and which columns it is about."""
    plain = {
        Check.RULE: (rule.condition, rule.condition),
        Check.COMPLETE: (f"{', '.join(rule.columns)} is filled", f"{'、'.join(rule.columns)} 不为空"),
        Check.UNIQUE: (f"{', '.join(rule.columns)} is unique", f"{'、'.join(rule.columns)} 不重复"),
        Check.IN_LIST: (
            f"{', '.join(rule.columns)} is in {rule.code_list}",
            f"{'、'.join(rule.columns)} 在代码表 {rule.code_list} 中",
        ),
        Check.WITHIN_DAYS: (f"{', '.join(rule.columns)} is recent", f"{'、'.join(rule.columns)} 及时"),
        Check.ROWS: ("number of rows", "行数"),
        Check.DRIFT: (f"{', '.join(rule.columns)} is steady", f"{'、'.join(rule.columns)} 分布稳定"),
    }[rule.check]
    said: dict[str, Any] = {"en": rule.name_en or plain[0], "zh": rule.name_zh or plain[1]}
    for name, limit in (("at_least", rule.at_least), ("at_most", rule.at_most)):
        if limit is not None:
            said[name] = float(limit)
    return said


def _conditions(rows: ReadableRows, policy: DatasetPolicy) -> dict[int, dict[str, Any]]:
    """The rules that are SQL, all in one pass. A row for which a condition is unknown is not counted."""
    rules = [(place, rule) for place, rule in enumerate(policy.expectations) if rule.check is Check.RULE]
    if not rules:
        return {}
    parts = []
    for _, rule in rules:
        sql = condition_sql(rule.condition, policy.columns)
        parts.append(f"count(*) FILTER (WHERE ({sql})), count(*) FILTER (WHERE NOT ({sql}))")
    with shut_connection() as connection:
        connection.register("checked", rows.reader([column.name for column in policy.columns]))
        row = connection.execute(f"SELECT {', '.join(parts)} FROM checked AS r").fetchone()
    assert row is not None
    return {
        place: _share_of_rows(rule, int(row[2 * at]), int(row[2 * at + 1]))
        | {"columns": list(columns_in(rule.condition, policy.columns))}
        for at, (place, rule) in enumerate(rules)
    }


def _found(
    rows: ReadableRows,
    rule: Expectation,
    columns: Mapping[str, Mapping[str, Any]],
    code_lists: Sequence[CodeList],
    today: date,
) -> dict[str, Any]:
    of = columns[rule.columns[0]] if rule.columns else {}
    named = {"columns": list(rule.columns)}
    match rule.check:
        case Check.COMPLETE:
            return _share_of_rows(rule, of["filled"], of["rows"] - of["filled"]) | named
        case Check.UNIQUE:
            repeated = repeated_rows(rows, list(rule.columns))
            return _share_of_rows(rule, rows.count - repeated, repeated) | named
        case Check.IN_LIST:
            listed, others = _in_list(parts(rows, rule.columns[0]), _code_list(rule, code_lists))
            return _share_of_rows(rule, listed, others) | named
        case Check.WITHIN_DAYS:
            newest = of.get("newest")
            age = (today - date.fromisoformat(newest)).days if newest else None
            return {"found": age, "kept": age is not None and _within(rule, age)} | named
        case Check.DRIFT:  # the first version has none to be compared with
            index = of.get("drift")
            return {"found": index, "kept": index is None or _within(rule, index)} | named
    return {"found": rows.count, "kept": _within(rule, rows.count)} | named


def _share_of_rows(rule: Expectation, keeping: int, failing: int) -> dict[str, Any]:
    of = keeping + failing
    assert rule.at_least is not None
    return {
        "checked": of,
        "failing": failing,
        "share": share(keeping, of),
        "kept": keeping * rule.at_least.denominator >= rule.at_least.numerator * of,
    }


def _within(rule: Expectation, found: float) -> bool:
    return (rule.at_least is None or found >= rule.at_least) and (
        rule.at_most is None or found <= rule.at_most
    )


def _code_list(rule: Expectation, code_lists: Sequence[CodeList]) -> CodeList:
    known = next((one for one in code_lists if one.id == rule.code_list), None)
    if known is None:
        raise InvalidInput(
            f"There is no code list {rule.code_list}.",
            code="code_list_not_found",
            remedy=f"There are: {', '.join(one.id for one in code_lists) or 'none'}.",
            zh=f"没有代码表 {rule.code_list}。",
            remedy_zh=f"现有：{'、'.join(one.id for one in code_lists) or '无'}。",
        )
    return known


def _in_list(pieces: Iterable[pa.Array], codes: CodeList) -> tuple[int, int]:
    """Cells that are a code or a label of the list, and others. Width, case and spaces around do not count;
    a whole number is the code without its leading zeros."""
    known = {text for code in codes.codes for text in (code.code, code.zh, code.en, *code.also)}
    plain = {str(int(code.code)) for code in codes.codes if code.code.isdigit()}
    listed = filled = 0
    for values in pieces:
        those = known | plain if pa.types.is_integer(values.type) else known
        counted = pc.value_counts(values.drop_null())
        texts = _spelled(pc.cast(counted.field("values"), pa.string()))
        inside = pc.is_in(texts, value_set=_spelled(pa.array(sorted(those), pa.string())))
        filled += len(values) - values.null_count
        listed += int(pc.sum(counted.field("counts").filter(inside)).as_py() or 0)
    return listed, filled - listed


def _spelled(texts: pa.Array) -> pa.Array:
    return pc.utf8_upper(pc.utf8_trim_whitespace(pc.utf8_normalize(texts, form="NFKC")))
