"""The transparency log: its key, receipts, and how anybody verifies them offline."""

import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import typer
from rich.markup import escape

from sandbox.cli.terminal import (
    As,
    Home,
    Json,
    app,
    audit_app,
    home_of,
    key_given,
    out,
    print_json,
    show,
    visitor_of,
)
from sandbox.errors import InvalidInput


@audit_app.command("verify")
def audit_verify(
    receipt: Annotated[
        Path,
        typer.Argument(
            help="A receipt (JSON), as `cihu ask --receipt` writes it, or the portal gives it for a usage "
            "line; a package of a run (zip), as `cihu package` writes it; or an export (ndjson), as "
            "`cihu audit export` writes it."
        ),
    ],
    key: Annotated[
        str, typer.Option(help="The log's public key, as `cihu audit key` prints it, or a file of it.")
    ],
    witness: Annotated[
        list[str] | None,
        typer.Option(help="The public key of a witness, or a file of it; several may be given."),
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option(help="Which witnesses must have co-signed: a file of the format C2SP tlog-policy."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Verify a receipt or a package offline: it needs nothing but the file and the log's public key.

    With `--witness` or `--policy` a receipt must be under a checkpoint that they co-signed.
    """
    if witness or policy:
        _verify_witnessed(
            receipt, key_given(key), [key_given(each) for each in witness or []], policy, as_json
        )
        return
    if receipt.suffix == ".ndjson":
        _verify_export(receipt, key, as_json=as_json)
        return
    if zipfile.is_zipfile(receipt):
        _verify_package(receipt, key_given(key), as_json=as_json)
        return
    _verify_receipt(_receipt_in(receipt), key_given(key), as_json=as_json)


def _receipt_in(place: Path) -> Any:
    try:
        return json.loads(place.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInput(
            f"{place} is not a receipt that can be read.", remedy="Give a JSON file."
        ) from error


def _verify_receipt(
    document: Any,
    public_key: str,
    *,
    as_json: bool,
    more: dict[str, Any] | None = None,
    lines: tuple[str, ...] = (),
) -> None:
    from sandbox.audit import verify_receipt  # brings SQLAlchemy, which no other command waits for
    from sandbox.audit.batch_receipts import is_batch_receipt, verify_batch_receipt

    in_batch = is_batch_receipt(document)
    proven = (verify_batch_receipt if in_batch else verify_receipt)(document, public_key)
    show(
        {
            "verified": True,
            "kind": proven.kind,
            "index": proven.index,
            "size": proven.size,
            "root": proven.root,
            **(more or {}),
        },
        as_json,
        f"Verified: entry {proven.index} of {proven.size} is a {proven.kind} of {proven.time}.",
        *([f"  {proven.actor}: {proven.subject}"] if proven.opened else []),
        *([f"  It stands for, among others: {escape(document['leaf'])}"] if in_batch else []),
        *lines,
    )


def _verify_witnessed(
    place: Path, public_key: str, keys: list[str], policy_file: Path | None, as_json: bool
) -> None:
    """A receipt, and who co-signed its checkpoint."""
    from sandbox.audit.witness_policy import NO_WITNESSES, read_policy_file
    from sandbox.audit.witnessed_receipts import require_witnesses

    document = _receipt_in(place)
    policy = read_policy_file(policy_file) if policy_file else NO_WITNESSES
    cosigned = require_witnesses(document, public_key, policy, keys)
    moments = [
        {"witness": each.key.name, "time": datetime.fromtimestamp(each.time, UTC).isoformat()}
        for each in cosigned
    ]
    _verify_receipt(
        document,
        public_key,
        as_json=as_json,
        more={"witnesses": moments},
        lines=tuple(escape(f"  Co-signed by {each['witness']} at {each['time']}.") for each in moments),
    )


@audit_app.command("renew")
def audit_renew(
    receipt: Annotated[Path, typer.Argument(help="A receipt (JSON).")],
    output: Annotated[Path, typer.Argument(help="The file to write. Keep the old receipt, too.")],
    key: Annotated[str, typer.Option(help="The log's public key, or a file of it.")],
    log: Annotated[str, typer.Option(help="The address of the log's API (default: this city's).")] = "",
    home: Home = None,
) -> None:
    """Get a receipt anew under the newest witnessed checkpoint of the log, without an account."""
    from sandbox.audit.witnessed_receipts import renewed, verify_any_receipt
    from sandbox.client.log_api import LogApi
    from sandbox.client.session import places

    document, public_key = _receipt_in(receipt), key_given(key)
    verify_any_receipt(document, public_key)
    written = renewed(document, LogApi(log or places(home_of(home)).vault).receipt)
    verify_any_receipt(written, public_key)
    output.write_text(json.dumps(written, ensure_ascii=False, indent=1), "utf-8")
    out.print(f"Written to {escape(str(output))}.", highlight=False, soft_wrap=True)


def _verify_export(place: Path, key: str, *, as_json: bool) -> None:
    """Every line, or the first that does not hold."""
    from sandbox.audit import NotProven, verify_receipt

    public_key = key_given(key)
    sizes: list[int] = []
    try:
        with place.open(encoding="utf-8") as lines:
            sizes.extend(verify_receipt(json.loads(line), public_key).size for line in lines)
    except NotProven as error:
        raise NotProven(f"Line {len(sizes) + 1}: {error.message}") from None
    except (OSError, ValueError) as error:
        raise InvalidInput(
            f"Line {len(sizes) + 1} of {place} cannot be read.", remedy="Give the export as it was written."
        ) from error
    show(
        {"verified": True, "entries": len(sizes), "sizes": sorted(set(sizes))},
        as_json,
        f"Verified: {len(sizes)} entries of a log of {max(sizes, default=0)}.",
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


Person = Annotated[str, typer.Option(help="A login name: what they did, and what names them.")]
Named = Annotated[str, typer.Option("--object", help="Such as dataset:health.visits or grant:12.")]
OfKind = Annotated[str, typer.Option("--kind", help="A kind of entry, such as grant.approved.")]
Since = Annotated[str, typer.Option(help="A moment with its time zone, such as 2026-12-01T00:00:00+08:00.")]
Until = Annotated[str, typer.Option(help="A moment with its time zone; not with it.")]


@audit_app.command("search")
def audit_search(
    who: As = "xu",
    person: Person = "",
    named: Named = "",
    kind: OfKind = "",
    since: Since = "",
    until: Until = "",
    before: Annotated[int | None, typer.Option(help="Go on below this entry.")] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Search the log by person, object, kind and time, the newest first (auditors)."""
    query = _query(person=person, object=named, kind=kind, since=since, until=until, before=before)
    _show_entries(visitor_of(home, who).vault("GET", f"/v1/log/search{query}"), as_json)


@audit_app.command("trail")
def audit_trail(
    named: Annotated[str, typer.Argument(help="Such as dataset:health.visits or grant:12.")],
    who: As = "lin",
    before: Annotated[int | None, typer.Option(help="Go on below this entry.")] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Show the audit trail of an object (auditors; data officers: of their department)."""
    kind, _, id = named.partition(":")
    trail(kind, id, who, before, home, as_json)


@app.command()
def trail(
    kind: Annotated[str, typer.Argument(help="Such as dataset, grant, run, licence, competition, account.")],
    id: Annotated[str, typer.Argument(help="Its name or number.")],
    who: As = "lin",
    before: Annotated[int | None, typer.Option(help="Go on below this entry.")] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Show every entry of the log about an object that you may see."""
    if not (kind and id):
        raise InvalidInput(
            "This is not the name of an object.",
            remedy="Write its kind and its name, as in: cihu trail dataset health.visits.",
            zh="这不是对象的名称。",
            remedy_zh="请写明类别和名称，如：cihu trail dataset health.visits。",
        )
    path = f"/v1/log/objects/{quote(kind, safe='')}/{quote(id, safe='')}{_query(before=before)}"
    _show_entries(visitor_of(home, who).vault("GET", path), as_json)


@audit_app.command("export")
def audit_export(
    output: Annotated[Path, typer.Argument(help="The file to write: .ndjson or .csv.")],
    who: As = "xu",
    person: Person = "",
    named: Named = "",
    kind: OfKind = "",
    since: Since = "",
    until: Until = "",
    home: Home = None,
) -> None:
    """Export what a search finds, each entry with its proof and the signed checkpoint (auditors)."""
    format = output.suffix.removeprefix(".")
    if format not in ("ndjson", "csv"):
        raise InvalidInput("The format cannot be told.", remedy="End the file's name in .ndjson or .csv.")
    query = _query(format=format, person=person, object=named, kind=kind, since=since, until=until)
    body = visitor_of(home, who).vault("POST", f"/v1/log/exports{query}")
    output.write_bytes(body.encode())
    out.print(f"Written to {escape(str(output))}.", highlight=False, soft_wrap=True)


@audit_app.command("follow")
def audit_follow(
    state: Annotated[Path, typer.Option(help="Where the last checkpoint is kept, out of the city.")],
    key: Annotated[str, typer.Option(help="The log's public key, or a file of it.")] = "",
    home: Home = None,
) -> None:
    """Be a witness: verify that the log only grew since the last time, and keep its newest checkpoint."""
    import httpx

    from sandbox.audit import verify_growth
    from sandbox.audit.note import PublicKey, open_checkpoint
    from sandbox.client.session import places

    with httpx.Client(base_url=places(home_of(home)).vault, timeout=30, trust_env=False) as client:
        public_key = key_given(key)
        public_key = public_key or client.get("/v1/log/key").json()["key"]
        new = client.get("/v1/log/checkpoint").text
        size = open_checkpoint(new, PublicKey.parse(public_key)).size
        if state.exists():
            old = state.read_text("utf-8")
            first = open_checkpoint(old, PublicKey.parse(public_key)).size
            if first > size:
                raise InvalidInput(
                    f"The log has {size} entries, and had {first} when it was followed last.",
                    remedy="Keep both checkpoints: they are evidence that the log was changed.",
                )
            proof = client.get("/v1/log/consistency", params={"first": first, "second": size}).json()["proof"]
            verify_growth(old, new, proof, public_key)
            line = f"The log of {size} entries continues that of {first}."
        else:
            line = f"The first checkpoint, of {size} entries, is kept."
    state.write_text(new, "utf-8")
    out.print(line, highlight=False)


def _query(**given: object) -> str:
    kept = {name: value for name, value in given.items() if value not in ("", None)}
    return f"?{urlencode(kept)}" if kept else ""


def _show_entries(found: dict[str, Any], as_json: bool) -> None:
    lines = [
        f"{each['index']}  {each['time'][:19]}  {each['kind']}  "
        + ("(erased)" if each["erased"] else escape(f"{each.get('actor', '–')} → {each['subject']}"))
        for each in found["entries"]
    ]
    more = [f"More: --before {found['older']}"] if found["older"] is not None else []
    show(found, as_json, *lines or ["Nothing was found."], *more)
