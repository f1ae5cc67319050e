"""What rows did the officer bring? CSV or Parquet bytes in, a typed Arrow table out. No message quotes a value."""

import io

import duckdb
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from sandbox.catalog.model import Column, DatasetPolicy, Role, Type
from sandbox.catalog.shut_duckdb import shut_connection
from sandbox.errors import InvalidInput

SQL_TYPE = {Type.INTEGER: "BIGINT", Type.NUMBER: "DOUBLE", Type.TEXT: "VARCHAR", Type.BOOLEAN: "BOOLEAN",
            Type.DATE: "DATE"}
PARQUET_MAGIC = b"PAR1"
MOST_BYTES = 2 * 1024**3


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
                           mend="Use plain integers, numbers, texts, booleans and dates.") from None


def quoted(name: str) -> str:
    """A DuckDB identifier in quotes."""
    return '"' + name.replace('"', '""') + '"'


def _typed(column: Column) -> str:
    value = f"TRY_CAST({quoted(column.name)} AS {SQL_TYPE[column.type]})"
    return f"CASE WHEN isnan({value}) THEN NULL ELSE {value} END" if column.type is Type.NUMBER else value


def _parquet(body: bytes) -> pa.Table:
    try:
        return pyarrow.parquet.read_table(io.BytesIO(body))
    except pa.ArrowException as error:
        raise InvalidInput("The file is not readable Parquet.", mend="Write it again, or send CSV.") from error


def _csv(body: bytes) -> pa.Table:
    try:
        names = pyarrow.csv.open_csv(io.BytesIO(body)).schema.names
        return pyarrow.csv.read_csv(io.BytesIO(body), convert_options=pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=["", "NA"]))
    except pa.ArrowException as error:
        raise InvalidInput("The file is not readable CSV: its lines do not all have the header's columns, "
                           "or it is not UTF-8.", mend="Save it as UTF-8 CSV with a header line.") from error


def _check_names(raw: pa.Table, policy: DatasetPolicy) -> None:
    given, wanted = raw.column_names, [column.name for column in policy.columns]
    missing = [name for name in wanted if name not in given]
    unknown = [name for name in given if name not in wanted]
    if missing or unknown or len(set(given)) != len(given):
        raise InvalidInput(
            f"The file's columns are not the policy's: missing {missing or 'none'}, not in the policy "
            f"{unknown or 'none'}.",
            mend="Name every column of the file in the policy; give those that nobody may use the role hidden.")


def _check_values(connection: duckdb.DuckDBPyConnection, policy: DatasetPolicy) -> None:
    faults = []
    for column in policy.columns:
        name = quoted(column.name)
        wrong = f"{name} IS NOT NULL AND TRY_CAST({name} AS {SQL_TYPE[column.type]}) IS NULL"
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
