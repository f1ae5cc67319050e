"""The commands for decisions: what was refused, why something was allowed or refused, and what the rules
would say of a deed that nobody did."""

from typing import Annotated, Any
from urllib.parse import urlencode

import typer
from rich.markup import escape

from sandbox.cli.terminal import As, Home, Json, app, show, visitor_of

Before = Annotated[int | None, typer.Option(help="Go on below this entry.")]


@app.command()
def refused(who: As = "lin", before: Before = None, home: Home = None, as_json: Json = False) -> None:
    """List deeds that the rules refused: your own; of data officers those on their department's objects; of
    auditors all."""
    query = f"?before={before}" if before is not None else ""
    found = visitor_of(home, who).vault("GET", f"/v1/decisions{query}")
    lines = [
        escape(
            f"{each['entry']}  {each['time'][:19]}  {each['person']}: {each['deed_en']}, "
            f"{each['kind']} {each['id']} [{each['code']}]"
        )
        for each in found["attempts"]
    ]
    more = [f"More: --before {found['older']}"] if found["older"] is not None else []
    explain = ["Why: cihu why ENTRY"] if lines else ["Nothing was refused."]
    show(found, as_json, *lines, *more, *explain)


@app.command()
def why(
    entry: Annotated[int, typer.Argument(help="An entry of the log, as `cihu refused` lists them.")],
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Explain the decision of a log entry: which rule decided, and what would have to be different."""
    found = visitor_of(home, who).vault("GET", f"/v1/decisions/{entry}")
    lines = [line for each in found["decisions"] for line in _told(each)]
    show(found, as_json, f"Entry {entry}, {found['time'][:19]} ({found['entry_kind']})", *lines)


@app.command("what-if")
def what_if(
    person: Annotated[str, typer.Argument(help="A login name, or `public` for anybody without an account.")],
    action: Annotated[str, typer.Argument(help="An action of policies/schema.cedarschema, such as ask.")],
    kind: Annotated[str, typer.Argument(help="The kind of object, such as Grant.")],
    id: Annotated[str, typer.Argument(help="Its name or number.")],
    team: Annotated[str, typer.Option(help="With request_access: for which team.")] = "",
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Ask whether somebody may do something now, and why. It is no decision, and is not logged."""
    query = urlencode({"person": person, "action": action, "kind": kind, "id": id, "team": team})
    found = visitor_of(home, who).vault("GET", f"/v1/what-if?{query}")
    show(found, as_json, "What the rules say now; nothing is decided or logged.", *_told(found["decision"]))


def _told(decision: dict[str, Any]) -> list[str]:
    verdict = "Allowed" if decision["allowed"] else "Refused"
    lines = [decision["question_en"], f"{verdict} [{decision['code']}]: {decision['reason_en']}"]
    lines += [f"  {rule['file']}, {rule['id']}" for rule in decision["rules"]]
    if decision["remedy_en"]:
        lines.append(f"What to do: {decision['remedy_en']}")
    if decision["ways"]:
        lines.append("It would be allowed if, each by itself enough:")
        lines += [
            f"  - {'; and '.join(each['text_en'] for each in way['changes'])}" for way in decision["ways"]
        ]
    elif decision["could"]:
        lines.append("The rules that could allow it:")
        lines += [f"  - {rule['id']} ({rule['file']}): {rule['reason_en']}" for rule in decision["could"]]
    if not decision["same_rules"]:
        lines.append("The rules have changed since.")
    return [escape(line) for line in lines]
