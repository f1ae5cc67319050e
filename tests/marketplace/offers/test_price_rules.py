"""A price above the guided limits, or a price for the public's benefit, is refused with rule, value and
remedy; what one buyer holds is graded together."""

from pathlib import Path

import pytest

from marketplace.offers.document import LicenceTerms, OfferDocument
from marketplace.offers.price import Price
from marketplace.offers.price_rules import read_price_rules
from marketplace.offers.summary import summary
from marketplace.orders.place_order import for_use
from marketplace.products.model import Terms, terms_of_document
from sandbox.errors import Forbidden, InvalidInput
from sandbox.policy import Gate

POLICIES = Path(__file__).parents[3] / "policies"
RULES = read_price_rules(POLICIES)
GRADES = Gate(POLICIES).grades


def offer(price: dict[str, object], **terms: object) -> OfferDocument:
    return OfferDocument(
        price=Price.model_validate(price), terms=LicenceTerms.model_validate({"purpose": "选址", **terms})
    )


def per(unit: str, fen: int, units: int = 1) -> dict[str, object]:
    return {"usage": [{"unit": unit, "tiers": [{"fen": fen, "per": units}]}]}


@pytest.mark.parametrize(
    ("price", "words"),
    [
        (per("call", 10**15), "¥10,000,000,000,000.00 / 1; the guided limit is ¥1,000.00 / 1"),
        (per("call", 100_001), "price per call"),
        (per("byte", 10_001, 10**6), "price per byte"),
        ({"usage": [{"unit": "row", "tiers": [{"fen": 1, "up_to": 5}, {"fen": 10_001}]}]}, "price per row"),
        ({"monthly_fee_fen": 10_000_001}, "monthly fee"),
        (
            {"usage": [per(unit, fen)["usage"][0] for unit, fen in (("call", 99_000), ("row", 1_001))]},  # type: ignore[index]
            "a call that finds a row is ¥1,000.01",
        ),
        (
            {"usage": [per(unit, 50_001)["usage"][0] for unit in ("call", "successful_call")]},  # type: ignore[index]
            "a call that finds a row is ¥1,000.02",
        ),
        ({"one_off_fen": 100_000_001}, "one-off fee"),
    ],
)
def test_a_price_above_a_limit_is_refused_with_rule_value_and_remedy(
    price: dict[str, object], words: str
) -> None:
    with pytest.raises(InvalidInput, match=words) as refused:
        RULES.check(offer(price))
    assert refused.value.code == "price_above_limit"
    assert "发改价格〔2025〕65号" in refused.value.message and "发改价格〔2025〕65号" in refused.value.zh
    assert refused.value.remedy and refused.value.remedy_zh


def test_without_the_rules_nothing_is_sold(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="prices.yaml is missing") as refused:
        read_price_rules(tmp_path)
    assert refused.value.remedy


def test_a_price_at_its_limit_is_allowed() -> None:
    RULES.check(offer(per("call", 100_000)))
    RULES.check(offer(per("byte", 1, 100)))


def test_for_the_public_benefit_only_what_is_free_is_offered() -> None:
    RULES.check(offer({"free": True}, use="public_welfare"))
    with pytest.raises(InvalidInput, match="provided free") as refused:
        RULES.check(offer(per("call", 1), use="public_welfare"))
    assert refused.value.code == "must_be_free"
    with pytest.raises(InvalidInput, match="no use 'war'"):
        RULES.check(offer(per("call", 1), use="war"))


def test_a_buyer_for_the_public_benefit_gets_the_offer_free() -> None:
    sold = offer(per("call", 9))
    assert for_use(sold, None, RULES) == for_use(sold, "industry", RULES) == sold
    free = for_use(sold, "public_governance", RULES)
    assert free.price.free and free.terms.use == "public_governance" and free.digest != sold.digest
    with pytest.raises(InvalidInput, match="not offered for industry"):
        for_use(free, "industry", RULES)


def test_columns_that_name_a_person_together_are_not_held_together() -> None:
    alone = RULES.require_combination(GRADES, ["name", "score"], ["1", "1"], "open_sale")
    assert alone == "1"
    with pytest.raises(Forbidden, match=r"grade 3.*\(name, phone\)") as refused:
        RULES.require_combination(GRADES, ["name", "score", "phone"], ["1", "1"], "open_sale")
    assert refused.value.code == "combination_grade" and refused.value.remedy_zh


def test_a_digest_names_the_document_and_nothing_else() -> None:
    assert offer(per("call", 5)).digest == offer(per("call", 5)).digest
    assert offer(per("call", 5)).digest != offer(per("call", 6)).digest
    assert offer(per("call", 5)).digest != offer(per("call", 5), redistribution=True).digest


def test_the_summary_says_everything_in_both_languages() -> None:
    document = offer(
        {
            "usage": [
                {
                    "unit": "row",
                    "included": 100,
                    "tiers": [{"fen": 3, "per": 1000, "up_to": 5000}, {"fen": 2, "per": 1000}],
                }
            ],
            "monthly_fee_fen": 9900,
            "month_maximum_fen": 50_000,
            "one_off_fen": 100,
            "trial": {"days": 30},
        },
        territory=("CN",),
        attribution="黄石市",
        compute_only=True,
    )
    chinese, english = zip(*summary(document, RULES), strict=True)
    assert english == (
        "¥1.00 are due once, with the first delivery.",
        "A month with a delivery costs a fee of ¥99.00.",
        "The first 100 of each month (row) are free.",
        "From 0 to 5,000: ¥0.03 per 1,000 (row).",
        "Above 5,000: ¥0.02 per 1,000 (row).",
        "What is less than a fen in the month's sum is dropped.",
        "A month costs ¥500.00 at most.",
        "The first 30 days are a free trial.",
        "Purpose: 选址 (industry and business).",
        "It lasts 1098 days at most.",
        "10,000 calls a month and 10 a second at most.",
        "It may be used in CN only.",
        "It may not be passed on.",
        "Name the source: 黄石市.",
        "It may be computed with, and not be kept.",
    )
    assert len(chinese) == len(english) and all(sentence.endswith("。") for sentence in chinese)


def test_the_older_fields_and_the_document_say_the_same() -> None:
    terms = Terms(
        price_fen=5,
        monthly_fee_fen=7,
        free_calls=3,
        cap_fen=900,
        calls_per_month=50,
        calls_per_second=2,
        grace_days=1,
        purpose="选址",
        redistribution=True,
    )
    assert terms_of_document(terms.as_document) == terms
    rows = terms_of_document(offer(per("row", 3, 1000)))
    assert (rows.price_fen, rows.cap_fen) == (0, None)
    assert terms_of_document(offer(per("call", 1, 1000))).price_fen == 1, "rounded up"
