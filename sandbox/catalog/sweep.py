"""Raw objects that no version of a dataset owns are removed: what a publish left that was killed before it was registered."""

import logging

from sqlalchemy import select

from sandbox.catalog.tables import dataset_versions
from sandbox.database import Database
from sandbox.errors import CihuError
from sandbox.storage import ObjectVersion, RawStore

log = logging.getLogger("cihu.catalog")


def sweep(database: Database, store: RawStore) -> int:
    """Compare the raw bucket with the catalogue, and remove what is in the bucket alone; returns how many were removed.

    A publish that is at work holds its dataset's lock from before it stores until it is registered: for that one this waits.
    What the bucket does not let go (an object lock) is told in the operator's log, and tried again at the next start.
    """
    removed = 0
    for dataset in sorted({stored.name.partition("/")[0] for stored in _unowned(database, store, "")}):
        with database.lock(f"publish:{dataset}"):
            for stored in _unowned(database, store, f"{dataset}/"):
                try:
                    store.remove(stored)
                except CihuError as error:
                    log.warning("a raw object of %s that no version owns cannot be removed: %s", dataset, error.code)
                else:
                    removed += 1
    if removed:
        log.warning("%s raw objects that no version owned were removed: a publish was cut off", removed)
    return removed


def remove_unless_published(database: Database, store: RawStore, stored: ObjectVersion) -> None:
    """Remove one object version, unless the catalogue has it. The caller holds the dataset's lock."""
    if (stored.name, stored.version_id) not in _owned(database):
        store.remove(stored)


def _unowned(database: Database, store: RawStore, prefix: str) -> list[ObjectVersion]:
    # the bucket first: what is registered in between is then owned
    there = store.versions(prefix)
    owned = _owned(database)
    return [stored for stored in there if (stored.name, stored.version_id) not in owned]


def _owned(database: Database) -> set[tuple[str, str]]:
    with database.transaction() as tx:
        return {(row.object_name, row.object_version) for row in tx.execute(
            select(dataset_versions.c.object_name, dataset_versions.c.object_version))}
