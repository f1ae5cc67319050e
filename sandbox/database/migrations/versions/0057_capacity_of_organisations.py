"""What the teams of one organisation are told together; files that left are found by what they hold."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, UUID

revision = "0057"
down_revision = "0056"


def upgrade() -> None:
    op.create_table(
        "told_organisations",
        sa.Column("told", UUID(as_uuid=True), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("told", "organisation", name=op.f("pk_told_organisations")),
        schema="vault",
    )
    op.create_index(
        "ix_told_organisations_organisation", "told_organisations", ["organisation"], schema="vault"
    )
    # as who was behind a team when it asked is not known, of earlier reviews: who is now, and who asked
    op.execute(
        "INSERT INTO vault.told_organisations "
        "SELECT r.id, a.organisation FROM vault.reviews r JOIN identity.team_members m ON m.team = r.team "
        "JOIN identity.accounts a ON a.id = m.account "
        "UNION SELECT r.id, a.organisation FROM vault.reviews r "
        "JOIN identity.accounts a ON a.id = r.requested_by "
        "UNION SELECT p.entry, a.organisation FROM vault.told_places p JOIN identity.team_members m "
        "ON m.team = p.team JOIN identity.accounts a ON a.id = m.account"
    )
    for kind in ("labels", "cells"):
        op.add_column("review_files", sa.Column(kind, ARRAY(sa.BigInteger())), schema="vault")
        op.create_index(
            f"ix_review_files_{kind}", "review_files", [kind], schema="vault", postgresql_using="gin"
        )
