"""The rules say what the cases in policies/cases/ say, every rule is needed for it,
and every action has both answers."""

from dataclasses import replace

import cedarpy
import pytest

from policy_cases import CASES, GATE, POLICIES, Case, ask
from sandbox.policy import Gate
from sandbox.policy.gate import decide
from sandbox.policy.rules import Rule


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


def test_the_rules_of_an_action_alone_decide_as_all_rules_do() -> None:
    for case in CASES:
        whole = decide(GATE.rules, GATE.grades, case.principal, case.action, case.resource, case.context)
        alone = ask(GATE, case)
        assert (alone.allowed, alone.code, alone.policies, alone.reason) == (
            (whole.allowed, whole.code, whole.policies, whole.reason)
        ), case.name


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
