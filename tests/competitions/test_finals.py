"""A whole competition: entries, boards, jury, final, notice, appeal, and its recomputation from the log."""

import copy
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from competition_story import DOCUMENT, NAME, Contest, local
from maintenance import under_maintenance
from sandbox.audit import Log, Signer, verify_receipt
from sandbox.competitions import appeals, certificates, competitions, finals, jury, queue, teams
from sandbox.competitions import team_entries as entries
from sandbox.competitions.board_view import read_board
from sandbox.competitions.boards import NoisyScore
from sandbox.competitions.public_record import read_record
from sandbox.competitions.record import advance_all
from sandbox.competitions.schemas import ParticipationCertificate
from sandbox.competitions.scores import note_told, plan_for
from sandbox.competitions.tables import competition_entries, competition_teams
from sandbox.competitions.verify import verify_record
from sandbox.errors import CihuError, Conflict, InvalidInput, NotFound
from sandbox.identity import create_account, create_organisation
from story import Story

TEAMS = {"ann": "lake", "ben": "river", "cai": "hill"}


@pytest.fixture
def contest(story: Story) -> Contest:
    story.publish()
    contest = Contest(story)
    contest.people(*TEAMS)
    with story.database.transaction() as tx:
        create_organisation(tx, organisation_id="jury", display_name="jury", by="system")
        for id in ("mei", "nan", "ou", "pan"):
            create_account(tx, account_id=id, display_name=id, organisation="jury", roles=[], by="system")
        for id in ("wei", "xin"):
            create_account(
                tx, account_id=id, display_name=id, organisation="health", roles=["officer"], by="system"
            )
    contest.announced(contest_text())
    contest.now = local("03-05")
    for person, team in TEAMS.items():
        contest.form(person, team, hidden=person == "cai")
    return contest


def contest_text() -> str:
    return DOCUMENT.replace("account_days: 30", "account_days: 0")


def refused(deed: Callable[[], object], code: str) -> None:
    with pytest.raises(CihuError) as told:
        deed()
    assert told.value.code == code and told.value.zh and told.value.remedy_zh


def enter(contest: Contest, person: str) -> int:
    entry, _ = entries.enter(
        contest.context,
        contest.person(person),
        NAME,
        track="smoking",
        kind="program",
        content={"run": person},
        note="",
        outside_data="",
    )
    return entry["id"]


def score_all(contest: Contest, noisy: dict[str, float]) -> None:
    """What a scorer would do, with noisy scores by the person who entered."""
    while (claimed := queue.claim(contest.context)) is not None:
        assert note_noisy(contest, claimed, noisy[claimed.person])


def note_noisy(contest: Contest, claimed: queue.ClaimedEntry, noisy: float) -> bool:
    """As the scorer does for a team's first entry."""
    with contest.story.database.transaction() as tx:
        plan = plan_for(tx, NAME, claimed.track, final=claimed.final)
    return note_told(contest.context, claimed, plan.ladder.tell(None, NoisyScore(noisy)))


def played(contest: Contest) -> None:
    """Until everything can be published: three teams with entries, two of them with documents."""
    context, lin = contest.context, contest.person("lin")
    for person in TEAMS:
        enter(contest, person)
    score_all(contest, {"ann": 0.9, "ben": 0.1, "cai": 0.4})
    for person in ("ann", "ben"):
        entries.enter(
            context,
            contest.person(person),
            NAME,
            track="design",
            kind="document",
            content={"text": f"A design of {person}"},
            note="",
            outside_data="city weather, open data",
        )
    for juror in ("mei", "nan", "ou"):
        jury.appoint(context, lin, NAME, track="design", juror=juror)
    contest.now = local("03-26")
    for round, marks in (("written", {"value": 40, "craft": 20}), ("defence", {"talk": 70})):
        jury.assign_round(context, lin, NAME, track="design", round=round)
        for juror in ("mei", "nan", "ou"):
            for number, document in enumerate(jury.own_documents(context, contest.person(juror), NAME)):
                if document["round"] == round:
                    given = {name: points + 5 * (number % 2) for name, points in marks.items()}
                    jury.give_marks(
                        context,
                        contest.person(juror),
                        NAME,
                        document["entry"],
                        round=round,
                        marks=given,
                        comment="",
                    )
    contest.now = local("03-30", "18:00")


