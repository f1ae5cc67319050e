"""A competition over HTTP from draft to end, with its own clock: operations answer as they are described."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import pytest
from fastapi import FastAPI, Header
from starlette.testclient import TestClient

from api_examples import Examples
from competition_story import DOCUMENT, NAME, Contest, local
from described_api import held_against
from sandbox.audit import Log, Signer
from sandbox.competitions import endpoints, queue
from sandbox.competitions.boards import NoisyScore
from sandbox.competitions.context import CompetitionContext
from sandbox.competitions.organisers.endpoints import forms_router
from sandbox.competitions.scores import note_told, plan_for
from sandbox.database import Database
from sandbox.http import problem_details
from sandbox.identity import Principal, create_account, create_organisation
from sandbox.standalone.s3 import S3Server
from split_people import NAME as DATASET
from split_people import open_split_story
from story import POLICIES

TEXT = (
    DOCUMENT.replace("dataset: clinic.visits", f"dataset: {DATASET}")
    .replace("target: smoker", "target: often")
    .replace("features: [district, year, cost]", "features: [age]")
    .replace("people: 600", "people: 550")
    .replace("account_days: 30", "account_days: 0")
    .replace(
        "entries: {kinds: [document],",
        f"datasets: [{{dataset: {DATASET}, version: 1, features: [age]}}]\n"
        "    entries: {kinds: [document, questions],",
    )
)


class Played:
    """Sends each operation's example as somebody, at a moment of the competition."""

    def __init__(self, contest: Contest, client: TestClient) -> None:
        self.contest, self.client, self.vault = contest, client, Examples("vault")

    def send(self, id: str, who: str = "", **more: Any) -> Any:
        at = {"name": NAME} | dict(more.pop("at", {}))
        names: Mapping[str, str] = {"Authorization": f"Bearer {who}"} if who else {}
        return self.vault.send(self.client, id, names, at=at, **more)

    def score_all(self) -> None:
        while (claimed := queue.claim(self.contest.context)) is not None:
            with self.contest.story.database.transaction() as tx:
                plan = plan_for(tx, NAME, claimed.track, final=claimed.final)
            told = plan.ladder.tell(None, NoisyScore(0.8 if claimed.person == "ann" else 0.3))
            assert note_told(self.contest.context, claimed, told)


@pytest.fixture
def played(database: Database, s3: S3Server, tmp_path: Any) -> Iterator[Played]:
    city = open_split_story(database, s3)  # type: ignore[arg-type]
    city.publish()
    contest = Contest(city.story)
    contest.__dict__["context"] = CompetitionContext(
        database, city.story.repository, city.story.gate, POLICIES, city.store, clock=lambda: contest.now
    )
    contest.people("ann", "ben", "cai", "dai", "eng")
    with database.transaction() as tx:
        create_organisation(tx, organisation_id="jury", display_name="jury", by="system")
        for id in ("mei", "nan", "ou", "pan"):
            create_account(tx, account_id=id, display_name=id, organisation="jury", by="system")
        for id in ("wei", "xin"):
            create_account(
                tx, account_id=id, display_name=id, organisation="health", roles=["officer"], by="system"
            )

    def person(authorization: Annotated[str, Header()]) -> Principal:
        return contest.person(authorization.removeprefix("Bearer "))

    app, log = FastAPI(), Log(database, Signer(tmp_path / "log"))
    problem_details.install(app)
    app.include_router(endpoints.public_router(contest.context, log))
    app.include_router(endpoints.opportunities_router(contest.context))
    app.include_router(endpoints.organisers_router(contest.context, log, authenticate=person))
    app.include_router(endpoints.teams_router(contest.context, log, authenticate=person))
    app.include_router(endpoints.discussion_router(contest.context, authenticate=person))
    app.include_router(forms_router(contest.context, authenticate=person))
    with TestClient(app) as client:
        client.event_hooks = held_against("vault")
        yield Played(contest, client)


