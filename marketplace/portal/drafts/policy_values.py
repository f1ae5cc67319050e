"""Reads a draft's policy: values by their paths, and the path of a line, also while faults are in it."""

from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError

UNREADABLE = (YAMLError, ValueError, KeyError, TypeError, OverflowError, RecursionError)
"""What the reader raises for a text that is no YAML, or has a value that is no number or day."""


NAMED = ("title", "summary", "source", "unit", "budget", "file", "columns")
LISTED = ("dropped_columns", "steps")
"""Fields of which pages show the parts. One in another form has none: its fault is told at its line."""
DEEPEST = 20


class PolicyValues:
    """A policy's text as values. `readable`: it is YAML with names at its top; else there are no values."""

    def __init__(self, text: str) -> None:
        reader = YAML(typ="rt", pure=True)
        self.readable = True
        try:
            tree = reader.load(text)
        except UNREADABLE:
            tree = None
        if not isinstance(tree, CommentedMap):
            self.readable = False
            tree = CommentedMap()
        self._tree = tree

    def get(self, path: str) -> Any:
        """The value at a path such as `columns.age.title.zh`; None if there is none."""
        node: Any = self._tree
        first, *_ = path.split(".")
        if (first in NAMED and not isinstance(node.get(first), CommentedMap)) or (
            first in LISTED and not isinstance(node.get(first), list)
        ):
            return None
        for name in path.split("."):
            if not isinstance(node, CommentedMap) or name not in node:
                return None
            node = node[name]
        return node

    def columns(self) -> list[str]:
        """The columns' names in their order."""
        columns = self.get("columns")
        return [str(name) for name in columns] if isinstance(columns, CommentedMap) else []

    def path_at(self, line: int) -> str:
        """The path of the innermost value that begins at this line (from 1) or last before it."""
        return ".".join(_path_at(self._tree, line - 1))


def _path_at(node: Any, line: int, depth: int = 0) -> list[str]:
    if not isinstance(node, CommentedMap) or depth > DEEPEST:  # an alias may stand within what it repeats
        return []
    places = node.lc.data or {}  # what is merged (<<) has no place of its own
    begun = [name for name in node if isinstance(name, str) and name in places and places[name][0] <= line]
    if not begun:
        return []
    innermost = begun[-1]
    # of several on one line the fault names none: the line's own value is as near as can be told
    if sum(places[name][0] == line for name in begun) > 1:
        return []
    return [innermost, *_path_at(node[innermost], line, depth + 1)]


def value_of(text: str) -> Any:
    """The value that a suggestion writes as YAML, as JSON has it; the text itself if it is no YAML."""
    try:
        return YAML(typ="safe", pure=True).load(text)
    except UNREADABLE:
        return text
