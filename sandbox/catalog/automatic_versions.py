"""Decides by which policy rows that come by themselves become a version, and when they may not any more.

Pulls and pushes make versions without an officer at hand. Whether rows fit a policy is told by the outcome,
so that they carry out no policy but the one that their officer published, or saw when they allowed it.
"""

import hashlib
from dataclasses import dataclass

from sqlalchemy import and_, select

from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.catalog.model import DatasetPolicy, Version
from sandbox.catalog.opening import waiting_version
from sandbox.catalog.publish import decide_publish
from sandbox.catalog.resource import department_resource, require_seen
from sandbox.catalog.retirement import is_retired
from sandbox.catalog.tables import dataset_versions, datasets
from sandbox.catalog.versions import seen_row
from sandbox.database import Transaction
from sandbox.errors import CihuError, Conflict
from sandbox.identity import Principal
from sandbox.policy import Gate


class Hindered(Conflict):
    """Raised where rows that come by themselves become no version any more. Its words are public."""


@dataclass(frozen=True)
class Newest:
    """The newest version: its number, its policy's text, and the digest of its file."""

    number: int
    text: str
    file_sha256: str | None


def newest_for(tx: Transaction, dataset: str, policy_sha256: str | None) -> Newest:
    """What the next version is made by. `policy_sha256`: of the allowed policy. Raises `Hindered`."""
    version = and_(
        dataset_versions.c.dataset == datasets.c.name, dataset_versions.c.number == datasets.c.latest
    )
    row = tx.execute(
        select(
            datasets.c.retires_at,
            datasets.c.erased_at,
            dataset_versions.c.number,
            dataset_versions.c.policy,
            dataset_versions.c.file_sha256,
            dataset_versions.c.published_by,
        )
        .select_from(datasets.outerjoin(dataset_versions, version))
        .where(datasets.c.name == dataset)
    ).one()
    if row.erased_at is not None:
        raise Hindered(
            "The dataset was erased.",
            code="dataset_erased",
            remedy="End what sends rows to it.",
            zh="数据集已删除。",
            remedy_zh="请结束向其送数的采集或推送。",
        )
    if is_retired(row.retires_at):
        raise Hindered(
            "The dataset is retired, and gets no new version.",
            code="dataset_retired",
            remedy="End what sends rows to it.",
            zh="数据集已停用，不再发布新版本。",
            remedy_zh="请结束向其送数的采集或推送。",
        )
    if (waits := waiting_version(tx, dataset)) is not None:
        # these rows would be published by another policy, and take the place of what is being reviewed
        raise Hindered(
            f"Version {waits} waits for its review before it opens.",
            code="opening_waits",
            remedy="Decide the review (cihu openings); then set the pull again, or confirm the push "
            "credential.",
            zh=f"第 {waits} 版尚待安全审查。",
            remedy_zh="请先完成安全审查，再重新设置采集或确认推送凭据。",
        )
    if row.policy is None:
        raise Hindered(
            "Every version of the dataset was withdrawn.",
            code="dataset_withdrawn",
            remedy="Publish a corrected version from a file; then set the pull again, or confirm the push "
            "credential.",
            zh="数据集的所有版本均已撤回。",
            remedy_zh="请先由文件发布改正后的版本，再重新设置采集或确认推送凭据。",
        )
    # the outcome tells whether the policy's rules held on its rows: each policy is agreed to
    if digest_of_policy(row.policy) != policy_sha256:
        raise Hindered(
            f"{row.published_by} published another policy since then.",
            code="policy_changed",
            remedy="Look at the newest version's policy; then set the pull again, or confirm the push "
            "credential.",
            zh=f"此后 {row.published_by} 发布了另一份策略。",
            remedy_zh="请查看最新版本的策略，然后重新设置采集或确认推送凭据。",
        )
    return Newest(row.number, row.policy, row.file_sha256)


def needs_second_officer(policy: DatasetPolicy) -> bool:
    """Whoever lets rows come chooses the query and the rules, and that a version comes of them is an answer:
    of data about people, a second officer agrees to both, whatever the grade."""
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


def publishable_version(
    repository: DatasetRepository, gate: Gate, officer: Principal, dataset: str
) -> Version:
    """The newest version of a dataset that the officer may publish. Raises `Refused`, `NotFound`."""
    version = repository.current(dataset)
    require_seen(gate, officer, version)
    decide_publish(gate, officer, version.policy)
    return version


def managed_dataset(tx: Transaction, gate: Gate, officer: Principal, dataset: str) -> str:
    """The name of a dataset of the officer's department, though no version of it may be in use any more.
    Raises `Refused`, `NotFound`."""
    row = seen_row(tx, gate, officer, dataset)
    gate.require(officer, "manage_dataset", department_resource(row.name, row.department))
    return str(row.name)


def stored_words(failure: CihuError) -> dict[str, str]:
    """Why no version came, in both languages, as it is kept for the officer."""
    return {
        "message": failure.message,
        "remedy": failure.remedy,
        "message_zh": failure.zh,
        "remedy_zh": failure.remedy_zh,
    }


def second_person_needed(en: str, zh: str) -> Conflict:
    """`en`, `zh`: what waits for the second officer, such as "This pull"."""
    return Conflict(
        f"{en} waits for a second officer, who must agree to it.",
        code="second_person_needed",
        remedy="Ask another officer of your department to agree to it.",
        zh=f"{zh}尚待第二位数据专员同意。",
        remedy_zh="请本部门另一位数据专员同意。",
    )
