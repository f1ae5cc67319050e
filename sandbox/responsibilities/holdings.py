"""Lists what an officer answers for: what is theirs alone, and what waits for their department."""

from collections.abc import Iterator

from sqlalchemy import Select, select

from sandbox.catalog.lists import Lists
from sandbox.catalog.opening import WAITING
from sandbox.catalog.tables import dataset_versions, datasets, opening_reviews, problem_reports
from sandbox.database import Transaction
from sandbox.demands.tables import demands
from sandbox.derivations.tables import derivations
from sandbox.drafts.tables import draft_files, drafts
from sandbox.grants.tables import requests
from sandbox.lifecycle.tables import lifecycle_steps
from sandbox.pulls.tables import pulls
from sandbox.pushes.pushes import GOING
from sandbox.pushes.tables import push_credentials, pushes
from sandbox.responsibilities.schemas import HoldingDocument, HoldingKind
from sandbox.reviews.reassign_reviewer import seats_of


def holdings_of(tx: Transaction, lists: Lists, account: str, department: str) -> list[HoldingDocument]:
    """What is theirs first, then what any officer of the department can do."""
    own = [
        _holding(kind, subject) for kind, query in _own(account) for subject in tx.execute(query).scalars()
    ]
    own += [_holding("output_review", review.id) for review in seats_of(tx, account)]
    own += [
        _holding("list_entry", f"{', '.join(entry.datasets)}: {entry.step}")
        for entry in lists.responsibility
        if entry.officer == account
    ]
    shared = [
        _holding(kind, subject, shared=True)
        for kind, query in _of_department(department)
        for subject in tx.execute(query).scalars()
    ]
    return own + shared


def _holding(kind: HoldingKind, subject: object, *, shared: bool = False) -> HoldingDocument:
    return HoldingDocument(kind=kind, subject=str(subject), shared=shared)


def _own(account: str) -> Iterator[tuple[HoldingKind, Select[tuple[object]]]]:
    yield (
        "draft",
        select(drafts.c.id)
        .join(draft_files, draft_files.c.id == drafts.c.file)
        .where(draft_files.c.uploaded_by == account, drafts.c.state == "open")
        .order_by(drafts.c.id),
    )
    yield (
        "pull",
        select(pulls.c.dataset)
        .where(pulls.c.set_by == account, pulls.c.state != "removed")
        .order_by(pulls.c.dataset),
    )
    yield (
        "push_credential",
        select(push_credentials.c.id)
        .where(push_credentials.c.issued_by == account, push_credentials.c.state != "revoked")
        .order_by(push_credentials.c.id),
    )
    yield (
        "push",
        select(pushes.c.id)
        .where(pushes.c.officer == account, pushes.c.state.in_(GOING))
        .order_by(pushes.c.opened_at),
    )
    yield (
        "derivation",
        select(derivations.c.dataset)
        .where(derivations.c.set_by == account, derivations.c.state != "ended")
        .order_by(derivations.c.dataset),
    )
    yield (
        "opening_review",
        select(opening_reviews.c.id)
        .where(opening_reviews.c.asked_by == account, opening_reviews.c.state == WAITING)
        .order_by(opening_reviews.c.id),
    )
    yield (
        "lifecycle_step",
        select(lifecycle_steps.c.id)
        .where(lifecycle_steps.c.proposed_by == account, lifecycle_steps.c.state == "proposed")
        .order_by(lifecycle_steps.c.id),
    )
    newest = select(datasets.c.name).join(
        dataset_versions,
        (dataset_versions.c.dataset == datasets.c.name) & (dataset_versions.c.number == datasets.c.latest),
    )
    yield "dataset", newest.where(dataset_versions.c.published_by == account).order_by(datasets.c.name)


def _of_department(department: str) -> Iterator[tuple[HoldingKind, Select[tuple[object]]]]:
    yield (
        "access_request",
        select(requests.c.id)
        .where(requests.c.department == department, requests.c.status == "asked")
        .order_by(requests.c.id),
    )
    yield (
        "problem_report",
        select(problem_reports.c.id)
        .where(problem_reports.c.department == department, problem_reports.c.outcome.is_(None))
        .order_by(problem_reports.c.id),
    )
    yield (
        "demand",
        select(demands.c.id)
        .where(demands.c.department == department, demands.c.state == "open")
        .order_by(demands.c.id),
    )
