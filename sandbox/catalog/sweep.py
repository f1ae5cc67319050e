"""Uploads are recorded before they are stored, so that what a killed publish left is found and removed.

Only what this catalogue recorded is ever removed: the bucket may hold what another catalogue owns, or a newer
state than a database that was restored from a copy.
"""

import logging
from collections.abc import Iterable

from sqlalchemy import delete, insert, select

from sandbox.catalog.tables import dataset_versions, uploads
from sandbox.database import Database, Transaction
from sandbox.errors import CihuError
from sandbox.storage import RawStore

LISTINGS = 3
log = logging.getLogger("cihu.catalog")


def publishing(dataset: str) -> str:
    """The lock that is held while a version is published:
    from before its upload is recorded until it is registered."""
    return f"publish:{dataset}"


def record(database: Database, *, dataset: str, object_names: Iterable[str]) -> None:
    """Note that objects are about to be stored: of these names, or whose names begin with them. A name is
    used once only."""
    with database.transaction() as tx:
        for name in object_names:
            tx.execute(insert(uploads).values(object_name=name, dataset=dataset))


def owned(tx: Transaction, object_name: str) -> None:
    """A version owns it now."""
    tx.execute(delete(uploads).where(uploads.c.object_name == object_name))


def sweep(database: Database, store: RawStore) -> int:
    """Remove every recorded upload that no version owns; returns how many there were.
    It waits for a publish that is at work.

    What the bucket does not delete (an object lock) is reported in the operator's log, and tried
    again at the next start.
    """
    with database.transaction() as tx:
        waiting = [
            (row.dataset, row.object_name)
            for row in tx.execute(select(uploads).order_by(uploads.c.object_name))
        ]
    removed = 0
    for dataset, object_name in waiting:
        with database.lock(publishing(dataset)):
            try:
                removed += discard(database, store, object_name)
            except CihuError as error:
                log.warning(
                    "a raw object of %s that no version owns cannot be removed: %s", dataset, error.code
                )
    if removed:
        log.warning("%s uploads that no version owned were removed: a publish was cut off", removed)
    return removed


def discard(database: Database, store: RawStore, object_name: str) -> bool:
    """Remove an upload, if it is still recorded and no version owns it. Where objects still come, it stays
    recorded, and is removed at the next sweep.
    The caller holds the dataset's lock."""
    with database.transaction() as tx:
        there = tx.execute(select(uploads.c.object_name).where(uploads.c.object_name == object_name)).first()
        owner = tx.execute(
            select(dataset_versions.c.number).where(dataset_versions.c.object_name == object_name)
        ).first()
    if there is None or owner is not None:
        return False
    store.abort_unfinished(object_name)  # what was written in parts, and not to the end
    # the record goes only when nothing is found any more: something may have been stored meanwhile
    for _ in range(LISTINGS):
        found = list(store.versions(object_name))
        if not found:
            with database.transaction() as tx:
                owned(tx, object_name)
            return True
        for stored in found:
            store.remove(stored)
    return False
