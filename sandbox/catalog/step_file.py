"""Reads the cleaning steps of a policy file, in their order: each fault at its line, all of them at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any

from sandbox.catalog.cleaner import Cleaner
from sandbox.catalog.cleaning_steps import (
    Bands,
    CellValue,
    ChangeCase,
    Cut,
    CutDate,
    Deduplicate,
    Derive,
    DropRows,
    Fill,
    FirstCharacters,
    Limit,
    MapValues,
    Others,
    Parse,
    Pseudonym,
    Step,
    Trim,
    made_column,
    names_in,
    read_columns,
    written_columns,
)
from sandbox.catalog.model import Column, Role, Type
from sandbox.errors import InvalidInput
from sandbox.ingest.limits import LARGEST_INTEGER
from sandbox.policy import YamlText

NUMBERS = (Type.INTEGER, Type.NUMBER)
MOMENTS = (Type.DATE, Type.TIMESTAMP)
MAPPED = (Type.TEXT, Type.INTEGER, Type.BOOLEAN, Type.DATE)
"""Types whose values can be listed: two spellings of a number with a point are not surely equal."""

FIELDS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "trim": ((), ()),
    "case": (("columns",), ()),
    "map": (("values", "others"), ("into",)),
    "fill": (("with",), ()),
    "drop_rows": ((), ()),
    "deduplicate": ((), ("keep",)),
    "derive": (("as",), ()),
    "parse": (("into",), ()),
    "generalise": ((), ("bands", "digits", "to", "into")),
    "pseudonym": ((), ("into", "shared_as")),
    "truncate": (("characters",), ("into",)),
    "limit": ((), ("low", "high")),
}
"""The verbs; beside each, the fields that it must and may have."""
UNIT_VERBS = ("trim", "case", "pseudonym")
"""What may be done to whoever is protected: the rest could make one person of several, or several of one."""


def made_columns(said: Any) -> frozenset[str]:
    """The columns that the steps of a policy's document make, which the file has not."""
    steps = [step for step in said.get("steps", []) if isinstance(step, dict)]
    made = {str(step["derive"]) for step in steps if "derive" in step}
    return frozenset(made | {str(step["into"]) for step in steps if "into" in step})


def require_no_known_pseudonym(
    source: YamlText, said: Any, columns: Sequence[Column], steps: Sequence[Step]
) -> None:
    """Public values of a pseudonym, and rules that look at one, would let values be tried on it."""
    made = {step.into for step in steps if isinstance(step, Pseudonym)}
    for column in columns:
        if column.name in made and column.role is Role.KEY:
            raise source.fault(
                f"{column.name} is a pseudonym, which can be no key.",
                "columns",
                column.name,
                "role",
                remedy="Make it an attribute, the unit, or hidden.",
                zh=f"{column.name} 是假名，不能作为分组栏。",
                remedy_zh="请改为属性、标识或隐藏。",
            )
    for place, rule in enumerate(said.get("expect", [])):
        text = rule.get("rule", "") if isinstance(rule, dict) else ""
        if found := names_in(str(text), made):
            raise source.fault(
                f"{found[0]} is a pseudonym, which no rule looks at.",
                "expect",
                place,
                remedy="Write the rule on the column of which it is made, or remove it.",
                zh=f"{found[0]} 是假名，规则不得使用。",
                remedy_zh="请改用生成假名的栏目，或去掉该规则。",
            )


def verb_of(said: Mapping[str, Any]) -> str | None:
    """The verb of a step of the document; None where it has none, or several."""
    verbs = [name for name in FIELDS if name in said]
    return verbs[0] if len(verbs) == 1 else None


def read_steps(
    source: YamlText,
    said: Any,
    columns: Sequence[Column],
    *,
    note: Callable[[InvalidInput], None],
    cleaner: Cleaner | None,
) -> tuple[Step, ...]:
    """The steps of a policy's document. `note` takes each fault. `cleaner`: None for a policy that was
    published, whose expressions were looked at then."""
    unit = said.get("unit", {})
    names = {str(unit["column"])} if "column" in unit else set(map(str, unit.get("columns", [])))
    made = made_columns(said)
    reader = _Reader(
        source,
        {column.name: column for column in columns},
        [_chain(name, said) for name in sorted(names)],
        bool(unit.get("row_is_unit", False)),
        not unit,
        cleaner,
        {column.name for column in columns if column.name not in made},
    )
    steps = []
    for place, spec in enumerate(said.get("steps", [])):
        try:
            step = reader.step(place, spec)
            reader.require_blind(step)
        except InvalidInput as fault:
            note(fault)
            if (into := spec.get("into") or spec.get("derive")) in reader.columns:
                reader.there.add(str(into))  # so that later steps are not blamed for this one
            continue
        if (into := made_column(step)) is not None:
            reader.there.add(into)
        steps.append(step)
    for found in reader.with_sources(made):
        note(found)
    return tuple(steps)


