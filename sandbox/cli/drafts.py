"""Commands for officers' files: upload and draft one or many, list drafts, change single values, publish."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from sandbox.cli.file_progress import followed, sending
from sandbox.cli.openings import held_lines
from sandbox.cli.table_sources import file_name, is_database, rows_of
from sandbox.cli.terminal import As, Home, Json, app, out, print_json, show, visitor_of
from sandbox.errors import CihuError, InvalidInput

if TYPE_CHECKING:
    from sandbox.client.session import ClientSession

CHUNK_BYTES = 1 << 20
PATIENCE = 900.0
"""Seconds: a large file is looked at cell by cell."""
STATED = ("about_rows", "unit.max_rows")
FROM_ROWS = {
    True: " (seen in the rows, and rounded up: it stands in the policy)",
    False: " (seen in the rows: set it only if it may be known)",
}
Number = Annotated[int, typer.Argument(help="The draft's number; `cihu drafts` lists them.")]


@app.command()
def draft(
    file: Annotated[
        str,
        typer.Argument(
            help="The table: a CSV, Excel, JSON or Parquet file (also in zip or gz), or a database: "
            "postgresql://account@host/name, sqlite:///file.db."
        ),
    ],
    table: Annotated[str | None, typer.Option(help="Of a database: which table, as schema.name.")] = None,
    query: Annotated[str | None, typer.Option(help="Of a database: a query instead.")] = None,
    to: Annotated[Path | None, typer.Option("--out", help="Where to write the policy (YAML).")] = None,
    encoding: Annotated[str | None, typer.Option(help="If it was not detected rightly.")] = None,
    separator: Annotated[str | None, typer.Option(help="The same.")] = None,
    sheet: Annotated[str | None, typer.Option(help="Of a workbook; default: the first with rows.")] = None,
    header_row: Annotated[int | None, typer.Option(help="The row of the names; 0: there is none.")] = None,
    notes: Annotated[
        int | None, typer.Option(help="Rows of notes or sums after the data; 0 keeps those that look so.")
    ] = None,
    like: Annotated[
        str | None, typer.Option(help="A dataset of your department whose policy it takes over.")
    ] = None,
    next_of: Annotated[
        str | None,
        typer.Option("--next-of", help="The dataset of which it is the next version, with all decisions."),
    ] = None,
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Upload a table and draft a policy for it (data officers). Every suggestion comes with its reason.

    A database is read on this machine with your own rights, read-only; its address does not leave it.
    """
    officer = visitor_of(home, who)
    if is_database(file):
        rows = rows_of(file, table=table, query=query)
        uploaded = officer.vault(
            "POST", "/v1/uploads", params={"name": file_name(table)}, content=rows, timeout=PATIENCE
        )
    else:
        uploaded = upload(officer, Path(file), quiet=as_json)
    given = {
        "encoding": encoding,
        "separator": separator,
        "sheet": sheet,
        "header_row": header_row,
        "notes": notes,
    }
    with followed(officer, uploaded["id"], quiet=as_json):
        made = officer.vault(
            "POST",
            "/v1/drafts",
            json={"file": uploaded["id"], "like": like, "next_of": next_of}
            | {"format": {k: v for k, v in given.items() if v is not None}},
            timeout=PATIENCE,
        )
    if to is not None:
        _write(to, made["policy"])
    if as_json:
        return print_json(made)
    return print_draft(made)


@app.command()
def drafts(who: As = "lin", home: Home = None, as_json: Json = False) -> None:
    """List the drafts of your department (data officers)."""
    listed = visitor_of(home, who).vault("GET", "/v1/drafts")
    if as_json:
        return print_json({"drafts": listed})
    table = Table("draft", "state", "dataset", "file", "officer", "changed")
    for each in listed:
        table.add_row(
            str(each["id"]),
            each["state"],
            each["dataset"],
            each["file"],
            each["owner"],
            each["updated_at"][:16].replace("T", " "),
        )
    return out.print(table if listed else "Your department has no drafts.")


