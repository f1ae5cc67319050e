"""Reads datasets, and the policy of each of their versions."""

import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import Row, Select, and_, select

from sandbox.catalog.cleaner import Cleaner
from sandbox.catalog.expectation_file import RuleCheck
from sandbox.catalog.lists import load_lists
from sandbox.catalog.model import DatasetPolicy, Version
from sandbox.catalog.policy_file import read_policy
from sandbox.catalog.tables import dataset_versions, datasets
from sandbox.city_time import city_date
from sandbox.database import Database, Transaction
from sandbox.errors import CihuError, Conflict, NotFound, Unavailable
from sandbox.ingest.model import IdRule

log = logging.getLogger("cihu.catalog")


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

    def all(self) -> list[Version]:
        """The newest version of every dataset, by name; without those that are set aside."""
        with self.database.transaction() as tx:
            rows = list(tx.execute(_versions().order_by(datasets.c.name)))
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
        with self.database.transaction() as tx:
            newest = {(row.name, row.latest): row.department for row in tx.execute(select(datasets))}
        return [
            SetAside(dataset, number, newest[dataset, number], why)
            for (dataset, number), why in sorted(self._aside.items())
            if (dataset, number) in newest
        ]

    def version(self, tx: Transaction, name: str, number: int) -> Version:
        """A version by its number, in the caller's transaction."""
        row = tx.execute(
            select(dataset_versions).where(
                dataset_versions.c.dataset == name, dataset_versions.c.number == number
            )
        ).one()
        return self._version(row)

    def last(self, tx: Transaction, name: str) -> Version:
        """The version in use; else the last one that there was: whom it is about it says still."""
        row = tx.execute(_versions().where(datasets.c.name == name)).first()
        if row is not None:
            return self._version(row)
        of = select(dataset_versions).where(dataset_versions.c.dataset == name)
        return self._version(tx.execute(of.order_by(dataset_versions.c.number.desc()).limit(1)).one())

    def read(self, text: str) -> DatasetPolicy:
        """Check a policy text that is not yet published."""
        return read_policy(text, schema=self.schema, cleaner=self.cleaner, rules=self.rules)

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

    def _parse_text(self, text: str) -> DatasetPolicy:
        return read_policy(text, schema=self.schema, kept=True)

    def _version(self, row: Row[Any]) -> Version:
        policy = replace(self._parse(row.policy), ids=IdRule(row.id_rule))
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
            retires_at=row._mapping.get("retires_at"),
        )


def require_not_retired(version: Version) -> None:
    """Raises `Conflict` once the announced end of a dataset has come."""
    if version.retires_at is not None and version.retires_at <= datetime.now(UTC):
        day = city_date(version.retires_at).isoformat()
        raise Conflict(
            f"{version.dataset} is retired since {day}: it is not asked, read or granted any more.",
            code="dataset_retired",
            remedy="Answers and files that were given stay. Look in the catalogue for what replaces it.",
            zh=f"{version.dataset} 已于 {day} 停用，不再接受提问、运行或申请。",
            remedy_zh="已给出的回答和文件仍然有效。可在目录中查找替代的数据集。",
        )


def _not_there(tx: Transaction, name: str) -> NotFound:
    """Says what there is; and of a dataset that was, why it is not there."""
    shown = name if name.isprintable() else ascii(name)
    rows = list(tx.execute(select(datasets).order_by(datasets.c.name)))
    was = next((row for row in rows if row.name == shown.lower()), None)
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
    have = ", ".join(row.name for row in rows if row.latest)
    return NotFound(
        f"There is no dataset {shown}.",
        code="dataset_not_found",
        zh=f"没有数据集 {shown}。",
        remedy=f"There are: {have or 'none yet'}.",
        remedy_zh=f"现有：{have or '尚无'}。",
    )


def _versions() -> Select[Any]:
    newest = and_(
        dataset_versions.c.dataset == datasets.c.name, dataset_versions.c.number == datasets.c.latest
    )
    return select(dataset_versions, datasets.c.retires_at).join(datasets, newest)
