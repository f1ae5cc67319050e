"""The vault's operations on uploaded files and drafts, as the portal calls them."""

from collections.abc import Mapping
from typing import Any

from marketplace.vault import Answer, Vault, document, listed, segment

READING_SECONDS = 1800.0  # a whole file is read: to inspect it, or to publish it


class VaultDrafts:
    """Files and drafts at the vault. Every method takes first who asks.
    Raises what the vault refused with, or `Unavailable`."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault

    def files(self, who: str) -> list[Answer]:
        return listed(self.vault.get(who, "/v1/uploads"))

    def remove_file(self, who: str, file: str) -> None:
        self.vault.send(who, "DELETE", f"/v1/uploads/{segment(file)}")

    def rows(self, who: str, file: str, form: Mapping[str, Any], *, count: int = 20) -> Answer:
        """The first rows of a file as they are read; `form`: how the file is built, what is to be detected
        left out."""
        return self.vault.get(
            who,
            f"/v1/uploads/{segment(file)}/rows",
            count=str(count),
            **{name: str(value) for name, value in form.items() if name != "notes"},
        )

    def drafts(self, who: str) -> list[Answer]:
        return listed(self.vault.get(who, "/v1/drafts"))

    def draft(self, who: str, number: str) -> Answer:
        return self.vault.get(who, f"/v1/drafts/{segment(number)}")

    def create(self, who: str, file: str, form: Mapping[str, Any], **after: str) -> Answer:
        """Inspect a file and draft a policy for it. The whole file is read. `after`: `like` or `next_of`, a
        dataset whose policy is taken over."""
        given = {"format": dict(form)} if form else {}
        return self._post(who, "/v1/drafts", {"file": file, **given, **after})

    def inspect(self, who: str, number: str, *, revision: int, form: Mapping[str, Any]) -> Answer:
        """Read the file again, built in another way."""
        return self._post(
            who, f"/v1/drafts/{segment(number)}/inspect", {"revision": revision, "format": dict(form)}
        )

    def save(self, who: str, number: str, *, revision: int, policy: str, note: str) -> Answer:
        return document(
            self.vault.send(
                who,
                "PUT",
                f"/v1/drafts/{segment(number)}",
                json={"policy": policy, "revision": revision, **({"note": note} if note else {})},
            )
        )

    def answer(self, who: str, number: str, *, revision: int, answers: Mapping[str, Any]) -> Answer:
        """Change single values of the policy, by their paths; None removes one."""
        return self._post(
            who, f"/v1/drafts/{segment(number)}/answers", {"revision": revision, "set": dict(answers)}
        )

    def reassign(self, who: str, number: str, *, to: str, note: str) -> Answer:
        return self._post(
            who, f"/v1/drafts/{segment(number)}/hand-over", {"to": to, **({"note": note} if note else {})}
        )

    def agree(self, who: str, number: str, *, revision: int) -> Answer:
        return self._post(who, f"/v1/drafts/{segment(number)}/agree", {"revision": revision})

    def stand_in(self, who: str, number: str, *, count: int = 20) -> Answer:
        return self.vault.get(who, f"/v1/drafts/{segment(number)}/stand-in", count=str(count))

    def preview(self, who: str, number: str, *, own: bool, count: int = 20) -> Answer:
        """What the cleaning steps make of the first rows: of the officer's own file, or of invented ones."""
        rows = "own" if own else "invented"
        return self.vault.get(who, f"/v1/drafts/{segment(number)}/steps", count=str(count), rows=rows)

    def publish(self, who: str, number: str, *, revision: int, **word: str | list[str]) -> Answer:
        """`word`: notes, urgent, and the items of the review before it opens that are confirmed."""
        return self._post(who, f"/v1/drafts/{segment(number)}/publish", {"revision": revision, **word})

    def drop(self, who: str, number: str) -> None:
        self.vault.send(who, "DELETE", f"/v1/drafts/{segment(number)}")

    def _post(self, who: str, path: str, body: Answer) -> Answer:
        return document(self.vault.send(who, "POST", path, json=body, timeout=READING_SECONDS))
