"""A company's code of the state has a check character. Source: GB 32100-2015."""

import pytest

from marketplace.customers.model import read_credit_code
from marketplace.customers.record import read_time_zone
from sandbox.errors import InvalidInput

GOOD = "91350100M000100Y43"  # the example of the standard


def test_the_example_of_the_standard_is_a_code() -> None:
    assert read_credit_code(f" {GOOD.lower()} ") == GOOD


@pytest.mark.parametrize(
    "wrong",
    [GOOD[:-1] + "4", GOOD[:-1], GOOD + "3", "91350100I000100Y43", "", "9135é100M000100Y43", "0" * 18],
)
def test_what_is_no_code_is_named(wrong: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_credit_code(wrong)
    assert refused.value.code == "bad_credit_code" and refused.value.remedy_zh


def test_one_wrong_sign_is_always_found() -> None:
    for place in range(4, 17):
        other = "7" if GOOD[place] != "7" else "8"
        with pytest.raises(InvalidInput):
            read_credit_code(GOOD[:place] + other + GOOD[place + 1 :])


def test_a_time_zone_is_one_of_the_iana_database() -> None:
    assert read_time_zone("Asia/Urumqi") == "Asia/Urumqi"
    for wrong in ("Asia/Huangshi", "../etc", "/etc/passwd", "Asia", "localtime", "posixrules", "right/UTC"):
        with pytest.raises(InvalidInput, match="no time zone"):
            read_time_zone(wrong)
