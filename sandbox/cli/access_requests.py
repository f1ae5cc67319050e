"""Commands for access requests: list them, and show one with all that a decision needs."""

from typing import Annotated, Any

import typer

from sandbox.cli.terminal import As, Home, Json, app, show, visitor_of

requests_app = typer.Typer(no_args_is_help=True, help="Access requests, with all that a decision needs.")
app.add_typer(requests_app, name="requests")


@requests_app.command("list")
def listed(
    every: Annotated[bool, typer.Option("--all", help="Those that are decided, too.")] = False,
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """List the requests that you may see; without --all, those that wait."""
    chosen = {} if every else {"status": "asked"}
    known = visitor_of(home, who).vault("GET", "/v1/requests", params=chosen)
    lines = [
        f"{each['id']}: {each['team']} asks for {each['dataset']}, epsilon {each['epsilon']}, until "
        f"{each['until'][:10]}: {each['status']}. {each['purpose']}"
        for each in known
    ]
    show({"requests": known}, as_json, *lines or ["No request waits."])


@requests_app.command("show")
def shown(number: int, who: As = "lin", home: Home = None, as_json: Json = False) -> None:
    """Show who asks, what they hold, and what your decision would add (data officers, auditors)."""
    facts = visitor_of(home, who).vault("GET", f"/v1/requests/{number}/facts")
    show(facts, as_json, *_lines(facts))


def _lines(facts: dict[str, Any]) -> list[str]:
    request, person, earlier = facts["request"], facts["asked_by"], facts["earlier"]
    checked = "" if person["verified"] else ", not verified"
    ways = [each["way"] for each in facts["ways"] if each["possible"]]
    lines = [
        f"Request {request['id']} ({request['status']}): {facts['team']['name']} asks for "
        f"{request['dataset']}, epsilon {request['epsilon']}, until {request['until'][:10]}.",
        f"  Purpose: {request['purpose']}",
        f"  Asked by {person['name']} ({person['organisation_name']}{checked}); the team has "
        f"{len(facts['team']['members'])} members.",
        f"  Grade {facts['grade']}; with what the team holds: {facts['combined_grade']}. "
        f"Ways that its grade allows: {', '.join(ways) or 'none'}.",
        f"  Before: {earlier['requests']} other requests ({earlier['refused']} refused), "
        f"{earlier['questions']} questions ({earlier['questions_on_dataset']} on this dataset), "
        f"{earlier['runs']} sealed runs.",
    ]
    if needed := facts.get("certificate"):
        until = (
            f"holds one until {needed['expires_at'][:10]}" if needed["expires_at"] else "holds no valid one"
        )
        lines.append(f"  Needs a certificate of the course {needed['course']}: {person['name']} {until}.")
    lines += [
        f"  Holds grant {each['grant']}: {each['dataset']}, grade {each['grade']}, "
        f"epsilon {each['epsilon']}, until {each['until'][:10]}"
        for each in facts["holds"]
    ]
    lines += [
        f"  Budget of the {level['level']} {level['key']}: epsilon {level['epsilon_left']} of "
        f"{level['epsilon_limit']} left; approving promises {level['percent_added']} % more"
        + ("" if level["fits"] else ": that is more than is left")
        for level in facts["levels"]
    ]
    if facts["may_decide"]:
        most = facts["most_epsilon"]
        lines.append(f"  At most epsilon {most} can be approved: cihu approve {request['id']}")
    return lines
