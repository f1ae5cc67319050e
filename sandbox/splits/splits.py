"""Makes a split, opens it, and lets anybody check afterwards that it was the one that was committed to.

    commit_split   seed drawn, people assigned, hash told; from here on all see train people alone
    part_rows      the rows of live or final, for scoring within the vault
    open_split     the seed is told, all see everybody again
    verify_split   with the seed: the commitment, and that the people follow from it

Who is in which part rests in the raw bucket with the seed, encrypted as rows are.
"""

import json
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet
from sqlalchemy import Row, insert, select, update

from sandbox.audit import Event, append
from sandbox.budgets import Part, begin_split, end_split, require_unsplit
from sandbox.budgets.tables import population_splits
from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.catalog.model import Role, Version
from sandbox.catalog.resource import department_resource
from sandbox.catalog.sweep import discard, owned, publishing, record
from sandbox.catalog.tables import dataset_versions
from sandbox.database import Database, Transaction
from sandbox.errors import Conflict, InvalidInput, NotFound
from sandbox.identity import Principal, load_principal
from sandbox.policy import Gate
from sandbox.privacy import PrivacyLoss
from sandbox.splits.assignment import assign, commitment, membership, strata_of
from sandbox.splits.form import SplitForm
from sandbox.splits.left_earlier import left_earlier
from sandbox.splits.split_store import SplitRawStore, comparable, unit_texts
from sandbox.splits.tables import splits

SEED_BYTES = 32
SHOWN = 20


@dataclass(frozen=True)
class Split:
    """`state`: committed or opened. `seed`: in hex, once it is opened."""

    id: UUID
    dataset: str
    number: int
    form: SplitForm
    commitment: str
    membership: str
    state: str
    seed: str | None

    @property
    def version(self) -> str:
        return f"{self.dataset}@{self.number}"


def commit_split(
    database: Database,
    *,
    repository: DatasetRepository,
    store: SplitRawStore,
    gate: Gate,
    officer: Principal,
    dataset: str,
    form: SplitForm,
    live: PrivacyLoss,
    final: PrivacyLoss,
    accepted: Collection[str] = (),
    read_whole: Collection[str] = (),
    note: Callable[[Transaction, UUID, str], None] | None = None,
) -> Split:
    """Split the people of a dataset's newest version.

    `live`, `final`: what the scores on each may lose. `accepted`: the names of what left earlier and is
    accepted (left_earlier.py). `read_whole`: datasets of the population whose ids cannot be compared with
    these, and which are read whole all the same because they have no target. `note` is called with the
    split's id and commitment in its own transaction, for who keeps what it is for.

    Raises `Forbidden`; `InvalidInput` for a form that does not fit the dataset; `Conflict` with the code
    "left_earlier", "ids_not_comparable", "too_few_people", "population_split" or "budget_promised".
    """
    version = repository.usable(dataset)
    _require(gate, officer, version)
    _require_target(version, form)
    others = _not_comparable(repository, version)
    if unnamed := sorted(set(others) - set(read_whole)):
        raise _refused(
            "ids_not_comparable",
            f"Datasets about the same population name people by other ids: {', '.join(unnamed)}.",
            "Accept each of them by name as one that has no target and is read whole.",
            f"同一人群的以下数据集使用不同的标识：{'、'.join(unnamed)}。",
            "请逐个确认它们不含目标栏目，并允许整体读取。",
        )
    with database.transaction() as tx:
        require_unsplit(tx, version.policy.population)
    id, seed = uuid4(), secrets.token_bytes(SEED_BYTES)
    held = assign(form, seed, _people(store, version, form))
    if held is None:
        raise _refused(
            "too_few_people",
            "A stratum has fewer people than the form says.",
            "Declare fewer people for it, or smaller parts.",
            "某一层的实际人数少于表单所填。",
            "请减少该层人数，或缩小各部分。",
        )
    body = json.dumps({"seed": seed.hex(), "held": held.document()}).encode()
    about = _about(version, form)
    name = f"{version.dataset}/split-{id}.json"
    with database.lock(publishing(version.dataset)):
        record(database, dataset=version.dataset, object_names=(name,))
        try:
            stored = store.put(name, body)
            with database.transaction() as tx:
                _require(gate, load_principal(tx, officer.id, hold=True), version)
                _require_newest(tx, repository, version)
                begin_split(
                    tx,
                    id=id,
                    dataset=version.dataset,
                    population=version.policy.population,
                    live=live,
                    final=final,
                )
                left = _left_earlier(tx, repository, version, accepted)
                row = {
                    "id": id,
                    "dataset": version.dataset,
                    "number": version.number,
                    "form": form.document(),
                    "commitment": commitment(seed, about),
                    "membership": membership(seed, held),
                    "object_name": stored.name,
                    "object_version": stored.version_id,
                    "sha256": stored.sha256,
                    "read_whole": sorted(read_whole),
                    "left_earlier": left,
                    "committed_by": officer.id,
                }
                tx.execute(insert(splits).values(**row))
                owned(tx, name)
                payload = {
                    "split": str(id),
                    "commitment": row["commitment"],
                    "membership": row["membership"],
                    "live": form.live,
                    "final": form.final,
                    "picorho_live": live.picorho,
                    "picorho_final": final.picorho,
                    "accepted": left,
                    "read_whole": row["read_whole"],
                }
                if note is not None:  # it may wait for rows: before the log is held
                    note(tx, id, str(row["commitment"]))
                append(tx, Event("split.committed", officer.id, f"dataset:{version.name}", payload))
        except BaseException:
            discard(database, store, name)
            raise
    return load_split(database, id)


