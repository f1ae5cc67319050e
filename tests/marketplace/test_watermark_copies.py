"""A copy that was found is read in memory of its own size, whatever stands in its cells."""

import io

import pytest
from starlette.datastructures import UploadFile

from marketplace.delivery.watermarks import trace
from marketplace.delivery.watermarks.trace import DIGEST_BYTES, canonical, read_copy, row_digest
from marketplace.portal.pages import watermarks
from sandbox.errors import InvalidInput


def test_a_number_with_a_large_exponent_is_not_written_out() -> None:
    for typed in ("1e999", "-1E+999", "1e-999", "9" * 60 + "e900"):
        assert len(canonical(typed)) < 50, typed
    assert canonical("1e999") == canonical("10.0E998") != canonical("1e998")
    assert canonical("1e3") == canonical("1000.0") == "1000" and canonical("0e999") == "0"
    assert canonical("1e40") == "1" + "0" * 40


def test_a_row_is_kept_as_its_digest() -> None:
    copy = read_copy(b"a,b\nx,1.0\ny,2\nz,3\nz,3.0\n")
    assert copy.places == {row_digest(("x", "1")): 0, row_digest(("y", "2")): 1} and copy.rows == 4
    assert {len(row) for row in copy.places} == {DIGEST_BYTES}
    assert row_digest(("ab", "c")) != row_digest(("a", "bc")) != row_digest(("abc",))


def test_the_page_takes_no_larger_file_than_the_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watermarks, "MOST_BYTES", 4)
    assert watermarks.read_upload(UploadFile(io.BytesIO(b"1234"))) == b"1234"
    for large in (UploadFile(io.BytesIO(b"12345")), "12345"):
        with pytest.raises(InvalidInput) as refused:
            watermarks.read_upload(large)
        assert refused.value.code == trace.too_large().code
