"""The organiser announces, people who take part ask and answer, posts are hidden and shown again. Nothing of
it names a person to others, and no kernel has any of it."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from competition_story import NAME, Contest, local
from described_api import OPENAPI
from sandbox.competitions import competitions, discussion, teams
from sandbox.competitions.notify import tell_steps
from sandbox.competitions.tables import competition_history, competition_posts
from sandbox.errors import CihuError, Conflict, Forbidden, InvalidInput, NotFound, TooMany
from sandbox.notices.tables import notices
from story import Story


class Talk:
    """People who write in the discussion of a competition."""

    def __init__(self, contest: Contest) -> None:
        self.contest, self.context = contest, contest.context

    def post(self, who: str, text: str, answers: int | None = None) -> Any:
        return discussion.post(self.context, self.contest.person(who), NAME, text=text, answers=answers)

    def seen_by(self, who: str) -> list[Any]:
        return list(discussion.list_discussion(self.context, self.contest.person(who), NAME))

    def announce(self, who: str = "lin", **text: str) -> Any:
        words = {"text_zh": "", "text_en": ""} | text
        return discussion.announce(self.context, self.contest.person(who), NAME, **words)

    def moderate(self, id: int, then: str, who: str = "lin") -> Any:
        officer = self.contest.person(who)
        return discussion.moderate(self.context, officer, NAME, id, then=then, reason="it names a person")

    def told(self, event: str) -> list[str]:
        tell_steps(self.contest.story.database)
        with self.contest.story.database.transaction() as tx:
            wanted = select(notices.c.audience).where(notices.c.event == f"competition.{event}")
            return sorted(tx.scalars(wanted))


@pytest.fixture
def talk(story: Story) -> Talk:
    story.publish()
    contest = Contest(story)
    contest.people("ann", "ben", "cai")
    contest.announced()
    contest.now = local("03-05")
    contest.form("ann", "lake")
    contest.form("ben", "secret", hidden=True)
    return Talk(contest)


def refused(deed: Callable[[], object], code: str, kind: type[CihuError] = CihuError) -> None:
    with pytest.raises(kind) as told:
        deed()
    assert told.value.code == code
    assert told.value.zh and told.value.remedy and told.value.remedy_zh


def test_an_announcement_is_public_and_all_teams_are_told(talk: Talk) -> None:
    first = talk.announce(text_en="Board B opens later.")
    both = talk.announce(text_zh="数据说明已更新", text_en="The data's description was changed.")
    assert discussion.list_announcements(talk.context, NAME) == [both, first]
    assert "zh" not in first and both["zh"] == "数据说明已更新"
    assert talk.told("announcement_posted") == sorted(["officers:health", "person:ann", "person:ben"] * 2)
    refused(talk.announce, "empty_post", InvalidInput)
    for stranger in ("ann", "zhou"):
        with pytest.raises(Forbidden):
            talk.announce(stranger, text_en="Not mine to say.")
    talk.moderate(first["id"], "hidden")
    assert discussion.list_announcements(talk.context, NAME) == [both]


def test_who_takes_part_asks_and_answers_without_being_named(talk: Talk) -> None:
    asked = talk.post("ben", "Does a row stand for a visit?")
    answered = talk.post("lin", "Yes, for one.", asked["id"])
    other = talk.post("ann", "  May we use weather data?  ")
    assert [one["id"] for one in talk.seen_by("cai")] == [other["id"], asked["id"], answered["id"]]
    of_ben, of_lin = talk.seen_by("cai")[1:]
    assert (
        "name" not in of_ben["team"]
        and of_lin["by_organiser"]
        and other["text"] == "May we use weather data?"
    )
    shown = json.dumps(talk.seen_by("cai"), default=str)
    assert not any(f'"{person}"' in shown for person in ("ann", "ben", "lin")) and "secret" not in shown
    assert {one["author"] for one in talk.seen_by("lin")} == {"ann", "ben", "lin"}
    assert [one["yours"] for one in talk.seen_by("ben")] == [False, True, False]
    assert talk.told("question_posted") == ["officers:health"] * 2
    assert talk.told("answer_posted") == ["person:ben"]
    refused(lambda: talk.post("ann", "To an answer", answered["id"]), "post_not_found", NotFound)
    refused(lambda: talk.post("ann", " \n "), "empty_post", InvalidInput)
    for stranger in ("cai", "zhou"):
        with pytest.raises(Forbidden):
            talk.post(stranger, "I take no part.")


def test_a_post_is_hidden_with_a_reason_shown_again_and_withdrawn_and_stays(talk: Talk) -> None:
    asked = talk.post("ann", "A sentence that is hidden")
    for stranger in ("ben", "zhou"):
        with pytest.raises(Forbidden):
            talk.moderate(asked["id"], "hidden", stranger)
    talk.moderate(asked["id"], "hidden")
    texts = {who: talk.seen_by(who)[0].get("text") for who in ("ann", "ben", "lin")}
    assert texts == {"ann": asked["text"], "ben": None, "lin": asked["text"]}
    assert talk.seen_by("ann")[0]["reason"] and "reason" not in talk.seen_by("ben")[0]
    refused(lambda: talk.post("ben", "To what is hidden", asked["id"]), "post_not_found", NotFound)
    talk.moderate(asked["id"], "shown")
    assert talk.seen_by("ben")[0]["text"] == asked["text"] and "reason" not in talk.seen_by("ben")[0]
    assert talk.told("post_hidden") == talk.told("post_restored") == ["person:ann"]
    with pytest.raises(Forbidden):
        discussion.withdraw(talk.context, talk.contest.person("lin"), NAME, asked["id"])
    discussion.withdraw(talk.context, talk.contest.person("ann"), NAME, asked["id"])
    assert [who for who in ("ann", "ben", "lin") if "text" in talk.seen_by(who)[0]] == ["lin"]
    with pytest.raises(Conflict):
        talk.moderate(asked["id"], "shown")
    with talk.contest.story.database.transaction() as tx:
        assert tx.scalars(select(competition_posts.c.words)).all() == [{"text": asked["text"]}]
        steps = tx.execute(
            select(competition_history).where(competition_history.c.kind.like("competition.%post%"))
        ).all()
    assert [step.kind.partition(".")[2] for step in steps] == [
        "question_posted",
        "post_hidden",
        "post_restored",
        "post_withdrawn",
    ]
    assert not any(step.public for step in steps), "the public record names nobody who takes part"
    assert asked["text"] not in json.dumps([step.payload for step in steps])


def test_nobody_writes_without_end_or_after_the_end(talk: Talk) -> None:
    for _ in range(discussion.MOST_A_DAY):
        talk.post("ann", "again")
    refused(lambda: talk.post("ann", "once more"), "too_many_posts", TooMany)
    talk.post("ben", "another person")
    talk.contest.now += timedelta(days=1)
    last = talk.post("ann", "a day later")
    lin = talk.contest.person("lin")
    teams.withdraw(talk.context, talk.contest.person("ben"), NAME, "we stop here")
    with pytest.raises(Forbidden):
        talk.post("ben", "no longer in it")
    competitions.cancel(talk.context, lin, NAME, "the data are wrong")
    refused(lambda: talk.post("ann", "too late"), "wrong_competition_state", Conflict)
    refused(lambda: talk.announce(text_en="too late"), "wrong_competition_state", Conflict)
    assert talk.seen_by("ann")[0]["id"] == last["id"], "it can be read"
    talk.moderate(last["id"], "hidden")


def test_a_kernel_has_no_way_to_write(talk: Talk) -> None:
    """Its description is held against the socket by other tests; tests/kernels tries it from a kernel."""
    paths = json.loads((OPENAPI / "kernel.json").read_text("utf-8"))["paths"]
    at = "/v1/competitions/{name}"
    assert paths[f"{at}/announcements"].keys() == {"get"}
    assert not [path for path in paths if "discussion" in path]