def load_split(database: Database, id: UUID) -> Split:
    """What is public of a split. Raises `NotFound`."""
    with database.transaction() as tx:
        row = _row(tx, id)
    return Split(
        id,
        row.dataset,
        row.number,
        SplitForm.read(row.form),
        row.commitment,
        row.membership,
        row.state,
        row.seed,
    )


def part_rows(
    store: SplitRawStore, repository: DatasetRepository, id: UUID, part: Part
) -> tuple[Version, pa.Table]:
    """The rows of the people of live or final, sorted by person, with all columns: raw, and for scoring
    alone. Raises `Conflict` once the split is opened, `ValueError` for train people."""
    if part is Part.TRAIN:
        raise ValueError("train people are read as everybody reads")
    with repository.database.transaction() as tx:
        row = _row(tx, id)
        version = repository.version(tx, row.dataset, row.number)
    if row.state != "committed":
        raise Conflict(
            "This split is opened: its parts are not scored any more.",
            code="split_opened",
            remedy="Make a new split for a new competition.",
            zh="该划分已公开，不再评分。",
            remedy_zh="请为新的大赛建立新的划分。",
        )
    table = pyarrow.parquet.read_table(pa.BufferReader(store.whole(version)))
    assert version.policy.unit is not None
    members = pa.array(store.held(id).part(part.value), pa.string())
    return version, table.filter(pc.is_in(unit_texts(table, version.policy.unit.column), value_set=members))


def open_split(
    database: Database,
    *,
    repository: DatasetRepository,
    store: SplitRawStore,
    gate: Gate,
    officer: Principal,
    id: UUID,
) -> Split:
    """Tell the seed; from here on all see everybody again, and no part is scored any more. Raises
    `Forbidden`, `NotFound`, `Conflict` where it is opened already."""
    with database.transaction() as tx:
        row = _row(tx, id)
        version = repository.version(tx, row.dataset, row.number)
    _require(gate, officer, version)
    body = json.loads(store.get(row.object_name, row.object_version, row.sha256))
    with database.transaction() as tx:
        _require(gate, load_principal(tx, officer.id, hold=True), version)
        end_split(tx, id)
        tx.execute(update(splits).where(splits.c.id == id).values(seed=body["seed"], opened_by=officer.id))
        opened = {
            "split": str(id),
            "seed": body["seed"],
            "commitment": row.commitment,
            "committed": _about(version, SplitForm.read(row.form)),
        }
        append(tx, Event("split.opened", officer.id, f"dataset:{version.name}", _without_floats(opened)))
    return load_split(database, id)


def verify_split(store: SplitRawStore, repository: DatasetRepository, id: UUID) -> bool:
    """Whether an opened split is the one that was committed to: the seed opens the hash, and the people
    follow from seed and rows. Raises `Conflict` before it is opened."""
    with repository.database.transaction() as tx:
        row = _row(tx, id)
        version = repository.version(tx, row.dataset, row.number)
    if row.seed is None:
        raise Conflict(
            "This split is not opened yet.",
            code="split_not_opened",
            remedy="Wait until the final is told.",
            zh="该划分尚未公开。",
            remedy_zh="请等待决赛结果公布。",
        )
    form, seed = SplitForm.read(row.form), bytes.fromhex(row.seed)
    held = assign(form, seed, _people(store, version, form))
    return (
        held is not None
        and membership(seed, held) == row.membership
        and commitment(seed, _about(version, form)) == row.commitment
    )