def test_a_competition_is_played_to_its_end_and_computed_again_from_the_log(
    contest: Contest, tmp_path: Path
) -> None:
    context, lin = contest.context, contest.person("lin")
    log = Log(contest.story.database, Signer(tmp_path / "log"))
    played(contest)
    board = read_board(context, NAME, "smoking", "a_board")
    assert [line.get("name") for line in board["lines"]] == ["lake", None, "river"], "one hides its name"
    before = read_record(context, log, NAME)
    assert "entry_scored" not in str([step["kind"] for step in before["steps"]])
    refused(lambda: finals.publish_result(context, lin, NAME), "result_not_complete")
    finals.open_final(context, lin, NAME)
    refused(lambda: finals.open_final(context, lin, NAME), "final_opened")
    refused(lambda: finals.publish_result(context, lin, NAME), "result_not_complete")
    score_all(contest, {"ann": 0.5, "ben": 0.75, "cai": 0.25})
    tracks, revision, _, _ = finals.publish_result(context, lin, NAME)
    smoking, design = tracks
    assert [line.get("name") for line in smoking["lines"]] == ["river", "lake", "hill"] and revision == 1
    assert [line.get("amount_fen") for line in smoking["lines"]] == [1000000, 500000, 500000]
    assert all(line["ranks"][0] <= line["place"] <= line["ranks"][1] for line in smoking["lines"])
    assert [line["place"] for line in design["lines"]] == [1, 2] and "raw" in design["method"]
    refused(lambda: finals.publish_result(context, lin, NAME), "reason_needed")
    refused(
        lambda: certificates.issue(context, log, contest.person("ann"), NAME, "member"),
        "wrong_competition_state",
    )
    record = json.loads(json.dumps(read_record(context, log, NAME), default=str))
    proven = verify_record(record, log.public_key)
    assert proven.faults == () and (proven.scores, proven.results) == (6, 1)
    opened = " ".join(step["receipt"]["opening"]["content"] for step in record["steps"])
    assert not any(f'"{person}"' in opened for person in ("ann", "ben", "cai", "mei", "nan", "ou"))

    appeal_and_close(contest)
    record = json.loads(json.dumps(read_record(context, log, NAME), default=str))
    assert verify_record(record, log.public_key).faults == ()
    for broken in forged(record):
        assert verify_record(broken, log.public_key).faults
    certified(contest, log)


def certified(contest: Contest, log: Log) -> None:
    """Members of ranked teams get certificates that anybody can verify; who was disqualified gets none."""
    context, cai = contest.context, contest.person("cai")
    refused(lambda: certificates.read(context, log, cai, NAME), "no_certificate")
    made = certificates.issue(context, log, cai, NAME, "member")
    assert made["team_name"] == "hill" and made["participant"] == "" and made["revision"] == 2
    [smoking] = made["tracks"]
    assert smoking["place"] == 2 and smoking["ranks"] and smoking["prize"]["zh"] == "二等奖"
    proven = verify_receipt(json.loads(json.dumps(made["receipt"], default=str)), log.public_key)
    assert proven.kind == "competition.certified" and proven.payload is not None
    assert proven.payload["tracks"] == made["tracks"]
    assert "cai" not in json.dumps(proven.payload, default=str), "who chose no name is not named"
    assert (
        certificates.issue(context, log, cai, NAME, "member")["receipt"]["index"] == made["receipt"]["index"]
    )
    named = certificates.issue(context, log, cai, NAME, "account")
    assert named["participant"] == "cai" and certificates.read(context, log, cai, NAME) == named
    changed_names(contest, log, made, named)
    refused(
        lambda: certificates.issue(context, log, contest.person("ben"), NAME, "member"), "team_not_active"
    )
    refused(
        lambda: certificates.issue(context, log, contest.person("wang"), NAME, "member"),
        "no_competition_team",
    )


