"""Money is a whole number of fen (分), one hundredth of a yuan. There is no float anywhere."""

import re
from decimal import Decimal

from sandbox.errors import InvalidInput

YUAN = re.compile(r"(?:[0-9]{1,12}|[1-9][0-9]{0,2}(?:,[0-9]{3}){1,3})(?:\.[0-9]{1,2})?")
"""An amount as people type it. A comma stands between thousands only: 1,5 and 0,500 are no amounts."""
FULL_WIDTH = str.maketrans("￥，．", "¥,.")
"""As a Chinese keyboard writes them."""
LARGEST_FEN = 10**15  # ten trillion yuan: far above any price, far below the end of a bigint


def yuan(amount_fen: int) -> str:
    """The amount as people write it: 1234567 is ¥12,345.67."""
    sign, amount = ("-" if amount_fen < 0 else ""), abs(amount_fen)
    return f"{sign}¥{amount // 100:,}.{amount % 100:02d}"


def fen_of(text: str) -> int | None:
    """An amount in yuan that somebody typed, in fen; None for an empty field. Raises `InvalidInput`."""
    text = text.strip().translate(FULL_WIDTH).removeprefix("¥")
    if not text:
        return None
    if not YUAN.fullmatch(text):
        raise InvalidInput(
            f"{text[:40]!r} is not an amount in yuan.",
            remedy="Write it like 0.05, 120 or 1,200: at most two decimals, commas between thousands only.",
            zh=f"“{text[:40]}”不是以元为单位的金额。",
            remedy_zh="请按 0.05、120 或 1,200 的形式填写，最多两位小数，逗号仅用作千位分隔。",
        )
    return int(Decimal(text.replace(",", "")) * 100)
