"""The transparency log: its key, receipts, and how anybody verifies them offline."""

import json
import zipfile
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from sandbox.cli.terminal import As, Home, Json, audit_app, home_of, print_json, show, visitor_of
from sandbox.errors import InvalidInput


@audit_app.command("verify")
def audit_verify(
    receipt: Annotated[
        Path,
        typer.Argument(
            help="A receipt (JSON), as `cihu ask --receipt` writes it, or a package "
            "of a run (zip), as `cihu package` writes it."
        ),
    ],
    key: Annotated[
        str, typer.Option(help="The log's public key, as `cihu audit key` prints it, or a file of it.")
    ],
    as_json: Json = False,
) -> None:
    """Verify a receipt or a package offline: it needs nothing but the file and the log's public key."""
    if zipfile.is_zipfile(receipt):
        _verify_package(
            receipt, Path(key).read_text("utf-8").strip() if Path(key).is_file() else key, as_json=as_json
        )
        return
    from sandbox.audit import verify_receipt  # brings SQLAlchemy, which no other command waits for

    try:
        document = json.loads(receipt.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInput(
            f"{receipt} is not a receipt that can be read.", remedy="Give a JSON file."
        ) from error
    public_key = Path(key).read_text("utf-8").strip() if Path(key).is_file() else key
    proven = verify_receipt(document, public_key)
    show(
        {
            "verified": True,
            "kind": proven.kind,
            "index": proven.index,
            "size": proven.size,
            "root": proven.root,
        },
        as_json,
        f"Verified: entry {proven.index} of {proven.size} is a {proven.kind} of {proven.time}.",
        *([f"  {proven.actor}: {proven.subject}"] if proven.opened else []),
    )


def _verify_package(place: Path, public_key: str, *, as_json: bool) -> None:
    from sandbox.reviews.verify_package import verify_package

    proven = verify_package(place.read_bytes(), public_key)
    show(
        {"verified": True, "name": proven.name, "outcome": proven.outcome, "files": list(proven.files)},
        as_json,
        f"Verified: {escape(proven.name)} was {proven.outcome}; {len(proven.files)} files, "
        f"{proven.receipts} receipts.",
        *[f"  {escape(name)}" for name in proven.files],
    )


@audit_app.command("key")
def audit_key(home: Home = None) -> None:
    """Print the log's public key (anybody may have it; get it once, from somebody you trust)."""
    import httpx

    from sandbox.client.session import places

    print(httpx.get(f"{places(home_of(home)).vault}/v1/log/key", timeout=30, trust_env=False).json()["key"])


@audit_app.command("receipt")
def audit_receipt(index: int, who: As = "wang", home: Home = None) -> None:
    """Fetch the receipt of a log entry; what it says is shown to whoever did it, and to auditors."""
    print_json(visitor_of(home, who).vault("GET", f"/v1/log/receipts/{index}"), indent=1)
