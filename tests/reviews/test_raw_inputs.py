"""What is known of a version's raw rows is made once, before a review is opened, and is gone when erased."""

import io
from datetime import UTC, datetime
from typing import cast

import pyarrow.parquet
import pytest

from review_people import make_people
from sandbox.catalog import Version
from sandbox.reviews.raw_inputs import RawInputs
from sandbox.storage import RawStore


class Rows:
    """The rows of a version, and how often they were read."""

    def __init__(self) -> None:
        sink = io.BytesIO()
        table, self.policy = make_people(300)
        pyarrow.parquet.write_table(table, sink)
        self.content, self.read = sink.getvalue(), 0

    def rows(self, version: object) -> bytes:
        self.read += 1
        return self.content


@pytest.fixture
def rows() -> Rows:
    return Rows()


def version(rows: Rows, number: int = 1) -> Version:
    return Version(
        "test.people", number, rows.policy, f"rows-{number}", "v", "0" * 64, "lin", datetime.now(UTC)
    )


def inputs(rows: Rows) -> RawInputs:
    return RawInputs(cast("RawStore", rows))


def test_a_version_is_read_once_for_all_runs_that_read_it(rows: Rows) -> None:
    known, first, second = inputs(rows), version(rows), version(rows, 2)
    known.prepare([first, first]).join()
    assert rows.read == 1
    one, both = known.of((first,)), known.of((first, second))
    assert rows.read == 2 and one.indexes[0] is both.indexes[0]
    assert one.units == 300 and both.is_identifying("person") and not both.is_key("person")


def test_what_was_erased_is_made_anew(rows: Rows) -> None:
    known, first = inputs(rows), version(rows)
    before = known.of((first,))
    known.forget()
    assert known.of((first,)).indexes[0] is not before.indexes[0] and rows.read == 2
