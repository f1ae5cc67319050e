"""Limits hints: whether a run may reveal the class of how it ended, and how many bits such hints have used
already.

A hint is one of eight values at most, given at the moment at which the end is disclosed in any case: so a run
reveals 3 bits by it, or fewer. Bits are taken when the run is submitted, whatever it then reveals, and are
never given back once it has started. The cap is an officer's, for one team and one dataset: a new grant or a
new version is no fresh cap. All teams of one organisation have a cap together. The argument: README.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, or_, select

from sandbox.catalog import Version
from sandbox.database import Transaction, lock_name
from sandbox.errors import BudgetExhausted, Forbidden
from sandbox.identity import Principal
from sandbox.identity.tables import accounts
from sandbox.identity.teams import organisations_of_team, teams_of_organisation
from sandbox.jobs.model import Hint, Input, RunState
from sandbox.jobs.permit import require_leave
from sandbox.jobs.sealed_run import Ending
from sandbox.jobs.tables import runs
from sandbox.policy import Gate

HINT_BITS = 3
assert len(Hint) <= 2**HINT_BITS
IMPORTS = (b"ModuleNotFoundError:", b"ImportError:")
MEMORY = (b"MemoryError", b"numpy._core._exceptions._ArrayMemoryError")
OUT_OF_PROCESSOR_TIME, KILLED = 128 + 24, 128 + 9


@dataclass(frozen=True)
class HintsTold:
    """How many bits hints have disclosed to one team about one dataset, and the limit."""

    dataset: str
    told_bits: int
    limit_bits: int


def take_bits(
    tx: Transaction,
    gate: Gate,
    principal: Principal,
    team: str,
    inputs: Sequence[Input],
    versions: Sequence[Version],
    organisation_windows: int,
) -> int:
    """The bits of one hint, if every input allows it: by the grade of all together, by its officer, by what
    is left to the team, and to all teams of each organisation behind it together, which have
    `organisation_windows` times as much.

    Raises `Refused` (the grade), `Forbidden` (an officer), `BudgetExhausted`. Nothing of it depends on a row.
    """
    require_leave(tx, gate, principal, inputs, versions, way="hints")
    behind = sorted({principal.organisation, *organisations_of_team(tx, team)})
    for version in sorted((one for one in versions if one.policy.unit), key=lambda one: one.dataset):
        lock_name(tx, f"cihu hints {team} {version.dataset}")
        told = hints_told(tx, team, version)
        if not told.limit_bits:
            raise Forbidden(
                f"The officer of {version.dataset} lets no run tell how it ended.",
                code="no_hints",
                remedy="Hand it in without a hint; its log is among what reviewers may release.",
                zh=f"{version.dataset} 的数据专员不允许运行告知其如何结束。",
                remedy_zh="请不带提示提交；运行日志可申请审核放行。",
            )
        if told.told_bits + HINT_BITS > told.limit_bits:
            raise BudgetExhausted(
                f"Hints have told your team {told.told_bits} of {told.limit_bits} bits of {version.dataset}.",
                code="hints_used_up",
                remedy="Hand it in without a hint; its log is among what reviewers may release.",
                zh=(
                    f"提示已向你的团队透露 {version.dataset} 的 {told.told_bits} "
                    f"比特（上限 {told.limit_bits}）。"
                ),
                remedy_zh="请不带提示提交；运行日志可申请审核放行。",
            )
        for organisation in behind:
            lock_name(tx, f"cihu hints of organisation {organisation} {version.dataset}")
            if _told_to(tx, organisation, version) + HINT_BITS > organisation_windows * told.limit_bits:
                raise BudgetExhausted(
                    f"Hints have told the teams of an organisation of yours as much of {version.dataset} as "
                    "they may be told together.",
                    code="hints_used_up",
                    remedy="Hand it in without a hint; its log is among what reviewers may release.",
                    zh=f"提示向你们所在单位各团队透露的 {version.dataset} 的信息已达到合计上限。",
                    remedy_zh="请不带提示提交；运行日志可申请审核放行。",
                )
    return HINT_BITS


def hints_told(tx: Transaction, team: str, version: Version) -> HintsTold:
    """Of runs that wait or have ever started. A run that was cancelled before it started has disclosed
    nothing."""
    return HintsTold(version.dataset, _bits(tx, version, runs.c.team == team), version.policy.hint_bits)


def _told_to(tx: Transaction, organisation: str, version: Version) -> int:
    """The bits of all teams in which it has a member, and of all runs that somebody of it handed in."""
    people = select(accounts.c.id).where(accounts.c.organisation == organisation)
    of_teams = runs.c.team.in_(teams_of_organisation(organisation))
    return _bits(tx, version, or_(of_teams, runs.c.submitted_by.in_(people)))


def _bits(tx: Transaction, version: Version, whose: ColumnElement[bool]) -> int:
    told = tx.scalar(
        select(func.coalesce(func.sum(runs.c.hint_bits), 0)).where(
            whose,
            runs.c.hint_bits > 0,
            runs.c.inputs.contains([{"dataset": version.dataset}]),
            or_(runs.c.state == RunState.QUEUED.value, runs.c.started_at.is_not(None)),
        )
    )
    return int(told or 0)


def hint_of(ending: Ending) -> Hint:
    """Which class the end of a run is of; any end is of one."""
    if ending.how in ("memory", "time"):
        return Hint(ending.how)
    if ending.how == "processor":
        return Hint.TIME
    if ending.how != "itself":
        return Hint.NOT_RUN
    if ending.status:
        return _failed(ending)
    refused = ending.outbox.left_out or not ending.outbox.files or ending.predictions not in ("", "valid")
    return Hint.OUTBOX_REFUSED if refused else Hint.OK


def _failed(ending: Ending) -> Hint:
    last = ending.said.rstrip().rpartition(b"\n")[2]
    if last.startswith(IMPORTS):
        return Hint.IMPORT_MISSING
    if last.startswith(MEMORY) or ending.status == KILLED:
        return Hint.MEMORY
    return Hint.TIME if ending.status == OUT_OF_PROCESSOR_TIME else Hint.PROGRAM_ERROR
