"""Commands of reviews, for officers: the queue, one review, the vote."""

import sys
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.markup import escape
from rich.table import Table

from sandbox.cli.terminal import As, Home, Json, app, id_column, out, print_json, show, visitor_of, whole_id

MOST_SHOWN = 40  # of the cells that are new or changed


@app.command()
def reviews(
    decided: Annotated[
        bool, typer.Option(help="Those that are decided, instead of those that wait.")
    ] = False,
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Outputs of sealed runs that wait for reviewers, the most urgent first (data officers)."""
    told = visitor_of(home, who).vault(
        "GET", "/v1/reviews", params={"state": "decided" if decided else "waiting"}
    )
    if as_json:
        return print_json(told)
    table = Table(id_column("review"), "due", "run", "team", "reads", "files", "state")
    for one in told:
        table.add_row(
            one["id"],
            one["due_at"][:10] + (" overdue" if one["overdue"] else ""),
            escape(one["name"]),
            one["team"],
            ", ".join(one["datasets"]),
            str(one["files"]),
            one["outcome"] or one["state"],
        )
    return out.print(table)


@app.command()
def review(
    review_id: Annotated[str, typer.Argument(help="As `cihu reviews` shows it, or its beginning.")],
    view: Annotated[str, typer.Option(help="Print this file. The view is logged.")] = "",
    ending: Annotated[bool, typer.Option(help="How the run ended, and its log. The view is logged.")] = False,
    original: Annotated[
        bool, typer.Option(help="With --view: as the run left it, not as it would leave.")
    ] = False,
    give_on: Annotated[
        bool, typer.Option(help="Once overdue: let others take the seats of who did not go on.")
    ] = False,
    vote: Annotated[
        list[str] | None, typer.Option(help="PATH=approve, =change or =refuse; once for each file.")
    ] = None,
    comment: Annotated[
        str, typer.Option(help="Needed for a change and a refusal, and where a check asks.")
    ] = "",
    reason: Annotated[
        list[str] | None, typer.Option(help="Why: one of those of policies/reviews.yaml.")
    ] = None,
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Look at an output that waits, and vote on its files (data officers),
    blind to the others until all have voted."""
    visitor = visitor_of(home, who)
    review_id = whole_id(visitor, review_id, "/v1/reviews", "/v1/reviews?state=decided")
    address = f"/v1/reviews/{quote(review_id, safe='')}"
    if view:
        content: bytes = visitor.vault(
            "GET", f"{address}/files/{quote(view)}", params={"original": str(original).lower()}
        )
        if sys.stdout.isatty():
            print(_visible(content.decode("utf-8", "backslashreplace")))
        else:
            sys.stdout.buffer.write(content)
        return None
    if ending:
        return _show_ending(visitor.vault("GET", f"{address}/ending"), as_json)
    told = visitor.vault("POST", f"{address}/seats/give-on") if give_on else visitor.vault("GET", address)
    if vote:
        parts = [one.rpartition("=") for one in vote]
        told = visitor.vault(
            "POST",
            f"{address}/votes",
            json={
                "revision": told["revision"],
                "votes": [
                    {
                        "path": path,
                        "vote": choice,
                        "comment": comment,
                        "reasons": [] if choice == "approve" else reason or [],
                    }
                    for path, _, choice in parts
                ],
            },
        )
    lines = [
        f"{told['name']} of {told['team']}: {told['outcome'] or told['state']}; "
        f"{told['submitted']} of {told['needed']} have voted.",
        _capacity_line(told["capacity"]),
    ]
    for one in told["files"]:
        lines += [
            f"  {one['path']}  {one['statbarn']}  {one['size'] if one['left'] else 'not left'}",
            *[
                line
                for found in one["findings"]
                for line in (f"    {found['severity']}: {found['message']}", f"      {found['remedy']}")
                if line.strip()
            ],
            *[_visible(line) for each in one["differences"] for line in _difference_lines(each)],
            *[
                f"    {cast['reviewer']} ({cast['round']}): {cast['vote']} {cast['comment']}"
                for cast in told["votes"]
                if cast["path"] == one["path"]
            ],
        ]
    return show(told, as_json, *[escape(line) for line in lines])


def _difference_lines(told: dict[str, Any]) -> list[str]:
    """A file beside one that left earlier."""
    whose = f" of the team {told['team']}" if told["team"] else ""
    head = f"    beside {told['path']} of run {told['run'][:8]}{whose}, released {told['released_at'][:10]}: "
    table = told["table"]
    if told["same"]:
        return [head + "the same"]
    if table is None:
        return [head + "not compared cell by cell"]
    said = [
        *[f"new row {number}" for number in table["new_rows"]],
        *[f"new column {name}" for name in table["new_columns"]],
        *[f"changed: row {cell['row']}, {cell['column']}" for cell in table["changed"]],
        *([f"{table['gone_rows']} rows are gone"] if table["gone_rows"] else []),
        *[f"column {name} is gone" for name in table["gone_columns"]],
    ]
    more = [f"      and {len(said) - MOST_SHOWN} more"] if len(said) > MOST_SHOWN else []
    return [
        head + ("" if said else "no cell is new or changed"),
        *[f"      {line}" for line in said[:MOST_SHOWN]],
        *more,
    ]


def _capacity_line(told: dict[str, Any]) -> str:
    def of(number: int, limit: int) -> str:
        return f"{number:,} of {limit:,}" if limit else f"{number:,}"

    together = "".join(
        f" The teams of {one['organisation']} together were told "
        f"{of(one['told_bits'], one['limit_bits'])} bits and got "
        f"{of(one['told_files'], one['limit_files'])} such files."
        for one in told["organisations"]
    )
    return (
        f"In {told['days']} days the team was told at most {of(told['told_bits'], told['limit_bits'])} bits "
        f"and got {of(told['told_files'], told['limit_files'])} files without a bound. This review adds "
        f"{told['answer_bits']:,} bits by its answer; its files would add {told['release_bits']:,} bits and "
        f"{told['release_files']} files without a bound.{together}"
    )


def _visible(text: str) -> str:
    """A program wrote it: what could steer a terminal, or hide, is shown by its number."""
    return "".join(
        letter if letter.isprintable() or letter in "\n\t" else f"\\u{ord(letter):04x}" for letter in text
    )


def _show_ending(told: dict[str, Any], as_json: bool) -> None:
    status = f", exit status {told['status']}" if told["status"] is not None else ""
    lines = [
        f"It ended: {told['ended']}{status}, after {told['seconds']} s. {told['why']}".rstrip(),
        *[f"  {name}: {why or 'computed'}" for name, why in told["recipes"].items()],
        *[f"  not collected: {one['path']}: {one['why']}" for one in told["left_out"]],
        *[f"  {one['severity']}: {one['message']} {one['where']}".rstrip() for one in told["findings"]],
        "Its log:",
        *told["log"].splitlines(),
    ]
    show(told, as_json, *[escape(_visible(line)) for line in lines])
