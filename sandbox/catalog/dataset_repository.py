"""Reads datasets, and the policy of each of their versions."""

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import Row, Select, and_, any_, func, select

from sandbox.budgets.tables import population_splits
from sandbox.catalog.cleaner import Cleaner
from sandbox.catalog.elements import Element, load_elements, written_out
from sandbox.catalog.expectation_file import RuleCheck
from sandbox.catalog.lineage import lineage_of
from sandbox.catalog.lists import load_lists
from sandbox.catalog.model import DatasetPolicy, Version
from sandbox.catalog.not_found import dataset_not_found, version_not_found
from sandbox.catalog.opening_policy import OpeningPolicy, load_opening
from sandbox.catalog.policy_file import read_policy
from sandbox.catalog.retirement import is_retired
from sandbox.catalog.tables import dataset_versions, datasets, handovers
from sandbox.city_time import city_date
from sandbox.database import Database, Transaction, array_of
from sandbox.errors import CihuError, Conflict, NotFound, Unavailable
from sandbox.ingest.model import IdRule

log = logging.getLogger("cihu.catalog")
SPLITS = (
    select(func.jsonb_object_agg(population_splits.c.population, population_splits.c.id))
    .where(population_splits.c.state == "committed")
    .scalar_subquery()
    .label("splits")
)
"""By population, the split that is committed: with each version, so that it says whose rows it has."""


@dataclass(frozen=True)
class SetAside:
    """A broken version: whose it is, and of which kind the fault is."""

    dataset: str
    number: int
    department: str
    why: str


