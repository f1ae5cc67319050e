"""Versions have a quality report, classes of it can be bought, and problems are reported on datasets."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    version = ["vault.dataset_versions.dataset", "vault.dataset_versions.number"]
    op.create_table(
        "dataset_quality",
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("report", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset", "number"], version, name=op.f("fk_dataset_quality_dataset_number_dataset_versions")
        ),
        sa.PrimaryKeyConstraint("dataset", "number", name=op.f("pk_dataset_quality")),
        schema="vault",
    )
    op.create_table(
        "quality_classes",
        sa.Column("id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("picorho", sa.Numeric(40, 0), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("bought_by", sa.Text(), nullable=False),
        sa.Column("bought_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("about", postgresql.JSONB()),
        sa.CheckConstraint(
            "status IN ('asked', 'released', 'failed', 'interrupted')", name=op.f("ck_quality_classes_status")
        ),
        sa.ForeignKeyConstraint(
            ["dataset", "number"], version, name=op.f("fk_quality_classes_dataset_number_dataset_versions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quality_classes")),
        schema="vault",
    )
    op.create_table(
        "problem_reports",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("column", sa.Text()),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("reported_by", sa.Text(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.Text()),
        sa.Column("answer", sa.Text()),
        sa.Column("answered_by", sa.Text()),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        sa.Column("noted_in", sa.Integer()),
        sa.CheckConstraint(
            "outcome IN ('corrected', 'explained', 'not_a_fault')", name=op.f("ck_problem_reports_outcome")
        ),
        sa.ForeignKeyConstraint(
            ["dataset"], ["vault.datasets.name"], name=op.f("fk_problem_reports_dataset_datasets")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_problem_reports")),
        schema="vault",
    )
