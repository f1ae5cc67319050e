"""Thirty files like those of public portals are drafted and read as they are, every value compared."""

from collections import Counter
from typing import Any

import pytest

from ingest.drafted import drafted
from ingest.portal_files import PortalFile, files
from sandbox.ingest.file_format import DETECTED

FILES = files()


def comparable(value: Any) -> Any:
    """1 and 1.0 are the same number, and neither is True."""
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def as_rows(columns: dict[str, list[Any]]) -> Counter[tuple[str, ...]]:
    rows = zip(*([repr(comparable(value)) for value in cells] for cells in columns.values()), strict=True)
    return Counter(rows)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_file_of_a_portal_is_drafted_and_read_unedited(file: PortalFile) -> None:
    columns = drafted(file.body, file.name, file.given).columns()
    assert list(columns) == list(file.values)
    for label, cells in file.values.items():
        read = Counter(repr(comparable(value)) for value in columns[label])
        assert read == Counter(repr(comparable(value)) for value in cells), label
    assert as_rows(columns) == as_rows(file.values)


def test_at_most_one_of_the_thirty_needs_a_correction() -> None:
    assert len(FILES) == 30
    assert sum(file.given != DETECTED for file in FILES) <= 1
