"""Questions in SQL: the price before, the answer with its errors."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer
from rich.markup import escape
from rich.table import Table

from sandbox.cli.terminal import (
    As,
    Epsilon,
    GrantNumber,
    Home,
    Json,
    RelativeError,
    app,
    out,
    print_json,
    say,
    show,
    visitor_of,
    whole_id,
)
from sandbox.errors import InvalidInput

if TYPE_CHECKING:
    from sandbox.client.session import ClientSession


@app.command()
def explain(
    sql: str,
    epsilon: Epsilon = None,
    error: RelativeError = None,
    grant: GrantNumber = None,
    who: As = "wang",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """What a question would cost, and how far off its answer would be. Touches no data, spends nothing."""
    asked = {"sql": sql, "epsilon": epsilon, "error": error, "grant": grant}
    told = visitor_of(home, who).vault("POST", "/v1/explain", json=asked)
    if as_json:
        return print_json(told)
    free = "Open data: exact, free, without a grant." if told.get("open") else "Answered before: free."
    out.print(
        free
        if told["stored"]
        else f"Costs epsilon {told['epsilon']:.4g} at delta {told['delta']:g}; the grant would be at "
        f"{told['budget']['percent_used_after']:.1f} % (now {told['budget']['percent_used_now']:.1f} %)."
    )
    if told["delta_spent"]:
        out.print(
            f"Finding the groups costs delta {told['delta_spent']:.3g}; the grant's delta would be at "
            f"{told['budget']['delta_percent_used_after']:.1f} % (now "
            f"{told['budget']['delta_percent_used_now']:.1f} %)."
        )
    if told["budget"]["refusal"]:
        out.print(
            f"{told['budget']['refusal']['message']} {told['budget']['refusal']['remedy']}", style="red"
        )
    table = Table("output", "standard error", "95 % of answers within", "noise as of (units)", "epsilon")
    for output in told["outputs"]:
        told_errors = (output["standard_error"], output["plus_minus_95"])
        to_find = told["cells"] is None or any(not one["bought_before"] for one in told["bounds"])
        unknown = "not known yet" if to_find else "too noisy"
        table.add_row(
            output["name"],
            *(unknown if one is None else f"± {one:.4g}" for one in told_errors),
            f"{output['noise_in_units']:.4g}",
            f"{output['epsilon']:.4g}",
        )
    out.print(table)
    return say([*told["bounding"], *told["notes"]])


@app.command()
def ask(
    sql: str,
    epsilon: Epsilon = None,
    error: RelativeError = None,
    grant: GrantNumber = None,
    who: As = "wang",
    home: Home = None,
    receipt: Annotated[Path | None, typer.Option(help="Write the answer's receipt here.")] = None,
    as_json: Json = False,
) -> None:
    """Ask a question in SQL; get a private answer with its error, and a receipt."""
    answer = visitor_of(home, who).vault(
        "POST", "/v1/ask", json={"sql": sql, "epsilon": epsilon, "error": error, "grant": grant}
    )
    if receipt:
        receipt.write_text(json.dumps(answer["receipt"], indent=1, ensure_ascii=False) + "\n", "utf-8")
    if as_json:
        return print_json(answer)
    table = Table(*[column["name"] for column in answer["columns"]])
    for row, errors in zip(answer["rows"], answer["errors"], strict=True):
        table.add_row(
            *[_cell(column, value, errors) for column, value in zip(answer["columns"], row, strict=True)]
        )
    out.print(table)
    if answer.get("open"):
        out.print(
            f"{answer['dataset']}@{answer['version']}, open data: exact and free; log entry "
            f"{answer['log_index']}."
        )
        return say(answer["notes"])
    price = "stored before: free" if answer["stored"] else f"epsilon {answer['price']['epsilon']:.4g}"
    out.print(
        (
            f"{answer['dataset']}@{answer['version']}, {price}, "
            f"{answer['price']['grant_percent_used']:.1f} % of the grant used; log entry "
            f"{answer['log_index']}."
        )
        + (f" Receipt in {receipt}." if receipt else "")
    )
    return say(answer["notes"])


def _cell(column: dict[str, Any], value: Any, errors: dict[str, Any]) -> str:
    if column["kind"] == "key":
        return str(value)
    error = errors.get(column["name"])
    if error is None:  # of open data: exact
        return str(value)
    if value is None:
        return str(error.get("note", "withheld"))
    return f"{value:,.2f} ± {error['standard_error']:,.2f}  [{error['low']:,.2f}, {error['high']:,.2f}]"


@app.command()
def answer_pages(
    page: Annotated[
        str | None, typer.Argument(help="Show this page; without it the pages are listed.")
    ] = None,
    answer: Annotated[
        list[str] | None,
        typer.Option(help="Save a page of these answers, by id; with PAGE it has these from now on."),
    ] = None,
    title: Annotated[str | None, typer.Option(help="With --answer: the page's title.")] = None,
    text: Annotated[str | None, typer.Option(help="With --answer: the page's text.")] = None,
    team: Annotated[str, typer.Option(help="With --answer, for a new page: whose it is.")] = "",
    price: Annotated[bool, typer.Option(help="Show what a refresh of the page would cost.")] = False,
    refresh: Annotated[
        str | None, typer.Option(help="Refresh the page at the price that --price showed, by its code.")
    ] = None,
    history: Annotated[bool, typer.Option(help="List the states of the page.")] = False,
    remove: Annotated[bool, typer.Option(help="Remove the page.")] = False,
    who: As = "wang",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """List a team's saved pages of answers, show one, save or change one, or refresh one for the newest
    versions at the price shown before."""
    visitor = visitor_of(home, who)
    page = None if page is None else whole_id(visitor, page, "/v1/answer-pages")
    at = f"/v1/answer-pages/{quote(page or '', safe='')}"
    deeds = [bool(answer), price, refresh is not None, history, remove]
    if sum(deeds) > 1 or (page is None and any(deeds[1:])):
        raise InvalidInput(
            "One thing at a time, and of one page.",
            remedy="Give PAGE and one of --answer, --price, --refresh, --history and --remove.",
            zh="一次只能对一个页面做一件事。",
            remedy_zh="请给出 PAGE，以及 --answer、--price、--refresh、--history、--remove 之一。",
        )
    if answer:
        done = _saved(visitor, at, page, answer, {"title": title, "text": text}, team)
        return show(done, as_json, *answer_page_lines(done))
    if page is None:
        known = visitor.vault("GET", "/v1/answer-pages")
        lines = [
            escape(f"{each['id']}  {each['team']}  {each['title']} ({each['questions']})") for each in known
        ]
        return show({"pages": known}, as_json, *lines or ["There is no page."])
    if price:
        told = visitor.vault("GET", f"{at}/price")
        return show(told, as_json, *answer_page_price_lines(told))
    if refresh is not None:
        done = visitor.vault("POST", f"{at}/refresh", json={"priced": refresh})
        return show(done, as_json, *answer_page_lines(done))
    if history:
        states = visitor.vault("GET", f"{at}/history")
        lines = [
            f"{each['number']}: {each['change']} by {each['saved_by']} at {each['saved_at']}, "
            f"rho {each['picorho'] / 1e12:.4g}"
            for each in states
        ]
        return show({"states": states}, as_json, *lines)
    if remove:
        visitor.vault("DELETE", at)
        return show({"removed": page}, as_json, "The page was removed.")
    done = visitor.vault("GET", at)
    return show(done, as_json, *answer_page_lines(done))


def _saved(
    visitor: "ClientSession",
    at: str,
    page: str | None,
    answer: list[str],
    words: dict[str, str | None],
    team: str,
) -> dict[str, Any]:
    """The page with these answers. What is not given of a page that there is stays, its headings too."""
    given = {name: value for name, value in words.items() if value is not None}
    if page is None:
        content: dict[str, Any] = {"title": "", "text": "", "team": team, **given}
        return dict(visitor.vault("POST", "/v1/answer-pages", json=content | {"answers": _named(answer, {})}))
    before = visitor.vault("GET", at)
    captions = {each["answer_id"]: each["caption"] for each in before["questions"]}
    content = {"title": before["title"], "text": before["text"], **given}
    content |= {"number": before["newest"], "answers": _named(answer, captions)}
    return dict(visitor.vault("PUT", at, json=content))


def _named(answers: list[str], captions: dict[str, str]) -> list[dict[str, str]]:
    return [{"answer_id": each, "caption": captions.get(each, "")} for each in answers]


def answer_page_lines(page: dict[str, Any]) -> list[str]:
    lines = [f"{page['id']}  {page['title']} ({page['team']}, state {page['number']}, {page['change']})"]
    for each in page["questions"]:
        version = f"version {each['answer']['version']}" if each["answer"] else "not shown to you"
        lines.append(f"  {each['answer_id']}  {each['caption'] or each['sql']}: {version}")
        if each["not_refreshed"]:
            lines.append(f"    not refreshed: {each['not_refreshed']['message']}")
    return [escape(line) for line in lines]


def answer_page_price_lines(price: dict[str, Any]) -> list[str]:
    lines = [f"A refresh costs rho {price['picorho'] / 1e12:.4g} and takes about {price['seconds']:.1f} s."]
    for each in price["questions"]:
        cost = "free" if not each["picorho"] else f"epsilon {each['epsilon']:.4g}"
        lines.append(f"  {each['sql']}: {each['refusal']['message'] if each['refusal'] else cost}")
    for each in price["levels"]:
        before, after = each["percent_used_now"], each["percent_used_after"]
        lines.append(f"  {each['level']} {each['key']}: {before:.2f} % -> {after:.2f} % used by the team")
    if price["refusal"]:
        lines.append(f"{price['refusal']['message']} {price['refusal']['remedy']}")
    if price["refreshable"]:
        lines.append(f"Refresh it with: cihu answer-pages {price['page']} --refresh {price['priced']}")
    return [escape(line) for line in lines]
