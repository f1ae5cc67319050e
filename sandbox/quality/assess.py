"""Assesses the rows of a version before they are stored: measures, rules, scores, and advice in words."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sandbox.catalog.expectations import Check, Expectation
from sandbox.catalog.model import Column, DatasetPolicy
from sandbox.catalog.version_quality import Assessment
from sandbox.city_time import city_date
from sandbox.ingest import ReadableRows
from sandbox.ingest.code_lists import CodeList
from sandbox.quality.drift import compare
from sandbox.quality.limits import DEFAULT, QualityLimits
from sandbox.quality.measures import measure_column, measure_table
from sandbox.quality.rules import check_rule, check_rules, refuse_broken, told
from sandbox.quality.score import Measured, score


@dataclass(frozen=True)
class Assessor:
    """What an assessment needs beside the rows."""

    code_lists: Sequence[CodeList] = ()
    limits: QualityLimits = DEFAULT

    def check(self, rule: Expectation, columns: tuple[Column, ...]) -> None:
        """Raises `InvalidInput` for a rule of a policy that cannot be looked at."""
        check_rule(rule, columns, code_lists=self.code_lists)

    def __call__(
        self, rows: ReadableRows, policy: DatasetPolicy, *, before: Mapping[str, Any] | None, now: datetime
    ) -> Assessment:
        """The report of rows that are to be published. Raises `InvalidInput` (code "quality_rule") where a
        rule stops them."""
        report = self.report(rows, policy, before=before, now=now)
        refuse_broken(report["rules"])
        warned = [
            f"rule {rule['place'] + 1} ({rule['en']}) is not kept: {told(rule)}"
            for rule in report["rules"]
            if not rule["kept"]
        ]
        moved = [
            f"{column['name']} has moved from the last version: its population stability index is "
            f"{column['drift']:.2f}"
            for column in report["columns"]
            if column.get("drift", 0.0) > self.limits.drift
        ]
        return Assessment(report, (*warned, *moved, *_not_compared(report)))

    def report(
        self, rows: ReadableRows, policy: DatasetPolicy, *, before: Mapping[str, Any] | None, now: datetime
    ) -> dict[str, Any]:
        """The same, whatever the rules say."""
        today = city_date(now)
        withheld, classes = None, {}
        if before is not None and "withheld" in before:
            withheld, classes, before = before["withheld"], before["classes"], None
        columns = []
        for column in policy.columns:
            measured = measure_column(column, rows, self.limits.outlier_mads)
            known = {"completeness_before_class": classes[column.name]} if column.name in classes else {}
            columns.append(measured | compare(measured, before) | known)
        table = measure_table(rows, policy)
        by_name = {column["name"]: column for column in columns}
        rules = check_rules(rows, policy, by_name, code_lists=self.code_lists, today=today)
        return {
            "measured_at": now.isoformat(),
            "table": {name: value for name, value in asdict(table).items() if value is not None}
            | ({"rows_before": before["table"]["rows"]} if before else {}),
            "columns": columns,
            **({"not_compared": withheld} if withheld else {}),
            "rules": rules,
            "score": score(Measured(policy, columns, table, rules, self.limits.drift, today)),
        }


def _not_compared(report: Mapping[str, Any]) -> list[str]:
    """Says that nothing was compared with another officer's version, and which rules ask for it."""
    withheld = report.get("not_compared")
    if withheld is None:
        return []
    rules = [str(rule["place"] + 1) for rule in report["rules"] if rule["check"] == Check.DRIFT]
    also = f" Rule {', '.join(rules)} was not checked." if rules else ""
    return [
        f"Nothing was compared with version {withheld['version']}: {withheld['published_by']} published it, "
        f"and its exact figures are theirs.{also}"
    ]
