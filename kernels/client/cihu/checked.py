"""Shows what a review's checks find in the files that a trial left, before anybody waits for people.

The vault applies the rules for the grade of the datasets that the program read; no real row is touched.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from cihu.computed import prepared_trial
from cihu.messages import current, known, say
from cihu.problem import CihuError
from cihu.program import notebook_folder
from cihu.released import Wish, own_outputs, wanted
from cihu.show import foot, page, table, text_table
from cihu.vault import the_vault

MOST_BYTES = 4 * 1024 * 1024


class Checked:
    """What the checks say of each file.
    `.ok`: none of it would be blocked; `.findings(path)` has each as a dict; `.leaves(path)` would leave."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    @property
    def ok(self) -> bool:
        return self._blocked() == 0

    def findings(self, path: str) -> list[dict[str, Any]]:
        """code, severity, message, remedy, where; the gravest first."""
        return [
            dict(one) for file in self.document["files"] if file["path"] == path for one in file["findings"]
        ]

    def leaves(self, path: str) -> bytes:
        """What would leave of a file, byte for byte: the vault writes it anew.
        Raises `CihuError` for a file that would be blocked, or that was not checked."""
        for file in self.document["files"]:
            if file["path"] == path and file.get("leaves"):
                return b64decode(file["leaves"]["content"])
        raise CihuError(
            say("leaves_nothing", name=path), code="leaves_nothing", remedy=say("leaves_nothing_remedy")
        )

    def _blocked(self) -> int:
        return sum(one["severity"] == "blocks" for file in self.document["files"] for one in file["findings"])

    def _lines(self) -> list[str]:
        blocked = self._blocked()
        end = (
            say("checked_passes")
            if not blocked
            else say("checked_one_blocks")
            if blocked == 1
            else say("checked_blocks", number=blocked)
        )
        return [
            say("checked_line", grade=self.document["grade"], end=end),
            say("checked_rules", **self.document["thresholds"]),
        ]

    def _heads(self) -> list[str]:
        return [say("file"), "", say("found"), say("remedy")]

    def _rows(self) -> list[list[str]]:
        rows = []
        for file in self.document["files"]:
            for one in file["findings"]:
                place = f" ({one['where']})" if one["where"] else ""
                message, remedy = (
                    (one["zh"], one["remedy_zh"]) if current() == "zh" else (one["message"], one["remedy"])
                )
                rows.append(
                    [
                        file["path"],
                        known(f"severity.{one['severity']}", one["severity"]),
                        message + place,
                        remedy,
                    ]
                )
            if not file["findings"]:
                rows.append([file["path"], say("fine"), "", ""])
        return rows

    def _repr_html_(self) -> str:
        lines = self._lines()
        return page(
            f"<strong>{escape(lines[0])}</strong>",
            foot(lines[1]),
            table(self._heads(), [[escape(cell) for cell in row] for row in self._rows()]),
        )

    def __repr__(self) -> str:
        return "\n".join([*self._lines(), text_table(self._heads(), self._rows())])


def check_trial(files: Mapping[str, Wish] | None) -> Checked:
    """Without `files`: those that the vault computed.
    Raises `CihuError` for a file that the last trial did not leave, and as the vault refuses."""
    prepared = prepared_trial()
    body = wanted(files if files is not None else own_outputs(prepared.get("outputs", ())))
    names = {name for one in body["files"] for name in (one["path"], one.get("counts")) if name}
    contents = {name: _left(name) for name in sorted(names)}
    if sum(map(len, contents.values())) > MOST_BYTES:
        raise CihuError(say("too_large_to_check"), code="too_large", remedy=say("too_large_to_check_mend"))
    inputs = sorted(
        path.name.removesuffix(".parquet") for path in (notebook_folder() / "inputs").glob("*.parquet")
    )
    return Checked(
        the_vault().post(
            "/v1/release-checks",
            body
            | ({"recipes": prepared["recipes"]} if prepared else {})
            | {
                "inputs": inputs,
                "contents": {name: b64encode(content).decode() for name, content in contents.items()},
            },
        )
    )


def _left(name: str) -> bytes:
    outbox = notebook_folder() / "outbox"
    path = outbox / name
    if ".." in Path(name).parts or not path.is_file():
        there = sorted(str(one.relative_to(outbox)) for one in outbox.rglob("*") if one.is_file())
        raise CihuError(
            say("not_left", name=name, names=", ".join(there) or say("none")),
            code="not_left",
            remedy=say("not_left_mend"),
        )
    return path.read_bytes()
