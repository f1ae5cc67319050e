"""Every value of every source reads back as it was written, through the file that the vault reads."""

import datetime
import sqlite3
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from mariadb_server import DATABASE, PASSWORD, READER, MariaDB
from relay import Relay
from sandbox.ingest import Type, read_rows
from sandbox.ingest.model import FieldRules
from sandbox.sources.failures import SourceFailure
from sandbox.sources.read_source import read_source
from sandbox.sources.source_list import DataSource
from sandbox.sources.table_stream import TableChoice

CITY = ZoneInfo("Asia/Shanghai")
TEXTS = [
    "", None, "NULL", "null", "\\N", "\\.", 'a,"b";c', "two\nlines", "tab\there", " 前后 ", "𠮷野家 🏥",
    "0012", "-", "N/A", "true", "\\x00", "'", "`", "line\r\n",
]  # fmt: skip
NUMBERS = [0.1, 1 / 3, 1e-300, 1.7976931348623157e308, 5e-324, 2.0**53 + 2, 123456.789, -1e-7]
DAYS = [datetime.date(1900, 1, 1), datetime.date(2024, 2, 29), datetime.date(2199, 12, 31)]


def rows() -> list[list[Any]]:
    """One row for each text; the other columns go round."""
    return [
        [
            place + 9007199254740993,
            Decimal(place * 104729 - 3) / 100,
            NUMBERS[place % len(NUMBERS)],
            (True, False, None)[place % 3],
            DAYS[place % len(DAYS)],
            datetime.datetime(2024, 1, 1 + place, 23, 59, 59, 123456 + place, CITY),
            text,
        ]
        for place, text in enumerate(TEXTS)
    ]


NAMES = ["编号", "amount", "ratio", "flag", "day", "moment", "text of it"]
TYPES = [Type.INTEGER, Type.NUMBER, Type.NUMBER, Type.BOOLEAN, Type.DATE, Type.TIMESTAMP, Type.TEXT]


def as_published(body: bytes) -> list[list[Any]]:
    fields = [FieldRules(name, type, computed=False) for name, type in zip(NAMES, TYPES, strict=True)]
    table = read_rows(body, fields).table
    return [list(row) for row in zip(*(column.to_pylist() for column in table.columns), strict=True)]


def expected() -> list[list[Any]]:
    return [
        [row[0], float(row[1]), row[2], row[3], row[4], row[5].replace(tzinfo=None), row[6]] for row in rows()
    ]


def same(got: Sequence[Sequence[Any]]) -> None:
    for line, want in zip(got, expected(), strict=True):
        for name, one, two in zip(NAMES, line, want, strict=True):
            assert (repr(one), type(one)) == (repr(two), type(two)), name


def read(source: DataSource, choice: TableChoice) -> bytes:
    with read_source(source, [source.host], chosen=choice) as pieces:
        return b"".join(pieces)


def postgres_source(relay: Relay, database: str) -> DataSource:
    return DataSource(
        "clinic", "postgres", "health", "127.0.0.1", relay.port, database, "postgres", tls=False, seconds=60
    )


def mariadb_source(server: MariaDB, **more: Any) -> DataSource:
    password = server.home / "password"
    password.write_text(PASSWORD + "\n")
    given = {"tls": True, "ca": str(server.authority), "seconds": 60, **more}
    return DataSource(
        "clinic", "mysql", "health", "127.0.0.1", server.port, DATABASE, READER, f"file:{password}", **given
    )


def test_postgres(owner: psycopg.Connection, postgres_port: Relay, database_name: str) -> None:
    owner.execute(
        'CREATE TABLE visits ("编号" bigint, amount numeric(20,2), ratio float8, flag boolean, day date, '
        'moment timestamptz, "text of it" text)'
    )
    with owner.cursor() as cursor:
        cursor.executemany("INSERT INTO visits VALUES (%s, %s, %s, %s, %s, %s, %s)", rows())
    # as a department's server may be set
    owner.execute(f"ALTER DATABASE {database_name} SET datestyle = 'SQL, DMY'")
    owner.execute(f"ALTER DATABASE {database_name} SET timezone = 'America/St_Johns'")
    owner.execute(f"ALTER DATABASE {database_name} SET extra_float_digits = 0")
    source = postgres_source(postgres_port, database_name)
    same(as_published(read(source, TableChoice(table="public.visits"))))
    same(as_published(read(source, TableChoice(query="SELECT * FROM visits -- all of it"))))


