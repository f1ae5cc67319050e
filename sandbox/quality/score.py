"""Scores a version by the six dimensions of GB/T 36344-2018, Information technology: Evaluation indicators
for data quality, clause 5: normativity (规范性), completeness (完整性), accuracy (准确性), consistency
(一致性), timeliness (时效性) and accessibility (可访问性), in its order.

The standard names indicators and leaves their weights to the user. Here each measure is a share from 0 to 1,
a dimension's score is 100 times the mean of its measures, and the total is the mean of the dimensions. A
dimension without a measure is not scored, and does not count in the total.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sandbox.catalog.expectations import Check
from sandbox.catalog.model import DatasetPolicy, Role
from sandbox.quality.measures import TableMeasures, share
from sandbox.quality.rules import told, told_zh
from sandbox.quality.update_cycle import cycle_days

LATE = 1.5
"""Data is late after one and a half of its update cycle."""


@dataclass(frozen=True)
class Measure:
    """A share from 0 to 1, with what it is in words."""

    code: str
    share: float
    en: str
    zh: str

    def as_json(self) -> dict[str, Any]:
        return {"code": self.code, "share": round(self.share, 6), "en": self.en, "zh": self.zh}


@dataclass(frozen=True)
class Measured:
    """What the scores are made of."""

    policy: DatasetPolicy
    columns: Sequence[Mapping[str, Any]]
    table: TableMeasures
    rules: Sequence[Mapping[str, Any]]
    drift: float
    today: date


DIMENSIONS = (
    ("normativity", "5.1", "Normativity", "规范性"),
    ("completeness", "5.2", "Completeness", "完整性"),
    ("accuracy", "5.3", "Accuracy", "准确性"),
    ("consistency", "5.4", "Consistency", "一致性"),
    ("timeliness", "5.5", "Timeliness", "时效性"),
    ("accessibility", "5.6", "Accessibility", "可访问性"),
)


def score(measured: Measured) -> dict[str, Any]:
    """The dimensions with their measures, and the total; `score` is None where nothing could be measured."""
    of = {
        "normativity": _normativity,
        "completeness": _completeness,
        "accuracy": _accuracy,
        "consistency": _consistency,
        "timeliness": _timeliness,
        "accessibility": _accessibility,
    }
    dimensions, scored = [], list[float]()
    for name, clause, en, zh in DIMENSIONS:
        measures = list(of[name](measured))
        points = _mean_score([measure.share for measure in measures])
        scored += [points] if points is not None else []
        dimensions.append(
            {
                "dimension": name,
                "clause": clause,
                "en": en,
                "zh": zh,
                "score": points,
                "measures": [measure.as_json() for measure in measures],
            }
        )
    return {
        "standard": "GB/T 36344-2018",
        "total": round(sum(scored) / len(scored), 2) if scored else None,
        "dimensions": dimensions,
    }


def _mean_score(shares: Sequence[float]) -> float | None:
    return round(100 * sum(shares) / len(shares), 2) if shares else None


def _normativity(measured: Measured) -> Iterator[Measure]:
    policy = measured.policy
    titled = sum(
        column.title.zh != column.name or column.title.en != column.name for column in policy.columns
    )
    yield Measure(
        "metadata_of_columns",
        titled / len(policy.columns),
        f"{titled} of {len(policy.columns)} columns have a title",
        f"{len(policy.columns)} 个栏目中有 {titled} 个写明名称",
    )
    told = [policy.source, policy.licence, policy.update_cycle, policy.summary.zh, policy.summary.en]
    there = sum(map(bool, told))
    yield Measure(
        "metadata_of_dataset",
        there / len(told),
        f"{there} of source, licence, update cycle and the two summaries are stated",
        f"来源、许可、更新周期和中英文简介共 5 项，写明 {there} 项",
    )
    keys = [column for column in measured.columns if column["role"] == Role.KEY and column["filled"]]
    if keys:
        cells, outside = sum(key["filled"] for key in keys), sum(key["outside"] for key in keys)
        yield Measure(
            "values_listed",
            share(cells - outside, cells),
            f"{outside} of {cells} cells of keys are not among their public values",
            f"分类栏目的 {cells} 个单元格中有 {outside} 个不在公开取值内",
        )
    yield from _of_rules(measured, "code_list", lambda rule: rule["check"] == Check.IN_LIST)
    yield from _of_rules(measured, "rule", lambda rule: _is_rule(rule) and len(rule["columns"]) < 2)


def _completeness(measured: Measured) -> Iterator[Measure]:
    shares = [column["completeness"] for column in measured.columns]
    least = min(measured.columns, key=lambda column: column["completeness"])
    yield Measure(
        "cells_filled",
        sum(shares) / len(shares),
        f"on average {100 * sum(shares) / len(shares):.2f} % of a column's cells are filled; least of "
        f"{least['name']}: {100 * least['completeness']:.2f} %",
        f"各栏目平均 {100 * sum(shares) / len(shares):.2f} % 的单元格不为空；最低为 {least['name']}："
        f"{100 * least['completeness']:.2f} %",
    )
    rows, out = measured.table.rows, measured.table.left_out
    yield Measure(
        "rows_kept",
        share(rows, rows + out),
        f"{out} of {rows + out} rows of the file were left out",
        f"文件的 {rows + out} 行中有 {out} 行被去掉",
    )
    yield from _of_rules(measured, "rule", lambda rule: rule["check"] == Check.COMPLETE)


def _accuracy(measured: Measured) -> Iterator[Measure]:
    shares = [column["validity"] for column in measured.columns]
    unfit = sum(column["unfit"] + column["outside"] for column in measured.columns)
    yield Measure(
        "cells_fit",
        sum(shares) / len(shares),
        f"{unfit} cells do not fit their column's type, bounds or values",
        f"有 {unfit} 个单元格不符合栏目的类型、范围或取值",
    )
    rows, repeated = measured.table.rows, measured.table.repeated
    yield Measure(
        "rows_differ",
        share(rows - repeated, rows),
        f"{repeated} of {rows} rows repeat another",
        f"{rows} 行中有 {repeated} 行与其他行完全相同",
    )
    numeric = [column for column in measured.columns if "outliers" in column]
    if numeric:
        cells, out = sum(one["filled"] for one in numeric), sum(one["outliers"] for one in numeric)
        yield Measure(
            "no_outliers",
            share(cells - out, cells),
            f"{out} of {cells} numbers are far from their column's median",
            f"{cells} 个数值中有 {out} 个远离该栏目的中位数",
        )
    yield from _of_rules(measured, "unique", lambda rule: rule["check"] == Check.UNIQUE)


def _consistency(measured: Measured) -> Iterator[Measure]:
    yield from _of_rules(measured, "rule", lambda rule: _is_rule(rule) and len(rule["columns"]) > 1)
    table = measured.table
    if table.beyond is not None and measured.policy.unit is not None:
        most = measured.policy.unit.max_rows
        yield Measure(
            "rows_per_unit",
            share(table.rows - table.beyond, table.rows),
            f"{table.beyond} of {table.rows} rows are beyond the {most} that a unit may have",
            f"{table.rows} 行中有 {table.beyond} 行超过每个保护对象的 {most} 行",
        )
    compared = [column for column in measured.columns if "drift" in column]
    if compared:
        steady = sum(column["drift"] <= measured.drift for column in compared)
        yield Measure(
            "columns_steady",
            steady / len(compared),
            f"{len(compared) - steady} of {len(compared)} columns have moved from the last version",
            f"与上一版相比，{len(compared)} 个栏目中有 {len(compared) - steady} 个分布变化较大",
        )


def _timeliness(measured: Measured) -> Iterator[Measure]:
    days = [column for column in measured.columns if "newest" in column]
    for rule in measured.rules:
        if rule["check"] == Check.WITHIN_DAYS:
            yield Measure(
                "within_days",
                float(rule["kept"]),
                f"{rule['en']}: {told(rule)}; {rule['at_most']:g} days are allowed",
                f"{rule['zh']}：{told_zh(rule)}，允许 {rule['at_most']:g} 天",
            )
    cycle = cycle_days(measured.policy.update_cycle)
    if days and cycle:
        age = min((measured.today - date.fromisoformat(column["newest"])).days for column in days)
        yield Measure(
            "update_cycle",
            float(age <= LATE * cycle),
            f"the newest day is {age} days old, and data is updated every {cycle} days",
            f"最新日期距今 {age} 天，更新周期为 {cycle} 天",
        )
    if days:
        ahead = [column["name"] for column in days if column["newest"] > measured.today.isoformat()]
        yield Measure(
            "no_days_ahead",
            1 - len(ahead) / len(days),
            f"{len(ahead)} of {len(days)} columns of dates have days that are still to come",
            f"{len(days)} 个日期栏目中有 {len(ahead)} 个含未来日期",
        )


def _accessibility(measured: Measured) -> Iterator[Measure]:
    policy = measured.policy
    usable = sum(column.role is not Role.HIDDEN for column in policy.columns)
    yield Measure(
        "columns_usable",
        usable / len(policy.columns),
        f"{usable} of {len(policy.columns)} columns may be used in questions",
        f"{len(policy.columns)} 个栏目中有 {usable} 个可用于提问",
    )
    named = sum(column.role in (Role.KEY, Role.MEASURE) for column in policy.columns)
    yield Measure(
        "columns_described",
        float(named > 0),
        f"{named} columns are keys or measures, which answers are made of",
        f"{named} 个栏目是可分组或可统计的栏目",
    )


def _is_rule(rule: Mapping[str, Any]) -> bool:
    return bool(rule["check"] == Check.RULE)


def _of_rules(measured: Measured, code: str, chosen: Any) -> Iterator[Measure]:
    for rule in measured.rules:
        if chosen(rule):
            yield Measure(
                code,
                rule["share"],
                f"{rule['en']}: {told(rule)}",
                f"{rule['zh']}：{told_zh(rule)}",
            )
