"""What MariaDB refuses is told by class; what is read cannot write, neither rows nor files."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from mariadb_server import DATABASE, PASSWORD, MariaDB
from pulls.test_values_of_sources import mariadb_source, read
from relay import Relay
from sandbox.sources.failures import SourceFailure
from sandbox.sources.source_list import DataSource
from sandbox.sources.table_stream import Since, TableChoice


@pytest.fixture
def source(mariadb: MariaDB) -> DataSource:
    mariadb.execute(
        f"CREATE OR REPLACE TABLE {DATABASE}.kept (id int)", f"INSERT INTO {DATABASE}.kept VALUES (1), (2)"
    )
    return mariadb_source(mariadb)


def refused(source: DataSource, choice: TableChoice) -> SourceFailure:
    with pytest.raises(SourceFailure) as failure:
        read(source, choice)
    assert PASSWORD not in repr(failure.value) + failure.value.internal + failure.value.database_words
    return failure.value


def test_refusals(mariadb: MariaDB, source: DataSource, tmp_path: Path) -> None:
    (tmp_path / "wrong").write_text("wrong")
    table = TableChoice(table="kept")
    assert refused(replace(source, secret=f"file:{tmp_path / 'wrong'}"), table).code == "source_login_refused"
    assert refused(replace(source, port=1), table).code == "source_unreachable"
    assert refused(replace(source, ca=""), table).code == "source_tls"
    assert refused(replace(source, database="mysql"), table).code == "source_no_rights"
    assert refused(source, TableChoice(table="none")).code == "source_table_missing"
    assert refused(source, TableChoice(table="mysql.user")).code == "source_no_rights"
    assert refused(replace(source, seconds=1), TableChoice(query="SELECT SLEEP(20) AS a")).code == (
        "source_timeout"
    )


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM kept",
        "DROP TABLE kept",
        "SELECT 1 AS a; DROP TABLE kept",
        "SELECT 1 AS a INTO OUTFILE '/tmp/cihu-out'",
        "SELECT * FROM kept) AS a INTO OUTFILE '/tmp/cihu-out' -- ",
        "SELECT * FROM kept) AS a; DROP TABLE kept -- ",
        "SELECT * FROM kept FOR UPDATE",
        "SET GLOBAL max_connections = 1",
        "LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE kept",
        "CALL something()",
        "COMMIT",
        "",
    ],
)
def test_a_query_only_reads(mariadb: MariaDB, source: DataSource, query: str) -> None:
    """Also where the account has every right, as the owner of the server."""
    mariadb.execute("CREATE OR REPLACE USER everything IDENTIFIED BY 'all-rights-of-it'")
    mariadb.execute("GRANT ALL ON *.* TO everything")
    (mariadb.home / "everything").write_text("all-rights-of-it")
    powerful = replace(source, user="everything", secret=f"file:{mariadb.home / 'everything'}")
    with pytest.raises(SourceFailure) as failure:
        read(powerful, TableChoice(query=query))
    assert failure.value.code in {"source_refuses_query", "source_no_rights"}
    with mariadb.owner() as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {DATABASE}.kept")
        assert cursor.fetchone() == (2,)
    assert not Path("/tmp/cihu-out").exists()


@pytest.mark.parametrize(
    ("fault", "seconds", "code"),
    # a short limit only where the server would stay silent for ever
    [("cut_after", 60, "source_cut"), ("stall_after", 3, "source_timeout")],
)
def test_a_connection_that_breaks_in_the_middle(
    source: DataSource, fault: str, seconds: int, code: str
) -> None:
    many = "SELECT seq AS id, repeat('x', 100) AS t FROM seq_1_to_200000"
    with Relay(("127.0.0.1", source.port), **{fault: 200_000}) as relay:
        broken = replace(source, port=relay.port, seconds=seconds)
        assert refused(broken, TableChoice(query=many)).code == code


def test_only_rows_at_or_above_a_value_are_read(mariadb: MariaDB, source: DataSource) -> None:
    mariadb.execute(
        "SET time_zone = '+00:00'",
        f"CREATE OR REPLACE TABLE {DATABASE}.seen (id int, `at it` timestamp(3) NULL, day date, word text)",
        f"INSERT INTO {DATABASE}.seen VALUES "
        "(1, '2026-03-01 00:00:00', '2026-03-01', '1'), (2, '2026-03-02 00:00:00.5', '2026-03-02', '20'), "
        "(10, NULL, NULL, '3')",
    )
    day, late = "2026-03-02", "2026-03-02 08:00:00.600000"
    zone = "SELECT id, CONVERT_TZ(`at it`, @@session.time_zone, '+00:00') AS `at it` FROM seen WHERE id % 2"

    def ids(since: Since, **chosen: str) -> list[str]:
        body = read(source, TableChoice(**(chosen or {"table": "seen"}), since=since))
        return sorted(pyarrow.parquet.read_table(pa.BufferReader(body)).column("id").to_pylist())

    assert ids(Since("id", "integer", "2")) == ["10", "2"]
    assert ids(Since("at it", "timestamp", late)) == ["10"]
    assert ids(Since("at it", "timestamp", "2026-03-02 08:00:00.500000")) == ["10", "2"]
    assert ids(Since("day", "date", day)) == ["10", "2"]
    assert ids(Since("at it", "timestamp", "2026-02-28 15:59:59.000000"), query=zone) == ["1"]
    for wrong in (Since("word", "integer", "2"), Since("none", "date", day), Since("day", "timestamp", late)):
        assert refused(source, TableChoice(table="seen", since=wrong)).code == "source_since_column"
