"""Reads a dataset's rows into a DataFrame as their declared types say, never as the values happen to be.

Left to itself, pandas makes whole numbers of a column without an empty cell and decimal ones of the same
column with an empty cell: a program that was written on one table would meet other types on the next. Here
only the policy decides.
"""

import json
from typing import Any

import pandas as pd

# the file's metadata under this name say what its columns are (vault: sandbox/catalog/stand_in.py)
MARK = b"cihu"
DTYPES = {
    ("integer", True): "int64",
    ("integer", False): "float64",
    ("boolean", True): "bool",
    ("boolean", False): "boolean",
    **{
        (kind, required): dtype
        for kind, dtype in (
            ("number", "float64"),
            ("text", "str"),
            ("date", "datetime64[us]"),
            ("timestamp", "datetime64[us]"),
        )
        for required in (True, False)
    },
}
"""By type, and whether the column is never empty.
What may be empty is what pandas itself makes of it when it is."""


def read_rows(body: bytes) -> pd.DataFrame:
    """Parquet bytes of the vault's as a DataFrame; `.attrs["cihu"]` says of which
    dataset and version it is."""
    import pyarrow.parquet  # a part that pandas does not load, and that who only asks questions does not need

    table = pyarrow.parquet.read_table(pyarrow.BufferReader(body))
    said: dict[str, Any] = json.loads(table.schema.metadata[MARK])
    columns = said.pop("columns")
    frame: pd.DataFrame = table.replace_schema_metadata(None).to_pandas(date_as_object=False)
    frame = frame.astype({name: DTYPES[about["type"], about["required"]] for name, about in columns.items()})
    frame.attrs["cihu"] = said
    return frame
