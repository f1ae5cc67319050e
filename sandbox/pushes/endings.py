"""Ends what is pushed into a dataset of which a version is withdrawn, or which is erased."""

from sqlalchemy import select, update

from sandbox.database import Database, Transaction
from sandbox.pushes.batches import remove_batches
from sandbox.pushes.credentials import suspend_credential
from sandbox.pushes.pushes import GOING, end_push
from sandbox.pushes.tables import push_batches, push_credentials, pushes
from sandbox.storage import RawStore


def lock_pushes(tx: Transaction, dataset: str) -> None:
    """Hold all that goes on, until the transaction ends. Whoever ends a dataset or withdraws a version does
    so before anything is appended to the log."""
    for table, states in ((push_credentials, ("waiting", "active", "suspended")), (pushes, GOING)):
        tx.execute(
            select(table.c.id)
            .where(table.c.dataset == dataset, table.c.state.in_(states))
            .order_by(table.c.id)
            .with_for_update()
        )


def suspend_pushes_for_withdrawal(tx: Transaction, dataset: str, number: int, reason: str) -> None:
    """The system that sent a wrong version would send it again."""
    _abandon(tx, dataset)
    credentials = list(
        tx.execute(
            select(push_credentials).where(
                push_credentials.c.dataset == dataset, push_credentials.c.state.in_(("waiting", "active"))
            )
        )
    )
    for row in credentials:
        suspend_credential(
            tx,
            row,
            code="version_withdrawn",
            en=f"Version {number} was withdrawn: {reason}. Correct what is sent, and confirm the credential.",
            zh=f"第 {number} 版已撤回：{reason}。请改正推送内容，然后重新确认凭据。",
        )


def end_pushes_for_erasure(tx: Transaction, dataset: str) -> None:
    """Nothing is pushed into an erased dataset any more."""
    _abandon(tx, dataset)
    tx.execute(update(push_credentials).where(push_credentials.c.dataset == dataset).values(state="revoked"))


def remove_pushed_rows(database: Database, store: RawStore, dataset: str) -> None:
    with database.transaction() as tx:
        known = list(tx.execute(select(pushes.c.id).where(pushes.c.dataset == dataset)).scalars())
    for push in known:
        remove_batches(database, store, push)


def forget_pushed_figures(tx: Transaction, dataset: str) -> None:
    """What was counted of batches, or told one from another."""
    of = select(pushes.c.id).where(pushes.c.dataset == dataset)
    tx.execute(
        update(push_batches)
        .where(push_batches.c.push.in_(of))
        .values(bytes=0, rows=0, sha256="", notes=[], key_sha256=push_batches.c.object_name)
    )
    tx.execute(update(pushes).where(pushes.c.dataset == dataset).values(words=None, name=None))


def _abandon(tx: Transaction, dataset: str) -> None:
    for row in list(tx.execute(select(pushes).where(pushes.c.dataset == dataset, pushes.c.state.in_(GOING)))):
        end_push(tx, row, state="abandoned")
