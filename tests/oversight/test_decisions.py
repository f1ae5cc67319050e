"""Whoever asked, officers of the department and auditors have decisions explained; others are told that there
is nothing. What would be decided is asked, and stands nowhere."""

import re

import pytest
from sqlalchemy import select

from policy_cases import POLICIES
from sandbox.audit import Event, append
from sandbox.audit.decision_trace import begin_request
from sandbox.audit.erase import erase_opening
from sandbox.audit.tables import decisions, entries
from sandbox.errors import Forbidden, InvalidInput, NotFound
from sandbox.grants.decide import revoke
from sandbox.identity import create_account
from sandbox.oversight.decisions import entry_decisions, refused_attempts, what_if
from sandbox.oversight.request_facts import OversightContext
from sandbox.policy import Refused, log_refusal, refusal_event
from sandbox.policy.decision_words import ASKED_OF
from sandbox.policy.rules import load_rules
from story import Story


@pytest.fixture
def city(story: Story) -> OversightContext:
    story.publish()
    story.grant()
    with story.database.transaction() as tx:
        for name, role in (("xu", "auditor"), ("sun", "officer")):
            create_account(
                tx, account_id=name, display_name=name, organisation="hbpu", roles=[role], by="system"
            )
    return OversightContext(story.database, story.repository, story.gate)


def newest(story: Story) -> int:
    with story.database.transaction() as tx:
        return int(tx.scalars(select(entries.c.index).order_by(entries.c.index.desc()).limit(1)).one())


def refused_revocation(story: Story, who: str) -> int:
    with pytest.raises(Refused) as refused:
        revoke(story.database, gate=story.gate, officer=story.principal(who), grant_id=1, reason="a test")
    log_refusal(story.database, refused.value)
    log_refusal(story.database, refused.value)  # whoever passes it on
    return newest(story)


def test_a_refusal_is_explained_to_each_as_far_as_they_may_see(story: Story, city: OversightContext) -> None:
    entry = refused_revocation(story, "wang")  # of the team: may know of the grant
    (own,) = entry_decisions(city, story.principal("wang"), entry)["decisions"]
    (officer,) = entry_decisions(city, story.principal("lin"), entry)["decisions"]
    (auditor,) = entry_decisions(city, story.principal("xu"), entry)["decisions"]
    assert {each["code"] for each in (own, officer, auditor)} == {"no_permit"}
    assert own["question_en"] == "wang asked to end a grant: grant 1."
    assert own["question_zh"] == "wang 请求撤销授权：授权 1。"
    assert [change["text_en"] for change in officer["ways"][0]["changes"]] == [
        "wang had the role data officer",
        "wang belonged to the department that answers for it (health)",
    ]
    assert "health" not in str(own["ways"])
    assert {each["attribute"] for each in own["attributes"] if each["of"] == "resource"} == set()
    assert {"department", "status", "team"} == {
        each["attribute"] for each in officer["attributes"] if each["of"] == "resource"
    }
    for stranger in ("sun", "li"):
        with pytest.raises(Refused) as refused:
            entry_decisions(city, story.principal(stranger), entry)
        assert isinstance(refused.value.shown_as, NotFound)
        assert refused.value.shown_as.code == "no_decision"


def test_what_was_hidden_from_whoever_asked_stays_hidden(story: Story, city: OversightContext) -> None:
    before = newest(story)
    assert refused_revocation(story, "li") == before, "of no team: told that there is no grant"
    with pytest.raises(Refused) as hidden:
        revoke(story.database, gate=story.gate, officer=story.principal("li"), grant_id=1, reason="a test")
    with story.database.transaction() as tx:  # as the log kept it before
        entry = append(tx, refusal_event(hidden.value.decision))
    with pytest.raises(Refused) as refused:
        entry_decisions(city, story.principal("li"), entry)
    assert isinstance(refused.value.shown_as, NotFound)
    assert refused_attempts(city, story.principal("li"), before=None, limit=5)["attempts"] == []
    (officer,) = entry_decisions(city, story.principal("lin"), entry)["decisions"]
    assert not officer["allowed"]


