"""Credentials with which a department's system pushes rows: issued, agreed to, confirmed and revoked by
officers.

Whoever issues one answers for the versions that are made with it. It is for the policy that its officer saw:
after another one it is suspended until an officer confirms it.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row, insert, select, update

from sandbox.api_schema import Words
from sandbox.audit import Event, append
from sandbox.catalog.automatic_versions import (
    managed_dataset,
    needs_second_officer,
    policy_digest,
    publishable_version,
)
from sandbox.catalog.former_holders import with_maker
from sandbox.catalog.model import Version
from sandbox.city_time import city_date
from sandbox.database import Transaction
from sandbox.drafts.context import DraftContext
from sandbox.errors import Conflict, NotFound, TooMany
from sandbox.identity import Principal
from sandbox.pushes.pusher import hash_secret, new_secret
from sandbox.pushes.pushes import GOING, credential_suspended, end_push, pushable_version
from sandbox.pushes.schemas import IssuedCredentialDocument, Mode, PushCredentialDocument
from sandbox.pushes.tables import push_credentials, pushes

MOST_CREDENTIALS = 20
"""Of one dataset, that are not revoked."""


def issue_credential(
    context: DraftContext, officer: Principal, dataset: str, *, label: str, mode: Mode, days: int
) -> IssuedCredentialDocument:
    """A new credential; of data about people it waits for a second officer. Its secret is in the answer, and
    nowhere else."""
    version, secret = pushable_version(context, officer, dataset, mode), new_secret()
    with context.database.transaction() as tx:
        if len(_rows(tx, version.dataset)) >= MOST_CREDENTIALS:
            raise TooMany(
                f"{version.dataset} has {MOST_CREDENTIALS} push credentials already.",
                remedy="Revoke those that nothing uses.",
                zh=f"{version.dataset} 已有 {MOST_CREDENTIALS} 个推送凭据。",
                remedy_zh="请吊销不再使用的凭据。",
            )
        row = tx.execute(
            insert(push_credentials)
            .values(
                dataset=version.dataset,
                label=label,
                mode=mode,
                secret_sha256=hash_secret(secret),
                secret_shown_to=officer.id,
                makers=[officer.id],
                revision=1,
                expires_at=datetime.now(UTC) + timedelta(days=days),
                **_answered_for(tx, officer, version),
            )
            .returning(push_credentials)
        ).one()
        _log(tx, "push_credential.issued", officer, row, mode=mode)
        return IssuedCredentialDocument(**credential_document(row), secret=secret)


def list_credentials(context: DraftContext, officer: Principal, dataset: str) -> list[PushCredentialDocument]:
    """Those that are not revoked, the newest first."""
    with context.database.transaction() as tx:
        name = managed_dataset(tx, context.gate, officer, dataset)
        return [credential_document(row) for row in _rows(tx, name)]


def agree_to_credential(
    context: DraftContext, officer: Principal, dataset: str, id: int, revision: int
) -> PushCredentialDocument:
    """A second officer agrees to a credential as they read it: nobody who answers or answered for it, nor
    whoever was shown its secret, whatever became of it since."""
    name = publishable_version(context.repository, context.gate, officer, dataset).dataset
    with context.database.transaction() as tx:
        row = _held(tx, name, id)
        if officer.id in row.makers:
            raise own_push()
        if row.revision != revision:
            raise Conflict(
                "The credential was changed since you read it.",
                code="push_credential_changed",
                remedy="Read it again, and agree to what it is now.",
                zh="您查看后，该凭据已被更改。",
                remedy_zh="请重新查看后再同意。",
            )
        if row.state == "waiting":
            row = _changed(tx, row, state="active", second_person=officer.id)
            _log(tx, "push_credential.agreed", officer, row, issued_by=row.issued_by)
        return credential_document(row)


def confirm_credential(
    context: DraftContext, officer: Principal, dataset: str, id: int
) -> PushCredentialDocument:
    """Let a credential go on with the newest policy. The officer answers for it from now on, and of data
    about people a second one agrees anew; its secret stays."""
    with context.database.transaction() as tx:
        mode = _held(tx, managed_dataset(tx, context.gate, officer, dataset), id).mode
    version = pushable_version(context, officer, dataset, mode)
    with context.database.transaction() as tx:
        row = _held(tx, version.dataset, id)
        row = _changed(
            tx,
            row,
            revision=row.revision + 1,
            makers=with_maker(row.makers, officer.id),
            **_answered_for(tx, officer, version),
        )
        _log(tx, "push_credential.confirmed", officer, row)
        return credential_document(row)


def revoke_credential(context: DraftContext, officer: Principal, dataset: str, id: int) -> None:
    """It is good for nothing from now on, and what is half pushed with it is abandoned."""
    with context.database.transaction() as tx:
        row = _held(tx, managed_dataset(tx, context.gate, officer, dataset), id)
        going = select(pushes).where(pushes.c.credential == id, pushes.c.state.in_(GOING))
        for push in list(tx.execute(going.with_for_update())):
            end_push(tx, push, state="abandoned")
        _log(tx, "push_credential.revoked", officer, _changed(tx, row, state="revoked"))


def hold_credential(tx: Transaction, id: int) -> Row[Any]:
    """Held until the transaction ends: always before a push of it is."""
    return tx.execute(select(push_credentials).where(push_credentials.c.id == id).with_for_update()).one()


def require_active(tx: Transaction, id: int) -> None:
    """Raises `Conflict` where the credential ended while its push was published."""
    if hold_credential(tx, id).state != "active":
        raise credential_suspended()


def suspend_credential(tx: Transaction, row: Row[Any], *, code: str, en: str, zh: str) -> None:
    """`row` is held, and nothing was appended to the log before."""
    if row.state in {"waiting", "active"}:
        _changed(tx, row, state="suspended", suspended={"en": en, "zh": zh})
        append(
            tx,
            Event(
                "push_credential.suspended",
                row.issued_by,
                f"dataset:{row.dataset}",
                {"credential": row.id, "code": code},
            ),
        )


def credential_document(row: Row[Any]) -> PushCredentialDocument:
    document = PushCredentialDocument(
        id=row.id,
        dataset=row.dataset,
        label=row.label,
        mode=row.mode,
        state="expired" if row.expires_at <= datetime.now(UTC) else row.state,
        revision=row.revision,
        issued_by=row.issued_by,
        issued_at=row.issued_at,
        expires_at=row.expires_at,
    )
    if row.second_person or row.state == "waiting":
        document["warning"] = _warning(row)
    if row.second_person:
        document["second_person"] = row.second_person
    if row.suspended:
        document["suspended"] = row.suspended
    return document


def _warning(row: Row[Any]) -> Words:
    """For whoever agrees: the agreement stands for all that is pushed later."""
    day = city_date(row.expires_at).isoformat()
    return Words(
        en=f"Until {day}, whoever has the secret pushes rows about people without a second officer for each "
        f"push. {row.secret_shown_to}, who issued it, was shown the secret. Agree for as short a time as you "
        "can answer for, and revoke it when the system no longer needs it.",
        zh=f"在 {day} 之前，持有密钥者推送有关个人的数据时，不再逐次由第二位数据专员复核。"
        f"签发人 {row.secret_shown_to} 见过该密钥。请只同意您能够负责的期限，系统不再需要时请吊销。",
    )


def own_push() -> Conflict:
    return Conflict(
        "You answer for it, handed it over, or were shown its secret, so you cannot be its second person.",
        code="own_push",
        remedy="Ask another officer of your department.",
        zh="该项由您负责、由您移交，或您见过其密钥，您不能作为复核人。",
        remedy_zh="请本部门另一位数据专员复核。",
    )


def _answered_for(tx: Transaction, officer: Principal, version: Version) -> dict[str, Any]:
    return {
        "issued_by": officer.id,
        "state": "waiting" if needs_second_officer(version.policy) else "active",
        "second_person": None,
        "suspended": None,
        "policy_sha256": policy_digest(tx, version.dataset, version.number),
    }


def _rows(tx: Transaction, dataset: str) -> list[Row[Any]]:
    return list(
        tx.execute(
            select(push_credentials)
            .where(push_credentials.c.dataset == dataset, push_credentials.c.state != "revoked")
            .order_by(push_credentials.c.id.desc())
        )
    )


def _held(tx: Transaction, dataset: str, id: int) -> Row[Any]:
    row = tx.execute(
        select(push_credentials)
        .where(push_credentials.c.id == id, push_credentials.c.dataset == dataset)
        .with_for_update()
    ).first()
    if row is None or row.state == "revoked":
        raise NotFound(
            f"{dataset} has no push credential {id}.",
            code="no_push_credential",
            remedy="List them: cihu push-credentials DATASET.",
            zh=f"{dataset} 没有推送凭据 {id}。",
            remedy_zh="可用 cihu push-credentials 查看。",
        )
    return row


def _changed(tx: Transaction, row: Row[Any], **values: Any) -> Row[Any]:
    return tx.execute(
        update(push_credentials)
        .where(push_credentials.c.id == row.id)
        .values(**values)
        .returning(push_credentials)
    ).one()


def _log(tx: Transaction, kind: str, officer: Principal, row: Row[Any], **more: str) -> None:
    append(tx, Event(kind, officer.id, f"dataset:{row.dataset}", {"credential": row.id, **more}))
