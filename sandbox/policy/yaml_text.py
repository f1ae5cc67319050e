"""What does a reviewed YAML file say, and on which line does it say something wrong?"""

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from sandbox.errors import InvalidInput

SHOWN = 8  # faults in one message


class YamlText:
    """YAML that keeps to a JSON schema, and remembers where each value stands.

    `document` is plain dicts, lists and scalars. `what` names the text in errors ("policies/grades.yaml").
    """

    def __init__(self, text: str, schema: Path, *, what: str) -> None:
        """Raises `InvalidInput`, which lists the faults with their lines and says what belongs there."""
        self.what = what
        reader = YAML(typ="rt", pure=True)
        reader.allow_duplicate_keys = False
        try:
            self._tree = reader.load(text)
        except MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise InvalidInput(f"{what}, line {line}: {error.problem}.", mend="Mend the YAML there.") from error
        except YAMLError as error:
            raise InvalidInput(f"{what} is not YAML.", mend="Save it as UTF-8 text.", internal=str(error)) from error
        self.document: Any = plain(self._tree)
        checker = Draft202012Validator(json.loads(schema.read_text("utf-8")))
        faults = sorted(checker.iter_errors(self.document), key=lambda fault: self.line(*fault.absolute_path))
        if faults:
            raise InvalidInput("; ".join(self._say(fault) for fault in faults[:SHOWN]),
                               mend=f"The fields are described in {schema.parent.name}/{schema.name}.")

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

    def fault(self, message: str, *path: str | int, mend: str) -> InvalidInput:
        """An error about the value at `path`, to be raised."""
        return InvalidInput(f"{self.what}, line {self.line(*path)}: {message}", mend=mend)

    def _say(self, fault: ValidationError) -> str:
        path = [*fault.absolute_path, *_unexpected(fault)]
        where = ".".join(map(str, fault.absolute_path))
        hint = fault.schema.get("description", "") if isinstance(fault.schema, dict) else ""
        return (f"{self.what}, line {self.line(*path)}: {where + ': ' if where else ''}{fault.message}"
                f"{f' (here stands {hint})' if hint else ''}")


def _unexpected(fault: ValidationError) -> list[str]:
    """The first name that should not be there: the fault stands on its line, not on that of what is around it."""
    instance = fault.instance
    if fault.validator != "additionalProperties" or not isinstance(fault.schema, dict) or not isinstance(instance, dict):
        return []
    return [name for name in instance if name not in fault.schema.get("properties", {})][:1]


def plain(node: Any) -> Any:
    if isinstance(node, CommentedMap):
        return {name: plain(value) for name, value in node.items()}
    if isinstance(node, CommentedSeq):
        return [plain(value) for value in node]
    return node
