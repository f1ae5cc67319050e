"""Rotates a key without a stop: the successor is valid now, and the old key goes on for a while, then
stops."""

from datetime import timedelta

from sqlalchemy import func, select, update

from marketplace.keys.find import find_key, lock_key, no_key
from marketplace.keys.issue_key import Issued, KeyUse, issued_before, require_maker, write_key
from marketplace.keys.model import KEY_STATUSES
from marketplace.keys.tables import keys
from marketplace.licences.find import find_licence, lock_licence, may_know
from marketplace.lifecycle import check_step
from sandbox.audit import Event, append
from sandbox.database import Database
from sandbox.errors import Conflict, InvalidInput
from sandbox.identity import Principal
from sandbox.policy import Gate, hidden_from_strangers

LONGEST = timedelta(days=30)


def rotate_key(
    database: Database,
    *,
    gate: Gate,
    principal: Principal,
    key_id: int,
    overlap: timedelta = timedelta(days=1),
    seed: bytes | None = None,
) -> Issued:
    """A successor for a live key, which itself ends after `overlap`; `seed` as for `issue_key`.

    Raises `Forbidden`, `NotFound`, `Conflict`.
    """
    if not timedelta() <= overlap <= LONGEST:
        raise InvalidInput(
            "The old key cannot go on that long.",
            remedy=f"Choose 0 to {LONGEST.days} days.",
            zh="旧密钥不能继续使用这么久。",
            remedy_zh=f"请选择 0 至 {LONGEST.days} 天。",
        )
    with database.transaction() as tx:
        lock_licence(tx, find_key(tx, key_id).licence)  # as to revoke: calls come before it, or after
        old = lock_key(tx, key_id)
        licence = find_licence(tx, old.licence)
        with hidden_from_strangers(no_key(key_id), seen=may_know(principal, licence)):
            require_maker(gate, principal, licence)
        if seed and (again := issued_before(tx, seed)):
            return again
        if old.service_account is not None:
            raise Conflict(
                "This key is opened by the tokens of a service account.",
                code="key_of_service_account",
                remedy="Give the service account a new secret.",
                zh="该密钥由服务账号的令牌使用。",
                remedy_zh="请为服务账号更换密钥。",
            )
        step = check_step(KEY_STATUSES, thing="key", now=old.status, then="retiring")
        use = KeyUse(old.scopes, old.networks, old.mode)  # a successor opens what the old one does
        issued = write_key(tx, licence=licence, label=old.label, by=principal.id, seed=seed, use=use)
        ends_at = tx.execute(select(func.now())).scalar_one() + overlap
        tx.execute(
            update(keys)
            .where(keys.c.id == old.id)
            .values(status="retiring", ends_at=ends_at, successor=issued.id)
        )
        append(
            tx,
            Event(
                kind="key.issued",
                actor=principal.id,
                subject=f"key:{issued.id}",
                payload={"licence": licence.id, "start": issued.start, **use.logged},
            ),
        )
        append(
            tx,
            Event(
                kind=step.event,
                actor=principal.id,
                subject=f"key:{old.id}",
                payload={"licence": licence.id, "successor": issued.id, "until": ends_at.isoformat()},
            ),
        )
    return issued
