"""Commands for pushes: send rows to the next version of a dataset, and let a system send them."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.table import Table

from sandbox.cli.terminal import As, Home, Json, app, home_of, of, out, print_json, show, visitor_of

CREDENTIAL = "CIHU_PUSH_CREDENTIAL"
Dataset = Annotated[str, typer.Argument(help="The dataset, which was published before.")]
Mode = Annotated[
    Literal["replace", "append"],
    typer.Option(help="replace: the version has these rows; append: the last one's too."),
]
Number = Annotated[int, typer.Argument(help="The credential's number; `cihu push-credentials` lists them.")]


@app.command()
def push(
    files: Annotated[list[Path], typer.Argument(help="CSV, JSON lines or Parquet; each is a batch.")],
    dataset: Annotated[str, typer.Option(help="The dataset, which was published before.")],
    mode: Annotated[
        str | None, typer.Option(help="replace (default) or append; a credential has its own.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="A name of this push: run again with it, the command goes on.")
    ] = None,
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Send files to the next version of a dataset: all of them, or none (data officers).

    A department's system has no login: it puts its push credential into CIHU_PUSH_CREDENTIAL.
    """
    from sandbox.client.push import Session, push_files
    from sandbox.client.session import MachineSession, places

    if secret := os.environ.get(CREDENTIAL, ""):
        vault = os.environ.get("CIHU_VAULT_URL") or places(home_of(home)).vault
        session: Session = MachineSession(vault, secret)
    else:
        session = visitor_of(home, who)
    told = push_files(session, dataset, files, mode=mode, name=name)
    show(told, as_json, *_lines(told))
    if told["state"] not in {"published", "waiting", "complete"}:
        raise typer.Exit(1)


@app.command()
def pushes(dataset: Dataset, who: As = "lin", home: Home = None, as_json: Json = False) -> None:
    """List what was pushed into a dataset, and what became of it (data officers)."""
    listed = visitor_of(home, who).vault("GET", of(dataset, "pushes"))
    if as_json:
        return print_json({"pushes": listed})
    table = Table("push", "opened", "by", "mode", "rows", "state")
    for each in listed:
        by = f"credential {each['credential']}" if "credential" in each else each["officer"]
        opened = each["opened_at"][:16].replace("T", " ")
        table.add_row(each["id"], opened, by, each["mode"], str(each["rows"]), _ended(each))
    return out.print(table if listed else "Nothing was pushed.")


@app.command("push-batches")
def push_batches(
    dataset: Dataset,
    push: Annotated[str, typer.Argument(help="The push, as `cihu pushes` shows it.")],
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """List the batches of a push (data officers)."""
    listed = visitor_of(home, who).vault("GET", of(dataset, f"pushes/{push}/batches"))
    if as_json:
        return print_json({"batches": listed})
    table = Table("batch", "rows", "bytes", "state")
    for each in listed:
        state = "removed" if each["removed"] else "received"
        table.add_row(str(each["number"]), str(each["rows"]), str(each["bytes"]), state)
    return out.print(table if listed else "Nothing was sent.")


@app.command("push-agree")
def push_agree(
    dataset: Dataset,
    push: Annotated[str, typer.Argument(help="The push, as `cihu pushes` shows it.")],
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Agree to a colleague's push as its second officer: it becomes a version (data officers)."""
    told = visitor_of(home, who).vault("POST", of(dataset, f"pushes/{push}/agree"))
    show(told, as_json, *_lines(told))


@app.command("push-credentials")
def push_credentials(dataset: Dataset, who: As = "lin", home: Home = None, as_json: Json = False) -> None:
    """List the credentials with which systems push into a dataset (data officers)."""
    listed = visitor_of(home, who).vault("GET", of(dataset, "push-credentials"))
    if as_json:
        return print_json({"credentials": listed})
    table = Table("number", "label", "mode", "state", "revision", "issued by", "until")
    for each in listed:
        table.add_row(
            str(each["id"]),
            each["label"],
            each["mode"],
            each["state"],
            str(each["revision"]),
            each["issued_by"],
            each["expires_at"][:10],
        )
    out.print(table if listed else f"{dataset} has no push credentials.")
    for each in listed:
        if each["state"] == "waiting":
            out.print(f"{each['id']}: {each['warning']['en']}")
    return None


@app.command("push-credential-issue")
def push_credential_issue(
    dataset: Dataset,
    label: Annotated[str, typer.Argument(help="Which system it is for.")],
    mode: Mode = "replace",
    days: Annotated[int, typer.Option(help="For how long it is good.")] = 365,
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Let a system of your department push rows under your authority (data officers)."""
    told = visitor_of(home, who).vault(
        "POST", of(dataset, "push-credentials"), json={"label": label, "mode": mode, "days": days}
    )
    show(
        told,
        as_json,
        f"Credential {told['id']}, until {told['expires_at'][:10]}. Its secret is shown this once:",
        f"  {told['secret']}",
        *_credential_lines(told),
    )


@app.command("push-credential-agree")
def push_credential_agree(
    dataset: Dataset,
    number: Number,
    revision: Annotated[int, typer.Argument(help="Its revision, as `cihu push-credentials` shows it.")],
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Agree to a colleague's push credential as its second officer (data officers)."""
    path = of(dataset, f"push-credentials/{number}/agree")
    told = visitor_of(home, who).vault("POST", path, json={"revision": revision})
    show(told, as_json, f"Credential {number} is {told['state']}.")


@app.command("push-credential-confirm")
def push_credential_confirm(
    dataset: Dataset, number: Number, who: As = "lin", home: Home = None, as_json: Json = False
) -> None:
    """Let a credential go on with the newest policy, under your authority (data officers)."""
    told = visitor_of(home, who).vault("POST", of(dataset, f"push-credentials/{number}/confirm"))
    show(told, as_json, f"Credential {number} is {told['state']}.", *_credential_lines(told))


@app.command("push-credential-revoke")
def push_credential_revoke(dataset: Dataset, number: Number, who: As = "lin", home: Home = None) -> None:
    """Let nothing more be pushed with a credential (data officers). What was published stays."""
    visitor_of(home, who).vault("DELETE", of(dataset, f"push-credentials/{number}"))
    out.print(f"Credential {number} is revoked.")


def _credential_lines(told: dict[str, Any]) -> list[str]:
    if told["state"] != "waiting":
        return []
    command = f"cihu push-credential-agree {told['dataset']} {told['id']} {told['revision']}"
    return [f"  A second officer has to agree: {command}", f"  {told['warning']['en']}"]


def _lines(told: dict[str, Any]) -> list[str]:
    sent = f"{told['rows']} rows in {told['batches']} batches"
    if told["state"] == "published":
        return [f"{told['dataset']}: version {told['version']}, {sent}."]
    if told["state"] == "waiting":
        agree = f"cihu push-agree {told['dataset']} {told['id']}"
        return [f"{told['dataset']}: {sent}.", f"  A second officer has to agree: {agree}"]
    if told["state"] == "complete":
        return [f"{told['dataset']}: {sent} were taken. Its officer sees what became of them."]
    return [f"{told['dataset']}: {sent}, {_ended(told)}."]


def _ended(told: dict[str, Any]) -> str:
    if told["state"] == "published":
        return f"version {told['version']}"
    if told["state"] == "refused":
        return f"refused: {told.get('message', 'its officer is told why')}"
    return str(told["state"])
