"""Finds the versions that were made of a dataset, also at second hand, and ends them with it: rows that are
erased do not live on in what was derived from them."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import func, select, update

from sandbox.audit import Event
from sandbox.catalog.opening import close_reviews, use_newest
from sandbox.catalog.tables import dataset_quality, dataset_versions, datasets
from sandbox.database import Transaction
from sandbox.derivations.tables import derivations


@dataclass(frozen=True)
class Dependent:
    """A version that was made of others."""

    dataset: str
    number: int
    object_name: str


def dependents(tx: Transaction, dataset: str) -> list[Dependent]:
    """Every version that reads a version of the dataset, or one that does, by name and number."""
    found: dict[tuple[str, int], Dependent] = {}
    todo: list[dict[str, object]] = [{"dataset": dataset}]
    while todo:
        reads = dataset_versions.c.lineage.contains({"inputs": [todo.pop()]})
        for row in tx.execute(select(dataset_versions).where(reads)):
            if (row.dataset, row.number) not in found:
                found[row.dataset, row.number] = Dependent(row.dataset, row.number, row.object_name)
                todo.append({"dataset": row.dataset, "version": row.number})
    return [found[key] for key in sorted(found)]


def related(tx: Transaction, datasets: Iterable[str]) -> list[str]:
    """These, and all that they were made of or that was made of these, in any of their versions."""
    found, todo = set[str](), set(datasets)
    while todo:
        name = todo.pop()
        found.add(name)
        made = {each.dataset for each in dependents(tx, name)}
        records = tx.execute(
            select(dataset_versions.c.lineage).where(
                dataset_versions.c.dataset == name, dataset_versions.c.lineage.is_not(None)
            )
        ).scalars()
        read = {each["dataset"] for record in records if record for each in record["inputs"]}
        todo |= (made | read) - found
    return sorted(found)


def lock_dependents(tx: Transaction, dataset: str) -> frozenset[str]:
    """Hold every dataset that is made of this one, and every derivation that would make one, before the
    dataset itself is held and before the log is: as a run holds what it makes before what it reads. What is
    made of others comes first. Returns their names, so that the caller sees whether one came meanwhile."""
    names = made_of(tx, dataset)
    for name in names:
        tx.execute(select(datasets.c.name).where(datasets.c.name == name).with_for_update())
        tx.execute(select(derivations.c.dataset).where(derivations.c.dataset == name).with_for_update())
    return frozenset(names)


def made_of(tx: Transaction, dataset: str) -> list[str]:
    """What is derived from a dataset, or would be by a derivation that is not ended, also at second hand;
    each after all that is made of it."""
    found: list[str] = []
    seen = {dataset}

    def follow(name: str) -> None:
        for made in sorted(_made_at_first_hand(tx, name) - seen):
            if made not in seen:
                seen.add(made)
                follow(made)
                found.append(made)  # after all that is made of it

    follow(dataset)
    return found


def _made_at_first_hand(tx: Transaction, name: str) -> set[str]:
    made = dataset_versions.c.lineage.contains({"inputs": [{"dataset": name}]})
    reads = derivations.c.inputs.contains([{"dataset": name}])
    return {
        *tx.execute(select(dataset_versions.c.dataset).where(made)).scalars(),
        *tx.execute(select(derivations.c.dataset).where(reads, derivations.c.state != "ended")).scalars(),
    }


@dataclass(frozen=True)
class Ended:
    """What ended with a dataset: the versions that are withdrawn now, as `schema.name@2`, and the events of
    derivations. They are appended last, since whoever holds the log may wait for no row."""

    withdrawn: tuple[str, ...]
    reason: str
    events: tuple[Event, ...]


def end_dependents(tx: Transaction, dataset: str, by: str) -> Ended:
    """Withdraw every version that was made of the dataset, and end what would make more of them."""
    found, withdrawn = dependents(tx, dataset), []
    reason = f"{dataset}, of which it was made, was erased / 其来源 {dataset} 已删除"
    for name in sorted({each.dataset for each in found}):
        tx.execute(select(datasets.c.name).where(datasets.c.name == name).with_for_update())
        of, left = dataset_versions.c.dataset == name, dataset_versions.c.withdrawn_at.is_(None)
        numbers = [each.number for each in found if each.dataset == name]
        now = tx.execute(
            update(dataset_versions)
            .where(of, dataset_versions.c.number.in_(numbers), left)
            .values(withdrawn_at=func.now(), withdrawn_because=reason)
            .returning(dataset_versions.c.number)
        ).scalars()
        withdrawn += [f"{name}@{number}" for number in sorted(now)]
        use_newest(tx, name)
        close_reviews(tx, name, numbers=numbers)
    events = _end_derivations(tx, {dataset, *(each.dataset for each in found)}, by)
    return Ended(tuple(withdrawn), reason, tuple(events))


def forget_dependents(tx: Transaction, dataset: str) -> None:
    """What was counted of their rows goes with the rows."""
    for each in dependents(tx, dataset):
        tx.execute(
            update(dataset_versions)
            .where(dataset_versions.c.dataset == each.dataset, dataset_versions.c.number == each.number)
            .values(rows=0, file_sha256=None)
        )
        of = dataset_quality.c.dataset == each.dataset
        tx.execute(dataset_quality.delete().where(of, dataset_quality.c.number == each.number))


def _end_derivations(tx: Transaction, names: set[str], by: str) -> list[Event]:
    events = []
    for name in sorted(names):
        reads = derivations.c.inputs.contains([{"dataset": name}])
        ended = tx.execute(
            update(derivations)
            .where(reads, derivations.c.state != "ended")
            .values(state="ended", revision=derivations.c.revision + 1)
            .returning(derivations.c.dataset)
        ).scalars()
        events += [
            Event("derivation.ended", by, f"dataset:{each}", {"input": name}) for each in sorted(ended)
        ]
    return events
