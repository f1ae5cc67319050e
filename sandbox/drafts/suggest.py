"""A policy for a file, by reviewed rules, with the reason of each suggestion.

What the rows alone tell, such as the range of a column, is suggested apart and does not stand in the policy:
the officer adds it as what they know. Two figures must stand there, the rough number of rows and how many
rows one unit has; both are rounded up to 1, 2 or 5 times a power of ten, and marked.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.api_schema import Words
from sandbox.catalog.elements import Element
from sandbox.drafts.names import HeaderWords, column_name
from sandbox.drafts.schemas import ColumnShapeDocument, Confidence, ShareClass, SuggestionDocument
from sandbox.drafts.write_policy import write_policy
from sandbox.ingest.code_lists import CodeList, CodeMatch, match
from sandbox.ingest.headers import HeaderText
from sandbox.ingest.inference import ColumnShape
from sandbox.ingest.model import Type
from sandbox.ingest.recognition import IdentifierRules, Recognition, free_text, recognise
from sandbox.ingest.units import COMPOUND_ID, ROW_ID
from sandbox.ingest.written import PLAIN

STEPS = (1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0001, 0.00001, 0.000001)
GRADES = ("1", "2", "3", "4")
PEOPLE = {"person": "residents", "household": "residents", "firm": "businesses"}
LONG_ID = 100
FROM_THE_FILE = "seen in the file, rounded: public once it is published"
MOST_UNIT_ROWS = 0.97
"""A column with as many different values as this part of the rows names each row's unit."""


@dataclass
class Suggested:
    """`policy`: the document. `marks`: comments in its text, by path."""

    policy: dict[str, Any]
    marks: dict[str, str]
    columns: list[ColumnShapeDocument]
    suggestions: list[SuggestionDocument] = field(default_factory=list)

    @property
    def text(self) -> str:
        return write_policy(self.policy, marks=self.marks)

    def add(
        self,
        path: str,
        value: object,
        en: str,
        zh: str,
        confidence: Confidence = "likely",
        *,
        from_rows: bool = False,
    ) -> None:
        text = value if isinstance(value, str) else write_policy({"v": value}).partition(": ")[2].strip()
        self.suggestions.append(
            SuggestionDocument(
                path=path,
                value=text,
                reason=Words(en=en, zh=zh),
                confidence=confidence,
                from_rows=from_rows,
            )
        )


@dataclass(frozen=True)
class Rules:
    """The reviewed rules that suggestions are made by."""

    words: HeaderWords
    identifiers: IdentifierRules
    code_lists: tuple[CodeList, ...]
    elements: Mapping[str, Element] = field(default_factory=dict)


@dataclass
class InspectedColumn:
    """What is known of one column before roles are given."""

    name: str
    shape: ColumnShape
    identifier: Recognition
    text: Recognition
    codes: CodeMatch | None
    grade: str


def suggest(
    shapes: Sequence[ColumnShape], rules: Rules, *, file_name: str, department: str, rows_of_unit: Any
) -> Suggested:
    """Suggest a policy. `rows_of_unit(label)` counts the file's rows of each unit, and gives the fewest rows
    that only one row in a hundred is beyond."""
    rows = max((shape.rows for shape in shapes), default=0)
    kept = [shape for shape in shapes if not shape.kind]
    taken = {COMPOUND_ID, ROW_ID}
    inspected = []
    for shape in kept:
        name = column_name(shape.label, taken)
        taken.add(name)
        inspected.append(_inspected_column(name, shape, rules))
    title = _title(file_name)
    policy: dict[str, Any] = {
        "dataset": f"{department.replace('-', '_')}.{_dataset_name(title)}",
        "title": rules.words.titles(title, title),
        "summary": rules.words.titles(title, title),
        "department": department,
        "source": {"name": file_name, "licence": "internal"},
    }
    suggested = Suggested(policy, {}, [])
    if dropped := [shape.label for shape in shapes if shape.kind]:
        policy["dropped_columns"] = dropped
        for shape in shapes:
            if shape.kind:
                suggested.add(
                    "dropped_columns",
                    shape.label,
                    f"It holds {shape.kind} values, which no column can.",
                    "其中是嵌套或二进制内容，无法作为一列。",
                    "sure",
                )
    unit = _unit(inspected, rows, rules, suggested, rows_of_unit)
    columns: dict[str, dict[str, Any]] = {}
    for column in inspected:
        columns[column.name] = _column(column, unit, rules, suggested)
    _combine(inspected, columns, suggested)
    grade = max((spec["grade"] for spec in columns.values() if spec["role"] != "hidden"), default="2")
    policy["grade"] = max(grade, "2")
    suggested.add(
        "grade",
        policy["grade"],
        "The highest grade of its columns that are not hidden (GB/T 43697, 就高从严).",
        "未隐藏各列中的最高级别（GB/T 43697，就高从严）。",
        "likely",
    )
    _people(policy, unit, rows, suggested)
    policy["columns"] = {
        name: {key: value for key, value in spec.items() if key != "grade" or value != policy["grade"]}
        for name, spec in columns.items()
    }
    return suggested


