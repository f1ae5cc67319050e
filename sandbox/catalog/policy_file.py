"""Reads the officer's policy file: YAML text in, a checked `DatasetPolicy` out."""

from fractions import Fraction
from pathlib import Path
from typing import Any

from sandbox.catalog.model import Bounds, Column, DatasetBudget, DatasetPolicy, KeyValue, Role, Type, Words
from sandbox.errors import InvalidInput
from sandbox.ingest.limits import LONGEST_TEXT
from sandbox.ingest.model import IdRule, Unfit
from sandbox.policy import YamlText
from sandbox.privacy import PrivacyUnit

MOST_KEY_VALUES = 5000
MOST_STEPS = 2**40
MOST_ROWS_TIMES_STEPS = 2**42
"""So that a total's sensitivity, 1024 * max_rows * steps, is a whole number that a float holds exactly."""

OPEN_GRADE = "1"


def read_policy(text: str, *, schema: Path, what: str = "The policy", kept: bool = False) -> DatasetPolicy:
    """Read a policy. `schema` is `policies/dataset.schema.json`.
    Raises `InvalidInput`: line, fault and remedy.

    `kept`: it stands in the catalogue, perhaps since a former release, which asked for less.
    """
    source = YamlText(text, schema, what=what, kept=kept)
    said = source.document
    columns = _columns(source, said)
    unit = _unit(source, said, columns)
    budget = said.get("budget")
    if unit is not None:
        for column in columns:
            if column.bounds and column.bounds.reach * unit.max_rows > MOST_ROWS_TIMES_STEPS:
                raise source.fault(
                    f"{column.name} has too many steps for {unit.max_rows} rows a unit.",
                    "columns",
                    column.name,
                    remedy="Use a coarser step.",
                )
        for needed in ("budget", "population", "about_rows"):
            if needed not in said:
                raise source.fault(
                    f"a dataset with a privacy unit needs `{needed}`.",
                    "unit",
                    remedy=f"Add `{needed}`; see policies/dataset.schema.json.",
                )
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
        budget=_budget(source, budget) if budget else None,
        columns=columns,
        hint_bits=int(said["hints"]["bits"]) if "hints" in said else 0,
        ids=IdRule(said["unit"]["ids"]) if "ids" in said.get("unit", {}) else None,
    )


def _words(said: Any) -> Words:
    return Words(zh=str(said["zh"]), en=str(said["en"]))


def _unit(source: YamlText, said: Any, columns: tuple[Column, ...]) -> PrivacyUnit | None:
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
        delta=Fraction(said["delta"]),
        dataset_epsilon=Fraction(said["dataset_epsilon"]),
        grant_epsilon=Fraction(said["grant_epsilon"]),
        question_epsilon=Fraction(said["question_epsilon"]),
    )
    if not 0 < budget.question_epsilon <= budget.grant_epsilon <= budget.dataset_epsilon:
        raise source.fault(
            "the epsilons must satisfy 0 < question <= grant <= dataset.",
            "budget",
            remedy="Lower question_epsilon or grant_epsilon, or raise dataset_epsilon.",
        )
    return budget


def _columns(source: YamlText, said: Any) -> tuple[Column, ...]:
    """All columns, or all their faults: an officer corrects them in one go."""
    columns, faults = [], []
    for name, spec in said["columns"].items():
        try:
            columns.append(_column(source, str(name), spec, said))
        except InvalidInput as fault:
            faults.append(fault)
    if faults:
        raise InvalidInput(
            " ".join(fault.message for fault in faults),
            remedy=" ".join(dict.fromkeys(fault.remedy for fault in faults)),
        )
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
    return Column(
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
    )


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
    unfit = Unfit(said.get("unfit", "refuse"))
    needed = said["role"] == "unit" or said.get("required", False)
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
        if kind is not Type.INTEGER or not 0 <= said["to"] - said["from"] < MOST_KEY_VALUES:
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
        if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
            raise source.fault(
                f"value {value!r} of {name} is not of type {kind}.",
                *path,
                index,
                remedy="Put quotes around texts, and none around numbers.",
            )
    return tuple(wanted(value) for value in said)


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
