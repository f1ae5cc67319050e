"""Reads the officer's policy file: YAML text in, a checked `DatasetPolicy` out."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sandbox.catalog.cleaner import Cleaner
from sandbox.catalog.cleaning_steps import Step, written_columns
from sandbox.catalog.elements import Element, with_element
from sandbox.catalog.expectation_file import RuleCheck, check_rule, read_expectation
from sandbox.catalog.expectations import Expectation
from sandbox.catalog.model import (
    Bounds,
    CatalogueEntry,
    Column,
    DatasetBudget,
    DatasetPolicy,
    KeyValue,
    Role,
    Type,
    Words,
)
from sandbox.catalog.step_file import made_columns, read_steps, require_no_known_pseudonym
from sandbox.catalog.typical import Relation
from sandbox.catalog.typical_file import read_relations, read_typical
from sandbox.errors import InvalidInput
from sandbox.ingest.file_format import FileFormat, Format
from sandbox.ingest.limits import LARGEST_INTEGER, LONGEST_TEXT
from sandbox.ingest.model import IdRule, Unfit
from sandbox.ingest.units import UnitIds
from sandbox.ingest.written import DateOrder, Written
from sandbox.policy import PolicyFaults, YamlText
from sandbox.privacy import PrivacyUnit

MOST_KEY_VALUES = 5000
MOST_STEPS = 2**40
MOST_FAULTS = 20
"""So many are shown at once."""
MOST_ROWS_TIMES_STEPS = 2**42
"""So that a total's sensitivity, 1024 * max_rows * steps, is a whole number that a float holds exactly."""

OPEN_GRADE = "1"


def read_policy(
    text: str,
    *,
    schema: Path,
    what: str = "The policy",
    kept: bool = False,
    cleaner: Cleaner | None = None,
    rules: RuleCheck | None = None,
    elements: Mapping[str, Element] = MappingProxyType({}),
) -> DatasetPolicy:
    """Read a policy. `schema` is `policies/dataset.schema.json`.
    Raises `InvalidInput`: line, fault and remedy.

    `kept`: it stands in the catalogue, perhaps since a former release, which asked for less.
    `cleaner`: looks at the expressions of cleaning steps; without it they are taken as they are. `rules`
    looks at what is expected of every version. `elements`: the data elements that columns may name; a policy
    that is kept has what they said written out.
    """
    source = YamlText(text, schema, what=what, kept=kept)
    said = source.document
    faults = Faults()
    if not kept:
        _resolve_elements(source, said, elements, faults)
    every = _columns(source, said, faults)
    steps = read_steps(source, said, every, note=faults.note, cleaner=cleaner)
    every = _cleaned(every, steps)
    columns = tuple(column for column in every if column.kept)
    inputs = tuple(column for column in every if not column.kept)
    if every and all(column.made for column in every):
        with faults:
            raise source.fault(
                "every column is made by a step, and none is read from the file.",
                "steps",
                remedy="Name a column of the file in `columns`.",
                zh="所有栏目都由清洗步骤生成，没有从文件读取的栏目。",
                remedy_zh="请在 columns 中写明文件的栏目。",
            )
    unit, made_ids = None, None
    with faults:
        unit, made_ids, columns = _unit(source, said, columns)
    if unit is not None:
        for column in columns:
            if column.bounds and column.bounds.reach * unit.max_rows > MOST_ROWS_TIMES_STEPS:
                with faults:
                    raise source.fault(
                        f"{column.name} has too many steps for {unit.max_rows} rows a unit.",
                        "columns",
                        column.name,
                        remedy="Use a coarser step.",
                    )
        for needed in ("budget", "population", "about_rows"):
            if needed not in said:
                with faults:
                    raise source.fault(
                        f"a dataset with a privacy unit needs `{needed}`.",
                        "unit",
                        remedy=f"Add `{needed}`; see policies/dataset.schema.json.",
                    )
    if "certificate" in said and "unit" not in said:
        with faults:
            raise source.fault(
                "open data needs no grant, so nobody is asked for a certificate.",
                "certificate",
                remedy="Remove `certificate`.",
                zh="开放数据无需授权，因此不会要求证书。",
                remedy_zh="请删去 certificate。",
            )
    budget = None
    with faults:
        budget = _budget(source, said["budget"]) if "budget" in said else None
    with faults:
        _check_sources(source, said, every)
    expectations = _expectations(source, said, columns, faults, None if kept else rules)
    with faults:
        require_no_known_pseudonym(source, said, columns, steps)
    relations: tuple[Relation, ...] = ()
    with faults:
        relations = read_relations(source, said, columns)
    catalogue = CatalogueEntry()
    with faults:
        catalogue = _catalogue(source, said)
    faults.raise_all()
    return DatasetPolicy(
        dataset=str(said["dataset"]),
        title=_words(said["title"]),
        summary=_words(said["summary"]),
        department=str(said["department"]),
        grade=str(said["grade"]),
        source=str(said["source"]["name"]),
        licence=str(said["source"]["licence"]),
        citation=str(said["source"].get("citation", "")),
        update_cycle=str(said.get("update_cycle", "")),
        about_rows=int(said.get("about_rows", 0)),
        population=str(said.get("population", "")),
        unit=unit,
        budget=budget,
        columns=columns,
        hint_bits=int(said["hints"]["bits"]) if "hints" in said else 0,
        certificate=str(said.get("certificate", "")),
        ids=IdRule(said["unit"]["ids"]) if "ids" in said.get("unit", {}) else None,
        file=_file(said.get("file", {})),
        dropped_columns=tuple(said.get("dropped_columns", [])),
        catalogue=catalogue,
        made_ids=made_ids,
        steps=steps,
        inputs=inputs,
        expectations=expectations,
        derive=str(said.get("derive", "")).strip(),
        relations=relations,
    )


