"""When are two questions the same? When they total the same rows in the same cells, however they were written."""

import hashlib
import json
from datetime import date
from typing import Any

from sandbox.catalog.model import KeyValue, Version
from sandbox.queries.discovery import Discovery
from sandbox.queries.plan import Plan
from sandbox.queries.scope import BoundsToBuy
from sandbox.queries.tree import Join
from sandbox.queries.wording import wording

FORMAT = 4
"""Raise it whenever the meaning of a total changes (weights, grid, compiled SQL): totals released before are then not reused."""


def digest(plan: Plan) -> str:
    """SHA-256 over the versions, the filter, the keys, the joins and the bounding: all that the totals depend on.

    The outputs are left out: they are computed from totals, so a total that was released once serves every question.
    """
    per_unit = plan.per_unit
    keys = [[wording(key.of), [_plain(value) for value in key.values]] for key in plan.keys]
    said = [
        FORMAT, plan.version.name, plan.version.sha256, plan.unit.column, plan.unit.kind, plan.max_rows,
        plan.where and wording(plan.where), keys,
        [_said(join, plan.scope.joined[join.name].version) for join in plan.joins],
        per_unit and [sorted(wording(key) for key in per_unit.keys), per_unit.where and wording(per_unit.where)]]
    if plan.scope.bought:
        said.append([[wording(name), str(low), str(high)] for name, (low, high) in sorted(
            plan.scope.bought.items(), key=lambda item: item[0].text)])
    return _sha256(said)


def _said(join: Join, version: Version) -> list[Any]:
    said = [join.name, version.name, version.sha256, [wording(left) for left in join.left],
            [wording(right) for right in join.right], join.outer]
    return said if join.where is None else [*said, wording(join.where)]


def digest_of_keys(discovery: Discovery | BoundsToBuy, version: Version) -> str:
    """The same for the values of a key, or the bounds of a column, which depend on no question."""
    unit = version.policy.unit
    assert unit is not None
    return _sha256([FORMAT, version.name, version.sha256, unit.column, unit.kind, discovery.stored_as(unit.max_rows)])


def _plain(value: KeyValue) -> str | int:
    return value.isoformat() if isinstance(value, date) else value


def _sha256(said: list[Any]) -> str:
    return hashlib.sha256(json.dumps(said, ensure_ascii=True, separators=(",", ":")).encode()).hexdigest()
