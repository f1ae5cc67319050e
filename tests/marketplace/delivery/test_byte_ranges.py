"""Parts of files, as RFC 9110 has them."""

import pytest

from marketplace.delivery.files.byte_ranges import Part, wanted_part

ETAG = '"abc"'


@pytest.mark.parametrize(
    ("range", "if_range", "part"),
    [
        (None, None, Part(0, 10, whole=True)),
        ("bytes=0-3", None, Part(0, 4)),
        ("bytes=4-", None, Part(4, 10)),
        ("bytes=4-99", None, Part(4, 10)),
        ("bytes=-3", None, Part(7, 10)),
        ("bytes=-99", None, Part(0, 10)),
        ("BYTES=9-9", None, Part(9, 10)),
        ("bytes=10-", None, None),
        ("bytes=-0", None, None),
        ("bytes=3-2", None, Part(0, 10, whole=True)),
        ("bytes=0-1,4-5", None, Part(0, 10, whole=True)),
        ("rows=0-1", None, Part(0, 10, whole=True)),
        ("bytes=a-", None, Part(0, 10, whole=True)),
        ("bytes=0-3", ETAG, Part(0, 4)),
        ("bytes=0-3", '"other"', Part(0, 10, whole=True)),
        ("bytes=10-", '"other"', Part(0, 10, whole=True)),
        ("bytes=0-3", f"W/{ETAG}", Part(0, 10, whole=True)),
    ],
)
def test_the_part_that_is_wanted(range: str | None, if_range: str | None, part: Part | None) -> None:
    assert wanted_part(range, if_range, size=10, etag=ETAG) == part
