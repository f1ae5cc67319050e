"""Commands for what an officer answers for: list it, hand it over."""

from typing import Annotated, Any
from urllib.parse import quote

import typer

from sandbox.cli.terminal import As, Home, Json, app, show, visitor_of


@app.command()
def responsibilities(
    account: Annotated[str | None, typer.Argument(help="Whose; without it, your own.")] = None,
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """List what an officer answers for, and what waits for their department (data officers, operators)."""
    known = visitor_of(home, who).vault("GET", f"/v1/responsibilities/{quote(account or who, safe='')}")
    lines = [f"  {_line(holding)}" for holding in known["holdings"]]
    deputy = known.get("successor")
    successor = f"{deputy} would take over" if deputy else "there is no deputy: name a colleague to take over"
    show(
        known,
        as_json,
        f"{known['account']} ({known['department']}); {successor}.",
        *lines or ["  Nothing."],
    )


@app.command("hand-over")
def transfer(
    account: str,
    reason: Annotated[str, typer.Option(help="Why: it is logged.")],
    to: Annotated[str | None, typer.Option(help="The colleague; without it, the deputy takes over.")] = None,
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Hand over what an officer answers for, in one act (the officer, or an operator)."""
    body = {"reason": reason} | ({"to": to} if to else {})
    path = f"/v1/responsibilities/{quote(account, safe='')}/hand-over"
    done = visitor_of(home, who).vault("POST", path, json=body)
    show(
        done,
        as_json,
        f"{done['successor']} takes over from {done['account']}:",
        *[f"  {_line(holding)}" for holding in done["holdings"]] or ["  nothing"],
    )


def _line(holding: dict[str, Any]) -> str:
    shared = " (any officer of the department)" if holding["shared"] else ""
    return f"{holding['kind'].replace('_', ' ')} {holding['subject']}{shared}"
