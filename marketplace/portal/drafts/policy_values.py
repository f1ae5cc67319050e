"""Reads a draft's policy: values by their paths, and the path of a line, also while faults are in it."""

from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError


class PolicyValues:
    """A policy's text as values. `readable`: it is YAML with names at its top; else there are no values."""

    def __init__(self, text: str) -> None:
        reader = YAML(typ="rt", pure=True)
        self.readable = True
        try:
            tree = reader.load(text)
        except (YAMLError, ValueError, RecursionError):
            tree = None
        if not isinstance(tree, CommentedMap):
            self.readable = False
            tree = CommentedMap()
        self._tree = tree

    def get(self, path: str) -> Any:
        """The value at a path such as `columns.age.title.zh`; None if there is none."""
        node: Any = self._tree
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


def _path_at(node: Any, line: int) -> list[str]:
    if not isinstance(node, CommentedMap):
        return []
    begun = [name for name in node if isinstance(name, str) and node.lc.key(name)[0] <= line]
    if not begun:
        return []
    innermost = begun[-1]
    # of several on one line the fault names none: the line's own value is as near as can be told
    if sum(node.lc.key(name)[0] == line for name in begun) > 1:
        return []
    return [innermost, *_path_at(node[innermost], line)]


def value_of(text: str) -> Any:
    """The value that a suggestion writes as YAML, as JSON has it; the text itself if it is no YAML."""
    try:
        return YAML(typ="safe", pure=True).load(text)
    except (YAMLError, ValueError, RecursionError):
        return text
