"""Tables of the catalogue: datasets, their versions with their quality, the problems that were reported on
them, and what was bought for a version. Raw rows are in the raw bucket."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Integer,
    LargeBinary,
    Numeric,
    Table,
    Text,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from sandbox.database import metadata

datasets = Table(
    "datasets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("department", Text, nullable=False),
    # the version in use; 0: all were withdrawn, or the dataset was erased
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
    schema="vault",
)

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
