"""The vault's operations on competitions, as the portal calls them."""

from typing import Any

from marketplace.vault import Answer, Vault, document, listed, segment
from sandbox.errors import NotFound

LISTED = "/v1/competitions"
DRAFTS = "/v1/competition-drafts"
FORMS = "/v1/competition-forms"
SPLITTING_SECONDS = 1800.0  # a whole dataset is read


class VaultCompetitions:
    """What a person does takes first who asks; the rest is public. Raises what the vault refused with, or
    `Unavailable`."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault

    def competitions(self) -> list[Answer]:
        return listed(document(self.vault.public(LISTED)))

    def one(self, name: str) -> Answer:
        return document(self.vault.public(_at(name)))

    def announcements(self, name: str) -> list[Answer]:
        return listed(document(self.vault.public(_at(name, "/announcements"))))

    def teams(self, name: str) -> list[Answer]:
        return listed(document(self.vault.public(_at(name, "/teams"))))

    def splits(self, name: str) -> list[Answer]:
        return listed(document(self.vault.public(_at(name, "/splits"))))

    def board(self, name: str, track: str, phase: str = "") -> Answer:
        return document(self.vault.public(_at(name, "/board"), track=track, phase=phase))

    def result(self, name: str, revision: str = "") -> Answer:
        return document(self.vault.public(_at(name, "/result"), revision=revision))

    def record(self, name: str) -> Answer:
        return document(self.vault.public(_at(name, "/record")))

    def own(self, who: str) -> list[Answer]:
        """Of the officer's department, drafts too."""
        return listed(self.vault.get(who, DRAFTS))

    def draft(self, who: str, name: str) -> Answer:
        return self.vault.get(who, f"{DRAFTS}/{segment(name)}")

    def check(self, who: str, text: str) -> Answer:
        """`faults`, and the `boards` whose numbers go together."""
        return self.vault.post(who, f"{DRAFTS}/check", {"text": text})

    def write_draft(self, who: str, text: str) -> Answer:
        return self.vault.post(who, DRAFTS, {"text": text})

    def forms(self, who: str) -> list[Answer]:
        return listed(self.vault.get(who, FORMS))

    def form(self, who: str, number: str) -> Answer:
        return self.vault.get(who, f"{FORMS}/{segment(number)}")

    def begin_form(self, who: str, text: str) -> Answer:
        return self.vault.post(who, FORMS, {"text": text})

    def keep_form(self, who: str, number: str, text: str, revision: int) -> Answer:
        body = {"text": text, "revision": revision}
        return document(self.vault.send(who, "PUT", f"{FORMS}/{segment(number)}", json=body))

    def remove_form(self, who: str, number: str) -> None:
        self.vault.send(who, "DELETE", f"{FORMS}/{segment(number)}")

    def do(self, who: str, name: str, path: str, body: Answer | None = None) -> Answer:
        """A deed of a competition, such as "/announce"; {} where there is no answer."""
        more: dict[str, Any] = {} if body is None else {"json": body}
        if path.startswith("/splits"):
            more["timeout"] = SPLITTING_SECONDS
        told = self.vault.send(who, "POST", _at(name, path), **more)
        return document(told) if told.content else {}

    def put(self, who: str, name: str, path: str, body: Answer) -> Answer:
        return document(self.vault.send(who, "PUT", _at(name, path), json=body))

    def remove_juror(self, who: str, name: str, juror: str, track: str) -> None:
        self.vault.send(who, "DELETE", _at(name, f"/jurors/{segment(juror)}"), params={"track": track})

    def list_of(self, who: str, name: str, path: str, **query: str) -> list[Answer]:
        """A list of a competition, such as "/jurors"."""
        return listed(self.vault.get(who, _at(name, path), **query))

    def get(self, who: str, name: str, path: str) -> Answer:
        return self.vault.get(who, _at(name, path))

    def own_team(self, who: str, name: str) -> Answer | None:
        """None for whoever is in no team."""
        try:
            return self.get(who, name, "/my-team")
        except NotFound as missing:
            if missing.code != "no_competition_team":
                raise
            return None

    def submit_predictor(self, who: str, new: Answer) -> str:
        """The id of a new run."""
        return str(self.vault.post(who, "/v1/runs", new)["id"])


def _at(name: str, path: str = "") -> str:
    return f"{LISTED}/{segment(name)}{path}"
