"""The state of the tour from step to step: the people, the numbers that they were given, and what it knows of
the data."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sandbox.client.session import ClientSession, ServiceUrls
from sandbox.errors import CihuError
from sandbox.standalone.workspace_visit import Kernel


class GateMissing(Exception):
    """Something was let through, or was not as it must be: the city is not safe."""


@dataclass
class Stage:
    where: ServiceUrls
    password: str
    files: dict[str, Path]  # the demo's rows, as the officers bring them
    policies: Path
    number: str  # makes names of this tour its own
    closing: ExitStack
    known: dict[str, Any] = field(default_factory=dict)
    kernel: Kernel | None = None
    _visitors: dict[str, ClientSession] = field(default_factory=dict)

    def person(self, account: str) -> ClientSession:
        """Somebody of the demo city, logged in."""
        if account not in self._visitors:
            self._visitors[account] = ClientSession(self.where, account, self.password)
        return self._visitors[account]

    def cells(self) -> Kernel:
        if self.kernel is None:
            raise GateMissing("the kernel was not opened")
        return self.kernel

    @property
    def until(self) -> str:
        return (datetime.now(UTC) + timedelta(days=60)).date().isoformat()


def check(holds: object, otherwise: str) -> None:
    """Raise `GateMissing` unless it holds."""
    if not holds:
        raise GateMissing(otherwise)


def refused(deed: Callable[[], object], *, code: str, what: str) -> CihuError:
    """Do what must be refused; returns the refusal.
    Raises `GateMissing` if it was let through, or refused otherwise."""
    try:
        done = deed()
    except CihuError as refusal:
        check(refusal.code == code, f"{what} was refused as {refusal.code}, not as {code}: {refusal}")
        return refusal
    raise GateMissing(f"{what} was let through: {json.dumps(done, default=str)[:200]}")
