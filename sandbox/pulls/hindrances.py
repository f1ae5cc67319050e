"""Why a pull may not go on: its dataset ended, a version was withdrawn, a colleague published a policy.

Such a pull is suspended, and fetches nothing, until an officer sets it again. Whether rows fit a policy is
told by an attempt's outcome, so that a pull carries out no policy but one that its officer published or saw
when they set it.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, and_, select, update

from sandbox.audit import Event, append
from sandbox.catalog.model import DatasetPolicy
from sandbox.catalog.tables import dataset_versions, datasets
from sandbox.database import Transaction
from sandbox.errors import Conflict
from sandbox.pulls.tables import pull_attempts, pulls

GOING = ("waiting", "active")


class Hindered(Conflict):
    """Raised where a pull may not go on. Its words are public."""


@dataclass(frozen=True)
class Newest:
    """The newest version's policy text, and the digest of its file."""

    text: str
    file_sha256: str | None


def newest_for(tx: Transaction, pull: Row[Any]) -> Newest:
    """What the pull's next version is made by. Raises `Hindered`."""
    version = and_(
        dataset_versions.c.dataset == datasets.c.name, dataset_versions.c.number == datasets.c.latest
    )
    row = tx.execute(
        select(
            datasets.c.retires_at,
            datasets.c.erased_at,
            dataset_versions.c.policy,
            dataset_versions.c.file_sha256,
            dataset_versions.c.published_by,
        )
        .select_from(datasets.outerjoin(dataset_versions, version))
        .where(datasets.c.name == pull.dataset)
    ).one()
    if row.erased_at is not None:
        raise Hindered(
            "The dataset was erased.",
            code="dataset_erased",
            remedy="End the pull.",
            zh="数据集已删除。",
            remedy_zh="请结束采集。",
        )
    if row.retires_at is not None and row.retires_at <= datetime.now(UTC):
        raise Hindered(
            "The dataset is retired, and gets no new version.",
            code="dataset_retired",
            remedy="End the pull.",
            zh="数据集已停用，不再发布新版本。",
            remedy_zh="请结束采集。",
        )
    if row.policy is None:
        raise Hindered(
            "Every version of the dataset was withdrawn.",
            code="dataset_withdrawn",
            remedy="Publish a corrected version from a file, and set the pull again.",
            zh="数据集的所有版本均已撤回。",
            remedy_zh="请先由文件发布改正后的版本，再重新设置采集。",
        )
    # the outcome of a pull tells whether the policy's rules held on its rows: each policy is agreed to
    if digest_of_policy(row.policy) != pull.policy_sha256:
        raise Hindered(
            f"{row.published_by} published another policy since the pull was set.",
            code="policy_changed",
            remedy="Look at the newest version's policy, and set the pull again.",
            zh=f"设置采集后，{row.published_by} 发布了另一份策略。",
            remedy_zh="请查看最新版本的策略，然后重新设置采集。",
        )
    return Newest(row.policy, row.file_sha256)


def needs_second_officer(policy: DatasetPolicy) -> bool:
    """Whoever sets a pull reads exact figures of rows that they never held, and chooses the query and the
    rules: of data about people, a second officer agrees to both, whatever the grade."""
    return policy.unit is not None


def digest_of_policy(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def policy_digest(tx: Transaction, dataset: str, number: int) -> str:
    """Of the policy of a version."""
    return digest_of_policy(
        tx.execute(
            select(dataset_versions.c.policy).where(
                dataset_versions.c.dataset == dataset, dataset_versions.c.number == number
            )
        ).scalar_one()
    )


def suspend(tx: Transaction, pull: Row[Any], *, code: str, en: str, zh: str) -> None:
    """Within a transaction that holds the pull's row, and appends nothing to the log before."""
    tx.execute(
        update(pulls).where(pulls.c.id == pull.id).values(state="suspended", suspended={"en": en, "zh": zh})
    )
    append(tx, Event("pull.suspended", pull.set_by, f"dataset:{pull.dataset}", {"code": code}))


def hold_pull(tx: Transaction, dataset: str) -> Row[Any] | None:
    """The pull of a dataset, held until the transaction ends. Whoever ends a dataset or withdraws a version
    takes it before anything is appended to the log, as those do who set pulls."""
    return tx.execute(
        select(pulls).where(pulls.c.dataset == dataset, pulls.c.state != "removed").with_for_update()
    ).first()


def suspend_for_withdrawal(tx: Transaction, pull: Row[Any] | None, number: int, reason: str) -> None:
    """The source that gave a wrong version would give it again. Rows that arrive now are refused."""
    if pull is None or pull.state not in GOING:
        return
    tx.execute(update(pulls).where(pulls.c.id == pull.id).values(turn=pull.turn + 1))
    suspend(
        tx,
        pull,
        code="version_withdrawn",
        en=f"Version {number} was withdrawn: {reason}. Correct the source, and set the pull again.",
        zh=f"第 {number} 版已撤回：{reason}。请改正数据源，然后重新设置采集。",
    )


def remove_for_erasure(tx: Transaction, pull: Row[Any] | None) -> None:
    """An erased dataset has no pull any more."""
    if pull is not None:
        tx.execute(update(pulls).where(pulls.c.id == pull.id).values(state="removed", turn=pull.turn + 1))


def forget_figures(tx: Transaction, dataset: str) -> None:
    """Of an erased dataset: what its pulls read, and what attempts counted, named people or told of them."""
    of = select(pulls.c.id).where(pulls.c.dataset == dataset)
    tx.execute(update(pull_attempts).where(pull_attempts.c.pull.in_(of)).values(words=None))
    tx.execute(update(pulls).where(pulls.c.dataset == dataset).values(what=""))
