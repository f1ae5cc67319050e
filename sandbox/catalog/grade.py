"""Computes the grade of what is made from several versions: the highest of the datasets and of their columns,
without hidden columns."""

from collections.abc import Sequence

from sandbox.catalog.model import Role, Version
from sandbox.policy import Gate


def grade_of(gate: Gate, versions: Sequence[Version]) -> str:
    """就高从严: of all that a run reads."""
    return gate.grades.combine(
        [
            part
            for version in versions
            for part in (
                version.policy.grade,
                *(column.grade for column in version.policy.columns if column.role is not Role.HIDDEN),
            )
        ]
    )
