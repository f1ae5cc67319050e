"""Commands of a witness: a second organisation that verifies and co-signs the log, on its own machine."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from sandbox.cli.terminal import Home, Json, app, err, home_of, key_given, out, print_json, show
from sandbox.errors import CihuError, InvalidInput, Unavailable

if TYPE_CHECKING:  # brings SQLAlchemy, which --help must not wait for
    from sandbox.client.log_api import LogApi
    from sandbox.witness import WitnessState

FORKED = 3
"""The exit status when the log has forked."""

witness_app = typer.Typer(
    no_args_is_help=True,
    help="Witness a log: verify that it only grows, and co-sign its checkpoints (C2SP tlog-cosignature).",
)
app.add_typer(witness_app, name="witness")
State = Annotated[Path, typer.Option(help="The witness's folder: its key, and what it co-signed last.")]
Address = Annotated[str, typer.Option("--log", help="The address of the log's API (the city's vault).")]


@witness_app.command("create")
def create(
    state: State,
    name: Annotated[str, typer.Option(help="Such as audit.example.gov.cn/witness: no space, no +.")],
    key: Annotated[
        str, typer.Option(help="The log's public key, or a file of it, from somebody whom you trust.")
    ],
    log: Address = "",
    home: Home = None,
) -> None:
    """Make a witness's key and its memory, and print what the log's operator needs."""
    from sandbox.witness import create_witness

    made = create_witness(state, name=name, log=log or _vault(home), log_key=key_given(key))
    out.print(escape(str(made.public_key)), highlight=False, soft_wrap=True)
    out.print("Send it to the log's operator, who adds a line to policies/witnesses.policy:", highlight=False)
    out.print(escape(f"witness NAME {made.public_key}"), highlight=False, soft_wrap=True)


@witness_app.command("key")
def key_of(state: State, as_json: Json = False) -> None:
    """Print the witness's public key alone: for policies/witnesses.policy, and for whoever verifies."""
    from sandbox.witness import WitnessState

    witness = WitnessState(state)
    key = str(witness.public_key)
    if as_json:
        print_json({"name": witness.name, "key": key, "log": witness.log})
    else:
        out.print(escape(key), highlight=False, soft_wrap=True)


@witness_app.command("run")
def run(
    state: State,
    every: Annotated[
        int | None, typer.Option(min=10, help="Go on for ever, and look each so many seconds.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Verify that the log only grew since the last time, co-sign its newest checkpoint, and hand it in.

    Exit status 3: the log has forked, and the evidence is in the witness's folder.
    """
    from sandbox.client.log_api import LogApi
    from sandbox.witness import LogForked, WitnessState

    witness = WitnessState(state)
    source = LogApi(witness.log)
    while True:
        try:
            _round(witness, source, as_json=as_json)
        except LogForked as error:
            err.print(f"[red]{escape(error.message)}[/red]", highlight=False, soft_wrap=True)
            err.print(escape(error.remedy), highlight=False, soft_wrap=True)
            raise typer.Exit(FORKED) from None
        except CihuError as error:
            if every is None:
                raise
            err.print(escape(str(error)), highlight=False, soft_wrap=True)
        if every is None:
            return
        time.sleep(every)  # the pace that was asked for: nothing tells a witness that a log grew


def _round(witness: "WitnessState", source: "LogApi", *, as_json: bool) -> None:
    from sandbox.witness import witness_round

    done = witness_round(witness, source)
    grown = f"It continues the {done.before} before." if done.before else "It is the first."
    show(
        {"size": done.size, "before": done.before, "checkpoint": done.note},
        as_json,
        f"Co-signed the log of {done.size} entries. {grown}",
    )


@witness_app.command("restore")
def restore(
    state: State,
    checkpoint: Annotated[
        Path, typer.Argument(help="A checkpoint that this witness co-signed, or a receipt under one.")
    ],
) -> None:
    """Give a witness its memory back, by the newest checkpoint that it is known to have co-signed."""
    from sandbox.witness import WitnessState

    restored = WitnessState(state).restore(_checkpoint_in(_text(checkpoint)))
    out.print(f"The witness remembers the log of {restored.size} entries.", highlight=False)


@witness_app.command("evidence")
def evidence(
    file: Annotated[Path, typer.Argument(help="The evidence of a fork, as `cihu witness run` wrote it.")],
    key: Annotated[str, typer.Option(help="The log's public key, or a file of it.")],
    as_json: Json = False,
) -> None:
    """Verify offline what the evidence of a fork proves."""
    from sandbox.witness import verify_evidence

    try:
        document = json.loads(_text(file))
    except ValueError as error:
        raise InvalidInput(f"{file} is not JSON.", remedy="Give the file as it was written.") from error
    proven = verify_evidence(document, key_given(key))
    show({"proven": proven}, as_json, proven)


@witness_app.command("list")
def listed(log: Address = "", home: Home = None, as_json: Json = False) -> None:
    """List the witnesses that a log knows: what each co-signed last, and how long ago."""
    from sandbox.client.log_api import LogApi

    known = dict(LogApi(log or _vault(home)).witnesses())
    lines = []
    for each in known["witnesses"]:
        if each["size"] is None:
            lines.append(f"{each['name']}: nothing yet")
            continue
        age = datetime.now(UTC) - datetime.fromisoformat(each["time"])
        minutes = max(int(age.total_seconds() // 60), 0)
        lines.append(
            f"{each['name']}: {each['size']} entries, {minutes} minutes ago; {each['behind']} came since"
        )
    witnessed = "none" if known["witnessed"] is None else f"the first {known['witnessed']}"
    lines = lines or ["The log knows no witness."]
    summary = f"Of {known['size']} entries {witnessed} are witnessed (quorum: {known['quorum']})."
    show(dict(known), as_json, *map(escape, lines), escape(summary))


def _checkpoint_in(text: str) -> str:
    """The checkpoint of a receipt; any other text is one itself."""
    try:
        receipt = json.loads(text)
    except ValueError:
        return text
    found = receipt.get("checkpoint") if isinstance(receipt, dict) else None
    return found if isinstance(found, str) else text


def _vault(home: Path | None) -> str:
    from sandbox.client.session import places

    try:
        return places(home_of(home)).vault
    except Unavailable as error:
        raise InvalidInput(
            "It is not said which log.", remedy="Give --log, the address of its API."
        ) from error


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} cannot be read.", remedy="Give a file of text in UTF-8.") from error
