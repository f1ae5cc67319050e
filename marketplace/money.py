"""Money is a whole number of fen (分), one hundredth of a yuan. There is no float anywhere."""

LARGEST_FEN = 10**15  # ten trillion yuan: far above any price, far below the end of a bigint


def yuan(amount_fen: int) -> str:
    """The amount as people write it: 1234567 is ¥12,345.67."""
    sign, amount = ("-" if amount_fen < 0 else ""), abs(amount_fen)
    return f"{sign}¥{amount // 100:,}.{amount % 100:02d}"
