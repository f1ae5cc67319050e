"""What rows did the officer bring? CSV or Parquet bytes in, a typed Arrow table out. No message quotes a value."""

import io

import duckdb
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet

from sandbox.catalog.model import Column, DatasetPolicy, Role, Type
from sandbox.catalog.shut_duckdb import shut_connection
from sandbox.city_time import CITY_TIME_ZONE
from sandbox.errors import InvalidInput

SQL_TYPE = {Type.INTEGER: "BIGINT", Type.NUMBER: "DOUBLE", Type.TEXT: "VARCHAR", Type.BOOLEAN: "BOOLEAN",
            Type.DATE: "DATE", Type.TIMESTAMP: "TIMESTAMP"}
PARQUET_MAGIC = b"PAR1"
ZONE = "(?i):[0-9.]+ ?(z|utc|gmt|[+-][0-9]{2}(:?[0-9]{2})?)$"
MOST_BYTES = 2 * 1024**3
UNREADABLE = (pa.ArrowException, OSError, UnicodeDecodeError)
"""What Arrow raises for a damaged file. Its words can quote a value, so they are told to nobody."""


def read_table(body: bytes, policy: DatasetPolicy) -> pa.Table:
    """Read and type the rows, sorted by unit: the policy's columns in the policy's order and no others.

    NaN becomes NULL. Raises `InvalidInput` naming the column, the number of bad rows and the first of them.
    """
    if not body:
        raise InvalidInput("The file is empty.", mend="Send a CSV file with a header line, or a Parquet file.")
    if len(body) > MOST_BYTES:
        raise InvalidInput("The file is larger than 2 GiB.", mend="Publish it as several datasets.")
    raw = _parquet(body) if body.startswith(PARQUET_MAGIC) else _csv(body)
    _check_names(raw, policy)
    if raw.num_rows == 0:
        raise InvalidInput("The file has no rows.", mend="Publish a dataset when it has data.")
    typed = ", ".join(f"{_typed(column)} AS {quoted(column.name)}" for column in policy.columns)
    order = f" ORDER BY {quoted(policy.unit.column)}" if policy.unit else ""
    try:
        with shut_connection() as connection:
            connection.register("raw", raw)
            _check_values(connection, policy)
            return connection.execute(f"SELECT * FROM (SELECT {typed} FROM raw){order}").to_arrow_table()
    except duckdb.Error as error:
        raise InvalidInput("The file's columns have types that cannot be read.", internal=type(error).__name__,
                           mend="Use plain integers, numbers, texts, booleans, dates and times.") from None


def quoted(name: str) -> str:
    """A DuckDB identifier in quotes."""
    return '"' + name.replace('"', '""') + '"'


def _cast(column: Column) -> str:
    """A value in the column's type; empty where it is not one. A text with a zone after it is no time of the city."""
    name = quoted(column.name)
    value = f"TRY_CAST({name} AS {SQL_TYPE[column.type]})"
    if column.type is Type.TIMESTAMP:
        return f"CASE WHEN NOT regexp_matches(CAST({name} AS VARCHAR), '{ZONE}') THEN {value} END"
    return value


def _typed(column: Column) -> str:
    value = _cast(column)
    return f"CASE WHEN isnan({value}) THEN NULL ELSE {value} END" if column.type is Type.NUMBER else value


def _parquet(body: bytes) -> pa.Table:
    try:
        table = pyarrow.parquet.read_table(io.BytesIO(body))
        names = table.column_names  # those that are not UTF-8 show themselves here
    except UNREADABLE as error:
        raise InvalidInput("The file is not readable Parquet.", mend="Write it again, or send CSV.",
                           internal=type(error).__name__) from None
    if not names:
        raise InvalidInput("The file has no columns.", mend="Write it again, or send CSV.")
    return _local(table)


def _local(table: pa.Table) -> pa.Table:
    """Times with a zone as the city's clock shows them."""
    for place, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type) and field.type.tz is not None:
            in_city = table.column(place).cast(pa.timestamp(field.type.unit, tz=CITY_TIME_ZONE))
            table = table.set_column(place, field.name, pyarrow.compute.local_timestamp(in_city))
    return table


def _csv(body: bytes) -> pa.Table:
    try:
        names = pyarrow.csv.open_csv(io.BytesIO(body)).schema.names
        as_text = dict.fromkeys(names, pa.string())
        options = pyarrow.csv.ConvertOptions(column_types=as_text, strings_can_be_null=True, null_values=["", "NA"])
        return pyarrow.csv.read_csv(io.BytesIO(body), convert_options=options)
    except UNREADABLE as error:
        raise InvalidInput("The file is not readable CSV: its lines do not all have the header's columns, "
                           "or it is not UTF-8.", mend="Save it as UTF-8 CSV with a header line.",
                           internal=type(error).__name__) from None


def _check_names(raw: pa.Table, policy: DatasetPolicy) -> None:
    given, wanted = raw.column_names, [column.name for column in policy.columns]
    missing = [name for name in wanted if name not in given]
    # told by their places: a file without a header line has a row there, and a row's values are never quoted
    unknown = [str(place) for place, name in enumerate(given, start=1) if name not in wanted]
    twice = sorted({name for name in wanted if given.count(name) > 1})
    faults = [f"{words} {', '.join(names)}" for words, names in (
        ("it has not", missing), ("the policy does not name its columns number", unknown), ("it has twice", twice)) if names]
    if faults:
        raise InvalidInput(
            f"The file's columns are not the policy's: {'; '.join(faults)}.",
            mend="The first line must be the columns' names. Name every column of the file in the policy; give those that "
                 "nobody may use the role hidden.")


def _check_values(connection: duckdb.DuckDBPyConnection, policy: DatasetPolicy) -> None:
    faults = []
    for column in policy.columns:
        name = quoted(column.name)
        wrong = f"{name} IS NOT NULL AND ({_cast(column)}) IS NULL"
        needed = column.role is Role.UNIT or column.required
        if needed:
            wrong = f"({_typed(column)}) IS NULL"  # NaN is empty, too
        found = connection.execute(
            f"SELECT count(*), min(row) FROM (SELECT *, row_number() OVER () AS row FROM raw) WHERE {wrong}").fetchone()
        if found and found[0]:
            faults.append(f"column {column.name}: {found[0]} rows are not {column.type}"
                          f"{' or are empty' if needed else ''} (the first is row {found[1]})")
    if faults:
        raise InvalidInput("; ".join(faults) + ".", mend="Mend those rows, or the column's type in the policy.")
