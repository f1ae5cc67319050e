"""Compares two releases of a product: what changed, and what it means for a program that called the one
before.

    compatible   what was called before is answered as before
    additive     the same, and something new can be had
    breaking     some call that worked is refused, lacks a column, means something else, or costs more
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

import pyarrow

from marketplace.products.masking import mask_table
from marketplace.products.model import (
    CopyDefinition,
    Definition,
    FilesDefinition,
    ModelDefinition,
    Parameter,
    QueryDefinition,
    RowsDefinition,
    SqlDefinition,
)
from sandbox.catalog.compare import Effect
from sandbox.policy import Grades

Schema = dict[str, str]
"""Columns and their types, as Arrow names them; of a query, nothing."""

WIDTHS = ("int8", "int16", "int32", "int64"), ("uint8", "uint16", "uint32", "uint64"), ("float", "double")
SAME = ({"string", "large_string"},)


@dataclass(frozen=True)
class ReleaseChange:
    """One difference. `kind` is stable, such as `column_dropped`; `column` is a column, key or parameter."""

    kind: str
    effect: Effect
    column: str
    en: str
    zh: str


def schema_of(table: pyarrow.Table, definition: CopyDefinition) -> Schema:
    """Of what is delivered: masked columns have the types that their masks give them."""
    shown = mask_table(table.select(list(definition.columns)).slice(0, 1), definition.masks, b"")
    return {name: str(shown.schema.field(name).type) for name in shown.column_names}


def schema_hash(definition: Definition, schema: Schema) -> str:
    """SHA-256 of what a caller's program relies on, in hexadecimal."""
    if isinstance(definition, RowsDefinition):
        relied: object = [schema or sorted(definition.columns), definition.keys]
    elif isinstance(definition, FilesDefinition):
        relied = [schema, definition.formats]
    elif isinstance(definition, SqlDefinition):
        relied = [definition.epsilon]
    elif isinstance(definition, ModelDefinition):
        relied = [[each.model_dump() for each in definition.columns], definition.predicts]
    else:
        relied = [definition.sql, [each.model_dump(mode="json") for each in definition.parameters]]
    text = json.dumps(relied, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def compare_releases(
    before: tuple[Definition, Schema, str], after: tuple[Definition, Schema, str], grades: Grades
) -> list[ReleaseChange]:
    """What changed between two releases (definition, schema, grade), the worst first."""
    (old, old_schema, old_grade), (new, new_schema, new_grade) = before, after
    changes: list[ReleaseChange] = []
    if isinstance(old, RowsDefinition) and isinstance(new, RowsDefinition):
        changes += [*columns(old_schema, new_schema), *keys(old, new)]
    elif isinstance(old, FilesDefinition) and isinstance(new, FilesDefinition):
        changes += [*columns(old_schema, new_schema), *formats(old, new)]
    elif isinstance(old, QueryDefinition) and isinstance(new, QueryDefinition):
        changes += queries(old, new)
    elif isinstance(old, SqlDefinition) and isinstance(new, SqlDefinition):
        changes += largest_epsilons(old, new)
    elif isinstance(old, ModelDefinition) and isinstance(new, ModelDefinition):
        changes += model_versions(old, new)
    else:
        changes.append(
            change("kind_changed", Effect.BREAKING, "", "It is another kind of product.", "产品类型已改变。")
        )
    if isinstance(old, CopyDefinition) and isinstance(new, CopyDefinition):
        changes += masks(old, new)
    if grades[new_grade].rank > grades[old_grade].rank:
        text = f"The grade was {old_grade}; it is {new_grade} now."
        changes.append(
            change("grade_raised", Effect.BREAKING, "", text, f"级别由 {old_grade} 变为 {new_grade}。")
        )
    return sorted(changes, key=lambda each: -tuple(Effect).index(each.effect))


def columns(old: Schema, new: Schema) -> Iterator[ReleaseChange]:
    for name, type in old.items():
        if name not in new:
            yield change("column_dropped", Effect.BREAKING, name, f"{name} is dropped.", f"{name} 已删除。")
        elif new[name] != type:
            widened = widens(type, new[name])
            yield change(
                "type_widened" if widened else "type_changed",
                Effect.COMPATIBLE if widened else Effect.BREAKING,
                name,
                f"The type of {name} was {type}; it is {new[name]} now.",
                f"{name} 的类型由 {type} 变为 {new[name]}。",
            )
    kept = [name for name in old if name in new]
    if list(new)[: len(kept)] != kept:
        yield change(
            "columns_moved",
            Effect.BREAKING,
            "",
            f"The columns came in the order {', '.join(kept)}; another order or a new column is before them.",
            f"原有栏目的次序（{'、'.join(kept)}）已改变，或其前有新栏目。",
        )
    for name in new.keys() - old.keys():
        yield change("column_added", Effect.ADDITIVE, name, f"{name} is new.", f"新增 {name}。")


def widens(old: str, new: str) -> bool:
    """Whether every value of the old type is one of the new, written the same in JSON."""
    if any({old, new} <= same for same in SAME):
        return True
    return any(old in widths and new in widths[widths.index(old) :] for widths in WIDTHS)


def keys(old: RowsDefinition, new: RowsDefinition) -> Iterator[ReleaseChange]:
    for name, type in old.keys.items():
        if new.keys.get(name) != type:
            now = f"it is {new.keys[name]} now" if name in new.keys else "it is no key any more"
            zh = f"变为 {new.keys[name]}" if name in new.keys else "不再是查询键"
            yield change(
                "key_changed",
                Effect.BREAKING,
                name,
                f"The key {name} was {type}; {now}.",
                f"查询键 {name}（{type}）{zh}。",
            )
    for name in new.keys.keys() - old.keys.keys():
        yield change(
            "key_added",
            Effect.ADDITIVE,
            name,
            f"Rows can be looked up by {name}, too.",
            f"可按 {name} 查询。",
        )
    if new.page_rows != old.page_rows:
        # a call without a limit gets a page: of a longer one it also pays more rows
        yield change(
            "page_shortened" if new.page_rows < old.page_rows else "page_lengthened",
            Effect.BREAKING,
            "",
            f"A page had up to {old.page_rows} rows; it has {new.page_rows} now.",
            f"每页行数由 {old.page_rows} 变为 {new.page_rows}。",
        )


def masks(old: CopyDefinition, new: CopyDefinition) -> Iterator[ReleaseChange]:
    """A dropped column is told as one; any other mask that changed gives other values."""
    before = {mask.column: mask for mask in old.masks if mask.column in new.shown}
    now = {mask.column: mask for mask in new.masks if mask.column in old.shown and mask.do != "drop"}
    for name in sorted(before.keys() | now.keys()):
        if name in old.shown and before.get(name) != now.get(name):
            yield change(
                "mask_changed",
                Effect.BREAKING,
                name,
                f"{name} is masked otherwise.",
                f"{name} 的脱敏方式已改变。",
            )


def formats(old: FilesDefinition, new: FilesDefinition) -> Iterator[ReleaseChange]:
    for name in sorted(set(old.formats) - set(new.formats)):
        yield change(
            "format_dropped",
            Effect.BREAKING,
            "",
            f"There is no {name} file any more.",
            f"不再提供 {name} 文件。",
        )
    for name in sorted(set(new.formats) - set(old.formats)):
        yield change(
            "format_added", Effect.ADDITIVE, "", f"There is a {name} file, too.", f"新增 {name} 文件。"
        )


def largest_epsilons(old: SqlDefinition, new: SqlDefinition) -> Iterator[ReleaseChange]:
    if Decimal(new.epsilon) != Decimal(old.epsilon):
        lower = Decimal(new.epsilon) < Decimal(old.epsilon)
        yield change(
            "largest_epsilon_changed",
            Effect.BREAKING if lower else Effect.ADDITIVE,
            "",
            f"A question could offer ε {old.epsilon} at most; it is ε {new.epsilon} now.",
            f"每次提问的 ε 上限由 {old.epsilon} 变为 {new.epsilon}。",
        )


def model_versions(old: ModelDefinition, new: ModelDefinition) -> Iterator[ReleaseChange]:
    """Whoever sends the same rows gets other predictions from another version, of the same form."""
    same = sorted(old.columns, key=lambda each: each.name) == sorted(new.columns, key=lambda each: each.name)
    if not same or old.predicts != new.predicts:
        yield change(
            "model_interface_changed",
            Effect.BREAKING,
            "",
            "The model takes other columns, or predicts something else.",
            "模型的输入栏目或预测内容已改变。",
        )
    if old.version != new.version:
        yield change(
            "model_version_changed",
            Effect.COMPATIBLE,
            "",
            f"Predictions were by version {old.version} of the model; they are by version {new.version} now.",
            f"预测由模型的第 {old.version} 版改为第 {new.version} 版作出。",
        )


def queries(old: QueryDefinition, new: QueryDefinition) -> Iterator[ReleaseChange]:
    """What the same question means is not compared: another text is another question."""
    if old.sql != new.sql:
        yield change("question_changed", Effect.BREAKING, "", "The question is another.", "提问内容已改变。")
    if old.epsilon != new.epsilon:
        yield change(
            "epsilon_changed",
            Effect.BREAKING,  # an answer has another error, and perhaps another price
            "",
            f"An answer was given at ε {old.epsilon}; it is given at ε {new.epsilon} now.",
            f"每次回答的 ε 由 {old.epsilon} 变为 {new.epsilon}。",
        )
    now = {each.name: each for each in new.parameters}
    for parameter in old.parameters:
        if parameter.name not in now:
            yield change(
                "parameter_dropped",
                Effect.BREAKING,
                parameter.name,
                f"The parameter {parameter.name} is dropped.",
                f"参数 {parameter.name} 已删除。",
            )
        elif now[parameter.name] != parameter:
            wider = allows_all_of(parameter, now[parameter.name])
            yield change(
                "parameter_widened" if wider else "parameter_changed",
                Effect.ADDITIVE if wider else Effect.BREAKING,
                parameter.name,
                f"The parameter {parameter.name} allows other values.",
                f"参数 {parameter.name} 的取值已改变。",
            )
    for name in now.keys() - {each.name for each in old.parameters}:
        yield change(
            "parameter_added",
            Effect.BREAKING,
            name,
            f"The parameter {name} must be given now.",
            f"须提供新参数 {name}。",
        )


def allows_all_of(old: Parameter, new: Parameter) -> bool:
    """Whether every value that could be chosen still can. Ranges and other types count as narrower, unless
    equal."""
    if old.type != new.type or old.values is None or new.values is None:
        return old == new
    return set(old.values) <= set(new.values)


def change(kind: str, effect: Effect, column: str, en: str, zh: str) -> ReleaseChange:
    return ReleaseChange(kind, effect, column, en, zh)


LARGER = ("column_added", "type_widened")


def for_prices_by_the_byte(changes: list[ReleaseChange]) -> list[ReleaseChange]:
    """The changes for a buyer who pays by the byte: what makes the same answer larger makes it dearer."""
    return [replace(each, effect=Effect.BREAKING) if each.kind in LARGER else each for each in changes]


def effect_of(changes: list[ReleaseChange]) -> Effect:
    """The worst of them; no change is compatible."""
    order = tuple(Effect)
    return max((each.effect for each in changes), key=order.index, default=Effect.COMPATIBLE)
