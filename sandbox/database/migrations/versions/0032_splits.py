"""Splits of a population, what was lost of their parts, and entries that are scored on them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, UUID

revision = "0032"
down_revision = "0031"
Units = sa.Numeric(40, 0)


def upgrade() -> None:
    op.create_table(
        "population_splits",
        sa.Column("id", UUID(as_uuid=True), primary_key=True),
        sa.Column("population", sa.Text(), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("picorho_held", Units, nullable=False),
        sa.Column("delta_held", Units, nullable=False),
        sa.Column("committed_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("opened_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("state IN ('committed', 'opened')", name="state"),
        schema="vault",
    )
    op.create_index(
        "ix_population_splits_one_at_a_time",
        "population_splits",
        ["population"],
        unique=True,
        schema="vault",
        postgresql_where=sa.text("state = 'committed'"),
    )
    op.create_table(
        "split_parts",
        sa.Column("split", UUID(as_uuid=True), sa.ForeignKey("vault.population_splits.id"), primary_key=True),
        sa.Column("level", sa.Text(), primary_key=True),
        sa.Column("key", sa.Text(), primary_key=True),
        sa.Column("part", sa.Text(), primary_key=True),
        sa.Column("picorho", Units, nullable=False),
        sa.Column("delta", Units, nullable=False),
        sa.CheckConstraint("part IN ('train', 'live', 'final')", name="part"),
        schema="vault",
    )
    op.create_table(
        "splits",
        sa.Column("id", UUID(as_uuid=True), sa.ForeignKey("vault.population_splits.id"), primary_key=True),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("form", JSONB(), nullable=False),
        sa.Column("commitment", sa.Text(), nullable=False),
        sa.Column("membership", sa.Text(), nullable=False),
        sa.Column("object_name", sa.Text(), nullable=False),
        sa.Column("object_version", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("read_whole", JSONB(), nullable=False),
        sa.Column("left_earlier", JSONB(), nullable=False),
        sa.Column("committed_by", sa.Text(), nullable=False),
        sa.Column("seed", sa.Text()),
        sa.Column("opened_by", sa.Text()),
        sa.ForeignKeyConstraint(
            ["dataset", "number"], ["vault.dataset_versions.dataset", "vault.dataset_versions.number"]
        ),
        schema="vault",
    )
    op.create_table(
        "scored_entries",
        sa.Column("id", UUID(as_uuid=True), primary_key=True),
        sa.Column("split", UUID(as_uuid=True), sa.ForeignKey("vault.splits.id"), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("board", sa.Text(), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("picorho", Units, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("place", sa.Integer()),
        sa.Column("improved", sa.Boolean()),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("log_index", sa.BigInteger()),
        sa.CheckConstraint("part IN ('live', 'final')", name="part"),
        sa.CheckConstraint("state IN ('scoring', 'scored', 'failed')", name="state"),
        sa.CheckConstraint("(state = 'scored') = (place IS NOT NULL)", name="place_when_scored"),
        schema="vault",
    )
    op.create_index("ix_scored_entries_board_team", "scored_entries", ["board", "team"], schema="vault")
    op.create_table(
        "told_places",
        sa.Column("entry", UUID(as_uuid=True), primary_key=True),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("grade", sa.Text(), nullable=False),
        sa.Column("bits", sa.Integer(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        schema="vault",
    )
    op.create_index("ix_told_places_team_grade", "told_places", ["team", "grade"], schema="vault")