class DatasetRepository:
    """Reads published versions. `policies` is the folder with `dataset.schema.json` in it.
    `cleaner` looks at the cleaning steps of new policies, and carries them out; `rules` checks what they
    expect of their versions."""

    def __init__(
        self,
        database: Database,
        policies: Path,
        cleaner: Cleaner | None = None,
        rules: RuleCheck | None = None,
    ) -> None:
        self.database = database
        self.cleaner = cleaner
        self.rules = rules
        self.schema = policies / "dataset.schema.json"
        self.lists = load_lists(policies)
        self._parse = lru_cache(maxsize=256)(self._parse_text)
        self._aside: dict[tuple[str, int], str] = {}

    @cached_property
    def opening(self) -> OpeningPolicy:
        """What is asked before a dataset opens."""
        return load_opening(self.schema.parent)

    @cached_property
    def elements(self) -> dict[str, Element]:
        """The data elements that columns may name."""
        return load_elements(self.schema.parent)

    def current(self, name: str) -> Version:
        """The newest version of a dataset. Raises `NotFound`, which lists what there is."""
        with self.database.transaction() as tx:
            # a NUL is in no name, and Postgres would not even take it as a question
            row = (
                tx.execute(_versions().where(datasets.c.name == name.lower())).first()
                if name.isprintable()
                else None
            )
            if row is None:
                raise _not_there(tx, name)
        try:
            version = self._version(row)
        except CihuError as error:
            self.set_aside(row.dataset, row.number, error.code)
        if (row.dataset, row.number) in self._aside:
            raise Unavailable(
                f"{row.dataset} cannot be used at present: its version {row.number} is "
                "broken, and was set aside.",
                code="dataset_set_aside",
                remedy="An officer of its department can publish a corrected version.",
                zh=f"{row.dataset} 目前不可用：其第 {row.number} 版已损坏，被搁置。",
                remedy_zh="可由其部门的数据专员发布改正后的版本。",
            )
        return version

    def usable(self, name: str) -> Version:
        """The newest version, to work with. Raises `Conflict` too, where the dataset is retired."""
        version = self.current(name)
        require_not_retired(version)
        return version

    def successors(self) -> Callable[[str], str]:
        """To whom an account handed over what it answers for; the same account, where it did not."""
        with self.database.transaction() as tx:
            rows = tx.execute(select(handovers.c.account, handovers.c.successor).order_by(handovers.c.id))
            handed = [(row.account, row.successor) for row in rows]

        def successor(account: str) -> str:
            for leaving, taking in handed:
                account = taking if account == leaving else account
            return account

        return successor

    def all(self) -> list[Version]:
        """The newest version of every dataset, by name; without those that are set aside. Each policy is
        read for it: lists and counts ask the index (`dataset_index.py`)."""
        return self._offered(_versions())

    def some(self, names: Collection[str]) -> list[Version]:
        """As `all`, of the datasets with these names."""
        return self._offered(_versions().where(datasets.c.name == any_(array_of(names)))) if names else []

    def _offered(self, wanted: Select[Any]) -> list[Version]:
        with self.database.transaction() as tx:
            rows = list(tx.execute(wanted.order_by(datasets.c.name)))
        versions = []
        for row in rows:
            try:
                versions.append(self._version(row))
            except CihuError as error:
                self.set_aside(row.dataset, row.number, error.code)
        return [version for version in versions if (version.dataset, version.number) not in self._aside]

    def set_aside(self, dataset: str, number: int, why: str) -> None:
        """A version that cannot be read or loaded hinders no other: it is not offered until a new version
        replaces it, and the officers are notified. `why` is a code or the kind of an error, never its
        words: they could quote a value."""
        if (dataset, number) not in self._aside:
            log.error("version %s of %s is broken and was set aside: %s", number, dataset, why)
        self._aside[dataset, number] = why

    def aside(self) -> list[SetAside]:
        """The newest versions that are set aside."""
        if not self._aside:
            return []
        names = {dataset for dataset, _ in self._aside}
        with self.database.transaction() as tx:
            rows = tx.execute(select(datasets).where(datasets.c.name.in_(names)))
            newest = {(row.name, row.latest): row.department for row in rows}
        return [
            SetAside(dataset, number, newest[dataset, number], why)
            for (dataset, number), why in sorted(self._aside.items())
            if (dataset, number) in newest
        ]

    def version(self, tx: Transaction, name: str, number: int) -> Version:
        """A version by its number, in the caller's transaction."""
        row = tx.execute(
            select(dataset_versions, SPLITS).where(
                dataset_versions.c.dataset == name, dataset_versions.c.number == number
            )
        ).one()
        return self._version(row)

    def opened_version(self, tx: Transaction, name: str, number: int) -> Version:
        """A version by its number, if it ever opened. One that is held is not there: its policy is for the
        officers of its department alone, and its rows are for nobody. Raises `NotFound`."""
        opened = tx.execute(
            select(dataset_versions.c.opened_at).where(
                dataset_versions.c.dataset == name, dataset_versions.c.number == number
            )
        ).scalar_one_or_none()
        if opened is None:
            raise version_not_found(name, number)
        return self.version(tx, name, number)

    def last(self, tx: Transaction, name: str) -> Version:
        """The version in use; else the last one that there was: whom it is about it says still."""
        row = tx.execute(_versions().where(datasets.c.name == name)).first()
        if row is not None:
            return self._version(row)
        of = select(dataset_versions, SPLITS).where(dataset_versions.c.dataset == name)
        newest = of.order_by(dataset_versions.c.opened_at.is_(None), dataset_versions.c.number.desc())
        return self._version(tx.execute(newest.limit(1)).one())

    def lasts(self, tx: Transaction, names: Collection[str]) -> dict[str, Version]:
        """As `last`, of many datasets: one query for those in use."""
        rows = tx.execute(_versions().where(datasets.c.name == any_(array_of(names))))
        found = {row.dataset: self._version(row) for row in rows}
        return found | {name: self.last(tx, name) for name in set(names) - found.keys()}

    def read(self, text: str) -> DatasetPolicy:
        """Check a policy text that is not yet published."""
        return read_policy(
            text, schema=self.schema, cleaner=self.cleaner, rules=self.rules, elements=self.elements
        )

    def to_keep(self, text: str) -> str:
        """A policy text that was read, as it is kept: what it takes from data elements is written out."""
        return written_out(text, self.elements)

    def read_kept(self, text: str) -> DatasetPolicy:
        """A policy that was checked before, perhaps by a former release."""
        return self._parse(text)

    def rows(self, tx: Transaction, version: Version) -> int:
        """The exact number of rows. It stays in the vault."""
        return int(
            tx.execute(
                select(dataset_versions.c.rows).where(
                    dataset_versions.c.dataset == version.dataset, dataset_versions.c.number == version.number
                )
            ).scalar_one()
        )

    @staticmethod
    def not_open(name: str) -> NotFound:
        """The refusal of a dataset of which no version opened yet, for the officers of its department."""
        return NotFound(
            f"{name} is not open yet: its review is not decided.",
            code="dataset_not_open",
            remedy="Officers of its department see what is missing: cihu openings.",
            zh=f"{name} 尚未开放：安全审查未完成。",
            remedy_zh="其部门的数据专员可在“安全审查”中查看尚缺的内容。",
        )

    def policy_text(self, tx: Transaction, name: str, number: int) -> str:
        """The policy of a version as the officer wrote it."""
        return str(
            tx.execute(
                select(dataset_versions.c.policy).where(
                    dataset_versions.c.dataset == name, dataset_versions.c.number == number
                )
            ).scalar_one()
        )

    def _parse_text(self, text: str) -> DatasetPolicy:
        return read_policy(text, schema=self.schema, kept=True)

    def _version(self, row: Row[Any]) -> Version:
        policy = replace(self._parse(row.policy), ids=IdRule(row.id_rule))
        lineage = lineage_of(row.lineage)
        if lineage is not None:
            policy = replace(policy, inherited_pseudonyms=lineage.pseudonyms)
        return Version(
            dataset=row.dataset,
            number=row.number,
            policy=policy,
            object_name=row.object_name,
            object_version=row.object_version,
            sha256=row.sha256,
            published_by=row.published_by,
            published_at=row.published_at,
            notes=row.notes,
            withdrawn_at=row.withdrawn_at,
            withdrawn_because=row.withdrawn_because,
            opened_at=row.opened_at,
            retires_at=row._mapping.get("retires_at"),
            lineage=lineage,
            publisher_held_rows=row.publisher_held_rows,
            split=(row.splits or {}).get(policy.population, "") if policy.unit is not None else "",
        )


