"""The vault's operations on saved pages of answers, as the portal calls them."""

from marketplace.vault import ASKING_SECONDS, Answer, Vault, document, listed, segment

PAGES = "/v1/answer-pages"


class VaultAnswerPages:
    """Every method takes first who asks. Raises what the vault refused with, or `Unavailable`."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault

    def of_teams(self, who: str) -> list[Answer]:
        return listed(self.vault.get(who, PAGES))

    def read(self, who: str, page: str, number: str = "") -> Answer:
        return self.vault.get(who, _of(page), **({"number": number} if number else {}))

    def history(self, who: str, page: str) -> list[Answer]:
        return listed(self.vault.get(who, f"{_of(page)}/history"))

    def save(self, who: str, page: Answer) -> Answer:
        return self.vault.post(who, PAGES, page)

    def change(self, who: str, page: str, changed: Answer) -> Answer:
        return document(self.vault.send(who, "PUT", _of(page), json=changed))

    def remove(self, who: str, page: str) -> None:
        self.vault.send(who, "DELETE", _of(page))

    def price(self, who: str, page: str) -> Answer:
        return self.vault.get(who, f"{_of(page)}/price")

    def refresh(self, who: str, page: str, priced: str) -> Answer:
        """Waits for all answers, which can take minutes."""
        path = f"{_of(page)}/refresh"
        return document(self.vault.send(who, "POST", path, json={"priced": priced}, timeout=ASKING_SECONDS))


def _of(page: str) -> str:
    return f"{PAGES}/{segment(page)}"
