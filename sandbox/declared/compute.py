"""Computes a declared query: by the engine, exactly, on raw rows. The result is as secret as the rows."""

import time
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.catalog.model import KeyValue, Version
from sandbox.declared.contributions import Behind
from sandbox.declared.read_query import DeclaredQuery, check_size
from sandbox.declared.rules import CellRules
from sandbox.declared.suppress import shown_numbers
from sandbox.declared.table import Key, Table
from sandbox.declared.unit_digests import UnitDigests
from sandbox.engines import Engine
from sandbox.queries import Plan, make_plan
from sandbox.queries.plan.plan import TotalKind


def compute(
    query: DeclaredQuery, engine: Engine, digests: UnitDigests, rules: CellRules, *, seconds: float
) -> Table:
    """The table, and what of it may be shown.
    Raises `QueryRefused`, or whatever the engine raises when it is late."""
    until = time.monotonic() + seconds
    plan = with_values(query, engine, rules, seconds=seconds)
    check_size(plan, len(query.measures))
    brought = engine.brought(plan, seconds=max(0.1, until - time.monotonic()), computing_seconds=seconds)
    behind = _behind(plan, query, brought, digests)
    keys = tuple(
        Key(name, tuple(map(_label, key.values))) for name, key in zip(query.keys, plan.keys, strict=True)
    )
    return Table(keys, tuple(name for name, _ in query.measures), behind, shown_numbers(behind, rules))


def with_values(query: DeclaredQuery, engine: Engine, rules: CellRules, *, seconds: float) -> Plan:
    """The plan with the values of keys that no policy lists:
    those that enough units have, over all rows of the version."""
    plan = query.plan
    if not plan.unknown:
        return plan
    found: dict[object, tuple[KeyValue, ...]] = {}
    for discovery in plan.unknown:
        units = engine.units_by_value(
            discovery, plan.version, seconds=seconds, computing_seconds=seconds, choice=None
        )
        enough = [value for value, number in units.items() if number >= rules.minimum_count]
        found[discovery.of] = tuple(sorted(enough, key=lambda value: (str(type(value)), value)))
    return make_plan(query.question, plan.version, replace(plan.scope, found={**plan.scope.found, **found}))  # type: ignore[dict-item]


def _behind(plan: Plan, query: DeclaredQuery, brought: pa.Table, digests: UnitDigests) -> Behind:
    version: Version = plan.version
    assert version.policy.unit is not None
    coded = pc.dictionary_encode(brought["name"]).combine_chunks()
    names = digests.of(
        coded.dictionary.to_pylist(), population=version.policy.population, kind=version.policy.unit.kind
    )
    units, unit_of_name = np.unique(names, return_inverse=True)
    cell = np.zeros(len(brought), dtype=np.int64)
    for place, key in enumerate(plan.keys):
        cell = cell * len(key.values) + brought[f"k{place}"].to_numpy().astype(np.int64)
    totals = [plan.parts[count][0] for _, count in query.measures]
    columns = [brought[f"t{plan.totals.index(total)}"].to_numpy().astype(np.int64) for total in totals]
    return Behind(
        tuple(len(key.values) for key in plan.keys),
        tuple(total.kind is TotalKind.UNITS for total in totals),
        units,
        unit_of_name.reshape(-1)[coded.indices.to_numpy()].astype(np.int64),
        cell,
        np.stack(columns, axis=1),
    )


def _label(value: KeyValue) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
