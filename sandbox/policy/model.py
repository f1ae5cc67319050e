"""Defines what is asked of the gate, and its answer: a decision with its code and its reason, never a bare
boolean."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from sandbox.errors import CihuError, Forbidden
from sandbox.policy.facts import Facts

NO_PERMIT = "no_permit"
POLICY_ERROR = "policy_error"

Value = str | int | bool | list[str] | tuple[str, ...] | set[str] | frozenset[str]


@dataclass(frozen=True)
class Resource:
    """What somebody wants to do something with.
    `kind` and the attributes are those of policies/schema.cedarschema; `id` and `possible`
    are added by the gate."""

    kind: str
    id: str
    attributes: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """The question, as far as it may be shown."""

    principal: str
    action: str
    resource_kind: str
    resource_id: str

    def __str__(self) -> str:
        return f"{self.principal}: {self.action} {self.resource_kind} {self.resource_id}"


@dataclass(frozen=True)
class Decision:
    """`code` is the id of the rule that decided, "no_permit" (no rule allows it) or "policy_error"
    (it could not be decided, so it is refused). `policies` are the ids of all rules that decided the same.
    `internal` is for operators. `facts`: what it was made of; None where the question could not be put.
    `hidden`: whoever asked is told that there is no such thing."""

    allowed: bool
    code: str
    reason: str
    reason_zh: str
    policies: tuple[str, ...]
    asked: Asked
    remedy: str = ""
    remedy_zh: str = ""
    internal: str = ""
    facts: Facts | None = field(default=None, compare=False, repr=False)
    hidden: bool = field(default=False, compare=False)

    @property
    def stored(self) -> dict[str, object] | None:
        """As the log keeps it."""
        if self.facts is None:
            return None
        return self.facts.stored(
            allowed=self.allowed, code=self.code, policies=self.policies, hidden=self.hidden
        )


class Refused(Forbidden):
    """A `Forbidden` that carries the whole decision, for whoever shows or logs it."""

    def __init__(self, decision: Decision) -> None:
        super().__init__(
            decision.reason,
            code=decision.code,
            remedy=decision.remedy,
            internal=decision.internal,
            zh=decision.reason_zh,
            remedy_zh=decision.remedy_zh,
        )
        self.decision = decision
        self.logged = False


@contextmanager
def hidden_from_strangers(missing: CihuError, *, seen: bool) -> Iterator[None]:
    """A refusal is shown as `missing`, the error for a thing that does not exist, unless the caller may
    see the thing. Otherwise refusals would tell one team what another has. It is not logged."""
    try:
        yield
    except Refused as refused:
        if not seen:
            refused.shown_as = missing
            refused.decision = replace(refused.decision, hidden=True)
        raise
