"""What a whole month costs, computed at once: what charging call by call must come to."""

from marketplace.offers.price import Price, Quantity


def month_cost(price: Price, used: Quantity) -> int:
    """Of a month with this use, in fen: usage and monthly fee, and never above the maximum."""
    return min(price.most_a_month, price.monthly_fee_fen + price.usage_cost(used))
