"""The versions of a dataset and what changed between two of them.

They are told from the policies alone, which are public: never a number of rows, nor a digest of them.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row, select

from sandbox.catalog.compare import Change, compare, effect_of
from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.catalog.model import Version
from sandbox.catalog.resource import require_seen
from sandbox.catalog.schemas import ChangeDocument, ChangesDocument, VersionDocument, VersionsDocument
from sandbox.catalog.tables import dataset_versions, datasets
from sandbox.database import Transaction
from sandbox.errors import CihuError, Conflict, NotFound
from sandbox.identity import Principal
from sandbox.policy import Gate, Grades


def list_versions(repository: DatasetRepository, gate: Gate, asker: Principal, name: str) -> VersionsDocument:
    """Every version, the newest first, with what it means for those who ask. Of an erased dataset, too."""
    with repository.database.transaction() as tx:
        of = dataset_row(tx, name)
        known = _versions(repository, tx, of.name)
    require_seen(gate, asker, known[-1])
    documents = []
    for place, version in enumerate(known):
        changes = compare(known[place - 1].policy, version.policy, gate.grades) if place else []
        documents.append(_document(version, effect_of(changes).value if place else None, of.latest))
    document = VersionsDocument(dataset=of.name, versions=documents[::-1])
    if of.retires_at is not None:
        document["retires_at"] = of.retires_at
    if of.erased_at is not None:
        document["erased_at"] = of.erased_at
    return document


def compare_versions(
    repository: DatasetRepository, gate: Gate, asker: Principal, name: str, first: int, second: int
) -> ChangesDocument:
    """What changed from one version to another."""
    with repository.database.transaction() as tx:
        of = dataset_row(tx, name)
        known = {version.number: version for version in _versions(repository, tx, of.name)}
    require_seen(gate, asker, known[max(known)])
    for number in (first, second):
        if number not in known:
            raise NotFound(
                f"{of.name} has no version {number}.",
                code="version_not_found",
                remedy=f"It has: {', '.join(map(str, known))}.",
                zh=f"{of.name} 没有第 {number} 版。",
                remedy_zh=f"现有版本：{'、'.join(map(str, known))}。",
            )
    changes = compare(known[first].policy, known[second].policy, gate.grades)
    return {
        "dataset": of.name,
        "from": first,
        "to": second,
        "effect": effect_of(changes).value,
        "changes": [change_document(change) for change in changes],
    }


def change_document(change: Change) -> ChangeDocument:
    document = ChangeDocument(
        kind=change.kind, effect=change.effect.value, text={"en": change.text.en, "zh": change.text.zh}
    )
    if change.column:
        document["column"] = change.column
    return document


def changed_since(tx: Transaction, repository: DatasetRepository, grades: Grades, version: Version) -> Any:
    """The version before and what the step from it means; None for the first."""
    before = [one for one in _versions(repository, tx, version.dataset) if one.number < version.number]
    if not before:
        return None
    effect = effect_of(compare(before[-1].policy, version.policy, grades))
    return {"version": before[-1].number, "effect": effect.value}


def dataset_row(tx: Transaction, name: str) -> Row[Any]:
    """A dataset by its name, though it may be erased. Raises `NotFound`."""
    found = (
        tx.execute(select(datasets).where(datasets.c.name == name.lower())).first()
        if name.isprintable()
        else None
    )
    if found is None:
        shown = name if name.isprintable() else ascii(name)
        raise NotFound(
            f"There is no dataset {shown}.",
            code="dataset_not_found",
            remedy="List those that there are: GET /v1/datasets.",
            zh=f"没有数据集 {shown}。",
            remedy_zh="可在数据目录中查看现有的数据集。",
        )
    return found


def withdrawn_of(tx: Transaction, read: Iterable[tuple[str, int]]) -> set[tuple[str, int]]:
    """Which of these versions were withdrawn."""
    named = set(read)
    rows = tx.execute(
        select(dataset_versions.c.dataset, dataset_versions.c.number).where(
            dataset_versions.c.withdrawn_at.is_not(None),
            dataset_versions.c.dataset.in_({dataset for dataset, _ in named}),
        )
    )
    return {(row.dataset, row.number) for row in rows} & named


def require_rows(tx: Transaction, names: Iterable[str]) -> None:
    """Raises `Conflict` where the rows of one of these datasets were erased."""
    erased = tx.execute(
        select(datasets.c.name).where(datasets.c.name.in_(set(names)), datasets.c.erased_at.is_not(None))
    ).scalars()
    if gone := sorted(erased):
        raise Conflict(
            f"The rows of {', '.join(gone)} were erased: nothing can be checked against them any more.",
            code="dataset_erased",
            remedy="Files that were released stay. Nothing more can leave of this run.",
            zh=f"{'、'.join(gone)} 的数据已删除，无法再据以检查。",
            remedy_zh="已放行的文件仍保留；该运行不能再有文件放行。",
        )


def _versions(repository: DatasetRepository, tx: Transaction, name: str) -> list[Version]:
    """By number. One that cannot be read any more is left out."""
    versions = []
    rows = tx.execute(
        select(dataset_versions).where(dataset_versions.c.dataset == name).order_by(dataset_versions.c.number)
    )
    for row in list(rows):
        try:
            versions.append(repository.version(tx, name, row.number))
        except CihuError as error:
            repository.set_aside(name, row.number, error.code)
    if not versions:
        raise NotFound(
            f"No version of {name} can be read.",
            code="dataset_set_aside",
            remedy="An officer of its department can publish a corrected version.",
            zh=f"{name} 没有可读取的版本。",
            remedy_zh="可由其部门的数据专员发布改正后的版本。",
        )
    return versions


def _document(version: Version, effect: Any, latest: int) -> VersionDocument:
    document = VersionDocument(
        number=version.number,
        published_at=version.published_at,
        published_by=version.published_by,
        notes=version.notes,
        grade=version.policy.grade,
        in_use=version.number == latest,
        effect=effect,
    )
    if version.withdrawn_at is not None:
        document["withdrawn"] = {"at": version.withdrawn_at, "reason": version.withdrawn_because}
    return document
