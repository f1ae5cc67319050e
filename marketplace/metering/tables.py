"""Tables of metering. The lines are the bill; the month's row is their running sum, kept in the same commit.

Lines and requests are partitioned by month (`partitions.py`): the partitions stand in the schema
`market_partitions`, which no service reaches but through these tables.
"""

from sqlalchemy import (
    ARRAY,
    DDL,
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import INT8MULTIRANGE, JSONB

from marketplace.customers.limits import company_limits, company_paces  # noqa: F401  # the functions name them
from marketplace.licences.tables import licences
from marketplace.metering.commit_function import METER_FUNCTION
from marketplace.metering.invalidation import NOTIFY_FUNCTION
from marketplace.metering.model import OUTCOMES, Reason
from marketplace.metering.partitions import PARTITIONS_FUNCTION
from marketplace.metering.places_function import PLACES_FUNCTION
from marketplace.metering.seal_function import LINE_TEXT_FUNCTION
from marketplace.metering.shared_months import LOCK_FUNCTION, MONTH_FUNCTION, SIBLINGS_FUNCTION
from marketplace.products.tables import one_of
from sandbox.database import metadata

workers = Table(
    "workers",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("started_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("seen_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("confirmed", BigInteger, nullable=False, comment="every answer up to this line's was sent"),
    Column("ahead", INT8MULTIRANGE, nullable=False, comment="and those of these lines beyond it"),
    Column("swept_at", DateTime(timezone=True), comment="it is dead, and what it left unsent is credited"),
    schema="market",
    comment="A portal process that meters. A new one begins with each start.",
)

usage_seals = Table(
    "usage_seals",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("root", LargeBinary, nullable=False, comment="Merkle root over the roots of its groups"),
    Column("log_index", BigInteger, nullable=False),
    schema="market",
)

usage_groups = Table(
    "usage_groups",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("worker", ForeignKey(workers.c.id), comment="NULL: credits"),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("last_sequence", BigInteger, nullable=False),
    Column("seal", ForeignKey(usage_seals.c.id)),
    Column("place", Integer, comment="its leaf in the seal's tree"),
    Column("root", LargeBinary, comment="Merkle root over its lines, once it is sealed"),
    Index("ix_usage_groups_worker_last", "worker", "last_sequence"),
    Index("ix_usage_groups_seal", "seal"),
    Index("ix_usage_groups_unsealed", "id", postgresql_where=text("seal IS NULL")),
    schema="market",
    comment="Lines that were committed together.",
)

# No reference to key or licence: market.meter has locked or read both when it writes, neither is ever
# deleted, and a check of each would lock the key's row for every call. `compensates` is a line of the same
# month.
usage_lines = Table(
    "usage_lines",
    metadata,
    Column("month", String(7), primary_key=True),
    Column(
        "id",
        String(32),
        primary_key=True,
        comment="derived from the licence and the request: a retry has the same",
    ),
    Column("licence", Integer, nullable=False),
    Column("key", Integer),
    Column("product", String, nullable=False),
    Column("release", Text),
    Column("offer", Text, comment="the hash of the price document"),
    Column("at", DateTime(timezone=True), nullable=False, comment="when the call came"),
    Column("reason", String, nullable=False),
    Column("calls", Integer, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("quantity", Numeric(24, 6), nullable=False, comment="of `unit`"),
    Column("unit", String, nullable=False),
    Column("price_fen", BigInteger, comment="of a unit, where the price has one"),
    Column("amount_fen", BigInteger, nullable=False),
    Column("request_id", Text),
    Column("period", String, comment="of a fixed fee: the month that it is for"),
    Column("outcome", String, nullable=False),
    Column("compensates", String(32)),
    Column("group_id", BigInteger),
    Column("place", Integer, comment="its order in the group"),
    Column("sequence", BigInteger, comment="its number among the lines of its worker"),
    Column("log_index", BigInteger, comment="of a line before there were groups: its own entry"),
    Column(
        "used",
        ARRAY(BigInteger),
        comment="what it added to the month's used_calls and the four columns after it",
    ),
    UniqueConstraint("month", "compensates"),
    one_of("reason", Reason),
    one_of("outcome", OUTCOMES),
    Index("ix_usage_lines_licence_month_at", "licence", "month", "at"),
    Index("ix_usage_lines_group", "group_id"),
    schema="market",
    postgresql_partition_by="LIST (month)",
)

# `market.meter` writes whole rows of this table by the order of its columns
months = Table(
    "months",
    metadata,
    Column("licence", ForeignKey(licences.c.id), primary_key=True),
    Column("month", String(7), primary_key=True),
    Column("calls", Integer, nullable=False, comment="that count for the quota"),
    Column("used_calls", Integer, nullable=False, comment="that count for the price, as the next four do"),
    Column("used_successful", Integer, nullable=False),
    Column("used_rows", BigInteger, nullable=False),
    Column("used_bytes", BigInteger, nullable=False),
    Column("used_epsilon_millionths", BigInteger, nullable=False),
    Column("charged_fen", BigInteger, nullable=False, comment="without one-off fees"),
    Column("fixed_fen", BigInteger, nullable=False, comment="the monthly fee among it"),
    Column("one_off_fen", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False, comment="counts its changes"),
    Column("next_at", DateTime(timezone=True), comment="of the pace: see pace.py"),
    Column(
        "bytes",
        BigInteger,
        nullable=False,
        server_default=text("0"),
        comment="delivered, where they are priced or the company has a limit of them",
    ),
    schema="market",
    postgresql_with={"fillfactor": "50"},  # an update finds room on the row's own page
)

requests = Table(
    "requests",
    metadata,
    Column("licence", Integer, primary_key=True),
    Column("request_id", Text, primary_key=True, comment="the caller's Idempotency-Key"),
    Column("at", DateTime(timezone=True), primary_key=True),
    Column("payload_hash", LargeBinary, nullable=False),
    Column("usage", String(32), nullable=False, comment="the line of the newest attempt"),
    Column("month", String(7), nullable=False, comment="of that line"),
    Column("attempt", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("reference", JSONB, comment="how to hand out the same result again; never the result"),
    one_of("state", ("held", "answered", "confirmed", "credited")),
    schema="market",
    postgresql_partition_by="RANGE (at)",
    comment="Calls with an Idempotency-Key. Not unique by itself: the licence's lock makes it so.",
)

replays = Table(
    "replays",
    metadata,
    Column("worker", ForeignKey(workers.c.id), primary_key=True),
    Column("sequence", BigInteger, primary_key=True, comment="the retry's number among the worker's calls"),
    Column("usage", String(32), nullable=False, comment="the line of the call that it repeats"),
    Column("month", String(7), nullable=False, comment="of that line"),
    Index("ix_replays_usage", "usage"),
    schema="market",
    comment="Retries whose answers may still be sent. While one may, its line is not credited.",
)

company_places = Table(
    "company_places",
    metadata,
    Column("organisation", String, primary_key=True),
    Column("session", BigInteger, primary_key=True, comment="of a portal process, which locks its number"),
    Column("places", Integer, nullable=False),
    schema="market",
    prefixes=["UNLOGGED"],
    comment="Calls that portals answer now, of companies with a limit of them.",
)

for function in (
    PLACES_FUNCTION,
    LOCK_FUNCTION,
    SIBLINGS_FUNCTION,
    MONTH_FUNCTION,
    METER_FUNCTION,
    PARTITIONS_FUNCTION,
    LINE_TEXT_FUNCTION,
    NOTIFY_FUNCTION,
):
    # they name the tables' types, so they follow all tables
    event.listen(metadata, "after_create", DDL(function.replace("%", "%%")))  # type: ignore[no-untyped-call]  # SQLAlchemy has no type for DDL
