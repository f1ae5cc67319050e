"""Every decision is explained in both languages, and what an explanation says of a refusal is true: the rules
allow the deed when what it says is changed. Nobody is told what they may not see."""

import json
from collections.abc import Iterator
from dataclasses import asdict

import pytest

from policy_cases import CASES, GATE, POLICIES, Case, ask
from sandbox.oversight.explain_decision import OF_PEOPLE, Reader, department_of_facts, explain_decision
from sandbox.oversight.schemas import ExplainedDecision
from sandbox.policy import Decision, Grades
from sandbox.policy.counterfactual import Change, attributes_read, changed, decided, what_would_allow
from sandbox.policy.decision_words import ACTIONS, ATTRIBUTES, KINDS
from sandbox.policy.facts import Facts, StoredDecision, read_stored
from sandbox.policy.rules import Rules

AUDITOR = Reader(auditor=True, officer=False, own=False)
OFFICER = Reader(auditor=False, officer=True, own=False)
OWN = Reader(auditor=False, officer=False, own=True)
REFUSED = [case for case in CASES if not case.allowed and case.code != "policy_error"]
WITHOUT_DEPARTMENT = "a grant of no known department is nobody's to end"  # there is nobody who could


@pytest.fixture(scope="module", autouse=True)
def searched_once() -> Iterator[None]:
    """What would allow a case is searched for once; each reader's explanation uses it."""
    known: dict[str, list[tuple[Change, ...]]] = {}

    def remembered(rules: Rules, grades: Grades, facts: Facts) -> list[tuple[Change, ...]]:
        key = json.dumps(asdict(facts), sort_keys=True)
        if key not in known:
            known[key] = what_would_allow(rules, grades, facts)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sandbox.oversight.explain_decision.what_would_allow", remembered)
        yield


def made(case: Case) -> StoredDecision:
    decision = ask(GATE, case)
    assert decision.stored is not None
    return read_stored(json.loads(json.dumps(decision.stored)))


def explained(case: Case, reader: Reader) -> ExplainedDecision:
    return explain_decision(GATE, made(case), reader)


def test_every_action_kind_and_attribute_of_the_schema_has_its_words() -> None:
    schema = (POLICIES / "schema.cedarschema").read_text("utf-8")
    assert set(ACTIONS) == GATE.rules.actions
    kinds = {line.split()[1] for line in schema.splitlines() if line.startswith("entity ")} - {"Principal"}
    assert set(KINDS) == kinds
    read = {name for action in GATE.rules.actions for _, name in attributes_read(GATE.rules, action)}
    assert read - set(ATTRIBUTES) - {"id"} == set()


@pytest.mark.parametrize("action", sorted(GATE.rules.actions))
def test_every_action_is_explained_allowed_and_refused(action: str) -> None:
    for case in (case for case in CASES if case.action == action and case.code != "policy_error"):
        told = explained(case, AUDITOR)
        assert (told["allowed"], told["code"]) == (case.allowed, case.code)
        assert ACTIONS[action].en in told["question_en"]
        assert ACTIONS[action].zh in told["question_zh"]
        assert told["reason_en"]
        assert told["reason_zh"]
        if case.code == "no_permit":
            assert told["could"]
            assert not told["rules"]
        else:
            first = told["rules"][0]
            assert first["id"] == case.code
            assert first["text"].startswith(first["effect"])
            assert first["text"] in (POLICIES.parent / first["file"]).read_text("utf-8")


def test_what_would_allow_a_refused_deed_does() -> None:
    for case in REFUSED:
        facts = made(case).facts
        ways = what_would_allow(GATE.rules, GATE.grades, facts)
        assert bool(ways) == (case.name != WITHOUT_DEPARTMENT), case.name
        for changes in ways:
            assert decided(GATE.rules, GATE.grades, changed(facts, changes)).allowed, case.name
            # the smallest: each of the changes is needed
            for place in range(len(changes)):
                fewer = changes[:place] + changes[place + 1 :]
                assert not decided(GATE.rules, GATE.grades, changed(facts, fewer)).allowed, case.name


def test_an_auditor_reads_each_way_in_words_of_both_languages() -> None:
    for case in REFUSED:
        told = explained(case, AUDITOR)
        assert bool(told["ways"]) == (case.name != WITHOUT_DEPARTMENT), case.name
        for way in told["ways"]:
            for change in way["changes"]:
                assert "{" not in change["text_en"] + change["text_zh"]
                assert any("一" <= letter <= "鿿" for letter in change["text_zh"])


def test_whoever_was_refused_is_told_no_attribute_of_the_object() -> None:
    for case in REFUSED:
        told = explained(case, OWN)
        assert not [each for each in told["attributes"] if each["of"] == "resource"]
        # a value of the object stands in no way, but where they hold it too or the rule that refused said it
        facts = made(case).facts
        own = {facts.person, facts.id, *facts.principal["teams"], facts.principal["organisation"]}  # type: ignore[misc]
        secret = {
            str(value)
            for name, value in facts.resource.items()
            if name in ("team", "organisation", "department") and value not in own
        }
        words = " ".join(change["text_en"] for way in told["ways"] for change in way["changes"]).split()
        assert not secret & {word.strip("()") for word in words}, case.name


def test_an_officer_is_told_nothing_of_other_people_and_of_no_other_team() -> None:
    for case in REFUSED:
        facts = made(case).facts
        told = explained(case, OFFICER)
        assert not [
            each for each in told["attributes"] if each["of"] == "resource" and each["attribute"] in OF_PEOPLE
        ]
        teams = [each["value_en"] for each in told["attributes"] if each["attribute"] == "teams"]
        about = {str(facts.resource.get("team")), str(facts.context.get("team")), "none"}
        assert set(teams) <= about, case.name


def test_a_hidden_refusal_is_kept_as_one() -> None:
    decision = ask(GATE, REFUSED[0])
    hidden = Decision(**{**vars(decision), "hidden": True})
    assert hidden.stored is not None
    assert read_stored(hidden.stored).hidden


def test_the_department_of_a_decision_is_that_of_its_object() -> None:
    case = next(case for case in REFUSED if case.action == "decide_request")
    assert department_of_facts(made(case).facts) == case.resource.attributes["department"]