def changed_names(
    contest: Contest, log: Log, first: ParticipationCertificate, named: ParticipationCertificate
) -> None:
    """Another name replaces a certificate a bounded number of times; each is kept, and whoever holds an old
    receipt finds in the public record that it was replaced, and by whom not."""
    context, cai = contest.context, contest.person("cai")
    assert first["changes_left"] == 3 and first["replaced"] == []
    [before] = named["replaced"]
    assert (before["shown_as"], before["log_index"]) == ("member", first["receipt"]["index"])
    assert named["changes_left"] == 2
    for way in ("member", "display_name"):
        last = certificates.issue(context, log, cai, NAME, way)
    assert last["changes_left"] == 0 and len(last["replaced"]) == 3
    refused(lambda: certificates.issue(context, log, cai, NAME, "account"), "certificate_changes_used")
    assert certificates.issue(context, log, cai, NAME, "display_name") == last

    old = verify_receipt(json.loads(json.dumps(first["receipt"], default=str)), log.public_key)
    record = json.loads(json.dumps(read_record(context, log, NAME), default=str))
    assert verify_record(record, log.public_key).faults == ()
    steps = [step for step in record["steps"] if step["kind"] == "competition.certificate_replaced"]
    told = [verify_receipt(step["receipt"], log.public_key) for step in steps]
    assert [each.payload for each in told] == [{"entry": one["log_index"]} for one in last["replaced"]]
    assert old.index == last["replaced"][0]["log_index"] and "cai" not in json.dumps(steps)


def forged(record: dict) -> list[dict]:
    """Records that say something else than the log."""
    other = copy.deepcopy(record)
    other["text"] = other["text"].replace("first_place: 1", "first_place: 3")
    changed = copy.deepcopy(record)
    for step in changed["steps"]:
        opening = step["receipt"]["opening"]
        opening["content"] = opening["content"].replace('"place":1', '"place":2')
    return [other, changed]


def appeal_and_close(contest: Contest) -> None:
    context, lin, ann = contest.context, contest.person("lin"), contest.person("ann")
    filed, _ = appeals.appeal(context, ann, NAME, track="smoking", text="Please look at our final entry.")
    refused(lambda: appeals.appeal(context, ann, NAME, track="smoking", text="Again."), "appealed_already")
    look = lambda who, upheld: appeals.look(  # noqa: E731
        context, contest.person(who), NAME, filed["id"], upheld=upheld, reason=f"reason of {who}"
    )
    refused(lambda: look("lin", True), "own_result")
    assert look("wei", True)["state"] == "filed"
    refused(lambda: look("wei", False), "appeal_looked_at")
    [seen] = appeals.list_appeals(context, contest.person("xin"), NAME)
    assert seen["looks"] == 1 and "outcome" not in seen, "blind"
    assert look("xin", False)["state"] == "filed", "they disagree"
    decided = look("tang", True)
    assert decided["state"] == "upheld" and "reason of xin" not in decided["outcome"]
    [own] = appeals.list_appeals(context, ann, NAME)
    assert own["outcome"] == decided["outcome"] and not own["yours"]
    with pytest.raises(NotFound):
        appeals.list_appeals(context, contest.person("wang"), NAME)

    teams.disqualify(context, lin, NAME, seen["team"] + 1, "two accounts of one person")
    contest.now = local("04-20")
    advance_all(context)
    assert competitions.read_public(context, NAME)["state"] == "notice", "an upheld appeal keeps it open"
    tracks, revision, _, _ = finals.publish_result(context, lin, NAME, "river was disqualified")
    assert [line["name"] for line in tracks[0]["lines"]] == ["lake", "hill"] and revision == 2
    assert finals.read_result(context, NAME, 1)[0][0]["lines"][0]["name"] == "river", "history stays"
    advance_all(context)
    assert competitions.read_public(context, NAME)["state"] == "notice", "it can be appealed against, too"
    contest.now = local("04-24", "00:00")
    advance_all(context)
    assert competitions.read_public(context, NAME)["state"] == "closed"


def test_an_appeal_after_its_deadline_is_refused(contest: Contest) -> None:
    played(contest)
    finals.open_final(contest.context, contest.person("lin"), NAME)
    score_all(contest, dict.fromkeys(TEAMS, 0.5))
    finals.publish_result(contest.context, contest.person("lin"), NAME)
    contest.now = local("04-03", "00:00")
    refused(
        lambda: appeals.appeal(contest.context, contest.person("ann"), NAME, track="smoking", text="Late."),
        "appeal_too_late",
    )