def _about(version: Version, form: SplitForm) -> dict[str, object]:
    return {
        "dataset": version.dataset,
        "version": version.number,
        "rows_sha256": version.sha256,
        "form": form.document(),
    }


def _people(store: SplitRawStore, version: Version, form: SplitForm) -> list[tuple[str, int | None]]:
    """Each person, and the stratum of the target in the first of the person's rows."""
    assert version.policy.unit is not None
    unit = version.policy.unit.column
    table = pyarrow.parquet.read_table(pa.BufferReader(store.whole(version)), columns=[unit, form.target])
    names = unit_texts(table, unit).to_pylist()
    strata = strata_of(form, table.column(form.target).to_pylist())
    first: dict[str, int | None] = {}
    for name, stratum in zip(names, strata, strict=True):
        first.setdefault(name, stratum)
    return [*first.items()]


def _require(gate: Gate, officer: Principal, version: Version) -> None:
    gate.require(officer, "manage_dataset", department_resource(version.dataset, version.policy.department))


def _require_target(version: Version, form: SplitForm) -> None:
    column = version.policy.column(form.target)
    if version.policy.unit is None or column is None or column.role is Role.UNIT:
        raise InvalidInput(
            f"{version.dataset} has no people with a target {form.target!r} to split by.",
            code="bad_split",
            remedy="Name a dataset with a unit, and one of its columns as target.",
            zh=f"{version.dataset} 没有可按目标 {form.target!r} 划分的人群。",
            remedy_zh="请选择带有保护对象的数据集，并以其某一栏目为目标。",
        )


def _not_comparable(repository: DatasetRepository, version: Version) -> list[str]:
    return [
        other.dataset
        for other in repository.all()
        if other.policy.unit is not None
        and other.policy.population == version.policy.population
        and not comparable(other.policy, version.policy)
    ]


def about_population(tx: Transaction, repository: DatasetRepository, version: Version) -> list[str]:
    """Every dataset that has people of this version's population, in any version, by its name."""
    found = {version.dataset}
    for row in tx.execute(select(dataset_versions.c.dataset, dataset_versions.c.number)):
        policy = repository.version(tx, row.dataset, row.number).policy
        if policy.unit is not None and policy.population == version.policy.population:
            found.add(row.dataset)
    return sorted(found)


def _require_newest(tx: Transaction, repository: DatasetRepository, version: Version) -> None:
    if repository.last(tx, version.dataset).number != version.number:
        raise _refused(
            "newer_version",
            f"{version.dataset} has a newer version than {version.number} by now.",
            "Try again: the newest version is split.",
            f"{version.dataset} 现已有比第 {version.number} 版更新的版本。",
            "请重试：将划分最新版本。",
        )


def _left_earlier(
    tx: Transaction, repository: DatasetRepository, version: Version, accepted: Collection[str]
) -> list[str]:
    found = [one.name for one in left_earlier(tx, about_population(tx, repository, version))]
    unnamed = [name for name in found if name not in set(accepted)]
    if unnamed:
        shown = ", ".join(unnamed[:SHOWN]) + (f" and {len(unnamed) - SHOWN} more" if unnamed[SHOWN:] else "")
        raise _refused(
            "left_earlier",
            f"{len(unnamed)} answers, runs or purchases left before, and may tell of the people of live and "
            f"final: {shown}.",
            "Look through them, and accept each by its name, or use a dataset of which nothing has left.",
            f"此前已有 {len(unnamed)} 项回答、运行或购置，可能涉及实时部分和决赛部分的人：{shown}。",
            "请逐项查看并按名称确认，或改用尚未流出任何结果的数据集。",
        )
    return found


def _refused(code: str, message: str, remedy: str, zh: str, remedy_zh: str) -> Conflict:
    return Conflict(message, code=code, remedy=remedy, zh=zh, remedy_zh=remedy_zh)


def _without_floats(document: Any) -> Any:
    """As the log keeps it: it has no floats."""
    if isinstance(document, dict):
        return {key: _without_floats(value) for key, value in document.items()}
    if isinstance(document, list):
        return [_without_floats(value) for value in document]
    return repr(document) if isinstance(document, float) else document


def _row(tx: Transaction, id: UUID) -> Row[Any]:
    row = tx.execute(
        select(splits, population_splits.c.state)
        .join(population_splits, population_splits.c.id == splits.c.id)
        .where(splits.c.id == id)
    ).first()
    if row is None:
        raise NotFound(
            "There is no such split.",
            remedy="Look up its id in the log: split.committed.",
            zh="没有这个划分。",
            remedy_zh="请在日志中查看其编号：split.committed。",
        )
    return row
