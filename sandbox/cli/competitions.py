"""Commands for competitions (大赛): organisers, teams, jurors, and anybody who wants to verify a result."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import quote

import typer
from rich.markup import escape
from rich.table import Table

from sandbox.cli.terminal import As, Home, Json, app, key_given, out, print_json, show, visitor_of
from sandbox.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from sandbox.client.session import ClientSession

competition_app = typer.Typer(
    no_args_is_help=True, help="Competitions: hold one, take part, judge, and verify a result."
)
app.add_typer(competition_app, name="competition")

Name = Annotated[str, typer.Argument(help="The competition's name.")]
Track = Annotated[str, typer.Option("--track", help="The track's id.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept.")]
File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The document (YAML).")]
LISTED = "/v1/competitions"
DRAFTS = "/v1/competition-drafts"


def at(name: str, rest: str = "") -> str:
    return f"{LISTED}/{quote(name, safe='')}{rest}"


@competition_app.command()
def check(file: File, who: As = "lin", home: Home = None, as_json: Json = False) -> None:
    """Say all that is wrong with a competition's document (data officers). Fails if anything is."""
    told = visitor_of(home, who).vault("POST", DRAFTS + "/check", json={"text": _text(file)})
    lines = [f"{fault['message']['en']} {fault['remedy']['en']}" for fault in told["faults"]]
    examples = [
        f"{board['track']}: target {example['target']!r}, prediction {example['prediction']!r}: "
        + (f"{example['value']} (of {example['given']})" if "given" in example else "no value, counts as 0")
        for board in told["boards"]
        for example in board.get("examples", ())
    ]
    show(told, as_json, *(lines or ["Nothing is wrong with it."]), *examples)
    if told["faults"]:
        raise typer.Exit(1)


@competition_app.command()
def create(file: File, who: As = "lin", home: Home = None, as_json: Json = False) -> None:
    """Draft a competition, or change its draft (data officers)."""
    _shown(visitor_of(home, who).vault("POST", DRAFTS, json={"text": _text(file)}), as_json)


@competition_app.command()
def agree(name: Name, who: As = "tang", home: Home = None, as_json: Json = False) -> None:
    """Agree to a draft as it is now, as its second officer or for your department's data (data officers)."""
    officer = visitor_of(home, who)
    draft = officer.vault("GET", f"{DRAFTS}/{quote(name, safe='')}")
    _shown(officer.vault("POST", at(name, "/agree"), json={"sha256": draft["sha256"]}), as_json)


@competition_app.command()
def announce(name: Name, who: As = "lin", home: Home = None, as_json: Json = False) -> None:
    """Make a competition public; from now on it does not change (data officers)."""
    _shown(visitor_of(home, who).vault("POST", at(name, "/announce")), as_json)


@competition_app.command()
def cancel(name: Name, reason: Reason, who: As = "lin", home: Home = None, as_json: Json = False) -> None:
    """End a competition without a result (data officers)."""
    _shown(visitor_of(home, who).vault("POST", at(name, "/cancel"), json={"reason": reason}), as_json)


