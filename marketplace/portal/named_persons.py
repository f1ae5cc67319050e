"""Reads who has taken on what waits, in the vault and in the market, for whoever looks."""

from collections.abc import Mapping

from marketplace.portal.market_things import KINDS
from marketplace.vault import Answer, Vault, listed, segment
from sandbox.errors import CihuError
from sandbox.identity import Principal
from sandbox.oversight.taken_on import (
    TakenOnContext,
    give_back,
    pass_on,
    take_on,
    taken_on_by,
    waiting_thing,
)

TAKE_ON = frozenset({"officer", "operator"})
Named = Mapping[tuple[str, str], Answer]
"""By kind and id of a thing: who has taken it on."""


class NamedPersons:
    def __init__(self, vault: Vault, market: TakenOnContext) -> None:
        self.vault, self.market = vault, market

    def of(self, person: Principal) -> Named:
        """Raises what the vault does that cannot be asked."""
        if not TAKE_ON & person.roles:
            return {}
        found: list[Answer] = [{**each} for each in taken_on_by(self.market, person)]
        if "officer" in person.roles:
            found += listed(self.vault.get(person.id, "/v1/taken-on"))
        return {(each["kind"], each["id"]): each for each in found}

    def where_known(self, person: Principal) -> Named:
        """For pages that say it beside what they are about."""
        try:
            return self.of(person)
        except CihuError:
            return {}

    def thing(self, vault: Vault, person: Principal, kind: str, id: str) -> Answer:
        """`vault`: in the language of the page."""
        if kind in KINDS:
            return {**waiting_thing(self.market, person, kind, id)}
        return vault.get(person.id, _path(kind, id))

    def take_on(self, vault: Vault, person: Principal, kind: str, id: str, instead_of: str) -> None:
        if kind in KINDS:
            take_on(self.market, person, kind, id, instead_of=instead_of or None)
        else:
            body = {"instead_of": instead_of} if instead_of else {}
            vault.post(person.id, f"{_path(kind, id)}/take-on", body)

    def pass_on(self, vault: Vault, person: Principal, kind: str, id: str, *, to: str, note: str) -> None:
        if kind in KINDS:
            pass_on(self.market, person, kind, id, to=to, note=note)
        else:
            vault.post(person.id, f"{_path(kind, id)}/hand-over", {"to": to, "note": note})

    def give_back(self, vault: Vault, person: Principal, kind: str, id: str) -> None:
        if kind in KINDS:
            give_back(self.market, person, kind, id)
        else:
            vault.send(person.id, "POST", f"{_path(kind, id)}/give-back")


def _path(kind: str, id: str) -> str:
    return f"/v1/waiting/{segment(kind)}/{segment(id)}"
