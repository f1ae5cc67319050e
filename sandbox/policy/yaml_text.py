"""Reads a reviewed YAML file, and reports the line of whatever is wrong in it."""

import json
import unicodedata
from collections.abc import Sequence
from functools import cached_property, lru_cache, reduce
from math import isfinite
from operator import getitem
from pathlib import Path
from typing import Any

from jsonschema_rs import Draft202012Validator, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.scalarbool import ScalarBoolean

from sandbox.errors import InvalidInput
from sandbox.plain_text import REMEDY, REMEDY_ZH, is_text
from sandbox.policy.quick_yaml import quickly_read

SHOWN = 20  # faults in one message
MOST_KEPT = 20_000  # characters of a text that is remembered: a tree takes a hundred times as much memory
DEEPEST = 20  # levels
LARGEST = 10**18
"""A whole number beyond it is none that anybody counts to, and would not fit a DOUBLE or 64 bits later on."""


def _read(text: str) -> Any:
    """What a text holds, with its lines; nobody changes it."""
    reader = YAML(typ="rt", pure=True)
    reader.allow_duplicate_keys = False
    return reader.load(text)


_kept = lru_cache(maxsize=32)(_read)
"""The same texts are read by every part of a service, and a draft's policy at every step: reading one with
its lines takes a hundred times as long as all that follows."""


@lru_cache(maxsize=32)
def _validator(schema: str) -> Draft202012Validator:
    """It is built once: that takes ten times as long as to use it."""
    return Draft202012Validator(json.loads(schema))


Steps = tuple[str | int, ...]
"""From the top of a document to a place in it."""