def _inspected_column(name: str, shape: ColumnShape, rules: Rules) -> InspectedColumn:
    identifier = recognise(shape.sample, shape.label, rules.identifiers)
    text = free_text(shape.sample, rules.identifiers)
    codes = match(shape.sample, shape.label, rules.code_lists) if shape.values else None
    named = identifier.kind is not None and identifier.confidence != "possible"
    grade = max(
        (part for part in (identifier.grade if named else "", text.grade, "2") if part), key=GRADES.index
    )
    return InspectedColumn(name, shape, identifier, text, codes, grade)


LOST_DIGITS = 1e15


@dataclass(frozen=True)
class UnitChoice:
    """Whom the rows are about: by one column (`name`), or each row by itself ("")."""

    name: str
    kind: str
    max_rows: int


def _unit(
    inspected: Sequence[InspectedColumn], rows: int, rules: Rules, suggested: Suggested, rows_of_unit: Any
) -> UnitChoice:
    """The column that names whom the rows are about; where none does, each row is somebody else."""
    choices = []
    for column in inspected:
        shape = column.shape
        known = rules.words.unit_kind(shape.label)
        identifier = column.identifier
        if identifier.kind in UNIT_KINDS and identifier.confidence == "sure" and not identifier.inside:
            known = (UNIT_KINDS[identifier.kind], -1)
        if known is None or shape.empty or shape.unfit or shape.longest > LONG_ID:
            continue
        if shape.type not in (Type.INTEGER, Type.TEXT) or column.text.kind or shape.different < 2:
            continue
        choices.append((known[1], -shape.different, column, known[0]))
    if not choices or rows == 0:
        suggested.add(
            "unit",
            "row_is_unit",
            "No column names whom the rows are about, so each row counts as one person.",
            "没有列标明各行属于谁，因此每行按一个人计。",
            "possible",
        )
        return UnitChoice("", "person", 1)
    _, _, column, kind = min(choices, key=lambda choice: choice[:2])
    label = column.shape.label
    per_row = column.shape.different >= MOST_UNIT_ROWS * rows
    most = rows_of_unit(label)
    suggested.add(
        "unit.column",
        column.name,
        "Its header names whom the rows are about, and it is never empty.",
        "其表头标明各行属于谁，且从不为空。",
        "likely" if per_row or column.shape.different > 1 else "possible",
    )
    suggested.add(
        "unit.max_rows",
        most,
        "With so many rows a unit, at most one row in a hundred is left out. It is rounded up.",
        "按此上限，最多百分之一的行不计入；该数已向上取整。",
        from_rows=True,
    )
    return UnitChoice(column.name, kind, most)


UNIT_KINDS = {
    "resident_identity_number": "person",
    "resident_identity_number_15": "person",
    "passport_number": "person",
    "medical_record_number": "person",
    "social_security_number": "person",
    "social_credit_code": "firm",
}
"""Identifiers that name whom a row is about."""


