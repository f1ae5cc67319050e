"""Commands for pulls: from where a dataset's rows come, and when; how they ended; pull now."""

from typing import Annotated, Any, Literal

import typer
from rich.table import Table

from sandbox.cli.terminal import As, Home, Json, app, of, out, print_json, show, visitor_of
from sandbox.errors import InvalidInput

Dataset = Annotated[str, typer.Argument(help="The dataset, which was published before.")]


@app.command()
def pulls(who: As = "lin", home: Home = None, as_json: Json = False) -> None:
    """List from where your department's datasets are pulled, and how it went (data officers)."""
    officer = visitor_of(home, who)
    listed, sources = officer.vault("GET", "/v1/pulls"), officer.vault("GET", "/v1/sources")
    if as_json:
        return print_json({"pulls": listed, "sources": sources})
    table = Table("dataset", "source", "what", "schedule", "state", "revision", "next", "last")
    for each in listed:
        table.add_row(
            each["dataset"],
            each["source"],
            " ".join(each["what"].split())[:40],
            each["schedule"],
            each["state"],
            str(each["revision"]),
            each.get("next_due", "")[:16].replace("T", " "),
            _ended(each.get("last")),
        )
    out.print(table if listed else "Your department has no pulls.")
    return out.print(f"Sources: {', '.join(each['name'] for each in sources) or 'none'}.")


@app.command("pull-set")
def pull_set(
    dataset: Dataset,
    source: Annotated[str, typer.Argument(help="The source; `cihu pulls` lists those there are.")],
    table: Annotated[str | None, typer.Option(help="Which table, as schema.name.")] = None,
    query: Annotated[str | None, typer.Option(help="A query instead.")] = None,
    object: Annotated[str | None, typer.Option(help="Of an object store or web server: which one.")] = None,
    cron: Annotated[str, typer.Option(help="When: minute hour day month weekday.")] = "0 3 * * *",
    since: Annotated[
        str | None, typer.Option(help="Fetch only what is new by this column: a moment, a date or a number.")
    ] = None,
    key: Annotated[
        list[str] | None, typer.Option(help="With --since: a column that names a row, beside the unit.")
    ] = None,
    full: Annotated[
        Literal["daily", "weekly", "monthly"],
        typer.Option(help="With --since: how often everything is fetched."),
    ] = "monthly",
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Let a dataset's rows be pulled from a source from now on (data officers)."""
    chosen = {"table": table, "query": query, "object": object}
    named = [(kind, what) for kind, what in chosen.items() if what is not None]
    if len(named) != 1:
        raise InvalidInput(
            "Name one thing that is pulled.",
            remedy="Use --table, --query or --object.",
            zh="请指定一项采集内容。",
            remedy_zh="请使用 --table、--query 或 --object。",
        )
    kind, what = named[0]
    told = visitor_of(home, who).vault(
        "PUT",
        of(dataset, "pull"),
        json={"source": source, "kind": kind, "what": what, "schedule": cron}
        | ({} if since is None else {"increments": {"since": since, "key": key or [], "full": full}}),
    )
    show(told, as_json, *_lines(told))


@app.command("pull-now")
def pull_now(dataset: Dataset, who: As = "lin", home: Home = None, as_json: Json = False) -> None:
    """Let the puller fetch a dataset's rows at once (data officers). `cihu pulls` tells how it ended."""
    told = visitor_of(home, who).vault("POST", of(dataset, "pull/run"))
    show(told, as_json, f"{dataset} is pulled as soon as the puller looks.")


@app.command("pull-agree")
def pull_agree(
    dataset: Dataset,
    revision: Annotated[int, typer.Argument(help="The pull's revision, as `cihu pulls` shows it.")],
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Agree to a colleague's pull as its second officer, as you read it (data officers)."""
    told = visitor_of(home, who).vault("POST", of(dataset, "pull/agree"), json={"revision": revision})
    show(told, as_json, *_lines(told))


@app.command("pull-end")
def pull_end(dataset: Dataset, who: As = "lin", home: Home = None) -> None:
    """Pull no more of a dataset (data officers). What was published stays."""
    visitor_of(home, who).vault("DELETE", of(dataset, "pull"))
    out.print(f"{dataset} is pulled no more.")


def _lines(told: dict[str, Any]) -> list[str]:
    first = f"{told['dataset']} is pulled from {told['source']} ({told['schedule']})."
    if told["state"] == "waiting":
        agree = f"cihu pull-agree {told['dataset']} {told['revision']}"
        return [first, f"  A second officer has to agree: {agree}"]
    if told["state"] == "suspended":
        return [first, f"  Suspended. {told['suspended']['en']}"]
    return [first, f"  Next: {told['next_due'][:16].replace('T', ' ')} UTC"]


def _ended(last: dict[str, Any] | None) -> str:
    if last is None:
        return ""
    if last["outcome"] == "failed":
        return f"failed: {last.get('message', 'its officer is told why')}"
    return f"version {last['version']}" if "version" in last else str(last["outcome"])
