"""Departments' systems push rows; pulls may fetch only what is new; a pull's turn is its revision."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.alter_column("pulls", "turn", new_column_name="revision", schema="vault")
    # from Postgres 18 on, NOT NULL is a constraint with a name
    op.execute(
        """
        DO $$ BEGIN
            ALTER TABLE vault.pulls RENAME CONSTRAINT pulls_turn_not_null TO pulls_revision_not_null;
        EXCEPTION WHEN undefined_object THEN NULL;
        END $$
        """
    )
    op.add_column("pulls", sa.Column("makers", postgresql.JSONB()), schema="vault")
    op.execute("UPDATE vault.pulls SET makers = jsonb_build_array(set_by)")
    op.alter_column("pulls", "makers", nullable=False, schema="vault")
    op.add_column("pulls", sa.Column("since", sa.Text()), schema="vault")
    op.add_column("pulls", sa.Column("key", postgresql.JSONB()), schema="vault")
    op.add_column("pulls", sa.Column("overlap", sa.BigInteger()), schema="vault")
    op.add_column("pulls", sa.Column("full_pull", sa.Text()), schema="vault")
    op.add_column("pulls", sa.Column("full_at", sa.DateTime(timezone=True)), schema="vault")
    op.add_column("pulls", sa.Column("made_version", sa.Integer()), schema="vault")
    op.create_check_constraint(
        op.f("ck_pulls_full_pull"), "pulls", "full_pull IN ('daily', 'weekly', 'monthly')", schema="vault"
    )
    op.create_table(
        "push_credentials",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("secret_sha256", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("issued_by", sa.Text(), nullable=False),
        sa.Column("makers", postgresql.JSONB(), nullable=False),
        sa.Column("secret_shown_to", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("second_person", sa.Text()),
        sa.Column("policy_sha256", sa.Text(), nullable=False),
        sa.Column("suspended", postgresql.JSONB()),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("mode IN ('replace', 'append')", name=op.f("ck_push_credentials_mode")),
        sa.CheckConstraint(
            "state IN ('waiting', 'active', 'suspended', 'revoked')", name=op.f("ck_push_credentials_state")
        ),
        sa.ForeignKeyConstraint(
            ["dataset"], ["vault.datasets.name"], name=op.f("fk_push_credentials_dataset_datasets")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_credentials")),
        sa.UniqueConstraint("secret_sha256", name=op.f("uq_push_credentials_secret_sha256")),
        schema="vault",
    )
    op.create_index(
        op.f("ix_vault_push_credentials_dataset"), "push_credentials", ["dataset"], schema="vault"
    )
    op.create_table(
        "pushes",
        sa.Column("id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("pusher", sa.Text(), nullable=False),
        sa.Column("name", sa.Text()),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("officer", sa.Text(), nullable=False),
        sa.Column("credential", sa.Integer()),
        sa.Column("policy_sha256", sa.Text(), nullable=False),
        sa.Column("about_people", sa.Boolean(), nullable=False),
        sa.Column("second_person", sa.Text()),
        sa.Column("opened_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("version", sa.Integer()),
        sa.Column("code", sa.Text()),
        sa.Column("words", postgresql.JSONB()),
        sa.CheckConstraint("mode IN ('replace', 'append')", name=op.f("ck_pushes_mode")),
        sa.CheckConstraint(
            "state IN ('open', 'waiting', 'published', 'refused', 'abandoned', 'expired')",
            name=op.f("ck_pushes_state"),
        ),
        sa.ForeignKeyConstraint(
            ["credential"],
            ["vault.push_credentials.id"],
            name=op.f("fk_pushes_credential_push_credentials"),
        ),
        sa.ForeignKeyConstraint(
            ["dataset"], ["vault.datasets.name"], name=op.f("fk_pushes_dataset_datasets")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pushes")),
        schema="vault",
    )
    op.create_index(op.f("ix_vault_pushes_dataset"), "pushes", ["dataset"], schema="vault")
    op.create_index(
        "one_push_of_a_name", "pushes", ["dataset", "pusher", "name"], unique=True, schema="vault"
    )
    op.create_table(
        "push_batches",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("push", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("key_sha256", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("object_name", sa.Text(), nullable=False),
        sa.Column("object_version", sa.Text()),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer()),
        sa.Column("bytes", sa.BigInteger()),
        sa.Column("rows", sa.BigInteger()),
        sa.Column("sha256", sa.Text()),
        sa.Column("notes", postgresql.JSONB()),
        sa.CheckConstraint("state IN ('storing', 'stored', 'removed')", name=op.f("ck_push_batches_state")),
        sa.ForeignKeyConstraint(["push"], ["vault.pushes.id"], name=op.f("fk_push_batches_push_pushes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_batches")),
        sa.UniqueConstraint("object_name", name=op.f("uq_push_batches_object_name")),
        schema="vault",
    )
    op.create_index(op.f("ix_vault_push_batches_push"), "push_batches", ["push"], schema="vault")
    op.create_index(
        "one_batch_of_a_key",
        "push_batches",
        ["push", "key_sha256"],
        unique=True,
        schema="vault",
        postgresql_where=sa.text("number > 0"),
    )
