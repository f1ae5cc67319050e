"""The gate starts only with rules that are whole, and whatever goes wrong while deciding is a refusal."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.audit import append
from sandbox.database import Database
from sandbox.errors import Forbidden, InvalidInput, Unavailable
from sandbox.identity import Principal
from sandbox.policy import Gate, Refused, Resource, refusal_event

POLICIES = Path(__file__).parents[2] / "policies"
WANG = Principal(
    id="wang",
    display_name="王",
    organisation="hbpu",
    roles=frozenset({"analyst"}),
    teams=frozenset({"cihu-lake"}),
)
LIN = Principal(id="lin", display_name="林", organisation="health", roles=frozenset({"officer"}))
VISITS = Resource("Dataset", "health.visits", {"department": "health", "grade": "3"})
GATE = Gate(POLICIES)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(POLICIES, tmp_path / "policies"))


NOTES = '@id("{id}") @reason_en("e") @reason_zh("z") @remedy_en("e") @remedy_zh("z") '


@pytest.mark.parametrize(
    ("added", "said"),
    [
        ("permit (principal, action, resource);", "@id ''"),
        ('@id("Big") permit (principal, action, resource);', "@id 'Big'"),
        ('@id("no_permit") permit (principal, action, resource);', "@id 'no_permit'"),
        (
            '@id("x") @reason_en("e") permit (principal, action, resource);',
            "extra.cedar: the policy x has no @reason_zh",
        ),
        ('@id("x") @reason_en("e") @reason_zh("z") forbid (principal, action, resource);', "no @remedy_en"),
        (
            NOTES.format(id="see_catalogue") + "forbid (principal, action, resource);",
            "'see_catalogue' is used 2 times",
        ),
        (NOTES.format(id="x") + "forbid (principal == ?principal, action, resource);", "template"),
        (
            NOTES.format(id="x") + "forbid (principal, action, resource) when { resource.colour };",
            "extra.cedar, x: ",
        ),
        (
            NOTES.format(id="x") + 'forbid (principal, action == Action::"steal", resource);',
            "extra.cedar, x: ",
        ),
        (
            NOTES.format(id="x")
            + 'forbid (principal, action, resource)\nwhen { resource.status == "live" };',
            "x: ",
        ),
        ("\n// a comment\n\n" + NOTES.format(id="x") + "\nforbid (principal, action, resource;", "line 2"),
        (NOTES.format(id="x") + "\nforbid (principal, action, resource);\n\nforbid oops;\n", "line 4"),
    ],
)
def test_a_faulty_policy_stops_the_start_and_is_named(folder: Path, added: str, said: str) -> None:
    (folder / "extra.cedar").write_text(added)
    with pytest.raises(Unavailable) as refused:
        Gate(folder)
    assert said in refused.value.message
    assert refused.value.remedy


def test_a_folder_without_policies_stops_the_start(folder: Path) -> None:
    for path in folder.glob("*.cedar"):
        path.unlink()
    with pytest.raises(Unavailable, match="not one policy"):
        Gate(folder)


def test_policies_that_hold_only_comments_stop_the_start(folder: Path) -> None:
    for path in folder.glob("*.cedar"):
        path.write_text("// nothing\n")
    with pytest.raises(Unavailable, match="not one policy"):
        Gate(folder)


def test_a_missing_or_broken_schema_stops_the_start(folder: Path) -> None:
    schema = folder / "schema.cedarschema"
    schema.write_text("entity Principal = {")
    with pytest.raises(Unavailable, match=r"schema\.cedarschema cannot be read"):
        Gate(folder)
    schema.unlink()
    with pytest.raises(Unavailable, match=r"no schema\.cedarschema"):
        Gate(folder)


def test_an_action_that_nothing_permits_stops_the_start(folder: Path) -> None:
    schema = folder / "schema.cedarschema"
    schema.write_text(
        schema.read_text() + "action burn appliesTo { principal: Principal, resource: Dataset };"
    )
    with pytest.raises(Unavailable, match="No policy ever permits 'burn'"):
        Gate(folder)


@pytest.mark.parametrize(
    ("action", "resource", "context"),
    [
        ("see", Resource("Unicorn", "1"), {}),
        ("fly", VISITS, {}),
        ("see", Resource("Dataset", "x", {"department": "health"}), {}),
        ("see", Resource("Dataset", "x", {"department": "health", "grade": "9"}), {}),
        ("see", Resource("Dataset", "x", {"department": 5, "grade": "3"}), {}),
        ("see", Resource("Dataset", "x", {"department": "health", "grade": "3", "more": "x"}), {}),
        ("see", Resource("Dataset", "x", {"department": "health", "grade": "3", "possible": ["see"]}), {}),
        ("see", Resource("Dataset", "x", {"department": "health", "grade": "3", "id": "y"}), {}),
        ("see", Resource("Dataset", "x", {"department": {"__entity": {}}, "grade": "3"}), {}),  # type: ignore[dict-item]
        ("see", Resource("Dataset", "x", {"department": None, "grade": "3"}), {}),  # type: ignore[dict-item]
        ("see", Resource("Dataset", "\ud800", {"department": "health", "grade": "3"}), {}),
        ("see", VISITS, {"now": 1}),
        ("request_access", VISITS, {"team": 3, "trained": True}),
        (
            "ask",
            Resource(
                "Grant", "1", {"team": "cihu-lake", "status": "live", "expires_at": 2**63, "grade": "3"}
            ),
            {"now": 1, "way": "dp", "trained": True},
        ),
    ],
)
def test_a_question_that_cannot_be_decided_is_refused(
    action: str, resource: Resource, context: dict[str, int]
) -> None:
    decision = GATE.decide(WANG, action, resource, context)
    assert (decision.allowed, decision.code) == (False, "policy_error")
    assert decision.internal
    assert "Cedar" not in decision.reason


def test_require_gives_the_decision_or_raises_with_its_code_reason_and_remedy() -> None:
    assert GATE.require(LIN, "publish", VISITS).code == "publish_own_department"
    with pytest.raises(Forbidden) as refused:
        GATE.require(LIN, "publish", Resource("Dataset", "x", {"department": "health", "grade": "core"}))
    assert refused.value.code == "grade_never"
    assert "grade" in refused.value.message
    assert refused.value.remedy


def test_ids_that_look_like_cedar_are_only_ids() -> None:
    tricky = Resource(
        "Dataset",
        'x", "department": "hbpu"}; permit(principal, action, resource); //',
        {"department": 'health" || "a" == "a', "grade": "3"},
    )
    assert not GATE.decide(LIN, "publish", tricky).allowed


def test_a_refusal_without_a_rule_tells_who_may() -> None:
    decision = GATE.decide(WANG, "publish", VISITS)
    assert decision.code == "no_permit"
    assert "An officer may publish" in decision.reason
    assert "数据专员" in decision.reason_zh


def test_every_rule_that_refuses_is_named_and_the_first_in_the_files_gives_the_code() -> None:
    grant = Resource(
        "Grant", "12", {"team": "cihu-lake", "status": "revoked", "expires_at": 5, "grade": "core"}
    )
    decision = GATE.decide(WANG, "ask", grant, {"now": 9, "way": "dp", "trained": True})
    assert decision.code == "grant_not_live"
    assert decision.policies == ("grant_not_live", "grant_expired", "grade_forbids_way")


def test_an_explanation_says_what_was_asked_which_rule_decided_and_what_would_change_it() -> None:
    decision = GATE.decide(WANG, "request_access", VISITS, {"team": "steel-lake", "trained": True})
    english, chinese = GATE.explain(decision), GATE.explain(decision, "zh")
    assert "wang wants to request access: Dataset health.visits" in english
    assert "Refused [request_for_other_team]" in english
    assert "What would change it: Ask for a team of your own" in english
    assert "拒绝 [request_for_other_team]" in chinese
    assert "请为自己所在的团队申请" in chinese


def test_an_explanation_of_no_permit_lists_the_rules_that_could_allow() -> None:
    english = GATE.explain(
        GATE.decide(WANG, "revoke", Resource("Grant", "1", {"team": "t", "status": "live"}))
    )
    assert "revoke_own_department (grants.cedar)" in english


def test_an_explanation_of_an_action_that_does_not_exist_is_still_one() -> None:
    assert "policy_error" in GATE.explain(GATE.decide(WANG, "fly", VISITS))


def test_a_refusal_can_be_written_into_the_log(database: Database) -> None:
    with pytest.raises(Refused) as refused:
        GATE.require(WANG, "publish", VISITS)
    event = refusal_event(refused.value.decision)
    with database.transaction() as tx:
        append(tx, event)
    assert (event.kind, event.actor, event.subject) == ("decision.refused", "wang", "dataset:health.visits")


def test_a_faulty_grades_file_stops_the_start(folder: Path) -> None:
    grades = folder / "grades.yaml"
    grades.write_text(grades.read_text().replace("combine: highest", "combine: lowest"))
    with pytest.raises(InvalidInput, match=r"grades\.yaml, line \d+: combine"):
        Gate(folder)


def test_many_are_decided_together_as_each_is_by_itself() -> None:
    officer = replace(LIN, teams=frozenset({"lake"}))
    fair = {"team": "river", "authors": {"chen"}, "organisations": {"hbpu"}}
    about = [
        Resource("Review", "1", fair),
        Resource("Review", "2", fair | {"team": "lake"}),
        Resource("Review", "3", fair | {"authors": {"chen", "lin"}}),
        Resource("Review", "4", fair | {"organisations": {"hbpu", "health"}}),
        Resource("Review", "5", {"team": 7}),
    ]
    for asked in (about[:4], about, [*about[:4], about[0]], []):
        one_by_one = [GATE.decide(officer, "review", each) for each in asked]
        assert GATE.decide_all(officer, "review", asked) == one_by_one
    told = [each.code for each in GATE.decide_all(officer, "review", about)]
    assert len(set(told)) == len(told), "each for a reason of its own"
