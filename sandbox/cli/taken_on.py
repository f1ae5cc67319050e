"""Commands for the named person of what waits for a decision: take it on, hand it over, give it back."""

from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args
from urllib.parse import quote

import typer
from rich.markup import escape

from sandbox.cli.terminal import As, Home, Json, app, show, visitor_of
from sandbox.oversight.waiting_kinds import MarketKind, VaultKind

if TYPE_CHECKING:
    from sandbox.client.session import ClientSession

OF_MARKET = frozenset(get_args(MarketKind))
Kind = Annotated[Literal[VaultKind, MarketKind], typer.Argument(help="What waits.")]
Id = Annotated[str, typer.Argument(help="Its number or name, as the start page has it.")]


@app.command("taken-on")
def taken_on(who: As = "lin", home: Home = None, as_json: Json = False) -> None:
    """List who has taken on what waits (data officers, operators)."""
    visitor = visitor_of(home, who)
    found = [
        *visitor.vault("GET", "/v1/taken-on"),
        *visitor.market("GET", "/api/v1/taken-on"),
    ]
    lines = [escape(_line(each)) for each in found]
    show({"taken_on": found}, as_json, *lines or ["Nobody has taken anything on."])


@app.command("waiting")
def waiting(kind: Kind, id: Id, who: As = "lin", home: Home = None, as_json: Json = False) -> None:
    """Show something that waits, who has taken it on, and the colleagues who may do it."""
    _show(_asked(visitor_of(home, who), "GET", kind, id), as_json)


@app.command("take-on")
def take_on(
    kind: Kind,
    id: Id,
    instead_of: Annotated[str | None, typer.Option(help="The colleague from whom you take it over.")] = None,
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Take on what waits for a decision: you are responsible; colleagues may decide all the same."""
    body = {"instead_of": instead_of} if instead_of else {}
    _show(_asked(visitor_of(home, who), "POST", kind, id, "/take-on", json=body), as_json)


@app.command("pass-on")
def pass_on(
    kind: Kind,
    id: Id,
    to: Annotated[str, typer.Option(help="The colleague.")],
    note: Annotated[str, typer.Option(help="What they should know.")] = "",
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Hand what you have taken on over to a colleague who may do it; they are told."""
    body = {"to": to, "note": note}
    _show(_asked(visitor_of(home, who), "POST", kind, id, "/hand-over", json=body), as_json)


@app.command("give-back")
def give_back(kind: Kind, id: Id, who: As = "lin", home: Home = None, as_json: Json = False) -> None:
    """Give back what you have taken on: it is nobody's again."""
    _asked(visitor_of(home, who), "POST", kind, id, "/give-back")
    show({"kind": kind, "id": id}, as_json, "It is nobody's again.")


def _asked(visitor: "ClientSession", method: str, kind: str, id: str, deed: str = "", **more: Any) -> Any:
    path = f"/waiting/{quote(kind, safe='')}/{quote(id, safe='')}{deed}"
    if kind in OF_MARKET:
        return visitor.market(method, f"/api/v1{path}", **more)
    return visitor.vault(method, f"/v1{path}", **more)


def _show(thing: dict[str, Any], as_json: bool) -> None:
    held = thing.get("taken_on")
    able = ", ".join(each["account"] for each in thing["colleagues"])
    show(
        thing,
        as_json,
        escape(f"{thing['kind']} {thing['id']}: {thing['name']}, since {thing['since'][:10]}"),
        escape(_line(held)) if held else "Nobody has taken it on.",
        f"It can be handed over to: {able}." if able else "No colleague may do it.",
    )


def _line(held: dict[str, Any]) -> str:
    via = f", handed over by {held['handed_by']}" if "handed_by" in held else ""
    deputy = f", deputy of {held['deputy_of']}" if "deputy_of" in held else ""
    note = f": {held['note']}" if held["note"] else ""
    who = f"{held['kind']} {held['id']}: {held['account']} has taken it on"
    return f"{who} ({held['taken_at'][:16]}{via}{deputy}){note}"
