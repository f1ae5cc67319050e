"""Carries out one pull: opens the source, and streams what it gives to the vault.

The puller writes nothing down. What broke off at the source breaks off at the vault too, which then publishes
nothing; the reason follows as a code.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import httpx

from sandbox.puller.vault import DuePull, VaultClient
from sandbox.sources.failures import SourceFailure
from sandbox.sources.read_source import read_source
from sandbox.sources.source_list import DataSource
from sandbox.sources.table_stream import TableChoice

log = logging.getLogger("cihu.puller")


@dataclass
class Watched:
    """The pieces of a file, and whether it was their source that failed."""

    pieces: Iterator[bytes]
    failed: bool = False

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self.pieces
        except Exception:
            self.failed = True
            raise


def pull(
    vault: VaultClient,
    sources: Mapping[str, DataSource],
    permit: Callable[[DataSource], list[str]],
    due: DuePull,
) -> bool:
    """Whether the vault took the rows. A failure of the source is told to the vault;
    `httpx.HTTPError`, where the vault itself does not answer, is raised."""
    try:
        source = sources.get(due.source)
        if source is None:
            raise SourceFailure("source_unknown")
        _read(vault, source, permit(source), due)
    except SourceFailure as failure:
        log.warning("pull %s of %s: %s (%s)", due.id, due.source, failure.code, failure.internal)
        vault.tell_failure(due, failure)
        return False
    return True


def _read(vault: VaultClient, source: DataSource, addresses: list[str], due: DuePull) -> None:
    """Whatever a client of a source raises ends this pull alone: the next is due."""
    try:
        _send(vault, source, addresses, due)
    except (SourceFailure, httpx.HTTPError):
        raise
    except Exception as error:  # noqa: BLE001  # a library's own, of which only the class is told
        raise SourceFailure("source_failed", internal=type(error).__name__) from None


def _send(vault: VaultClient, source: DataSource, addresses: list[str], due: DuePull) -> None:
    """Raises `SourceFailure`; `httpx.HTTPError` of the vault."""
    vaults: httpx.HTTPError | None = None
    with read_source(source, addresses, chosen=_choice(due)) as pieces:
        watched = Watched(pieces)
        try:
            vault.send_rows(due, watched)
        except httpx.HTTPError as error:
            if watched.failed:
                raise  # the source's reader says what it means
            vaults = error  # none of the source's: it must not be taken for one
    if vaults is not None:
        raise vaults


def _choice(due: DuePull) -> TableChoice | str:
    if due.kind == "table":
        return TableChoice(table=due.what, since=due.since)
    if due.kind == "query":
        return TableChoice(query=due.what, since=due.since)
    return due.what
