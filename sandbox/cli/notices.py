"""Commands for notices: the inbox, and of what mails are wanted."""

from typing import Annotated

import typer

from sandbox.cli.terminal import As, Home, Json, app, show, visitor_of

notices_app = typer.Typer(help="Your notices.", invoke_without_command=True)
app.add_typer(notices_app, name="notices")


@notices_app.callback()
def listed(
    context: typer.Context,
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
    unread: Annotated[bool, typer.Option("--unread", help="Those that are unread alone.")] = False,
    kind: Annotated[str, typer.Option(help="Of one kind alone; `cihu notices settings` names them.")] = "",
) -> None:
    """List your notices, the unread first."""
    if context.invoked_subcommand is not None:
        return
    wanted = {"unread": str(unread).lower(), **({"kind": kind} if kind else {})}
    found = visitor_of(home, who).market("GET", "/api/v1/notices", params=wanted)
    lines = [
        f"{' ' if each['read'] else '*'} {each['at'][:16]} {each['text']['en']} ({each['page']})"
        for each in found["notices"]
    ]
    show(found, as_json, *lines or ["There are no notices."])


@notices_app.command()
def read(who: As = "lin", home: Home = None, as_json: Json = False) -> None:
    """Mark all your notices as read."""
    done = visitor_of(home, who).market("POST", "/api/v1/notices/read", json={})
    show(done, as_json, f"{done['read']} notices are marked as read.")


@notices_app.command()
def settings(
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
    off: Annotated[
        list[str] | None, typer.Option(help="A kind of which you want no mail; once for each.")
    ] = None,
    on: Annotated[
        list[str] | None, typer.Option(help="A kind of which you want mails again; once for each.")
    ] = None,
    daily: Annotated[
        bool | None, typer.Option("--daily/--at-once", help="One mail a day, or one for each notice.")
    ] = None,
) -> None:
    """Show of what you want mails, and change it. The inbox has everything always."""
    visitor = visitor_of(home, who)
    found = visitor.market("GET", "/api/v1/notices/settings")
    if off or on or daily is not None:
        stays = {each["kind"] for each in found["kinds"] if not each["mail"]} | set(off or ())
        body = {
            "off": sorted(stays - set(on or ())),
            "daily": found["daily"] if daily is None else daily,
        }
        found = visitor.market("PUT", "/api/v1/notices/settings", json=body)
    show(
        found,
        as_json,
        f"mails to: {found['address'] or 'no address'}{' (verified)' if found['verified'] else ''}"
        + (", once a day" if found["daily"] else ""),
        *(f"{'mail   ' if each['mail'] else 'no mail'} {each['kind']}" for each in found["kinds"]),
    )