def test_mariadb(mariadb: MariaDB) -> None:
    mariadb.execute(
        "SET GLOBAL time_zone = '-03:30'",
        f"CREATE OR REPLACE TABLE {DATABASE}.visits (`编号` bigint, amount decimal(20,2), ratio double, "
        "flag boolean, day date, moment timestamp(6) NULL, `text of it` text)",
    )
    with mariadb.owner() as connection, connection.cursor() as cursor:
        cursor.execute("SET time_zone = '+08:00'")
        cursor.executemany(f"INSERT INTO {DATABASE}.visits VALUES (%s, %s, %s, %s, %s, %s, %s)", rows())
    source = mariadb_source(mariadb)
    same(as_published(read(source, TableChoice(table="visits"))))
    same(as_published(read(source, TableChoice(query=f"SELECT * FROM {DATABASE}.visits # all of it"))))


def test_floats_and_bits_of_mariadb(mariadb: MariaDB) -> None:
    """The text of a FLOAT is rounded to six digits, and that of a BIT is no text."""
    mariadb.execute(
        f"CREATE OR REPLACE TABLE {DATABASE}.odd (f float, b bit(1))",
        f"INSERT INTO {DATABASE}.odd VALUES (16777215, b'1'), (0.1, b'0'), (NULL, NULL)",
    )
    body = read(mariadb_source(mariadb), TableChoice(table="odd"))
    table = read_rows(body, [FieldRules("f", Type.NUMBER), FieldRules("b", Type.BOOLEAN)]).table
    assert table.column("f").to_pylist() == [16777215.0, 0.10000000149011612, None]
    assert table.column("b").to_pylist() == [True, False, None]


def test_sqlite(tmp_path: Path) -> None:
    path = tmp_path / "部门 库.db"
    with sqlite3.connect(path) as connection:
        connection.execute('CREATE TABLE "a visit" ("编号", amount, ratio, flag, day, moment, "text of it")')
        connection.executemany(
            'INSERT INTO "a visit" VALUES (?, ?, ?, ?, ?, ?, ?)',
            [
                [
                    row[0],
                    float(row[1]),
                    row[2],
                    row[3],
                    str(row[4]),
                    row[5].replace(tzinfo=None).isoformat(" "),
                    row[6],
                ]
                for row in rows()
            ],
        )
    source = DataSource("clinic", "sqlite", "health", path=str(path))
    same(as_published(read(source, TableChoice(table="a visit"))))
    same(as_published(read(source, TableChoice(query='WITH v AS (SELECT * FROM "a visit") SELECT * FROM v'))))


def test_bytes_are_refused_by_the_name_of_their_column(
    owner: psycopg.Connection, postgres_port: Relay, database_name: str, tmp_path: Path
) -> None:
    owner.execute("CREATE TABLE scans (id int, picture bytea)")
    path = tmp_path / "scans.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE scans (id, picture)")
        connection.execute("INSERT INTO scans VALUES (1, x'ff00')")
    for source in (
        postgres_source(postgres_port, database_name),
        DataSource("clinic", "sqlite", "health", path=str(path)),
    ):
        with pytest.raises(SourceFailure) as refused:
            read(source, TableChoice(table="scans"))
        assert (refused.value.code, refused.value.column) == ("source_unreadable_column", "picture")


def test_bytes_of_mariadb_are_refused(mariadb: MariaDB) -> None:
    mariadb.execute(f"CREATE OR REPLACE TABLE {DATABASE}.scans (id int, picture varbinary(9))")
    with pytest.raises(SourceFailure) as refused:
        read(mariadb_source(mariadb), TableChoice(table="scans"))
    assert (refused.value.code, refused.value.column) == ("source_unreadable_column", "picture")
