"""Commands for a company: register, its members and invitations, its service accounts."""

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.markup import escape

from sandbox.cli.terminal import As, Home, Json, app, home_of, show, visitor_of

Roles = Annotated[
    list[str] | None,
    typer.Option("--role", help="owner, buyer, developer or finance; give it once for each role."),
]


@app.command(name="register-company")
def register_company(
    name: Annotated[str, typer.Argument(help="The company's name.")],
    credit_code: Annotated[str, typer.Argument(help="Its 统一社会信用代码.")],
    account: Annotated[str, typer.Option(help="The login name of its first person.")],
    person: Annotated[str, typer.Option(help="The name of its first person.")],
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Register a company and its first person, without an account. The password is asked for."""
    import httpx

    from sandbox.client.session import places, send

    password = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    body = {
        "company": {"name": name, "credit_code": credit_code},
        "account": account,
        "person": person,
        "password": password,
    }
    with httpx.Client(timeout=60, trust_env=False) as client:
        made = send(client, "POST", f"{places(home_of(home)).portal}/api/v1/companies", json=body)
    show(made, as_json, f"{made['organisation']} is registered; {made['account']} can log in. {made['note']}")


@app.command()
def members(who: As = "chen", home: Home = None, as_json: Json = False) -> None:
    """List the people of your organisation, and the invitations into it."""
    visitor = visitor_of(home, who)
    found = visitor.market("GET", "/api/v1/company/members")
    found |= visitor.market("GET", "/api/v1/company/invitations")
    show(
        found,
        as_json,
        *map(member_line, found["members"]),
        *[
            f"invitation {each['id']}: {', '.join(each['roles'])}, {each['status']}, "
            f"good until {each['expires_at'][:16]}"
            for each in found["invitations"]
        ],
    )


def member_line(member: dict[str, Any]) -> str:
    state = f"closed {member['disabled_at'][:10]}" if member["disabled_at"] else ", ".join(member["roles"])
    return f"{member['account']} ({member['name']}): {state}"


@app.command()
def invite(
    roles: Roles = None,
    days: Annotated[int, typer.Option(help="For how many days the link is good.")] = 7,
    note: Annotated[str, typer.Option(help="For whom it is.")] = "",
    withdraw: Annotated[int | None, typer.Option(help="Instead: take this invitation back.")] = None,
    who: As = "chen",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Invite somebody into your company by a link that is good once (owners)."""
    visitor = visitor_of(home, who)
    if withdraw is not None:
        visitor.market("POST", f"/api/v1/company/invitations/{withdraw}/withdraw")
        return show({"withdrawn": withdraw}, as_json, f"Invitation {withdraw} is withdrawn.")
    body = {"roles": roles or [], "days": days, "note": note}
    made = visitor.market("POST", "/api/v1/company/invitations", json=body)
    return show(made, as_json, made["link"], f"Good until {made['expires_at'][:16]}. {made['note']}")


@app.command()
def member(
    account: Annotated[str, typer.Argument(help="The login name; `cihu members` lists them.")],
    roles: Annotated[list[str] | None, typer.Option("--role", help="Its roles from now on.")] = None,
    disable: Annotated[bool, typer.Option("--disable", help="Close the account.")] = False,
    reason: Annotated[str, typer.Option(help="With --disable: why.")] = "",
    who: As = "chen",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Give a member of your company other roles, or close the account (owners)."""
    visitor, path = visitor_of(home, who), f"/api/v1/company/members/{quote(account, safe='')}"
    if disable:
        visitor.market("POST", f"{path}/disable", json={"reason": reason})
        return show({"account": account, "disabled": True}, as_json, f"The account {account} is closed.")
    visitor.market("POST", f"{path}/roles", json={"roles": roles or []})
    done = f"{account} is now {', '.join(roles or [])}."
    return show({"account": account, "roles": roles}, as_json, done)


@app.command(name="sandbox-key")
def sandbox_key(who: As = "chen", home: Home = None, as_json: Json = False) -> None:
    """Make a key that opens stand-in rows of every product of rows, at no cost and without an order."""
    made = visitor_of(home, who).market("POST", "/api/v1/sandbox-keys")
    show(made, as_json, made["key"], made["note"])


@app.command(name="service-accounts")
def service_accounts(who: As = "chen", home: Home = None, as_json: Json = False) -> None:
    """List the service accounts of your company."""
    found = visitor_of(home, who).market("GET", "/api/v1/service-accounts")
    known = found["service_accounts"]
    lines = [
        f"{each['id']} ({each['label']}): {each['status']}, {each['mode']}, {', '.join(each['scopes'])}, "
        f"last used {(each['last_used_at'] or 'never')[:16]}"
        for each in known
    ]
    show(found, as_json, *lines or ["There is no service account."])


@app.command(name="service-account")
def service_account(
    label: Annotated[str, typer.Option(help="Make one for this program.")] = "",
    test: Annotated[bool, typer.Option("--test", help="It gets sample rows and costs nothing.")] = False,
    rotate: Annotated[str, typer.Option(help="Instead: a new secret for this client id.")] = "",
    revoke: Annotated[str, typer.Option(help="Instead: revoke this client id at once.")] = "",
    who: As = "chen",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Make a service account for a program, give it a new secret, or revoke it (owners, developers)."""
    visitor, path = visitor_of(home, who), "/api/v1/service-accounts"
    if revoke:
        visitor.market("POST", f"{path}/{quote(revoke, safe='')}/revoke", json={})
        return show({"revoked": revoke}, as_json, f"{revoke} is revoked.")
    if rotate:
        made = visitor.market("POST", f"{path}/{quote(rotate, safe='')}/rotate", json={})
    else:
        body = {"label": label, "mode": "test" if test else "live"}
        made = visitor.market("POST", path, json=body)
    shown = (f"client_id: {made['client_id']}", f"client_secret: {made['client_secret']}", made["note"])
    return show(made, as_json, *shown)


LIMITS = ("calls_per_second", "calls_per_month", "concurrent_calls", "bytes_per_month")
Organisation = Annotated[
    str | None, typer.Option("--organisation", help="As an operator: of this company, not of your own.")
]


@app.command(name="company-limits")
def company_limits(
    calls_per_second: Annotated[int | None, typer.Option(min=0, help="0: no limit.")] = None,
    calls_per_month: Annotated[int | None, typer.Option(min=-1, help="-1: no limit.")] = None,
    concurrent_calls: Annotated[int | None, typer.Option(min=0, help="0: no limit.")] = None,
    bytes_per_month: Annotated[int | None, typer.Option(min=-1, help="-1: no limit.")] = None,
    reason: Annotated[str, typer.Option(help="Why; the log has it.")] = "",
    organisation: Organisation = None,
    who: As = "chen",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Show the limits of a whole company and what it used of them; with an option, set them. Options that are
    left out stay as they are. An owner's limits are at most as high as the operator's."""
    visitor = visitor_of(home, who)
    path = f"/api/v1/companies/{quote(organisation, safe='')}" if organisation else "/api/v1/company"
    found = visitor.market("GET", f"{path}/limits")
    given = dict(
        zip(LIMITS, (calls_per_second, calls_per_month, concurrent_calls, bytes_per_month), strict=True)
    )
    none = {"calls_per_second": 0, "concurrent_calls": 0, "calls_per_month": -1, "bytes_per_month": -1}
    changed = {
        name: None if value == none[name] else value for name, value in given.items() if value is not None
    }
    if changed:
        body = {**found["operator" if organisation else "owner"], **changed, "reason": reason}
        found = visitor.market("PUT", f"{path}/limits", json=body)
    show(found, as_json, *limit_lines(found))


def limit_lines(found: dict[str, Any]) -> list[str]:
    used = {
        "calls_per_month": found["calls"],
        "bytes_per_month": found["bytes"],
        "concurrent_calls": found["in_progress"],
    }
    lines = [f"{found['organisation']}, {found['month']}, over all licences, keys and service accounts:"]
    for name in LIMITS:
        most, who = found["in_effect"][name], []
        who = [by for by in ("operator", "owner") if most is not None and found[by][name] == most]
        told = "no limit" if most is None else f"{most} (set by {' and '.join(who)})"
        lines.append(f"  {name}: {told}" + (f", used {used[name]}" if name in used else ""))
    return lines


@app.command(name="end-company")
def end_company(
    last_day: Annotated[str | None, typer.Option(help="Its last day, such as 2027-01-31.")] = None,
    reason: Annotated[str, typer.Option(help="Why; an operator must say it.")] = "",
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Instead: take the notice back.")] = False,
    organisation: Organisation = None,
    who: As = "chen",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Give notice that your company ends (owners), or end a company at once (operators). With it its keys,
    licences and service accounts end, and its open invoices become final."""
    visitor = visitor_of(home, who)
    if withdraw:
        visitor.market("POST", "/api/v1/company/ending/withdraw")
        return show({"withdrawn": True}, as_json, "The notice is taken back.")
    if organisation:
        path = f"/api/v1/companies/{quote(organisation, safe='')}/end"
        ended = visitor.market("POST", path, json={"reason": reason})
        told = f"{organisation} has ended; its export is there until {ended['export_until'][:10]}."
        return show(ended, as_json, told)
    body = {"reason": reason, "last_day": last_day}
    noticed = visitor.market("POST", "/api/v1/company/ending", json=body)
    return show(
        noticed,
        as_json,
        f"The company ends at {noticed['ends_at'][:16]}. Until then everything goes on.",
        "Take the notice back: cihu end-company --withdraw",
    )


@app.command(name="company-export")
def company_export(
    to: Annotated[Path, typer.Argument(help="The zip to write.")] = Path("company-export.zip"),
    who: As = "chen",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Download all orders, licences, usage lines, receipts and invoices of your company (owners)."""
    saved = visitor_of(home, who).market_file("/api/v1/company/export", to)
    show(
        {"file": str(saved), "bytes": saved.stat().st_size},
        as_json,
        f"{escape(str(saved))}: {saved.stat().st_size} bytes.",
        f"Check it: cihu verify-export {escape(str(saved))} --key … --log-key …",
    )


@app.command(name="verify-export")
def verify_export(
    export: Annotated[Path, typer.Argument(help="The zip, as `cihu company-export` writes it.")],
    key: Annotated[
        str, typer.Option(help="The portal's public key (GET /api/v1/manifest-key), or a file of it.")
    ],
    log_key: Annotated[
        str, typer.Option(help="The log's public key (`cihu audit key`), or a file of it: for receipts.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Check the export of a company without the portal: digests, signature, each line's way to the log."""
    from sandbox.client.company_export import verify_export as verify

    found = verify(export, key=text_or_file(key), log_key=text_or_file(log_key) if log_key else None)
    show(
        {
            "verified": True,
            "organisation": found.organisation,
            "as_of": found.as_of,
            "files": list(found.files),
            "lines": found.lines,
            "receipts": found.receipts,
        },
        as_json,
        f"Verified: {escape(found.organisation)} as of {found.as_of[:16]}, {len(found.files)} files.",
        f"{found.receipts} of {found.lines} usage lines are proven to be in the log."
        if log_key
        else "Receipts are not checked: give --log-key.",
    )


def text_or_file(given: str) -> str:
    return Path(given).read_text("utf-8").strip() if Path(given).is_file() else given
