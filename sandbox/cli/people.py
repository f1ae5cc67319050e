"""Commands for people: how one logs in oneself, and, for whoever looks after accounts, all the others."""

import sys
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.markup import escape
from rich.table import Table

from sandbox.cli.terminal import As, Home, Json, app, out, print_json, show, visitor_of
from sandbox.errors import InvalidInput

people_app = typer.Typer(
    no_args_is_help=True, help="Accounts, organisations, teams and roles (operators, administrators)."
)
me_app = typer.Typer(no_args_is_help=True, help="How you log in, and what is held about you.")
app.add_typer(people_app, name="people")
app.add_typer(me_app, name="me")
By = Annotated[str, typer.Option("--as", help="Who you are, such as he.")]
Many = Annotated[list[str] | None, typer.Option(help="One; give it again for more.")]


@people_app.command("list")
def list_people(who: By = "he", home: Home = None, as_json: Json = False) -> None:
    """List all accounts."""
    found = visitor_of(home, who).market("GET", "/api/v1/people")
    if as_json:
        print_json(found)
        return
    table = Table("account", "name", "organisation", "roles", "teams", "state", "second factor")
    for one in found["people"]:
        words = (one["id"], one["name"], one["organisation"], " ".join(one["roles"]), " ".join(one["teams"]))
        table.add_row(*map(escape, words), one["status"], "yes" if one["second_factor"] else "")
    out.print(table)


