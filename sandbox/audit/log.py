"""Reads the log: checkpoints, proofs and receipts, and a check that it still holds together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from sqlalchemy import Row, func, select, text
from sqlalchemy.dialects.postgresql import insert

from sandbox.audit.append import append
from sandbox.audit.cosignatures import Cosignature
from sandbox.audit.cosigned import Standing, accept, newest_witnessed, standing_of, with_cosignatures
from sandbox.audit.made_receipts import receipts_of
from sandbox.audit.model import Event, Opening, parse_entry
from sandbox.audit.note import NO_CONSISTENCY_PROOF, Checkpoint, NotProven, encode, open_checkpoint
from sandbox.audit.signer import Signer
from sandbox.audit.stored import MOST_FAULTS, Recount, growth_at, hashes_of, size_of
from sandbox.audit.tables import checkpoints, entries, nodes, openings
from sandbox.audit.tree import Growth, consistency_spans
from sandbox.audit.witness_policy import NO_WITNESSES, WitnessPolicy
from sandbox.database import Database, Transaction
from sandbox.errors import InvalidInput, NotFound, Unavailable

CHECKPOINT_LOCK = 0x6369_6875_0002
MOST_ENTRIES = 1000
OFFERED_SECONDS = 600
"""So long one checkpoint is offered to all witnesses."""
MOST_RECEIPTS = 100


@dataclass(frozen=True)
class WholeLog:
    """What a recount of the whole log found. `faults` holds at most 20; none means that everything fits."""

    size: int
    root: str  # hex
    opened: int  # openings that are there and fit their commitments
    erased: int
    checkpoints: int
    faults: tuple[str, ...]

    @property
    def verified(self) -> bool:
        return not self.faults


class Log:
    """The log of one database, signed by one key, and the witnesses that `policy` knows.
    Appending needs none of this: see `append`."""

    def __init__(self, database: Database, signer: Signer, policy: WitnessPolicy = NO_WITNESSES) -> None:
        self.database, self.signer, self.policy = database, signer, policy
        self.signing, self.offering = Lock(), Lock()
        self.offered: tuple[int, str] | None = None

    @property
    def origin(self) -> str:
        return self.signer.origin

    @property
    def public_key(self) -> str:
        """What `verify_receipt` needs, as a vkey."""
        return str(self.signer.public_key)

    def sign_statement(self, text: str) -> str:
        """A signed note of a text that is no checkpoint, such as the digest of a package."""
        return self.signer.sign_statement(text)

    def size(self) -> int:
        with self.database.transaction() as tx:
            return size_of(tx)

    def checkpoint(self) -> str:
        """A signed checkpoint of everything committed so far.

        Signs only after every entry since the last signed checkpoint has been hashed again up to the
        stored nodes, and the nodes before it lead to the last signed root. Raises `Unavailable`, signing
        nothing, if they do not.
        """
        note, _ = self._sign()
        with self.database.transaction() as tx:
            return with_cosignatures(tx, note, self.signer.public_key, self.policy)

    def checkpoint_to_cosign(self, *, now: datetime | None = None) -> str:
        """The checkpoint that all witnesses are asked to co-sign now, with the cosignatures that it has: for
        ten minutes the same one, so that witnesses who look at different moments meet at one size. It is the
        first that was signed in these ten minutes."""
        window = int((now or datetime.now(UTC)).timestamp()) // OFFERED_SECONDS
        with self.offering:
            if self.offered is None or self.offered[0] != window:
                began = datetime.fromtimestamp(window * OFFERED_SECONDS, UTC)
                self.offered = (window, self._first_since(began) or self._sign()[0])
            note = self.offered[1]
        with self.database.transaction() as tx:
            return with_cosignatures(tx, note, self.signer.public_key, self.policy)

    def witnessed_checkpoint(self) -> str:
        """The newest checkpoint that enough witnesses co-signed, with their cosignatures.
        Raises `NotFound`."""
        with self.database.transaction() as tx:
            found = newest_witnessed(tx, self.signer.public_key, self.policy)
        if found is None:
            raise NotFound(
                "No checkpoint has been co-signed by enough witnesses.",
                remedy="GET /v1/public/log/witnesses lists the witnesses, and what they co-signed.",
                zh="还没有检查点得到足够见证方的联署。",
                remedy_zh="GET /v1/public/log/witnesses 列出各见证方及其联署情况。",
            )
        return found[0]

    def accept_cosignatures(self, note: str) -> list[Cosignature]:
        """Keep the cosignatures of known witnesses in a checkpoint of this log; those that were accepted.
        Raises `InvalidInput`, `Forbidden`, `Conflict`."""
        with self.database.transaction() as tx:
            return accept(tx, note, self.signer.public_key, self.policy)

    def witnesses(self) -> list[Standing]:
        """Each known witness, with what it co-signed last."""
        with self.database.transaction() as tx:
            return standing_of(tx, self.signer.public_key, self.policy)

    def receipt(self, index: int, *, opening: bool = False) -> dict[str, Any]:
        """A receipt of a committed entry, which `verify_receipt` checks offline.
        With `opening` (only for somebody who may see it) also what the entry committed to, unless that was
        erased. Raises `NotFound`."""
        return self.receipts([index], may_open=lambda _: opening)[0]

    def receipts(self, indexes: Sequence[int], *, may_open: Callable[[str], bool]) -> list[dict[str, Any]]:
        """Receipts of committed entries under one checkpoint, in the order asked: the newest that witnesses
        co-signed, where it covers all of them, else the newest. `may_open(actor)`: whether what an entry
        committed to is shown, given whom it names. Raises `NotFound`."""
        with self.database.transaction() as tx:
            known = set(tx.scalars(select(entries.c.index).where(entries.c.index.in_(indexes))))
            note, checkpoint = newest_witnessed(tx, self.signer.public_key, self.policy) or ("", None)
            if checkpoint is None or checkpoint.size <= max(indexes):
                note, checkpoint = self._latest(tx)
        for index in indexes:
            if index not in known:
                raise NotFound(
                    f"The log has no entry {index}.", remedy="There is a receipt once the deed is committed."
                )
        if checkpoint is None or checkpoint.size <= max(indexes):
            note, checkpoint = self._sign()
        with self.database.transaction() as tx:
            return receipts_of(tx, indexes, note=note, size=checkpoint.size, may_open=may_open)

    def opening(self, index: int) -> Opening | None:
        """What entry `index` committed to; None if it was erased. Raises `NotFound`."""
        with self.database.transaction() as tx:
            if tx.scalar(select(entries.c.index).where(entries.c.index == index)) is None:
                raise NotFound(f"The log has no entry {index}.")
            return self._opening(tx, index)

    def consistency(self, first: int, second: int) -> list[str]:
        """The proof (base64 hashes) that the log of `second` entries began as the log of `first`."""
        with self.database.transaction() as tx:
            size = size_of(tx)
            if not 1 <= first <= second <= size:
                raise InvalidInput(
                    f"There is no consistency proof from {first} to {second}.",
                    code=NO_CONSISTENCY_PROOF,
                    remedy=f"Give 1 <= first <= second <= {size}, the size of the log.",
                    zh=f"没有从 {first} 到 {second} 的一致性证明。",
                    remedy_zh=f"请满足 1 <= first <= second <= {size}（日志的大小）。",
                )
            return [encode(hash) for hash in hashes_of(tx, consistency_spans(first, second))]

    def entries(self, start: int, end: int) -> list[str]:
        """The texts of the entries from `start` up to `end` (not with it), without openings; at most 1000."""
        if not 0 <= start <= end:
            raise InvalidInput(
                "The start of the range must not be after its end.", remedy="Give 0 <= start <= end."
            )
        wanted = entries.c.index.between(start, min(end, start + MOST_ENTRIES) - 1)
        with self.database.transaction() as tx:
            return list(tx.scalars(select(entries.c.entry).where(wanted).order_by(entries.c.index)))

    def verify_whole(self) -> WholeLog:
        """Recount everything from the entries: leaves, nodes, openings, every signed checkpoint."""
        remembered = self.signer.last()  # before the snapshot, which so has every entry that it covers
        with self.database.transaction() as tx:
            # one snapshot, so that appends that go on meanwhile are no faults
            tx.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
            size = size_of(tx)
            signed = list(tx.execute(select(checkpoints).order_by(checkpoints.c.size)))
            recount = Recount(
                tx, Growth(), {row.size for row in signed} | ({remembered.size} if remembered else set())
            )
            root = recount.to(size)
            faults = recount.faults
            surplus = (tx.scalar(select(func.count()).select_from(nodes)) or 0) - (
                2 * size - size.bit_count()
            )
            if surplus > 0:
                faults.append(f"there are {surplus} nodes that belong to no entry")
            stated, unreadable = self._checkpoints(signed)
            faults += unreadable
            for checkpoint in [*stated, remembered] if remembered else stated:
                if checkpoint.size > size:
                    faults.append(
                        f"a checkpoint of {checkpoint.size} entries was signed, but only {size} are there"
                    )
                elif recount.roots.get(checkpoint.size, checkpoint.root) != checkpoint.root:
                    faults.append(
                        f"the first {checkpoint.size} entries do not lead to the root that was signed"
                    )
            opened, opening_faults = _check_openings(tx)
            faults += opening_faults
        return WholeLog(
            size,
            root.hex(),
            opened,
            size - opened - len(opening_faults),
            len(signed),
            tuple(faults[:MOST_FAULTS]),
        )

    def _sign(self) -> tuple[str, Checkpoint]:
        with self.signing:
            # A transaction of its own: what is signed must be committed, or a crash in between would leave a
            # signature on an entry that never was.
            with self.database.transaction() as tx:
                if not self._latest(tx)[0] and not self.signer.last():
                    key = {"key": self.public_key}
                    append(
                        tx,
                        Event(kind="log.key_created", actor="log", subject=f"log:{self.origin}", payload=key),
                    )
            with self.database.transaction() as tx:
                return self._checkpoint(tx)

    def _checkpoint(self, tx: Transaction) -> tuple[str, Checkpoint]:
        tx.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": CHECKPOINT_LOCK})
        note, last = self._latest(tx)
        size = size_of(tx)
        remembered = self.signer.last()
        if remembered and (last is None or remembered.size > last.size):
            note, last = "", remembered
        if last and size < last.size:
            raise _broken(f"it has {size} entries where {last.size} were signed")
        growth = growth_at(tx, last.size) if last else Growth()
        if last and growth.root() != last.root:
            raise _broken(f"its first {last.size} entries no longer lead to the root that was signed")
        if note and last and size == last.size:
            return note, last
        recount = Recount(tx, growth)
        checkpoint = Checkpoint(self.origin, size, recount.to(size))
        if recount.faults:
            raise _broken(recount.faults[0])
        note = self.signer.sign(checkpoint)
        key_id = self.signer.public_key.key_id.hex()
        row = {"size": size, "key_id": key_id, "note": note, "signed_at": datetime.now(UTC)}
        tx.execute(insert(checkpoints).values(row).on_conflict_do_nothing())
        return note, checkpoint

    def _latest(self, tx: Transaction) -> tuple[str, Checkpoint | None]:
        """The newest stored checkpoint of this key."""
        ours = checkpoints.c.key_id == self.signer.public_key.key_id.hex()
        note = tx.scalar(select(checkpoints.c.note).where(ours).order_by(checkpoints.c.size.desc()).limit(1))
        if note is None:
            return "", None
        try:
            return note, open_checkpoint(note, self.signer.public_key)
        except NotProven as error:
            raise _broken(f"a stored checkpoint is not the one that was signed: {error.message}") from error

    def _first_since(self, moment: datetime) -> str:
        """The smallest stored checkpoint of this key that was signed since; empty if none was."""
        ours = checkpoints.c.key_id == self.signer.public_key.key_id.hex()
        first = select(checkpoints.c.note).where(ours, checkpoints.c.signed_at >= moment)
        with self.database.transaction() as tx:
            return tx.scalar(first.order_by(checkpoints.c.size).limit(1)) or ""

    def _opening(self, tx: Transaction, index: int) -> Opening | None:
        row = tx.execute(select(openings).where(openings.c.index == index)).one_or_none()
        return Opening(bytes(row.salt), row.content) if row else None

    def _checkpoints(self, signed: list[Row[int, str, str, datetime]]) -> tuple[list[Checkpoint], list[str]]:
        """What the stored checkpoints state, and what is wrong with those that state nothing."""
        faults: list[str] = []
        found: list[Checkpoint] = []
        for row in signed:
            try:
                if row.key_id == self.signer.public_key.key_id.hex():
                    checkpoint = open_checkpoint(row.note, self.signer.public_key)
                else:  # of an earlier key: that key's holder checks the signature, we the root
                    checkpoint = Checkpoint.parse(row.note.rpartition("\n\n")[0] + "\n")
            except NotProven as error:
                faults.append(f"the checkpoint stored for size {row.size}: {error.message}")
                continue
            if checkpoint.size != row.size:
                faults.append(f"the checkpoint stored for size {row.size} is one of size {checkpoint.size}")
            found.append(checkpoint)
        return found, faults


def _check_openings(tx: Transaction) -> tuple[int, list[str]]:
    """How many openings fit their entries, and which do not."""
    fitting, faults = 0, []
    columns = (openings.c.index, openings.c.salt, openings.c.content, entries.c.entry)
    joined = select(*columns).join(entries, entries.c.index == openings.c.index).order_by(openings.c.index)
    for index, salt, content, entry in tx.execute(joined.execution_options(yield_per=1000)):
        try:
            fits = parse_entry(entry).commitment == Opening(bytes(salt), content).commitment()
        except NotProven as error:
            faults.append(f"entry {index}: {error.message}")
            continue
        if fits:
            fitting += 1
        else:
            faults.append(f"the opening of entry {index} is not what the entry committed to")
    return fitting, faults


def _broken(why: str) -> Unavailable:
    return Unavailable(
        "The log does not fit what was signed before, so nothing is signed.",
        code="log_broken",
        remedy=(
            "Run the whole verification and compare with a receipt or a witness's "
            "checkpoint; restore from a backup."
        ),
        internal=why,
    )
