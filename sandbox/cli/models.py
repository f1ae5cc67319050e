"""Commands for the model library: register a model, predict by it, sell it, see what it brought."""

import json
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.markup import escape

from sandbox.cli.licensed_files import Portal, key, licensed_app, portal_of
from sandbox.cli.terminal import As, Home, Json, app, show, visitor_of
from sandbox.errors import InvalidInput

model_app = typer.Typer(no_args_is_help=True, help="The model library: register, look up, predict, sell.")
app.add_typer(model_app, name="model")

Name = Annotated[str, typer.Argument(help="The model's name.")]
Version = Annotated[int, typer.Argument(help="Its version.")]
Rows = Annotated[
    Path, typer.Option("--rows", exists=True, dir_okay=False, help="Rows as JSON: a list of objects.")
]
LISTED = "/v1/models"


def at(name: str, version: int, rest: str = "") -> str:
    return f"{LISTED}/{quote(name, safe='')}/{version}{rest}"


@model_app.command("list")
def list_models(
    search: Annotated[str, typer.Argument(help="Words of name, dataset, title or summary.")] = "",
    who: As = "wang",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Search the library."""
    found = visitor_of(home, who).vault("GET", LISTED, params={"search": search})["models"]
    show({"models": found}, as_json, *([_line(one) for one in found] or ["There is no such model."]))


@model_app.command("show")
def show_model(
    name: Name, version: Version, who: As = "wang", home: Home = None, as_json: Json = False
) -> None:
    """Show a version with its card, lineage and measured privacy."""
    _shown(visitor_of(home, who).vault("GET", at(name, version)), as_json)


@model_app.command()
def register(
    name: Name,
    card: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="The model card (JSON).")],
    run: Annotated[str, typer.Option(help="The sealed run whose released file it is.")] = "",
    path: Annotated[str, typer.Option(help="The released file.")] = "",
    columns: Annotated[str, typer.Option(help="Its columns in their order, such as age,visits.")] = "",
    predicts: Annotated[str, typer.Option(help="What it predicts, such as high:probability.")] = "",
    dataset: Annotated[str, typer.Option(help="Of several that the run read: that of the columns.")] = "",
    competition: Annotated[str, typer.Option(help="The competition, for the model of an entry.")] = "",
    entry: Annotated[int, typer.Option(help="The entry that stands in the published result.")] = 0,
    team: Annotated[str, typer.Option(help="Whose a model becomes that its entry brought.")] = "",
    maintainer: Annotated[str, typer.Option(help="Who answers for it (default: you).")] = "",
    who: As = "wang",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Register a released model file (--run, --path, --columns, --predicts), or the model of your team's
    entry (--competition, --entry)."""
    new: dict[str, Any] = {"name": name, "card": _document(card), "maintainer": maintainer}
    if competition or entry:
        new |= {"competition": competition, "entry": entry or None, "team": team}
    else:
        predicted, _, kind = predicts.partition(":")
        new |= {
            "run": run or None,
            "path": path,
            "dataset": dataset,
            "columns": [part for part in columns.split(",") if part],
            "predicts": {predicted: kind} if predicted else {},
        }
    _shown(visitor_of(home, who).vault("POST", LISTED, json=new), as_json)


@model_app.command()
def predict(
    name: Name, version: Version, rows: Rows, who: As = "wang", home: Home = None, as_json: Json = False
) -> None:
    """Predict by a model of your team, in a seal."""
    made = visitor_of(home, who).vault("POST", at(name, version, "/predict"), json={"rows": _document(rows)})
    show(made, as_json, *map(_prediction, made["predictions"]))


@model_app.command()
def retire(
    name: Name,
    version: Version,
    reason: Annotated[str, typer.Option(help="Why; everybody reads it.")],
    last_day: Annotated[str, typer.Option(help="The last day (default: the first that may be).")] = "",
    who: As = "wang",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Announce that a version of your team predicts until a day."""
    wanted = {"reason": reason, "last_day": last_day or None}
    _shown(visitor_of(home, who).vault("POST", at(name, version, "/retire"), json=wanted), as_json)


@model_app.command()
def sell(
    name: Name,
    version: Version,
    product: Annotated[str, typer.Option(help="The product's id.")],
    fen: Annotated[int, typer.Option(help="The price of a call, in fen; 0: free.")],
    team_percent: Annotated[int, typer.Option(help="What its team has of the income, in percent.")],
    purpose: Annotated[str, typer.Option(help="For what it is licensed.")],
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Put calls of a model on offer (officers of its data's department)."""
    officer = visitor_of(home, who)
    model = officer.vault("GET", at(name, version))
    usage = [{"unit": "model_call", "tiers": [{"fen": fen}]}]
    price = {"usage": usage} if fen else {"free": True}
    offer = {
        "id": product,
        "dataset": model["dataset"],
        **{field: model["card"][field] for field in ("title_zh", "title_en")},
        **{field: model["card"][field][:2000] for field in ("summary_zh", "summary_en")},
        "what": {"kind": "model", "model": name, "version": version, "team_percent": team_percent},
        "offer": {"price": price, "terms": {"purpose": purpose}},
    }
    made = officer.market("POST", "/api/v1/products", json=offer)
    line = f"On offer: {made['id']}. {team_percent} % of its income go to the team {model['team']}."
    show(made, as_json, escape(line))


@model_app.command("retire-product")
def retire_product(
    product: Annotated[str, typer.Argument(help="The product's id.")],
    reason: Annotated[str, typer.Option(help="Why; its buyers read it.")],
    last_day: Annotated[str, typer.Option(help="The last day (default: the first that may be).")] = "",
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Announce that a product of a model ends: no more is sold, and its licences end (officers)."""
    wanted = {"reason": reason, "last_day": last_day or None}
    done = visitor_of(home, who).market(
        "POST", f"/api/v1/products/{quote(product, safe='')}/retire", json=wanted
    )
    line = f"Its last day is {done['last_day']}. Licences with notice: {done['licences']}."
    show(done, as_json, line)


@app.command("team-income")
def team_income(
    team: Annotated[str, typer.Argument(help="Your team.")],
    who: As = "wang",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Show what your team's models and questions were called for, and what they brought."""
    told = visitor_of(home, who).market("GET", f"/api/v1/team-income/{quote(team, safe='')}")
    lines = [
        f"{each['product']} {month['month']}: {month['calls']} calls, {month['rows']} rows; invoiced "
        f"{month['invoiced_fen']} fen, your {each['percent']} %: {month['share_fen']} fen, final "
        f"{month['final_fen']} fen"
        for each in told["products"]
        for month in each["months"]
    ]
    show(told, as_json, *(map(escape, lines) if lines else ["Nothing yet."]))


@licensed_app.command("predict")
def licensed_predict(
    product: str, rows: Rows, portal: Portal = "", home: Home = None, as_json: Json = False
) -> None:
    """Predict by a model that your company licensed."""
    from sandbox.client.licensed_files import client_of, post

    with client_of(portal_of(portal, home), key()) as client:
        made = post(client, f"/api/v1/call/{product}/predict", {"rows": _document(rows)})
    usage = f"It cost {made['usage']['amount_fen']} fen."
    show(made, as_json, *map(_prediction, made["predictions"]), usage)


def _line(model: dict[str, Any]) -> str:
    title = model["card"]["title_en"]
    return escape(f"{model['name']} {model['version']}: {title} ({model['team']}), {model['status']}")


def _shown(model: dict[str, Any], as_json: bool) -> None:
    told, lineage = model["privacy"], model["lineage"]
    read = ", ".join(f"{one['dataset']} version {one['version']}" for one in lineage["inputs"])
    tested = told["membership"]
    lines = [
        _line(model),
        f"  Takes {', '.join(column['name'] for column in model['columns'])}; "
        f"predicts {', '.join(model['predicts'])}.",
        f"  From run {lineage['run']}, which read {read}." if "run" in lineage else f"  Of {read}.",
        "  Membership attack: not tested."
        if tested is None
        else f"  Membership attack: an advantage of at most {tested['advantage_percent']} %.",
        f"  Licence: {model['card']['licence']}. Maintained by {model['maintainer']}.",
    ]
    if (end := model.get("retirement")) is not None:
        lines.append(f"  Its last day is {end['last_day']}: {end['reason']}")
    show(model, as_json, lines[0], *map(escape, lines[1:]))


def _prediction(row: dict[str, Any]) -> str:
    return escape(", ".join(f"{name}: {value}" for name, value in row.items()))


def _document(path: Path) -> Any:
    """Raises `InvalidInput`."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        raise InvalidInput(
            f"{path} is not JSON.",
            code="no_json",
            remedy="Name a file of JSON in UTF-8.",
            zh=f"{path} 不是 JSON。",
            remedy_zh="请指定 UTF-8 编码的 JSON 文件。",
        ) from None