def test_the_team_chooses_its_entry_and_the_default_is_its_best(contest: Contest) -> None:
    context = contest.context
    first = enter(contest, "ann")
    score_all(contest, {"ann": 0.3})
    second = enter(contest, "ann")
    score_all(contest, {"ann": 0.9})
    other = enter(contest, "ben")
    refused(lambda: entries.choose_entry(context, contest.person("ben"), NAME, other), "entry_without_score")
    score_all(contest, {"ben": 0.9})
    assert entries.choose_entry(context, contest.person("ann"), NAME, first)["chosen"]
    contest.now = local("03-30", "18:00")
    finals.open_final(context, contest.person("lin"), NAME)
    sent = {
        entry["final_of"]
        for person in ("ann", "ben")
        for entry in entries.list_entries(context, contest.person(person), NAME)
        if "final_of" in entry
    }
    assert sent == {first, other} and second not in sent


def test_no_entry_is_scored_twice_and_none_is_lost_when_its_scorer_dies(contest: Contest) -> None:
    context = contest.context
    entry = enter(contest, "ann")
    with under_maintenance(context.database, contest.now):
        assert queue.claim(context) is None, "it begins after the maintenance"
    first = queue.claim(context)
    assert first is not None and queue.claim(context) is None, "its only slot is taken"
    assert queue.sweep(context, all_running=True) == 1
    second = queue.claim(context)
    assert second is not None and second.id == first.id and second.attempt == 2
    assert not note_noisy(contest, first, 0.9), "of an attempt that was given up"
    assert note_noisy(contest, second, 0.1)
    assert not note_noisy(contest, second, 0.9)
    shown = entries.read_entry(context, contest.person("ann"), NAME, entry)
    assert shown["state"] == "scored" and "noisy" not in str(shown)
    enter(contest, "ann")
    for _ in range(2):
        assert queue.claim(context) is not None
        assert queue.sweep(context, all_running=True) == 1
    [last, _] = entries.list_entries(context, contest.person("ann"), NAME)
    assert (last["state"], last["failure"], last["counts"]) == ("not_run", "interrupted", False)
    quota = teams.read_own_team(context, contest.person("ann"), NAME)["quotas"][0]
    assert quota["in_total"] == 1


def test_two_hundred_entries_of_twenty_teams_are_served_in_turn(contest: Contest) -> None:
    """Straight into the table: how they come there is tested elsewhere."""
    with contest.story.database.transaction() as tx:
        ids = [
            tx.execute(
                insert(competition_teams)
                .values(
                    competition=NAME,
                    name=f"t{number}",
                    captain="ann",
                    state="active",
                    invitation_sha256="",
                    formed_at=contest.now,
                )
                .returning(competition_teams.c.id)
            ).scalar_one()
            for number in range(20)
        ]
        row = {
            "competition": NAME,
            "track": "smoking",
            "phase": "a_board",
            "person": "ann",
            "kind": "program",
            "note": "",
            "content": {"run": "1"},
            "sha256": "",
            "outside_data": "",
            "seconds": 10,
            "state": "queued",
            "submitted_at": contest.now,
            "log_index": 0,
        }
        tx.execute(
            insert(competition_entries),
            [row | {"team": id, "entered_as": id} for id in ids for _ in range(10)],
        )
    served = []
    for _ in range(40):
        claimed = queue.claim(contest.context)
        assert claimed is not None
        contest.now = contest.now.replace(microsecond=contest.now.microsecond + 1)
        queue.note_failure(contest.context, claimed, "time")
        served.append(claimed.team)
    assert sorted(served[:20]) == sorted(served[20:]) == ids


def test_a_juror_sees_their_documents_alone_and_marks_by_the_rubric(contest: Contest) -> None:
    context, lin = contest.context, contest.person("lin")
    played(contest)
    contest.now = local("03-26")
    mei = contest.person("mei")
    assert jury.own_documents(context, contest.person("pan"), NAME) == []
    [written, *_] = jury.own_documents(context, mei, NAME)
    assert "team" not in written and "lake" not in str(written)
    with pytest.raises(InvalidInput):
        jury.give_marks(
            context, mei, NAME, written["entry"], round=written["round"], marks={"value": 99}, comment=""
        )
    refused(
        lambda: jury.give_marks(
            context, contest.person("pan"), NAME, written["entry"], round="written", marks={}, comment=""
        ),
        "document_not_assigned",
    )
    with pytest.raises(Conflict):
        jury.remove(context, lin, NAME, track="design", juror="mei")


