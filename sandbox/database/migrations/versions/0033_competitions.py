"""Competitions: documents, teams, entries, juries, results, appeals; and training certificates."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    op.create_table(
        "competitions",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("departments", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("announced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("notice_began_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("notice_ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "state IN ('draft', 'announced', 'open', 'judging', 'notice', 'closed', 'cancelled')",
            name=op.f("ck_competitions_state"),
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_competitions")),
        schema="vault",
    )
    op.create_table(
        "training_certificates",
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("course", sa.Text(), nullable=False),
        sa.Column("issued_by", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("person", "course", name=op.f("pk_training_certificates")),
        schema="vault",
    )
    op.create_table(
        "competition_agreements",
        sa.Column("competition", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("officer", sa.Text(), nullable=False),
        sa.Column("agreed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["competition"],
            ["vault.competitions.name"],
            name=op.f("fk_competition_agreements_competition_competitions"),
        ),
        sa.PrimaryKeyConstraint(
            "competition", "sha256", "department", name=op.f("pk_competition_agreements")
        ),
        schema="vault",
    )
    op.create_table(
        "competition_finals",
        sa.Column("competition", sa.Text(), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["competition"],
            ["vault.competitions.name"],
            name=op.f("fk_competition_finals_competition_competitions"),
        ),
        sa.PrimaryKeyConstraint("competition", name=op.f("pk_competition_finals")),
        schema="vault",
    )
    op.create_table(
        "competition_splits",
        sa.Column("competition", sa.Text(), nullable=False),
        sa.Column("track", sa.Text(), nullable=False),
        sa.Column("split", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["competition"],
            ["vault.competitions.name"],
            name=op.f("fk_competition_splits_competition_competitions"),
        ),
        sa.PrimaryKeyConstraint("competition", "track", name=op.f("pk_competition_splits")),
        schema="vault",
    )
    op.create_table(
        "competition_history",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("competition", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("team", sa.Integer(), nullable=True),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["competition"],
            ["vault.competitions.name"],
            name=op.f("fk_competition_history_competition_competitions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_competition_history")),
        schema="vault",
    )
    op.create_index(
        op.f("ix_vault_competition_history_competition"),
        "competition_history",
        ["competition"],
        unique=False,
        schema="vault",
    )
    op.create_table(
        "competition_jurors",
        sa.Column("competition", sa.Text(), nullable=False),
        sa.Column("track", sa.Text(), nullable=False),
        sa.Column("juror", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("appointed_by", sa.Text(), nullable=False),
        sa.Column("appointed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["competition"],
            ["vault.competitions.name"],
            name=op.f("fk_competition_jurors_competition_competitions"),
        ),
        sa.PrimaryKeyConstraint("competition", "track", "juror", name=op.f("pk_competition_jurors")),
        schema="vault",
    )
    op.create_table(
        "competition_results",
        sa.Column("competition", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("published_by", sa.Text(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["competition"],
            ["vault.competitions.name"],
            name=op.f("fk_competition_results_competition_competitions"),
        ),
        sa.PrimaryKeyConstraint("competition", "revision", name=op.f("pk_competition_results")),
        schema="vault",
    )
    op.create_table(
        "competition_teams",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("competition", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("hidden", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("captain", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("invitation_sha256", sa.Text(), nullable=False),
        sa.Column("merged_into", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("formed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('active', 'merged', 'dissolved', 'withdrawn', 'disqualified')",
            name=op.f("ck_competition_teams_state"),
        ),
        sa.ForeignKeyConstraint(
            ["competition"],
            ["vault.competitions.name"],
            name=op.f("fk_competition_teams_competition_competitions"),
        ),
        sa.ForeignKeyConstraint(
            ["merged_into"],
            ["vault.competition_teams.id"],
            name=op.f("fk_competition_teams_merged_into_competition_teams"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_competition_teams")),
        sa.UniqueConstraint("competition", "name", name=op.f("uq_competition_teams_competition_name")),
        schema="vault",
    )
    op.create_table(
        "competition_appeals",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("competition", sa.Text(), nullable=False),
        sa.Column("team", sa.Integer(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("track", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), server_default="", nullable=False),
        sa.Column("filed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "state IN ('filed', 'upheld', 'dismissed')", name=op.f("ck_competition_appeals_state")
        ),
        sa.ForeignKeyConstraint(
            ["competition"],
            ["vault.competitions.name"],
            name=op.f("fk_competition_appeals_competition_competitions"),
        ),
        sa.ForeignKeyConstraint(
            ["team"],
            ["vault.competition_teams.id"],
            name=op.f("fk_competition_appeals_team_competition_teams"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_competition_appeals")),
        schema="vault",
    )
    op.create_table(
        "competition_entries",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("competition", sa.Text(), nullable=False),
        sa.Column("track", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("team", sa.Integer(), nullable=False),
        sa.Column("entered_as", sa.Integer(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("outside_data", sa.Text(), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("final_of", sa.Integer(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("score", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'scored', 'failed', 'not_run', 'cancelled', 'received')",
            name=op.f("ck_competition_entries_state"),
        ),
        sa.ForeignKeyConstraint(
            ["competition"],
            ["vault.competitions.name"],
            name=op.f("fk_competition_entries_competition_competitions"),
        ),
        sa.ForeignKeyConstraint(
            ["final_of"],
            ["vault.competition_entries.id"],
            name=op.f("fk_competition_entries_final_of_competition_entries"),
        ),
        sa.ForeignKeyConstraint(
            ["team"],
            ["vault.competition_teams.id"],
            name=op.f("fk_competition_entries_team_competition_teams"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_competition_entries")),
        schema="vault",
    )
    op.create_index(
        "ix_competition_entries_queue",
        "competition_entries",
        ["state", "competition", "team"],
        unique=False,
        schema="vault",
    )
    op.create_index(
        "uq_competition_entries_final_of", "competition_entries", ["final_of"], unique=True, schema="vault"
    )
    op.create_table(
        "competition_members",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("competition", sa.Text(), nullable=False),
        sa.Column("team", sa.Integer(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("terms_sha256", sa.Text(), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("bound", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["competition"],
            ["vault.competitions.name"],
            name=op.f("fk_competition_members_competition_competitions"),
        ),
        sa.ForeignKeyConstraint(
            ["team"],
            ["vault.competition_teams.id"],
            name=op.f("fk_competition_members_team_competition_teams"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_competition_members")),
        schema="vault",
    )
    op.create_index(
        op.f("ix_vault_competition_members_team"),
        "competition_members",
        ["team"],
        unique=False,
        schema="vault",
    )
    op.create_index(
        "uq_competition_members_one_team",
        "competition_members",
        ["competition", "person"],
        unique=True,
        schema="vault",
        postgresql_where=sa.text("left_at IS NULL"),
    )
    op.create_table(
        "competition_mergers",
        sa.Column("team", sa.Integer(), nullable=False),
        sa.Column("into_team", sa.Integer(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["into_team"],
            ["vault.competition_teams.id"],
            name=op.f("fk_competition_mergers_into_team_competition_teams"),
        ),
        sa.ForeignKeyConstraint(
            ["team"],
            ["vault.competition_teams.id"],
            name=op.f("fk_competition_mergers_team_competition_teams"),
        ),
        sa.PrimaryKeyConstraint("team", "into_team", name=op.f("pk_competition_mergers")),
        schema="vault",
    )
    op.create_table(
        "competition_appeal_looks",
        sa.Column("appeal", sa.Integer(), nullable=False),
        sa.Column("reviewer", sa.Text(), nullable=False),
        sa.Column("upheld", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["appeal"],
            ["vault.competition_appeals.id"],
            name=op.f("fk_competition_appeal_looks_appeal_competition_appeals"),
        ),
        sa.PrimaryKeyConstraint("appeal", "reviewer", name=op.f("pk_competition_appeal_looks")),
        schema="vault",
    )
    op.create_table(
        "competition_assignments",
        sa.Column("competition", sa.Text(), nullable=False),
        sa.Column("track", sa.Text(), nullable=False),
        sa.Column("round", sa.Text(), nullable=False),
        sa.Column("entry", sa.Integer(), nullable=False),
        sa.Column("juror", sa.Text(), nullable=False),
        sa.Column("marks", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("comment", sa.Text(), server_default="", nullable=False),
        sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("scored_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["competition"],
            ["vault.competitions.name"],
            name=op.f("fk_competition_assignments_competition_competitions"),
        ),
        sa.ForeignKeyConstraint(
            ["entry"],
            ["vault.competition_entries.id"],
            name=op.f("fk_competition_assignments_entry_competition_entries"),
        ),
        sa.PrimaryKeyConstraint("round", "entry", "juror", name=op.f("pk_competition_assignments")),
        schema="vault",
    )
    op.create_table(
        "competition_choices",
        sa.Column("team", sa.Integer(), nullable=False),
        sa.Column("track", sa.Text(), nullable=False),
        sa.Column("entry", sa.Integer(), nullable=False),
        sa.Column("chosen_by", sa.Text(), nullable=False),
        sa.Column("chosen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["entry"],
            ["vault.competition_entries.id"],
            name=op.f("fk_competition_choices_entry_competition_entries"),
        ),
        sa.ForeignKeyConstraint(
            ["team"],
            ["vault.competition_teams.id"],
            name=op.f("fk_competition_choices_team_competition_teams"),
        ),
        sa.PrimaryKeyConstraint("team", "track", name=op.f("pk_competition_choices")),
        schema="vault",
    )
