"""Holds a version back until its review before opening is decided, and puts it in use.

A version that is held is stored and has its number, but it is not `datasets.latest`: no question, grant, run,
product or open copy reaches it, and its policy is shown to the officers of its department alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, insert, select, update

from sandbox.budgets import Account, Level, open_account
from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.catalog.former_holders import with_maker
from sandbox.catalog.model import DatasetPolicy, Version
from sandbox.catalog.notice import mark_published
from sandbox.catalog.opening_checks import Findings
from sandbox.catalog.opening_policy import Kind, OpeningPolicy
from sandbox.catalog.opening_reasons import grade_to_review, opening_reasons
from sandbox.catalog.populations import Population
from sandbox.catalog.tables import dataset_versions, datasets, opening_reviews
from sandbox.catalog.version_quality import note_outcomes
from sandbox.database import Transaction
from sandbox.policy import Grades

WAITING, OPENED, REFUSED, SUPERSEDED = "waiting", "opened", "refused", "superseded"


@dataclass(frozen=True)
class OpeningAnswers:
    """What was answered as a version was published: `confirmed` items by the publisher; `agreed_by`: who
    agreed to the draft as the second person, and so answered what is asked of one. `makers`: who else wrote,
    changed or handed over what is published: none of them is its second person."""

    confirmed: frozenset[str] = frozenset()
    agreed_by: str | None = None
    makers: frozenset[str] = frozenset()


@dataclass(frozen=True)
class OpeningReview:
    """A review to be asked. `items`: as they are kept; without any, what the system found opens it."""

    kind: Kind
    reasons: tuple[str, ...]
    grade: str
    needs_second_person: bool
    items: tuple[dict[str, Any], ...] = ()
    columns: tuple[str, ...] | None = None


@dataclass(frozen=True)
class OpeningState:
    """A review that was asked. `held`: it is not decided. `unanswered`: the items that wait for a person."""

    id: int
    held: bool
    unanswered: tuple[str, ...]


SECOND_PERSON_ITEM = {
    "id": "second_person",
    "question": {"zh": "第二位数据专员同意开放", "en": "A second officer agrees that it opens"},
    "answered_by": "second_person",
    "about": [],
}


def planned_review(
    tx: Transaction, repository: DatasetRepository, grades: Grades, policy: DatasetPolicy
) -> OpeningReview | None:
    """The review that a new version of this policy needs; None where it shows no more than what is in use."""
    before = last_opened(tx, repository, policy.dataset)
    reasons = opening_reasons(before, policy, grades)
    if not reasons:
        return None
    grade = grade_to_review(before, policy, grades)
    return OpeningReview("version", reasons, grade, repository.opening.asks_second_person(grades, grade))


def with_items(
    review: OpeningReview, repository: DatasetRepository, grades: Grades, findings: Findings
) -> OpeningReview:
    """The review with its checklist. What the system cannot confirm is asked of whoever decides."""
    decides = "second_person" if review.needs_second_person else "publisher"
    asked = []
    for item in repository.opening.items_for(grades, review.grade, review.kind):
        about = list(findings.get(item.check, ())) if item.check else []
        by = decides if item.answered_by == "system" and about else item.answered_by
        question = {"zh": item.question.zh, "en": item.question.en}
        asked.append({"id": item.id, "question": question, "answered_by": by, "about": about})
    if review.needs_second_person and all(item["answered_by"] != "second_person" for item in asked):
        asked.append(SECOND_PERSON_ITEM)
    return replace(review, items=tuple(asked))


def unanswered_items(items: Iterable[Mapping[str, Any]], answers: Mapping[str, Any]) -> tuple[str, ...]:
    """What keeps a version from opening: items of persons without a yes."""
    return tuple(
        item["id"]
        for item in items
        if item["answered_by"] != "system" and not answers.get(item["id"], {}).get("yes")
    )


def ask_review(
    tx: Transaction,
    review: OpeningReview,
    rule: OpeningPolicy,
    version: Version,
    *,
    asked_by: str,
    answers: OpeningAnswers,
    urgent: str = "",
) -> OpeningState:
    """Write the review down, with what is answered already. It is held while an item waits for a person."""
    now = datetime.now(UTC)
    makers = with_maker(tuple(answers.makers), asked_by)
    second = answers.agreed_by if answers.agreed_by not in makers else None
    given = {item["id"]: _given(item, answers.confirmed, asked_by, second, now) for item in review.items}
    kept = {id: answer for id, answer in given.items() if answer is not None}
    unanswered = unanswered_items(review.items, kept)
    close_reviews(tx, version.dataset, kinds=(review.kind,))
    decided = {} if unanswered else {"decided_by": second or asked_by, "decided_at": now}
    id = tx.execute(
        insert(opening_reviews)
        .values(
            dataset=version.dataset,
            number=version.number,
            department=version.policy.department,
            kind=review.kind,
            columns=list(review.columns) if review.columns is not None else None,
            reasons=list(review.reasons),
            grade=review.grade,
            needs_second_person=review.needs_second_person,
            items=list(review.items),
            answers=kept,
            urgent=urgent,
            state=WAITING if unanswered else OPENED,
            asked_by=asked_by,
            makers=makers,
            asked_at=now,
            due_at=rule.due_at(now),
            second_person=second if review.needs_second_person else None,
            **decided,
        )
        .returning(opening_reviews.c.id)
    ).scalar_one()
    return OpeningState(id, bool(unanswered), unanswered)


def close_reviews(
    tx: Transaction,
    dataset: str,
    kinds: Sequence[Kind] = ("version", "open_copy"),
    numbers: Sequence[int] | None = None,
) -> None:
    """What waited waits no more: a later version takes its place, or the dataset is erased; or, where there
    are `numbers`, those versions are withdrawn."""
    of = [] if numbers is None else [opening_reviews.c.number.in_(numbers)]
    tx.execute(
        update(opening_reviews)
        .where(
            opening_reviews.c.dataset == dataset,
            opening_reviews.c.kind.in_(kinds),
            opening_reviews.c.state == WAITING,
            *of,
        )
        .values(state=SUPERSEDED, decided_at=func.now())
    )


def lock_reviews(tx: Transaction, names: Iterable[str]) -> None:
    """Hold what waits of these datasets, until the transaction ends."""
    waits = opening_reviews.c.dataset.in_(set(names)), opening_reviews.c.state == WAITING
    tx.execute(select(opening_reviews.c.id).where(*waits).order_by(opening_reviews.c.id).with_for_update())


def _given(
    item: Mapping[str, Any], confirmed: frozenset[str], publisher: str, second: str | None, now: datetime
) -> dict[str, Any] | None:
    """The answer of the publisher to what is asked of them, or of whoever agreed to the draft. What the
    system could not confirm was not known to either: it takes a note."""
    by = publisher if item["answered_by"] == "publisher" else second
    answered = item["id"] in confirmed if item["answered_by"] == "publisher" else second is not None
    if item["answered_by"] == "system" or item["about"] or not answered:
        return None
    return answer_of(by or "", yes=True, note="", now=now)


def answer_of(by: str, *, yes: bool, note: str, now: datetime) -> dict[str, Any]:
    return {"yes": yes, "note": note, "by": by, "at": now.isoformat()}


def put_in_use(
    tx: Transaction,
    repository: DatasetRepository,
    grades: Grades,
    populations: Mapping[str, Population],
    dataset: str,
    number: int,
) -> None:
    """From now on the version is open: it is in use, and its budget holds."""
    of = dataset_versions.c.dataset == dataset
    tx.execute(
        update(dataset_versions).where(of, dataset_versions.c.number == number).values(opened_at=func.now())
    )
    use_newest(tx, dataset)
    policy = repository.version(tx, dataset, number).policy
    mark_published(tx, read=repository.read_kept, grades=grades, policy=policy, number=number)
    note_outcomes(tx, dataset, number)
    _open_budgets(tx, policy, populations)


def _open_budgets(tx: Transaction, policy: DatasetPolicy, populations: Mapping[str, Population]) -> None:
    """All versions of a dataset share one budget: publishing again gives nothing back."""
    if policy.budget:
        open_account(
            tx, Account(Level.DATASET, policy.dataset), policy.budget.limit(policy.budget.dataset_epsilon)
        )
        open_account(tx, Account(Level.POPULATION, policy.population), populations[policy.population].limit)


def use_newest(tx: Transaction, dataset: str) -> None:
    """The newest version that is open and was not withdrawn is in use; 0 where there is none."""
    left = select(func.max(dataset_versions.c.number)).where(
        dataset_versions.c.dataset == dataset,
        dataset_versions.c.opened_at.is_not(None),
        dataset_versions.c.withdrawn_at.is_(None),
    )
    number = tx.execute(left).scalar_one() or 0
    tx.execute(update(datasets).where(datasets.c.name == dataset).values(latest=number))


def last_opened(tx: Transaction, repository: DatasetRepository, dataset: str) -> DatasetPolicy | None:
    """The policy of the last version that ever opened, withdrawn or not: whom the dataset is about."""
    newest = select(func.max(dataset_versions.c.number)).where(
        dataset_versions.c.dataset == dataset, dataset_versions.c.opened_at.is_not(None)
    )
    number = tx.execute(newest).scalar_one()
    return None if number is None else repository.version(tx, dataset, number).policy


def waiting_version(tx: Transaction, dataset: str) -> int | None:
    """The number of the version whose review waits, if one does."""
    return tx.execute(
        select(opening_reviews.c.number).where(
            opening_reviews.c.dataset == dataset,
            opening_reviews.c.kind == "version",
            opening_reviews.c.state == WAITING,
        )
    ).scalar_one_or_none()
