"""Reads the log: checkpoints, proofs and receipts, and a check that it still holds together."""

from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from sqlalchemy import Row, func, select, text
from sqlalchemy.dialects.postgresql import insert

from sandbox.audit.append import append
from sandbox.audit.model import Event, Opening, parse_entry
from sandbox.audit.note import Checkpoint, NotProven, encode, open_checkpoint
from sandbox.audit.receipts import FORMAT
from sandbox.audit.signer import Signer
from sandbox.audit.stored import MOST_FAULTS, Recount, growth_at, hashes_of, size_of
from sandbox.audit.tables import checkpoints, entries, nodes, openings
from sandbox.audit.tree import Growth, consistency_spans, inclusion_spans
from sandbox.database import Database, Transaction
from sandbox.errors import InvalidInput, NotFound, Unavailable

CHECKPOINT_LOCK = 0x6369_6875_0002
MOST_ENTRIES = 1000


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
    """The log of one database, signed by one key. Appending needs none of this: see `append`."""

    def __init__(self, database: Database, signer: Signer) -> None:
        self.database, self.signer = database, signer
        self.signing = Lock()

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
        return self._sign()[0]

    def receipt(self, index: int, *, opening: bool = False) -> dict[str, Any]:
        """A receipt of a committed entry, which `verify_receipt` checks offline.
        With `opening` (only for somebody who may see it) also what the entry committed to, unless that was
        erased. Raises `NotFound`."""
        with self.database.transaction() as tx:
            entry = tx.scalar(select(entries.c.entry).where(entries.c.index == index))
            if entry is None:
                raise NotFound(
                    f"The log has no entry {index}.", remedy="There is a receipt once the deed is committed."
                )
            note, checkpoint = self._latest(tx)
        if checkpoint is None or checkpoint.size <= index:
            note, checkpoint = self._sign()
        with self.database.transaction() as tx:
            proof = hashes_of(tx, inclusion_spans(index, checkpoint.size))
            opened = self._opening(tx, index) if opening else None
        return {
            "format": FORMAT,
            "index": index,
            "entry": entry,
            "opening": {"salt": opened.salt.hex(), "content": opened.content} if opened else None,
            "proof": [encode(hash) for hash in proof],
            "checkpoint": note,
        }

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
                    remedy=f"Give 1 <= first <= second <= {size}, the size of the log.",
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
