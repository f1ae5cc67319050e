"""The text of a competition as values by their paths, and what a step's answers make of it."""

import io
import re
from collections.abc import Iterable
from copy import deepcopy
from typing import Any

from ruamel.yaml import YAML
from starlette.datastructures import FormData

from marketplace.portal.competitions.form_fields import CHOSEN, FormField, value_in
from sandbox.errors import InvalidInput
from sandbox.policy import YamlText

Tree = dict[str, Any]
NOTHING: tuple[Any, ...] = (None, {}, [], "")
REMOVED = "remove:"
"""Before the path of a row of a list: its box says that it goes."""
WIDE = 110
ID = re.compile(r"[a-z][a-z0-9_]*")
MOST_VALUES = 3000
"""A text with more is changed as text: a page of forms has at most a thousand fields."""


def read_tree(text: str) -> Tree:
    """Raises `InvalidInput` for what is no YAML, or has no names at its top."""
    document = YamlText(text, None, what="The competition").document if text.strip() else {}
    if not isinstance(document, dict):
        raise InvalidInput(
            "A competition's text has names at its top, such as competition: lake-2027.",
            remedy="Write it as policies/competition.schema.json describes it.",
            zh="大赛文件的最外层应为名称和值，例如 competition: lake-2027。",
            remedy_zh="请按 policies/competition.schema.json 编写。",
        )
    return document


def read_for_forms(text: str) -> Tree:
    """The tree of a text that forms can show as a whole. Raises `InvalidInput`."""
    tree = read_tree(text)
    if count_values(tree) > MOST_VALUES:
        raise InvalidInput(
            f"This text has more than {MOST_VALUES} values: too many for a form.",
            code="competition_too_long_for_forms",
            remedy="Change it as text, at the last step.",
            zh=f"该文件的值超过 {MOST_VALUES} 个，无法以表单填写。",
            remedy_zh="请在最后一步直接修改文件。",
        )
    return tree


def count_values(node: Any) -> int:
    """Everything in a tree, lists and groups too."""
    inside = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return 1 + sum(map(count_values, inside))


def tracks_of(tree: Tree) -> list[Any]:
    """The list of tracks in the tree; what is no list is replaced by an empty one."""
    if not isinstance(tree.get("tracks"), list):
        tree["tracks"] = []
    tracks: list[Any] = tree["tracks"]
    return tracks


def write_text(tree: Tree) -> str:
    """As YAML, in the order of the form."""
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    writer.allow_unicode = True
    writer.width = WIDE
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    out = io.StringIO()
    writer.dump(tree, out)
    return out.getvalue()


def value_at(tree: Any, path: str) -> Any:
    """None if nothing is there."""
    node = tree
    for step in path.split("."):
        if isinstance(node, dict):
            node = node.get(step)
        elif isinstance(node, list) and step.isdecimal() and int(step) < len(node):
            node = node[int(step)]
        else:
            return None
    return node


def answered(tree: Tree, fields: Iterable[FormField], given: FormData) -> Tree:
    """The tree with a step's answers in the place of what they are about."""
    fields = list(fields)
    gathered: dict[Any, Any] = {}
    typed_at: set[str] = set()
    for field in fields:
        matcher = field.matcher
        for name in dict.fromkeys(given):
            if not matcher.fullmatch(name):
                continue
            value = _given(field, given, name)
            if value is None:
                continue
            _put(gathered, name, value)
            if field.kind not in CHOSEN:
                typed_at.add(name)
    removed = {name.removeprefix(REMOVED) for name in given if name.startswith(REMOVED)}
    changed = deepcopy(tree)
    for root in dict.fromkeys(_root(field.pattern) for field in fields):
        new = _compact(value_at(gathered, root), root, typed_at, removed)
        _replace(changed, root, new)
    return changed


def _given(field: FormField, given: FormData, name: str) -> Any:
    texts = [text for text in given.getlist(name) if isinstance(text, str)]
    if field.kind == "many":
        return [text for text in texts if text] or None
    return value_in(field.kind, texts[0] if texts else "")


def _root(pattern: str) -> str:
    """What a step owns as a whole: a value at the top, or a track."""
    parts = pattern.split(".")
    return ".".join(parts[:2]) if parts[0] == "tracks" else parts[0]


def _put(tree: dict[Any, Any], path: str, value: Any) -> None:
    *before, last = path.split(".")
    node = tree
    for step in before:
        node = node.setdefault(step, {})
    node[last] = value


def _compact(node: Any, path: str, typed: set[str], removed: set[str]) -> Any:
    """Rows by their numbers as lists, without those that are empty or were removed."""
    if not isinstance(node, dict):
        return node
    if node and all(str(name).isdecimal() for name in node):
        rows = [
            _compact(node[number], f"{path}.{number}", typed, removed)
            for number in sorted(node, key=int)
            if f"{path}.{number}" not in removed and _typed_below(f"{path}.{number}", typed)
        ]
        return rows or None
    kept = {
        name: value
        for name, each in node.items()
        if (value := _compact(each, f"{path}.{name}", typed, removed)) not in NOTHING
    }
    return kept or None


def _typed_below(path: str, typed: set[str]) -> bool:
    return any(name.startswith(f"{path}.") for name in typed)


def _replace(tree: Tree, path: str, value: Any) -> None:
    """Of a track the place is there already, or it is the next one."""
    first, _, rest = path.partition(".")
    if not rest:
        if value in NOTHING:
            tree.pop(first, None)
        else:
            tree[first] = value
        return
    rows = tracks_of(tree)
    place = int(rest)
    rows[place : place + 1] = [value or {}]


def named(tree: Tree) -> Tree:
    """With the identifiers that nobody types, and without parts that nobody filled in."""
    _name_rows(tree.get("phases"), "id", _kind_of)
    for track in _rows(tree, "tracks"):
        board, jury = track.get("board"), track.get("jury")
        if isinstance(board, dict):
            if not board.get("metric"):
                del track["board"]
            _name_rows(board.get("strata"), "name", lambda _row: "group")
        if isinstance(jury, dict):
            if not jury.get("rounds"):
                del track["jury"]
            _name_rows(jury.get("rounds"), "id", lambda _row: "round")
            for round in _rows(jury, "rounds"):
                _name_rows(round.get("rubric"), "id", lambda _row: "criterion")
    _name_rows(tree.get("tracks"), "id", lambda _row: "track")
    return tree


def _kind_of(phase: Tree) -> str:
    kind = phase.get("kind")
    return kind if isinstance(kind, str) and ID.fullmatch(kind) else "phase"


def _rows(tree: Any, name: str) -> list[Tree]:
    found = tree.get(name)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _name_rows(rows: Any, field: str, stem: Any) -> None:
    rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    taken = {row[field] for row in rows if isinstance(row.get(field), str)}
    for row in rows:
        if row.get(field):
            continue  # also what cannot be one: the vault tells its fault
        number = 1
        while (name := f"{stem(row)}_{number}") in taken:
            number += 1
        taken.add(name)
        row[field] = name
