"""The policy gate: the one place where Cedar decides, from policies/, whether a principal may do something.

Whatever goes wrong while deciding is a refusal with the code "policy_error". Cedar itself leaves out a rule
that fails, which could leave out a forbid: so any error in any rule refuses.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cedarpy

from sandbox.audit.decision_trace import note_decision
from sandbox.identity import Principal
from sandbox.policy.explain import Language, explain
from sandbox.policy.facts import Facts, Plain
from sandbox.policy.grades import Grades, load_grades
from sandbox.policy.model import NO_PERMIT, POLICY_ERROR, Asked, Decision, Refused, Resource, Value
from sandbox.policy.rules import Rule, Rules, load_rules

Context = Mapping[str, Value]
Entity = dict[str, object]


class Gate:
    """The rules of a folder. Raises `Unavailable` or `InvalidInput` if they cannot be used,
    so nothing starts."""

    def __init__(self, folder: Path) -> None:
        self.rules = load_rules(folder)
        self.grades = load_grades(folder / "grades.yaml")
        self._of_action: dict[str, Rules] = {}

    def decide(
        self, principal: Principal, action: str, resource: Resource, context: Context | None = None
    ) -> Decision:
        """The decision; never raises."""
        return decide(self._rules_of(action), self.grades, principal, action, resource, context or {})

    def decide_all(self, principal: Principal, action: str, resources: Sequence[Resource]) -> list[Decision]:
        """The decision on each, as `decide` has it: what Cedar reads is read once for all of them."""
        return decide_all(self._rules_of(action), self.grades, principal, action, resources)

    def require(
        self, principal: Principal, action: str, resource: Resource, context: Context | None = None
    ) -> Decision:
        """The decision, if it allows.
        Raises `Refused` (a `Forbidden`) with the decision's code, reason and remedy."""
        decision = self.decide(principal, action, resource, context)
        if not decision.allowed:
            raise Refused(decision)
        note(decision)
        return decision

    def _rules_of(self, action: str) -> Rules:
        """Those that can decide an action, kept: they decide it the same as all, and quicker."""
        known = self._of_action.get(action)
        if known is None:
            if action not in self.rules.actions:
                return self.rules
            known = self._of_action[action] = self.rules.of_action(action)
        return known

    def explain(self, decision: Decision, language: Language = "en") -> str:
        """What was asked, which rule decided, and what would change it, for a person to read."""
        return explain(decision, self.rules, language)


def decide(
    rules: Rules, grades: Grades, principal: Principal, action: str, resource: Resource, context: Context
) -> Decision:
    asked = Asked(principal.id, action, resource.kind, resource.id)
    facts = None
    try:
        facts = facts_of(rules, principal, action, resource, context)
        result = cedarpy.is_authorized(
            request_of(principal, action, resource, context),
            rules.policies,
            [entity_of_principal(principal), entity_of_resource(resource, grades)],
            rules.schema,
        )
    except Exception as error:  # noqa: BLE001  # fail closed: a question that cannot even be put is refused
        return not_decided(asked, f"{type(error).__name__}: {error}", facts)
    return decision_of(rules, asked, facts, result)


def decide_all(
    rules: Rules, grades: Grades, principal: Principal, action: str, resources: Sequence[Resource]
) -> list[Decision]:
    """Where one of them cannot be put, each is decided by itself: it refuses no other."""
    try:
        if len({(each.kind, each.id) for each in resources}) < len(resources):
            raise ValueError("an object stands there twice, perhaps with other attributes")
        facts = [facts_of(rules, principal, action, resource, {}) for resource in resources]
        results = cedarpy.is_authorized_batch(
            [request_of(principal, action, resource, {}) for resource in resources],
            rules.policies,
            [entity_of_principal(principal), *(entity_of_resource(each, grades) for each in resources)],
            rules.schema,
        )
        if any(each.decision is cedarpy.Decision.NoDecision for each in results):
            raise ValueError("one of them could not be put")
    except Exception:  # noqa: BLE001  # `decide` says what is wrong, of those alone that it is wrong with
        return [decide(rules, grades, principal, action, resource, {}) for resource in resources]
    asked = [Asked(principal.id, action, resource.kind, resource.id) for resource in resources]
    return [decision_of(rules, *each) for each in zip(asked, facts, results, strict=True)]


def request_of(
    principal: Principal, action: str, resource: Resource, context: Context
) -> dict[str, dict[str, Any]]:
    """What Cedar is asked. Raises `ValueError`."""
    return {
        "principal": {"type": "Principal", "id": principal.id},
        "action": {"type": "Action", "id": action},
        "resource": {"type": resource.kind, "id": resource.id},
        "context": {name: plain(value) for name, value in context.items()},
    }


