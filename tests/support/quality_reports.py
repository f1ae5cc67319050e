"""Quality reports of files, without a service."""

from datetime import UTC, datetime
from typing import Any

from sandbox.catalog.policy_file import read_policy
from sandbox.catalog.read_table import read_file
from sandbox.ingest import IdRule
from sandbox.quality.assess import Assessor
from story import POLICIES, POLICY

NOW = datetime(2026, 2, 1, 4, tzinfo=UTC)
SCHEMA = POLICIES / "dataset.schema.json"


def report_of(body: bytes, policy: str = POLICY, before: dict[str, Any] | None = None) -> dict[str, Any]:
    read = read_policy(policy, schema=SCHEMA)
    return Assessor().report(read_file(body, read, ids=IdRule.EXACT), read, before=before, now=NOW)


def column(report: dict[str, Any], name: str) -> dict[str, Any]:
    return next(dict(one) for one in report["columns"] if one["name"] == name)
