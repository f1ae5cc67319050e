"""Masks columns by their grades: policies/masks.yaml says which mask a column gets by default, and an officer
chooses one that hides as much or more, never less."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow

from marketplace.offers.column_masks import ColumnMask
from marketplace.products.masking import is_text
from sandbox.errors import InvalidInput
from sandbox.policy import Grades, YamlText

Masks = tuple[ColumnMask, ...]


@dataclass(frozen=True)
class MaskRules:
    """By grade and type of column; a grade without masks delivers its columns as they are."""

    grades: Mapping[str, Mapping[str, Mapping[str, object]]]

    def mask_for(self, column: str, type: pyarrow.DataType, grade: str | None) -> ColumnMask | None:
        """Without a grade, or of one that the rules do not know, the column is not delivered."""
        of_grade = self.grades.get(grade) if grade is not None else None
        if of_grade is None:
            return ColumnMask(column=column, do="drop")
        rule = of_grade.get(kind_of(type))
        return ColumnMask.model_validate({"column": column, **rule}) if rule else None

    def complete(
        self,
        chosen: Masks,
        *,
        table: pyarrow.Table,
        grades: Mapping[str, str],
        keys: Sequence[str] = (),
        raising: bool = False,
    ) -> Masks:
        """The masks that an officer chose, with the default ones of the other columns. `grades`: of each
        column, as the copy has it. `keys` are looked up by, so they have no mask. `raising`: a mask that
        hides too little by now becomes the default one.
        Raises `InvalidInput` for one that hides less than the default."""
        by_column = {mask.column: mask for mask in chosen}
        masks = []
        for name in table.column_names:
            least = self.mask_for(name, table.schema.field(name).type, grades.get(name))
            mask = by_column.get(name)
            if least is not None and name in keys:
                raise key_is_masked(name, least)
            if mask is not None and least is not None and not hides_as_much(mask, least):
                if not raising:
                    raise hides_less(mask, least)
                mask = least
            if (mask := mask or least) is not None:
                masks.append(mask)
        if len(masks) == table.num_columns and all(mask.do == "drop" for mask in masks):
            raise nothing_left()
        return tuple(masks)


def hides_as_much(mask: ColumnMask, least: ColumnMask) -> bool:
    """Whether whoever has the values under `mask` could make those under `least` of them, and no more: pure.
    Kinds that cannot be compared do not."""
    if mask.do == "drop":
        return True
    if mask.do != least.do:
        return False
    if mask.step is not None and least.step is not None:
        return mask.step % least.step == 0
    if mask.to is not None and least.to is not None:
        return mask.to == "year" or least.to == "month"
    if mask.characters is not None and least.characters is not None:
        return mask.characters <= least.characters
    return mask == least.model_copy(update={"column": mask.column})


def kind_of(type: pyarrow.DataType) -> str:
    if is_text(type):
        return "text"
    if pyarrow.types.is_integer(type):
        return "integer"
    return "date" if pyarrow.types.is_date(type) else "other"


def read_mask_rules(policies: Path, grades: Grades) -> MaskRules:
    """Raises `InvalidInput`, naming the line; also if there is no such file, or a grade whose rows may be
    sold is missing in it."""
    file = policies / "masks.yaml"
    if not file.exists():
        raise InvalidInput(
            f"{file} is missing: without it no rows are sold.",
            code="no_mask_rules",
            remedy="Copy masks.yaml and masks.schema.json from the policies of this release.",
            zh=f"缺少 {file}：没有它，不能出售数据行。",
            remedy_zh="请从本版本的 policies 文件夹复制 masks.yaml 和 masks.schema.json。",
        )
    document = YamlText(
        file.read_text("utf-8"), file.with_name("masks.schema.json"), what="policies/masks.yaml"
    ).document
    sold = [grade.id for grade in grades.all if grades.allows(grade.id, "open_sale")]
    if missing := [grade for grade in sold if grade not in document["grades"]]:
        raise InvalidInput(
            f"policies/masks.yaml does not say how columns of grade {missing[0]} are masked.",
            remedy=f"Add {missing[0]!r} below grades; {{}} delivers them as they are.",
        )
    return MaskRules(document["grades"])


def described(mask: ColumnMask) -> str:
    given = {name: value for name, value in mask.model_dump(exclude={"column"}).items() if value is not None}
    return " ".join(str(value) for value in given.values())


def hides_less(mask: ColumnMask, least: ColumnMask) -> InvalidInput:
    return InvalidInput(
        f"{mask.column[:70]} needs a mask that hides at least as much as {described(least)}.",
        code="mask_too_weak",
        remedy=f"Use {described(least)}, a coarser one of the same kind, or drop: see policies/masks.yaml.",
        zh=f"{mask.column[:70]} 的脱敏不得弱于 {described(least)}。",
        remedy_zh=f"请使用 {described(least)}、同类更粗的方式或 drop：见 policies/masks.yaml。",
    )


def nothing_left() -> InvalidInput:
    return InvalidInput(
        "The grades of the columns leave nothing to deliver.",
        code="all_masked",
        remedy="Sell other columns, or a private query: see policies/masks.yaml.",
        zh="按栏目级别脱敏后没有可交付的栏目。",
        remedy_zh="请改售其他栏目，或出售隐私查询：见 policies/masks.yaml。",
    )


def key_is_masked(column: str, least: ColumnMask) -> InvalidInput:
    return InvalidInput(
        f"{column[:70]} cannot be a key: its grade needs the mask {described(least)}.",
        code="masked_key",
        remedy="Look up by a column of a lower grade: see policies/masks.yaml.",
        zh=f"{column[:70]} 不能作为查询键：其级别要求脱敏（{described(least)}）。",
        remedy_zh="请以级别较低的栏目作为查询键：见 policies/masks.yaml。",
    )