class PolicyFaults(InvalidInput):
    """Several faults in one text. `faults`: each by itself, with its line. `paths`: where each stands, where
    that is known."""

    def __init__(
        self, message: str, *, remedy: str, faults: Sequence[InvalidInput], paths: Sequence[Steps] = ()
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.faults = tuple(faults)
        self.paths = tuple(paths)


def _place_of(fault: ValidationError) -> Steps:
    """Of what should not be there, or is missing, its own place and not that of what is around it."""
    missing = getattr(fault.kind, "property", None)
    return (*fault.instance_path, *getattr(fault.kind, "unexpected", [])[:1], *([missing] if missing else []))


class YamlText:
    """YAML that keeps to a JSON schema, and remembers where each value stands.

    `document` is plain dicts, lists and scalars. `what` names the text in errors ("policies/grades.yaml").
    """

    def __init__(self, text: str, schema: Path | None, *, what: str, kept: bool = False) -> None:
        """Raises `InvalidInput`, which lists the faults with their lines and says what belongs there.

        `schema`: None for a text of which only the values are wanted, such as one that is being edited.
        `kept`: it was taken by a former release, which asked for less, and is read as it was.
        """
        self.what = what
        self._kept = kept
        text = text if kept else unicodedata.normalize("NFC", text)
        if not kept and not is_text(text):
            raise InvalidInput(
                f"{what} is not plain text.", remedy=REMEDY, zh=f"{what} 不是文字。", remedy_zh=REMEDY_ZH
            )
        self._text = text
        self._met: set[int] = set()
        self.document: Any = quickly_read(text)
        if self.document is None:
            self.document = self._plain(self._tree)
        if schema is not None:
            self._check(schema)

    @cached_property
    def _tree(self) -> Any:
        """What the text holds, with its lines. Raises `InvalidInput`."""
        what, text = self.what, self._text
        try:
            return (_kept if len(text) <= MOST_KEPT else _read)(text)
        except MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise InvalidInput(
                f"{what}, line {line}: {error.problem}.", remedy="Mend the YAML there."
            ) from error
        except YAMLError as error:
            raise InvalidInput(
                f"{what} is not YAML.", remedy="Save it as UTF-8 text.", internal=str(error)
            ) from error
        except RecursionError as error:
            raise InvalidInput(
                f"{what} is nested too deep.", remedy="Nothing in it needs so many levels."
            ) from error
        except (ValueError, KeyError, OverflowError) as error:  # such as !!int abc, or a day 2024-99-99
            raise InvalidInput(
                f"{what} has a value that is no number, day or truth.",
                remedy="Write it in quotes, as a text.",
                internal=type(error).__name__,
            ) from None

    def _check(self, schema: Path) -> None:
        known = schema.read_text("utf-8")
        self._schema = json.loads(known)
        faults = sorted(
            _validator(known).iter_errors(self.document),
            key=lambda fault: self.line(*fault.instance_path),
        )
        if faults:
            remedy = f"The fields are described in {schema.parent.name}/{schema.name}."
            raise PolicyFaults(
                "; ".join(self._say(fault) for fault in faults[:SHOWN])
                + (f"; and {len(faults) - SHOWN} more faults" if len(faults) > SHOWN else ""),
                remedy=remedy,
                faults=[InvalidInput(self._say(fault), remedy=remedy) for fault in faults],
                paths=[_place_of(fault) for fault in faults],
            )

    def line(self, *path: str | int) -> int:
        """The line (from 1) of the value at `path`, or of the nearest thing around it that is there."""
        node, line = self._tree, 1
        for step in path:
            if isinstance(node, CommentedMap) and step in node:
                # what is merged (<<) has no place of its own
                line = node.lc.key(step)[0] + 1 if step in (node.lc.data or ()) else line
            elif isinstance(node, CommentedSeq) and isinstance(step, int) and step < len(node):
                line = node.lc.item(step)[0] + 1
            else:
                break
            node = node[step]
        return line

    def fault(
        self, message: str, *path: str | int, remedy: str, zh: str = "", remedy_zh: str = ""
    ) -> InvalidInput:
        """An error about the value at `path`, to be raised. `zh` is told without the line."""
        return InvalidInput(
            f"{self.what}, line {self.line(*path)}: {message}", remedy=remedy, zh=zh, remedy_zh=remedy_zh
        )

    def _say(self, fault: ValidationError) -> str:
        # a name that should not be there: the fault stands on its line, not on that of what is around it
        path = [*fault.instance_path, *getattr(fault.kind, "unexpected", [])[:1]]
        where = ".".join(map(str, fault.instance_path))
        rule = reduce(getitem, fault.schema_path[:-1], self._schema)
        missing = getattr(fault.kind, "property", None)  # then what it would be helps, not what is around it
        hint = (rule.get("properties", {}).get(missing, {}) if missing else rule).get("description", "")
        choices = getattr(fault.kind, "options", None)
        message = (
            f"{fault.instance!r} is none of {', '.join(map(str, choices))}" if choices else fault.message
        )
        return (
            f"{self.what}, line {self.line(*path)}: {where + ': ' if where else ''}{message}"
            f"{f' (here stands {hint})' if hint else ''}"
        )

    def _plain(self, node: Any, *path: str | int) -> Any:
        """Dicts with text as names, lists, texts, finite numbers, booleans and nothing: what JSON has."""
        if len(path) > DEEPEST:
            raise self.fault("it is nested too deep.", *path, remedy="Nothing needs so many levels.")
        # by alias a few lines could stand for millions, or hold themselves
        if isinstance(node, CommentedMap | CommentedSeq):
            if id(node) in self._met:
                raise self.fault("an alias (*) repeats what stands elsewhere.", *path, remedy="Write it out.")
            self._met.add(id(node))
        match node:
            case CommentedMap():
                for name in node:
                    if not isinstance(name, str) or not (self._kept or is_text(name)):
                        raise self.fault(
                            "a name is not a text.", *path, name, remedy="Put the name in quotes."
                        )
                return {str(name): self._plain(value, *path, name) for name, value in node.items()}
            case CommentedSeq():
                return [self._plain(value, *path, place) for place, value in enumerate(node)]
            case None | bool():
                return node
            case ScalarBoolean():  # one with an anchor
                return bool(node)
            case str():
                # an escape in quotes, such as "\\0", makes what no text may hold
                if self._kept:
                    return str(node)
                if not is_text(node):
                    raise self.fault(
                        "a text has a NUL character or a broken surrogate.", *path, remedy=REMEDY
                    )
                return unicodedata.normalize("NFC", str(node))
            case int() if self._kept or abs(node) <= LARGEST:
                return int(node)
            case float() if isfinite(node):
                return float(node)
        raise self.fault(
            "a value is neither a text, nor a number (whole ones have at most 18 digits), nor true or false.",
            *path,
            remedy="A date or something else of YAML's own is written as text: put it in quotes.",
        )