def _column(column: InspectedColumn, unit: UnitChoice, rules: Rules, suggested: Suggested) -> dict[str, Any]:
    shape, path = column.shape, f"columns.{column.name}"
    spec: dict[str, Any] = {"role": "attribute", "type": shape.type.value}
    if shape.label != column.name:
        spec["source"] = shape.label
    if shape.written != PLAIN:
        spec["written"] = written_document(shape)
        suggested.add(
            f"{path}.written",
            spec["written"],
            "So all its cells can be read.",
            "按此写法可读出全部单元格。",
            "possible" if shape.ambiguous else "sure",
        )
    elif shape.ambiguous:
        suggested.add(
            f"{path}.type",
            spec["type"],
            "Each cell has three digits after a dot, which is read as a decimal point. If it parts "
            'thousands, write `written: {decimal: ",", thousands: "."}`.',
            "每个单元格的点后都有三位数字，现按小数点读取；若为千位分隔，请写 "
            'written: {decimal: ",", thousands: "."}。',
            "possible",
        )
    if shape.empty_marks:
        spec["empty_marks"] = list(shape.empty_marks)
        suggested.add(
            f"{path}.empty_marks",
            spec["empty_marks"],
            "People write these into empty cells.",
            "人们常用这些记号表示空值。",
            "likely",
        )
    if shape.type is Type.TEXT and shape.longest > 4000:
        spec["unfit"] = "empty"
    spec["title"] = rules.words.titles(shape.label, column.name)
    spec["grade"] = column.grade
    _give_role(column, spec, unit, rules, suggested)
    if shape.type is Type.NUMBER and max(abs(shape.low or 0), abs(shape.high or 0)) >= LOST_DIGITS:
        spec["role"] = "hidden"
        suggested.add(
            f"{path}.role",
            spec["role"],
            "Its numbers have more than 15 digits, of which a spreadsheet keeps 15. If they are ids, several "
            "have become one: get the file with this column as text.",
            "其数值超过 15 位，而电子表格只保留 15 位；若为编号，可能已有多个变成同一个，"
            "请取得该列为文本的文件。",
            "likely",
        )
    _name_element(column, spec, rules, suggested)
    suggested.columns.append(_shape_document(column, spec))
    return spec


def _name_element(column: InspectedColumn, spec: dict[str, Any], rules: Rules, suggested: Suggested) -> None:
    """Point to a data element that the header names and that the column agrees with. The officer decides."""
    header = HeaderText.of(column.shape.label)
    for element in rules.elements.values():
        fits = element.type is column.shape.type and element.header.name(header)
        listed = element.code_list is None or all(map(element.knows, spec.get("values", ())))
        if fits and listed and spec["role"] not in ("hidden", "unit"):
            standard = "" if element.standard == "city" else element.standard
            suggested.add(
                f"columns.{column.name}.element",
                element.id,
                f"Its header names this data element: {element.title.en}{standard and f' ({standard})'}.",
                f"其表头对应数据元“{element.title.zh}”{standard and f'（{standard}）'}。",
                "likely" if element.code_list is not None and "values" in spec else "possible",
            )
            return


def _give_role(
    column: InspectedColumn, spec: dict[str, Any], unit: UnitChoice, rules: Rules, suggested: Suggested
) -> None:
    shape, path = column.shape, f"columns.{column.name}"
    if column.name == unit.name:
        spec |= {"role": "unit", "grade": max(column.grade, "3")}
        return
    identifier = column.identifier
    if identifier.kind and identifier.confidence != "possible":
        spec["role"] = "hidden"
        suggested.add(
            f"{path}.role", "hidden", identifier.reason, identifier.reason_zh, identifier.confidence
        )
        return
    if column.text.kind:
        spec["role"] = "hidden"
        suggested.add(f"{path}.role", "hidden", column.text.reason, column.text.reason_zh, "likely")
        return
    if shape.type is Type.BOOLEAN:
        spec["role"] = "key"
        return
    if column.codes is not None and column.codes.confidence != "possible":
        values = _listed(column.codes, shape)
        if values:
            spec |= {"role": "key", "values": values}
            suggested.add(
                f"{path}.values", values, column.codes.reason, column.codes.reason_zh, column.codes.confidence
            )
            return
    if shape.type in (Type.INTEGER, Type.NUMBER):
        _give_bounds(column, spec, rules, suggested)


