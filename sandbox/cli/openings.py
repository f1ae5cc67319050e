"""Commands for the review before a dataset opens (数据安全审查): list, look at one, answer, refuse."""

from typing import Annotated, Any

import typer

from sandbox.cli.terminal import As, Home, Json, app, show, visitor_of

Items = Annotated[
    list[str] | None, typer.Option("--yes", help="Answer this item with yes; give it once for each item.")
]


def held_lines(published: dict[str, Any]) -> list[str]:
    """What a publishing says of a version that waits."""
    if "held" not in published:
        return []
    review = published["held"]["review"]
    return [
        f"  It is held: nobody uses it until its review {review} is decided. "
        f"It waits for answers to {', '.join(published['held']['unanswered'])}.",
        f"  See it with: cihu opening {review}",
    ]


@app.command()
def openings(
    dataset: Annotated[str | None, typer.Argument(help="Of one dataset; without it, of all.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Those that are decided, too.")] = False,
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """List the reviews before datasets of your department open (data officers)."""
    chosen = ({} if every else {"state": "waiting"}) | ({"dataset": dataset} if dataset else {})
    known = visitor_of(home, who).vault("GET", "/v1/openings", params=chosen)
    show({"openings": known}, as_json, *map(opening_line, known) if known else ["No review waits."])


@app.command()
def opening(
    number: Annotated[int, typer.Argument(help="The review's number; `cihu openings` lists them.")],
    yes: Items = None,
    no: Annotated[list[str] | None, typer.Option("--no", help="Answer this item with no.")] = None,
    note: Annotated[str, typer.Option(help="With an answer: why.")] = "",
    refuse: Annotated[str, typer.Option(help="Refuse that it opens, for this reason.")] = "",
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Show what is asked before a dataset opens, answer it, or refuse (data officers).

    Whoever published answers their items, another officer of the department those of the second person.
    With the last yes it opens.
    """
    officer, path = visitor_of(home, who), f"/v1/openings/{number}"
    answers = [{"item": item, "yes": True, "note": note} for item in yes or ()]
    answers += [{"item": item, "yes": False, "note": note} for item in no or ()]
    if refuse:
        done = officer.vault("POST", f"{path}/refuse", json={"reason": refuse})
    elif answers:
        done = officer.vault("POST", f"{path}/answers", json={"answers": answers})
    else:
        done = officer.vault("GET", path)
    show(done, as_json, opening_line(done), *[f"  {item_line(item)}" for item in done["items"]])


def opening_line(review: dict[str, Any]) -> str:
    reasons = "; ".join(reason["text"]["en"] for reason in review["reasons"])
    what = f"{review['dataset']}, version {review['version']}"
    if review["kind"] == "open_copy":
        what += f", open copy of {', '.join(review['columns'])}"
    end = f" {review['reason']}" if "reason" in review else ""
    due = f", due {review['due_at'][:10]}{' (overdue)' if review['overdue'] else ''}"
    state = review["state"] + (due if review["state"] == "waiting" else "")
    return f"{review['id']}: {what}, grade {review['grade']}: {state}. {reasons}.{end}"


def item_line(item: dict[str, Any]) -> str:
    if "yes" in item:
        answer = f"{'yes' if item['yes'] else 'no'} ({item['by']})"
    elif item["answered_by"] == "system":
        answer = "confirmed by the system"
    else:
        answer = f"waits for the {item['answered_by'].replace('_', ' ')}"
    about = [name for name in item["about"] if name != "*"]
    looked = f" Look at: {', '.join(about)}." if about else ""
    note = f" {item['note']}" if item.get("note") else ""
    return f"{item['id']}: {item['question']['en']}: {answer}.{looked}{note}"
