"""Compares two policies of a dataset: what changed, and what it means for a question that worked.

Of three effects, the worst counts:

    compatible   what was asked before is answered as before, perhaps with another error or price
    additive     the same, and something new can be asked
    breaking     some question that worked is refused, or its answer means something else

What only concerns how a file is read is told without the file's own words.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sandbox.catalog.cleaning_steps import MapValues, Others, Step, made_column
from sandbox.catalog.lineage import unversioned
from sandbox.catalog.model import Column, DatasetPolicy, Role, Unfit, Words
from sandbox.policy import Grades

MOST_SHOWN_VALUES = 20


class Effect(StrEnum):
    COMPATIBLE = "compatible"
    ADDITIVE = "additive"
    BREAKING = "breaking"


ORDER = tuple(Effect)


@dataclass(frozen=True)
class Change:
    """One difference. `kind` is stable, such as `column_removed`; `column` is its name in the later policy,
    or the one that it had."""

    kind: str
    effect: Effect
    text: Words
    column: str = ""


def effect_of(changes: list[Change]) -> Effect:
    """The worst of them; no change is compatible."""
    return max((change.effect for change in changes), key=ORDER.index, default=Effect.COMPATIBLE)


def compare(before: DatasetPolicy, after: DatasetPolicy, grades: Grades) -> list[Change]:
    """What changed, the worst first. Equal policies have no change, and different ones have some."""
    renamed = renamed_columns(before, after)
    changes = [*_dataset(before, after, grades), *_columns(before, after, grades, renamed)]
    if not changes and before != after:
        changes.append(_reading(""))
    return sorted(changes, key=lambda change: -ORDER.index(change.effect))


NEW_VALUES = ("values_added", "bounds_narrowed", "bounds_widened", "step_changed", "measure_changed")


def without_values(change: Change) -> Change:
    """The change without values that only the later policy has."""
    if change.kind not in NEW_VALUES:
        return change
    text = Words(
        zh=f"{change.column} 的取值、范围或单位将改变；具体内容在该版本开放后可见。",
        en=f"Values, bounds or the measure of {change.column} change: to be seen once the version is open.",
    )
    return replace(change, text=text)


def renamed_columns(before: DatasetPolicy, after: DatasetPolicy) -> dict[str, str]:
    """Old names to new ones: the same column of the file, of the same type and role, under another name."""
    old = {column.name: column for column in before.columns if after.column(column.name) is None}
    new = {column.rules.label: column for column in after.columns if before.column(column.name) is None}
    return {
        name: other.name
        for name, column in old.items()
        if (other := new.get(column.rules.label)) is not None
        and (other.type, other.role) == (column.type, column.role)
    }


def _columns(
    before: DatasetPolicy, after: DatasetPolicy, grades: Grades, renamed: dict[str, str]
) -> Iterator[Change]:
    for column in before.columns:
        now = after.column(renamed.get(column.name, column.name))
        hidden = column.role is Role.HIDDEN
        if now is None:
            yield _change(
                "column_removed",
                _harmless_if(hidden),
                f"{column.name} is not there any more.",
                f"{column.name} 已不存在。",
                column.name,
            )
            continue
        if now.name != column.name:
            yield _change(
                "column_renamed",
                _harmless_if(hidden),
                f"{column.name} is called {now.name} now.",
                f"{column.name} 已改名为 {now.name}。",
                now.name,
            )
        yield from _column(column, now, grades)
    known = {column.name for column in before.columns} | set(renamed.values())
    for column in after.columns:
        if column.name not in known:
            hidden = column.role is Role.HIDDEN
            yield _change(
                "column_added",
                Effect.COMPATIBLE if hidden else Effect.ADDITIVE,
                f"{column.name} is new{' (hidden)' if hidden else ''}.",
                f"新增 {column.name}{'（隐藏）' if hidden else ''}。",
                column.name,
            )


def _column(old: Column, new: Column, grades: Grades) -> Iterator[Change]:
    name, hidden = new.name, old.role is Role.HIDDEN
    if old.role is not new.role:
        yield _change(
            "role_changed",
            Effect.ADDITIVE if hidden else Effect.BREAKING,
            f"The role of {name} was {old.role}; it is {new.role} now.",
            f"{name} 的角色由 {old.role} 变为 {new.role}。",
            name,
        )
    if old.type is not new.type:
        yield _change(
            "type_changed",
            _harmless_if(hidden),
            f"The type of {name} was {old.type}; it is {new.type} now.",
            f"{name} 的类型由 {old.type} 变为 {new.type}。",
            name,
        )
    if old.role is new.role:
        yield from _values(old, new)
        yield from _bounds(old, new)
    if old.grade != new.grade:
        yield _grade(f"The grade of {name}", f"{name} 的级别", old.grade, new.grade, grades, name)
    if old.measured_in != new.measured_in:
        # the same number means something else: "12" were days, and are hours
        yield _change(
            "measure_changed",
            _harmless_if(hidden or not old.measured_in),
            f"{name} was measured in {old.measured_in or '(not told)'}; "
            f"it is measured in {new.measured_in or '(not told)'} now.",
            f"{name} 的计量单位由 {old.measured_in or '（未说明）'} 变为 {new.measured_in or '（未说明）'}。",
            name,
        )
    if old.required != new.required:
        yield _change(
            "required_changed",
            Effect.COMPATIBLE,
            f"{name} {'is never empty now' if new.required else 'may be empty now'}.",
            f"{name} {'现在不会为空' if new.required else '现在可以为空'}。",
            name,
        )
    if old.title != new.title:
        yield _change(
            "title_changed",
            Effect.COMPATIBLE,
            f"{name} is described in other words.",
            f"{name} 的名称说明已修改。",
            name,
        )
    # `source` of a renamed column is its own header, where it had none
    if _how_it_is_read(old) != _how_it_is_read(new):
        yield _reading(name)


def _how_it_is_read(column: Column) -> tuple[object, ...]:
    rules = column.rules
    return rules.label, column.written, frozenset(column.empty_marks), column.unfit, column.longest


def _values(old: Column, new: Column) -> Iterator[Change]:
    gone = [value for value in old.values if value not in new.values]
    more = [value for value in new.values if value not in old.values]
    if gone:
        yield _change(
            "values_removed",
            Effect.BREAKING,
            f"{new.name} has no longer the values {_listed(gone)}.",
            f"{new.name} 不再有取值 {_listed(gone)}。",
            new.name,
        )
    if more:
        yield _change(
            "values_added",
            Effect.ADDITIVE,
            f"{new.name} has the new values {_listed(more)}.",
            f"{new.name} 新增取值 {_listed(more)}。",
            new.name,
        )
    if not gone and not more and old.values != new.values:
        yield _change(
            "values_reordered",
            Effect.COMPATIBLE,
            f"The values of {new.name} stand in another order.",
            f"{new.name} 的取值顺序已改变。",
            new.name,
        )


def _bounds(old: Column, new: Column) -> Iterator[Change]:
    if old.bounds is None or new.bounds is None or old.bounds == new.bounds:
        return
    if (old.bounds.low, old.bounds.high) != (new.bounds.low, new.bounds.high):
        narrower = new.bounds.low > old.bounds.low or new.bounds.high < old.bounds.high
        yield _change(
            "bounds_narrowed" if narrower else "bounds_widened",
            # values beyond them are moved onto them: a sum means something else
            Effect.BREAKING if narrower else Effect.COMPATIBLE,
            f"The bounds of {new.name} were {_span(old)}; they are {_span(new)} now.",
            f"{new.name} 的取值范围由 {_span(old)} 变为 {_span(new)}。",
            new.name,
        )
    if old.bounds.step != new.bounds.step:
        yield _change(
            "step_changed",
            Effect.COMPATIBLE,
            f"The step of {new.name} was {old.bounds.step}; it is {new.bounds.step} now.",
            f"{new.name} 的步长由 {old.bounds.step} 变为 {new.bounds.step}。",
            new.name,
        )


def _dataset(before: DatasetPolicy, after: DatasetPolicy, grades: Grades) -> Iterator[Change]:
    yield from _steps(before, after)
    yield from _inputs(before, after)
    if unversioned(before.derive) != unversioned(after.derive):
        yield _change(
            "derivation_changed",
            Effect.BREAKING,
            "Its rows are derived by other SQL: the same question may mean something else.",
            "派生语句已改变：同一问题的含义可能不同。",
        )
    if before.grade != after.grade:
        yield _grade("The grade", "级别", before.grade, after.grade, grades)
    if (before.unit is None) != (after.unit is None) or (
        before.unit
        and after.unit
        and (before.unit.column, before.unit.kind, before.population)
        != (after.unit.column, after.unit.kind, after.population)
    ):
        yield _change("unit_changed", Effect.BREAKING, "It is about others than before.", "保护对象已改变。")
    elif before.unit and after.unit and before.unit.max_rows != after.unit.max_rows:
        old, new = before.unit.max_rows, after.unit.max_rows
        yield _change(
            "max_rows_changed",
            Effect.COMPATIBLE,
            f"Of a {after.unit.kind}, {old} rows counted in full; {new} do now.",
            f"每个保护对象完整计入的行数由 {old} 变为 {new}。",
        )
    if before.budget != after.budget:
        yield _change(
            "budget_changed",
            Effect.COMPATIBLE,
            "The budget of a question, a grant or the dataset is another; what was spent stays spent.",
            "单次提问、单项授权或数据集的预算已调整；已花费的仍计入。",
        )
    for kind, attribute, text, zh in OF_THE_DATASET:
        if attribute(before) != attribute(after):
            yield _change(kind, Effect.COMPATIBLE, text, zh)


def _steps(before: DatasetPolicy, after: DatasetPolicy) -> Iterator[Change]:
    """Other steps make other values of the same rows. Harmless are those that only make new columns after all
    that was there."""
    old, new = before.steps, after.steps
    if old == new:
        return
    only_new = new[: len(old)] == old and all(
        (name := made_column(step)) is not None and before.column(name) is None and not _drops(step, after)
        for step in new[len(old) :]
    )
    yield _change(
        "steps_changed",
        _harmless_if(only_new),
        "Its rows are cleaned by other steps: the same question may mean something else.",
        "清洗步骤已改变：同一问题的含义可能不同。",
    )


def _drops(step: Step, policy: DatasetPolicy) -> bool:
    """Whether a step that makes a column may leave rows out."""
    into = policy.column(made_column(step) or "")
    kept = not isinstance(step, MapValues) or step.others is not Others.DROP
    return not kept or (into is not None and into.unfit is Unfit.DROP)


def _inputs(before: DatasetPolicy, after: DatasetPolicy) -> Iterator[Change]:
    """What a step makes of another column of the file means something else."""
    if before.inputs != after.inputs:
        added = [column for column in after.inputs if before.column(column.name) is None]
        yield _change(
            "inputs_changed",
            _harmless_if(before.inputs == tuple(column for column in after.inputs if column not in added)),
            "The columns that its cleaning steps use have changed.",
            "清洗步骤所用的栏目已改变。",
        )


def _read_as(policy: DatasetPolicy) -> tuple[object, ...]:
    return (
        policy.file,
        policy.dropped_columns,
        policy.made_ids,
        policy.ids,
        policy.expectations,
    )


OF_THE_DATASET: tuple[tuple[str, Callable[[DatasetPolicy], Any], str, str], ...] = (
    (
        "words_changed",
        lambda policy: (policy.title, policy.summary),
        "It is described in other words.",
        "名称或说明已修改。",
    ),
    (
        "source_changed",
        lambda policy: (policy.source, policy.licence, policy.citation),
        "Its source, licence or citation is another.",
        "来源、许可或引用方式已修改。",
    ),
    ("cycle_changed", lambda policy: policy.update_cycle, "Its update cycle is another.", "更新周期已修改。"),
    (
        "size_changed",
        lambda policy: policy.about_rows,
        "The public, rounded number of its rows is another.",
        "公开的约略行数已修改。",
    ),
    (
        "certificate_changed",
        lambda policy: policy.certificate,
        "The training certificate that access needs is another.",
        "使用所需的培训证书已改变。",
    ),
    ("hints_changed", lambda policy: policy.hint_bits, "What hints may tell is another.", "提示额度已修改。"),
    (
        "department_changed",
        lambda policy: policy.department,
        "Another department has it.",
        "所属部门已改变。",
    ),
    (
        "catalogue_changed",
        lambda policy: policy.catalogue,
        "Its entry in the government's catalogue is another.",
        "政务信息资源目录信息已修改。",
    ),
    ("reading_changed", _read_as, "Its file is read in another way.", "文件的读取方式已改变。"),
)


def _grade(what: str, what_zh: str, old: str, new: str, grades: Grades, column: str = "") -> Change:
    lost = grades[old].possible - grades[new].possible
    higher = grades[new].rank > grades[old].rank
    # lost: an answer could leave in a way that is closed now
    effect = Effect.BREAKING if lost else Effect.COMPATIBLE if higher else Effect.ADDITIVE
    return _change(
        "grade_raised" if higher else "grade_lowered",
        effect,
        f"{what} was {old}; it is {new} now.",
        f"{what_zh}由 {old} 变为 {new}。",
        column,
    )


def _reading(column: str) -> Change:
    return _change(
        "reading_changed",
        Effect.COMPATIBLE,
        f"{column or 'A column'} is read from the file in another way.",
        f"{column or '某栏目'} 的读取方式已改变。",
        column,
    )


def _change(kind: str, effect: Effect, en: str, zh: str, column: str = "") -> Change:
    return Change(kind, effect, Words(zh=zh, en=en), column)


def _harmless_if(harmless: bool) -> Effect:  # noqa: FBT001  # a class of change by one fact
    return Effect.COMPATIBLE if harmless else Effect.BREAKING


def _listed(values: list[Any]) -> str:
    more = f" … ({len(values)})" if len(values) > MOST_SHOWN_VALUES else ""
    return ", ".join(map(str, values[:MOST_SHOWN_VALUES])) + more


def _span(column: Column) -> str:
    assert column.bounds is not None
    return f"[{float(column.bounds.low):g}, {float(column.bounds.high):g}]"
