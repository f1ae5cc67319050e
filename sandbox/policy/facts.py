"""What a decision was made of: the attributes of the person, the object and the circumstances at that moment.

They are kept as JSON beside the log's entry of the deed, and are read back to explain the decision.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

Plain = str | int | bool | list[str]
"""An attribute as Cedar's JSON and the log take it; sets are sorted lists."""


@dataclass(frozen=True)
class Facts:
    """`principal`: organisation, roles, teams and kind of the person. `resource`: the attributes that the
    caller gave, without `possible`, which follows from the grade. `rules`: the digest of the rules."""

    person: str
    action: str
    kind: str
    id: str
    principal: Mapping[str, Plain]
    resource: Mapping[str, Plain]
    context: Mapping[str, Plain]
    rules: str = ""

    def with_attribute(self, of: str, attribute: str, value: Plain) -> "Facts":
        """The same with one attribute of the principal, the resource or the context set."""
        if (of, attribute) == ("principal", "id"):
            return replace(self, person=str(value))
        changed: dict[str, Any] = {of: {**getattr(self, of), attribute: value}}
        return replace(self, **changed)

    def attribute(self, of: str, attribute: str) -> Plain | None:
        """None where it was not given."""
        if attribute == "id" and of != "context":
            return self.person if of == "principal" else self.id
        value: Plain | None = getattr(self, of).get(attribute)
        return value

    def stored(
        self, *, allowed: bool, code: str, policies: tuple[str, ...], hidden: bool
    ) -> dict[str, object]:
        """As the log keeps it, with the answer."""
        answer = {"allowed": allowed, "code": code, "policies": list(policies), "hidden": hidden}
        return {**asdict(self), **answer}


@dataclass(frozen=True)
class StoredDecision:
    """A decision as it was kept."""

    facts: Facts
    allowed: bool
    code: str
    policies: tuple[str, ...]
    hidden: bool


def read_stored(document: Mapping[str, Any]) -> StoredDecision:
    """What `Facts.stored` wrote."""
    names = ("person", "action", "kind", "id", "principal", "resource", "context", "rules")
    return StoredDecision(
        Facts(**{name: document[name] for name in names}),
        allowed=document["allowed"],
        code=document["code"],
        policies=tuple(document["policies"]),
        hidden=document["hidden"],
    )