@app.command("draft-set")
def draft_set(
    number: Number,
    changes: Annotated[
        list[str], typer.Argument(help="PATH=VALUE, such as columns.cost.bounds=[0,5000] or title.en=Visits.")
    ],
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Change values of a draft's policy (data officers). An empty VALUE removes the field."""
    officer = visitor_of(home, who)
    now = officer.vault("GET", f"/v1/drafts/{number}")
    changed = officer.vault(
        "POST",
        f"/v1/drafts/{number}/answers",
        json={"revision": now["revision"], "set": dict(map(_change, changes))},
    )
    if as_json:
        return print_json(changed)
    return print_draft(changed)


@app.command("draft-all")
def draft_all(
    files: Annotated[list[Path], typer.Argument(help="The tables, such as reports/*.xlsx.")],
    like: Annotated[str, typer.Option(help="The published dataset whose policy they take over.")],
    publish: Annotated[
        bool, typer.Option("--publish", help="Publish those that nothing keeps back and that fit the policy.")
    ] = False,
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Draft many files of one kind after one dataset (data officers): each becomes a dataset of its own.

    A file that differs (a column more or less) is drafted and not published: look at it with `cihu drafts`.
    A fault of one file does not keep the others back.
    """
    officer = visitor_of(home, who)
    done = [_draft_one(officer, file, like, publish=publish, quiet=as_json) for file in files]
    if as_json:
        print_json({"files": done})
    else:
        table = Table("file", "draft", "dataset", "what became of it")
        for each in done:
            table.add_row(each["file"], str(each.get("draft", "")), each.get("dataset", ""), each["outcome"])
        out.print(table)
    if any("error" in each for each in done):
        raise typer.Exit(1)


def _draft_one(
    officer: "ClientSession", file: Path, like: str, *, publish: bool, quiet: bool
) -> dict[str, Any]:
    told: dict[str, Any] = {"file": file.name}
    try:
        uploaded = upload(officer, file, quiet=quiet)
        made = officer.vault(
            "POST", "/v1/drafts", json={"file": uploaded["id"], "like": like}, timeout=PATIENCE
        )
        told |= {"draft": made["id"], "dataset": made["dataset"]}
        differs = [one for one in made["suggestions"] if one["path"] != "about_rows"]
        if made["problems"]:
            first = made["problems"][0]
            return told | {"outcome": f"{len(made['problems'])} problems: {first['message']}"}
        if differs:
            return told | {"outcome": f"drafted; it differs: {differs[0]['reason']['en']}"}
        if not publish:
            return told | {"outcome": "drafted; nothing keeps it back"}
        version = officer.vault(
            "POST",
            f"/v1/drafts/{made['id']}/publish",
            json={"revision": made["revision"]},
            timeout=PATIENCE,
        )
        held = " (held: cihu openings)" if "held" in version else ""
        return told | {"version": version["version"], "outcome": f"published: {version['rows']} rows{held}"}
    except CihuError as error:
        return told | {"error": error.code, "outcome": f"{error.message} {error.remedy}"}


@app.command("draft-steps")
def draft_steps(
    number: Number,
    invented: Annotated[
        bool, typer.Option("--invented", help="On invented rows, as a colleague of the file's officer.")
    ] = False,
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Show what the cleaning steps of a draft make of its first rows (data officers)."""
    shown = visitor_of(home, who).vault(
        "GET",
        f"/v1/drafts/{number}/steps",
        params={"count": "10", "rows": "invented" if invented else "own"},
    )
    if as_json:
        return print_json(shown)
    _print_rows("before", shown["before"])
    for step in shown["steps"]:
        out.print(
            f"Step {step['number']}, {step['verb']}: {step['changed']} cells changed, "
            f"{step['left_out']} rows left out."
        )
    if shown["steps"]:
        _print_rows("after", shown["steps"][-1]["after"])
    return None


def _print_rows(title: str, rows: dict[str, Any]) -> None:
    table = Table(*map(escape, rows["columns"]), title=title)
    for row in rows["rows"]:
        table.add_row(*("" if cell is None else escape(cell) for cell in row))
    out.print(table)


@app.command("publish-draft")
def publish_draft(
    number: Number,
    notes: Annotated[str, typer.Option(help="What is new in this version: everybody reads it.")] = "",
    urgent: Annotated[str, typer.Option(help="Why a breaking version is not announced first.")] = "",
    confirm: Annotated[
        list[str] | None,
        typer.Option(help="What you answer with yes of the review before it opens; once for each item."),
    ] = None,
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Publish a draft as a dataset, or as a new version of it (data officers)."""
    officer = visitor_of(home, who)
    now = officer.vault("GET", f"/v1/drafts/{number}")
    body = {"revision": now["revision"], "notes": notes, "urgent": urgent, "confirmed": confirm or []}
    with followed(officer, now["file"]["id"], quiet=as_json):
        done = officer.vault("POST", f"/v1/drafts/{number}/publish", json=body, timeout=PATIENCE)
    show(
        done,
        as_json,
        f"Published {done['dataset']}, version {done['version']}: {done['rows']} rows.",
        *[f"  Look at this: {advice}" for advice in done["advice"]],
        *held_lines(done),
    )


def upload(officer: "ClientSession", file: Path, *, quiet: bool) -> dict[str, Any]:
    """Stream a file to the vault, with its progress in bytes."""
    try:
        with file.open("rb") as stream, sending(file, quiet=quiet) as sent:

            def chunks() -> Iterator[bytes]:
                while part := stream.read(CHUNK_BYTES):
                    yield part
                    sent(len(part))

            done: dict[str, Any] = officer.vault(
                "POST", "/v1/uploads", params={"name": file.name}, content=chunks(), timeout=PATIENCE
            )
            return done
    except OSError as error:
        raise InvalidInput(
            f"{file} cannot be read: {error.strerror}.", remedy="Name a file that you may read."
        ) from None


def print_draft(draft: dict[str, Any]) -> None:
    """The columns, what is suggested, and what keeps the draft from being published."""
    form = draft["format"]
    parts = [form["format"], form.get("encoding", ""), form.get("sheet", "")]
    out.print(
        f"Draft {draft['id']} of {draft['file']['name']} "
        f"({', '.join(part for part in parts if part)}; {draft['rows']} rows) for {draft['dataset']}, "
        f"revision {draft['revision']}."
    )
    if draft["file"]["known"]:
        out.print("You published the same file before, byte for byte.")
    table = Table("column", "header", "type", "role", "grade", "filled", "unfit", "recognised as")
    for column in draft["columns"]:
        table.add_row(
            column["name"],
            column["source"],
            column["type"],
            column["role"],
            column["grade"],
            column["filled"],
            str(column["unfit"] or ""),
            column.get("identifier") or column.get("code_list") or "",
        )
    out.print(table)
    for suggestion in draft["suggestions"]:
        mark = FROM_ROWS[suggestion["path"] in STATED] if suggestion["from_rows"] else ""
        out.print(f"  {suggestion['path']} = {suggestion['value']}{mark}", markup=False, highlight=False)
        out.print(f"      {suggestion['reason']['en']}", markup=False, highlight=False)
    for predicted in draft["predictions"]:
        out.print(
            f"  {predicted['question']['en']} At epsilon {predicted['epsilon']:g}: ± {predicted['error']:g}",
            markup=False,
            highlight=False,
        )
    for problem in draft["problems"]:
        out.print(f"  Line {problem['line']}: {problem['message']} {problem['remedy']}", markup=False)
    if draft["problems"]:
        out.print(f"Correct it with: cihu draft-set {draft['id']} PATH=VALUE")
    elif draft["state"] == "open":
        out.print(f"Nothing keeps it back. Publish it with: cihu publish-draft {draft['id']}")


def _change(text: str) -> tuple[str, Any]:
    path, sign, value = text.partition("=")
    if not sign or not path:
        raise InvalidInput(
            f"{text} is no PATH=VALUE.",
            remedy="Write for example title.en=Visits or columns.age.role=hidden.",
        )
    if not value:
        return path, None
    try:
        return path, json.loads(value)
    except ValueError:
        return path, value


def _write(to: Path, policy: str) -> None:
    try:
        to.write_text(policy, "utf-8")
    except OSError as error:
        raise InvalidInput(
            f"{to} cannot be written: {error.strerror}.", remedy="Name a file in a folder of yours."
        ) from None
