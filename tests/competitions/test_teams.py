"""One person is in one team; rules of teams hold whatever teams do at once; what they did stays."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from competition_story import DOCUMENT, NAME, Contest, local
from sandbox.audit import Log, Signer
from sandbox.competitions import competitions, queue, teams
from sandbox.competitions import team_entries as entries
from sandbox.competitions.record import advance_all
from sandbox.errors import CihuError, Conflict, Forbidden, NotFound, TooMany
from sandbox.identity.tables import accounts
from sandbox.training import certificates
from story import Story
from training_story import pass_test, training_of


@pytest.fixture
def contest(story: Story) -> Contest:
    story.publish()
    contest = Contest(story)
    contest.people("ann", "ben", "cai", "dai", "eng")
    contest.announced()
    contest.now = local("03-05")
    with story.database.transaction() as tx:
        tx.execute(update(accounts).values(created_at=local("01-01")))
    return contest


def refused(deed: Callable[[], object], code: str, kind: type[CihuError] = CihuError) -> None:
    with pytest.raises(kind) as told:
        deed()
    assert told.value.code == code
    assert told.value.zh and told.value.remedy and told.value.remedy_zh


def test_a_draft_is_agreed_to_by_another_officer_before_it_is_public(story: Story) -> None:
    story.publish()
    contest = Contest(story)
    context, lin, tang = contest.context, contest.person("lin"), contest.person("tang")
    draft = competitions.write_draft(context, lin, DOCUMENT)
    refused(lambda: competitions.read_public(context, NAME), "competition_not_found", NotFound)
    refused(lambda: competitions.read_draft(context, contest.person("zhou"), NAME), "competition_not_found")
    refused(lambda: competitions.announce(context, lin, NAME), "competition_not_agreed", Conflict)
    refused(lambda: competitions.agree(context, lin, NAME, draft["sha256"]), "own_competition", Conflict)
    competitions.agree(context, tang, NAME, draft["sha256"])
    changed = competitions.write_draft(context, lin, DOCUMENT + "# changed\n")
    refused(lambda: competitions.announce(context, lin, NAME), "competition_not_agreed", Conflict)
    refused(lambda: competitions.agree(context, tang, NAME, draft["sha256"]), "competition_changed")
    competitions.agree(context, tang, NAME, changed["sha256"])
    competitions.announce(context, lin, NAME)
    refused(lambda: competitions.write_draft(context, lin, DOCUMENT), "competition_exists", Conflict)
    states = []
    for contest.now in (local("02-28"), local("03-01"), local("03-30", "17:59"), local("03-30", "18:00")):
        advance_all(context)
        states.append(competitions.read_public(context, NAME)["state"])
    assert states == ["announced", "open", "open", "judging"]
    assert [one["name"] for one in competitions.list_public(context)] == [NAME]


def test_who_registers_is_eligible_and_accepts_the_terms(contest: Contest) -> None:
    context = contest.context
    form = lambda person, terms: teams.form(  # noqa: E731
        context, contest.person(person), NAME, team=f"of {person}", terms_sha256=terms, hidden=False
    )
    right = contest.document.terms_sha256
    refused(lambda: form("ann", "0" * 64), "terms_not_accepted", Conflict)
    with pytest.raises(Forbidden):
        form("zhou", right)
    with contest.story.database.transaction() as tx:
        tx.execute(update(accounts).where(accounts.c.id == "ben").values(created_at=local("02-20")))
    refused(lambda: form("ben", right), "not_eligible", Forbidden)
    contest.now = local("03-10", "18:00")
    refused(lambda: form("ann", right), "registration_closed", Conflict)


def test_a_certificate_that_is_asked_for_must_be_valid(story: Story, tmp_path: Path) -> None:
    story.publish()
    contest = Contest(story)
    contest.people("ann")
    contest.announced(DOCUMENT.replace("account_days: 30", "certificate: safe-researcher"))
    contest.now = local("03-05")
    refused(lambda: contest.form("ann", "lake"), "not_eligible", Forbidden)
    context = training_of(story, lambda: contest.now)
    ends = contest.now + timedelta(days=1)
    certificates.issue_by_officer(
        context, contest.person("lin"), person="ann", course="safe-researcher", expires_at=ends
    )
    contest.now = ends
    refused(lambda: contest.form("ann", "lake"), "not_eligible", Forbidden)
    pass_test(context, Log(story.database, Signer(tmp_path)), contest.person("ann"))
    contest.form("ann", "lake")


def test_one_person_is_in_one_team_whatever_they_do_at_once(contest: Contest) -> None:
    codes = [contest.form(person, f"of {person}")[1] for person in ("ann", "ben", "cai")]

    def join(code: str) -> str:
        try:
            contest.join("dai", code)
        except Conflict as refusal:
            return refusal.code
        return "joined"

    with ThreadPoolExecutor(3) as pool:
        told = sorted(pool.map(join, codes))
    assert told == ["joined", "one_person_one_team", "one_person_one_team"]


def test_a_team_takes_no_more_people_than_it_may(contest: Contest) -> None:
    _, code = contest.form("ann", "of ann")

    def join(person: str) -> str:
        try:
            contest.join(person, code)
        except Conflict as refusal:
            return refusal.code
        return "joined"

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(join, ("ben", "cai", "dai"))) == ["joined", "team_full", "team_full"]
    refused(lambda: contest.join("eng", "wrong"), "invitation_not_found", NotFound)


def test_no_more_teams_are_formed_than_share_the_board(contest: Contest) -> None:
    contest.now = local("03-02")
    for person in ("ann", "ben", "cai", "dai"):
        contest.form(person, f"of {person}")
    refused(lambda: contest.form("eng", "late"), "competition_full", Conflict)
    teams.dissolve(contest.context, contest.person("cai"), NAME)
    contest.form("eng", "late")


def enter(contest: Contest, person: str, track: str = "smoking") -> int:
    content = {"run": "1"} if track == "smoking" else {"text": f"A design of {person}"}
    entry, _ = entries.enter(
        contest.context,
        contest.person(person),
        NAME,
        track=track,
        kind="program" if track == "smoking" else "document",
        content=content,
        note="",
        outside_data="",
    )
    return entry["id"]


def test_who_leaves_a_team_that_entered_joins_no_other(contest: Contest) -> None:
    context = contest.context
    (_, first), (_, second) = contest.form("ann", "of ann"), contest.form("ben", "of ben")
    contest.join("cai", first)
    teams.leave(context, contest.person("cai"), NAME)
    contest.join("cai", second)
    enter(contest, "cai")
    refused(lambda: teams.dissolve(context, contest.person("ben"), NAME), "team_cannot_dissolve", Conflict)
    teams.leave(context, contest.person("ben"), NAME)
    assert teams.read_own_team(context, contest.person("cai"), NAME)["captain"] == "cai"
    refused(lambda: contest.join("ben", first), "one_person_one_team", Conflict)
    teams.leave(context, contest.person("cai"), NAME)
    states = {team.get("name"): team["state"] for team in teams.list_teams(context, NAME)}
    assert states == {"of ann": "active", "of ben": "withdrawn"}
    teams.dissolve(context, contest.person("ann"), NAME)
    contest.form("ann", "again")


def test_teams_merge_within_the_cap_of_one_team(contest: Contest) -> None:
    context, a, b = contest.context, contest.person("ann"), contest.person("ben")
    (first, _), (second, _) = contest.form("ann", "of ann"), contest.form("ben", "of ben")
    contest.now = local("03-06")
    for person in ("ann", "ann", "ben"):
        enter(contest, person)
    refused(lambda: teams.accept_merger(context, b, NAME, first), "merger_not_found", NotFound)
    teams.propose_merger(context, a, NAME, second)
    for _ in range(1):
        enter(contest, "ben")
    contest.now = local("03-07")
    enter(contest, "ann")
    enter(contest, "ann")
    refused(lambda: teams.accept_merger(context, b, NAME, first), "merger_beyond_cap", Conflict)
    cancelled = entries.list_entries(context, a, NAME)[0]
    entries.cancel_entry(context, a, NAME, cancelled["id"])
    merged = teams.accept_merger(context, b, NAME, first)
    assert [member["person"] for member in merged["members"]] == ["ann", "ben"]
    assert merged["quotas"][0]["in_total"] == 5
    assert len(entries.list_entries(context, a, NAME)) == 6
    refused(lambda: enter(contest, "ann"), "entries_used_up", TooMany)


def test_entries_are_counted_by_the_day_of_the_zone(contest: Contest) -> None:
    contest.form("ann", "of ann")
    contest.now = local("03-06", "23:59")
    enter(contest, "ann")
    enter(contest, "ann")
    refused(lambda: enter(contest, "ann"), "entries_of_today_used_up", TooMany)
    contest.now = local("03-07", "00:00")
    enter(contest, "ann")
    entry = entries.list_entries(contest.context, contest.person("ann"), NAME)[0]
    assert entry["place"] == 3 and entry["counts"]


def test_teams_are_fixed_and_entries_end_with_their_phase(contest: Contest) -> None:
    contest.form("ann", "of ann", hidden=True)
    _, code = contest.form("ben", "of ben")
    contest.now = local("03-20", "18:00")
    refused(lambda: contest.join("cai", code), "teams_fixed", Conflict)
    assert (
        entries.read_entry(contest.context, contest.person("ann"), NAME, enter(contest, "ann"))["phase"]
        == "b_board"
    )
    shown = teams.list_teams(contest.context, NAME)
    assert "name" not in shown[0] and shown[1]["name"] == "of ben"
    refused(lambda: entries.read_entry(contest.context, contest.person("ben"), NAME, 1), "entry_not_found")
    contest.now = local("03-25", "18:00")
    refused(lambda: enter(contest, "ann"), "no_phase_open", Conflict)
    contest.now = local("03-25", "19:00")
    assert queue.sweep(contest.context) == 1
    [entry] = entries.list_entries(contest.context, contest.person("ann"), NAME)
    assert (entry["state"], entry["failure"], entry["counts"]) == ("not_run", "phase_closed", False)
