"""How does alembic reach the database?
By the connection and the options that `sandbox/database/migration.py` hands over."""

from alembic import context

attributes = context.config.attributes
context.configure(connection=attributes["connection"], **attributes["options"])
with context.begin_transaction():
    context.run_migrations()
