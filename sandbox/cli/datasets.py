"""Commands for datasets: publish, request access, approve, and fetch stand-in rows."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.table import Table

from sandbox.cli.file_progress import sending
from sandbox.cli.openings import held_lines
from sandbox.cli.terminal import As, Home, Json, app, out, print_json, show, visitor_of
from sandbox.errors import InvalidInput


@app.command()
def publish(
    policy: Annotated[
        Path, typer.Argument(help="What you say of the data (YAML; see policies/dataset.schema.json).")
    ],
    rows: Annotated[Path, typer.Argument(help="The rows: CSV with a header, or Parquet.")],
    notes: Annotated[str, typer.Option(help="What is new in this version: everybody reads it.")] = "",
    urgent: Annotated[str, typer.Option(help="Why a breaking version is not announced first.")] = "",
    confirm: Annotated[
        list[str] | None,
        typer.Option(help="What you answer with yes of the review before it opens; once for each item."),
    ] = None,
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Publish a dataset, or a new version of it (data officers). Says how well your bounds fit the rows."""
    officer = visitor_of(home, who)
    with sending(rows, quiet=as_json) as sent:
        done = officer.publish(policy, rows, sent=sent, notes=notes, urgent=urgent, confirmed=confirm or [])
    show(
        done,
        as_json,
        f"Published {done['dataset']}, version {done['version']}: {done['rows']} rows.",
        *[f"  Look at this: {advice}" for advice in done["advice"]],
        *held_lines(done),
    )


