"""The one metadata on which all tables hang. Each package declares its own in `tables.py`.

Five Postgres schemas keep the services apart (see `roles.py`):
`log` (both append, by a function; nobody changes), `identity` and `operations` (the portal writes, the vault
reads), `vault` (the vault alone), `market` (the portal alone).
"""

from sqlalchemy import MetaData

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
