"""What strangers are told: the index of the public catalogue, the open copies, and the log by kind.

Of copies that were opened before, the log has the object and not its version: an officer opens them again.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    op.create_table(
        "open_copies",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("columns", JSONB(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("grade", sa.Text(), nullable=False),
        sa.Column("object_name", sa.Text(), nullable=False),
        sa.Column("object_version", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.ForeignKeyConstraint(
            ["dataset", "number"],
            ["vault.dataset_versions.dataset", "vault.dataset_versions.number"],
            name=op.f("fk_open_copies_dataset_number_dataset_versions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_open_copies")),
        schema="vault",
    )
    op.create_index("ix_open_copies_dataset_number", "open_copies", ["dataset", "number"], schema="vault")
    op.create_table(
        "catalogue_entries",
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("listed", sa.Boolean(), nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False, server_default="")
            for name in (
                "title_zh",
                "title_en",
                "summary_zh",
                "summary_en",
                "department",
                "grade",
                "theme",
                "updates",
            )
        ),
        sa.Column("delivery", ARRAY(sa.Text()), nullable=False, server_default="{}"),
        sa.Column("column_count", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("about_rows", sa.BigInteger()),
        sa.Column("published_at", sa.DateTime(timezone=True)),
        sa.Column("terms", TSVECTOR(), nullable=False, server_default=""),
        sa.ForeignKeyConstraint(
            ["dataset"], ["vault.datasets.name"], name=op.f("fk_catalogue_entries_dataset_datasets")
        ),
        sa.PrimaryKeyConstraint("dataset", name=op.f("pk_catalogue_entries")),
        schema="vault",
    )
    op.create_index(
        "ix_catalogue_entries_terms", "catalogue_entries", ["terms"], schema="vault", postgresql_using="gin"
    )
    op.create_index(
        "ix_catalogue_entries_published_at", "catalogue_entries", ["published_at"], schema="vault"
    )
    # an entry is canonical JSON; the log is listed by kind, the newest first
    op.execute("""CREATE INDEX ix_entries_kind ON log.entries ((entry::jsonb ->> 'kind'), "index")""")
