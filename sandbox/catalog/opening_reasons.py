"""Says why a version must be reviewed before it opens: what it shows that the version in use does not.

A version that shows no more than the one before opens at once, so that a daily pull needs no review a day.
Reasons come from the two policies alone.
"""

from collections.abc import Callable, Iterator
from typing import Any

from sandbox.catalog.compare import renamed_columns
from sandbox.catalog.grade import highest_grade
from sandbox.catalog.lineage import unversioned
from sandbox.catalog.model import Column, DatasetPolicy, Role, Words
from sandbox.policy import Grades

REASONS: dict[str, Words] = {
    "first_version": Words(zh="首次开放", en="It opens for the first time"),
    "grade_raised": Words(zh="级别提高", en="A grade is higher"),
    "grade_lowered": Words(zh="级别降低，可能的使用方式增多", en="A grade is lower: more is possible"),
    "columns_added": Words(zh="新增栏目", en="There are new columns"),
    "columns_shown": Words(zh="隐藏的栏目改为可用", en="Hidden columns are shown"),
    "columns_otherwise": Words(zh="栏目的角色、类型或来源改变", en="Columns have another role, type, source"),
    "values_added": Words(zh="取值清单增加", en="Lists of values are longer"),
    "bounds_widened": Words(zh="取值范围放宽或步长变细", en="Bounds are wider or steps finer"),
    "steps_changed": Words(zh="清洗与脱敏步骤改变", en="Cleaning or masking steps are others"),
    "derived_otherwise": Words(zh="派生语句改变", en="It is derived by another SQL"),
    "protection_lowered": Words(zh="保护对象或隐私预算放宽", en="The unit or the budget protects less"),
    "open_copy": Words(zh="制作开放副本", en="An open copy is made"),
}


def opening_reasons(before: DatasetPolicy | None, after: DatasetPolicy, grades: Grades) -> tuple[str, ...]:
    """Codes of `REASONS`. `before`: the policy of the last version that opened; None: there was none."""
    if before is None:
        return ("first_version",)
    found = set(_dataset(before, after, grades)) | set(_columns(before, after, grades))
    return tuple(reason for reason in REASONS if reason in found)


def grade_to_review(before: DatasetPolicy | None, after: DatasetPolicy, grades: Grades) -> str:
    """The higher of both: lowering a grade is reviewed by the grade that it had."""
    both = [policy for policy in (before, after) if policy is not None]
    return grades.combine([highest_grade(grades, policy) for policy in both])


def _dataset(before: DatasetPolicy, after: DatasetPolicy, grades: Grades) -> Iterator[str]:
    yield from _rank(before.grade, after.grade, grades)
    yield from _rank(highest_grade(grades, before), highest_grade(grades, after), grades)
    if before.steps != after.steps or before.inputs != after.inputs:
        yield "steps_changed"
    if unversioned(before.derive) != unversioned(after.derive):
        yield "derived_otherwise"
    if any(_more(figure(before), figure(after)) for figure in PROTECTION):
        yield "protection_lowered"


PROTECTION: tuple[Callable[[DatasetPolicy], Any], ...] = (
    lambda policy: policy.budget and policy.budget.dataset_epsilon,
    lambda policy: policy.budget and policy.budget.grant_epsilon,
    lambda policy: policy.budget and policy.budget.delta,
    lambda policy: policy.hint_bits,
    lambda policy: not policy.certificate,
    lambda policy: policy.unit and policy.unit.max_rows,
)


def _more(before: Any, after: Any) -> bool:
    """A budget that is gone with its unit protects nobody."""
    if before is None or after is None:
        return before is not after
    return bool(after > before)


def _columns(before: DatasetPolicy, after: DatasetPolicy, grades: Grades) -> Iterator[str]:
    renamed = {new: old for old, new in renamed_columns(before, after).items()}
    for column in after.columns:
        old = before.column(renamed.get(column.name, column.name))
        if old is not None:
            yield from _rank(old.grade, column.grade, grades)
        if column.role is Role.HIDDEN:
            continue
        if old is None:
            yield "columns_added"
        elif old.role is Role.HIDDEN:
            yield "columns_shown"
        else:
            yield from _column(old, column)


def _column(old: Column, new: Column) -> Iterator[str]:
    if (old.role, old.type, old.rules.label) != (new.role, new.type, new.rules.label):
        yield "columns_otherwise"
    if set(new.values) - set(old.values):
        yield "values_added"
    if old.bounds and not new.bounds:
        yield "bounds_widened"
    elif old.bounds and new.bounds:
        lower, higher = new.bounds.low < old.bounds.low, new.bounds.high > old.bounds.high
        if lower or higher or new.bounds.step < old.bounds.step:
            yield "bounds_widened"


def _rank(old: str, new: str, grades: Grades) -> Iterator[str]:
    if grades[new].rank > grades[old].rank:
        yield "grade_raised"
    if grades[new].rank < grades[old].rank:
        yield "grade_lowered"
