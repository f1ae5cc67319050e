"""The parts that all commands share: the program itself, options, who the user is, and how results are
printed."""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column

from sandbox.errors import CihuError, InvalidInput

if TYPE_CHECKING:  # what a command needs is imported in it: --help must not wait for JupyterHub and pandas
    from sandbox.client.session import ClientSession

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="""
**Cihu (磁湖)**: use a city's data without seeing it; sell what may safely leave.

Start with `cihu up` (a city on this machine) and, in another terminal, `cihu tour --against .cihu` (the whole story).

The people's commands need a login: `--as NAME`, and the password in CIHU_PASSWORD or at the prompt (a second factor: CIHU_CODE). The demo's
people: lin and zhou (data officers), wang, li, zhao (analysts), chen (a company's buyer), he (operator), xu (auditor).
""",  # noqa: E501
)
audit_app = typer.Typer(
    no_args_is_help=True, help="The transparency log: receipts, and how to verify them without trust."
)
app.add_typer(audit_app, name="audit")
ID_LENGTH = 36  # RFC 9562
WIDE = 200
# what goes into a pipe or a file is not cut to a screen's width
out = Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDE)
err = Console(stderr=True)

Home = Annotated[
    Path | None, typer.Option("--home", help="The city's folder (default: CIHU_HOME, or .cihu).")
]
As = Annotated[str, typer.Option("--as", help="Who you are, such as wang.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Epsilon = Annotated[str | None, typer.Option(help="The privacy loss you offer (default: the dataset's own).")]
RelativeError = Annotated[
    str | None,
    typer.Option(
        "--error",
        help="Instead of an epsilon: the relative error you need in a group of typical size, such as 0.05.",
    ),
]
GrantNumber = Annotated[
    str | None, typer.Option("--grant", help="Under which grant; needed if you have several.")
]


def home_of(home: Path | None) -> Path:
    from sandbox.standalone.settings import home_folder

    return home.resolve() if home else home_folder()


def visitor_of(home: Path | None, account: str) -> "ClientSession":
    from sandbox.client.session import ClientSession, places

    where = places(home_of(home))
    password = os.environ.get("CIHU_PASSWORD") or typer.prompt(
        f"Password of {account}", hide_input=True, err=True
    )
    code = os.environ.get("CIHU_CODE", "")
    try:
        return ClientSession(where, account, password, code)
    except CihuError as refusal:
        if refusal.code != "second_factor_needed":
            raise
    code = typer.prompt("One-time code or recovery code", err=True)
    return ClientSession(where, account, password, code)


def of(dataset: str, rest: str) -> str:
    """The address of a thing of a dataset; the name is one part of it, whatever was typed."""
    return f"/v1/datasets/{quote(dataset, safe='')}/{rest}"


def id_column(name: str) -> Column:
    """Of a table: an id is never cut, in a narrow terminal or a pipe, because it is copied."""
    return Column(name, min_width=ID_LENGTH, no_wrap=True)


def whole_id(visitor: "ClientSession", given: str, *paths: str) -> str:
    """The id that begins as `given`, of those that the vault lists at `paths`: its beginning is enough.
    Raises `InvalidInput` if none does, or several do."""
    if len(given) >= ID_LENGTH:
        return given
    listed = [str(one["id"]) for path in paths for one in visitor.vault("GET", path)]
    matching = [id for id in listed if given and id.startswith(given.lower())]
    if not matching:
        raise InvalidInput(
            f"No id that you can see begins with {given[:ID_LENGTH]!r}.",
            remedy="`cihu runs`, `cihu reviews` and `cihu answer-pages` list them.",
        )
    if len(matching) > 1:
        raise InvalidInput(
            f"{len(matching)} ids begin with {given!r}.",
            remedy=f"Write more of it, such as {matching[0][:13]}.",
        )
    return matching[0]


def key_given(key: str) -> str:
    """The key itself, or what its file holds."""
    return Path(key).read_text("utf-8").strip() if key and Path(key).is_file() else key


def print_json(document: Any, *, indent: int | None = None) -> None:
    """One JSON document on standard output.
    Where that cannot write every letter, JSON's own escapes stand for it."""
    encoding = (getattr(sys.stdout, "encoding", "") or "ascii").lower().replace("-", "").replace("_", "")
    print(json.dumps(document, ensure_ascii=encoding != "utf8", indent=indent))


def show(document: dict[str, Any], as_json: bool, *lines: str) -> None:
    if as_json:
        print_json(document)
    else:
        for line in lines:
            out.print(line, highlight=False)


def say(notes: list[str]) -> None:
    for note in notes:
        out.print(f"  {escape(note)}", style="dim")
