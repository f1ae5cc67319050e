"""Reads a JSON text: its tables (in the shapes that pandas writes), its long lists, its texts."""

import json
from collections.abc import Iterator
from typing import Any

from sandbox.disclosure.files.opened import Grid, Piece
from sandbox.disclosure.finding import Unfit, blocks

LONG = 100
DEEPEST = 20
TOO_DEEP = blocks(
    "nested_too_deep",
    "hidden_content",
    "The JSON is nested too deep.",
    "Write plain tables.",
    "JSON 嵌套过深。",
    "请写成普通表格。",
)


class Numeral(str):
    """A number as it is written: nothing is rounded before it is checked."""

    __slots__ = ()


def load_json(text: str) -> Any:
    """Raises `ValueError` for what is no JSON, `Unfit` for names that hide one another
    or nesting too deep."""
    try:
        node = json.loads(
            text, parse_int=Numeral, parse_float=Numeral, parse_constant=Numeral, object_pairs_hook=_once
        )
    except RecursionError:
        raise Unfit(TOO_DEEP) from None
    if _is_deeper(node, DEEPEST):
        raise Unfit(TOO_DEEP)
    return node


def _is_deeper(node: Any, than: int) -> bool:
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return bool(inner) and (than <= 0 or any(_is_deeper(value, than - 1) for value in inner))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = dict(pairs)
    if len(made) < len(pairs):
        raise Unfit(
            blocks(
                "duplicate_names",
                "hidden_content",
                "A name stands twice in one JSON object: readers see only one of the values.",
                "Write each name once.",
                "同一 JSON 对象中有重复的名称，读者只能看到其中一个值。",
                "每个名称只写一次。",
            )
        )
    return made


def scalar(value: Any) -> bool:
    return not isinstance(value, dict | list)


def shown(value: Any) -> str:
    if value is None:
        return ""
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def grids_of(node: Any, where: str = "") -> Iterator[Grid]:
    """Objects in a list, lists in an object, objects in an object, one object, each read as a table."""
    found = _table(node, where)
    if found is not None:
        yield found
        return
    if isinstance(node, dict):
        flat = {name: value for name, value in node.items() if scalar(value)}
        if flat:
            yield Grid(where, tuple(flat), (tuple(map(shown, flat.values())),))
        for name, value in node.items():
            if not scalar(value):
                yield from grids_of(value, f"{where}.{name}" if where else name)
    elif isinstance(node, list):
        for place, value in enumerate(node):
            if not scalar(value):
                yield from grids_of(value, f"{where}[{place}]")


def _table(node: Any, where: str) -> Grid | None:
    if (
        isinstance(node, list)
        and node
        and all(isinstance(row, dict) and all(map(scalar, row.values())) for row in node)
    ):
        names = tuple(dict.fromkeys(name for row in node for name in row))
        return Grid(where, names, tuple(tuple(shown(row.get(name)) for name in names) for row in node))
    if (
        isinstance(node, list)
        and node
        and all(isinstance(row, list) and row and all(map(scalar, row)) for row in node)
    ):
        width = max(map(len, node))
        return Grid(
            where,
            tuple(f"column {place + 1}" for place in range(width)),
            tuple((*map(shown, row), *[""] * (width - len(row))) for row in node),
        )
    if not isinstance(node, dict) or not node:
        return None
    if (
        {"columns", "data"} <= node.keys()
        and isinstance(node["data"], list)
        and all(isinstance(row, list) for row in node["data"])
    ):
        written = [shown(name) if scalar(name) else " ".join(map(shown, name)) for name in node["columns"]]
        index = node.get("index") or [""] * len(node["data"])
        if all(len(row) == len(written) for row in node["data"]) and len(index) == len(node["data"]):
            return Grid(
                where,
                ("", *written),
                tuple(
                    (shown(label) if scalar(label) else " ".join(map(shown, label)), *map(shown, row))
                    for label, row in zip(index, node["data"], strict=True)
                ),
            )
    values = list(node.values())
    if (
        all(isinstance(value, list) and all(map(scalar, value)) for value in values)
        and len({len(value) for value in values}) == 1
    ):
        return Grid(where, tuple(node), tuple(tuple(map(shown, row)) for row in zip(*values, strict=True)))
    if (
        all(isinstance(value, dict) and value and all(map(scalar, value.values())) for value in values)
        and len(values) > 1
    ):
        names = tuple(dict.fromkeys(name for value in values for name in value))
        return Grid(
            where,
            ("", *names),
            tuple((label, *(shown(value.get(name)) for name in names)) for label, value in node.items()),
        )
    return None


def long_lists(node: Any, where: str = "") -> Iterator[tuple[str, int]]:
    """Lists of many numbers: where, and how many."""
    if isinstance(node, list):
        if len(node) >= LONG and all(isinstance(value, Numeral) for value in node):
            yield where, len(node)
        else:
            for place, value in enumerate(node):
                yield from long_lists(value, f"{where}[{place}]")
    elif isinstance(node, dict):
        for name, value in node.items():
            yield from long_lists(value, f"{where}.{name}" if where else name)


def empty_marks(node: Any) -> int:
    """How many truths, nulls, empty objects and lists there are, and lists of one: what has a form, and says
    nothing."""
    inner = list(node.values()) if isinstance(node, dict) else node if isinstance(node, list) else []
    if not inner or (isinstance(node, list) and len(inner) == 1):
        own = node is None or isinstance(node, bool | dict | list)
        return int(own) + sum(map(empty_marks, inner))
    return sum(map(empty_marks, inner))


def pieces_of(node: Any, where: str = "") -> Iterator[Piece]:
    """Every name and every value, as text."""
    if isinstance(node, dict):
        for name, value in node.items():
            here = f"{where}.{name}" if where else name
            yield Piece(here, name)
            yield from pieces_of(value, here)
    elif isinstance(node, list):
        for place, value in enumerate(node):
            yield from pieces_of(value, f"{where}[{place}]")
    elif node is not None and not isinstance(node, bool):
        yield Piece(where, str(node))


def list_lengths(node: Any) -> list[int]:
    """Of every list that holds no table: how long it is can say something by itself."""
    if isinstance(node, dict):
        return [length for value in node.values() for length in list_lengths(value)]
    if not isinstance(node, list):
        return []
    inner = [length for value in node for length in list_lengths(value)]
    return inner if any(isinstance(value, dict) for value in node) else [len(node), *inner]