def _resolve_elements(source: YamlText, said: Any, elements: Mapping[str, Element], faults: "Faults") -> None:
    """Columns that name an element say what it says, from here on."""
    for name, column in said["columns"].items():
        if "element" in column:
            with faults:
                said["columns"][name] = with_element(source, str(name), column, elements)
    faults.raise_all()


def _cleaned(columns: tuple[Column, ...], steps: tuple[Step, ...]) -> tuple[Column, ...]:
    """The columns, with those marked that a step changes or makes."""
    written = {name for step in steps for name in written_columns(step)}
    return tuple(replace(column, cleaned=True) if column.name in written else column for column in columns)


def _catalogue(source: YamlText, said: Any) -> CatalogueEntry:
    entry = said.get("catalogue", {})
    for of, what in (("sharing", "sharing"), ("opening", "opening")):
        if entry.get(of) == "conditional" and f"{of}_condition" not in entry:
            raise source.fault(
                f"{what} is conditional, and no condition is told.",
                "catalogue",
                of,
                remedy=f"Add `{of}_condition`.",
            )
    if entry.get("opening") == "open" and said["grade"] != OPEN_GRADE:
        raise source.fault(
            f"the catalogue calls it open, and its grade is {said['grade']}.",
            "catalogue",
            "opening",
            remedy='Write `opening: none` or `conditional`, or grade it "1".',
        )
    if "released_on" in entry:
        try:
            date.fromisoformat(entry["released_on"])
        except ValueError:
            raise source.fault(
                "released_on is no day.", "catalogue", "released_on", remedy='Write "2027-06-30".'
            ) from None
    classes = tuple(map(str, entry.get("classification", ())))
    return CatalogueEntry(**entry | {"classification": classes})


class Faults:
    """The faults of a policy, so that an officer corrects them in one go: `with faults:` notes one."""

    def __init__(self) -> None:
        self._noted: list[InvalidInput] = []

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, fault: BaseException | None, traceback: object) -> bool:
        if not isinstance(fault, InvalidInput):
            return False
        self.note(fault)
        return True

    def note(self, fault: InvalidInput) -> None:
        self._noted.append(fault)

    def raise_all(self) -> None:
        if not self._noted:
            return
        shown, more = self._noted[:MOST_FAULTS], len(self._noted) - MOST_FAULTS
        raise PolicyFaults(
            " ".join(fault.message for fault in shown) + (f" And {more} more faults." if more > 0 else ""),
            remedy=" ".join(dict.fromkeys(fault.remedy for fault in shown)),
            faults=self._noted,
        )


def _file(said: Any) -> FileFormat:
    return FileFormat(**said | ({"format": Format(said["format"])} if "format" in said else {}))


def _written(said: Any) -> Written:
    lists = {name: tuple(map(str, said[name])) for name in ("signs", "true", "false") if name in said}
    dates = {"dates": DateOrder(said["dates"])} if "dates" in said else {}
    return Written(**said | lists | dates)


