"""The rules say what the cases in policies/cases/ say, every rule is needed for it,
and every action has both answers."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cedarpy
import pytest

from sandbox.identity import Principal
from sandbox.policy import Decision, Gate, Resource, YamlText
from sandbox.policy.rules import Rule

POLICIES = Path(__file__).parents[2] / "policies"


@dataclass(frozen=True)
class Case:
    file: str
    name: str
    principal: Principal
    action: str
    resource: Resource
    context: dict[str, Any]
    allowed: bool
    code: str


def read_cases() -> Iterator[Case]:
    documents = {
        path.name: YamlText(path.read_text("utf-8"), POLICIES / "cases.schema.json", what=path.name).document
        for path in sorted((POLICIES / "cases").glob("*.yaml"))
    }
    people = {
        name: Principal(
            id=name,
            display_name=name,
            organisation=person["organisation"],
            roles=frozenset(person.get("roles", ())),
            teams=frozenset(person.get("teams", ())),
            kind=person.get("kind", "person"),
        )
        for document in documents.values()
        for name, person in document.get("people", {}).items()
    }
    for file, document in documents.items():
        for case in document.get("cases", ()):
            attributes = dict(case["resource"])
            resource = Resource(attributes.pop("kind"), attributes.pop("id"), attributes)
            yield Case(
                file,
                case["name"],
                people[case["principal"]],
                case["action"],
                resource,
                case.get("context", {}),
                case["allowed"],
                case["code"],
            )


CASES = list(read_cases())
GATE = Gate(POLICIES)


def ask(gate: Gate, case: Case) -> Decision:
    return gate.decide(case.principal, case.action, case.resource, case.context)


def without(rule: Rule) -> Gate:
    """A gate that lacks one rule."""
    kept = tuple(other for other in GATE.rules.all if other != rule)
    written = [
        policy for path in sorted(POLICIES.glob("*.cedar")) for policy in policies_of(path.read_text("utf-8"))
    ]
    left = "\n".join(policy for policy in written if f'@id("{rule.id}")' not in policy)
    lacking = Gate(POLICIES)
    lacking.rules = replace(GATE.rules, all=kept, policies=cedarpy.PolicySet.from_str(left))
    assert len(lacking.rules.policies) == len(GATE.rules.policies) - 1
    return lacking


def policies_of(text: str) -> list[str]:
    return ["@id(" + part for part in text.split("@id(")[1:]]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.file}: {case.name}")
def test_the_rules_decide_the_case_as_written(case: Case) -> None:
    decision = ask(GATE, case)
    assert (decision.allowed, decision.code) == (case.allowed, case.code), (
        decision.internal or decision.reason
    )


@pytest.mark.parametrize("action", sorted(GATE.rules.actions))
def test_every_action_has_cases_that_are_allowed_and_cases_that_are_refused(action: str) -> None:
    assert {case.allowed for case in CASES if case.action == action} == {True, False}


def test_every_rule_decides_at_least_one_case() -> None:
    assert {rule.id for rule in GATE.rules.all} - {case.code for case in CASES} == set()


@pytest.mark.parametrize(
    "rule", [rule for rule in GATE.rules.all if rule.effect == "forbid"], ids=lambda rule: rule.id
)
def test_without_this_prohibition_something_refused_would_be_allowed(rule: Rule) -> None:
    lacking = without(rule)
    assert [case.name for case in CASES if not case.allowed and ask(lacking, case).allowed]


@pytest.mark.parametrize(
    "rule", [rule for rule in GATE.rules.all if rule.effect == "permit"], ids=lambda rule: rule.id
)
def test_without_this_permission_something_allowed_would_be_refused(rule: Rule) -> None:
    lacking = without(rule)
    assert [case.name for case in CASES if case.allowed and not ask(lacking, case).allowed]


@pytest.mark.parametrize(
    "case", [case for case in CASES if not case.allowed], ids=lambda case: f"{case.file}: {case.name}"
)
def test_leaving_an_attribute_unsaid_never_opens_what_saying_it_closed(case: Case) -> None:
    for name in case.resource.attributes:
        fewer = {key: value for key, value in case.resource.attributes.items() if key != name}
        assert not ask(GATE, replace(case, resource=replace(case.resource, attributes=fewer))).allowed, name
