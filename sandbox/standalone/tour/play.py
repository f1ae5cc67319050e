"""Plays the tour: step by step, each by somebody, each reported. The first that fails ends it."""

import secrets
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sandbox.client.session import ServiceUrls
from sandbox.errors import CihuError
from sandbox.standalone.demo_tables import write_demo_tables
from sandbox.standalone.tour import analyse, compete, govern, prove, sell
from sandbox.standalone.tour.stage import GateMissing, Stage

STEPS: tuple[tuple[str, str, Callable[[Stage], str]], ...] = (
    ("publish", "lin, tang, zhou (officers)", govern.publish),
    ("request", "wang (analyst)", govern.request),
    ("approve", "lin (officer)", govern.approve),
    ("open_kernel", "wang (analyst)", analyse.open_kernel),
    ("ask", "wang (analyst)", analyse.ask),
    ("explain", "wang (analyst)", analyse.explain),
    ("refuse_unsafe", "wang (analyst)", analyse.refuse_unsafe),
    ("budget_stop", "wang (analyst)", analyse.budget_stop),
    ("hold_contest", "lin, tang (officers)", compete.hold),
    ("enter_contest", "wang (analyst)", compete.enter),
    ("product", "zhou, lin (officers)", sell.product),
    ("order", "chen (buyer)", sell.order),
    ("key", "chen (buyer)", sell.key),
    ("call", "chen's program", sell.call),
    ("invoice_preview", "chen, zhou, lin", sell.invoice_preview),
    ("audit_verify", "xu (auditor)", prove.audit_verify),
)


@dataclass(frozen=True)
class Step:
    name: str
    actor: str
    ok: bool
    seconds: float
    detail: str


@dataclass
class Report:
    """What the tour found: `as_json` is the document of `cihu tour --json`."""

    steps: list[Step] = field(default_factory=list)
    answer: dict[str, Any] = field(default_factory=dict)
    audit: dict[str, Any] = field(default_factory=lambda: {"size": 0, "root": "", "verified": False})

    @property
    def ok(self) -> bool:
        return len(self.steps) == len(STEPS) and all(step.ok for step in self.steps)

    def as_json(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "steps": [asdict(step) for step in self.steps],
            "answer": self.answer,
            "audit": self.audit,
        }


def play(
    where: ServiceUrls,
    *,
    password: str,
    policies: Path,
    folder: Path,
    told: Callable[[Step], None],
    begins: Callable[[str, str], None] = lambda _, __: None,
) -> Report:
    """Play every step against the city at `where`; `folder` is for the demo's files.
    `told` is called with each step as it ends."""
    report = Report()
    with ExitStack() as closing:
        stage = Stage(where, password, write_demo_tables(folder), policies, secrets.token_hex(3), closing)
        for name, actor, deed in STEPS:
            begins(name, actor)
            step = _take(name, actor, deed, stage)
            report.steps.append(step)
            told(step)
            if not step.ok:
                break
        report.answer = {
            part: stage.known.get("answer", {}).get(part)
            for part in (
                "answer_id",
                "dataset",
                "version",
                "sql",
                "columns",
                "rows",
                "errors",
                "price",
                "log_index",
            )
        }
        report.audit = stage.known.get("audit", report.audit)
    return report


def _take(name: str, actor: str, deed: Callable[[Stage], str], stage: Stage) -> Step:
    began = time.monotonic()
    try:
        ok, detail = True, deed(stage)
    except GateMissing as missing:
        ok, detail = False, f"A gate does not hold: {missing}."
    except CihuError as error:
        ok, detail = False, f"Refused: {error}"
    except Exception as error:  # noqa: BLE001  # whatever it is, the tour has failed and says where
        ok, detail = False, f"Failed: {type(error).__name__}: {error}"
    return Step(name, actor, ok, round(time.monotonic() - began, 2), detail)