def test_refused_attempts_are_listed_to_each_as_far_as_they_may_see(
    story: Story, city: OversightContext
) -> None:
    first, second = refused_revocation(story, "wang"), refused_revocation(story, "sun")

    def listed(who: str, before: int | None = None, limit: int = 5) -> list[int]:
        found = refused_attempts(city, story.principal(who), before=before, limit=limit)
        return [each["entry"] for each in found["attempts"]]

    assert listed("wang") == [first]
    assert listed("lin") == listed("xu") == [second, first]
    assert listed("lin", before=second) == [first]
    assert listed("li") == []
    assert refused_attempts(city, story.principal("lin"), before=None, limit=1)["older"] == second


def test_an_entry_keeps_what_allowed_its_deed_and_loses_it_with_its_opening(
    story: Story, city: OversightContext
) -> None:
    begin_request()
    revoke(story.database, gate=story.gate, officer=story.principal("lin"), grant_id=1, reason="a test")
    entry = newest(story)
    for who in ("lin", "xu"):
        (allowed,) = entry_decisions(city, story.principal(who), entry)["decisions"]
        assert allowed["allowed"]
        assert [rule["id"] for rule in allowed["rules"]] == ["revoke_own_department"]
        assert allowed["same_rules"]
        assert allowed["ways"] == []
    with story.database.transaction() as tx:
        append(tx, Event("session.closed", "lin", "account:lin"))  # of the same request: has none of its own
        assert tx.scalar(select(decisions.c.facts).where(decisions.c.index == entry + 1)) is None
        erase_opening(tx, index=entry, by="system", reason="a test")
    with pytest.raises(NotFound):
        entry_decisions(city, story.principal("xu"), entry)


def test_what_would_be_decided_is_asked_and_stands_nowhere(story: Story, city: OversightContext) -> None:
    before = newest(story)
    lin = story.principal("lin")
    ask = {"person": "wang", "action": "ask", "kind": "Grant", "id": "1"}
    told = what_if(city, lin, **ask)
    assert told["hypothetical"] is True
    assert told["decision"]["allowed"]
    not_in_team = what_if(city, lin, **{**ask, "person": "lin"})["decision"]
    assert [change["text_en"] for change in not_in_team["ways"][0]["changes"]] == [
        "lin were in the team whose it is (lake)"
    ]
    asked = {"action": "request_access", "kind": "Dataset", "id": "clinic.visits", "team": "lake"}
    assert what_if(city, lin, person="wang", **asked)["decision"]["allowed"]
    assert not what_if(city, lin, person="public", **asked)["decision"]["allowed"]
    assert newest(story) == before


def test_who_may_not_ask_learns_nothing_and_bad_questions_are_told(
    story: Story, city: OversightContext
) -> None:
    for number in ("1", "99", "x"):
        with pytest.raises(Forbidden) as refused:
            what_if(city, story.principal("sun"), person="wang", action="ask", kind="Grant", id=number)
        assert refused.value.code == "no_permit"
    xu = story.principal("xu")
    codes = {
        ("wang", "fly", "Grant", "1"): (InvalidInput, "no_such_action"),
        ("wang", "ask", "Dataset", "1"): (InvalidInput, "action_of_another_kind"),
        ("wang", "order", "Product", "1"): (InvalidInput, "not_asked_of"),
        ("wang", "ask", "Grant", "99"): (NotFound, "no_object"),
        ("nobody", "ask", "Grant", "1"): (NotFound, "no_account"),
    }
    for (person, action, kind, id), (error, code) in codes.items():
        with pytest.raises(error) as raised:
            what_if(city, xu, person=person, action=action, kind=kind, id=id)
        assert raised.value.code == code
        assert raised.value.words("zh") != raised.value.words("en")


def test_each_kind_that_can_be_asked_of_is_one_of_the_schema(story: Story) -> None:
    kinds = {kind for action in story.gate.rules.actions for kind in story.gate.rules.kinds_of(action)}
    assert set(ASKED_OF) <= kinds


def test_who_may_see_a_decision_depends_on_what_is_compared_once_in_a_list() -> None:
    """`refused_attempts` decides once for an actor, a department and whether it is hidden."""
    rules = [rule for rule in load_rules(POLICIES).all if "explain_decision" in rule.actions]
    assert rules
    for rule in rules:
        assert set(re.findall(r"resource\.(\w+)", rule.text)) <= {"actor", "department", "hidden"}, rule.id
        assert not re.search(r"resource\s*(==|in|\[|has)", rule.text), rule.id
