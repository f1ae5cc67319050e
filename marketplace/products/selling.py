"""Defines what the deeds of a seller need, made once where the portal is put together."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from marketplace.offers.price_rules import PriceRules
from marketplace.products.copies import Copies
from marketplace.products.default_masks import MaskRules
from marketplace.products.model import Product
from marketplace.vault import Vault
from sandbox.database import Database, Transaction
from sandbox.policy import Gate


class Buyers(Protocol):
    """What licences say to products: they stand above them."""

    def in_use(self, tx: Transaction, product_id: str) -> bool:
        """Whether a licence of the product is live."""
        ...

    def pay_by_the_byte(self, tx: Transaction, product_id: str) -> bool:
        """Whether the price of one of its live licences counts bytes."""
        ...

    def allowed_holders(self, tx: Transaction, released: Product) -> list[str]:
        """The organisations with a live licence that may have the product as it is released. They are locked
        in order."""
        ...

    def give_notice(
        self, tx: Transaction, product_id: str, *, ends_at: datetime, by: str, now: datetime, reason: str
    ) -> int:
        """Let the licences of the product end then that would go on longer; gives how many."""
        ...

    def entitle(self, tx: Transaction, product_id: str, release: int, holders: Sequence[str]) -> None:
        """Let the live licences of these organisations have a release."""
        ...


@dataclass(frozen=True)
class Selling:
    """Database, gate, vault, open copies, price rules, who bought, and the masks of grades."""

    database: Database
    gate: Gate
    vault: Vault
    copies: Copies
    rules: PriceRules
    buyers: Buyers
    masks: MaskRules
