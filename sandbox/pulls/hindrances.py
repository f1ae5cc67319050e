"""Why a pull may not go on: its dataset ended, a version was withdrawn, a colleague published a policy.

Such a pull is suspended, and fetches nothing, until an officer sets it again. Which policy it carries out:
`sandbox/catalog/automatic_versions.py`.
"""

from typing import Any

from sqlalchemy import Row, select, update

from sandbox import notices
from sandbox.audit import Event, append
from sandbox.database import Transaction
from sandbox.pulls.tables import pull_attempts, pulls

GOING = ("waiting", "active")


def suspend(tx: Transaction, pull: Row[Any], *, code: str, en: str, zh: str) -> None:
    """Within a transaction that holds the pull's row, and appends nothing to the log before."""
    tx.execute(
        update(pulls).where(pulls.c.id == pull.id).values(state="suspended", suspended={"en": en, "zh": zh})
    )
    append(
        tx,
        Event("pull.suspended", pull.set_by, f"dataset:{pull.dataset}", {"code": code}),
        to=[notices.officers(pull.department)],
        about=f"pull:{pull.dataset}",
    )


def lock_pull(tx: Transaction, dataset: str) -> Row[Any] | None:
    """The pull of a dataset, held until the transaction ends. Whoever ends a dataset or withdraws a version
    takes it before anything is appended to the log, as those do who set pulls."""
    return tx.execute(
        select(pulls).where(pulls.c.dataset == dataset, pulls.c.state != "removed").with_for_update()
    ).first()


def suspend_for_withdrawal(tx: Transaction, pull: Row[Any] | None, number: int, reason: str) -> None:
    """The source that gave a wrong version would give it again. Rows that arrive now are refused."""
    if pull is None or pull.state not in GOING:
        return
    tx.execute(update(pulls).where(pulls.c.id == pull.id).values(revision=pull.revision + 1))
    suspend(
        tx,
        pull,
        code="version_withdrawn",
        en=f"Version {number} was withdrawn: {reason}. Correct the source, and set the pull again.",
        zh=f"第 {number} 版已撤回：{reason}。请改正数据源，然后重新设置采集。",
    )


def remove_for_erasure(tx: Transaction, pull: Row[Any] | None) -> None:
    """An erased dataset has no pull any more."""
    if pull is not None:
        tx.execute(
            update(pulls).where(pulls.c.id == pull.id).values(state="removed", revision=pull.revision + 1)
        )


def forget_figures(tx: Transaction, dataset: str) -> None:
    """Of an erased dataset: what its pulls read, and what attempts counted, named people or told of them."""
    of = select(pulls.c.id).where(pulls.c.dataset == dataset)
    tx.execute(update(pull_attempts).where(pull_attempts.c.pull.in_(of)).values(words=None))
    tx.execute(update(pulls).where(pulls.c.dataset == dataset).values(what=""))