@app.command("datasets")
def find_datasets(
    search: Annotated[str, typer.Argument(help="Words that must all stand in what is said of it.")] = "",
    page: Annotated[int, typer.Option(help="Which page; 20 datasets are on each.", min=1)] = 1,
    who: As = "wang",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Search the datasets that you may see."""
    found = visitor_of(home, who).vault("GET", "/v1/datasets/search", params={"q": search, "page": page})
    lines = [
        f"{each['name']}, version {each['version']}: {each['title']['zh']} / {each['title']['en']} "
        f"({each['department']}, grade {each['grade']})"
        for each in found["datasets"]
    ]
    show(found, as_json, f"Datasets found: {found['total']}; page {found['page']}.", *lines)


@app.command("set-aside")
def set_aside(who: As = "lin", home: Home = None, as_json: Json = False) -> None:
    """List datasets that are not offered because their newest version is broken (data officers)."""
    aside = visitor_of(home, who).vault("GET", "/v1/datasets/set-aside")
    show(
        {"set_aside": aside},
        as_json,
        *[
            f"{each['dataset']}, version {each['number']}, cannot be used ({each['why']}): "
            "publish a corrected version."
            for each in aside
        ]
        or ["No dataset is set aside."],
    )


@app.command()
def request(
    dataset: str,
    purpose: Annotated[str, typer.Option(help="What you want to find out, and what for.")],
    team: Annotated[str, typer.Option(help="For which of your teams.")] = "cihu-lake",
    epsilon: Annotated[str, typer.Option(help="The privacy budget you ask for.")] = "1",
    days: Annotated[int, typer.Option(help="For how long.")] = 60,
    who: As = "wang",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Request a grant on a dataset (analysts, for a team)."""
    until = (datetime.now(UTC) + timedelta(days=days)).date().isoformat()
    done = visitor_of(home, who).vault(
        "POST",
        "/v1/requests",
        json={"dataset": dataset, "team": team, "purpose": purpose, "epsilon": epsilon, "until": until},
    )
    show(
        done,
        as_json,
        f"Request {done['id']} was made; an officer of {done['department']} decides.",
        f"  They approve it with: cihu approve {done['id']} --as lin",
    )


@app.command()
def approve(
    number: int,
    epsilon: Annotated[str | None, typer.Option(help="A smaller budget than asked.")] = None,
    note: str = "",
    refuse: Annotated[str, typer.Option(help="Refuse instead, for this reason.")] = "",
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Approve a request, perhaps with a smaller budget, or refuse it (data officers)."""
    officer = visitor_of(home, who)
    if refuse:
        done = officer.vault("POST", f"/v1/requests/{number}/refuse", json={"reason": refuse})
        return show(done, as_json, f"Request {number} was refused.")
    body = {"note": note} | ({"epsilon": epsilon} if epsilon else {})
    done = officer.vault("POST", f"/v1/requests/{number}/approve", json=body)
    return show(
        done,
        as_json,
        f"Grant {done['id']}: {done['team']} may ask {done['dataset']} until {done['until'][:10]}, "
        f"with a budget of epsilon {done['epsilon']}.",
    )


@app.command("stand-in")
def stand_in(
    dataset: str,
    to: Annotated[Path, typer.Option("--out", help="Where to write the rows (Parquet).")],
    who: As = "wang",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Write invented rows of a dataset's shape into a file, to write programs on.
    None is real; it costs nothing."""
    body = visitor_of(home, who).vault("GET", f"/v1/datasets/{quote(dataset, safe='')}/stand-in")
    try:
        to.write_bytes(body)
    except OSError as error:
        raise InvalidInput(
            f"{to} cannot be written: {error.strerror}.", remedy="Name a file in a folder of yours."
        ) from None
    show(
        {"dataset": dataset, "file": str(to), "bytes": len(body)},
        as_json,
        f"Stand-in rows of {dataset} are in {to} (Parquet). They are invented: no row is real.",
    )


NOT_KEPT = {
    "only_emptiness": "only whether it is empty is kept",
    "magnitudes": "it has no bounds, and values that are rare or far out are not there",
    "no_dependence": "no dependence on another column rises above the noise",
    "not_paired": "there are too many columns to pair it with another",
}


@app.command("buy-stand-in")
def buy_stand_in(
    dataset: str,
    epsilon: Annotated[str, typer.Option(help="The privacy loss to spend, once for this version.")],
    trained: Annotated[
        bool, typer.Option(help="Spend a tenth on testing models, trained on the rows, on real ones.")
    ] = False,
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Buy better stand-in rows from a dataset's budget (data officers):
    its columns and their pairs will be roughly right."""
    done = visitor_of(home, who).vault(
        "POST",
        f"/v1/datasets/{quote(dataset, safe='')}/stand-in",
        json={"epsilon": epsilon, "trained": trained},
    )
    if as_json:
        return print_json(done)
    table = Table("columns", "rows differ from the noisy counts by", "the counts' own noise")
    for of in done["quality"]:
        if len(of["columns"]) == 1:
            table.add_row(of["columns"][0], f"{100 * of['distance']:.1f} %", f"{100 * of['noise']:.1f} %")
    out.print(table)
    for each in done["lost"]:
        out.print(f"{each['column']}: {', '.join(NOT_KEPT[why] for why in each['why'])}.")
    for each in done.get("trained", []):
        if each["right"] is not None:
            out.print(
                f"A model of {each['column']}, trained on the rows: right on {100 * each['right']:.1f} % of "
                f"real ones; the baseline {100 * each['baseline']:.1f} %; the error of the difference "
                f"{100 * each['error']:.1f} %."
            )
    pairs = [of for of in done["quality"] if len(of["columns"]) == 2]
    kept = sum(of["kept"] for of in pairs)
    for part in ("distance", "noise"):
        done[part] = 100 * sum(of[part] for of in pairs) / len(pairs) if pairs else 0.0
    return out.print(
        f"{dataset}@{done['version']}: epsilon {done['epsilon']:.4g} at delta "
        f"{done['delta']:g}. {kept} of {len(pairs)} pairs of columns depend on each "
        f"other above the noise. Over all pairs: {done['distance']:.1f} %, noise "
        f"{done['noise']:.1f} %. Log entry {done['log_index']}."
    )


@app.command()
def elements(
    element: Annotated[str | None, typer.Argument(help="One of them, with the datasets that use it.")] = None,
    who: As = "wang",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """List the data elements that columns refer to: type, code list, bounds and standard."""
    visitor = visitor_of(home, who)
    if element is not None:
        one = visitor.vault("GET", f"/v1/elements/{quote(element, safe='')}")
        uses = [
            f"  {use['dataset']}, version {use['version']}: {', '.join(use['columns'])}"
            + ("" if use["agrees"] else " (what the element says has changed since)")
            for use in one["used_by"]
        ]
        return show(one, as_json, _element_line(one), *uses or ["  No dataset uses it."])
    known = visitor.vault("GET", "/v1/elements")
    return show({"elements": known}, as_json, *map(_element_line, known) if known else ["There is none."])


def _element_line(element: dict[str, Any]) -> str:
    limits = [
        *([f"code list {element['codes']}"] if "codes" in element else []),
        *([f"from {element['bounds'][0]:g} to {element['bounds'][1]:g}"] if "bounds" in element else []),
        *([element["measured_in"]] if "measured_in" in element else []),
    ]
    about = f" ({', '.join(limits)})" if limits else ""
    return f"{element['id']}: {element['title']['en']}, {element['type']}{about}; {element['standard']}"
