"""Computes the grade of what is made from several versions: the highest of the datasets and of their columns,
without hidden columns."""

from collections.abc import Sequence

from sandbox.catalog.cleaning_steps import read_columns
from sandbox.catalog.model import DatasetPolicy, Role, Version
from sandbox.policy import Gate, Grades


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


def highest_grade(grades: Grades, policy: DatasetPolicy) -> str:
    """Of the dataset, of its columns that are not hidden, and of those that its cleaning steps look at: what
    they make may be a copy."""
    every = (*policy.columns, *policy.inputs)
    names = [column.name for column in every]
    read = {name for step in policy.steps for name in read_columns(step, names)}
    used = [column.grade for column in every if column.role is not Role.HIDDEN or column.name in read]
    return grades.combine([policy.grade, *used])
