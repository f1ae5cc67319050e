"""The commands of those who run the service: health, maintenance, announcements, backups; and how departments
work."""

from typing import Annotated, Any, Literal

import typer
from rich.markup import escape

from sandbox.cli.terminal import As, Home, Json, app, show, visitor_of

maintenance_app = typer.Typer(no_args_is_help=True, help="Maintenance: nothing can be changed until its end.")
app.add_typer(maintenance_app, name="maintenance")
announcements_app = typer.Typer(no_args_is_help=True, help="Announcements on every page.")
app.add_typer(announcements_app, name="city-announcements")
backups_app = typer.Typer(no_args_is_help=True, help="Records of the backups that your own program makes.")
app.add_typer(backups_app, name="backups")

Zh = Annotated[str, typer.Option("--zh", help="The text in Chinese.")]
En = Annotated[str, typer.Option("--en", help="The text in English.")]
From = Annotated[str | None, typer.Option("--from", help="A moment with its time zone; without it, now.")]
To = Annotated[str, typer.Option("--until", help="Its end, as 2026-12-01T20:00:00+08:00.")]


@app.command()
def health(who: As = "he", home: Home = None, as_json: Json = False) -> None:
    """Show the health of every part (operators). Exit status 0 if all is well or needs only attention."""
    known = visitor_of(home, who).market("GET", "/api/v1/health")
    lines = [f"As a whole: {known['state']}"]
    for group, name in (("parts", "name"), ("disks", "name"), ("certificates", "name"), ("backups", "what")):
        for each in known[group]:
            version = f" ({each['version']})" if each.get("version") else ""
            remedy = f": {each['remedy']['en']}" if "remedy" in each else ""
            lines.append(escape(f"  {group[:-1]} {each[name]}{version}: {each['state']}{remedy}"))
    lines += [f"  waits: {each['name']} {each['waiting']}" for each in known["queues"]]
    lines += [f"  failed in seven days: {each['kind']} {each['times']}" for each in known["failures"]]
    show(known, as_json, *lines)
    raise typer.Exit(0 if known["state"] in ("ok", "warning") else 1)


@app.command()
def scoreboard(days: int = 92, who: As = "lin", home: Home = None, as_json: Json = False) -> None:
    """Show how the departments work (data officers; auditors with all counts)."""
    known = visitor_of(home, who).vault("GET", f"/v1/scoreboard?days={days}")
    shown = [_score(each) for each in known["departments"]]
    show(known, as_json, *(shown or ["No department has published a dataset."]))


@maintenance_app.command("set")
def maintenance_set(
    zh: Zh, en: En, until: To, start: From = None, who: As = "he", home: Home = None, as_json: Json = False
) -> None:
    """Set maintenance (operators)."""
    body = {"text_zh": zh, "text_en": en, "ends_at": until} | ({"starts_at": start} if start else {})
    known = visitor_of(home, who).market("POST", "/api/v1/maintenance", json=body)
    show(known, as_json, f"Maintenance {known['id']}: {known['starts_at']} to {known['ends_at']}.")


@maintenance_app.command("end")
def maintenance_end(number: int, who: As = "he", home: Home = None, as_json: Json = False) -> None:
    """End maintenance before its time, or take it back (operators)."""
    known = visitor_of(home, who).market("POST", f"/api/v1/maintenance/{number}/end")
    show(known, as_json, f"Maintenance {number} is over.")


@maintenance_app.command("list")
def maintenance_list(who: As = "he", home: Home = None, as_json: Json = False) -> None:
    """List maintenance that is not over."""
    known = visitor_of(home, who).market("GET", "/api/v1/maintenance")
    show(known, as_json, *([_notice(each) for each in known["maintenance"]] or ["There is none."]))


@announcements_app.command("make")
def announcements_make(
    zh: Zh,
    en: En,
    until: To,
    start: From = None,
    audience: Annotated[str, typer.Option(help="all, teams, companies or officers.")] = "all",
    who: As = "he",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Announce something on every page (operators)."""
    body = {"text_zh": zh, "text_en": en, "ends_at": until, "audience": audience}
    body |= {"starts_at": start} if start else {}
    known = visitor_of(home, who).market("POST", "/api/v1/announcements", json=body)
    show(known, as_json, f"Announcement {known['id']} is shown until {known['ends_at']}.")


@announcements_app.command("list")
def announcements_list(who: As = "he", home: Home = None, as_json: Json = False) -> None:
    """List announcements, the newest first (operators)."""
    known = visitor_of(home, who).market("GET", "/api/v1/announcements")
    show(known, as_json, *([_notice(each) for each in known["announcements"]] or ["There is none."]))


@announcements_app.command("withdraw")
def announcements_withdraw(number: int, who: As = "he", home: Home = None, as_json: Json = False) -> None:
    """Withdraw an announcement (operators)."""
    known = visitor_of(home, who).market("POST", f"/api/v1/announcements/{number}/withdraw")
    show(known, as_json, f"Announcement {number} is withdrawn.")


@backups_app.command("record")
def backups_record(
    what: Annotated[Literal["database", "store", "keys"], typer.Argument(help="Of what it is.")],
    label: Annotated[str, typer.Argument(help="Its name where it is kept.")],
    made: Annotated[str, typer.Option(help="When it was made: a moment with its time zone.")],
    verified: Annotated[
        str | None, typer.Option(help="When it was restored elsewhere and looked at, if it was.")
    ] = None,
    who: As = "he",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Record that a backup was made, or verified (operators)."""
    body = {"what": what, "label": label, "made_at": made} | ({"verified_at": verified} if verified else {})
    known = visitor_of(home, who).market("POST", "/api/v1/backups", json=body)
    state = "verified" if known["verified_at"] else "not verified yet"
    show(known, as_json, escape(f"Recorded: {what} {label}, {state}."))


def _notice(each: dict[str, Any]) -> str:
    times = f"{each['starts_at'][:16]} to {each['ends_at'][:16]}"
    return escape(f"{each['id']}  {each['state']}  {times}  {each['text']['en']}")


def _score(each: dict[str, Any]) -> str:
    on_time = "too few" if each["on_time_percent"] is None else f"{each['on_time_percent']} %"
    days = "too few" if each["median_days"] is None else f"{each['median_days']:g}"
    counts = "".join(f", {name} {value:g}" for name, value in each.get("counts", {}).items())
    return escape(
        f"{each['department']}: in time {on_time}, median days {days}, opened {each['opened']}{counts}"
    )
