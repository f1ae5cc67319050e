"""What a crash cut off says so: runs, questions and bought stand-in rows can be `interrupted`."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0016"

CHECKS = (
    (
        "runs",
        "state",
        ("queued", "running", "finished", "interrupted", "returned", "released", "refused", "cancelled"),
    ),
    ("questions", "status", ("asked", "released", "failed", "interrupted")),
    ("stand_ins", "status", ("asked", "released", "failed", "interrupted")),
)


def upgrade() -> None:
    op.add_column(
        "runs", sa.Column("interruptions", sa.Integer(), server_default="0", nullable=False), schema="vault"
    )
    for table, column, values in CHECKS:
        name = op.f(f"ck_{table}_{column}")
        op.drop_constraint(name, table, schema="vault", type_="check")
        op.create_check_constraint(
            name, table, f"{column} IN ({', '.join(map(repr, values))})", schema="vault"
        )
