"""Assesses the rows of a version before they are stored: measures, rules, scores, and advice in words."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sandbox.catalog.expectations import Expectation
from sandbox.catalog.model import Column, DatasetPolicy
from sandbox.catalog.version_quality import Assessment
from sandbox.city_time import city_date
from sandbox.ingest import Rows
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
        self, rows: Rows, policy: DatasetPolicy, *, before: Mapping[str, Any] | None, now: datetime
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
        return Assessment(report, (*warned, *moved))

    def report(
        self, rows: Rows, policy: DatasetPolicy, *, before: Mapping[str, Any] | None, now: datetime
    ) -> dict[str, Any]:
        """The same, whatever the rules say."""
        today = city_date(now)
        columns = []
        for column in policy.columns:
            measured = measure_column(column, rows, self.limits.outlier_mads)
            columns.append(measured | compare(measured, before))
        table = measure_table(rows, policy)
        by_name = {column["name"]: column for column in columns}
        rules = check_rules(rows.table, policy, by_name, code_lists=self.code_lists, today=today)
        return {
            "measured_at": now.isoformat(),
            "table": {name: value for name, value in asdict(table).items() if value is not None}
            | ({"rows_before": before["table"]["rows"]} if before else {}),
            "columns": columns,
            "rules": rules,
            "score": score(Measured(policy, columns, table, rules, self.limits.drift, today)),
        }