def test_a_competition_is_held_over_http(played: Played) -> None:
    send, contest = played.send, played.contest
    organise(played)
    contest.now = local("03-05")
    terms = {"terms_sha256": send("get_competition").json()["terms_sha256"]}
    formed = send("form_team", "ann", changed=terms).json()
    send("join_competition_team", "dai", changed=terms | {"invitation": formed["invitation"]})
    send("leave_competition_team", "dai")
    other = send("form_team", "ben", changed=terms | {"name": "river"}).json()["team"]["id"]
    third = send("form_team", "cai", changed=terms | {"name": "hill"}).json()["team"]["id"]
    send("form_team", "eng", changed=terms | {"name": "steel"})
    send("dissolve_team", "eng")
    send("propose_team_merger", "cai", changed={"into": other})
    discuss(played)
    send("accept_team_merger", "ben", at={"team": third})
    entry = send("enter_competition", "ann").json()["entry"]["id"]
    send("enter_competition", "ben")
    waiting = send("enter_competition", "ann").json()["entry"]["id"]
    send("cancel_entry", "ann", at={"id": waiting})
    played.score_all()
    send("choose_final_entry", "ann", at={"id": entry})
    send("get_own_entry", "ann", at={"id": entry})
    design = {"track": "design", "kind": "document", "content": {"text": "A map of waiting times."}}
    idea = send("enter_competition", "ann", changed=design).json()["entry"]["id"]
    assert send("check_question_entry", "ann").json()["price"]["outputs"] == ["people"]
    assert len(send("list_own_entries", "ann").json()) == 3, "a check is no entry"
    send("get_board", query={"track": "smoking"})
    send("list_competition_teams")
    judge(played)
    contest.now = local("03-30", "18:00")
    send("open_final", "lin")
    played.score_all()
    send("publish_competition_result", "lin", changed={"reason": ""})
    send("get_competition_result")
    id = send("appeal_against_result", "ben").json()["appeal"]["id"]
    for reviewer in ("wei", "xin"):
        send("look_at_appeal", reviewer, at={"id": id}, changed={"upheld": False})
    send("list_appeals", "ben")
    send("disqualify_team", "lin", at={"team": other})
    send("reinstate_team", "lin", at={"team": other})
    send("get_competition_record")
    counted = send("get_competition_statistics", "lin").json()
    assert counted["teams"] == {"active": 2, "dissolved": 1, "merged": 1} and counted["people"] == 3
    assert [one["entries"] for one in counted["tracks"]] == [3, 1]
    contest.now = local("04-20")
    assert send("open_competition_splits", "lin").json()[0]["seed"]
    taken = send("take_participation_certificate", "ann").json()
    assert send("get_participation_certificate", "ann").json() == taken
    assert {one["kind"] for one in send("list_ranked_entries", "lin").json()} == {"document", "program"}
    made = send("publish_opportunity", "lin", changed={"entry": idea}).json()
    assert send("list_opportunities").json() == [made]
    played.vault.finish()


def discuss(played: Played) -> None:
    send = played.send
    made = send("announce_in_competition", "lin").json()
    assert send("list_competition_announcements").json() == [made]
    send("get_own_competition_team", "ben")
    asked = send("post_in_discussion", "ann").json()["id"]
    send("post_in_discussion", "lin", changed={"answers": asked})
    assert len(send("list_discussion", "ben").json()) == 2
    send("hide_post", "lin", at={"id": asked})
    send("restore_post", "lin", at={"id": asked})
    send("withdraw_post", "ann", at={"id": asked})


def organise(played: Played) -> None:
    send = played.send
    checked = send("check_competition_draft", "lin", changed={"text": TEXT}).json()
    assert checked["faults"] == [] and [one["track"] for one in checked["boards"]] == ["smoking"]
    [plan] = checked["boards"]
    assert float(plan["step"]) <= 0.9 and float(plan["epsilon"]) > 1
    assert (plan["programs_an_hour"], plan["linear_models_an_hour"]) == (60, 1200)
    write(played)
    draft = send("write_competition_draft", "lin", changed={"text": TEXT}).json()
    send("get_competition_draft", "tang")
    send("agree_to_competition", "tang", changed={"sha256": draft["sha256"]})
    send("announce_competition", "lin")
    send("list_own_competitions", "lin")
    send("list_competitions")
    other = TEXT.replace("competition: lake-2027", "competition: other-2027")
    send("write_competition_draft", "lin", changed={"text": other})
    send("cancel_competition", "lin", at={"name": "other-2027"})
    send("list_left_earlier", "lin", query={"track": "smoking"})
    send("split_competition_track", "lin")
    send("list_competition_splits")


