"""What a company licensed: files to download and to check without the portal, and free SQL to ask."""

import json
import os
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.markup import escape

from sandbox.cli.terminal import Home, Json, app, home_of, show
from sandbox.errors import InvalidInput

licensed_app = typer.Typer(no_args_is_help=True, help="What your company licensed. The key is in CIHU_KEY.")
app.add_typer(licensed_app, name="licensed")
Portal = Annotated[str, typer.Option("--portal", help="The portal's address (default: that of the city).")]
Folder = Annotated[Path, typer.Option("--to", help="Where the files are.")]
LIST = "manifest.json"


@licensed_app.command("download")
def download_files(
    product: str,
    to: Folder = Path(),
    form: Annotated[
        Literal["parquet", "csv"] | None, typer.Option("--format", help="Only files of this form.")
    ] = None,
    portal: Portal = "",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Download a product's files and their signed list. After a cut, run it again: it goes on at no cost
    while the list's links live."""
    from sandbox.client.licensed_files import client_of, download, verify_file

    to.mkdir(parents=True, exist_ok=True)
    with client_of(portal_of(portal, home), key()) as client:
        manifest = current_list(client, product, to)
        chosen = [each for each in manifest["files"] if form in (None, each["format"])]
        if not chosen:
            raise InvalidInput(f"There is no {form} file.", remedy="Leave --format out.")
        paths = []
        for listed in chosen:
            path = to / Path(str(listed["name"])).name
            if not (path.exists() and path.stat().st_size == listed["bytes"]):
                path = download(client, listed, to, lambda _: None)
            verify_file(path, listed)
            paths.append(path)
    show(
        {"product": product, "files": [str(path) for path in paths], "list": str(to / LIST)},
        as_json,
        *(f"{escape(str(path))}: complete" for path in paths),
        f"Check them without the portal: cihu licensed verify {escape(str(to / LIST))} --key …",
    )


def current_list(client: Any, product: str, to: Path) -> Any:
    """The manifest in the folder while its links live, so that what was cut off goes on; else a new one."""
    from datetime import UTC, datetime

    from sandbox.client.licensed_files import signed_list

    kept = to / LIST
    if kept.exists():
        manifest = read_list(kept).get("manifest", {})
        alive = datetime.fromisoformat(
            manifest.get("expires_at", "2000-01-01T00:00:00+00:00")
        ) > datetime.now(UTC)
        if manifest.get("product") == product and alive:
            return manifest
    document = signed_list(client, product)
    kept.write_text(json.dumps(document, ensure_ascii=False, indent=1), "utf-8")
    return document["manifest"]


@licensed_app.command("verify")
def verify_files(
    manifest: Annotated[Path, typer.Argument(help="The signed list, as `cihu licensed download` writes it.")],
    public_key: Annotated[
        str,
        typer.Option("--key", help="The portal's public key (GET /api/v1/manifest-key), or a file of it."),
    ],
    folder: Annotated[
        Path | None, typer.Option("--in", help="Where the files are (default: beside it).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check a signed list and the files beside it. It needs nothing but them and the portal's public key."""
    from sandbox.client.licensed_files import verify_file, verify_manifest

    key_text = Path(public_key).read_text("utf-8").strip() if Path(public_key).is_file() else public_key
    found = verify_manifest(read_list(manifest), key_text)
    where = folder or manifest.parent
    checked, missing = [], []
    for listed in found["files"]:
        path = where / Path(str(listed["name"])).name
        if path.exists():
            verify_file(path, listed)
            checked.append(path.name)
        else:
            missing.append(path.name)
    if not checked:
        raise InvalidInput(
            f"No file of the list is in {where}.",
            code="no_file",
            remedy="Name their folder with --in.",
            zh=f"{where} 中没有清单所列的文件。",
            remedy_zh="请用 --in 指明文件夹。",
        )
    show(
        {"verified": True, "product": found["product"], "files": checked, "missing": missing},
        as_json,
        f"Verified: release {found['release']} of {escape(str(found['product']))}.",
        *(f"  {escape(name)}: as signed" for name in checked),
        *(f"  {escape(name)}: not here" for name in missing),
    )


@licensed_app.command("ask")
def ask_sql(
    product: str,
    sql: str,
    epsilon: Annotated[str, typer.Option(help="What the question offers of the licence's privacy budget.")],
    only_explain: Annotated[
        bool, typer.Option("--explain", help="Only say what it would spend; it costs nothing.")
    ] = False,
    portal: Portal = "",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Ask a question of your own in SQL, within the privacy budget of your licence."""
    from sandbox.client.licensed_files import client_of, post

    with client_of(portal_of(portal, home), key()) as client:
        deed = "explain" if only_explain else "ask"
        answer = post(client, f"/api/v1/call/{product}/{deed}", {"sql": sql, "epsilon": epsilon})
    if only_explain:
        budget = answer["budget"]
        lines = [
            f"It would spend ε {answer['epsilon']:g}; {budget['percent_used_after']:g} % of the budget of "
            f"ε {budget['epsilon']} would be used."
        ]
    else:
        spent = answer["spent"]
        names = [str(column["name"]) for column in answer["columns"]]
        rows = [", ".join(map(str, row)) for row in answer["rows"]]
        lines = [
            escape(", ".join(names)),
            *map(escape, rows),
            f"Spent ε {spent['epsilon']:g}; {spent['budget_percent_used']:g} % of the budget of "
            f"ε {spent['budget_epsilon']} is used.",
        ]
    show(answer, as_json, *lines)


def read_list(path: Path) -> Any:
    """Raises `InvalidInput`."""
    try:
        document = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        document = None
    if not isinstance(document, dict) or not isinstance(document.get("manifest"), dict):
        raise InvalidInput(
            f"{path} is not a signed list of files.",
            code="no_list",
            remedy="Give the JSON of GET /api/v1/call/{product}/files.",
            zh=f"{path} 不是签名的文件清单。",
            remedy_zh="请提供 GET /api/v1/call/{product}/files 的 JSON。",
        )
    return document


def key() -> str:
    """Raises `InvalidInput`."""
    found = os.environ.get("CIHU_KEY", "")
    if not found:
        raise InvalidInput(
            "There is no key.",
            code="no_key",
            remedy="Put the licence's key into CIHU_KEY.",
            zh="缺少密钥。",
            remedy_zh="请将许可的密钥放入 CIHU_KEY。",
        )
    return found


def portal_of(portal: str, home: Path | None) -> str:
    from sandbox.client.session import places

    return portal or places(home_of(home)).portal
