"""Shows on a terminal how far a file is: the bytes that were sent; then the vault's work on it, as a line
with the step, bytes and rows."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from rich.filesize import decimal
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from sandbox.cli.terminal import err
from sandbox.errors import CihuError

if TYPE_CHECKING:
    from sandbox.client.session import ClientSession

STEPS = {
    "starting": "starting",
    "opening": "looking at the file",
    "inspecting": "inspecting every cell",
    "counting": "counting rows of units",
    "checking": "checking the file",
    "reading": "reading and sorting",
    "writing": "writing the version",
    "assessing": "assessing its quality",
    "registering": "registering it",
    "measuring": "published; loading it for questions",
}


@contextmanager
def sending(file: Path, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """Show how much of a file was sent; what is given is told of each piece how many bytes it has."""
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    with Progress(*columns, console=err, disable=quiet or not err.is_terminal, transient=True) as line:
        task = line.add_task(file.name, total=file.stat().st_size if file.is_file() else None)
        yield lambda count: line.update(task, advance=count)


@contextmanager
def followed(officer: "ClientSession", file: str, *, quiet: bool) -> Iterator[None]:
    """Show the progress of what is asked for in the block."""
    if quiet or not err.is_terminal:
        yield
        return
    line = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[told]}"),
        console=err,
        transient=True,
    )
    with line:
        task = line.add_task("starting", total=None, told="")
        ended = False

        def show() -> None:
            # what keeps the line from being shown keeps nobody from the work
            try:
                for event in officer.vault_events(f"/v1/uploads/{file}/progress"):
                    if ended:
                        return
                    line.update(task, **shown(json.loads(event)))
            except (CihuError, ValueError, KeyError):
                return

        Thread(target=show, daemon=True).start()
        try:
            yield
        finally:
            ended = True


def shown(standing: dict[str, Any]) -> dict[str, Any]:
    """What the line says of an event."""
    parts = []
    if standing["of_bytes"]:
        parts.append(f"{decimal(standing['bytes'])} of {decimal(standing['of_bytes'])}")
    if standing["rows"]:
        parts.append(f"{standing['rows']:,} rows")
    return {
        "description": STEPS.get(standing["step"], standing["step"]),
        "total": standing["of_bytes"] or None,
        "completed": standing["bytes"],
        "told": ", ".join(parts),
    }