def write(played: Played) -> None:
    """A text with faults is kept, seen by the department alone, and each fault is told at its place."""
    send, broken = played.send, TEXT.replace('rho: "0.1"', "rho: little").replace("largest: 2,", "")
    number = send("begin_competition_form", "lin", changed={"text": "competition: x"}).json()["number"]
    at = {"number": number}
    kept = send("keep_competition_form", "tang", at=at, changed={"text": broken}).json()
    assert (kept["revision"], kept["changed_by"]) == (2, "tang")
    assert send("get_competition_form", "lin", at=at).json()["text"] == broken
    assert send("list_competition_forms", "lin").json()[0]["number"] == number
    path = f"/v1/competition-forms/{number}"
    old = {"text": TEXT, "revision": 1}
    for who, method, body, code in (
        ("lin", "PUT", old, "competition_form_changed"),
        ("zhou", "PUT", old, "competition_form_not_found"),
        ("zhou", "GET", None, "competition_form_not_found"),
    ):
        told = played.client.request(method, path, json=body, headers={"Authorization": f"Bearer {who}"})
        assert told.json()["code"] == code
    assert played.client.get(path, headers={"Authorization": "Bearer ann"}).status_code == 403
    send("remove_competition_form", "lin", at=at)
    checked = send("check_competition_draft", "lin", changed={"text": broken}).json()
    paths = {fault["path"] for fault in checked["faults"]}
    assert {"tracks.0.board.rho", "teams.largest"} <= paths and checked["boards"] == []
    assert len(send("check_competition_draft", "lin").json()["faults"]) > 5


def judge(played: Played) -> None:
    send, contest = played.send, played.contest
    for juror in ("mei", "nan", "ou", "pan"):
        send("appoint_juror", "lin", changed={"juror": juror})
    send("remove_juror", "lin", at={"juror": "pan"}, query={"track": "design"})
    contest.now = local("03-26")
    for round, marks in (("written", {"value": 48, "craft": 30}), ("defence", {"talk": 80})):
        send("assign_documents", "lin", changed={"round": round})
        if round == "written":
            send("appoint_juror", "lin", changed={"juror": "pan"})
            instead = {"round": round, "instead_of": "ou"}
            jurors = send("assign_documents", "lin", changed=instead).json()
            assert [one["juror"] for one in jurors if one["assigned"]] == ["mei", "nan", "pan"]
        for juror in ("mei", "nan", "ou", "pan"):
            for document in send("list_assigned_documents", juror).json():
                if document["round"] == round:
                    given = {"round": round, "marks": marks}
                    send("mark_document", juror, at={"entry": document["entry"]}, changed=given)
    send("list_jurors", "lin")


BAD: list[tuple[str, str, Any]] = [
    ("POST", "/v1/competition-drafts", {"text": "competition: [1, 2"}),
    ("POST", "/v1/competition-drafts", {"text": "- 1"}),
    ("POST", "/v1/competition-drafts", {"text": "a: &a [*a]"}),
    ("GET", "/v1/competitions/none", None),
    ("GET", "/v1/competitions/none/record", None),
    ("POST", "/v1/competitions/none/entries", {"track": "x", "kind": "document", "content": {}}),
    ("POST", "/v1/competitions/none/result", {"reason": "x"}),
]


def test_bad_input_is_told_plainly(played: Played) -> None:
    for method, path, body in BAD:
        answer = played.client.request(method, path, json=body, headers={"Authorization": "Bearer lin"})
        assert 400 <= answer.status_code < 500, answer.text
        assert answer.json()["code"], path
