"""Money is whole fen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.money import LARGEST_FEN, fen, read_yuan, yuan
from sandbox.errors import InvalidInput


@given(st.integers(0, LARGEST_FEN))
def test_what_is_written_in_yuan_is_read_back_to_the_fen(amount: int) -> None:
    assert read_yuan(yuan(amount).replace("¥", "").replace(",", ""), what="x") == amount


@pytest.mark.parametrize("value", [1.0, -1, True, "5", None, LARGEST_FEN + 1])
def test_only_whole_fen_are_an_amount(value: object) -> None:
    with pytest.raises(InvalidInput):
        fen(value, what="the price")


@pytest.mark.parametrize("text", ["", "-1", "1.", "1.234", "1e3", "1,000", "٣", ".5", "1.5.5"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        read_yuan(text, what="the price")


def test_a_credit_is_written_with_its_sign() -> None:
    assert yuan(-5) == "-¥0.05"