def _give_bounds(column: InspectedColumn, spec: dict[str, Any], rules: Rules, suggested: Suggested) -> None:
    shape, path = column.shape, f"columns.{column.name}"
    known = rules.words.known_bounds(shape.label)
    if known is not None and shape.near is not None:
        # the usual rows alone say whether a share is written as 0.12 or as 12
        scale = 0.01 if known.percent and shape.near[1] <= 1 else 1.0
        low, high, step = known.low * scale, known.high * scale, _step(known.step * scale)
        if not (shape.type is Type.INTEGER and step < 1):
            spec |= {"role": "measure", "bounds": [_tidy(low), _tidy(high)], "step": _tidy(step)}
            if scale == 1.0:
                spec["measured_in"] = known.measured_in
            suggested.add(
                f"{path}.bounds",
                spec["bounds"],
                "What a column of this name holds lies within them, whoever it is about.",
                "按该列名称的通常含义，取值在此范围内。",
            )
            return
    if shape.near is not None:
        low, high = _rounded_out(*shape.near)
        suggested.add(
            f"{path}.bounds",
            [_tidy(low), _tidy(high)],
            "About 99 of 100 rows lie within them. Without bounds, the first question that adds the column "
            "up buys some from its budget.",
            "约 99% 的行在此范围内。若不填写，首个对该列求和的提问会从其预算中购买上下限。",
            "possible",
            from_rows=True,
        )


def _combine(
    inspected: Sequence[InspectedColumn], columns: dict[str, dict[str, Any]], suggested: Suggested
) -> None:
    """Columns that together point at one person have a higher grade than each alone."""
    pointing = [
        column
        for column in inspected
        if columns[column.name]["role"] not in ("hidden", "unit")
        and (
            (column.codes is not None and column.codes.code_list.id in QUASI_IDENTIFIERS)
            or any(word in column.shape.label.lower() for word in QUASI_WORDS)
        )
    ]
    if len(pointing) < 3:
        return
    for column in pointing:
        spec = columns[column.name]
        if spec["grade"] < "3":
            spec["grade"] = "3"
            suggested.add(
                f"columns.{column.name}.grade",
                "3",
                f"Together with {len(pointing) - 1} other columns it can point at one person.",
                f"与另外 {len(pointing) - 1} 列组合可能指向个人。",
            )


QUASI_IDENTIFIERS = frozenset(
    {"sex", "ethnic_group", "marital_status", "education_level", "huangshi_district", "hubei_prefecture",
     "province", "industry_division"}
)  # fmt: skip
QUASI_WORDS = ("出生", "年龄", "住址", "邮编", "职业", "birth", "=age", "zip", "postcode", "occupation")


def _people(policy: dict[str, Any], unit: UnitChoice, rows: int, suggested: Suggested) -> None:
    about = rounded_up(max(rows, 1))
    policy["about_rows"] = about
    policy["population"] = PEOPLE[unit.kind]
    if unit.name:
        policy["unit"] = {"column": unit.name, "kind": unit.kind, "max_rows": unit.max_rows}
        suggested.marks["unit"] = f"max_rows: {FROM_THE_FILE}"
    else:
        policy["unit"] = {"row_is_unit": True, "kind": unit.kind}
    suggested.marks["about_rows"] = FROM_THE_FILE
    suggested.add("about_rows", about, "The number of rows, rounded up.", "行数，向上取整。", from_rows=True)
    delta = 10.0 ** -min(12, max(6, len(str(about)) + 1))
    dataset, grant, question = (
        (10, 4, 0.5) if rows < 2000 else (10, 4, 0.2) if rows < 200_000 else (5, 2, 0.1)
    )
    policy["budget"] = {
        "delta": delta,
        "dataset_epsilon": dataset,
        "grant_epsilon": grant,
        "question_epsilon": question,
    }
    suggested.add(
        "budget",
        policy["budget"],
        "The fewer people, the more an answer must lose to be useful. The predicted errors show it.",
        "人数越少，回答要有用就需更多预算；预测误差显示其效果。",
        "possible",
    )


