"""The vault's operations on the life of datasets and on demands, as the portal calls them."""

from typing import Any

from marketplace.vault import BUYING_SECONDS, Answer, Vault, listed, segment


class VaultLife:
    """Every method takes first who asks. Raises what the vault refused with, or `Unavailable`."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault

    def versions(self, who: str, name: str) -> Answer:
        return self.vault.get(who, f"/v1/datasets/{segment(name)}/versions")

    def changes(self, who: str, name: str, first: str, second: str) -> Answer:
        return self.vault.get(who, f"/v1/datasets/{segment(name)}/changes", **{"from": first, "to": second})

    def announcements(self, who: str, name: str) -> list[Answer]:
        return listed(self.vault.get(who, f"/v1/datasets/{segment(name)}/announcements"))

    def my_announcements(self, who: str) -> list[Answer]:
        """Of all datasets that the person uses."""
        return listed(self.vault.get(who, "/v1/announcements"))

    def steps(self, who: str, name: str) -> list[Answer]:
        return listed(self.vault.get(who, f"/v1/datasets/{segment(name)}/lifecycle"))

    def begin(self, who: str, name: str, step: Answer) -> Answer:
        return self.vault.post(who, f"/v1/datasets/{segment(name)}/lifecycle", step)

    def agree(self, who: str, name: str, step: str) -> Answer:
        return self.vault.post(who, f"/v1/datasets/{segment(name)}/lifecycle/{segment(step)}/agree", {})

    def drop(self, who: str, name: str, step: str) -> None:
        self.vault.send(who, "DELETE", f"/v1/datasets/{segment(name)}/lifecycle/{segment(step)}")

    def open_copy(self, who: str, name: str) -> Answer:
        """Copy the newest version for sale, where its grade and its review allow that."""
        path = f"/v1/datasets/{segment(name)}/open-copy"
        copied: Answer = self.vault.send(who, "POST", path, json={}, timeout=BUYING_SECONDS).json()
        return copied

    def contract(self, who: str, name: str) -> Answer:
        """The newest policy as a data contract."""
        return self.vault.get(who, f"/v1/datasets/{segment(name)}/contract")

    def demands(self, who: str, **wanted: str) -> list[Answer]:
        """The newest first. `wanted`: department."""
        return listed(self.vault.get(who, "/v1/demands", **wanted))

    def make_demand(self, who: str, **demand: Any) -> Answer:
        """`demand`: title, purpose, department."""
        return self.vault.post(who, "/v1/demands", demand)

    def answer_demand(self, who: str, number: str, **answer: Any) -> Answer:
        """`answer`: state, answer, dataset."""
        return self.vault.post(who, f"/v1/demands/{segment(number)}/answer", answer)
