"""Commands for the life of a dataset: versions, announcements, withdrawal, retirement, erasure; and for the
list of data that analysts ask for."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

import typer

from sandbox.cli.terminal import As, Home, Json, app, of, show, visitor_of
from sandbox.errors import InvalidInput


@app.command()
def versions(
    dataset: str,
    compare: Annotated[
        tuple[int, int] | None, typer.Option(help="Two versions: what changed from one to the other.")
    ] = None,
    who: As = "wang",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """List the versions of a dataset and what each changed, or compare two of them."""
    visitor = visitor_of(home, who)
    if compare is not None:
        first, second = compare
        done = visitor.vault("GET", of(dataset, f"changes?from={first}&to={second}"))
        return show(
            done,
            as_json,
            f"{dataset}, from version {first} to {second}: {done['effect']}.",
            *[f"  {change['effect']}: {change['text']['en']}" for change in done["changes"]],
        )
    done = visitor.vault("GET", of(dataset, "versions"))
    return show(done, as_json, *[version_line(each) for each in done["versions"]])


def version_line(version: dict[str, Any]) -> str:
    marks = [
        *(["in use"] if version["in_use"] else []),
        *([version["effect"]] if version["effect"] else []),
        *([f"withdrawn: {version['withdrawn']['reason']}"] if "withdrawn" in version else []),
    ]
    notes = f" {version['notes']}" if version["notes"] else ""
    return (
        f"{version['number']}: {version['published_at'][:10]} by {version['published_by']} "
        f"({', '.join(marks) or 'superseded'}).{notes}"
    )


@app.command()
def announcements(
    dataset: Annotated[
        str | None, typer.Argument(help="Of one dataset; without it, of those you use.")
    ] = None,
    who: As = "wang",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Show what is announced: coming versions, versions withdrawn, retirements, erasures."""
    path = of(dataset, "announcements") if dataset else "/v1/announcements"
    told = visitor_of(home, who).vault("GET", path)
    show(
        {"announcements": told},
        as_json,
        *[
            f"{each['dataset']}: {each['text']['en']}{' ' + each['note'] if each['note'] else ''}"
            for each in told
        ]
        or ["Nothing is announced."],
    )


