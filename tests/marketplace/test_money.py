"""Money is whole fen, and is written in yuan without losing one."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from marketplace.money import LARGEST_FEN, yuan


@given(st.integers(-LARGEST_FEN, LARGEST_FEN))
def test_what_is_written_in_yuan_is_the_amount_to_the_fen(amount: int) -> None:
    assert Decimal(yuan(amount).replace("¥", "").replace(",", "")) * 100 == amount


def test_a_credit_is_written_with_its_sign() -> None:
    assert yuan(-5) == "-¥0.05"
