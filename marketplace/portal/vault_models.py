"""The vault's operations on the model library, as the portal calls them."""

from marketplace.vault import Answer, Vault, segment

LISTED = "/v1/models"
EVALUATED_SECONDS = 120.0  # a model is tried in a seal before it is registered


class VaultModels:
    """Each takes first who asks. Raises what the vault refused with, or `Unavailable`."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault

    def search(self, who: str, words: str) -> list[Answer]:
        """The newest first, every version of its own."""
        return self._list(who, search=words)

    def versions(self, who: str, name: str) -> list[Answer]:
        """The newest first; empty for a name that no model has."""
        return self._list(who, name=name)

    def version(self, who: str, name: str, version: int) -> Answer:
        return self.vault.get(who, f"{LISTED}/{segment(name)}/{version}")

    def register(self, who: str, new: Answer) -> Answer:
        found: Answer = self.vault.send(who, "POST", LISTED, json=new, timeout=EVALUATED_SECONDS).json()
        return found

    def retire(self, who: str, name: str, version: int, wanted: Answer) -> Answer:
        return self.vault.post(who, f"{LISTED}/{segment(name)}/{version}/retire", wanted)

    def _list(self, who: str, **query: str) -> list[Answer]:
        return [one for one in self.vault.get(who, LISTED, **query)["models"] if isinstance(one, dict)]