def require_not_retired(version: Version) -> None:
    """Raises `Conflict` once the announced end of a dataset has come."""
    if version.retires_at is not None and is_retired(version.retires_at):
        day = city_date(version.retires_at).isoformat()
        raise Conflict(
            f"{version.dataset} is retired since {day}: it is not asked, read or granted any more.",
            code="dataset_retired",
            remedy="Answers and files that were given stay. Look in the catalogue for what replaces it.",
            zh=f"{version.dataset} 已于 {day} 停用，不再接受提问、运行或申报。",
            remedy_zh="已给出的回答和文件仍然有效。可在目录中查找替代的数据集。",
        )


def _not_there(tx: Transaction, name: str) -> NotFound:
    """Says what there is; and of a dataset that was, why it is not there."""
    shown = name if name.isprintable() else ascii(name)
    rows = list(tx.execute(select(datasets).order_by(datasets.c.name)))
    was = next((row for row in rows if row.name == shown.lower()), None)
    # of a dataset under review, nobody but its department learns that it is there
    if was is not None and not was_opened(tx, was.name):
        was = None
    if was is not None and was.erased_at is not None:
        return NotFound(
            f"{was.name} was erased.",
            code="dataset_erased",
            remedy="Answers that were given stay. Its policy's versions are listed still.",
            zh=f"{was.name} 已被删除。",
            remedy_zh="已给出的回答仍然有效；各版本的策略仍可查看。",
        )
    if was is not None:
        return NotFound(
            f"Every version of {was.name} was withdrawn.",
            code="dataset_withdrawn",
            remedy="Wait until its department publishes a corrected version.",
            zh=f"{was.name} 的所有版本均已撤回。",
            remedy_zh="请等待其部门发布改正后的版本。",
        )
    return dataset_not_found(shown, (row.name for row in rows if row.latest))


def was_opened(tx: Transaction, name: str) -> bool:
    """Whether a version of the dataset ever opened."""
    opened = select(dataset_versions.c.number).where(
        dataset_versions.c.dataset == name, dataset_versions.c.opened_at.is_not(None)
    )
    return tx.execute(opened.limit(1)).first() is not None


def _versions() -> Select[Any]:
    newest = and_(
        dataset_versions.c.dataset == datasets.c.name, dataset_versions.c.number == datasets.c.latest
    )
    return select(dataset_versions, SPLITS, datasets.c.retires_at).join(datasets, newest)
