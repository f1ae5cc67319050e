"""The versions that a derivation reads: they must be in use, and known to who reads them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select

from sandbox.catalog.automatic_versions import policy_digest
from sandbox.catalog.dataset_repository import require_not_retired
from sandbox.catalog.lineage import DerivedFrom, Lineage
from sandbox.catalog.model import DatasetPolicy, Version
from sandbox.catalog.not_found import dataset_not_found
from sandbox.catalog.opening import last_opened
from sandbox.catalog.resource import require_seen
from sandbox.catalog.tables import dataset_versions, datasets
from sandbox.catalog.versions import dataset_row
from sandbox.database import Transaction
from sandbox.derivations.context import DerivationContext
from sandbox.derivations.read_sql import read_derivation
from sandbox.derivations.relation import Origin, Relation
from sandbox.derivations.schemas import DerivationInputDocument
from sandbox.errors import Conflict
from sandbox.identity import Principal


def read_inputs(
    context: DerivationContext, tx: Transaction, officer: Principal, sql: str
) -> tuple[Relation, tuple[Version, ...]]:
    """What the SQL is, and the versions that it reads, by name. Raises `InvalidInput`, `NotFound`,
    `Conflict`, `Refused`."""
    found: dict[tuple[str, int], Version] = {}

    def find(dataset: str, number: int) -> Version:
        version = _version(context, tx, officer, dataset, number)
        return found.setdefault((version.dataset, number), version)

    relation = read_derivation(sql, find)
    by_name = [found[key] for key in sorted(found)]
    return relation, tuple(by_name)


def input_records(
    context: DerivationContext, tx: Transaction, inputs: Sequence[Version]
) -> list[dict[str, Any]]:
    """As they stand with the derivation: whose they are, and how many of those officers must agree: two where
    the grade of that version asks for two, or of the last one that opened."""
    repository, grades = context.drafting.repository, context.drafting.gate.grades

    def officers(each: Version) -> int:
        both = (each.policy, last_opened(tx, repository, each.dataset) or each.policy)
        return 2 if any(repository.opening.needs_second_person(grades, policy) for policy in both) else 1

    return [
        {
            "dataset": each.dataset,
            "version": each.number,
            "department": each.policy.department,
            "policy_sha256": policy_digest(tx, each.dataset, each.number),
            "officers": officers(each),
        }
        for each in inputs
    ]


def hold_inputs(tx: Transaction, names: Sequence[str]) -> None:
    """Keep them from being erased until the transaction ends. They are held after what is made of them, by
    name, and before the log: as whoever erases one holds them (`lock_dependents`)."""
    held = select(datasets.c.name).where(datasets.c.name.in_(names)).order_by(datasets.c.name)
    tx.execute(held.with_for_update(read=True))


def require_none_erased(tx: Transaction, records: Sequence[dict[str, Any]]) -> None:
    """Raises `Conflict` where a dataset was erased while the caller waited to hold it."""
    names = {each["dataset"]: each["version"] for each in records}
    erased = select(datasets.c.name).where(datasets.c.name.in_(names), datasets.c.erased_at.is_not(None))
    for name in tx.execute(erased.order_by(datasets.c.name)).scalars():
        raise _ended(name, names[name])


def lineage(policy: DatasetPolicy, relation: Relation, inputs: Sequence[Version]) -> Lineage:
    return Lineage(
        tuple(DerivedFrom(each.dataset, each.number, each.policy.department) for each in inputs),
        policy.derive,
        {each.name: _named(each.origins) for each in relation.columns},
        _named(relation.filters),
        inputs[0].policy.pseudonyms,
    )


def input_documents(tx: Transaction, row: Row[Any]) -> list[DerivationInputDocument]:
    """Each with what became of it."""
    documents = []
    for record in row.inputs:
        of = tx.execute(select(datasets).where(datasets.c.name == record["dataset"])).one()
        document = DerivationInputDocument(
            dataset=record["dataset"],
            version=record["version"],
            department=record["department"],
            newest=of.latest,
        )
        if of.erased_at is not None:
            document["ended"] = "erased"
        elif _withdrawn(tx, record["dataset"], record["version"]):
            document["ended"] = "withdrawn"
        documents.append(document)
    return documents


def _version(
    context: DerivationContext, tx: Transaction, officer: Principal, dataset: str, number: int
) -> Version:
    of = dataset_row(tx, dataset)
    if last_opened(tx, context.drafting.repository, of.name) is None:
        raise dataset_not_found(dataset)  # of a dataset under review nobody else learns that it is there
    last = context.drafting.repository.last(tx, of.name)
    require_seen(context.drafting.gate, officer, last)
    version = context.drafting.repository.opened_version(tx, of.name, number)
    if of.erased_at is not None or version.withdrawn_at is not None:
        raise _ended(of.name, number)
    require_not_retired(last)
    return version


def _ended(dataset: str, number: int) -> Conflict:
    return Conflict(
        f"{dataset}@{number} was withdrawn or erased: nothing is derived from it.",
        code="input_ended",
        remedy="Derive from its newest version, if it has one.",
        zh=f"{dataset}@{number} 已撤回或删除，不能再用于派生。",
        remedy_zh="如有新版本，请由其派生。",
    )


def _withdrawn(tx: Transaction, dataset: str, number: int) -> bool:
    at = select(dataset_versions.c.withdrawn_at).where(
        dataset_versions.c.dataset == dataset, dataset_versions.c.number == number
    )
    return tx.execute(at).scalar_one() is not None


def _named(origins: frozenset[Origin]) -> tuple[str, ...]:
    return tuple(f"{dataset}.{column}" for dataset, column in sorted(origins))