def _check_sources(source: YamlText, said: Any, columns: tuple[Column, ...]) -> None:
    """A column of the file is one column of the policy, or dropped."""
    taken: dict[str, str] = {}
    for column in columns:
        if column.made:
            continue
        label = column.name if column.source is None else column.source
        if label in taken:
            raise source.fault(
                f"{column.name} and {taken[label]} have the same column of the file.",
                "columns",
                column.name,
                "source",
                remedy="Give each its own `source`; a header that stands twice is followed by (2).",
            )
        taken[label] = column.name
    for place, label in enumerate(said.get("dropped_columns", [])):
        if label in taken:
            raise source.fault(
                f"{taken[label]} is a column, and is dropped.",
                "dropped_columns",
                place,
                remedy="Remove it from one of the two.",
            )


def _expectations(
    source: YamlText,
    said: Any,
    columns: tuple[Column, ...],
    faults: Faults,
    rules: RuleCheck | None,
) -> tuple[Expectation, ...]:
    read = []
    for place, spec in enumerate(said.get("expect", [])):
        with faults:
            expectation = read_expectation(source, place, spec, columns)
            if rules is not None:
                check_rule(source, place, rules, expectation, columns)
            read.append(expectation)
    return tuple(read)


def _words(said: Any) -> Words:
    return Words(zh=str(said["zh"]), en=str(said["en"]))


def _unit(
    source: YamlText, said: Any, columns: tuple[Column, ...]
) -> tuple[PrivacyUnit | None, UnitIds | None, tuple[Column, ...]]:
    """The unit; how its ids are made, if no column of the file has them; the columns, the ids among them."""
    unit = said.get("unit", {})
    if "column" in unit or not unit:
        return _unit_column(source, said, columns), None, columns
    if named := [column.name for column in columns if column.role is Role.UNIT]:
        raise source.fault(
            f"column {named[0]} has role unit, but the unit is "
            f"{'each row' if 'row_is_unit' in unit else 'several columns'}.",
            "columns",
            named[0],
            "role",
            remedy="Give it another role: the column of the ids is made.",
        )
    ids = UnitIds(tuple(unit["columns"]) if "columns" in unit else None)
    if ids.column in {column.name for column in columns}:
        raise source.fault(
            f"the ids are kept in a column {ids.column}, and there is one of that name.",
            "columns",
            ids.column,
            remedy="Give that column another name.",
        )
    for name in ids.of or ():
        part = next((column for column in columns if column.name == name), None)
        if part is None or part.type not in (Type.INTEGER, Type.TEXT, Type.DATE):
            raise source.fault(
                f"{name} cannot be a part of the unit's id: it is "
                f"{'no column' if part is None else part.type}.",
                "unit",
                "columns",
                remedy="Name columns of integers, texts or dates.",
            )
    made = Column(
        name=ids.column,
        role=Role.UNIT,
        type=Type.TEXT if ids.of else Type.INTEGER,
        title=Words("标识", "id") if ids.of else Words("行标识", "id of the row"),
        grade=str(said["grade"]),
        required=True,
    )
    parts = ids.of or ()
    columns = tuple(replace(column, required=True) if column.name in parts else column for column in columns)
    whom = PrivacyUnit(column=ids.column, kind=str(unit["kind"]), max_rows=int(unit.get("max_rows", 1)))
    return whom, ids, (made, *columns)


def _unit_column(source: YamlText, said: Any, columns: tuple[Column, ...]) -> PrivacyUnit | None:
    named = [column.name for column in columns if column.role is Role.UNIT]
    if "unit" not in said:
        if named:
            raise source.fault(
                f"column {named[0]} has role unit, but there is no `unit`.",
                "columns",
                named[0],
                remedy="Add `unit: {column, kind, max_rows}`.",
            )
        if said["grade"] != OPEN_GRADE:
            raise source.fault(
                'a dataset without a privacy unit must be open (grade "1").',
                "grade",
                remedy='Say whom it is about with `unit`, or grade it "1" if it may be published.',
            )
        return None
    column = str(said["unit"]["column"])
    if named != [column]:
        raise source.fault(
            f"unit.column is {column}, but the columns with role unit are {named or 'none'}.",
            "unit",
            "column",
            remedy=f"Give column {column}, and only it, the role unit.",
        )
    if next(known for known in columns if known.name == column).type not in (Type.INTEGER, Type.TEXT):
        raise source.fault(
            f"the unit {column} must be an integer or a text.",
            "columns",
            column,
            "type",
            remedy="Numbers with a point and dates do not name people reliably.",
        )
    return PrivacyUnit(column=column, kind=str(said["unit"]["kind"]), max_rows=int(said["unit"]["max_rows"]))


