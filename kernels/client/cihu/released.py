"""Gets the files of a sealed run. They are requested, people decide, and the released ones can be read."""

import io
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from cihu.messages import known, say
from cihu.problem import CihuError
from cihu.show import foot, page, table, text_table
from cihu.vault import the_vault

Wish = Mapping[str, Any]


def wanted(files: Mapping[str, Wish]) -> dict[str, Any]:
    """The body of a request: path -> statbarn, context, controls, and counts if there are any."""
    if not isinstance(files, Mapping) or not all(isinstance(said, Mapping) for said in files.values()):
        raise CihuError(say("bad_wish"), code="invalid_input", remedy=say("bad_wish_mend"))
    return {
        "files": [
            {
                "path": str(path),
                **{name: value if value is None else str(value) for name, value in said.items()},
            }
            for path, said in files.items()
        ]
    }


def own_outputs(outputs: Iterable[Mapping[str, Any]]) -> dict[str, Wish]:
    """What recipes leave, as it is declared. Raises `CihuError` where there are none."""
    found: dict[str, Wish] = {
        str(one["path"]): {name: one[name] for name in ("statbarn", "context", "controls", "counts")}
        for one in outputs
    }
    if not found:
        raise CihuError(say("no_outputs"), code="invalid_input", remedy=say("no_outputs_remedy"))
    return found


class Request:
    """What was asked for of a run, whether people have decided, and what they want of it."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    @property
    def state(self) -> str:
        """open, withdrawn, released, returned or refused; as it was when it was asked."""
        return str(self.document["outcome"] or self.document["state"])

    @property
    def comments(self) -> list[dict[str, Any]]:
        """What reviewers say, once it is returned or refused: path, vote, reasons, comment."""
        return list(self.document["comments"])

    def _lines(self) -> list[str]:
        said = self.document
        return [
            say(
                "release_line", state=known(f"release.{self.state}", self.state), due=str(said["due_at"])[:10]
            ),
            *[f"{one['path']}: {one['comment']}" for one in self.comments],
        ]

    def _heads(self) -> list[str]:
        return [say("name"), "statbarn", say("context"), say("controls"), say("counts_file")]

    def _rows(self) -> list[list[str]]:
        return [
            [one["path"], one["statbarn"], one["context"], one["controls"], one["counts"] or "–"]
            for one in self.document["files"]
        ]

    def _repr_html_(self) -> str:
        lines = self._lines()
        return page(
            f"<strong>{escape(lines[0])}</strong>",
            *[foot(line) for line in lines[1:]],
            table(self._heads(), [[escape(cell) for cell in row] for row in self._rows()]),
        )

    def __repr__(self) -> str:
        return "\n".join([*self._lines(), text_table(self._heads(), self._rows())])


class Files:
    """The released files of a run, by path: `.read(path)`, `.df(path)`, `.save(folder)`,
    and the `.receipt` of their release."""

    def __init__(self, run: str, document: dict[str, Any]) -> None:
        self.run = run
        self.document = document

    @property
    def receipt(self) -> dict[str, Any] | None:
        """It proves what was released; `cihu audit verify` checks it offline."""
        receipt: dict[str, Any] | None = self.document["receipt"]
        return receipt

    def __iter__(self) -> Iterator[str]:
        return iter([str(one["path"]) for one in self.document["files"]])

    def __len__(self) -> int:
        return len(self.document["files"])

    def read(self, path: str) -> bytes:
        return the_vault().fetch(f"/v1/runs/{self.run}/files/{quote(path)}")

    def df(self, path: str) -> pd.DataFrame:
        """A table as a DataFrame."""
        content = io.BytesIO(self.read(path))
        return pd.read_parquet(content) if path.endswith(".parquet") else pd.read_csv(content)

    def save(self, folder: str | Path = ".") -> list[Path]:
        """Write all of them below `folder`."""
        made = []
        for path in self:
            place = Path(folder) / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(self.read(path))
            made.append(place)
        return made

    def _heads(self) -> list[str]:
        return [say("name"), say("bytes"), "SHA-256"]

    def _rows(self) -> list[list[str]]:
        return [[one["path"], str(one["size"]), one["sha256"]] for one in self.document["files"]]

    def _repr_html_(self) -> str:
        if not len(self):
            return page(foot(say("none_released")))
        return page(table(self._heads(), [[escape(cell) for cell in row] for row in self._rows()]))

    def __repr__(self) -> str:
        return text_table(self._heads(), self._rows()) if len(self) else say("none_released")
