"""Commands for datasets: publish, request access, approve, and fetch stand-in rows."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer
from rich.table import Table

from sandbox.cli.terminal import As, Home, Json, app, out, print_json, show, visitor_of
from sandbox.errors import InvalidInput


@app.command()
def publish(
    policy: Annotated[
        Path, typer.Argument(help="What you say of the data (YAML; see policies/dataset.schema.json).")
    ],
    rows: Annotated[Path, typer.Argument(help="The rows: CSV with a header, or Parquet.")],
    notes: Annotated[str, typer.Option(help="What is new in this version: everybody reads it.")] = "",
    urgent: Annotated[str, typer.Option(help="Why a breaking version is not announced first.")] = "",
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Publish a dataset, or a new version of it (data officers). Says how well your bounds fit the rows."""
    done = visitor_of(home, who).publish(policy, rows, notes=notes, urgent=urgent)
    show(
        done,
        as_json,
        f"Published {done['dataset']}, version {done['version']}: {done['rows']} rows.",
        *[f"  Look at this: {advice}" for advice in done["advice"]],
    )


@app.command("set-aside")
def set_aside(who: As = "lin", home: Home = None, as_json: Json = False) -> None:
    """List datasets that are not offered because their newest version is broken (data officers)."""
    aside = visitor_of(home, who).vault("GET", "/v1/datasets/set-aside")
    show(
        {"set_aside": aside},
        as_json,
        *[
            f"{each['dataset']}, version {each['number']}, cannot be used ({each['why']}): "
            "publish a corrected version."
            for each in aside
        ]
        or ["No dataset is set aside."],
    )


@app.command()
def request(
    dataset: str,
    purpose: Annotated[str, typer.Option(help="What you want to find out, and what for.")],
    team: Annotated[str, typer.Option(help="For which of your teams.")] = "cihu-lake",
    epsilon: Annotated[str, typer.Option(help="The privacy budget you ask for.")] = "1",
    days: Annotated[int, typer.Option(help="For how long.")] = 60,
    who: As = "wang",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Request a grant on a dataset (analysts, for a team)."""
    until = (datetime.now(UTC) + timedelta(days=days)).date().isoformat()
    done = visitor_of(home, who).vault(
        "POST",
        "/v1/requests",
        json={"dataset": dataset, "team": team, "purpose": purpose, "epsilon": epsilon, "until": until},
    )
    show(
        done,
        as_json,
        f"Request {done['id']} was made; an officer of {done['department']} decides.",
        f"  They approve it with: cihu approve {done['id']} --as lin",
    )


@app.command()
def approve(
    number: int,
    epsilon: Annotated[str | None, typer.Option(help="A smaller budget than asked.")] = None,
    note: str = "",
    refuse: Annotated[str, typer.Option(help="Refuse instead, for this reason.")] = "",
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Approve a request, perhaps with a smaller budget, or refuse it (data officers)."""
    officer = visitor_of(home, who)
    if refuse:
        done = officer.vault("POST", f"/v1/requests/{number}/refuse", json={"reason": refuse})
        return show(done, as_json, f"Request {number} was refused.")
    body = {"note": note} | ({"epsilon": epsilon} if epsilon else {})
    done = officer.vault("POST", f"/v1/requests/{number}/approve", json=body)
    return show(
        done,
        as_json,
        f"Grant {done['id']}: {done['team']} may ask {done['dataset']} until {done['until'][:10]}, "
        f"with a budget of epsilon {done['epsilon']}.",
    )


@app.command("stand-in")
def stand_in(
    dataset: str,
    to: Annotated[Path, typer.Option("--out", help="Where to write the rows (Parquet).")],
    who: As = "wang",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Write invented rows of a dataset's shape into a file, to write programs on.
    None is real; it costs nothing."""
    body = visitor_of(home, who).vault("GET", f"/v1/datasets/{quote(dataset, safe='')}/stand-in")
    try:
        to.write_bytes(body)
    except OSError as error:
        raise InvalidInput(
            f"{to} cannot be written: {error.strerror}.", remedy="Name a file in a folder of yours."
        ) from None
    show(
        {"dataset": dataset, "file": str(to), "bytes": len(body)},
        as_json,
        f"Stand-in rows of {dataset} are in {to} (Parquet). They are invented: no row is real.",
    )


@app.command("buy-stand-in")
def buy_stand_in(
    dataset: str,
    epsilon: Annotated[str, typer.Option(help="The privacy loss to spend, once for this version.")],
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Buy better stand-in rows from a dataset's budget (data officers):
    its columns and their pairs will be roughly right."""
    done = visitor_of(home, who).vault(
        "POST", f"/v1/datasets/{quote(dataset, safe='')}/stand-in", json={"epsilon": epsilon}
    )
    if as_json:
        return print_json(done)
    table = Table("columns", "rows differ from the noisy counts by", "the counts' own noise")
    for of in done["quality"]:
        if len(of["columns"]) == 1:
            table.add_row(of["columns"][0], f"{100 * of['distance']:.1f} %", f"{100 * of['noise']:.1f} %")
    out.print(table)
    pairs = [of for of in done["quality"] if len(of["columns"]) == 2]
    for part in ("distance", "noise"):
        done[part] = 100 * sum(of[part] for of in pairs) / len(pairs) if pairs else 0.0
    return out.print(
        f"{dataset}@{done['version']}: epsilon {done['epsilon']:.4g} at delta "
        f"{done['delta']:g}. Over {len(pairs)} pairs of columns: {done['distance']:.1f} %, noise "
        f"{done['noise']:.1f} %. Log entry {done['log_index']}."
    )
