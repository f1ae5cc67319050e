"""Reads a CSV file of people: a header, and a line a person."""

import csv
from dataclasses import dataclass, field

from pydantic import ValidationError

from marketplace.portal.people.schemas import NewPerson
from sandbox.errors import InvalidInput

COLUMNS = ("account", "name", "organisation", "roles", "teams")
NEEDED = COLUMNS[:3]
MOST_LINES = 500


@dataclass(frozen=True)
class Line:
    """What a line says, and where it stands (the header is line 1)."""

    number: int
    fields: dict[str, str] = field(default_factory=dict)
    extra: bool = False

    def checked(self) -> NewPerson:
        """Raises `InvalidInput`."""
        if self.extra:
            raise InvalidInput(
                "The line has more fields than the header.",
                remedy="Put a field with a comma in it into quotes.",
                zh="该行的字段多于表头。",
                remedy_zh="含逗号的字段请加引号。",
            )
        given = {name: (self.fields.get(name) or "").strip() for name in COLUMNS}
        try:
            return NewPerson(
                account=given["account"],
                name=given["name"],
                organisation=given["organisation"],
                roles=given["roles"].replace(";", " ").split(),
                teams=given["teams"].replace(";", " ").split(),
            )
        except ValidationError as error:
            wrong = ", ".join(dict.fromkeys(str(fault["loc"][0]) for fault in error.errors()))
            raise InvalidInput(
                f"{wrong}: empty or too long.",
                remedy="Ids have 2 to 32 characters, names 1 to 80.",
                zh=f"{wrong} 为空或过长。",
                remedy_zh="标识为 2 至 32 个字符，姓名为 1 至 80 个字符。",
            ) from None


def read_people(text: str) -> list[Line]:
    """The lines of the file. Raises `InvalidInput` for a file that is none of people."""
    reader = csv.DictReader(text.removeprefix("\ufeff").splitlines(), restval="")
    try:
        header = [name.strip().lower() for name in reader.fieldnames or ()]
        reader.fieldnames = header
        lines = [
            Line(reader.line_num, {name: value for name, value in row.items() if name}, None in row)
            for row in reader
        ]
    except csv.Error as error:
        raise InvalidInput(
            f"The file is no CSV: {error}.",
            remedy="Save it as CSV in UTF-8.",
            zh="该文件不是 CSV。",
            remedy_zh="请以 UTF-8 编码另存为 CSV。",
        ) from None
    if missing := [name for name in NEEDED if name not in header]:
        raise InvalidInput(
            f"The header lacks {', '.join(missing)}.",
            code="people_file_header",
            remedy=f"Its first line is {','.join(COLUMNS)}.",
            zh=f"表头缺少 {'、'.join(missing)}。",
            remedy_zh=f"首行应为 {','.join(COLUMNS)}。",
        )
    if not 1 <= len(lines) <= MOST_LINES:
        raise InvalidInput(
            f"The file has {len(lines)} people.",
            code="people_file_length",
            remedy=f"Send 1 to {MOST_LINES} at once.",
            zh=f"文件中有 {len(lines)} 人。",
            remedy_zh=f"每次提交 1 至 {MOST_LINES} 人。",
        )
    return lines
