"""The vault's operations on reviews before opening, as the portal calls them."""

from typing import Any

from marketplace.vault import Answer, Vault, listed, segment


class VaultOpenings:
    """Every method takes first who asks. Raises what the vault refused with, or `Unavailable`."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault

    def reviews(self, who: str, **chosen: str) -> list[Answer]:
        """`chosen`: dataset, state."""
        return listed(self.vault.get(who, "/v1/openings", **chosen))

    def one(self, who: str, number: str) -> Answer:
        return self.vault.get(who, f"/v1/openings/{segment(number)}")

    def answer(self, who: str, number: str, answers: list[dict[str, Any]]) -> Answer:
        """`answers`: item, yes, note."""
        return self.vault.post(who, f"/v1/openings/{segment(number)}/answers", {"answers": answers})

    def refuse(self, who: str, number: str, reason: str) -> Answer:
        return self.vault.post(who, f"/v1/openings/{segment(number)}/refuse", {"reason": reason})
