"""How much? Money is a whole number of fen (分), one hundredth of a yuan. There is no float anywhere."""

from sandbox.errors import InvalidInput

LARGEST_FEN = 10**15  # ten trillion yuan: far above any price, far below the end of a bigint


def fen(value: object, *, what: str) -> int:
    """A price or a fee in fen. Raises `InvalidInput` for anything but a whole number from 0."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_FEN:
        raise InvalidInput(f"{what} is not a whole number of fen from 0.", mend="One yuan is 100 fen.")
    return value


def yuan(amount_fen: int) -> str:
    """The amount as people write it: 1234567 is ¥12,345.67."""
    sign, amount = ("-" if amount_fen < 0 else ""), abs(amount_fen)
    return f"{sign}¥{amount // 100:,}.{amount % 100:02d}"


def read_yuan(text: str, *, what: str) -> int:
    """Fen from what somebody typed in yuan, such as "0.05". Raises `InvalidInput`."""
    whole, dot, part = text.strip().partition(".")
    if not (whole.isascii() and whole.isdigit()) or (dot and not (part.isascii() and part.isdigit() and len(part) <= 2)):
        raise InvalidInput(f"{what} is not an amount in yuan.", mend="Write it like 12 or 0.05.")
    return fen(int(whole) * 100 + int(part.ljust(2, "0") or 0), what=what)