def _budget(source: YamlText, said: Any) -> DatasetBudget:
    budget = DatasetBudget(
        delta=Fraction(str(said["delta"])),
        dataset_epsilon=Fraction(str(said["dataset_epsilon"])),
        grant_epsilon=Fraction(str(said["grant_epsilon"])),
        question_epsilon=Fraction(str(said["question_epsilon"])),
    )
    if not 0 < budget.question_epsilon <= budget.grant_epsilon <= budget.dataset_epsilon:
        raise source.fault(
            "the epsilons must satisfy 0 < question <= grant <= dataset.",
            "budget",
            remedy="Lower question_epsilon or grant_epsilon, or raise dataset_epsilon.",
        )
    return budget


def _columns(source: YamlText, said: Any, faults: Faults) -> tuple[Column, ...]:
    columns = []
    for name, spec in said["columns"].items():
        with faults:
            columns.append(_column(source, str(name), spec, said))
    return tuple(columns)


def _column(source: YamlText, name: str, said: Any, dataset: Any) -> Column:
    role, kind, path = Role(said["role"]), Type(said["type"]), ("columns", name)
    title = _words(said["title"]) if "title" in said else Words(name, name)
    if role is Role.KEY and "values" not in said and kind is not Type.BOOLEAN:
        raise source.fault(
            f"key {name} has no public values.",
            *path,
            remedy=(
                "Add `values: [...]` or `{from, to}`; or give it the role attribute: the values that enough "
                "people have can then be found, at a price."
            ),
        )
    if role is Role.MEASURE and ("bounds" not in said or "step" not in said):
        raise source.fault(
            f"measure {name} needs bounds and a step.",
            *path,
            remedy=(
                'Add for example `bounds: [0, 100]` and `step: "1"`; or make it an attribute, whose bounds '
                "the first question that adds it up buys from its budget."
            ),
        )
    if role is Role.MEASURE and kind not in (Type.INTEGER, Type.NUMBER):
        raise source.fault(
            f"measure {name} must be an integer or a number.",
            *path,
            "type",
            remedy="Make it an attribute, or a key with public values.",
        )
    if role is not Role.KEY and "values" in said:
        raise source.fault(
            f"only a key has values, and {name} is {role}.", *path, "values", remedy="Remove `values`."
        )
    if role is not Role.MEASURE and ("bounds" in said or "step" in said):
        raise source.fault(f"only a measure has bounds, and {name} is {role}.", *path, remedy="Remove them.")
    values = _values(source, name, kind, said.get("values", [False, True])) if role is Role.KEY else ()
    marks, unfit = _reading(source, name, said, dataset, values)
    if "keep" in said and role is not Role.HIDDEN:
        raise source.fault(
            f"{name} is not kept, so nobody can use it: its role is hidden, and not {role}.",
            *path,
            "keep",
            remedy="Write `role: hidden` beside `keep: false`, or remove `keep`.",
            zh=f"{name} 不保存，无人可用，用途须为 hidden。",
            remedy_zh="请写 role: hidden，或去掉 keep。",
        )
    column = Column(
        name=name,
        role=role,
        type=kind,
        title=title,
        grade=str(said.get("grade", dataset["grade"])),
        values=values,
        empty_marks=marks,
        unfit=unfit,
        longest=int(said.get("longest", LONGEST_TEXT)),
        bounds=_bounds(source, name, kind, said) if role is Role.MEASURE else None,
        required=bool(said.get("required", False)),
        measured_in=str(said.get("measured_in", "")),
        source=said.get("source"),
        written=_written_form(source, name, kind, said),
        made=name in made_columns(dataset),
        kept=said.get("keep", True),
        element=said.get("element", ""),
    )
    if "typical" not in said:
        return column
    return replace(column, typical=read_typical(source, name, kind, role, said, column))


FORMS = {
    Type.INTEGER: {"decimal", "thousands", "percent", "signs", "trimmed"},
    Type.NUMBER: {"decimal", "thousands", "percent", "signs", "trimmed"},
    Type.BOOLEAN: {"true", "false", "trimmed"},
    Type.DATE: {"dates", "zones", "trimmed"},
    Type.TIMESTAMP: {"dates", "zones", "trimmed"},
    Type.TEXT: set[str](),
}


