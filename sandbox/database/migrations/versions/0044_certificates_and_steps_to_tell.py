"""Certificates of a competition keep those that a change of name replaced; steps of competitions wait to be
told in a table of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"

TABLE = "competition_certificates"


def upgrade() -> None:
    number = sa.Column("number", sa.Integer(), nullable=False, server_default="1")
    op.add_column(TABLE, number, schema="vault")
    op.alter_column(TABLE, "number", server_default=None, schema="vault")
    replaced_at = sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=True)
    op.add_column(TABLE, replaced_at, schema="vault")
    op.add_column(TABLE, sa.Column("replaced_index", sa.BigInteger(), nullable=True), schema="vault")
    name = op.f("pk_competition_certificates")
    op.drop_constraint(name, TABLE, schema="vault", type_="primary")
    op.create_primary_key(name, TABLE, ["competition", "person", "number"], schema="vault")
    op.create_table(
        "competition_steps_to_tell",
        sa.Column("log_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("competition", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("whom", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["competition"],
            ["vault.competitions.name"],
            name=op.f("fk_competition_steps_to_tell_competition_competitions"),
        ),
        sa.PrimaryKeyConstraint("log_index", name=op.f("pk_competition_steps_to_tell")),
        schema="vault",
    )