def decision_of(rules: Rules, asked: Asked, facts: Facts | None, result: cedarpy.AuthzResult) -> Decision:
    """What Cedar answered; what it could not decide is refused."""
    try:
        failed = "; ".join(result.diagnostics.errors)
        undecided = result.decision is cedarpy.Decision.NoDecision
        deciding = tuple(sorted(int(name.removeprefix("policy")) for name in result.diagnostics.reasons))
        allowed = result.decision is cedarpy.Decision.Allow
        told = tuple(rules.all[place] for place in deciding)
    except Exception as error:  # noqa: BLE001  # fail closed: a question that cannot even be put is refused
        return not_decided(asked, f"{type(error).__name__}: {error}", facts)
    if failed or undecided or (allowed and not told):
        return not_decided(asked, failed or "no decision", facts)
    return by_rules(asked, told, facts, allowed=allowed) if told else by_none(asked, rules, facts)


def facts_of(rules: Rules, principal: Principal, action: str, resource: Resource, context: Context) -> Facts:
    """Raises `ValueError` for a value that cannot be an attribute."""
    about: dict[str, Value] = {
        "organisation": principal.organisation,
        "roles": principal.roles,
        "teams": principal.teams,
    }
    return Facts(
        principal.id,
        action,
        resource.kind,
        resource.id,
        {"kind": principal.kind, **{name: plain(value) for name, value in about.items()}},
        {name: plain(value) for name, value in resource.attributes.items()},
        {name: plain(value) for name, value in context.items()},
        rules.digest,
    )


def note(decision: Decision) -> None:
    """The entry of the deed that follows in this request keeps the decision."""
    if decision.stored is not None:
        note_decision(decision.asked.principal, decision.stored)


def by_rules(asked: Asked, told: tuple[Rule, ...], facts: Facts | None, *, allowed: bool) -> Decision:
    first = told[0]
    return Decision(
        allowed=allowed,
        code=first.id,
        reason=first.reason_en,
        reason_zh=first.reason_zh,
        policies=tuple(rule.id for rule in told),
        asked=asked,
        remedy=first.remedy_en,
        remedy_zh=first.remedy_zh,
        facts=facts,
    )


def by_none(asked: Asked, rules: Rules, facts: Facts | None) -> Decision:
    could = rules.permits(asked.action)
    return Decision(
        allowed=False,
        code=NO_PERMIT,
        policies=(),
        asked=asked,
        reason="No rule allows this. " + " ".join(rule.reason_en for rule in could),
        reason_zh="没有规则允许此操作。" + "".join(rule.reason_zh for rule in could),
        facts=facts,
    )


def not_decided(asked: Asked, internal: str, facts: Facts | None) -> Decision:
    return Decision(
        allowed=False,
        code=POLICY_ERROR,
        policies=(),
        asked=asked,
        internal=f"{asked}: {internal}",
        reason="This could not be decided, so it is refused.",
        reason_zh="无法作出决定，故予以拒绝。",
        remedy="Tell the operator: the service's own log says what was wrong with the question.",
        remedy_zh="请告知运营人员：服务日志中记有原因。",
        facts=facts,
    )


def entity_of_principal(principal: Principal) -> Entity:
    return entity(
        "Principal",
        principal.id,
        {
            "organisation": principal.organisation,
            "roles": principal.roles,
            "teams": principal.teams,
            "kind": principal.kind,
        },
    )


def entity_of_resource(resource: Resource, grades: Grades) -> Entity:
    """The resource with what the gate itself knows: what its grade makes possible.
    Raises `ValueError`, `InvalidInput`."""
    if taken := {"id", "possible"} & resource.attributes.keys():
        raise ValueError(f"the attribute {min(taken)} is the gate's own")
    attributes = dict(resource.attributes)
    if "grade" in attributes:
        attributes["possible"] = grades[str(attributes["grade"])].possible
    return entity(resource.kind, resource.id, attributes)


def entity(kind: str, name: str, attributes: Mapping[str, Value]) -> Entity:
    given = {attribute: plain(value) for attribute, value in attributes.items()}
    return {"uid": {"type": kind, "id": name}, "attrs": {"id": name, **given}, "parents": []}


def plain(value: Value) -> Plain:
    """A value as Cedar's JSON takes it.
    Raises `ValueError` for anything else: Cedar gives dicts a meaning of their own."""
    if isinstance(value, str | int):
        return value
    if isinstance(value, list | tuple | set | frozenset) and all(isinstance(member, str) for member in value):
        return sorted(value)
    raise ValueError(f"a {type(value).__name__} cannot be an attribute")
