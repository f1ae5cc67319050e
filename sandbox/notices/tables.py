"""Tables of notices: what was told, what was read, to whom mails may go, and the mails that wait.

A notice names an event, a thing and whom it is for. It holds nothing of what was decided or typed: that is
read where it stands, by whoever may read it. Both services append notices; the portal keeps the rest; the
courier has the outbox, and its own sign of life.
"""

from datetime import datetime

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    Table,
    Text,
    false,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from sandbox.database import metadata

SCHEMA = "notices"


def _moment(name: str, *, nullable: bool = False) -> Column[datetime]:
    return Column(
        name, DateTime(timezone=True), nullable=nullable, server_default=None if nullable else func.now()
    )


notices = Table(
    "notices",
    metadata,
    # what it was derived from: "log:" and the index of the log's entry, or what came due
    Column("id", Text, primary_key=True),
    Column("audience", Text, primary_key=True),
    Column("event", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("actor", Text, nullable=False),
    _moment("at"),
    _moment("posted_at", nullable=True),  # when it was decided who gets a mail of it
    Index("ix_notices_audience_at", "audience", "at"),
    Index("ix_notices_about", "about"),
    Index("ix_notices_at", "at"),
    Index("ix_notices_not_posted", "at", postgresql_where=text("posted_at IS NULL")),
    schema=SCHEMA,
)

read_marks = Table(
    "read_marks",
    metadata,
    Column("account", Text, primary_key=True),
    Column("notice", Text, primary_key=True),
    _moment("read_at"),
    Index("ix_read_marks_read_at", "read_at"),
    schema=SCHEMA,
)

mail_addresses = Table(
    "mail_addresses",
    metadata,
    Column("account", Text, primary_key=True),
    Column("address", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("daily", Boolean, nullable=False, server_default=false()),  # one mail a day instead of one each
    _moment("verified_at", nullable=True),  # no notice is sent before
    _moment("asked_at", nullable=True),  # of the verifying link that is good now
    CheckConstraint("language IN ('zh', 'en')", name="language"),
    schema=SCHEMA,
)

mail_switches = Table(
    "mail_switches",
    metadata,
    Column("account", Text, primary_key=True),
    Column("kind", Text, primary_key=True),  # of which the account wants no mail
    schema=SCHEMA,
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Text, primary_key=True),  # derived: of notice and account, or of day and account
    Column("account", Text, nullable=False, index=True),
    Column("address", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("form", Text, nullable=False),
    Column("items", JSONB, nullable=False),  # [event, about] of each notice
    Column("token", Text),  # of its link: what verifies the address, or ends the mails; until it is sent
    Column("state", Text, nullable=False, server_default="waiting"),
    Column("tries", Integer, nullable=False, server_default="0"),
    _moment("next_at"),
    Column("fault", Text),  # the code of the last refusal; none of its words
    _moment("made_at"),
    _moment("ended_at", nullable=True),
    CheckConstraint("form IN ('notice', 'daily', 'verify')", name="form"),
    CheckConstraint("state IN ('waiting', 'sent', 'failed')", name="state"),
    Index("ix_outbox_ended_at", "ended_at"),
    Index("ix_outbox_waiting", "next_at", postgresql_where=text("state = 'waiting'")),
    schema=SCHEMA,
)

courier_signs = Table(
    "courier_signs",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    _moment("seen_at"),
    CheckConstraint("id = 1", name="one_courier"),
    schema=SCHEMA,
)
