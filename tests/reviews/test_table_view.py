"""A Parquet file in quarantine is shown as the table that the vault decodes, and nothing else decodes it."""

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet
import pytest

from marketplace.portal.preview import preview_of
from sandbox.disclosure.decode import decode_here
from sandbox.disclosure.files.file_limits import FileLimits
from sandbox.reviews.context import ReviewContext
from sandbox.reviews.view_file import Viewed, as_csv

LIMITS = FileLimits(most_bytes=2**20, most_rows=5000, skops_types=())


def parquet(columns: dict[str, list[Any]]) -> bytes:
    sink = io.BytesIO()
    pyarrow.parquet.write_table(pa.table(columns), sink)
    return sink.getvalue()


def context() -> ReviewContext:
    return cast(
        "ReviewContext",
        SimpleNamespace(decode=decode_here, taxonomy=SimpleNamespace(file_limits=LIMITS)),
    )


def test_its_cells_come_as_text() -> None:
    content = parquet({"区": ["north", 'a "quoted", word'], "n": [12, None]})
    table = as_csv(context(), Viewed("t.parquet", content, original=True))
    assert table is not None
    assert table.decode().splitlines()[1:] == ["north,12", '"a ""quoted"", word",']
    shown = preview_of("t.parquet", table, table=True)
    assert (shown.kind, shown.rows[0]) == ("table", ("区", "n"))


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"PAR1 and nothing that can be read", b""])
def test_nothing_else_becomes_a_table(content: bytes) -> None:
    assert as_csv(context(), Viewed("t.parquet", content, original=True)) is None


def test_the_portal_decodes_no_parquet() -> None:
    assert preview_of("t.parquet", parquet({"n": [1]})).kind == "none"
    portal = Path(__file__).parents[2] / "marketplace" / "portal"
    assert not [file for file in portal.rglob("*.py") if "parquet_table" in file.read_text("utf-8")]
