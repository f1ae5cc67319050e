"""A price document says what it costs, or that it is free; what cannot be a price is refused."""

import pytest
from pydantic import ValidationError

from marketplace.money import LARGEST_FEN
from marketplace.offers.price import Price

CALLS = {"unit": "call", "tiers": [{"fen": 5}]}


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ({}, "either free"),
        ({"free": True, "usage": [CALLS]}, "either free"),
        ({"free": True, "month_maximum_fen": 5}, "needs no trial"),
        ({"usage": [CALLS, CALLS]}, "priced twice"),
        ({"usage": [CALLS], "monthly_fee_fen": 7, "month_maximum_fen": 6}, "above the monthly maximum"),
        ({"usage": [{"unit": "call", "tiers": []}]}, "at least 1"),
        ({"usage": [{"unit": "call", "tiers": [{"fen": 5, "up_to": 9}]}]}, "has no up_to"),
        ({"usage": [{"unit": "call", "tiers": [{"fen": 5}, {"fen": 4}]}]}, "has no up_to"),
        (
            {
                "usage": [
                    {"unit": "call", "tiers": [{"fen": 5, "up_to": 9}, {"fen": 4, "up_to": 9}, {"fen": 1}]}
                ]
            },
            "ends above",
        ),
        ({"usage": [{"unit": "row", "tiers": [{"fen": 0.5}]}]}, "integer"),
        ({"usage": [{"unit": "row", "tiers": [{"fen": -1}]}]}, "greater than or equal"),
        ({"usage": [{"unit": "row", "tiers": [{"fen": LARGEST_FEN + 1}]}]}, "less than or equal"),
        ({"usage": [{"unit": "row", "tiers": [{"fen": 1, "per": 0}]}]}, "greater than or equal"),
        ({"usage": [{"unit": "smile", "tiers": [{"fen": 1}]}]}, "'call'"),
        ({"usage": [CALLS], "discount": 5}, "not permitted"),
    ],
)
def test_what_cannot_be_a_price_is_refused(document: dict[str, object], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Price.model_validate(document)


def test_a_price_is_read_from_what_it_writes() -> None:
    price = Price.model_validate(
        {
            "usage": [{"unit": "row", "included": 9, "tiers": [{"fen": 3, "per": 1000}], "rounding": "up"}],
            "monthly_fee_fen": 500,
            "month_maximum_fen": 9000,
            "one_off_fen": 100,
            "trial": {"days": 30},
        }
    )
    assert Price.model_validate(price.model_dump(mode="json")) == price