@competition_app.command("list")
def list_competitions(
    own: Annotated[bool, typer.Option("--own", help="Your department's, drafts too.")] = False,
    who: As = "wang",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """List the competitions that were announced."""
    listed = visitor_of(home, who).vault("GET", DRAFTS if own else LISTED)
    lines = [f"{one['name']}: {one['title']['en']}, {one['state']}" for one in listed]
    show({"competitions": listed}, as_json, *(lines or ["There is no competition."]))


@competition_app.command("show")
def show_competition(name: Name, who: As = "wang", home: Home = None, as_json: Json = False) -> None:
    """Show a competition: its phases, terms and state."""
    _shown(visitor_of(home, who).vault("GET", at(name)), as_json)


@competition_app.command()
def split(
    name: Name,
    track: Track,
    accept: Annotated[
        list[str] | None, typer.Option("--accept", help="What left earlier, by its name; `left` lists it.")
    ] = None,
    read_whole: Annotated[
        list[str] | None, typer.Option("--read-whole", help="A dataset of other ids that has no target.")
    ] = None,
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Split the people of a track: from now on everybody reads train people alone (data officers)."""
    new = {"track": track, "accepted": accept or [], "read_whole": read_whole or []}
    made = visitor_of(home, who).vault("POST", at(name, "/splits"), json=new)
    lines = [f"{one['track']}: live {one['live']}, final {one['final']}, {one['commitment']}" for one in made]
    show({"splits": made}, as_json, *lines)


@competition_app.command()
def left(name: Name, track: Track, who: As = "lin", home: Home = None, as_json: Json = False) -> None:
    """List what left of a track's data before its people are split (data officers)."""
    found = visitor_of(home, who).vault("GET", at(name, "/left-earlier"), params={"track": track})
    lines = [f"{one['name']} of {one['of']}, {one['at']}" for one in found]
    show({"left": found}, as_json, *(lines or ["Nothing left earlier."]))


@competition_app.command()
def statistics(name: Name, who: As = "lin", home: Home = None, as_json: Json = False) -> None:
    """Count teams, people and entries of a competition (data officers of its organiser)."""
    found = visitor_of(home, who).vault("GET", at(name, "/statistics"))
    teams = ", ".join(f"{number} {state}" for state, number in found["teams"].items()) or "none"
    lines = [f"teams: {teams}; people: {found['people']} of {found['organisations']} organisations"]
    lines += [
        f"{one['track']}: {one['entries']} entries"
        + "".join(f", {number} {state}" for state, number in one["states"].items())
        for one in found["tracks"]
    ]
    show(found, as_json, *lines)


@competition_app.command("open-splits")
def open_splits(name: Name, who: As = "lin", home: Home = None, as_json: Json = False) -> None:
    """Tell the seeds of a competition that has ended (data officers)."""
    made = visitor_of(home, who).vault("POST", at(name, "/splits/open"))
    show({"splits": made}, as_json, *[f"{one['track']}: {one.get('seed', one['state'])}" for one in made])


@competition_app.command()
def teams(name: Name, who: As = "wang", home: Home = None, as_json: Json = False) -> None:
    """List the teams of a competition."""
    found = visitor_of(home, who).vault("GET", at(name, "/teams"))
    lines = [f"{one['id']}: {one.get('name', '(hidden)')}, {one['state']}" for one in found]
    show({"teams": found}, as_json, *(lines or ["There is no team yet."]))


@competition_app.command()
def join(
    name: Name,
    team: Annotated[str, typer.Option("--form", help="Form a team of this name.")] = "",
    invitation: Annotated[str, typer.Option("--invitation", help="Join the team that gave it.")] = "",
    accept_terms: Annotated[
        bool, typer.Option("--accept-terms", help="You have read and accept the competition's terms.")
    ] = False,
    hidden: Annotated[bool, typer.Option("--hidden", help="Hide the team's name until the notice.")] = False,
    receipt: Annotated[Path | None, typer.Option(help="Write the receipt of your acceptance here.")] = None,
    who: As = "wang",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Form a team, or join one by its invitation. You accept the terms, and get a receipt of it."""
    if bool(team) == bool(invitation) or not accept_terms:
        raise InvalidInput(
            "Say --form or --invitation, and --accept-terms.",
            remedy=f"Read the terms first: cihu competition show {name} --json",
            zh="请给出 --form 或 --invitation，以及 --accept-terms。",
            remedy_zh=f"请先阅读条款：cihu competition show {name} --json",
        )
    person = visitor_of(home, who)
    terms = person.vault("GET", at(name))["terms_sha256"]
    if team:
        new = {"name": team, "terms_sha256": terms, "hidden": hidden}
        made = person.vault("POST", at(name, "/teams"), json=new)
    else:
        made = person.vault(
            "POST", at(name, "/members"), json={"invitation": invitation, "terms_sha256": terms}
        )
    if receipt is not None:
        receipt.write_text(json.dumps(made["receipt"]), "utf-8")
    secret = [f"  Invitation for others, shown once: {made['invitation']}"] if team else []
    show(made, as_json, *_team_lines(made["team"]), *secret)


@competition_app.command()
def team(name: Name, who: As = "wang", home: Home = None, as_json: Json = False) -> None:
    """Show your team and what it has used of its limits."""
    found = visitor_of(home, who).vault("GET", at(name, "/my-team"))
    show(found, as_json, *_team_lines(found))


@competition_app.command()
def leave(name: Name, who: As = "wang", home: Home = None) -> None:
    """Leave your team. Who leaves a team that has entered joins no other."""
    visitor_of(home, who).vault("POST", at(name, "/leave"))
    out.print("You are in no team of this competition.")


@competition_app.command()
def dissolve(name: Name, who: As = "wang", home: Home = None) -> None:
    """Dissolve your team before it has entered (its captain)."""
    visitor_of(home, who).vault("POST", at(name, "/dissolve"))
    out.print("The team is dissolved.")


@competition_app.command()
def withdraw(name: Name, reason: Reason, who: As = "wang", home: Home = None) -> None:
    """Withdraw your team; what it did stays in the history (its captain)."""
    visitor_of(home, who).vault("POST", at(name, "/withdraw"), json={"reason": reason})
    out.print("The team has withdrawn.")


@competition_app.command()
def merge(
    name: Name,
    into: Annotated[int, typer.Option(help="Propose to merge your team into this one.")] = 0,
    accept: Annotated[int, typer.Option(help="Take in this team, which proposed it.")] = 0,
    who: As = "wang",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Merge two teams: one captain proposes, the other accepts."""
    if bool(into) == bool(accept):
        raise InvalidInput(
            "Say --into or --accept.",
            remedy="List the teams: cihu competition teams",
            zh="请给出 --into 或 --accept。",
            remedy_zh="列出团队：cihu competition teams",
        )
    if into:
        visitor_of(home, who).vault("POST", at(name, "/mergers"), json={"into": into})
        return out.print("Proposed. The captain of the other team accepts it.")
    found = visitor_of(home, who).vault("POST", at(name, f"/mergers/{accept}/accept"))
    return show(found, as_json, *_team_lines(found))


@competition_app.command()
def enter(
    name: Name,
    track: Track,
    run: Annotated[str, typer.Option(help="The run of a predictor that your team submitted.")] = "",
    document: Annotated[Path | None, typer.Option(help="A document (Markdown) for the jury.")] = None,
    question: Annotated[
        Path | None, typer.Option(help="A named private question (JSON: title, purpose, sql, ...).")
    ] = None,
    model: Annotated[bool, typer.Option("--model", help="The run is of a model as data.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only check the question; it costs no entry.")
    ] = False,
    note: Annotated[str, typer.Option(help="A note for your team.")] = "",
    outside_data: Annotated[str, typer.Option(help="Declare what you used from outside.")] = "",
    who: As = "wang",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Hand in an entry."""
    if [bool(run), document is not None, question is not None].count(True) != 1:
        raise InvalidInput(
            "Say --run, --document or --question.",
            remedy="One entry has one of them.",
            zh="请给出 --run、--document 或 --question。",
            remedy_zh="一次提交只能有其中一项。",
        )
    content: dict[str, Any] = {"run": run}
    kind = "model" if model else "program"
    if document is not None:
        kind, content = "document", {"text": _text(document)}
    elif question is not None:
        kind, content = "questions", _json(question)
    if check:
        _check_question(visitor_of(home, who), name, track, question is not None, content, as_json)
        return
    new = {"track": track, "kind": kind, "content": content, "note": note, "outside_data": outside_data}
    made = visitor_of(home, who).vault("POST", at(name, "/entries"), json=new)
    show(made, as_json, _entry_line(made["entry"]))


def _check_question(
    person: "ClientSession", name: str, track: str, is_question: bool, content: dict[str, Any], as_json: bool
) -> None:
    """Raises `InvalidInput` for what is no question."""
    if not is_question:
        raise InvalidInput(
            "Only questions are checked by themselves.",
            remedy="Say --question with --check.",
            zh="只有问题可以单独检查。",
            remedy_zh="请同时给出 --question 和 --check。",
        )
    told = person.vault("POST", at(name, "/question-checks"), json={"track": track, "content": content})
    outputs = ", ".join(told["price"]["outputs"])
    line = (
        f"It asks {told['dataset']} for {outputs}, in {told['price']['cells']} groups. It can be handed in."
    )
    show(told, as_json, escape(line))


@competition_app.command()
def entries(
    name: Name,
    choose: Annotated[int, typer.Option(help="Choose this entry for the final.")] = 0,
    cancel_entry: Annotated[int, typer.Option("--cancel", help="Take this entry back; it waits.")] = 0,
    who: As = "wang",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """List your team's entries, choose one for the final, or take one back."""
    person = visitor_of(home, who)
    if choose:
        person.vault("POST", at(name, f"/entries/{choose}/choose"))
    if cancel_entry:
        person.vault("POST", at(name, f"/entries/{cancel_entry}/cancel"))
    found = person.vault("GET", at(name, "/entries"))
    show({"entries": found}, as_json, *(map(_entry_line, found) if found else ["No entry yet."]))


@competition_app.command()
def board(
    name: Name,
    track: Track,
    phase: Annotated[str, typer.Option(help="The phase; without it, the newest.")] = "",
    who: As = "wang",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Show the board of a track, with intervals and ranges of ranks."""
    asked = {"track": track} | ({"phase": phase} if phase else {})
    found = visitor_of(home, who).vault("GET", at(name, "/board"), params=asked)
    if as_json:
        return print_json(found)
    _lines_table(found["lines"])
    if baseline := found.get("baseline"):
        out.print(
            f"baseline (everybody {baseline['value']}): {baseline['score']}, "
            f"{baseline['low']} to {baseline['high']}"
        )
    return out.print(
        f"{found['people']} people; differences below {found['visible']} are not seen (step {found['step']})."
    )


@competition_app.command()
def final(name: Name, who: As = "lin", home: Home = None, as_json: Json = False) -> None:
    """Open the final, once: each team's chosen entry is scored on the final split (data officers)."""
    _shown(visitor_of(home, who).vault("POST", at(name, "/final")), as_json)


@competition_app.command()
def result(
    name: Name,
    publish: Annotated[bool, typer.Option("--publish", help="Publish it (data officers).")] = False,
    reason: Annotated[str, typer.Option("--reason", help="Why a published result changes.")] = "",
    who: As = "wang",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Show the result, or publish it for public notice."""
    person = visitor_of(home, who)
    found = (
        person.vault("POST", at(name, "/result"), json={"reason": reason})
        if publish
        else person.vault("GET", at(name, "/result"))
    )
    if as_json:
        return print_json(found)
    for track in found["tracks"]:
        out.print(f"{track['track']} (revision {found['revision']}) {track.get('method', '')}")
        _lines_table(track["lines"])
    return None


@competition_app.command()
def jurors(
    name: Name,
    track: Annotated[str, typer.Option("--track", help="The track.")] = "",
    appoint: Annotated[str, typer.Option(help="Appoint this person for the track.")] = "",
    assign: Annotated[str, typer.Option(help="Assign the documents of this round.")] = "",
    instead_of: Annotated[
        str, typer.Option(help="With --assign: give what this juror has not marked to others.")
    ] = "",
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """List the jurors, appoint one, or assign a round's documents (data officers)."""
    officer = visitor_of(home, who)
    if appoint:
        officer.vault("POST", at(name, "/jurors"), json={"track": track, "juror": appoint})
    if assign:
        new_round = {"track": track, "round": assign} | ({"instead_of": instead_of} if instead_of else {})
        officer.vault("POST", at(name, "/rounds"), json=new_round)
    found = officer.vault("GET", at(name, "/jurors"))
    lines = [f"{one['track']}: {one['juror']}, {one['scored']} of {one['assigned']}" for one in found]
    show({"jurors": found}, as_json, *(lines or ["No juror is appointed."]))


@competition_app.command()
def documents(
    name: Name,
    entry: Annotated[int, typer.Option(help="Mark this document.")] = 0,
    in_round: Annotated[str, typer.Option("--round", help="In this round.")] = "",
    mark: Annotated[list[str] | None, typer.Option(help="criterion=points, once for each criterion.")] = None,
    comment: Annotated[str, typer.Option(help="With the marks.")] = "",
    who: As = "wang",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """List the documents that you judge, or mark one by its rubric (jurors)."""
    juror = visitor_of(home, who)
    if entry:
        marks = dict(one.partition("=")[::2] for one in mark or ())
        if not all(points.isdigit() for points in marks.values()):
            raise InvalidInput(
                "Points are whole numbers.",
                remedy="Write --mark value=40.",
                zh="分数须为整数。",
                remedy_zh="请写成 --mark value=40。",
            )
        given = {
            "round": in_round,
            "marks": {id: int(points) for id, points in marks.items()},
            "comment": comment,
        }
        juror.vault("PUT", at(name, f"/documents/{entry}/marks"), json=given)
    found = juror.vault("GET", at(name, "/documents"))
    lines = [f"{one['round']} {one['entry']}: {one.get('marks', 'not marked')}" for one in found]
    show({"documents": found}, as_json, *(lines or ["You judge no document."]))


@competition_app.command()
def appeal(
    name: Name,
    track: Track,
    text: Annotated[str, typer.Option("--text", help="What is wrong.")],
    who: As = "wang",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Appeal against the newest result, until the deadline (申诉)."""
    made = visitor_of(home, who).vault("POST", at(name, "/appeals"), json={"track": track, "text": text})
    show(made, as_json, f"Appeal {made['appeal']['id']} is filed.")


@competition_app.command()
def appeals(
    name: Name,
    look: Annotated[int, typer.Option(help="Give your view of this appeal (data officers).")] = 0,
    upheld: Annotated[bool, typer.Option("--upheld/--dismissed", help="Your view.")] = False,
    reason: Annotated[str, typer.Option("--reason", help="Why.")] = "",
    who: As = "wang",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """List appeals, or look at one as a reviewer, blind to the others."""
    person = visitor_of(home, who)
    if look:
        person.vault("POST", at(name, f"/appeals/{look}/looks"), json={"upheld": upheld, "reason": reason})
    found = person.vault("GET", at(name, "/appeals"))
    lines = [f"{one['id']}: {one['track']}, {one['state']} {one.get('outcome', '')}" for one in found]
    show({"appeals": found}, as_json, *(lines or ["There is no appeal."]))


@competition_app.command()
def disqualify(
    name: Name,
    team: Annotated[int, typer.Argument(help="The team's number.")],
    reason: Reason,
    reinstate: Annotated[bool, typer.Option("--reinstate", help="Take it back.")] = False,
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Disqualify a team for a public reason, or take that back (data officers)."""
    step = "reinstate" if reinstate else "disqualify"
    found = visitor_of(home, who).vault("POST", at(name, f"/teams/{team}/{step}"), json={"reason": reason})
    show(found, as_json, f"Team {found['id']} is {found['state']}.")


@competition_app.command()
def certify(
    person: Annotated[str, typer.Argument(help="Who passed.")],
    course: Annotated[str, typer.Argument(help="The course, such as safe-researcher.")],
    until: Annotated[str, typer.Option(help="The last day, such as 2027-12-31.")],
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Issue a training certificate (data officers)."""
    new = {"person": person, "course": course, "expires_at": f"{until}T23:59:59+08:00"}
    made = visitor_of(home, who).vault("POST", "/v1/certificates", json=new)
    show(made, as_json, f"{person} has the certificate {course} until {until}.")


@competition_app.command()
def ranked(name: Name, who: As = "lin", home: Home = None, as_json: Json = False) -> None:
    """List the entries of a published result with what they say (officers of the organiser)."""
    found = visitor_of(home, who).vault("GET", at(name, "/ranked-entries"))
    lines = [
        escape(f"{one['track']} {one['place']}. entry {one['entry']} ({one['kind']}) of {one['team_name']}")
        for one in found
    ]
    show({"entries": found}, as_json, *(lines or ["There are none."]))


@competition_app.command("sell-question")
def sell_question(
    name: Name,
    entry: Annotated[int, typer.Argument(help="A ranked entry of kind questions.")],
    product: Annotated[str, typer.Option(help="The product's id.")],
    fen: Annotated[int, typer.Option(help="The price of an answer, in fen; 0: free.")],
    team_percent: Annotated[int, typer.Option(help="What its team has of the income, in percent.")],
    budget: Annotated[str, typer.Option(help="The epsilon that all answers may lose together.")],
    until: Annotated[str, typer.Option(help="The last day of the budget, such as 2027-12-31.")],
    purpose: Annotated[str, typer.Option(help="For what it is licensed.")],
    team: Annotated[str, typer.Option(help="Whose the share is, if several teams can have it.")] = "",
    epsilon: Annotated[str, typer.Option(help="What one answer may lose (default: as entered).")] = "",
    title_en: Annotated[str, typer.Option(help="Its title in English (default: as entered).")] = "",
    title_zh: Annotated[str, typer.Option(help="Its title in Chinese (default: as entered).")] = "",
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Put the answers to a question of a closed competition on offer (officers of the organiser)."""
    officer = visitor_of(home, who)
    found = officer.vault("GET", at(name, "/ranked-entries"))
    question = next((one["question"] for one in found if one["entry"] == entry and "question" in one), None)
    if question is None:
        raise InvalidInput(
            f"The result of {name} has no question with the number {entry}.",
            code="question_not_ranked",
            remedy=f"List what stands in it: cihu competition ranked {name}.",
            zh=f"“{name}”的结果中没有编号为 {entry} 的问题。",
            remedy_zh=f"可查看结果中的提交：cihu competition ranked {name}。",
        )
    offer = {
        "id": product,
        "dataset": question["dataset"],
        "title_en": title_en or question["title"],
        "title_zh": title_zh or question["title"],
        "what": {
            "kind": "query",
            "sql": question["sql"],
            "parameters": question["parameters"],
            "epsilon": epsilon or question["epsilon"],
            "budget": {"epsilon": budget, "until": until},
            "origin": {
                "competition": name,
                "entry": entry,
                "team": team or None,
                "team_percent": team_percent,
            },
        },
        "offer": {
            "price": {"usage": [{"unit": "call", "tiers": [{"fen": fen}]}]} if fen else {"free": True},
            "terms": {"purpose": purpose},
        },
    }
    made = officer.market("POST", "/api/v1/products", json=offer)
    origin = made["what"]["origin"]
    share = f"{origin['team_percent']} % of its income go to the team {origin['team']}."
    show(made, as_json, escape(f"On offer: {made['id']}. {share}"))


@competition_app.command()
def opportunity(
    name: Name,
    entry: Annotated[int, typer.Argument(help="A ranked entry of kind document or questions.")],
    title_en: Annotated[str, typer.Option(help="Its title in English.")],
    title_zh: Annotated[str, typer.Option(help="Its title in Chinese.")],
    summary_en: Annotated[str, typer.Option(help="What the city looks for, in English.")],
    summary_zh: Annotated[str, typer.Option(help="What the city looks for, in Chinese.")],
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Put the idea of a ranked entry on the list of opportunities (officers of the organiser)."""
    new = {
        "entry": entry,
        "title_en": title_en,
        "title_zh": title_zh,
        "summary_en": summary_en,
        "summary_zh": summary_zh,
    }
    made = visitor_of(home, who).vault("POST", at(name, "/opportunities"), json=new)
    show(made, as_json, f"It is number {made['id']} on the list of opportunities.")


@app.command()
def opportunities(who: As = "wang", home: Home = None, as_json: Json = False) -> None:
    """List ideas of competitions that departments look for somebody to realise."""
    found = visitor_of(home, who).vault("GET", "/v1/opportunities")
    lines = [escape(f"{one['id']}: {one['title']['en']} ({one['department']})") for one in found]
    show({"opportunities": found}, as_json, *(lines or ["There are none yet."]))


@competition_app.command()
def certificate(
    name: Name,
    shown_as: Annotated[
        Literal["display_name", "account", "member"] | None,
        typer.Option(
            help="How it calls you; member is no name. Default: as it did, or display_name. Another name "
            "replaces it, three times at most."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where to keep its receipt, for `cihu audit verify`.")
    ] = None,
    who: As = "wang",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Take your certificate of a competition whose public notice has ended."""
    person = visitor_of(home, who)
    try:
        made = None if shown_as else person.vault("GET", at(name, "/certificate"))
    except NotFound as none:
        if none.code != "no_certificate":
            raise
        made = None
    if made is None:
        wish = {"shown_as": shown_as or "display_name"}
        made = person.vault("POST", at(name, "/certificate"), json=wish)
    if out is not None:
        out.write_text(json.dumps(made["receipt"], ensure_ascii=False, indent=2), "utf-8")
    lines = [
        f"  {track['title']['en']}: " + (f"place {track['place']}" if "place" in track else "took part")
        for track in made["tracks"]
    ]
    called = made["participant"] or "a member"
    kept = f"Its receipt is entry {made['receipt']['index']} of the log."
    earlier = [f"It replaces that of entry {one['log_index']}." for one in made["replaced"]]
    head = f"{called} of {made['team_name']} took part."
    show(made, as_json, escape(head), *map(escape, lines), kept, *earlier)


@competition_app.command()
def verify(
    name: Name,
    key: Annotated[str, typer.Option(help="The log's public key, or a file of it; else the service's.")] = "",
    record_file: Annotated[Path | None, typer.Option("--record", help="A record that you keep.")] = None,
    who: As = "wang",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Compute a competition's scores and results again from its public record. Fails if anything differs."""
    from sandbox.competitions.verify import verify_record  # brings numpy

    if record_file is not None:
        record = _json(record_file)
    else:
        record = visitor_of(home, who).vault("GET", at(name, "/record"))
    trusted = key_given(key)
    proven = verify_record(record, trusted or record["log_key"])
    done: dict[str, Any] = {
        "verified": not proven.faults,
        "steps": proven.steps,
        "scores": proven.scores,
        "results": proven.results,
        "faults": list(proven.faults),
    }
    line = f"{proven.steps} steps, {proven.scores} scores and {proven.results} results were computed again."
    show(done, as_json, line, *(proven.faults or ("Everything fits the log.",)))
    if proven.faults:
        raise typer.Exit(1)


def _shown(found: dict[str, Any], as_json: bool) -> None:
    phases = [f"  {one['id']}: {one['opens_at']} to {one['closes_at']}" for one in found["phases"]]
    waits = [one["department"] for one in found["agreements"] if "officer" not in one]
    missing = [f"  waits for: {', '.join(waits)}"] if found["state"] == "draft" and waits else []
    head = f"{found['name']}: {found['title']['en']}, {found['state']}, {found['teams']} teams"
    show(found, as_json, head, *phases, *missing)


def _team_lines(found: dict[str, Any]) -> list[str]:
    used = [
        f"  {one['track']}: {one['today']} of {one['per_day']} today, {one['in_total']} of {one['of_total']}"
        for one in found["quotas"]
    ]
    people = ", ".join(one["person"] for one in found["members"])
    wish = [f"  {one['name']} ({one['id']}) proposes to merge into yours" for one in found["mergers"]]
    return [f"{found['id']}: {found['name']}, {found['state']}: {people}", *used, *wish]


def _entry_line(one: dict[str, Any]) -> str:
    waits = f", place {one['place']}" if "place" in one else ""
    when = f", expected {one['expected_at']}" if "expected_at" in one else ""
    score = (
        f", {one['score']['score']} ({one['score']['low']} to {one['score']['high']})"
        if "score" in one
        else ""
    )
    why = f", {one['failure']}" if "failure" in one else ""
    return f"{one['id']}: {one['track']}, {one['state']}{waits}{when}{score}{why}"


def _lines_table(lines: list[dict[str, Any]]) -> None:
    table = Table("place", "ranks", "team", "score", "interval")
    for one in lines:
        table.add_row(
            str(one["place"]),
            f"{one['ranks'][0]}-{one['ranks'][1]}",
            one.get("name", f"team {one['team']}"),
            one["score"],
            f"{one['low']} to {one['high']}",
        )
    out.print(table)


def _json(file: Path) -> dict[str, Any]:
    """Raises `InvalidInput`."""
    try:
        found = json.loads(_text(file))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise InvalidInput(
            f"{file} is no JSON object.",
            remedy="Name a file of one.",
            zh=f"{file} 不是 JSON 对象。",
            remedy_zh="请指定含一个 JSON 对象的文件。",
        )
    return found


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise InvalidInput(
            f"{file} cannot be read: {why}.",
            remedy="Name a file that you may read.",
            zh=f"无法读取 {file}：{why}。",
            remedy_zh="请指定您可以读取的文件。",
        ) from None
