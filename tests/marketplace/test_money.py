"""Money is whole fen, and is written in yuan without losing one."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.money import LARGEST_FEN, fen_of, yuan
from marketplace.portal.competitions.form_faults import FormFaults
from marketplace.portal.competitions.form_fields import shown_in, value_in
from sandbox.errors import InvalidInput


@given(st.integers(-LARGEST_FEN, LARGEST_FEN))
def test_what_is_written_in_yuan_is_the_amount_to_the_fen(amount: int) -> None:
    assert Decimal(yuan(amount).replace("¥", "").replace(",", "")) * 100 == amount


@given(st.integers(0, 10**14 - 1))
def test_an_amount_is_read_as_it_is_written_with_commas_or_without(fen: int) -> None:
    written = yuan(fen)
    assert fen_of(written) == fen_of(written.replace(",", "")) == fen
    assert fen_of(written.replace(",", "，").replace("¥", "￥")) == fen
    assert value_in("yuan", shown_in("yuan", fen)) == (fen or 0)


@given(st.text("0123456789,.", min_size=1, max_size=16))
def test_what_is_read_as_an_amount_has_commas_between_thousands_only(text: str) -> None:
    try:
        fen = fen_of(text)
    except InvalidInput:
        return
    assert fen is not None and Decimal(text.replace(",", "")) * 100 == fen
    whole = text.partition(".")[0]
    assert "," not in whole or f"{fen // 100:,}" == whole


@pytest.mark.parametrize(
    "text", ["1,5", "1,50", "0,500", "1,0000", ",500", "1.000,5", "0.005", "-1", "１２", "much"]
)
def test_what_is_no_amount_is_refused_and_stays_in_the_organisers_form(text: str) -> None:
    with pytest.raises(InvalidInput, match="is not an amount in yuan"):
        fen_of(text)
    assert value_in("yuan", text) == text
    path = "tracks.0.prizes.0.amount_fen"
    told = {"path": path, "message": {"en": "an integer", "zh": "an integer"}, "remedy": {"en": "", "zh": ""}}
    tree = {"tracks": [{"prizes": [{"amount_fen": text}]}]}
    [fault] = FormFaults({"faults": [told], "boards": []}, tree).at(path)
    assert "不是以元为单位的金额" in fault.zh and "is not an amount in yuan" in fault.en and not fault.own


def test_an_empty_field_is_no_amount() -> None:
    assert (fen_of("0.05"), fen_of("¥120"), fen_of(" ")) == (5, 12_000, None)


def test_a_credit_is_written_with_its_sign() -> None:
    assert yuan(-5) == "-¥0.05"
