"""How does an event get into the log? In the transaction of the deed itself: both are written, or neither is."""

import secrets

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from sandbox.audit.model import SALT_BYTES, Event, Opening, entry_text
from sandbox.audit.tree import Growth, hash_leaf
from sandbox.database import Transaction
from sandbox.errors import Unavailable

APPEND_LOCK = 0x6369_6875_0001  # advisory locks are numbers; these spell "cihu"

# Under the lock: how large is the log, and what are the hashes of its frontier (right to left)? The lock is a
# statement of its own, so that this one's snapshot begins after whoever held it has committed.
LARGEST = text(
    """
    WITH log AS (SELECT coalesce(max(index) + 1, 0) AS size FROM log.entries)
    SELECT size, clock_timestamp() AS now,
        ARRAY(SELECT (SELECT hash FROM log.nodes WHERE nodes.level = bit AND position = (size >> bit) - 1)
              FROM generate_series(62, 0, -1) AS bit WHERE (size >> bit) & 1 = 1 ORDER BY bit DESC) AS frontier
    FROM log
    """
)

# One statement for all three tables: while it runs, everybody waits.
WRITE = text(
    """
    WITH entry AS (INSERT INTO log.entries (index, entry) VALUES (:index, :entry)),
        opening AS (INSERT INTO log.openings (index, salt, content) VALUES (:index, :salt, :content))
    INSERT INTO log.nodes (level, position, hash)
    SELECT * FROM unnest(CAST(:levels AS smallint[]), CAST(:positions AS bigint[]), CAST(:hashes AS bytea[]))
    """
)


def append(tx: Transaction, event: Event) -> int:
    """Append the event in the caller's transaction and give its index in the log.

    Make it the transaction's last write: from here until the commit every other append waits (the index is the
    number of committed entries, so a transaction that rolls back leaves no gap).
    """
    opening = Opening(secrets.token_bytes(SALT_BYTES), event.content)
    commitment = opening.commitment()
    tx.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": APPEND_LOCK})
    size, now, hashes = tx.execute(LARGEST).one()
    entry = entry_text(event.kind, now, commitment)
    if None in hashes:
        raise Unavailable("A node of the log is missing, so nothing can be appended.", code="log_broken")
    completed = Growth(size, [bytes(hash) for hash in hashes]).add(hash_leaf(entry.encode()))
    try:
        tx.execute(
            WRITE,
            {
                "index": size,
                "entry": entry,
                "salt": opening.salt,
                "content": opening.content,
                "levels": [node.level for node, _ in completed],
                "positions": [node.position for node, _ in completed],
                "hashes": [hash for _, hash in completed],
            },
        )
    except IntegrityError as error:
        # a row that no append wrote stands in the way, or the transaction sees an old snapshot
        raise Unavailable("The log's next place is taken.", code="log_broken", internal=str(error.orig)) from error
    return int(size)
