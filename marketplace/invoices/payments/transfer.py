"""Defines a transfer, and the port by which transfers come: whatever reads them implements
`TransferSource`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol


@dataclass(frozen=True)
class Transfer:
    """Money that came. `reference` is the bank's number of it; with the day, the amount and `account` (ours,
    on which it came; empty if it is not said) it names the transfer, so that none counts twice. `memo` is
    what the payer wrote, where the invoice's number should stand. Below zero: paid out."""

    reference: str
    paid_on: date
    amount_fen: int
    payer: str
    memo: str
    account: str = ""


class TransferSource(Protocol):
    """Reads what a bank gives out."""

    def read(self, content: bytes) -> Sequence[Transfer]:
        """Raises `InvalidInput`, naming the line."""
        ...
