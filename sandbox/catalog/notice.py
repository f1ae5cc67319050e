"""A version that breaks questions is announced before it is published, while somebody has a grant.

What is announced is a whole policy. A later version keeps to it if it breaks nothing that the announced
policy keeps: then it may be published from the announced day on. `urgent` lets an officer publish earlier,
with a reason that is logged.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select, update

from sandbox.catalog.compare import Effect, compare, effect_of
from sandbox.catalog.model import DatasetPolicy
from sandbox.catalog.tables import announced_versions
from sandbox.city_time import city_date
from sandbox.database import Transaction
from sandbox.errors import CihuError, Conflict
from sandbox.policy import Grades, YamlText

LONGEST_NOTES = 2000
USUAL_DAYS = 14
OPEN, PUBLISHED, DROPPED = "open", "published", "dropped"


@dataclass(frozen=True)
class PublishersWord:
    """What the officer says as they publish: `notes` on what is new, and why it is `urgent`, if it is."""

    notes: str = ""
    urgent: str = ""


@dataclass(frozen=True)
class NoticeRule:
    """`has_grants` says whether anybody has a grant on a dataset that is live."""

    days: int
    has_grants: Callable[[Transaction, str], bool]

    @property
    def time(self) -> timedelta:
        return timedelta(days=self.days)


def read_notice_days(policies: Path) -> int:
    """Of policies/lifecycle.yaml; a city whose policies have no such file has the usual time."""
    file = policies / "lifecycle.yaml"
    if not file.exists():
        return USUAL_DAYS
    said = YamlText(
        file.read_text("utf-8"), policies / "lifecycle.schema.json", what=f"{policies.name}/{file.name}"
    )
    return int(said.document["notice_days"])


def require_announced(
    tx: Transaction,
    rule: NoticeRule | None,
    *,
    read: Callable[[str], DatasetPolicy],
    grades: Grades,
    in_use: DatasetPolicy | None,
    policy: DatasetPolicy,
    word: PublishersWord,
) -> None:
    """Raises `Conflict` for a version that breaks what works now for somebody, unless its time has come or it
    is urgent. `in_use`: the policy of the version in use, if one is."""
    if rule is None or in_use is None or word.urgent.strip():
        return
    if effect_of(compare(in_use, policy, grades)) is not Effect.BREAKING or not rule.has_grants(
        tx, policy.dataset
    ):
        return
    kept = _kept_to(tx, read, grades, policy)
    if any(takes_effect <= datetime.now(UTC) for _, takes_effect, _ in kept):
        return
    first = min((takes_effect for _, takes_effect, _ in kept), default=None)
    day = city_date(first).isoformat() if first else ""
    raise Conflict(
        f"This version of {policy.dataset} breaks questions of those who have a grant, and "
        + (f"it is announced for {day}." if first else "was not announced."),
        code="not_announced",
        remedy=(
            f"Publish it from {day} on" if first else f"Announce it {rule.days} days ahead (cihu announce)"
        )
        + ", or say why it is urgent: the reason is logged.",
        zh=f"{policy.dataset} 的这一版会使授权持有者的现有提问失效，"
        + (f"已公告于 {day} 生效。" if first else "但尚未公告。"),
        remedy_zh=(f"请在 {day} 起发布" if first else f"请提前 {rule.days} 天公告（cihu announce）")
        + "，或说明紧急原因：原因会记入日志。",
    )


def mark_published(
    tx: Transaction,
    *,
    read: Callable[[str], DatasetPolicy],
    grades: Grades,
    policy: DatasetPolicy,
    number: int,
) -> None:
    """What the new version brings about is announced no more. A version that only adds to what is announced
    leaves it open: what is to be taken away is still to come."""
    ids = [
        id
        for id, _, announced in _kept_to(tx, read, grades, policy)
        if effect_of(compare(policy, announced, grades)) is not Effect.BREAKING
    ]
    tx.execute(
        update(announced_versions)
        .where(announced_versions.c.id.in_(ids))
        .values(state=PUBLISHED, published_version=number)
    )


def _kept_to(
    tx: Transaction, read: Callable[[str], DatasetPolicy], grades: Grades, policy: DatasetPolicy
) -> list[tuple[int, datetime, DatasetPolicy]]:
    """The open announcements that the policy keeps to, each with its day and what it announces."""
    kept = []
    rows = tx.execute(
        select(announced_versions).where(
            announced_versions.c.dataset == policy.dataset, announced_versions.c.state == OPEN
        )
    )
    for row in list(rows):
        try:
            announced = read(row.policy)
        except CihuError:
            continue  # of a former release; it is announced anew
        if effect_of(compare(announced, policy, grades)) is not Effect.BREAKING:
            kept.append((row.id, row.takes_effect, announced))
    return kept
