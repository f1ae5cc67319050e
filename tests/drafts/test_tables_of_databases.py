"""A table of a real database becomes a dataset; what is read cannot be changed."""

import sqlite3
from pathlib import Path

import psycopg
import pytest

from asked_vault import AskedVault
from drafts.test_drafts import drafted, published, upload
from sandbox.cli.table_sources import file_name, rows_of
from sandbox.errors import InvalidInput, Unavailable
from sandbox.standalone.postgres import Postgres

ROWS = 40


@pytest.fixture
def address(postgres: Postgres, database_name: str) -> str:
    """A department's database with one table, as psycopg takes its address."""
    url = postgres.url(database=database_name).replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(url) as connection:
        connection.execute('CREATE SCHEMA "门诊"')
        connection.execute(
            'CREATE TABLE "门诊"."就诊" ("患者编号" text, "费用" numeric(12,2), '
            '"时间" timestamptz, "住院" boolean, "备注" text)'
        )
        for row in range(ROWS):
            connection.execute(
                'INSERT INTO "门诊"."就诊" VALUES (%s, %s, %s, %s, %s)',
                (f"P{row % 20:03}", row * 1.25, f"2024-01-{1 + row % 28} 08:00:00+08", row % 2 == 0, None),
            )
    return url


def test_a_table_of_postgres_is_published(asked: AskedVault, address: str) -> None:
    lin = asked.person("lin")
    file = upload(lin, rows_of(address, table="门诊.就诊", query=None), file_name("门诊.就诊"))
    draft = drafted(lin, file)
    types = {column["source"]: column["type"] for column in draft["columns"]}
    assert types == {
        "患者编号": "text", "费用": "number", "时间": "timestamp", "住院": "boolean", "备注": "text",
    }  # fmt: skip
    assert not draft["problems"] and published(lin, draft)["rows"] == ROWS


def test_a_query_is_read_and_cannot_write(address: str) -> None:
    body = b"".join(rows_of(address, table=None, query='SELECT count(*) AS n FROM "门诊"."就诊";'))
    assert body == b"n\n40\n"
    with pytest.raises(InvalidInput, match="data-modifying"):
        list(
            rows_of(
                address,
                table=None,
                query='WITH gone AS (DELETE FROM "门诊"."就诊" RETURNING 1) SELECT * FROM gone',
            )
        )


def test_what_the_database_says_is_told_and_its_password_is_not(address: str) -> None:
    with pytest.raises(InvalidInput, match="no_such"):
        list(rows_of(address, table="no_such", query=None))
    with pytest.raises(Unavailable) as refused:
        list(rows_of("postgresql://me:hunter2@127.0.0.1:1/db", table="t", query=None))
    assert "hunter2" not in str(refused.value) + refused.value.remedy + refused.value.internal


def test_a_table_of_sqlite_is_read(tmp_path: Path) -> None:
    path = tmp_path / "部门.db"
    with sqlite3.connect(path) as connection:
        connection.execute('CREATE TABLE "a b" (id INTEGER, name TEXT)')
        connection.executemany('INSERT INTO "a b" VALUES (?, ?)', [(1, 'x,"y"'), (2, None)])
    body = b"".join(rows_of(f"sqlite:///{path}", table="a b", query=None))
    assert body == b'id,name\n1,"x,""y"""\n2,\n'
    with pytest.raises(InvalidInput, match="no file"):
        list(rows_of("sqlite:////no/such.db", table="t", query=None))
