"""Tables of the catalogue: datasets, their versions with their quality, the problems that were reported on
them, and what was bought for a version. Raw rows are in the raw bucket."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    Table,
    Text,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from sandbox.database import metadata

datasets = Table(
    "datasets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("department", Text, nullable=False),
    # the version in use; 0: none was opened, all were withdrawn, or the dataset was erased
    Column("latest", Integer, nullable=False),
    Column("retires_at", DateTime(timezone=True)),  # from then on nobody asks, runs or gets a grant
    Column("erased_at", DateTime(timezone=True)),
    schema="vault",
)

dataset_versions = Table(
    "dataset_versions",
    metadata,
    Column("dataset", Text, ForeignKey("vault.datasets.name"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("policy", Text, nullable=False),  # the YAML text as the officer gave it
    Column("object_name", Text, nullable=False),
    Column("object_version", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("rows", BigInteger, nullable=False),
    # how its units' ids were normalised (ingest.IdRule); what was published before there was a rule
    # is as it was written
    Column("id_rule", Text, nullable=False, server_default="exact"),
    Column("file_sha256", Text),  # of the officer's file, so that the same one is recognised
    Column("published_by", Text, nullable=False),
    Column("published_at", DateTime(timezone=True), nullable=False),
    Column("notes", Text, nullable=False, server_default=""),  # the officer's word on what is new
    Column("withdrawn_at", DateTime(timezone=True)),
    Column("withdrawn_because", Text, nullable=False, server_default=""),
    Column("lineage", JSONB),  # of a derived version: of what it was made (lineage.py)
    # whether whoever published it had all its rows as a file: not of what was pulled, pushed, merged, derived
    Column("publisher_held_rows", Boolean, nullable=False, server_default="false"),
    # null: its review before it opens is not decided, or it was refused; nobody uses it then
    Column("opened_at", DateTime(timezone=True)),
    schema="vault",
)

dataset_index = Table(
    "dataset_index",
    metadata,
    # derived from the version in use (dataset_index.py): lists and counts read no policy
    Column("dataset", Text, ForeignKey("vault.datasets.name"), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("form", Integer, nullable=False),  # of the row: another release may keep more
    Column("title_zh", Text, nullable=False),
    Column("title_en", Text, nullable=False),
    Column("summary_zh", Text, nullable=False),
    Column("summary_en", Text, nullable=False),
    Column("department", Text, nullable=False, index=True),
    Column("grade", Text, nullable=False),
    Column("unit", Boolean, nullable=False),  # whether it has people or other units to protect
    Column("budget", JSONB(none_as_null=True)),  # what may be lost, as exact fractions; null: it is not asked
    Column("population", Text, nullable=False),  # empty: none
    Column("updates", Text, nullable=False),  # how often the policy says that a version comes; or empty
    Column("column_count", Integer, nullable=False),
    Column("about_rows", BigInteger),
    Column("published_at", DateTime(timezone=True), nullable=False),
    Column("elements", ARRAY(Text), nullable=False),  # that its columns refer to
    Column("words", Text, nullable=False),  # all that a search looks at, casefolded
    schema="vault",
)

opening_reviews = Table(
    "opening_reviews",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("dataset", Text, ForeignKey("vault.datasets.name"), nullable=False, index=True),
    Column("number", Integer, nullable=False),
    Column("department", Text, nullable=False),  # whose task it is
    Column("kind", Text, nullable=False),
    Column("columns", JSONB),  # of an open copy
    Column("reasons", JSONB, nullable=False),
    Column("grade", Text, nullable=False),
    Column("needs_second_person", Boolean, nullable=False),
    Column("items", JSONB, nullable=False),  # as they were asked, with what the system found
    Column("answers", JSONB, nullable=False),  # by item: yes or no, a note, by whom and when
    Column("urgent", Text, nullable=False, server_default=""),  # why a breaking version was not announced
    # waiting -> opened | refused | superseded by a later version
    Column("state", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("makers", JSONB, nullable=False),  # who ever answered for what is to open: no second person
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("overdue_at", DateTime(timezone=True)),  # when the log was told that it is late
    Column("second_person", Text),
    Column("decided_by", Text),
    Column("decided_at", DateTime(timezone=True)),
    Column("reason", Text, nullable=False, server_default=""),  # of a refusal
    CheckConstraint("kind IN ('version', 'open_copy')", name="kind"),
    CheckConstraint("state IN ('waiting', 'opened', 'refused', 'superseded')", name="state"),
    CheckConstraint("second_person IS NULL OR second_person <> asked_by", name="two_people"),
    schema="vault",
)

open_copies = Table(
    "open_copies",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("dataset", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("columns", JSONB, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("grade", Text, nullable=False),
    Column("object_name", Text, nullable=False),  # in the product bucket
    Column("object_version", Text, nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    ForeignKeyConstraint(
        ["dataset", "number"], ["vault.dataset_versions.dataset", "vault.dataset_versions.number"]
    ),
    Index("ix_open_copies_dataset_number", "dataset", "number"),
    schema="vault",
)

handovers = Table(
    "handovers",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("department", Text, nullable=False),
    Column("account", Text, nullable=False, index=True),  # who leaves
    Column("successor", Text, nullable=False),
    Column("handed_by", Text, nullable=False),
    Column("handed_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("reason", Text, nullable=False, server_default=""),
    Column("holdings", JSONB, nullable=False),  # what was handed over
    CheckConstraint("account <> successor", name="two_people"),
    schema="vault",
)


def taken_on_table(schema: str) -> Table:
    """Who has taken on what waits: a service's own."""
    return Table(
        "taken_on",
        metadata,
        # what waits, and for which department: each has a person of its own
        Column("kind", Text, primary_key=True),
        Column("id", Text, primary_key=True),
        Column("department", Text, primary_key=True),
        Column("account", Text, nullable=False, index=True),  # who has taken it on
        Column("taken_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("handed_by", Text),  # by whom it was handed over; null where they took it on themself
        Column("note", Text, nullable=False, server_default=""),
        Column("object", Text, nullable=False),  # how the log names the thing
        Column("late_told_at", DateTime(timezone=True)),  # when they were told that it is late
        Column("all_told_at", DateTime(timezone=True)),  # and when their colleagues were
        schema=schema,
    )


taken_on = taken_on_table("vault")

announced_versions = Table(
    "announced_versions",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("dataset", Text, ForeignKey("vault.datasets.name"), nullable=False),
    Column("policy", Text, nullable=False),
    Column("notes", Text, nullable=False, server_default=""),
    Column("takes_effect", DateTime(timezone=True), nullable=False),
    # open -> published by a version that keeps to it | dropped
    Column("state", Text, nullable=False),
    Column("announced_by", Text, nullable=False),
    Column("announced_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("published_version", Integer),
    CheckConstraint("state IN ('open', 'published', 'dropped')", name="state"),
    schema="vault",
)

uploads = Table(
    "uploads",
    metadata,
    # recorded before it is stored, and taken out when a version owns it (sweep.py)
    Column("object_name", Text, primary_key=True),
    Column("dataset", Text, nullable=False),
    Column("begun_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    schema="vault",
)

stand_ins = Table(
    "stand_ins",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True),
    Column("dataset", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("picorho", Numeric(40, 0), nullable=False),  # charged
    # asked -> released | failed | interrupted (by a crash; recorded at the next start); all stay charged
    Column("status", Text, nullable=False),
    Column("bought_by", Text, nullable=False),
    Column("bought_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("about", JSONB),  # epsilon, delta, and how near the rows are to the noisy counts
    Column("marginals", JSONB),  # the noisy counts themselves: what was paid for, and all that was released
    Column("rows", LargeBinary),  # Parquet, made from them
    ForeignKeyConstraint(
        ["dataset", "number"], ["vault.dataset_versions.dataset", "vault.dataset_versions.number"]
    ),
    CheckConstraint("status IN ('asked', 'released', 'failed', 'interrupted')", name="status"),
    schema="vault",
)

dataset_quality = Table(
    "dataset_quality",
    metadata,
    Column("dataset", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("report", JSONB, nullable=False),  # exact figures: for officers of the department alone
    ForeignKeyConstraint(
        ["dataset", "number"], ["vault.dataset_versions.dataset", "vault.dataset_versions.number"]
    ),
    schema="vault",
)

quality_classes = Table(
    "quality_classes",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True),
    Column("dataset", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("picorho", Numeric(40, 0), nullable=False),  # charged
    # asked -> released | failed | interrupted (by a crash; recorded at the next start); all stay charged
    Column("status", Text, nullable=False),
    Column("bought_by", Text, nullable=False),
    Column("bought_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("about", JSONB),  # epsilon, delta, and the classes of the columns: all that was released
    ForeignKeyConstraint(
        ["dataset", "number"], ["vault.dataset_versions.dataset", "vault.dataset_versions.number"]
    ),
    CheckConstraint("status IN ('asked', 'released', 'failed', 'interrupted')", name="status"),
    schema="vault",
)

problem_reports = Table(
    "problem_reports",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("dataset", Text, ForeignKey("vault.datasets.name"), nullable=False),
    Column("number", Integer, nullable=False),  # the version that it is about
    Column("department", Text, nullable=False),  # whose task it is
    Column("column", Text),  # None: the dataset as a whole
    Column("words", Text, nullable=False),  # for the department and the reporter alone
    Column("reported_by", Text, nullable=False),
    Column("reported_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("outcome", Text),
    Column("answer", Text),  # public once a version has it in its notes
    Column("answered_by", Text),
    Column("answered_at", DateTime(timezone=True)),
    Column("noted_in", Integer),  # the version in whose notes the outcome stands
    CheckConstraint("outcome IN ('corrected', 'explained', 'not_a_fault')", name="outcome"),
    schema="vault",
)
