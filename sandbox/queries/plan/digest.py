"""Computes a question's digest.
Two questions are the same when they total the same rows in the same cells, however they were written."""

import hashlib
import json
from datetime import date
from typing import Any

from sandbox.catalog.model import KeyValue, Version
from sandbox.queries.describe import wording
from sandbox.queries.plan.partition_selection import PartitionSelection
from sandbox.queries.plan.plan import Plan
from sandbox.queries.tree import Join
from sandbox.queries.types.scope import BoundsEstimation, PrivateTable

FORMAT = 5
"""How a digest is written today: "5:" and a SHA-256. What is stored is stored under today's digest."""

OLDER = (4,)
"""Formats of earlier releases under which totals are still looked up,
so that a question that was paid for stays free.

A change of how a question is written down raises `FORMAT` and adds the old number here; `_written` keeps
writing it. Only where the *meaning* of a total changes (weights, grid, compiled SQL) must an old format be
taken out, which makes every question be paid again: `tests/releases/test_upgrade.py` fails then."""


FIRST_WITH_ITS_NUMBER = 5
"""From this format on a stored digest says by which it was made."""


def digest(plan: Plan) -> str:
    """Over the versions, the filter, the keys, the joins and the bounding: all that the totals depend on.

    The outputs are left out: they are computed from totals, so a total that was released once
    serves every question.
    """
    return _written(plan, FORMAT)


def digests(plan: Plan) -> tuple[str, ...]:
    """Every digest under which the totals of this plan may have been stored, today's first.

    For a question that joins another private dataset, only today's digest: how its rows are bounded has
    changed, so that older totals are too low by more than their notes state.
    """
    joins_units = any(isinstance(table, PrivateTable) for table in plan.scope.joined.values())
    return tuple(_written(plan, number) for number in ((FORMAT,) if joins_units else (FORMAT, *OLDER)))


def _written(plan: Plan, number: int) -> str:
    per_unit = plan.per_unit
    keys = [[wording(key.of), [_plain(value) for value in key.values]] for key in plan.keys]
    said = [
        plan.version.name,
        plan.version.rows_sha256,
        plan.unit.column,
        plan.unit.kind,
        plan.max_rows,
        plan.where and wording(plan.where),
        keys,
        [_said(join, plan.scope.joined[join.name].version) for join in plan.joins],
        per_unit
        and [sorted(wording(key) for key in per_unit.keys), per_unit.where and wording(per_unit.where)],
    ]
    if plan.scope.bought:
        said.append(
            [
                [wording(name), str(low), str(high)]
                for name, (low, high) in sorted(plan.scope.bought.items(), key=lambda item: item[0].text)
            ]
        )
    return _sha256(said, number)


def _said(join: Join, version: Version) -> list[Any]:
    said = [
        join.name,
        version.name,
        version.rows_sha256,
        [wording(left) for left in join.left],
        [wording(right) for right in join.right],
        join.outer,
    ]
    return said if join.where is None else [*said, wording(join.where)]


def digest_of_keys(discovery: PartitionSelection | BoundsEstimation, version: Version) -> str:
    """The same for the values of a key, or the bounds of a column, which depend on no question."""
    return _written_of_keys(discovery, version, FORMAT)


def digests_of_keys(discovery: PartitionSelection | BoundsEstimation, version: Version) -> tuple[str, ...]:
    """Every digest under which these may have been stored, today's first."""
    return tuple(_written_of_keys(discovery, version, number) for number in (FORMAT, *OLDER))


def _written_of_keys(discovery: PartitionSelection | BoundsEstimation, version: Version, number: int) -> str:
    unit = version.policy.unit
    assert unit is not None
    stored_as = discovery.stored_as(unit.max_rows)
    return _sha256([version.name, version.rows_sha256, unit.column, unit.kind, stored_as], number)


def _plain(value: KeyValue) -> str | int:
    return value.isoformat() if isinstance(value, date) else value


def _sha256(said: list[Any], number: int) -> str:
    text = json.dumps([number, *said], ensure_ascii=True, separators=(",", ":"))
    hashed = hashlib.sha256(text.encode()).hexdigest()
    return hashed if number < FIRST_WITH_ITS_NUMBER else f"{number}:{hashed}"
