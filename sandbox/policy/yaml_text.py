"""Reads a reviewed YAML file, and reports the line of whatever is wrong in it."""

import json
import unicodedata
from collections.abc import Sequence
from functools import lru_cache, reduce
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

SHOWN = 20  # faults in one message
DEEPEST = 20  # levels
LARGEST = 10**18
"""A whole number beyond it is none that anybody counts to, and would not fit a DOUBLE or 64 bits later on."""


@lru_cache(maxsize=32)
def _validator(schema: str) -> Draft202012Validator:
    """It is built once: that takes ten times as long as to use it."""
    return Draft202012Validator(json.loads(schema))


class PolicyFaults(InvalidInput):
    """Several faults in one text. `faults`: each by itself, with its line."""

    def __init__(self, message: str, *, remedy: str, faults: Sequence[InvalidInput]) -> None:
        super().__init__(message, remedy=remedy)
        self.faults = tuple(faults)


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
        reader = YAML(typ="rt", pure=True)
        reader.allow_duplicate_keys = False
        try:
            self._tree = reader.load(text)
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
        self._met: set[int] = set()
        self.document: Any = self._plain(self._tree)
        if schema is not None:
            self._check(schema)

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
            )

    def line(self, *path: str | int) -> int:
        """The line (from 1) of the value at `path`, or of the nearest thing around it that is there."""
        node, line = self._tree, 1
        for step in path:
            if isinstance(node, CommentedMap) and step in node:
                line = node.lc.key(step)[0] + 1
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
        hint = reduce(getitem, fault.schema_path[:-1], self._schema).get("description", "")
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
