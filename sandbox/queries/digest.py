"""When are two questions the same? When they total the same rows in the same cells, however they were written."""

import hashlib
import json
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from fractions import Fraction
from typing import Any

from sandbox.queries.plan import Plan
from sandbox.queries.tree import And, In, Or

FORMAT = 1
"""Raise it whenever the meaning of a total changes (weights, grid, compiled SQL): totals released before are then not reused."""


def digest(plan: Plan) -> str:
    """SHA-256 over the version, the filter, the keys and the bounding: all that the totals depend on.

    The outputs are left out: they are computed from totals, so a total that was released once serves every question.
    """
    said = [FORMAT, plan.version.name, plan.version.sha256, _canonical(plan.unit), _canonical(plan.where), _canonical(plan.keys)]
    return hashlib.sha256(json.dumps(said, ensure_ascii=True, separators=(",", ":")).encode()).hexdigest()


def _canonical(node: Any) -> Any:
    """Nested lists; AND, OR and IN do not depend on the order in which they were written."""
    if isinstance(node, And | Or):
        return [type(node).__name__, sorted({json.dumps(_canonical(part)) for part in node.parts})]
    if isinstance(node, In):
        return ["In", node.column.text, sorted({json.dumps(_canonical(value)) for value in node.values})]
    if isinstance(node, Enum):
        return node.value
    if is_dataclass(node):
        return [type(node).__name__, *(_canonical(getattr(node, part.name)) for part in fields(node) if part.compare)]
    if isinstance(node, tuple):
        return [_canonical(member) for member in node]
    if isinstance(node, Fraction | date):
        return [type(node).__name__, str(node)]
    return node
