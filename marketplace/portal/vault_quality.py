"""The vault's operations on quality and on reported problems, as the portal calls them."""

from typing import Any

from marketplace.vault import BUYING_SECONDS, Answer, Vault, document, listed, segment


class VaultQuality:
    """Every method takes first who asks. Raises what the vault refused with, or `Unavailable`."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault

    def report(self, who: str, dataset: str, version: int) -> Answer:
        """Exact figures of a version, for the officer who published it."""
        return self.vault.get(who, f"/v1/datasets/{segment(dataset)}/versions/{version}/quality")

    def draft_report(self, who: str, number: str) -> Answer:
        """The same of a draft's file, for its officer. The whole file is read."""
        path = f"/v1/drafts/{segment(number)}/quality"
        return document(self.vault.send(who, "GET", path, timeout=BUYING_SECONDS))

    def buy_classes(self, who: str, dataset: str, epsilon: str) -> Answer:
        path = f"/v1/datasets/{segment(dataset)}/quality"
        return document(self.vault.send(who, "POST", path, json={"epsilon": epsilon}, timeout=BUYING_SECONDS))

    def report_problem(self, who: str, dataset: str, *, column: str, words: str) -> Answer:
        said: dict[str, Any] = {"words": words, "column": column or None}
        return self.vault.post(who, f"/v1/datasets/{segment(dataset)}/reports", said)

    def problems(self, who: str) -> list[Answer]:
        return listed(self.vault.get(who, "/v1/reports"))

    def answer_problem(self, who: str, number: str, *, outcome: str, words: str) -> Answer:
        return self.vault.post(
            who, f"/v1/reports/{segment(number)}/answer", {"outcome": outcome, "words": words}
        )
