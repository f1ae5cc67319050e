"""Keeps an index of the datasets: what lists, counts and searches need of the version in use, so that they
read no policy.

A row is derived from one version. It is made when it is missing or of another version, before anything is
read of the index: nobody sees an old one. A version that cannot be read has no row, and is set aside.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, any_, func, or_, select, true
from sqlalchemy.dialects.postgresql import insert

from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.catalog.model import DatasetBudget, Version
from sandbox.catalog.schemas import DatasetPageDocument, IndexedDatasetDocument
from sandbox.catalog.tables import dataset_index, datasets
from sandbox.database import Transaction, array_of
from sandbox.identity import Principal
from sandbox.policy import Gate, Resource

FORM = 1
MOST_AT_ONCE = 100  # in one transaction
PAGE = 20
CURRENT = and_(
    dataset_index.c.dataset == datasets.c.name,
    dataset_index.c.number == datasets.c.latest,
    dataset_index.c.form == FORM,
)

SHOWN = [
    column for column in dataset_index.c if column.name not in ("words", "budget", "elements", "population")
]
"""Of a dataset in a list: what is looked at and not shown is not read."""


@dataclass(frozen=True)
class DatasetSearch:
    """What somebody looks for; an empty text asks for nothing."""

    q: str = ""
    department: str = ""
    page: int = 1
    size: int = PAGE


def refresh_index(repository: DatasetRepository) -> int:
    """Make the rows that are missing; gives how many. Those that cannot be made are set aside."""
    made, broken = 0, set[str]()
    missing = (
        select(datasets.c.name)
        .outerjoin(dataset_index, CURRENT)
        .where(datasets.c.latest > 0, dataset_index.c.dataset.is_(None))
        .order_by(datasets.c.name)
    )
    while True:
        with repository.database.transaction() as tx:
            names = tx.scalars(missing.where(datasets.c.name.not_in(broken)).limit(MOST_AT_ONCE)).all()
        if not names:
            return made
        versions = repository.some(names)
        broken |= set(names) - {version.dataset for version in versions}
        with repository.database.transaction() as tx:
            for version in versions:
                _write(tx, version)
        made += len(versions)


def indexed(repository: DatasetRepository, query: Select[Any]) -> Select[Any]:
    """A query of the index, of the rows in use alone; without the datasets that are set aside."""
    found = query.select_from(dataset_index.join(datasets, CURRENT))
    aside = [each.dataset for each in repository.aside()]
    return found.where(dataset_index.c.dataset.not_in(aside)) if aside else found


def search_datasets(
    repository: DatasetRepository, gate: Gate, asker: Principal, wanted: DatasetSearch
) -> DatasetPageDocument:
    """A page of the datasets that the asker may see and in which every word of the search stands somewhere;
    the one whose name was given comes first. Chinese needs no word breaks."""
    refresh_index(repository)
    index = dataset_index.c
    conditions = [func.strpos(index.words, word) > 0 for word in wanted.q.casefold().split()]
    if wanted.department:
        conditions.append(index.department == wanted.department)
    with repository.database.transaction() as tx:
        seen, total = _seen(tx, repository, gate, asker, conditions)
        found = indexed(repository, select(*SHOWN, index.budget.is_not(None).label("private")))
        found = found.where(*conditions, seen)
        first = (wanted.page - 1) * wanted.size
        rows = tx.execute(
            found.order_by(index.dataset != wanted.q.casefold(), index.dataset)
            .limit(wanted.size)
            .offset(first)
        ).all()
    return {
        "total": total,
        "page": wanted.page,
        "size": wanted.size,
        "datasets": [_document(row) for row in rows],
    }


def users_of(repository: DatasetRepository, element: str) -> list[Version]:
    """The versions in use with columns that refer to a data element."""
    refresh_index(repository)
    wanted = indexed(repository, select(dataset_index.c.dataset)).where(
        dataset_index.c.elements.contains([element])
    )
    with repository.database.transaction() as tx:
        names = tx.scalars(wanted).all()
    return repository.some(names)


def private_datasets(repository: DatasetRepository) -> list[str]:
    """The names of the datasets that have somebody to protect, sorted."""
    refresh_index(repository)
    wanted = indexed(repository, select(dataset_index.c.dataset)).where(dataset_index.c.unit)
    with repository.database.transaction() as tx:
        return list(tx.scalars(wanted.order_by(dataset_index.c.dataset)))


def budgets_of(
    tx: Transaction, repository: DatasetRepository, names: Iterable[str]
) -> dict[str, tuple[str, DatasetBudget]]:
    """The population and the budget of each of these private datasets, in use or not any more. The caller has
    refreshed the index."""
    index, wanted = dataset_index.c, set(names)
    rows = tx.execute(
        indexed(repository, select(index.dataset, index.population, index.budget)).where(
            index.dataset == any_(array_of(wanted)), index.budget.is_not(None)
        )
    )
    found = {row.dataset: (row.population, _read_budget(row.budget)) for row in rows}
    for name in wanted - found.keys():
        policy = repository.last(tx, name).policy
        assert policy.budget is not None
        found[name] = policy.population, policy.budget
    return found


def _read_budget(kept: dict[str, str]) -> DatasetBudget:
    return DatasetBudget(**{name: Fraction(text) for name, text in kept.items()})


def _exact(budget: DatasetBudget) -> dict[str, str]:
    return {field.name: str(getattr(budget, field.name)) for field in fields(budget)}


def _seen(
    tx: Transaction,
    repository: DatasetRepository,
    gate: Gate,
    asker: Principal,
    conditions: Sequence[ColumnElement[bool]],
) -> tuple[ColumnElement[bool], int]:
    """Of which departments and grades the asker may see datasets among those of `conditions`, and how many:
    the rules know no more of one (`resource.py`), and none names one (a test holds them to it)."""
    index = dataset_index.c
    kind = (
        index.department,
        index.grade,
        func.min(index.dataset).label("dataset"),
        func.count().label("number"),
    )
    kinds = tx.execute(
        indexed(repository, select(*kind)).where(*conditions).group_by(index.department, index.grade)
    ).all()
    hidden = [row for row in kinds if not _may_see(gate, asker, row.dataset, row.department, row.grade)]
    total = sum(row.number for row in kinds) - sum(row.number for row in hidden)
    if not hidden:
        return true(), total
    no = (and_(index.department == row.department, index.grade == row.grade) for row in hidden)
    return ~or_(*no), total


def _may_see(gate: Gate, asker: Principal, dataset: str, department: str, grade: str) -> bool:
    about = Resource("Dataset", dataset, {"department": department, "grade": grade})
    return gate.decide(asker, "see", about).allowed


def _write(tx: Transaction, version: Version) -> None:
    policy = version.policy
    row = {
        "number": version.number,
        "form": FORM,
        "title_zh": policy.title.zh,
        "title_en": policy.title.en,
        "summary_zh": policy.summary.zh,
        "summary_en": policy.summary.en,
        "department": policy.department,
        "grade": policy.grade,
        "unit": policy.unit is not None,
        "budget": None if policy.budget is None else _exact(policy.budget),
        "population": policy.population,
        "updates": policy.catalogue.updates,
        "column_count": len(policy.columns),
        "about_rows": policy.about_rows or None,
        "published_at": version.published_at,
        "elements": sorted({column.element for column in policy.columns if column.element}),
        "words": " ".join(_words(version)).casefold(),
    }
    made = insert(dataset_index).values(dataset=version.dataset, **row)
    tx.execute(made.on_conflict_do_update(index_elements=["dataset"], set_=row))


def _words(version: Version) -> Iterable[str]:
    policy = version.policy
    texts = [version.dataset, policy.department, policy.source, policy.licence]
    texts += [policy.title.zh, policy.title.en, policy.summary.zh, policy.summary.en]
    for column in policy.columns:
        texts += [column.name, column.title.zh, column.title.en]
    return (text for text in texts if text)


def _document(row: Row[Any]) -> IndexedDatasetDocument:
    return {
        "name": row.dataset,
        "version": row.number,
        "published_at": row.published_at,
        "title": {"zh": row.title_zh, "en": row.title_en},
        "summary": {"zh": row.summary_zh, "en": row.summary_en},
        "department": row.department,
        "grade": row.grade,
        "columns": row.column_count,
        "about_rows": row.about_rows,
        "private": row.private,
    }