def _written_form(source: YamlText, name: str, kind: Type, said: Any) -> Written:
    form = said.get("written", {})
    if foreign := sorted(set(form) - FORMS[kind]):
        raise source.fault(
            f"`{foreign[0]}` says nothing of how a column of type {kind} is written.",
            "columns",
            name,
            "written",
            foreign[0],
            remedy="Remove it, or correct the type.",
        )
    if form.get("thousands") and form.get("thousands") == form.get("decimal", "."):
        raise source.fault(
            "the same sign cannot part thousands and decimals.",
            "columns",
            name,
            "written",
            remedy='Write for example `decimal: ","` and `thousands: "."`.',
        )
    if both := set(form.get("true", [])) & set(form.get("false", [])):
        raise source.fault(
            f"{min(both)} is a word for true and for false.", "columns", name, "written", remedy="Remove one."
        )
    return _written(form)


def _reading(
    source: YamlText, name: str, said: Any, dataset: Any, values: tuple[KeyValue, ...]
) -> tuple[tuple[str, ...], Unfit]:
    """Which texts stand for an empty cell of a column, and what happens to a cell that does not fit."""
    path = ("columns", name)
    marks = tuple(map(str, said.get("empty_marks", dataset.get("empty_marks", []))))
    if both := [value for value in values if str(value) in marks]:
        raise source.fault(
            f"{both[0]!r} is a value of {name}, and a mark of an empty cell.",
            *path,
            remedy=f"Remove it from one of the two, or give {name} `empty_marks` of its own, such as [].",
        )
    needed = said["role"] == "unit" or said.get("required", False)
    # what is computed of others' rows fails for none of them
    unfit = Unfit(said.get("unfit", "empty" if "derive" in dataset and not needed else "refuse"))
    if unfit is Unfit.EMPTY and needed:
        raise source.fault(
            f"{name} may not be empty, so what does not fit cannot be emptied.",
            *path,
            "unfit",
            remedy="Use refuse or drop.",
        )
    if unfit is Unfit.ROUND and (
        said["role"] == "unit" or said["type"] not in ("integer", "date", "timestamp")
    ):
        raise source.fault(
            f"{name} cannot be rounded.",
            *path,
            "unfit",
            remedy="Round integers, dates and timestamps; never ids: two people would become one.",
        )
    if "longest" in said and said["type"] != "text":
        raise source.fault(
            f"only a text has a longest length, and {name} is {said['type']}.",
            *path,
            "longest",
            remedy="Remove it.",
        )
    return marks, unfit


def _values(source: YamlText, name: str, kind: Type, said: Any) -> tuple[KeyValue, ...]:
    path = ("columns", name, "values")
    if isinstance(said, dict):
        ends = [int(said["from"]), int(said["to"])]
        if (
            kind is not Type.INTEGER
            or not 0 <= ends[1] - ends[0] < MOST_KEY_VALUES
            or max(abs(end) for end in ends) > LARGEST_INTEGER
        ):
            raise source.fault(
                f"{{from, to}} is for integers, ascending, at most {MOST_KEY_VALUES} values.",
                *path,
                remedy="List the values instead.",
            )
        return tuple(range(int(said["from"]), int(said["to"]) + 1))
    wanted: type = {Type.INTEGER: int, Type.TEXT: str, Type.BOOLEAN: bool}.get(kind, object)
    if wanted is object:
        raise source.fault(f"a key cannot be of type {kind}.", *path, remedy="Use integer, text or boolean.")
    for index, value in enumerate(said):
        if not isinstance(value, wanted) or (wanted is int and not _is_whole(value)):
            raise source.fault(
                f"value {value!r} of {name} is not of type {kind}.",
                *path,
                index,
                remedy="Put quotes around texts, and none around numbers.",
            )
    return tuple(wanted(value) for value in said)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST_INTEGER


def _bounds(source: YamlText, name: str, kind: Type, said: Any) -> Bounds:
    low, high = (Fraction(str(bound)) for bound in said["bounds"])
    step = Fraction(str(said["step"]))
    path = ("columns", name, "bounds")
    if not low < high:
        raise source.fault(f"the bounds of {name} are not ascending.", *path, remedy="Write [low, high].")
    if low % step or high % step:
        raise source.fault(
            f"the bounds of {name} are not multiples of its step {step}.",
            *path,
            remedy="Move the bounds onto the grid.",
        )
    if kind is Type.INTEGER and step.denominator != 1:
        raise source.fault(
            f"{name} is an integer; its step must be whole.", *path[:2], "step", remedy='Write "1".'
        )
    bounds = Bounds(low, high, step)
    if bounds.reach > MOST_STEPS:
        raise source.fault(f"{name} has more than 2**40 steps.", *path, remedy="Use a coarser step.")
    return bounds
