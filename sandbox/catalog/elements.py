"""Data elements (数据元): what a column of a kind is, once for all datasets (policies/elements.yaml).

A column that says `element: age` takes type, title, values, bounds, step and measure from there, as far as it
says nothing itself; what it says itself must agree. A published version keeps what the element said when it
was published: its policy is stored with the values written out (`written_out`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from sandbox.catalog.model import Column, Type, Words
from sandbox.errors import InvalidInput
from sandbox.ingest.code_lists import CodeList, load_code_lists
from sandbox.ingest.headers import HeaderTerms
from sandbox.policy import YamlText

WIDEST = 10_000


@dataclass(frozen=True)
class Element:
    """One data element. `values`: of a key, from its code list; `bounds`: of a measure, with its step.
    `grade`: a hint for whoever grades a column of it."""

    id: str
    title: Words
    type: Type
    standard: str
    grade: str
    header: HeaderTerms
    code_list: CodeList | None = None
    values: tuple[str | int, ...] = ()
    bounds: tuple[float, float] | None = None
    step: str = ""
    measured_in: str = ""

    @property
    def attributes(self) -> dict[str, dict[str, Any]]:
        """What a column of a role takes from it."""
        plain: dict[str, Any] = {"type": self.type.value, "title": {"zh": self.title.zh, "en": self.title.en}}
        measure = {"measured_in": self.measured_in} if self.measured_in else {}
        bounds = {"bounds": list(self.bounds), "step": self.step} if self.bounds else {}
        return {
            "key": plain | measure | ({"values": list(self.values)} if self.values else {}),
            "measure": plain | measure | bounds,
        } | dict.fromkeys(("unit", "attribute", "hidden"), plain | measure)

    def knows(self, value: object) -> bool:
        """Whether a value is a code or a label of its list."""
        if self.code_list is None:
            return True
        return any(self.code_list.code_of(str(value), written) is not None for written in ("codes", "labels"))


def load_elements(policies: Path) -> dict[str, Element]:
    """By id; a city without such a file has none. Raises `InvalidInput`, naming the line."""
    file = policies / "elements.yaml"
    if not file.exists():
        return {}
    text = YamlText(
        file.read_text("utf-8"), policies / "elements.schema.json", what=f"{policies.name}/{file.name}"
    )
    codes = policies / "codes"
    lists = {known.id: known for known in load_code_lists(codes)} if codes.is_dir() else {}
    return {id: _element(text, id, said, lists) for id, said in text.document["elements"].items()}


def _element(text: YamlText, id: str, said: Any, lists: Mapping[str, CodeList]) -> Element:
    path, kind = ("elements", id), Type(said["type"])
    code_list: CodeList | None = None
    values: tuple[str | int, ...] = ()
    if "codes" in said:
        code_list = lists.get(said["codes"])
        if code_list is None:
            raise text.fault(
                f"there is no code list {said['codes']!r}.",
                *path,
                "codes",
                remedy=f"Use one of {', '.join(sorted(lists))}, or add it to policies/codes.",
            )
        values = tuple(_values(code_list, said.get("written", "codes"), kind))
        if kind not in (Type.TEXT, Type.INTEGER) or not values:
            raise text.fault(
                f"its codes cannot be written as {kind}.", *path, "type", remedy="Make it a text."
            )
    if "bounds" in said and kind not in (Type.INTEGER, Type.NUMBER):
        raise text.fault(f"a {kind} has no bounds.", *path, "bounds", remedy="Remove them.")
    return Element(
        id=id,
        title=Words(**said["title"]),
        type=kind,
        standard=said["standard"],
        grade=said["grade"],
        header=HeaderTerms.of(said["header"]),
        code_list=code_list,
        values=values,
        bounds=tuple(said["bounds"]) if "bounds" in said else None,
        step=str(said.get("step", "")),
        measured_in=said.get("measured_in", ""),
    )


def _values(code_list: CodeList, written: str, kind: Type) -> Iterator[str | int]:
    for code in code_list.codes:
        text = {"codes": code.code, "zh": code.zh, "en": code.en}[written]
        if kind is Type.INTEGER:
            if not text.isdigit():
                return
            yield int(text)
        else:
            yield text


def with_element(
    source: YamlText, name: str, said: Mapping[str, Any], elements: Mapping[str, Element]
) -> dict[str, Any]:
    """What a column says together with its element. Raises `InvalidInput` where the two do not agree."""
    element = elements.get(said["element"])
    if element is None:
        raise source.fault(
            f"there is no data element {said['element']}.",
            "columns",
            name,
            "element",
            remedy="See which there are: cihu elements.",
            zh=f"没有数据元 {said['element']}。",
            remedy_zh="可查看：cihu elements。",
        )
    taken = element.attributes[said["role"]]
    for attribute, agrees in _agreements(element, said).items():
        if not agrees:
            raise _mismatch(source, name, attribute, element)
    return {**taken, **said}


def _agreements(element: Element, said: Mapping[str, Any]) -> dict[str, bool]:
    """By attribute that the column says itself: whether it agrees with the element."""
    agreed = {
        "type": said.get("type", element.type.value) == element.type.value,
        "measured_in": said.get("measured_in", element.measured_in) == element.measured_in,
    }
    if isinstance(said.get("values"), list):
        agreed["values"] = all(element.knows(value) for value in said["values"])
    if "bounds" in said and element.bounds is not None:
        low, high = (Fraction(str(bound)) for bound in said["bounds"])
        widest = [Fraction(str(bound)) for bound in element.bounds]
        agreed["bounds"] = widest[0] <= low and high <= widest[1]
    return agreed


def agrees_with(element: Element, column: Column) -> bool:
    """Whether a column of a published version has what the element says today."""
    if column.type is not element.type or column.measured_in != element.measured_in:
        return False
    if not all(element.knows(value) for value in column.values):
        return False
    if column.bounds is None or element.bounds is None:
        return True
    low, high = (Fraction(str(bound)) for bound in element.bounds)
    return low <= column.bounds.low and column.bounds.high <= high


def _mismatch(source: YamlText, name: str, attribute: str, element: Element) -> InvalidInput:
    has = {
        "type": element.type.value,
        "measured_in": element.measured_in or "no measure",
        "values": f"the code list {element.code_list.id}" if element.code_list else "",
        "bounds": f"bounds within {list(element.bounds or ())}",
    }[attribute]
    return source.fault(
        f"{name} says other {attribute} than its data element {element.id}, which has {has}.",
        "columns",
        name,
        attribute,
        remedy=f"Remove `{attribute}` to take it from the element, correct it, or remove `element`.",
        zh=f"栏目 {name} 的 {attribute} 与数据元 {element.id} 不一致：{has}。",
        remedy_zh=f"请删去 {attribute}（沿用数据元）、改正，或删去 element。",
    )


def written_out(text: str, elements: Mapping[str, Element]) -> str:
    """The policy with what its columns take from elements written out, for a version that is kept. A policy
    without elements stays as it is."""
    if "element" not in text:
        return text
    yaml = YAML(typ="rt", pure=True)
    yaml.preserve_quotes, yaml.width = True, WIDEST
    tree = yaml.load(text)
    changed = False
    for column in tree["columns"].values():
        if "element" not in column:
            continue
        for attribute, value in elements[column["element"]].attributes[column["role"]].items():
            if attribute not in column:
                column[attribute] = _flow(value)
                changed = True
    if not changed:
        return text
    out = StringIO()
    yaml.dump(tree, out)
    return out.getvalue()


def _flow(value: Any) -> Any:
    """Lists and maps in one line; texts in quotes, so that a code such as 01 or "no" stays one."""
    if isinstance(value, dict):
        tree = CommentedMap({key: _flow(each) for key, each in value.items()})
        tree.fa.set_flow_style()
        return tree
    if isinstance(value, list):
        row = CommentedSeq([_flow(each) for each in value])
        row.fa.set_flow_style()
        return row
    return DoubleQuotedScalarString(value) if isinstance(value, str) else value
