"""Commands for watermarks of sold files."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from sandbox.cli.terminal import As, Home, Json, app, show, visitor_of
from sandbox.errors import InvalidInput

watermark_app = typer.Typer(no_args_is_help=True, help="Watermarks of files that your department sells.")
app.add_typer(watermark_app, name="watermark")


@watermark_app.command("trace")
def trace(
    file: Annotated[Path, typer.Argument(help="The file that was found: CSV or Parquet, whole or cut.")],
    who: As = "zhou",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Find out whose copy of a file of your department was found (officers). The log says that you did."""
    body = read_file(file)
    headers = {"Content-Type": "text/csv"}
    found = visitor_of(home, who).market("POST", "/api/v1/watermark-traces", content=body, headers=headers)
    named = [each for each in found["suspects"] if each["named"]]
    lines = [
        f"{each['organisation']}, licence {each['licence']} of {each['product']}, "
        f"release {each['release']}: {each['agreeing']} of {each['pairs']} pairs stand as in its copy."
        for each in named or found["suspects"][:5]
    ]
    show(
        found,
        as_json,
        "It is the copy of:"
        if named
        else "It names no buyer. The nearest, of which chance agrees with half:",
        *map(escape, lines),
        f"Compared with {found['compared']} copies that have a watermark.",
    )


def read_file(file: Path) -> bytes:
    """The file as CSV. Raises `InvalidInput`."""
    try:
        if file.suffix.lower() != ".parquet":
            return file.read_bytes()
        import io

        import pyarrow
        import pyarrow.csv
        import pyarrow.parquet

        body = io.BytesIO()
        pyarrow.csv.write_csv(pyarrow.parquet.read_table(file), body)
        return body.getvalue()
    except (OSError, ValueError) as error:
        raise InvalidInput(
            f"{file} cannot be read: {error}.",
            code="bad_copy",
            remedy="Give a CSV in UTF-8 or a Parquet file.",
            zh=f"无法读取 {file}。",
            remedy_zh="请提供 UTF-8 编码的 CSV 或 Parquet 文件。",
        ) from None
