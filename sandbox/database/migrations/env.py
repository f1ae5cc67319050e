"""Connects alembic to the database, with the connection and the options that `sandbox/database/migration.py`
passes."""

from alembic import context

attributes = context.config.attributes
context.configure(connection=attributes["connection"], **attributes["options"])
with context.begin_transaction():
    context.run_migrations()
