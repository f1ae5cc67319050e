"""Officers' files can be uploaded first, and their policies drafted and saved step by step."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.add_column("dataset_versions", sa.Column("file_sha256", sa.Text()), schema="vault")
    op.create_table(
        "draft_files",
        sa.Column("id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("object_name", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("object_version", sa.Text()),
        sa.Column("bytes", sa.BigInteger()),
        sa.Column("sha256", sa.Text()),
        sa.Column("uploaded_by", sa.Text(), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint("state IN ('storing', 'stored', 'removed')", name=op.f("ck_draft_files_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draft_files")),
        sa.UniqueConstraint("object_name", name=op.f("uq_draft_files_object_name")),
        schema="vault",
    )
    op.create_table(
        "drafts",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("file", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("shape", postgresql.JSONB(), nullable=False),
        sa.Column("second_person", sa.Text()),
        sa.Column("published_dataset", sa.Text()),
        sa.Column("published_version", sa.Integer()),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint("state IN ('open', 'published', 'dropped')", name=op.f("ck_drafts_state")),
        sa.ForeignKeyConstraint(["file"], ["vault.draft_files.id"], name=op.f("fk_drafts_file_draft_files")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drafts")),
        schema="vault",
    )
    op.create_table(
        "draft_revisions",
        sa.Column("draft", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("saved_by", sa.Text(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.ForeignKeyConstraint(["draft"], ["vault.drafts.id"], name=op.f("fk_draft_revisions_draft_drafts")),
        sa.PrimaryKeyConstraint("draft", "number", name=op.f("pk_draft_revisions")),
        schema="vault",
    )
