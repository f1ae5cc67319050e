"""No cell of a CSV that we write begins a formula in a spreadsheet, whatever signs that nobody sees stand
before it (OWASP, CSV injection; CWE-1236)."""

import csv
import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.spreadsheet_cells import begins_like_formula, guarded, guarded_csv

SIGNS_NOBODY_SEES = "\u200b\ufeff\u2060\u00ad\u200e\u202e\u2028\u00a0\u3000\u0301\ufe0f \t\r\n\x0b\x1f"
UNSEEN = st.text(st.sampled_from(SIGNS_NOBODY_SEES), max_size=4)
BEGINNINGS = st.sampled_from("=+-@|＝＋－＠｜﹢﹣﹦﹫−")
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@given(UNSEEN, BEGINNINGS, texts.filter(lambda text: not text[:1].isdigit()))
def test_whatever_stands_before_it_a_formula_is_led_by_an_apostrophe(before, sign, rest) -> None:
    assert guarded(before + sign + rest) == "'" + before + sign + rest


@given(st.lists(st.lists(texts | UNSEEN, min_size=1, max_size=3), max_size=4))
def test_no_cell_of_a_written_csv_begins_a_formula(rows) -> None:
    for row in csv.reader(io.StringIO(guarded_csv(rows), newline="")):
        for cell in row:
            assert not begins_like_formula(cell)
            assert not cell.startswith(("\t", "\r", "\n"))
            assert unicodedata.normalize("NFKC", cell)[:1] not in set("=+-@|") or cell[1:2].isdigit()


@given(st.integers(), st.decimals(allow_nan=False, allow_infinity=False, places=2))
def test_numbers_stay_numbers(whole, amount) -> None:
    assert guarded(whole) == whole
    assert guarded(str(whole)) == str(whole) and guarded(str(amount)) == str(amount)


@pytest.mark.parametrize("text", ["a=b", "企业检查", "1+1", "'quoted", "", "½", "https://x"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert guarded(text) == text


@pytest.mark.parametrize("text", ["-5+cmd|' /C calc'!A0", "+1-1", "-1,2", "=1", "１＝".strip("１"), "-١"])
def test_what_begins_like_a_number_and_is_none_is_guarded(text: str) -> None:
    assert guarded(text) == "'" + text
