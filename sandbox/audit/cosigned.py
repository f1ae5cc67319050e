"""Keeps the cosignatures of witnesses, and says which checkpoints are witnessed.

What is stored is verified again each time before it is shown: who can write the table can hide a cosignature,
but forge none.
"""

import time
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import and_, func, select
from sqlalchemy.dialects.postgresql import insert

from sandbox.audit.cosignatures import Cosignature, WitnessKey, read_cosignatures
from sandbox.audit.note import Checkpoint, NotProven, PublicKey, open_checkpoint, split_note
from sandbox.audit.stored import growth_at, size_of
from sandbox.audit.tables import checkpoints, cosignatures
from sandbox.audit.witness_policy import WitnessPolicy
from sandbox.database import Transaction
from sandbox.errors import Conflict, Forbidden, InvalidInput

AHEAD_SECONDS = 300
"""So far may a witness's clock be ahead of ours."""
APART_SECONDS = 600
"""Of two cosignatures of one witness on one checkpoint."""
MOST_LOOKED_AT = 100


class Standing(NamedTuple):
    """What a known witness co-signed last. `size`, `time` (seconds since 1970): None if nothing."""

    name: str
    key: WitnessKey
    size: int | None
    time: int | None


def accept(tx: Transaction, note: str, log_key: PublicKey, policy: WitnessPolicy) -> list[Cosignature]:
    """Store the cosignatures of known witnesses in a checkpoint of this log.

    Raises `NotProven` if the log did not sign the checkpoint or a cosignature is wrong, `Forbidden` if no
    known witness co-signed it, `Conflict` if it is not of this history, or older than what the witness
    co-signed already.
    """
    try:
        checkpoint = open_checkpoint(note, log_key)
        given = read_cosignatures(note, policy.witnesses.values())
    except NotProven as error:
        raise NotProven(
            error.message,
            remedy="Send the checkpoint as this log signed it, with the witness's line below.",
            zh="该检查点不是本日志签署的，或者联署未通过核验。",
            remedy_zh="请提交本日志签署的检查点原文，并在其下附上见证方的联署行。",
        ) from error
    if not given:
        raise _unknown_witness()
    if any(each.time > time.time() + AHEAD_SECONDS for each in given):
        raise InvalidInput(
            "A cosignature is from the future.",
            code="cosignature_from_the_future",
            remedy="Set the witness's clock, and co-sign again.",
            zh="联署的时间在未来。",
            remedy_zh="请校准见证方的时钟后重新联署。",
        )
    if checkpoint.size > size_of(tx) or growth_at(tx, checkpoint.size).root() != checkpoint.root:
        raise _other_history(checkpoint)
    later = []
    for each in given:
        last = _newest(tx, each.key, log_key)
        if last and last[0] > checkpoint.size:
            raise _outdated(each.key, last[0], checkpoint.size)
        # one more of the same tree says nothing new; so a witness fills no table
        if last is None or last[0] < checkpoint.size or each.time >= last[1].time + APART_SECONDS:
            later.append(each)
    if not later:
        return given
    text, signatures = split_note(note)
    own = next(line for line in signatures if (line.name, line.key_id) == (log_key.name, log_key.key_id))
    now, key_id = datetime.now(UTC), log_key.key_id.hex()
    signed = {"size": checkpoint.size, "key_id": key_id, "note": f"{text}\n{own.line}", "signed_at": now}
    tx.execute(insert(checkpoints).values(signed).on_conflict_do_nothing())
    rows = [
        {
            "size": checkpoint.size,
            "key_id": key_id,
            "witness": str(each.key),
            "time": each.time,
            "line": each.line,
            "received_at": now,
        }
        for each in later
    ]
    tx.execute(insert(cosignatures).on_conflict_do_nothing(), rows)
    return given


def with_cosignatures(tx: Transaction, note: str, log_key: PublicKey, policy: WitnessPolicy) -> str:
    """A checkpoint of this log with the cosignatures of known witnesses that there are."""
    if not policy.witnesses:
        return note
    checkpoint = open_checkpoint(note, log_key)
    return note + "".join(each.line for each in _of(tx, checkpoint.size, log_key, policy))


