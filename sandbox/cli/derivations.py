"""Commands for datasets that are derived from others by SQL: propose, agree, run, refresh, end."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from sandbox.cli.terminal import As, Home, Json, app, out, print_json, show, visitor_of

PATIENCE = 1800.0  # whole datasets are read
Dataset = Annotated[str, typer.Argument(help="The derived dataset.")]
ADDRESS = "/v1/derivations"


@app.command()
def derive(
    policy: Annotated[
        Path,
        typer.Argument(exists=True, dir_okay=False, help="The result's policy, with SQL in `derive`."),
    ],
    schedule: Annotated[
        str | None, typer.Option(help="When newer versions are taken by themselves, such as '0 3 * * *'.")
    ] = None,
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Propose a dataset that is derived from others, or change it (data officers)."""
    proposed = {"policy": policy.read_text("utf-8"), "schedule": schedule}
    told = visitor_of(home, who).vault("POST", ADDRESS, json=proposed)
    show(told, as_json, *_lines(told))


@app.command()
def derivations(who: As = "lin", home: Home = None, as_json: Json = False) -> None:
    """List what your department derives, and what is derived from its data (data officers)."""
    listed = visitor_of(home, who).vault("GET", ADDRESS)
    if as_json:
        return print_json(listed)
    if not listed:
        return out.print("Nothing is derived by your department, or from its data.")
    table = Table("dataset", "department", "reads", "state", "revision", "waits for", "version")
    for each in listed:
        table.add_row(
            each["dataset"],
            each["department"],
            ", ".join(_input(one) for one in each["inputs"]),
            each["state"],
            str(each["revision"]),
            ", ".join(_missing(each)),
            str(each.get("version", "")),
        )
    return out.print(table)


@app.command("derive-agree")
def derive_agree(
    dataset: Dataset,
    revision: Annotated[
        int, typer.Argument(help="The derivation's revision, as `cihu derivations` shows it.")
    ],
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Agree to a derivation as you read it: as its second officer, or for your data (data officers)."""
    told = visitor_of(home, who).vault("POST", f"{ADDRESS}/{dataset}/agree", json={"revision": revision})
    show(told, as_json, *_lines(told))


@app.command("derive-show")
def derive_show(dataset: Dataset, who: As = "lin", home: Home = None, as_json: Json = False) -> None:
    """Show a derivation's SQL, what it reads, and who has still to agree (data officers)."""
    told = visitor_of(home, who).vault("GET", f"{ADDRESS}/{dataset}")
    show(told, as_json, told["sql"], *_lines(told))


@app.command("derive-run")
def derive_run(
    dataset: Dataset,
    notes: Annotated[str, typer.Option(help="What is new, for those who use it.")] = "",
    urgent: Annotated[str, typer.Option(help="Why a breaking version is not announced first.")] = "",
    confirm: Annotated[
        list[str] | None,
        typer.Option(help="What you answer with yes of the review before it opens; once for each item."),
    ] = None,
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Derive a dataset that was agreed to, and publish it as the next version (data officers)."""
    word = {"notes": notes, "urgent": urgent, "confirmed": confirm or []}
    told = visitor_of(home, who).vault("POST", f"{ADDRESS}/{dataset}/run", json=word, timeout=PATIENCE)
    advice = [f"  {each}" for each in told.get("advice", [])]
    show(told, as_json, f"{dataset} is published: version {told['version']}.", *advice)


@app.command("derive-refresh")
def derive_refresh(dataset: Dataset, who: As = "lin", home: Home = None, as_json: Json = False) -> None:
    """Take the newest versions of what a derivation reads (data officers). Then run it."""
    told = visitor_of(home, who).vault("POST", f"{ADDRESS}/{dataset}/refresh")
    show(told, as_json, *_lines(told))


@app.command("derive-end")
def derive_end(dataset: Dataset, who: As = "lin", home: Home = None) -> None:
    """Derive a dataset no more (data officers). What was published stays."""
    visitor_of(home, who).vault("DELETE", f"{ADDRESS}/{dataset}")
    out.print(f"{dataset} is derived no more.")


def _lines(told: dict[str, Any]) -> list[str]:
    reads = ", ".join(_input(each) for each in told["inputs"])
    lines = [f"{told['dataset']} is derived from {reads}: {told['state']} (revision {told['revision']})."]
    if "schedule" in told:
        lines.append(f"  It is refreshed by itself: {told['schedule']}")
    if told["state"] == "waiting":
        lines.append(
            f"  It waits for {', '.join(_missing(told))}: cihu derive-agree DATASET {told['revision']}"
        )
    if told["state"] == "agreed":
        lines.append(f"  Run it: cihu derive-run {told['dataset']}")
    if told["figures"] == "hidden":
        lines.append("  It reads rows that others published: whoever runs it learns no figure of the result.")
    return lines


def _missing(told: dict[str, Any]) -> list[str]:
    return [
        f"{each['officers'] - len(each['agreed'])} of {each['department']}"
        for each in told["needs"]
        if told["state"] == "waiting" and len(each["agreed"]) < each["officers"]
    ]


def _input(each: dict[str, Any]) -> str:
    ended = f" ({each['ended']})" if "ended" in each else ""
    newer = f" (newest: {each['newest']})" if not ended and each["newest"] != each["version"] else ""
    return f"{each['dataset']}@{each['version']}{ended}{newer}"
