"""Erases what is stored of a dataset, once its erasure stands in the database.

The objects of its versions, of the files that it was published from, and of what was derived from it go, all
versions of each object. So
does what was counted of the rows: numbers of rows, quality reports, digests of files, what drafts saw in
them, what pulls read and why they failed, what was pushed. What stays: the policies, the log, what was lost
about people, answers and released files. A kill between two steps leaves the erasure open, and the next start
(or the next minute) completes it.
"""

import logging
from datetime import UTC, datetime

from sqlalchemy import delete, func, select, update

from sandbox.audit import Event, append
from sandbox.catalog.sweep import publishing
from sandbox.catalog.tables import dataset_quality, dataset_versions
from sandbox.database import Transaction
from sandbox.derivations.dependents import dependents, forget_dependents
from sandbox.drafts.files import remove_file
from sandbox.drafts.tables import draft_files, drafts
from sandbox.errors import CihuError
from sandbox.lifecycle.context import LifecycleContext
from sandbox.lifecycle.tables import lifecycle_steps
from sandbox.pulls.hindrances import forget_figures
from sandbox.pushes.endings import forget_pushed_figures, remove_pushed_rows

log = logging.getLogger("cihu.lifecycle")


def finish_erasures(context: LifecycleContext) -> int:
    """Complete every erasure that was begun; returns how many were. What the bucket does not delete (an
    object lock, or a store that is away) is tried again later."""
    with context.database.transaction() as tx:
        open_ones = [
            (row.id, row.dataset)
            for row in tx.execute(select(lifecycle_steps).where(lifecycle_steps.c.state == "erasing"))
        ]
    done = 0
    for id, dataset in open_ones:
        try:
            with context.database.lock(publishing(dataset)):
                done += _erase(context, id, dataset)
        except CihuError as error:
            log.warning("the objects of %s cannot be removed yet: %s", dataset, error.code)
    return done


def _erase(context: LifecycleContext, id: int, dataset: str) -> bool:
    with context.database.transaction() as tx:
        objects = list(
            tx.execute(
                select(dataset_versions.c.object_name).where(dataset_versions.c.dataset == dataset)
            ).scalars()
        )
        objects += [each.object_name for each in dependents(tx, dataset)]
        files = list(
            tx.execute(
                select(draft_files.c.id)
                .join(drafts, drafts.c.file == draft_files.c.id)
                .where(drafts.c.published_dataset == dataset, draft_files.c.state != "removed")
            ).scalars()
        )
    context.forget_rows()
    # and whatever else lies there under its name: rows that a failed publishing left
    mine = f"{dataset}/"
    context.raw.abort_unfinished(mine)
    for name in (*objects, mine):
        for stored in context.raw.versions(name):
            context.raw.remove(stored)
    for file in files:
        remove_file(context.database, context.raw, file)
    remove_pushed_rows(context.database, context.raw, dataset)
    context.forget_rows()  # a question that was under way may have read rows meanwhile
    with context.database.transaction() as tx:
        row = tx.execute(
            update(lifecycle_steps)
            .where(lifecycle_steps.c.id == id, lifecycle_steps.c.state == "erasing")
            .values(state="done", done_at=func.now())
            .returning(lifecycle_steps)
        ).first()
        if row is None:
            return False
        forget_dependents(tx, dataset)
        _forget_figures(tx, dataset)
        append(
            tx,
            Event(
                "dataset.erased",
                row.second_person or row.proposed_by,
                f"dataset:{dataset}",
                {"step": id, "objects": len(objects), "at": datetime.now(UTC).isoformat()},
            ),
        )
    return True


def _forget_figures(tx: Transaction, dataset: str) -> None:
    """What was counted of the rows, or told one file from another, goes with them. Drafts keep the policy."""
    tx.execute(
        update(dataset_versions).where(dataset_versions.c.dataset == dataset).values(rows=0, file_sha256=None)
    )
    tx.execute(delete(dataset_quality).where(dataset_quality.c.dataset == dataset))
    forget_figures(tx, dataset)
    forget_pushed_figures(tx, dataset)
    files = select(drafts.c.file).where(drafts.c.published_dataset == dataset)
    for row in list(tx.execute(select(drafts.c.id, drafts.c.shape).where(drafts.c.file.in_(files)))):
        emptied = row.shape | {"rows": 0, "columns": [], "suggestions": []}
        tx.execute(update(drafts).where(drafts.c.id == row.id).values(shape=emptied))
    tx.execute(update(draft_files).where(draft_files.c.id.in_(files)).values(bytes=0, sha256=""))
