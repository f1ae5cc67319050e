"""Each service's database role may do what its job needs and no more."""

from sqlalchemy import text

from sandbox.database import Database
from sandbox.standalone.postgres import Postgres


def test_the_embedded_server_answers(database: Database) -> None:
    with database.transaction() as tx:
        assert tx.execute(text("SELECT 1")).scalar_one() == 1


def test_the_portal_cannot_reach_the_vaults_schema(postgres: Postgres, database_name: str) -> None:
    portal = Database(postgres.url(user="cihu_portal", database=database_name))
    with portal.transaction() as tx:
        allowed = tx.execute(text("SELECT has_schema_privilege('vault', 'USAGE')")).scalar_one()
    portal.close()
    assert not allowed