@people_app.command("invite")
def invite(
    account: str,
    name: Annotated[str, typer.Option(help="As it is shown.")],
    organisation: Annotated[str, typer.Option(help="Its id.")],
    role: Many = None,
    team: Many = None,
    who: By = "he",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Make an account, and a link with which its person chooses a password."""
    person = {
        "account": account,
        "name": name,
        "organisation": organisation,
        "roles": role or [],
        "teams": team or [],
    }
    shown(visitor_of(home, who).market("POST", "/api/v1/people", json=person), as_json)


@people_app.command("invite-file")
def invite_file(file: Path, who: By = "he", home: Home = None, as_json: Json = False) -> None:
    """Invite everybody of a CSV file (account,name,organisation,roles,teams), or nobody."""
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} cannot be read: {error}.", remedy="Save it as CSV in UTF-8.") from None
    made = visitor_of(home, who).market("POST", "/api/v1/people/file", json={"csv": text})
    if as_json:
        print_json(made)
        return
    for one in made["invitations"]:
        shown(one, as_json=False)


@people_app.command("link")
def new_link(account: str, who: By = "he", home: Home = None, as_json: Json = False) -> None:
    """Take a forgotten password (or a lost link) away, and make a new link."""
    shown(visitor_of(home, who).market("POST", f"{at(account)}/link"), as_json)


@people_app.command("withdraw")
def withdraw(account: str, who: By = "he", home: Home = None) -> None:
    """Make an open link useless."""
    visitor_of(home, who).market("DELETE", f"{at(account)}/link")
    out.print(f"The link of {escape(account)} opens nothing any more.")


@people_app.command("disable")
def disable(
    account: str,
    reason: Annotated[str, typer.Option(help="Why: it is logged.")],
    who: By = "he",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Disable an account: its next request is refused."""
    done = visitor_of(home, who).market("POST", f"{at(account)}/disable", json={"reason": reason})
    show(done, as_json, f"{account} is disabled.")


@people_app.command("enable")
def enable(account: str, who: By = "he", home: Home = None, as_json: Json = False) -> None:
    """Enable a disabled account, with a link for a new password."""
    shown(visitor_of(home, who).market("POST", f"{at(account)}/enable"), as_json)


@people_app.command("roles")
def roles(account: str, role: Many = None, who: By = "he", home: Home = None, as_json: Json = False) -> None:
    """Give an account exactly these roles."""
    done = visitor_of(home, who).market("PUT", f"{at(account)}/roles", json={"roles": role or []})
    show(done, as_json, f"{account} has the roles: {', '.join(done['roles']) or 'none'}.")


@people_app.command("unlock")
def unlock(account: str, who: By = "he", home: Home = None) -> None:
    """Take the counts of wrong logins back."""
    visitor_of(home, who).market("POST", f"{at(account)}/unlock")
    out.print(f"{escape(account)} can try again.")


@people_app.command("remove-factors")
def remove_factors(account: str, who: By = "he", home: Home = None) -> None:
    """Remove the second factors of somebody who lost them."""
    visitor_of(home, who).market("DELETE", f"{at(account)}/factors")
    out.print(f"{escape(account)} has no second factor.")


@people_app.command("disconnect")
def disconnect(
    account: str,
    provider: Annotated[str, typer.Argument(help="The identity provider's id.")],
    who: By = "he",
    home: Home = None,
) -> None:
    """Take the identity of an identity provider from an account."""
    visitor_of(home, who).market("DELETE", f"{at(account)}/identities/{quote(provider, safe='')}")
    out.print(f"{escape(provider)} opens {escape(account)} no more.")


@people_app.command("organisation")
def organisation(id: str, name: str, who: By = "he", home: Home = None, as_json: Json = False) -> None:
    """Enter an organisation."""
    done = visitor_of(home, who).market("POST", "/api/v1/organisations", json={"id": id, "name": name})
    show(done, as_json, f"{id} is entered.")


@people_app.command("team")
def team(id: str, name: str, who: By = "he", home: Home = None, as_json: Json = False) -> None:
    """Form a team."""
    done = visitor_of(home, who).market("POST", "/api/v1/teams", json={"id": id, "name": name})
    show(done, as_json, f"The team {id} is formed.")


@people_app.command("join")
def join(team: str, account: str, who: By = "he", home: Home = None, as_json: Json = False) -> None:
    """Put an account into a team."""
    body = {"account": account}
    done = visitor_of(home, who).market("POST", f"/api/v1/teams/{quote(team, safe='')}/members", json=body)
    show(done, as_json, f"{account} is in: {', '.join(done['teams'])}.")


@people_app.command("leave")
def leave(team: str, account: str, who: By = "he", home: Home = None) -> None:
    """Take an account out of a team."""
    where = f"/api/v1/teams/{quote(team, safe='')}/members/{quote(account, safe='')}"
    visitor_of(home, who).market("DELETE", where)
    out.print(f"{escape(account)} is not in {escape(team)} any more.")


@people_app.command("merge")
def merge(team: str, into: str, who: By = "he", home: Home = None, as_json: Json = False) -> None:
    """Put all members of a team into another, and close it to new ones."""
    where = f"/api/v1/teams/{quote(team, safe='')}/merge"
    done = visitor_of(home, who).market("POST", where, json={"into": into})
    show(done, as_json, f"{team} went over into {into}.")


@me_app.command("security")
def security(who: As = "wang", home: Home = None, as_json: Json = False) -> None:
    """Show your second factors."""
    found = visitor_of(home, who).market("GET", "/api/v1/me/security")
    since = found["one_time_codes_since"]
    show(
        found,
        as_json,
        f"One-time codes: {'since ' + since if since else 'none'}.",
        *(f"Identity provider: {each['issuer']}." for each in found["identities"]),
        f"Passkeys: {len(found['passkeys'])}. Recovery codes left: {found['recovery_codes_left']}.",
    )


@me_app.command("password")
def password(who: As = "wang", home: Home = None) -> None:
    """Change your password, and log out everywhere."""
    visitor = visitor_of(home, who)
    now = typer.prompt("Present password", hide_input=True, err=True)
    new = typer.prompt("New password", hide_input=True, confirmation_prompt=True, err=True)
    visitor.market("POST", "/api/v1/me/password", json={"password": now, "new_password": new})
    out.print("The password is changed. Log in again.")


@me_app.command("add-codes")
def add_codes(who: As = "wang", home: Home = None) -> None:
    """Use one-time codes of an authenticator app as second factor."""
    visitor = visitor_of(home, who)
    offered = visitor.market("POST", "/api/v1/me/one-time-codes")
    out.print(f"Type this secret into your app: {offered['secret']}", highlight=False)
    out.print(offered["address"], highlight=False, soft_wrap=True)
    code = typer.prompt("The six digits that it shows", err=True)
    given = visitor.market("POST", "/api/v1/me/one-time-codes/confirm", json={"code": code})
    show_recovery_codes(given)


@me_app.command("remove-codes")
def remove_codes(who: As = "wang", home: Home = None) -> None:
    """Use one-time codes no more."""
    visitor_of(home, who).market("DELETE", "/api/v1/me/one-time-codes")
    out.print("There are no one-time codes any more.")


@me_app.command("recovery-codes")
def recovery_codes(who: As = "wang", home: Home = None) -> None:
    """Get new recovery codes; the old ones are good no more."""
    given = visitor_of(home, who).market("POST", "/api/v1/me/recovery-codes")
    show_recovery_codes(given)


@me_app.command("remove-passkey")
def remove_one_passkey(
    id: Annotated[str, typer.Argument(help="Its id, as `cihu me security --json` shows it.")],
    who: As = "wang",
    home: Home = None,
) -> None:
    """Remove a passkey of yours."""
    visitor_of(home, who).market("DELETE", f"/api/v1/me/passkeys/{quote(id, safe='')}")
    out.print("The passkey is removed.")


@me_app.command("disconnect")
def disconnect_mine(
    provider: Annotated[str, typer.Argument(help="The identity provider's id.")],
    who: As = "wang",
    home: Home = None,
) -> None:
    """Log in with an identity provider no more."""
    visitor_of(home, who).market("DELETE", f"/api/v1/me/identities/{quote(provider, safe='')}")
    out.print(f"{escape(provider)} opens your account no more.")


@me_app.command("export")
def export(who: As = "wang", home: Home = None) -> None:
    """Print what the portal and the vault hold about you, as JSON."""
    held = visitor_of(home, who).market("GET", "/api/v1/me/export")
    print_json(held, indent=1 if sys.stdout.isatty() else None)


def show_recovery_codes(given: dict[str, Any]) -> None:
    out.print("Recovery codes, each good once. Keep them: they are never shown again.")
    for each in given["recovery_codes"]:
        out.print(f"  {each}", highlight=False)


def at(account: str) -> str:
    return f"/api/v1/people/{quote(account, safe='')}"


def shown(link: dict[str, Any], as_json: bool) -> None:
    show(link, as_json, f"{link['account']}: {link['link']} (once, until {link['expires_at']})")
