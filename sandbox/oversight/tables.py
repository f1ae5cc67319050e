"""Table of what the risk watch has told: one row for each threshold that is passed now."""

from sqlalchemy import Column, DateTime, Table, Text, func

from sandbox.database import metadata

EVERYWHERE = "*"
"""The scope of auditors. No department has this id."""

risk_alerts = Table(
    "risk_alerts",
    metadata,
    Column("scope", Text, primary_key=True),  # the department whose officers were told; "*": the auditors
    Column("kind", Text, primary_key=True),
    Column("department", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("object", Text, primary_key=True),
    Column("raised_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    schema="vault",
)
