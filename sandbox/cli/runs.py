"""Commands of sealed programs and declared tables: submit, show, cancel, request files, fetch released
ones."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer
from rich.markup import escape
from rich.table import Table

from sandbox.cli.terminal import As, Home, Json, app, id_column, out, print_json, show, visitor_of, whole_id
from sandbox.errors import InvalidInput

if TYPE_CHECKING:
    from sandbox.client.session import ClientSession


@app.command()
def run(
    folder: Annotated[
        Path | None,
        typer.Argument(help="The program: its .py files and a cihu.yaml (name, entry, inputs, limit)."),
    ] = None,
    sql: Annotated[
        str, typer.Option(help="Instead of a program: a table of exact counts, computed by the vault.")
    ] = "",
    name: Annotated[str, typer.Option(help="With --sql: what it is, in a few words.")] = "a table",
    limit: Annotated[str, typer.Option(help="With --sql: when its end is told (10s, 1m, 5m, ...).")] = "10s",
    who: As = "wang",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Submit a program to run on real rows in a seal, or a declared query;
    what it leaves waits for reviewers.

    Try a program first on the rows of `cihu stand-in`: of the real run you see the state, and no more.
    """
    from sandbox.cli.program_folder import LIMITS, read_folder

    if (folder is None) is (not sql) or limit not in LIMITS:
        raise InvalidInput(
            "A run is a program's folder or a declared query.",
            remedy='Give a folder, or --sql "SELECT ..." (with a --limit of 10s, 1m, 5m, 15m, 1h or 4h).',
        )
    body = (
        read_folder(folder)
        if folder is not None
        else {"name": name, "sql": sql, "limit_seconds": LIMITS[limit]}
    )
    done = visitor_of(home, who).vault(
        "POST", "/v1/runs" if folder is not None else "/v1/runs/table", json=body
    )
    show(
        done,
        as_json,
        f"Run {done['id']} is {done['state']}; log entry {done['log_index']}.",
        f"  Its end is told {done['limit_seconds']} seconds after its start, however soon it ends: cihu runs",
    )


@app.command()
def runs(who: As = "wang", home: Home = None, as_json: Json = False) -> None:
    """The runs of your teams, newest first: sealed programs and declared tables."""
    told = visitor_of(home, who).vault("GET", "/v1/runs")
    if as_json:
        return print_json(told)
    table = Table(id_column("run"), "name", "state", "by", "reads", "its end is told at")
    for one in told:
        reads = ", ".join(f"{read['dataset']}@{read['version']}" for read in one["inputs"])
        table.add_row(
            one["id"],
            escape(one["name"]),
            one["state"],
            one["submitted_by"],
            reads,
            (one["told_at"] or "")[:19],
        )
    return out.print(table)


@app.command()
def cancel(
    run_id: Annotated[str, typer.Argument(help="As `cihu runs` shows it, or its beginning.")],
    who: As = "wang",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Call a sealed run off that waits or runs; what it made is thrown away."""
    visitor = visitor_of(home, who)
    done = visitor.vault("POST", f"{_run(visitor, run_id)}/cancel")
    show(done, as_json, f"Run {done['id']} is {done['state']}.")


@app.command()
def release(
    run_id: Annotated[str, typer.Argument(help="As `cihu runs` shows it, or its beginning.")],
    wish: Annotated[
        Path | None,
        typer.Argument(
            help="YAML: path -> statbarn, context, controls, and counts if there are any. Without it: all "
            "outputs that the program described (cihu.out)."
        ),
    ] = None,
    who: As = "wang",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Ask for files of a finished run (analysts). Officers look at each, and decide."""
    from sandbox.cli.declared_files import described_of, read_declared

    visitor = visitor_of(home, who)
    address = _run(visitor, run_id)
    files = described_of(visitor.vault("GET", address)) if wish is None else read_declared(wish)
    done = visitor.vault("POST", f"{address}/release", json={"files": files})
    show(
        done,
        as_json,
        f"{len(done['files'])} files wait for reviewers, until {done['due_at'][:10]}.",
        f"  When they have decided: cihu files {run_id}",
    )


@app.command()
def files(
    run_id: Annotated[str, typer.Argument(help="As `cihu runs` shows it, or its beginning.")],
    save: Annotated[
        Path | None, typer.Option(help="Write them below this folder, with receipt.json.")
    ] = None,
    who: As = "wang",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """The released files of a run, and the reviewers' comments if it was returned or refused."""
    visitor = visitor_of(home, who)
    address = _run(visitor, run_id)
    done = visitor.vault("GET", f"{address}/files")
    said = visitor.vault("GET", f"{address}/release")
    if save is not None:
        for one in done["files"]:
            place = save / one["path"]
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(visitor.vault("GET", f"{address}/files/{one['path']}"))
        if done["receipt"]:
            (save / "receipt.json").write_text(json.dumps(done["receipt"], ensure_ascii=False), "utf-8")
    show(
        done | {"request": said},
        as_json,
        f"The request is {said['outcome'] or said['state']}.",
        *[f"  {one['path']}  {one['size']} bytes  sha256 {one['sha256']}" for one in done["files"]],
        *[f"  {one['path']}: {one['comment']}" for one in said["comments"]],
    )


@app.command()
def package(
    run_id: Annotated[str, typer.Argument(help="As `cihu runs` shows it, or its beginning.")],
    save: Annotated[Path, typer.Option(help="Write it to this zip.")],
    who: As = "wang",
    home: Home = None,
) -> None:
    """The whole story of a decided run as one signed RO-Crate; `cihu audit verify` checks it offline."""
    visitor = visitor_of(home, who)
    content: bytes = visitor.vault("GET", f"{_run(visitor, run_id)}/package")
    save.write_bytes(content)
    out.print(f"{len(content)} bytes in {escape(str(save))}")


def _run(visitor: "ClientSession", run_id: str) -> str:
    """The address of a run."""
    return f"/v1/runs/{quote(whole_id(visitor, run_id, '/v1/runs'), safe='')}"
