"""What an officer knows to be usual, as the wizard's form writes and reads it."""

import pytest

from marketplace.portal.drafts.answers import Field, as_text, changes
from marketplace.portal.drafts.policy_values import PolicyValues
from sandbox.errors import InvalidInput

SHARES = Field("columns.a.typical.shares", "shares")
MEDIAN = Field("columns.a.typical.median", "number")


def typed(**given: str) -> dict:
    return changes(
        [SHARES, MEDIAN],
        PolicyValues(""),
        {SHARES.path: given["shares"], MEDIAN.path: given["median"]},
        accepted={},
    )


def test_shares_and_numbers_are_read_and_written_back() -> None:
    made = typed(shares="north: 0.7\r\n南：0.25\n", median="2.5")
    assert made == {SHARES.path: {"north": 0.7, "南": 0.25}, MEDIAN.path: 2.5}
    assert as_text(made[SHARES.path]) == "north: 0.7\n南: 0.25"
    assert typed(shares="", median="3") == {MEDIAN.path: 3}


@pytest.mark.parametrize("shares", ["north", "north: many", "0.7"])
def test_what_is_no_share_is_told(shares: str) -> None:
    with pytest.raises(InvalidInput, match="is not"):
        typed(shares=shares, median="")
