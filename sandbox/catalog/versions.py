"""The versions of a dataset and what changed between two of them.

They are told from the policies alone, which are public: never a number of rows, nor a digest of them.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row, select

from sandbox.catalog.compare import Change, compare, effect_of
from sandbox.catalog.dataset_repository import DatasetRepository, was_opened
from sandbox.catalog.lineage import lineage_of
from sandbox.catalog.model import Version
from sandbox.catalog.not_found import dataset_not_found, version_not_found
from sandbox.catalog.resource import department_resource, require_seen
from sandbox.catalog.schemas import ChangeDocument, ChangesDocument, VersionDocument, VersionsDocument
from sandbox.catalog.tables import announced_versions, dataset_versions, datasets, opening_reviews
from sandbox.database import Transaction
from sandbox.errors import CihuError, Conflict, NotFound
from sandbox.identity import Principal
from sandbox.policy import Gate, Grades


def list_versions(repository: DatasetRepository, gate: Gate, asker: Principal, name: str) -> VersionsDocument:
    """Every version, the newest first, with what it means for those who ask. Of an erased dataset, too."""
    with repository.database.transaction() as tx:
        of = dataset_row(tx, name)
        known = _seen_versions(repository, tx, of, gate, asker, name)
        states = _opening_states(tx, of.name)
        announced = _announced(tx, of.name)
    documents: list[VersionDocument] = []
    before: Version | None = None
    for version in known:
        changes = compare(before.policy, version.policy, gate.grades) if before else []
        told = _document(version, effect_of(changes).value if before else None, of.latest)
        if version.opened_at is None:
            told["opening"] = states.get(version.number, "superseded")
        else:
            before = version
        if (at := announced.get(version.number)) is not None:
            told["announced_at"] = at
        documents.append(told)
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
        known = {version.number: version for version in _seen_versions(repository, tx, of, gate, asker, name)}
    for number in (first, second):
        if number not in known:
            raise version_not_found(of.name, number)
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
    before = [
        one
        for one in _versions(repository, tx, version.dataset)
        if one.number < version.number and one.opened_at is not None
    ]
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
        raise dataset_not_found(name)
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


def require_rows(tx: Transaction, read: Iterable[tuple[str, int]]) -> None:
    """Raises `Conflict` where the rows of one of these versions were erased, or what they were made of."""
    if gone := sorted({dataset for dataset, number in read if _erased(tx, dataset, number)}):
        raise Conflict(
            f"The rows of {', '.join(gone)} were erased: nothing can be checked against them any more.",
            code="dataset_erased",
            remedy="Files that were released stay. Nothing more can leave of this run.",
            zh=f"{'、'.join(gone)} 的数据已删除，无法再据以检查。",
            remedy_zh="已放行的文件仍保留；该运行不能再有文件放行。",
        )


def _erased(tx: Transaction, dataset: str, number: int) -> bool:
    """What was derived from an erased dataset was erased with it, also at second hand."""
    row = tx.execute(
        select(datasets.c.erased_at, dataset_versions.c.lineage)
        .join(dataset_versions, dataset_versions.c.dataset == datasets.c.name)
        .where(datasets.c.name == dataset, dataset_versions.c.number == number)
    ).one()
    lineage = lineage_of(row.lineage)
    inputs = lineage.inputs if lineage else ()
    return row.erased_at is not None or any(_erased(tx, each.dataset, each.version) for each in inputs)


def _seen_versions(
    repository: DatasetRepository, tx: Transaction, of: Row[Any], gate: Gate, asker: Principal, name: str
) -> list[Version]:
    """By number. A version that never opened is for the officers of its department. `name`: of the dataset,
    as it was typed. Raises `Refused`, and `NotFound` where nothing is left."""
    known = _versions(repository, tx, of.name)
    opened = [version for version in known if version.opened_at is not None]
    own = _may_manage(gate, asker, of)
    if not own and not opened:
        raise dataset_not_found(name)
    require_seen(gate, asker, (opened or known)[-1])
    return known if own else opened


def _may_manage(gate: Gate, asker: Principal, of: Row[Any]) -> bool:
    return gate.decide(asker, "manage_dataset", department_resource(of.name, of.department)).allowed


def current_for(repository: DatasetRepository, gate: Gate, asker: Principal, name: str) -> Version:
    """The version in use. The officers of its department are told where it is not open yet. Raises
    `NotFound`."""
    try:
        return repository.current(name)
    except NotFound as missing:
        if missing.code != "dataset_not_found":
            raise
        try:
            with repository.database.transaction() as tx:
                held = seen_row(tx, gate, asker, name)
        except NotFound:
            raise missing from None
        raise repository.not_open(held.name) from None


def seen_row(tx: Transaction, gate: Gate, asker: Principal, name: str) -> Row[Any]:
    """A dataset by its name. One of which nothing opened is there for the officers of its department alone.
    Raises `NotFound`."""
    of = dataset_row(tx, name)
    if not was_opened(tx, of.name) and not _may_manage(gate, asker, of):
        raise dataset_not_found(name)
    return of


def _announced(tx: Transaction, name: str) -> dict[int, Any]:
    """When the versions that were announced were."""
    rows = tx.execute(
        select(announced_versions.c.published_version, announced_versions.c.announced_at).where(
            announced_versions.c.dataset == name, announced_versions.c.published_version.is_not(None)
        )
    )
    return {row.published_version: row.announced_at for row in rows}


def _opening_states(tx: Transaction, name: str) -> dict[int, Any]:
    """What became of the reviews of its versions."""
    rows = tx.execute(
        select(opening_reviews.c.number, opening_reviews.c.state)
        .where(opening_reviews.c.dataset == name, opening_reviews.c.kind == "version")
        .order_by(opening_reviews.c.id)
    )
    return {row.number: row.state for row in rows}


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