def test_a_juror_who_does_not_mark_holds_up_no_result(contest: Contest) -> None:
    context, lin = contest.context, contest.person("lin")
    for person in ("ann", "ben"):
        hand_in(contest, person)
    for juror in ("mei", "nan", "ou"):
        jury.appoint(context, lin, NAME, track="design", juror=juror)
    contest.now = local("03-26")
    jury.assign_round(context, lin, NAME, track="design", round="written")
    written = {"value": 40, "craft": 20}
    for juror in ("mei", "nan"):
        mark_all(contest, juror, "written", written)
    instead = lambda of: jury.reassign(  # noqa: E731
        context, lin, NAME, track="design", round="written", instead_of=of
    )
    refused(lambda: instead("mei"), "document_not_assigned")  # mei has marked
    refused(lambda: instead("ou"), "too_few_jurors")
    contest.now = local("03-30", "18:00")  # the jury's phase is over
    jury.appoint(context, lin, NAME, track="design", juror="pan")
    given = {one["juror"]: (one["assigned"], one["scored"]) for one in instead("ou")}
    assert given == {"mei": (2, 2), "nan": (2, 2), "ou": (0, 0), "pan": (2, 0)}
    refused(lambda: mark_all(contest, "ou", "written", written, entry=1), "document_not_assigned")
    refused(lambda: finals.publish_result(context, lin, NAME), "result_not_complete")
    mark_all(contest, "pan", "written", written)
    jury.remove(context, lin, NAME, track="design", juror="ou")
    jury.assign_round(context, lin, NAME, track="design", round="defence")
    for juror in ("mei", "nan", "pan"):
        mark_all(contest, juror, "defence", {"talk": 70})
    finals.open_final(context, lin, NAME)
    tracks, *_ = finals.publish_result(context, lin, NAME)
    assert len(tracks[1]["lines"]) == 2
    refused(lambda: mark_all(contest, "mei", "written", written), "jury_not_open")


def hand_in(contest: Contest, person: str) -> None:
    entries.enter(
        contest.context,
        contest.person(person),
        NAME,
        track="design",
        kind="document",
        content={"text": f"A design of {person}"},
        note="",
        outside_data="",
    )


def mark_all(
    contest: Contest, juror: str, round: str, marks: dict[str, int], *, entry: int | None = None
) -> None:
    """Each of a juror's documents of a round, or that `entry`."""
    context, person = contest.context, contest.person(juror)
    own = jury.own_documents(context, person, NAME)
    numbers = [one["entry"] for one in own if one["round"] == round] if entry is None else [entry]
    for number in numbers:
        jury.give_marks(context, person, NAME, number, round=round, marks=marks, comment="")


def states(contest: Contest) -> dict[tuple[str, bool], str]:
    """By who entered, and whether it is of the final."""
    with contest.story.database.transaction() as tx:
        rows = tx.execute(select(competition_entries)).all()
    return {(row.person, row.final_of is not None): row.state for row in rows}


def test_no_entry_waits_for_ever_in_a_competition_or_team_that_is_over(contest: Contest) -> None:
    context, lin = contest.context, contest.person("lin")
    for person in ("ann", "ben"):
        enter(contest, person)
    score_all(contest, {"ann": 0.9, "ben": 0.1})
    enter(contest, "cai")
    running = queue.claim(context)
    assert running is not None and running.person == "cai"
    teams.disqualify(context, lin, NAME, running.team, "two accounts of one person")
    assert queue.cut_off(context, running), "its scorer died"
    assert queue.claim(context) is None, "a team that takes part no more is not scored"
    assert queue.sweep(context) == 1
    contest.now = local("03-30", "18:00")
    finals.open_final(context, lin, NAME)
    running = queue.claim(context)
    assert running is not None and running.final
    competitions.cancel(context, lin, NAME, "The data was wrong.")
    assert queue.cut_off(context, running)
    assert queue.claim(context) is None
    assert queue.sweep(context) == 1 and queue.sweep(context) == 0
    other = "ben" if running.person == "ann" else "ann"
    assert states(contest) == {
        ("ann", False): "scored",
        ("ben", False): "scored",
        ("cai", False): "not_run",
        (running.person, True): "not_run",
        (other, True): "cancelled",
    }