def newest_witnessed(
    tx: Transaction, log_key: PublicKey, policy: WitnessPolicy
) -> tuple[str, Checkpoint] | None:
    """The newest checkpoint that the policy's quorum co-signed (with `quorum none`: any known witness), with
    its cosignatures."""
    if not policy.witnesses:
        return None
    keys = list(policy.witnesses.values())
    least = 1 if any(policy.met_by([key]) for key in keys) else 2
    key_id = log_key.key_id.hex()
    wanted = (
        select(cosignatures.c.size)
        .where(cosignatures.c.witness.in_(map(str, keys)), cosignatures.c.key_id == key_id)
        .group_by(cosignatures.c.size)
        .having(func.count(cosignatures.c.witness.distinct()) >= least)
        .order_by(cosignatures.c.size.desc())
        .limit(MOST_LOOKED_AT)
    )
    for size in tx.scalars(wanted).all():
        stored = select(checkpoints.c.note).where(checkpoints.c.size == size, checkpoints.c.key_id == key_id)
        note = str(tx.scalar(stored))
        found = _of(tx, size, log_key, policy)
        if found and policy.met_by([each.key for each in found]):
            return note + "".join(each.line for each in found), open_checkpoint(note, log_key)
    return None


def standing_of(tx: Transaction, log_key: PublicKey, policy: WitnessPolicy) -> list[Standing]:
    """In the order of the policy."""
    found = []
    for name, key in policy.witnesses.items():
        size, last = _newest(tx, key, log_key) or (None, None)
        found.append(Standing(name, key, size, last.time if last else None))
    return found


def _newest(
    tx: Transaction, key: WitnessKey, log_key: PublicKey, size: int | None = None
) -> tuple[int, Cosignature] | None:
    """The newest cosignature of a witness that holds, of the checkpoint of `size` or of any, and its size."""
    known = checkpoints.c.size == cosignatures.c.size, checkpoints.c.key_id == cosignatures.c.key_id
    of_key = cosignatures.c.witness == str(key), cosignatures.c.key_id == log_key.key_id.hex()
    query = (
        select(cosignatures.c.size, cosignatures.c.line, checkpoints.c.note)
        .join(checkpoints, and_(*known))
        .where(*of_key, *(() if size is None else (cosignatures.c.size == size,)))
        .order_by(cosignatures.c.size.desc(), cosignatures.c.time.desc())
        .limit(MOST_LOOKED_AT)
    )
    for row in tx.execute(query):
        try:
            holding = read_cosignatures(row.note + row.line, [key])
        except NotProven:
            continue  # nobody who co-signed wrote it
        if holding:
            return int(row.size), holding[0]
    return None


def _of(tx: Transaction, size: int, log_key: PublicKey, policy: WitnessPolicy) -> list[Cosignature]:
    """The stored cosignatures of a checkpoint that hold, of each known witness the newest."""
    found = (_newest(tx, key, log_key, size) for key in policy.witnesses.values())
    return [each[1] for each in found if each is not None]


def _unknown_witness() -> Forbidden:
    return Forbidden(
        "No witness that this log knows has co-signed this checkpoint.",
        code="unknown_witness",
        remedy="Send your public key (`cihu witness key`) to the log's operator, who puts it into "
        "policies/witnesses.policy.",
        zh="没有本日志已知的见证方联署该检查点。",
        remedy_zh="请把公钥（cihu witness key）发给日志的运营人员，由其写入 policies/witnesses.policy。",
    )


def _other_history(checkpoint: Checkpoint) -> Conflict:
    return Conflict(
        f"This log signed a checkpoint of {checkpoint.size} entries that is not of its present history.",
        code="other_history",
        remedy="Keep the checkpoint: it is evidence. Tell the log's operator and its auditors.",
        zh=f"本日志签署过一个含 {checkpoint.size} 条记录的检查点，但它不属于日志现在的历史。",
        remedy_zh="请保存该检查点作为证据，并告知日志的运营人员和审计人员。",
    )


def _outdated(key: WitnessKey, last: int, size: int) -> Conflict:
    return Conflict(
        f"{key.name} co-signed {last} entries before, and this checkpoint has {size}.",
        code="cosignature_outdated",
        remedy="Co-sign the newest checkpoint. If the witness lost its state: `cihu witness restore`.",
        zh=f"{key.name} 已联署过 {last} 条记录，而该检查点只有 {size} 条。",
        remedy_zh="请联署最新的检查点。如果见证方丢失了状态，请运行 cihu witness restore。",
    )