@app.command()
def announce(
    policy: Annotated[Path, typer.Argument(help="The policy of the coming version (YAML).")],
    dataset: Annotated[str, typer.Option(help="The dataset.")],
    first_day: Annotated[
        str, typer.Option(help="From which day on it may be published, such as 2027-06-01; in 30 days.")
    ] = "",
    notes: str = "",
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Announce the policy of a coming version to those who use the dataset (data officers)."""
    day = first_day or (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    try:
        text = policy.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{policy} cannot be read: {error}.", remedy="Give the policy (YAML).") from None
    done = visitor_of(home, who).vault(
        "POST", of(dataset, "announcements"), json={"policy": text, "first_day": day, "notes": notes}
    )
    show(
        done,
        as_json,
        f"Announcement {done['id']}: {done['text']['en']} It is {done.get('effect', 'the first in use')}.",
        *[f"  {change['effect']}: {change['text']['en']}" for change in done.get("changes", [])],
    )


@app.command()
def withdraw(
    dataset: str,
    version: int,
    reason: Annotated[str, typer.Option(help="Those who use the dataset read it.")],
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Withdraw a wrong version: questions use the one before (data officers; two from grade 4 on)."""
    begin(home, who, dataset, as_json, kind="withdraw", version=version, reason=reason)


@app.command()
def retire(
    dataset: str,
    last_day: Annotated[str, typer.Option(help="Such as 2027-06-30.")],
    reason: Annotated[str, typer.Option(help="Those who use the dataset read it.")],
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Retire a dataset: nobody asks it, reads it or gets a grant after its last day (data officers; two
    from grade 4 on)."""
    begin(home, who, dataset, as_json, kind="retire", last_day=last_day, reason=reason)


@app.command()
def erase(
    dataset: str,
    reason: Annotated[str, typer.Option(help="Those who use the dataset read it.")],
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Delete the stored rows of a dataset for good. Policies, log and what was lost stay, and its name is not
    used again (data officers; two from grade 4 on)."""
    begin(home, who, dataset, as_json, kind="erase", reason=reason)


def begin(home: Path | None, who: str, dataset: str, as_json: bool, **step: Any) -> None:
    done = visitor_of(home, who).vault("POST", of(dataset, "lifecycle"), json=step)
    show(done, as_json, *step_lines(done))


def step_lines(step: dict[str, Any]) -> list[str]:
    lines = [f"Step {step['id']} ({step['kind']} {step['dataset']}) is {step['state']}."]
    if step["state"] == "proposed":
        lines.append(
            f"  Another officer of the department agrees with: "
            f"cihu lifecycle {step['dataset']} --agree {step['id']}"
        )
    if step["open_runs"] or step["open_reviews"]:
        lines.append(f"  {step['open_runs']} sealed runs are not over, {step['open_reviews']} reviews wait.")
    return lines


@app.command()
def lifecycle(
    dataset: str,
    agree: Annotated[int | None, typer.Option(help="Agree to this step as the second officer.")] = None,
    drop: Annotated[int | None, typer.Option(help="Take this step back.")] = None,
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """List the steps that end a dataset or a version, agree to one, or take one back (data officers)."""
    officer = visitor_of(home, who)
    if agree is not None:
        done = officer.vault("POST", of(dataset, f"lifecycle/{agree}/agree"))
        return show(done, as_json, *step_lines(done))
    if drop is not None:
        officer.vault("DELETE", of(dataset, f"lifecycle/{drop}"))
        return show({"dropped": drop}, as_json, f"Step {drop} was taken back.")
    steps = officer.vault("GET", of(dataset, "lifecycle"))
    lines = [line for step in steps for line in step_lines(step)]
    return show({"steps": steps}, as_json, *lines or ["There is no step."])


@app.command()
def demands(
    ask: Annotated[str, typer.Option(help="Ask for data: which.")] = "",
    purpose: Annotated[str, typer.Option(help="With --ask: what for.")] = "",
    department: Annotated[str | None, typer.Option(help="Of which department.")] = None,
    answer: Annotated[int | None, typer.Option(help="Answer this demand (data officers).")] = None,
    state: Annotated[
        Literal["planned", "met", "declined"], typer.Option(help="With --answer: what becomes of it.")
    ] = "planned",
    note: Annotated[str, typer.Option(help="With --answer: the answer in words.")] = "",
    dataset: Annotated[str | None, typer.Option(help="With --answer: the dataset that meets it.")] = None,
    who: As = "wang",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """List the data that analysts ask for, ask for some, or answer."""
    visitor = visitor_of(home, who)
    if answer is not None:
        body = {"state": state, "answer": note} | ({"dataset": dataset} if dataset else {})
        done = visitor.vault("POST", f"/v1/demands/{answer}/answer", json=body)
        return show(done, as_json, demand_line(done))
    if ask:
        body = {"title": ask, "purpose": purpose, "department": department or ""}
        done = visitor.vault("POST", "/v1/demands", json=body)
        return show(done, as_json, demand_line(done))
    query = f"?department={quote(department)}" if department else ""
    known = visitor.vault("GET", f"/v1/demands{query}")
    return show(
        {"demands": known}, as_json, *map(demand_line, known) if known else ["Nothing was asked for."]
    )


def demand_line(demand: dict[str, Any]) -> str:
    answer = f" {demand['answer']}" if demand["answer"] else ""
    met = f" by {demand['dataset']}" if demand["dataset"] else ""
    return f"{demand['id']}: {demand['title']} ({demand['department']}): {demand['state']}{met}.{answer}"