def written_document(shape: ColumnShape) -> dict[str, Any]:
    written = shape.written
    document: dict[str, Any] = {}
    if written.dates is not None:
        document["dates"] = written.dates.value
    for name in ("zones", "percent", "trimmed"):
        if getattr(written, name):
            document[name] = True
    if written.decimal != ".":
        document["decimal"] = written.decimal
    if written.thousands:
        document["thousands"] = written.thousands
    for name in ("signs", "true", "false"):
        if values := getattr(written, name):
            document[name] = list(values)
    return document


def _shape_document(column: InspectedColumn, spec: dict[str, Any]) -> ColumnShapeDocument:
    shape = column.shape
    document = ColumnShapeDocument(
        name=column.name,
        source=shape.label,
        type=spec["type"],
        role=spec["role"],
        grade=spec["grade"],
        filled=_filled(shape),
        unfit=shape.unfit,
    )
    if column.identifier.kind:
        document["identifier"] = column.identifier.kind
    elif column.text.kind:
        document["identifier"] = column.text.kind
    if column.codes is not None:
        document["code_list"] = column.codes.code_list.id
    return document


def _filled(shape: ColumnShape) -> ShareClass:
    full = shape.rows - shape.empty
    if not full:
        return "none"
    share = full / shape.rows
    return "few" if share < 0.05 else "some" if share < 0.5 else "most" if share < 0.95 else "nearly all"


def _listed(codes: CodeMatch, shape: ColumnShape) -> list[Any]:
    """The values of the list, spelled as the file spells them; nothing where it mixes spellings."""
    texts = set(shape.values)
    if codes.written == "codes":
        if shape.type is Type.INTEGER:
            numbers = sorted({int(code.code) for code in codes.code_list.codes if code.code.isdigit()})
            return numbers or []
        known = [code.code for code in codes.code_list.codes]
        return known if texts <= set(known) else []
    if shape.type is not Type.TEXT:
        return []
    for spelling in _spellings(codes.code_list):
        if texts <= set(spelling):
            return list(dict.fromkeys(spelling))
    return []


def _spellings(codes: CodeList) -> Iterator[list[str]]:
    """The list in each of the ways that people spell all of it. One that mixed them as the file does would
    tell which values occur."""
    for language in ("zh", "en"):
        labels = [getattr(code, language) for code in codes.codes]
        yield labels
        for ending in codes.endings:
            yield [label.removesuffix(ending) for label in labels]
        latin = language == "en"
        others = [[text for text in code.also if text.isascii() is latin] for code in codes.codes]
        for nth in range(max(map(len, others), default=0)):
            yield [
                texts[nth] if nth < len(texts) else label for texts, label in zip(others, labels, strict=True)
            ]


def rounded_up(number: float) -> int:
    """To 1, 2 or 5 times a power of ten."""
    power = 1
    while True:
        for digit in (1, 2, 5):
            if digit * power >= number:
                return digit * power
        power *= 10


def _rounded_out(low: float, high: float) -> tuple[float, float]:
    """Bounds that tell little of the rows: one figure each, and zero where all are on one side of it."""
    top = _figure(high, up=True) if high > 0 else 0.0
    bottom = -_figure(-low, up=True) if low < 0 else 0.0
    return (bottom, top) if bottom < top else (bottom, bottom + 1)


def _figure(number: float, *, up: bool) -> float:
    scale = 1.0
    while number * scale < 1:
        scale *= 10
    return float(rounded_up(number * scale)) / scale if up else number


def _step(step: float) -> float:
    return max((known for known in STEPS if known <= step * 1.0000001), default=STEPS[-1])


def _tidy(number: float) -> int | float:
    rounded = round(number, 9)
    return int(rounded) if float(rounded).is_integer() else rounded


def _title(file_name: str) -> str:
    stem = file_name
    for _ in range(2):  # such as .csv.gz
        head, dot, ending = stem.rpartition(".")
        if dot and len(ending) <= 7 and head:
            stem = head
    return stem or "data"


def _dataset_name(title: str) -> str:
    """The part of a dataset's name after the dot: ASCII letters and digits."""
    name = column_name(title, ())
    plain = "".join(sign if sign.isascii() and (sign.isalnum() or sign == "_") else "" for sign in name)
    plain = plain.strip("_")[:30].strip("_")
    return plain if plain and plain[0].isalpha() else f"data_{plain}".strip("_")[:30]
