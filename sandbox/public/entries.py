"""Keeps the index of the public catalogue: decides for each dataset whether strangers may know of it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, and_, cast, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.types import Text

from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.catalog.model import DatasetPolicy, Role, Version
from sandbox.catalog.policy_file import OPEN_GRADE
from sandbox.catalog.tables import datasets
from sandbox.database import Database, Transaction
from sandbox.errors import CihuError
from sandbox.identity.model import PUBLIC
from sandbox.policy import Gate, Resource
from sandbox.public.tables import catalogue_entries
from sandbox.public.terms import terms_of

MOST_AT_ONCE = 100  # by one request: housekeeping does the rest
NOT_LISTED: dict[str, Any] = {
    "listed": False,
    "title_zh": "",
    "title_en": "",
    "summary_zh": "",
    "summary_en": "",
    "department": "",
    "grade": "",
    "theme": "",
    "updates": "",
    "delivery": [],
    "column_count": 0,
    "about_rows": None,
    "published_at": None,
}


@dataclass(frozen=True)
class PublicContext:
    """The parts that the public views need."""

    database: Database
    repository: DatasetRepository
    gate: Gate

    @cached_property
    def rules(self) -> str:
        """The digest of the rules of access: other rules, other decisions."""
        folder = self.repository.schema.parent
        files = [*sorted(folder.glob("*.cedar")), folder / "schema.cedarschema", folder / "grades.yaml"]
        return sha256(b"1" + b"\0".join(file.read_bytes() for file in files)).hexdigest()

    def sees(self, policy: DatasetPolicy, dataset: str) -> bool:
        """Whether strangers may know of the dataset, by its policy."""
        return self.gate.decide(PUBLIC, "see_publicly", public_resource(policy, dataset)).allowed

    def reads_rows(self, policy: DatasetPolicy, dataset: str) -> bool:
        """Whether strangers may have its rows, once a review opened a copy."""
        return self.gate.decide(PUBLIC, "read_rows_publicly", public_resource(policy, dataset)).allowed


def public_resource(policy: DatasetPolicy, dataset: str) -> Resource:
    attributes: dict[str, str | bool] = {
        "department": policy.department,
        "grade": policy.grade,
        "open": policy.grade == OPEN_GRADE,
    }
    if policy.catalogue.opening:
        attributes["opening"] = policy.catalogue.opening
    return Resource("Dataset", dataset, attributes)


def delivery_of(context: PublicContext, policy: DatasetPolicy, dataset: str) -> list[str]:
    """In which ways something of it can be had: "questions", "sealed_runs", "rows"."""
    possible = context.gate.grades[policy.grade].possible
    ways = []
    if policy.budget is not None and "dp" in possible:
        ways.append("questions")
    if policy.unit is not None and "reviewed" in possible:
        ways.append("sealed_runs")
    if context.reads_rows(policy, dataset):
        ways.append("rows")
    return ways


def refresh(context: PublicContext, *, most: int = MOST_AT_ONCE) -> int:
    """Write the rows that are stale, at most `most`; gives how many were."""
    with context.database.transaction() as tx:
        stale = [(row.name, row.latest) for row in tx.execute(_stale(context.rules).limit(most))]
        for name, number in stale:
            _write(context, tx, name, number)
    return len(stale)


def in_use(now: datetime | None = None) -> ColumnElement[bool]:
    """Rows that strangers are told of: listed, of the version in use, of no retired dataset.
    To be joined with `datasets`."""
    return and_(
        catalogue_entries.c.listed,
        catalogue_entries.c.number == datasets.c.latest,
        or_(datasets.c.retires_at.is_(None), datasets.c.retires_at > (now or datetime.now(UTC))),
    )


def _stale(rules: str) -> Any:
    same = and_(
        catalogue_entries.c.dataset == datasets.c.name,
        catalogue_entries.c.number == datasets.c.latest,
        catalogue_entries.c.rules == rules,
    )
    return (
        select(datasets.c.name, datasets.c.latest)
        .outerjoin(catalogue_entries, same)
        .where(catalogue_entries.c.dataset.is_(None))
        .order_by(datasets.c.name)
    )


def _write(context: PublicContext, tx: Transaction, name: str, number: int) -> None:
    values, terms = NOT_LISTED, []
    if number:
        try:
            version = context.repository.version(tx, name, number)
            if context.sees(version.policy, name):
                values, terms = _values(context, version), _terms(version)
        except CihuError as error:
            context.repository.set_aside(name, number, error.code)
    row = values | {
        "number": number,
        "rules": context.rules,
        "terms": func.array_to_tsvector(cast(terms, ARRAY(Text))),
    }
    tx.execute(
        insert(catalogue_entries)
        .values(dataset=name, **row)
        .on_conflict_do_update(index_elements=["dataset"], set_=row)
    )


def _values(context: PublicContext, version: Version) -> dict[str, Any]:
    policy = version.policy
    classes = policy.catalogue.classification
    return {
        "listed": True,
        "title_zh": policy.title.zh,
        "title_en": policy.title.en,
        "summary_zh": policy.summary.zh,
        "summary_en": policy.summary.en,
        "department": policy.department,
        "grade": policy.grade,
        "theme": classes[0] if classes else "",
        "updates": policy.catalogue.updates,
        "delivery": delivery_of(context, policy, version.dataset),
        "column_count": len(public_columns(policy)),
        "about_rows": policy.about_rows or None,
        "published_at": version.published_at,
    }


def public_columns(policy: DatasetPolicy) -> list[Any]:
    """Hidden columns can be used by nobody: strangers do not learn that they are there."""
    return [column for column in policy.columns if column.role is not Role.HIDDEN]


def _terms(version: Version) -> list[str]:
    policy = version.policy
    texts = [
        version.dataset,
        policy.department,
        policy.title.zh,
        policy.title.en,
        policy.summary.zh,
        policy.summary.en,
        policy.source,
        policy.licence,
        *policy.catalogue.classification,
    ]
    for column in public_columns(policy):
        texts += [column.name, column.title.zh, column.title.en]
    return terms_of(texts)
