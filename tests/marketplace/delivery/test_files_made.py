"""Files as they are made: the same bytes each time, arranged for their buyer, and taken away for room."""

import asyncio
import io
from dataclasses import replace
from pathlib import Path
from threading import Event

import pyarrow
import pyarrow.csv
import pyarrow.parquet
import pytest

from marketplace.delivery.files.file_store import FileStore, StoredFile
from marketplace.delivery.files.file_views import FileView
from marketplace.delivery.files.watermark import SLICE_ROWS, buyers_mark, compare
from marketplace.offers.column_masks import ColumnMask
from marketplace.products.model import FilesDefinition
from sandbox.errors import Unavailable

MANY = SLICE_ROWS + 501
TABLE = pyarrow.table({"n": range(MANY), "name": [f'行{n % 7},"x"' if n % 5 else None for n in range(MANY)]})
DEFINITION = FilesDefinition(object="o", version_id="v", columns=("n", "name"))
PLAIN = FileView(DEFINITION, (), "parquet", b"", b"", sampled=False)
MARK = buyers_mark(b"s" * 32, organisation="company", licence=1)


def read(path: Path) -> pyarrow.Table:
    return pyarrow.parquet.read_table(path) if path.suffix == ".parquet" else pyarrow.csv.read_csv(path)


def made(store: FileStore, view: FileView) -> pyarrow.Table:
    return read(store.make(view.name, lambda file: view.write(TABLE, file)).path)


def test_a_file_holds_the_masked_rows_and_is_the_same_each_time(tmp_path: Path) -> None:
    stores = [FileStore(tmp_path / name, most_bytes=10**9) for name in ("a", "b")]
    masked = replace(PLAIN, masks=(ColumnMask(column="n", do="generalise", step=100),))
    for view in (PLAIN, masked, replace(PLAIN, format="csv")):
        first, second = (store.make(view.name, lambda file, v=view: v.write(TABLE, file)) for store in stores)
        assert first.sha256 == second.sha256 and first.rows == MANY
        assert first.path.stat().st_size == first.size
        assert stores[0].find(view.name) == first
    assert made(stores[0], PLAIN).equals(TABLE)
    assert made(stores[0], masked)["n"].to_pylist() == [n // 100 * 100 for n in range(MANY)]
    assert made(stores[0], replace(PLAIN, format="csv"))["n"].to_pylist() == list(range(MANY))
    assert made(stores[0], replace(PLAIN, sampled=True)).num_rows == 5


def test_a_copy_shows_whose_it_was(tmp_path: Path) -> None:
    store = FileStore(tmp_path, most_bytes=10**9)
    marked = made(store, replace(PLAIN, mark=MARK))
    assert not marked.equals(TABLE) and marked.sort_by("n").equals(TABLE)
    other = buyers_mark(b"s" * 32, organisation="rival", licence=2)
    cut = pyarrow.concat_tables([marked.slice(70, 400), marked.slice(MANY - 300)])
    assert compare(TABLE, marked, MARK).names_buyer and compare(TABLE, cut, MARK).names_buyer
    assert (
        not compare(TABLE, cut, other).names_buyer and not compare(TABLE, cut.slice(0, 60), MARK).names_buyer
    )
    assert not compare(TABLE, marked.sort_by("n"), MARK).names_buyer


def test_the_longest_unused_makes_room_and_a_failure_leaves_nothing(tmp_path: Path) -> None:
    store = FileStore(tmp_path, most_bytes=10)
    first = store.make("1.csv", lambda file: file.write(b"12345678"))
    with first.path.open("rb") as still_open:
        store.make("2.csv", lambda file: file.write(b"12345678"))
        assert still_open.read() == b"12345678"
    assert store.find("1.csv") is None and store.find("2.csv") is not None

    def fail(file: object) -> int:
        raise OSError(28, "No space left on device")

    with pytest.raises(Unavailable, match="cannot be made"):
        store.make("3.csv", fail)
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".new"]
    assert io.BytesIO(store.make("3.csv", lambda file: file.write(b"1")).path.read_bytes()).read() == b"1"


def test_who_wants_a_file_that_is_made_shares_it_and_holds_no_pool(tmp_path: Path) -> None:
    store = FileStore(tmp_path, most_bytes=10**9)
    began, go = Event(), Event()
    calls = []

    def slow() -> StoredFile:
        calls.append(1)
        began.set()
        assert go.wait(120)
        return store.make("slow.csv", lambda file: file.write(b"1"))

    async def ask() -> list[StoredFile]:
        waiting = [asyncio.create_task(store.made("slow.csv", slow)) for _ in range(40)]
        # every other pool is free meanwhile: the default one has a thread for this
        assert await asyncio.to_thread(began.wait, 120)
        waiting.pop().cancel()
        go.set()
        return await asyncio.gather(*waiting)

    files = asyncio.run(ask())
    assert len(calls) == 1 and len(files) == 39 and len(set(files)) == 1 and not store.under_way