def _chain(name: str, said: Any) -> frozenset[str]:
    """A column that names the unit, and those of which pseudonyms make it."""
    chain = {name}
    for step in reversed([step for step in said.get("steps", []) if isinstance(step, dict)]):
        if step.get("into") in chain and "pseudonym" in step:
            chain.add(str(step["pseudonym"]))
    return frozenset(chain)


@dataclass
class _Reader:
    """`there`: the columns that rows have before the next step. `unit`: for each column that names the unit,
    this column and those of which it is made."""

    source: YamlText
    columns: Mapping[str, Column]
    unit: Sequence[frozenset[str]]
    row_is_unit: bool
    is_open: bool
    cleaner: Cleaner | None
    there: set[str]
    pseudonyms: set[str] = field(default_factory=set, init=False)
    place: int = field(default=0, init=False)
    verb: str = field(default="", init=False)

    def step(self, place: int, said: Mapping[str, Any]) -> Step:
        self.place, self.verb = place, ""
        verb = verb_of(said)
        if verb is None:
            raise self.fault(
                "a step has one verb.",
                f"Write one of {', '.join(FIELDS)}.",
                "每个步骤须有且只有一个动作。",
                f"可用：{'、'.join(FIELDS)}。",
            )
        self.verb = verb
        required, optional = FIELDS[verb]
        foreign = [name for name in said if name not in {verb, *required, *optional}]
        missing = [name for name in required if name not in said]
        if foreign or missing:
            raise self.fault(
                f"{verb} has no field {foreign[0]}." if foreign else f"{verb} needs `{missing[0]}`.",
                f"Remove `{foreign[0]}`." if foreign else f"Add `{missing[0]}`.",
                f"{verb} 没有字段 {foreign[0]}。" if foreign else f"{verb} 缺少 {missing[0]}。",
                f"请去掉 {foreign[0]}。" if foreign else f"请补上 {missing[0]}。",
                *([foreign[0]] if foreign else []),
            )
        read: Callable[[Mapping[str, Any]], Step] = getattr(self, f"_{verb}")
        return read(said)

    def require_blind(self, step: Step) -> None:
        """A step that looks at a pseudonym lets whoever drafts try values on it."""
        match step:
            case Pseudonym(into=into):
                self.pseudonyms.add(into)
                return
            case Deduplicate():
                return
            case _:
                seen = sorted(
                    {*written_columns(step), *read_columns(step, self.pseudonyms)} & self.pseudonyms
                )
        if seen:
            raise self.fault(
                f"{seen[0]} is a pseudonym, which no later step looks at.",
                "Let this step stand before the pseudonym is made.",
                f"{seen[0]} 是假名，后面的步骤不得使用。",
                "请把此步骤放在生成假名之前。",
            )

    def with_sources(self, made: frozenset[str]) -> list[InvalidInput]:
        """Faults of columns that are for steps alone."""
        faults = []
        for name in sorted(made & set(self.columns)):
            column = self.columns[name]
            if column.source is not None:
                faults.append(
                    self.source.fault(
                        f"{name} is made by a step, so it has no `source` in the file.",
                        "columns",
                        name,
                        remedy="Remove `source`, or let the step make a column of another name.",
                        zh=f"{name} 由清洗步骤生成，文件中没有来源列。",
                        remedy_zh="请去掉 source，或让该步骤生成另一个名称的栏目。",
                    )
                )
        return faults

    # --- the verbs

    def _trim(self, said: Mapping[str, Any]) -> Step:
        return Trim(self._several(said["trim"], (Type.TEXT,)))

    def _case(self, said: Mapping[str, Any]) -> Step:
        if said["case"] not in ("upper", "lower"):
            raise self.fault(
                "a case is upper or lower.",
                "Write `case: upper`.",
                "大小写只有 upper 和 lower。",
                "如 case: upper。",
            )
        return ChangeCase(self._several(said["columns"], (Type.TEXT,)), said["case"] == "upper")

    def _map(self, said: Mapping[str, Any]) -> Step:
        column = self._column(said["map"], MAPPED)
        into, others = self._into(said, column), Others(said["others"])
        if others is Others.KEEP and into.type is not column.type:
            raise self.fault(
                f"{into.name} is {into.type.value}, so other values of {column.name} cannot be kept in it.",
                "Write `others: empty`, `drop` or `refuse`.",
                f"{into.name} 的类型不同，无法保留 {column.name} 的其他值。",
                "请写 others: empty、drop 或 refuse。",
                "others",
            )
        values = tuple(
            (self._key(old, column), None if new is None else self._value(new, into, "values"))
            for old, new in said["values"].items()
        )
        if len({key for key, _ in values}) < len(values):
            raise self.fault(
                "a value stands twice.", "Write each once.", "有重复的值。", "每个值只写一次。", "values"
            )
        return MapValues(column.name, into.name, values, others)

    def _fill(self, said: Mapping[str, Any]) -> Step:
        column = self._column(said["fill"], tuple(Type))
        self._not_of_unit(column)
        return Fill(column.name, self._value(said["with"], column, "with"))

    def _drop_rows(self, said: Mapping[str, Any]) -> Step:
        condition = self._text(said["drop_rows"])
        if self._type_of(condition) not in (None, Type.BOOLEAN):
            raise self.fault(
                "it is no condition.", "Write for example `age > 120`.", "这不是条件。", "例如 age > 120。"
            )
        return DropRows(condition)

    def _deduplicate(self, said: Mapping[str, Any]) -> Step:
        columns = self._several(said["deduplicate"], tuple(Type))
        keep = said.get("keep", "first")
        if keep not in ("first", "last"):
            raise self.fault(
                "the first or the last row stays.",
                "Write `keep: first`.",
                "只能保留 first 或 last。",
                "如 keep: first。",
            )
        if self.row_is_unit:
            raise self.fault(
                "each row is somebody else, so no row is a duplicate: rows that look alike are of two "
                "people, and whether one is kept would tell something of the other.",
                "Remove this step; or say which column names the people (`unit.column`).",
                "每一行是不同的对象，没有重复行：看起来相同的两行属于两个人，去掉其一会透露另一人的信息。",
                "请去掉此步骤，或用 unit.column 说明标识栏。",
            )
        if missing := [min(chain) for chain in self.unit if not chain & set(columns)]:
            raise self.fault(
                f"the rows of several people would be compared: {', '.join(missing)} is missing.",
                f"Add {', '.join(missing)}, which names the people.",
                f"会在不同的人之间比较：缺少 {'、'.join(missing)}。",
                f"请加上标识对象的 {'、'.join(missing)}。",
            )
        return Deduplicate(columns, keep == "last")

    def _derive(self, said: Mapping[str, Any]) -> Step:
        expression, into = self._text(said["as"], "as"), self._new(str(said["derive"]))
        self._not_of_unit(into)
        found = self._type_of(expression, "as")
        if found not in (None, into.type) and (found, into.type) != (Type.INTEGER, Type.NUMBER):
            whole = into.type is Type.INTEGER and found is Type.NUMBER
            raise self.fault(
                f"the expression is {found.value if found else ''}, and {into.name} is {into.type.value}.",
                "Write ROUND(...)." if whole else f"Correct the type of {into.name}.",
                f"表达式的类型是 {found.value if found else ''}，而 {into.name} 是 {into.type.value}。",
                "请写 ROUND(...)。" if whole else f"请改正 {into.name} 的类型。",
                "as",
            )
        return Derive(into.name, expression)

    def _parse(self, said: Mapping[str, Any]) -> Step:
        column, into = self._column(said["parse"], (Type.TEXT,)), self._new(str(said["into"]))
        self._not_of_unit(into)
        return Parse(column.name, into.name)

    def _generalise(self, said: Mapping[str, Any]) -> Step:
        ways = [name for name in ("bands", "digits", "to") if name in said]
        if len(ways) != 1:
            raise self.fault(
                "generalise needs one of `bands`, `digits` and `to`.",
                "Write bands for a number, digits for a code, to for a date.",
                "generalise 须有 bands、digits、to 三者之一。",
                "数值写 bands，代码写 digits，日期写 to。",
            )
        if ways == ["digits"]:
            column = self._column(said["generalise"], (Type.TEXT,))
            into = self._into(said, column, (Type.TEXT,))
            return FirstCharacters("generalise", column.name, into.name, int(said["digits"]))
        if ways == ["to"]:
            column = self._column(said["generalise"], MOMENTS)
            return CutDate(
                column.name, self._into(said, column, (column.type, Type.DATE)).name, Cut(said["to"])
            )
        column = self._column(said["generalise"], NUMBERS)
        if "into" not in said:
            raise self.fault(
                "bands are texts, so they make a column of their own.",
                f"Add `into: {column.name}_band`, and that column with `type: text`.",
                "分段是文本，须生成新的栏目。",
                f"请加上 into: {column.name}_band，并写明该栏目（type: text）。",
            )
        edges = tuple(Fraction(str(edge)) for edge in said["bands"])
        if list(edges) != sorted(set(edges)):
            raise self.fault(
                "the bands are not ascending.",
                "Write for example [0, 18, 65].",
                "分段须递增。",
                "例如 [0, 18, 65]。",
                "bands",
            )
        return Bands(column.name, self._into(said, column, (Type.TEXT,)).name, edges)

    def _pseudonym(self, said: Mapping[str, Any]) -> Step:
        column = self._column(said["pseudonym"], (Type.TEXT, Type.INTEGER))
        if column.type is Type.INTEGER and "into" not in said:
            raise self.fault(
                "a pseudonym is a text, and this column is integer.",
                "Add `into` with a text column; or let the column be read as text.",
                "假名是文本，而该栏目是整数。",
                "请用 into 写一个文本栏目，或把该栏目读作文本。",
            )
        into = self._into(said, column, (Type.TEXT,))
        if "shared_as" in said and self.is_open:
            raise self.fault(
                "the rows of an open dataset are published, so its pseudonyms would name people of others "
                "that share the key.",
                "Remove `shared_as`: the dataset then has a key of its own.",
                "开放数据集的行会公开，其假名会指明共用该密钥的其他数据集中的人。",
                "请去掉 shared_as，该数据集将使用自己的密钥。",
                "shared_as",
            )
        return Pseudonym(column.name, into.name, str(said.get("shared_as", "")))

    def _truncate(self, said: Mapping[str, Any]) -> Step:
        column = self._column(said["truncate"], (Type.TEXT,))
        into = self._into(said, column, (Type.TEXT,))
        return FirstCharacters("truncate", column.name, into.name, int(said["characters"]))

    def _limit(self, said: Mapping[str, Any]) -> Step:
        column = self._column(said["limit"], NUMBERS)
        self._not_of_unit(column)
        low, high = (
            Fraction(str(said[name])) if said.get(name) is not None else None for name in ("low", "high")
        )
        whole = column.type is Type.INTEGER
        if (low is None and high is None) or (low is not None and high is not None and low > high):
            raise self.fault(
                "a limit needs `low` or `high`, and low is not above high.",
                "Write for example `low: 0` and `high: 100`.",
                "须写 low 或 high，且 low 不大于 high。",
                "例如 low: 0、high: 100。",
            )
        if whole and any(end is not None and end.denominator != 1 for end in (low, high)):
            raise self.fault(
                f"{column.name} is integer, so its limits are whole.",
                "Write whole numbers.",
                f"{column.name} 是整数，上下限也须是整数。",
                "请写整数。",
            )
        return Limit(column.name, low, high)

    # --- what they are made of

    def fault(self, message: str, remedy: str, zh: str, remedy_zh: str, *path: str) -> InvalidInput:
        at = [self.verb] if self.verb and not path else list(path)
        verb, verb_zh = (f" ({self.verb})", f"（{self.verb}）") if self.verb else ("", "")
        return self.source.fault(
            f"step {self.place + 1}{verb}: {message}",
            "steps",
            self.place,
            *at,
            remedy=remedy,
            zh=f"第 {self.place + 1} 个清洗步骤{verb_zh}：{zh}",
            remedy_zh=remedy_zh,
        )

    def _text(self, said: Any, *path: str) -> str:
        if not isinstance(said, str):
            raise self.fault(
                "an expression is a text.", "Put it in quotes.", "表达式须是文本。", "请加引号。", *path
            )
        return said

    def _column(self, name: Any, types: Sequence[Type]) -> Column:
        """A column that is there before this step, of one of these types."""
        column = self.columns.get(str(name))
        if column is None or column.name not in self.there:
            later = column is not None
            raise self.fault(
                f"{name} is {'made by a later step' if later else 'no column'}.",
                "Move this step behind it." if later else "Name a column of the policy.",
                f"{name} 由后面的步骤生成。" if later else f"没有栏目 {name}。",
                "请把此步骤移到其后。" if later else "请写策略中的栏目。",
            )
        if column.type not in types:
            wanted = " or ".join(type.value for type in types)
            raise self.fault(
                f"{name} is {column.type.value}, and this step is for {wanted}.",
                "Name another column, or correct its type.",
                f"{name} 的类型是 {column.type.value}，此步骤只用于 {wanted}。",
                "请换一个栏目，或改正类型。",
            )
        return column

    def _several(self, said: Any, types: Sequence[Type]) -> tuple[str, ...]:
        names = said if isinstance(said, list) else [said]
        return tuple(dict.fromkeys(self._column(name, types).name for name in names))

    def _into(self, said: Mapping[str, Any], column: Column, types: Sequence[Type] = ()) -> Column:
        """Where the step's result stands: the column itself, or a new one."""
        into = self._new(str(said["into"])) if "into" in said else column
        if self.verb not in UNIT_VERBS:
            self._not_of_unit(into)
        if types and into.type not in types:
            wanted = types[-1].value
            raise self.fault(
                f"{into.name} is {into.type.value}, and this step makes {wanted}.",
                f"Write `into` with a column of type {wanted}.",
                f"{into.name} 的类型是 {into.type.value}，而此步骤的结果是 {wanted}。",
                f"请用 into 写一个类型为 {wanted} 的栏目。",
            )
        return into

    def _new(self, name: str) -> Column:
        column = self.columns.get(name)
        if column is None:
            raise self.fault(
                f"the column {name} that it makes is not among the columns.",
                f"Add {name} to `columns`, with its role and type.",
                f"它所生成的栏目 {name} 不在 columns 中。",
                f"请在 columns 中写明 {name} 的用途和类型。",
            )
        if name in self.there:
            raise self.fault(
                f"{name} is there already.",
                "Give the new column a name of its own.",
                f"已有栏目 {name}。",
                "请给新栏目另取名称。",
            )
        return column

    def _not_of_unit(self, column: Column) -> None:
        """Raises for the column that names whoever is protected, or a part of it."""
        if column.role is Role.UNIT or any(column.name in chain for chain in self.unit):
            raise self.fault(
                f"{column.name} names who is protected: of several this step could make one.",
                f"Only {', '.join(UNIT_VERBS)} may change it; `into` and `derive` make a new column of it.",
                f"{column.name} 标识保护对象：此步骤可能把几个对象变为一个。",
                f"只能用 {'、'.join(UNIT_VERBS)}；也可用 into 或 derive 由它生成新栏目。",
            )

    def _type_of(self, expression: str, *path: str) -> Type | None:
        if self.cleaner is None:
            return None
        columns = [column for name, column in self.columns.items() if name in self.there]
        try:
            return self.cleaner.type_of(expression, columns)
        except InvalidInput as refused:
            raise self.fault(
                refused.message,
                refused.remedy,
                refused.zh or refused.message,
                refused.remedy_zh or refused.remedy,
                *path,
            ) from None

    def _value(self, said: Any, column: Column, *path: str) -> CellValue:
        """A value written out for a column."""
        found = _as(said, column.type)
        if found is None or (isinstance(found, str) and len(found) > column.longest):
            raise self.fault(
                f"a value is not of the type of {column.name}, {column.type.value}.",
                "Put quotes around texts and days (2026-01-31), and none around numbers.",
                f"有一个值不是 {column.name} 的类型 {column.type.value}。",
                "文本和日期（2026-01-31）加引号，数字不加。",
                *path,
            )
        return found

    def _key(self, said: str, column: Column) -> CellValue:
        """A value before a colon, where YAML has texts alone."""
        kind = column.type
        typed: Any = said
        if kind is Type.INTEGER and said.removeprefix("-").isdecimal() and said.isascii() and len(said) < 18:
            typed = int(said)
        if kind is Type.BOOLEAN:
            typed = {"true": True, "false": False}.get(said.lower(), said)
        return self._value(typed, column, "values")


def _as(said: Any, kind: Type) -> CellValue | None:
    """The value as the type has it; None where it is none."""
    match kind:
        case Type.TEXT if isinstance(said, str) and said:
            return said
        case Type.BOOLEAN if isinstance(said, bool):
            return said
        case Type.INTEGER if isinstance(said, int) and not isinstance(said, bool):
            return said if abs(said) <= LARGEST_INTEGER else None
        case Type.NUMBER if isinstance(said, int | float) and not isinstance(said, bool):
            return Fraction(str(said))
        case Type.DATE if isinstance(said, str) and len(said) == 10:
            try:
                return date.fromisoformat(said)
            except ValueError:
                return None
    return None
