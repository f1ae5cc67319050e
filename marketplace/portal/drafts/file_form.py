"""The form that says how a file is built: encoding, separator, sheet, headers."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

from fastapi import Form, Query

from sandbox.errors import InvalidInput
from sandbox.plain_text import PlainText

ENCODINGS = ("utf-8", "gb18030", "utf-16", "big5", "windows-1252", "shift-jis", "windows-1251")
SEPARATORS = {",": ",", ";": ";", "|": "|", "tab": "\t"}
MOST_HEADER_ROWS = {"header_row": 30, "header_rows": 5, "notes": 1000}

FIELDS = {
    "": ("encoding", "separator", "sheet", "header_row", "header_rows", "notes"),
    "csv": ("encoding", "separator", "header_row", "header_rows", "notes"),
    "excel": ("sheet", "header_row", "header_rows", "notes"),
    "json": ("encoding",),
    "parquet": (),
}
"""What can be said of a file of each format; of one that was not read yet, everything."""


@dataclass(frozen=True)
class FileForm:
    """What was chosen; "" is what is to be detected."""

    encoding: str = ""
    separator: str = ""
    sheet: str = ""
    header_row: str = ""
    header_rows: str = ""
    notes: str = ""

    def as_given(self, shown: "FileForm | None" = None, stated: Iterable[str] = ()) -> dict[str, Any]:
        """What the vault is told, without what it is to detect. Raises `InvalidInput`.

        `shown`: the form as its page was; what was left as it was, and is not `stated` in the policy, stays a
        matter of detection. The vault knows who decided on the rows at the end: their number is told where it
        was changed, and None where it was emptied, so that they are looked for anew.
        """
        given: dict[str, Any] = {}
        kept = set(stated) - {"notes"}
        if shown is not None and shown.notes and not self.notes:
            given["notes"] = None
        for name, text in asdict(self).items():
            if not text or (shown is not None and text == getattr(shown, name) and name not in kept):
                continue
            if name in MOST_HEADER_ROWS:
                given[name] = _count(name, text)
            else:
                given[name] = SEPARATORS.get(text, text) if name == "separator" else text
        return given


def _count(name: str, text: str) -> int:
    most = MOST_HEADER_ROWS[name]
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and int(text) <= most):
        raise InvalidInput(
            f"{name} is not a whole number from 0 to {most}.",
            code="field_unreadable",
            remedy="Count the rows from 1.",
            zh=f"“{text[:20]}”不是 0 至 {most} 的整数。",
            remedy_zh="行数从 1 数起。",
        )
    return int(text)


def form_of_format(found: dict[str, Any], notes: object = None) -> FileForm:
    """The form as a draft's format has it; `notes`: what the policy says of rows after the data."""
    by_sign = {sign: name for name, sign in SEPARATORS.items()}
    texts = {
        "encoding": found.get("encoding", ""),
        "separator": by_sign.get(found.get("separator", ""), ""),
        "sheet": found.get("sheet", ""),
        "header_row": str(found.get("header_row", "")),
        "header_rows": str(found.get("header_rows", "") or ""),
        "notes": "" if notes is None else str(notes),
    }
    return FileForm(**{name: texts[name] for name in FIELDS[found.get("format", "")]})


def file_form_at(where: Literal["query", "form"]) -> Callable[..., FileForm]:
    """What a page depends on: the form from its address, or from its body."""

    def from_query(
        encoding: Annotated[PlainText, Query()] = "",
        separator: Annotated[PlainText, Query()] = "",
        sheet: Annotated[PlainText, Query()] = "",
        header_row: Annotated[PlainText, Query()] = "",
        header_rows: Annotated[PlainText, Query()] = "",
        notes: Annotated[PlainText, Query()] = "",
    ) -> FileForm:
        return FileForm(encoding, separator, sheet, header_row.strip(), header_rows.strip(), notes.strip())

    def from_form(
        encoding: Annotated[PlainText, Form()] = "",
        separator: Annotated[PlainText, Form()] = "",
        sheet: Annotated[PlainText, Form()] = "",
        header_row: Annotated[PlainText, Form()] = "",
        header_rows: Annotated[PlainText, Form()] = "",
        notes: Annotated[PlainText, Form()] = "",
    ) -> FileForm:
        return FileForm(encoding, separator, sheet, header_row.strip(), header_rows.strip(), notes.strip())

    return from_query if where == "query" else from_form
